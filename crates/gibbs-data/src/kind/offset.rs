//! Offsets of columns whose rounding to single precision would matter.
//!
//! ```text
//! y = x - offset        in f64; |∂y/∂x| = 1
//! ```

use rayon::prelude::*;

use crate::{Array, DataError};

/// An offset is taken where the spacing of f32 at the median exceeds this part of the distance of the quartiles. Values then
/// keep less than 12 of their bits.
const COARSE: f64 = 1.0 / 4096.0;

/// The offset of each of `width` columns, if one of them needs it: 0, or the median rounded to a power of two below the
/// distance of the quartiles, which makes the difference exact.
pub(crate) fn offsets(values: &Array, width: usize) -> Option<Vec<f64>> {
    let offset = |k: usize| match values {
        Array::F64(values) => offset(values.iter().skip(k).step_by(width).copied().collect()),
        Array::I64(values) => {
            let column: Vec<i64> = values.iter().skip(k).step_by(width).copied().collect();
            offset_of_integers(&column)
        }
        _ => 0.0,
    };
    let offsets: Vec<f64> = (0..width).into_par_iter().map(offset).collect();
    offsets.iter().any(|offset| *offset != 0.0).then_some(offsets)
}

/// The offset of one column.
fn offset(column: Vec<f64>) -> f64 {
    let is_rounded = column.iter().any(|&x| x.is_finite() && f64::from(x as f32) != x);
    if is_rounded { central(column, 0) } else { 0.0 }
}

/// The offset of a column of whole numbers, whose differences count also where double precision rounds them.
fn offset_of_integers(column: &[i64]) -> f64 {
    let is_rounded = column.iter().any(|&x| i128::from(x) != (x as f32) as i128);
    match column.first() {
        Some(&base) if is_rounded => {
            central(column.iter().map(|&x| (i128::from(x) - i128::from(base)) as f64).collect(), base)
        }
        _ => 0.0,
    }
}

/// The rounded median of `base` plus the values, if single precision is coarse there; else 0.
fn central(mut values: Vec<f64>, base: i64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = |part: usize| values[(values.len() - 1) * part / 4];
    let spread = if at(3) > at(1) { at(3) - at(1) } else { at(4) - at(0) };
    let median = (i128::from(base) + at(2) as i128) as f64;
    let median = if base == 0 { at(2) } else { median };
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
