//! Measurements that several machines share.
//!
//! Chains and draws come in blocks, each with its own stream of noise. `eval --shard I/N` computes some of the blocks, `eval --merge`
//! makes the metrics of all of them. The numbers are those of `eval` on one machine, to the bit.
//!
//! ```text
//! RUN_DIR/blocks/CHECKSUM/0.npy 1.npy ...     the values of each block, for these weights, settings and data
//! ```

use anyhow::Context;
use gibbs_data::npy::{self, Array};
use gibbs_runs::sweep::Shard;
use sha2::{Digest, Sha256};

use crate::{output::note, prelude::*};

/// The chains or draws of a measurement, in blocks that do not depend on each other.
pub trait Blocks {
    /// What they are, such as `chains`.
    fn what(&self) -> &'static str;

    /// How many blocks there are.
    fn n(&self) -> usize;

    /// The values of a block: some columns of equal length, one after the other.
    ///
    /// # Errors
    /// A model that cannot be measured.
    fn values(&self, block: usize) -> Result<Vec<f64>>;

    /// The values of all blocks.
    ///
    /// # Errors
    /// Those of [`values`](Self::values).
    fn all(&self, work: &Work) -> Result<Vec<Vec<f64>>> {
        let part = format!("blocks of {}", self.what());
        work.over(&part, 0..self.n()).map(|block| self.values(block)).collect()
    }
}

/// The columns of all blocks.
pub fn columns<const K: usize>(blocks: &[Vec<f64>]) -> [Vec<f64>; K] {
    let column =
        |k: usize| blocks.iter().flat_map(move |block| block.chunks(block.len() / K).nth(k)).flatten();
    std::array::from_fn(|k| column(k).copied().collect())
}

/// The folder of the blocks of a measurement.
pub struct BlockFolder(PathBuf);

impl BlockFolder {
    /// For a run measured on a part of some data. Its name is a checksum of all that the values depend on.
    ///
    /// # Errors
    /// A run without weights.
    pub fn new(files: &RunFiles, data: &str, part: &str) -> Result<Self> {
        let mut digest = Sha256::new();
        for path in [files.config(), files.model()] {
            digest.update(std::fs::read(&path).with_context(|| path.display().to_string())?);
        }
        digest.update(format!("{data} {part}"));
        let name: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self(files.named("blocks").join(name)))
    }

    fn file(&self, block: usize) -> PathBuf {
        self.0.join(format!("{block}.npy"))
    }

    /// Computes those blocks of a shard that are not there.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn compute(&self, blocks: &dyn Blocks, shard: Shard, work: &Work) -> Result<()> {
        std::fs::create_dir_all(&self.0).with_context(|| self.0.display().to_string())?;
        let mine = shard.of(0..blocks.n());
        let what = format!("blocks of {}", blocks.what());
        for block in work.over(&what, mine.iter().copied().filter(|&block| !self.file(block).exists())) {
            let values = blocks.values(block)?;
            npy::write(&self.file(block), &values, &[values.len()])?;
        }
        note(format!("{}: {} of {} {what} are done", self.0.display(), mine.len(), blocks.n()));
        Ok(())
    }

    /// The values of all blocks.
    ///
    /// # Errors
    /// Blocks that are missing, or files that are none.
    pub fn read(&self, blocks: &dyn Blocks) -> Result<Vec<Vec<f64>>> {
        let missing = (0..blocks.n()).filter(|&block| !self.file(block).exists());
        let missing: Vec<String> = missing.map(|block| block.to_string()).collect();
        require!(
            missing.is_empty(),
            "{}: of the {} blocks for these weights, settings and data some are missing: {}; make them by eval --shard I/N",
            self.0.display(),
            blocks.n(),
            missing.join(", ")
        );
        let read = |block: usize| match npy::read(&self.file(block)).or_usage()?.values {
            Array::F64(values) if !values.is_empty() => Ok(values),
            _ => Err(usage!("{}: not a block; remove it and make it again", self.file(block).display())),
        };
        (0..blocks.n()).map(read).collect()
    }
}
