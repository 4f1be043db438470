//! Values in memory, and their conversion to `f32`.

use std::sync::Arc;

use gibbs_backend::Noise;

use crate::Kind;

/// The values of a whole file. All its views share them.
#[derive(Clone, Debug)]
pub(crate) enum Storage {
    /// Bytes 0 to 255, which mean 0 to 1.
    Gray(Arc<Vec<u8>>),
    /// Bytes 0 and 1.
    Binary(Arc<Vec<u8>>),
    /// Real values.
    Real(Arc<Vec<f32>>),
}

impl Storage {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Gray(bytes) | Self::Binary(bytes) => bytes.len(),
            Self::Real(values) => values.len(),
        }
    }

    pub(crate) fn bytes_in_memory(&self) -> usize {
        match self {
            Self::Gray(bytes) | Self::Binary(bytes) => bytes.capacity(),
            Self::Real(values) => values.capacity() * size_of::<f32>(),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Gray(_) => Kind::Gray,
            Self::Binary(_) => Kind::Binary,
            Self::Real(_) => Kind::Real,
        }
    }

    /// The rows of `width` values at `order`.
    pub(crate) fn reordered(&self, order: &[usize], width: usize) -> Self {
        fn rows<T: Copy>(values: &[T], order: &[usize], width: usize) -> Arc<Vec<T>> {
            Arc::new(order.iter().flat_map(|&i| &values[i * width..(i + 1) * width]).copied().collect())
        }
        match self {
            Self::Gray(bytes) => Self::Gray(rows(bytes, order, width)),
            Self::Binary(bytes) => Self::Binary(rows(bytes, order, width)),
            Self::Real(values) => Self::Real(rows(values, order, width)),
        }
    }

    /// Copies the values from `start` to `out`.
    pub(crate) fn copy(&self, start: usize, out: &mut [f32]) {
        let end = start + out.len();
        match self {
            Self::Gray(bytes) => map(&bytes[start..end], out, |byte| GRAY[usize::from(byte)]),
            Self::Binary(bytes) => map(&bytes[start..end], out, f32::from),
            Self::Real(values) => out.copy_from_slice(&values[start..end]),
        }
    }
}

fn map(bytes: &[u8], out: &mut [f32], value: impl Fn(u8) -> f32) {
    for (to, &byte) in out.iter_mut().zip(bytes) {
        *to = value(byte);
    }
}

/// `byte / 255`.
const GRAY: [f32; 256] = {
    let mut table = [0.0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte as f32 / 255.0;
        byte += 1;
    }
    table
};

/// The change of the values of an example when it is read.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    Plain,
    /// 1 above ½, else 0.
    Threshold,
    /// 1 with the value as probability. The draws depend on the example and, if `per_epoch`, on the epoch.
    Draw {
        seed: u64,
        per_epoch: bool,
    },
    /// `(byte + u) / 256` with uniform `u`, which is new in each epoch.
    Dequantize {
        seed: u64,
    },
    /// `x + step·u` with uniform `u`, which is new in each epoch, and the step of each column, 0 for none.
    Spread {
        seed: u64,
        steps: Arc<[f32]>,
    },
}

impl Rule {
    /// The stream of the draws, if there are any.
    pub(crate) fn noise(&self, origin: &str, epoch: u64) -> Option<Noise> {
        match self {
            Self::Plain | Self::Threshold => None,
            Self::Draw { seed, per_epoch: false } => Some(Noise::new(*seed, format!("binarize/{origin}"))),
            Self::Draw { seed, per_epoch: true } => {
                Some(Noise::new(*seed, format!("binarize/{origin}/epoch-{epoch}")))
            }
            Self::Dequantize { seed } | Self::Spread { seed, .. } => {
                Some(Noise::new(*seed, format!("dequantize/{origin}/epoch-{epoch}")))
            }
        }
    }

    /// Applies the rule to `out`, the plain values from `start`. `noise` comes from [`Rule::noise`].
    pub(crate) fn apply(&self, noise: Option<&Noise>, start: usize, out: &mut [f32]) {
        let n = out.len();
        let uniform = || noise.map(|noise| noise.clone().at(start as u64).uniform_vec(n)).unwrap_or_default();
        match self {
            Self::Plain => {}
            Self::Threshold => out.iter_mut().for_each(|x| *x = f32::from(u8::from(*x > 0.5))),
            Self::Draw { .. } => {
                for (x, u) in out.iter_mut().zip(uniform()) {
                    *x = f32::from(u8::from(u < *x));
                }
            }
            Self::Dequantize { .. } => {
                for (x, u) in out.iter_mut().zip(uniform()) {
                    *x = dequantize(*x, u);
                }
            }
            // Rows are whole, so that values and steps go together.
            Self::Spread { steps, .. } => {
                for ((x, u), step) in out.iter_mut().zip(uniform()).zip(steps.iter().cycle()) {
                    *x += step * inner(u);
                }
            }
        }
    }
}

/// The point at `u` in `[0, 1)` of the cell of gray value `x` (a multiple of 1/255), strictly between 0 and 1.
fn dequantize(x: f32, u: f32) -> f32 {
    let byte = (x * 255.0).round();
    (byte + inner(u)) / 256.0
}

/// `u` in `[0, 1)` rounded to the middle of one of 2^15 parts. The sum with a byte is therefore exact in f32, and no value rounds
/// to 1.
fn inner(u: f32) -> f32 {
    const PARTS: f32 = 32_768.0;
    ((u * PARTS).floor() + 0.5) / PARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_spread_over_their_own_steps() {
        let rule = Rule::Spread { seed: 1, steps: [0.0, 1.0, 0.5].into() };
        let noise = rule.noise("set", 3);
        let values = [2.5, 3.0, -1.5].repeat(400);
        let mut spread = values.clone();
        rule.apply(noise.as_ref(), 0, &mut spread);
        let moved: Vec<f32> = spread.iter().zip(&values).map(|(a, b)| a - b).collect();
        for (column, step) in [(0, 0.0), (1, 1.0), (2, 0.5)] {
            let u: Vec<f64> = moved.iter().skip(column).step_by(3).map(|&u| f64::from(u)).collect();
            assert!(u.iter().all(|&u| u >= 0.0 && u <= step) && u.iter().all(|&u| step == 0.0 || u > 0.0));
            let mean = u.iter().sum::<f64>() / 400.0;
            assert!((mean - step / 2.0).abs() <= 4.0 * step / (12.0 * 400f64).sqrt(), "{mean}");
        }
        // A later row has the draws of its place.
        let mut last = values[3 * 399..].to_vec();
        rule.apply(noise.as_ref(), 3 * 399, &mut last);
        assert_eq!(last, spread[3 * 399..]);
    }

    #[test]
    fn dequantized_values_stay_in_their_cell() {
        let almost_one = 1.0 - f32::EPSILON / 2.0;
        for byte in 0..=255u8 {
            let x = GRAY[usize::from(byte)];
            let (low, high) = (dequantize(x, 0.0), dequantize(x, almost_one));
            assert!(low > f32::from(byte) / 256.0 && high < (f32::from(byte) + 1.0) / 256.0, "byte {byte}");
            assert!(high - low > 0.9999 / 256.0);
        }
    }
}
