//! Settings of the flow of pictures.

use anyhow::Result;
use gibbs_core::nn::Activation;
use gibbs_flow::{ImageConfig, MultiScaleConfig};
use serde::{Deserialize, Serialize};

use crate::{cli::Preset, fault::Fault};

/// Sizes of couplings with convolutional networks, at several scales.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSizes {
    /// Rows and columns of a picture; `null` takes those of the data.
    pub shape: Option<[usize; 2]>,
    /// Channels of the networks at each scale, from the finest: as many as there are scales, at each of which rows and columns
    /// are halved.
    pub widths: Vec<usize>,
    /// Channels within residual blocks at the finest scale; at the others in proportion.
    pub bottleneck: usize,
    /// Residual blocks of a network.
    pub blocks: usize,
    /// Half-width of the windows: 1 for 3 by 3 sites.
    pub half_kernel: usize,
    /// Whether the networks know where a site is.
    pub positions: bool,
    /// Couplings of each scale that keep a checkerboard.
    pub checkerboards: usize,
    /// Couplings of each scale that keep the upper or lower ones of four sites.
    pub stripes: usize,
}

impl ImageSizes {
    /// Published are those for pictures of 32 by 32 sites (Dinh et al. 2017, section 4.1), for a GPU.
    pub(super) fn preset(preset: Preset) -> Self {
        let of =
            |widths: [usize; 2], bottleneck, blocks, positions, [checkerboards, stripes]: [usize; 2]| Self {
                shape: None,
                widths: widths.into(),
                bottleneck,
                blocks,
                half_kernel: 1,
                positions,
                checkerboards,
                stripes,
            };
        match preset {
            Preset::Tiny => of([8, 8], 8, 1, true, [2, 1]),
            Preset::Default => of([32, 48], 32, 2, true, [2, 2]),
            Preset::Paper => of([64, 128], 64, 8, false, [3, 3]),
        }
    }

    /// Fills in rows and columns, which are the last two of the sizes of an example.
    pub(super) fn settle(&mut self, shape: Option<&[usize]>) {
        if let Some(&[.., rows, columns]) = shape {
            self.shape.get_or_insert([rows, columns]);
        }
    }

    /// The flow of so many variables.
    ///
    /// # Errors
    /// Data that are no pictures.
    pub(super) fn flow(&self, n_variables: usize, activation: Activation) -> Result<MultiScaleConfig> {
        let [rows, columns] = match self.shape {
            Some(shape) if n_variables.is_multiple_of(shape[0] * shape[1]) => shape,
            _ => {
                return Err(Fault::usage(format!(
                    "model.kind = image: {n_variables} columns are no picture; set model.image.shape=[ROWS,COLUMNS], or take \
                     realnvp or spline"
                )));
            }
        };
        let image = ImageConfig::new([rows, columns], self.widths.clone())
            .with_bottleneck(self.bottleneck)
            .with_blocks(self.blocks)
            .with_half_kernel(self.half_kernel)
            .with_positions(self.positions)
            .with_checkerboards(self.checkerboards)
            .with_stripes(self.stripes);
        Ok(MultiScaleConfig::new(n_variables, image).with_activation(activation))
    }
}
