//! Offsets of columns whose rounding to single precision would matter.
//!
//! ```text
//! y = x - offset        in f64; |∂y/∂x| = 1
//! ```

use crate::{Array, DataError};

/// An offset is taken where the spacing of f32 at the median exceeds this part of the distance of the quartiles. Values then
/// keep less than 12 of their bits.
const COARSE: f64 = 1.0 / 4096.0;

/// The offset of each of `width` columns, if one of them needs it: 0, or the median rounded to a power of two below the
/// distance of the quartiles, which makes the difference exact.
pub(crate) fn offsets(values: &Array, width: usize) -> Option<Vec<f64>> {
    if !matches!(values, Array::F64(_) | Array::I64(_)) {
        return None;
    }
    let offsets: Vec<f64> = (0..width)
        .map(|k| {
            let column: Vec<f64> = (k..values.len()).step_by(width).map(|i| values.get(i)).collect();
            offset(column)
        })
        .collect();
    offsets.iter().any(|offset| *offset != 0.0).then_some(offsets)
}

/// The offset of one column.
fn offset(mut column: Vec<f64>) -> f64 {
    if !column.iter().any(|&x| x.is_finite() && f64::from(x as f32) != x) {
        return 0.0;
    }
    column.sort_by(f64::total_cmp);
    let at = |part: usize| column[(column.len() - 1) * part / 4];
    let (median, spread) = (at(2), if at(3) > at(1) { at(3) - at(1) } else { at(4) - at(0) });
    if !median.is_finite() || !spread.is_finite() || spread == 0.0 {
        return 0.0;
    }
    if median.abs() * f64::from(f32::EPSILON) <= COARSE * spread {
        return 0.0;
    }
    let step = spread.log2().floor().exp2();
    (median / step).round() * step
}

/// Values minus the offsets of their columns, in single precision; no offsets are zeros. An error is the index of the first value
/// that is not finite there.
pub(crate) fn subtract(values: Array, offsets: &[f64]) -> Result<Vec<f32>, (usize, f64)> {
    let finite = |i: usize, x: f64, y: f32| if y.is_finite() { Ok(y) } else { Err((i, x)) };
    let of = |i: usize| if offsets.is_empty() { 0.0 } else { offsets[i % offsets.len()] };
    let difference = |(i, x): (usize, f64)| finite(i, x, (x - of(i)) as f32);
    match values {
        Array::F32(values) if offsets.is_empty() => match values.iter().position(|x| !x.is_finite()) {
            None => Ok(values),
            Some(i) => Err((i, f64::from(values[i]))),
        },
        Array::U8(values) => values.into_iter().map(f64::from).enumerate().map(difference).collect(),
        Array::F32(values) => values.into_iter().map(f64::from).enumerate().map(difference).collect(),
        Array::F64(values) => values.into_iter().enumerate().map(difference).collect(),
        // Differences of whole numbers are exact beyond 2⁵³.
        Array::I64(values) => {
            let less = |(i, x): (usize, i64)| match of(i) {
                offset if offset.fract() == 0.0 => Ok((i128::from(x) - offset as i128) as f32),
                _ => difference((i, x as f64)),
            };
            values.into_iter().enumerate().map(less).collect()
        }
    }
}

/// Refuses rows of contexts with a column that single precision would round coarsely.
pub(crate) fn require_single(values: &[f64], columns: &[String], name: &str) -> Result<(), DataError> {
    let width = columns.len().max(1);
    for (k, column) in columns.iter().enumerate() {
        let offset = offset(values.iter().skip(k).step_by(width).copied().collect());
        if offset != 0.0 {
            return Err(DataError::Rounded { name: name.to_owned(), column: column.clone(), offset });
        }
    }
    Ok(())
}
