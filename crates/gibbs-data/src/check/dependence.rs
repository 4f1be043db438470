//! Columns that are linear functions of others.

use rayon::prelude::*;

/// A linear function of other columns.
pub(super) struct Dependence {
    /// The columns with a weight, in units of standard deviations, above [`LEAST_REST`].
    pub(super) on: Vec<usize>,
    /// Standard deviation of the rest, as a fraction of that of the column.
    pub(super) rest: f64,
}

/// A column is dependent if others predict it up to this part of its standard deviation: a density gains `ln 1000 = 7` nats from
/// the one column alone. Sums of rounded columns fall below it, noise of a thousandth does not.
const LEAST_REST: f64 = 1e-3;

/// The most columns that are compared: the work is their square times the rows.
const MOST_COLUMNS: usize = 500;

/// The most products: a tenth of a second on one core.
const MOST_PRODUCTS: usize = 200_000_000;

/// Rows for each column, without which a dependence may be chance.
const ROWS_A_COLUMN: usize = 2;

/// For each column, whether it is a linear function of those before it: QR decomposition of the standardized columns in f64 by
/// Gram and Schmidt, with each column orthogonalized twice (Giraud et al., Numerische Mathematik 101:87, 2005). Columns keep their order,
/// so that the later one is named. All are `None` if there are too many columns, or too few rows.
pub(super) fn dependences(columns: &[&[f32]]) -> Vec<Option<Dependence>> {
    let (n_columns, n_rows) = (columns.len(), columns.first().map_or(0, |column| column.len()));
    let most = (MOST_PRODUCTS / (2 * n_columns * n_columns).max(1)).max(ROWS_A_COLUMN * n_columns);
    let rows = n_rows.min(most);
    if n_columns > MOST_COLUMNS || rows < ROWS_A_COLUMN * n_columns {
        return columns.iter().map(|_| None).collect();
    }
    let rows: Vec<usize> = (0..rows).map(|i| i * n_rows / rows).collect();
    // Orthonormal directions, each with its column and the coefficients of that column in the directions before it and its own.
    let mut basis: Vec<(Vec<f64>, usize, Vec<f64>)> = Vec::new();
    let mut found = Vec::with_capacity(n_columns);
    for (k, column) in columns.iter().enumerate() {
        let Some(whole) = standardized(column, &rows) else {
            found.push(None);
            continue;
        };
        let mut rest = whole.clone();
        let mut coefficients = vec![0.0; basis.len()];
        for _ in 0..2 {
            let products: Vec<f64> = basis.par_iter().map(|(direction, ..)| dot(direction, &rest)).collect();
            for ((direction, ..), c) in basis.iter().zip(&products) {
                rest.iter_mut().zip(direction).for_each(|(x, d)| *x -= c * d);
            }
            coefficients.iter_mut().zip(products).for_each(|(sum, c)| *sum += c);
        }
        let length = dot(&rest, &rest).sqrt();
        if length < LEAST_REST && spread(&rest) <= LEAST_REST * spread(&whole) {
            found.push(Some(Dependence { on: weighted(&basis, coefficients), rest: length }));
        } else {
            rest.iter_mut().for_each(|x| *x /= length);
            coefficients.push(length);
            basis.push((rest, k, coefficients));
            found.push(None);
        }
    }
    found
}

/// Chosen rows of a column, with mean 0 and length 1; `None` for a constant.
fn standardized(column: &[f32], rows: &[usize]) -> Option<Vec<f64>> {
    let mut x: Vec<f64> = rows.iter().map(|&row| f64::from(column[row])).collect();
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    x.iter_mut().for_each(|x| *x -= mean);
    let length = dot(&x, &x).sqrt();
    x.iter_mut().for_each(|x| *x /= length);
    (length > 0.0).then_some(x)
}

/// The columns of the basis that have a weight in a vector with these coefficients: back substitution.
fn weighted(basis: &[(Vec<f64>, usize, Vec<f64>)], mut coefficients: Vec<f64>) -> Vec<usize> {
    let mut on = Vec::new();
    for (i, (_, column, of_column)) in basis.iter().enumerate().rev() {
        let weight = coefficients[i] / of_column[i];
        coefficients.iter_mut().zip(of_column).for_each(|(c, r)| *c -= weight * r);
        if weight.abs() > LEAST_REST {
            on.push(*column);
        }
    }
    on.reverse();
    on
}

/// Median distance from the median: a few extreme rows, through which a line can always be drawn, do not count.
fn spread(values: &[f64]) -> f64 {
    let median = |mut values: Vec<f64>| {
        let middle = values.len() / 2;
        *values.select_nth_unstable_by(middle, f64::total_cmp).1
    };
    let center = median(values.to_vec());
    median(values.iter().map(|x| (x - center).abs()).collect())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
