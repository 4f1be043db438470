//! What is stored: examples of a set, pictures, or random patterns.

use gibbs_data::{DataError, ReadConfig, png};
use gibbs_physics::memory::random_patterns;

use crate::{prelude::*, source::rows, usage::check_counts};

/// Name of the data that are the pictures of `model.images`.
pub(super) const IMAGES: &str = "images";
/// Name of the data that are random patterns.
pub(super) const RANDOM: &str = "random";

/// Hopfield's larger network of 1982, and the load at which about half of its memories were recalled without error.
const SPINS_1982: usize = 100;
const PATTERNS_1982: usize = 15;

/// Training examples among which the most typical ones are looked for.
const SEARCHED: usize = 10_000;

/// The data of a name. A file of few examples is every split; one of ±1 becomes one of zeros and ones.
pub(super) fn load(name: &str, read: &ReadConfig, request: &Request, data_dir: &Path) -> Result<Splits> {
    match name {
        IMAGES => {
            let images: Vec<PathBuf> = request.or("model.images", Vec::new());
            Ok(Splits::whole(png::images(IMAGES, &images).or_usage()?))
        }
        RANDOM => random(request),
        _ => match gibbs_data::load_as(name, read, data_dir) {
            Err(DataError::EmptySplit { examples: 1.., .. }) => {
                let whole = ReadConfig { whole: true, ..read.clone() };
                of_two_values(whole.read(Path::new(name)).or_usage()?)
            }
            splits => of_two_values(splits.or_usage()?),
        },
    }
}

fn random(request: &Request) -> Result<Splits> {
    let n = request.or("model.n_visible", SPINS_1982);
    let p = request.or("model.n_patterns", PATTERNS_1982);
    check_counts(&[("model.n_visible", n), ("model.n_patterns", p)])?;
    let patterns = random_patterns(n, p, &mut Noise::new(request.or("seed", 0), "patterns"));
    let bytes = patterns.into_iter().flatten().map(|s| u8::from(s == 1)).collect();
    let side = n.isqrt();
    let shape = if side * side == n { vec![side, side] } else { vec![n] };
    Ok(Splits::whole(Dataset::from_bytes(RANDOM, bytes, &shape, None)?))
}

/// Values in \[0, 1\] as they are, ±1 as 1 and 0.
fn of_two_values(splits: Splits) -> Result<Splits> {
    let parts = || [&splits.train, &splits.valid, &splits.test].into_iter();
    let Some(error) = parts().find_map(|part| part.require_unit_interval().err()) else { return Ok(splits) };
    let is_spin =
        |part: &Dataset| (0..part.len()).all(|row| part.values(&[row]).iter().all(|x| x.abs() == 1.0));
    if !parts().all(is_spin) {
        return Err(match error {
            DataError::OutsideUnit { name, row, value } => usage!(
                "{name}: example {row} holds the value {value:?}; patterns are made of -1 and +1, of 0 and 1, or of grey \
                 values in [0, 1]"
            ),
            other => other.into(),
        });
    }
    splits.try_map(|part| {
        let values = part.values(&rows(&part)).into_iter().map(|x| 0.5 * (x + 1.0)).collect();
        Ok(Dataset::from_f32(part.name(), values, part.shape(), None)?)
    })
}

/// Examples as states: 1 for white, -1 for black.
pub(super) fn states(data: &Dataset, rows: &[usize]) -> Vec<Vec<f32>> {
    let values = data.values(rows);
    values.chunks(data.width()).map(|row| row.iter().map(|x| 2.0 * x - 1.0).collect()).collect()
}

/// Values in \[0, 1\] of a state.
pub(super) fn pixels(state: &[f32]) -> impl Iterator<Item = f32> {
    state.iter().map(|s| (0.5 * (s + 1.0)).clamp(0.0, 1.0))
}

/// The labels that occur, in order.
pub(super) fn classes(labels: &[u16]) -> Vec<u16> {
    let mut classes = labels.to_vec();
    classes.sort_unstable();
    classes.dedup();
    classes
}

/// The rows that are stored: all rows if `n_patterns` is their number; else, with labels, those nearest to the mean of their
/// class, class by class; else rows drawn by the seed.
pub(super) fn stored_rows(data: &Dataset, n_patterns: usize, seed: u64) -> Vec<usize> {
    if n_patterns == data.len() {
        return (0..n_patterns).collect();
    }
    let data = &data.rows(0..data.len().min(SEARCHED.max(n_patterns)));
    match data.labels() {
        Some(labels) => most_typical(data, labels, n_patterns),
        None => {
            let mut rows = Noise::new(seed, "patterns").permutation(data.len());
            rows.truncate(n_patterns);
            rows
        }
    }
}

/// The nearest to the mean of each class, then the second nearest of each, and so on.
fn most_typical(data: &Dataset, labels: &[u16], n_patterns: usize) -> Vec<usize> {
    let ranked: Vec<Vec<usize>> = classes(labels)
        .iter()
        .map(|class| {
            let rows: Vec<usize> = (0..data.len()).filter(|row| labels[*row] == *class).collect();
            let mut mean = vec![0.0; data.width()];
            for row in &rows {
                let x = data.values(&[*row]);
                mean.iter_mut().zip(x).for_each(|(mean, x)| *mean += x / rows.len() as f32);
            }
            let distance =
                |row: usize| data.values(&[row]).iter().zip(&mean).map(|(x, m)| (x - m).powi(2)).sum::<f32>();
            let mut ranked: Vec<(f32, usize)> = rows.iter().map(|row| (distance(*row), *row)).collect();
            ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
            ranked.into_iter().map(|(_, row)| row).collect()
        })
        .collect();
    let longest = ranked.iter().map(Vec::len).max().unwrap_or(0);
    let by_rank = (0..longest).flat_map(|rank| ranked.iter().filter_map(move |rows| rows.get(rank)));
    by_rank.copied().take(n_patterns).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_nearest_to_the_mean_of_their_class_are_stored() {
        // Class 0 has the mean (0.4, 0), class 1 the mean (1, 0.5).
        let values = vec![0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.5, 0.2, 0.0, 1.0, 0.0];
        let labels = vec![0, 1, 0, 1, 0, 1];
        let set = Dataset::from_f32("set", values, &[2], Some(labels)).unwrap();
        assert_eq!(stored_rows(&set, 2, 0), [4, 3]);
        assert_eq!(stored_rows(&set, 4, 0)[..3], [4, 3, 0]);
        assert_eq!(stored_rows(&set, 6, 0), [0, 1, 2, 3, 4, 5]);
        let plain = Dataset::from_f32("set", vec![0.5; 8], &[2], None).unwrap();
        let rows = stored_rows(&plain, 3, 7);
        assert!(rows.len() == 3 && rows.iter().all(|row| *row < 4));
        assert_eq!(rows, stored_rows(&plain, 3, 7));
    }

    #[test]
    fn spins_become_bits_and_other_values_are_refused() {
        let set = |values: Vec<f32>| Splits::whole(Dataset::from_f32("set", values, &[2], None).unwrap());
        let bits = of_two_values(set(vec![1.0, -1.0, -1.0, 1.0])).unwrap();
        assert_eq!(bits.test.values(&[0, 1]), [1.0, 0.0, 0.0, 1.0]);
        assert_eq!(of_two_values(set(vec![0.25, 1.0])).unwrap().train.values(&[0]), [0.25, 1.0]);
        let message = of_two_values(set(vec![1.0, -1.0, 0.5, 1.0])).unwrap_err().to_string();
        assert!(
            message.starts_with("set: example 0 holds the value -1.0; patterns are made of"),
            "{message}"
        );
    }
}
