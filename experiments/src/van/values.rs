//! Spins in data, which are stored as bits.

use anyhow::Result;
use gibbs_data::{Dataset, Splits};

use crate::fault::Fault;

/// Examples that are looked at together.
const ROWS: usize = 4096;

/// A set of spins, -1 and +1 or 0 and 1, as bits.
///
/// # Errors
/// Any other value.
pub(super) fn bits(data: Splits) -> Result<Splits> {
    data.try_map(|set| if set.is_binary() { Ok(set) } else { bits_of(&set) })
}

fn bits_of(set: &Dataset) -> Result<Dataset> {
    let rows: Vec<usize> = (0..set.len()).collect();
    let mut bits = Vec::with_capacity(set.len() * set.width());
    for (block, rows) in rows.chunks(ROWS).enumerate() {
        for (i, value) in set.values(rows).into_iter().enumerate() {
            bits.push(match value {
                1.0 => 1,
                0.0 | -1.0 => 0,
                _ => {
                    return Err(Fault::usage(format!(
                        "{}: example {} has the value {value:?}; spins are -1 and +1, or 0 and 1 (take `made` for \
                         anything else, or data.binarization)",
                        set.name(),
                        block * ROWS + i / set.width()
                    )));
                }
            });
        }
    }
    Ok(Dataset::from_bytes(set.name(), bits, set.shape(), None)?)
}
