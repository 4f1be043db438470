//! An output distribution for each column of a table, chosen from the training data.
//!
//! ```text
//! 0 and 1 alone                Bernoulli
//! few whole numbers            categorical, from the smallest to the largest
//! anything else                mixture of Gaussians, standardized
//! ```

use gibbs_autoregressive::OutputDistribution;
use gibbs_core::preprocess::PreprocessorConfig;
use gibbs_data::{
    Dataset,
    check::{ColumnKind, columns_of, kind_of_columns},
};

use crate::source::SourceInfo;

/// The most levels of a categorical column. Every level has parameters of its own; 64 of them have as many as 21 components.
const MOST_LEVELS: i64 = 64;

/// The distribution of each column of the training data. A column with one whole number other than 0 and 1 counts as real, and is
/// refused as such.
pub(super) fn choose(data: &Dataset) -> OutputDistribution {
    let distribution = |kind: ColumnKind| match kind {
        ColumnKind::Binary => OutputDistribution::Bernoulli,
        ColumnKind::Integer { low, high } if low < high && high - low < MOST_LEVELS => {
            OutputDistribution::Categorical { levels: (high - low + 1) as usize }
        }
        _ => OutputDistribution::gaussian_mixture(),
    };
    let columns: Vec<_> = kind_of_columns(data).into_iter().map(distribution).collect();
    let is_shared = columns.windows(2).all(|pair| pair[0] == pair[1]);
    let is_categorical = matches!(columns[0], OutputDistribution::Categorical { .. });
    if is_shared && !is_categorical { columns[0].clone() } else { OutputDistribution::Mixed { columns } }
}

/// The map to the coordinates of the model: levels begin at 0, real columns have mean 0 and standard deviation 1.
pub(super) fn preprocessing(columns: &[OutputDistribution], info: &SourceInfo) -> PreprocessorConfig {
    let Some(data) = info.data else {
        return PreprocessorConfig::Standardize { shift: Vec::new(), scale: Vec::new(), tails: None };
    };
    let values = columns_of(&data.train);
    let mut preprocessing = PreprocessorConfig::standardize(&values);
    if let PreprocessorConfig::Standardize { shift, scale, .. } = &mut preprocessing {
        for (i, (column, values)) in columns.iter().zip(&values).enumerate() {
            let first = match column {
                OutputDistribution::GaussianMixture { .. } => continue,
                OutputDistribution::Categorical { .. } => {
                    values.iter().copied().fold(f64::INFINITY, f64::min)
                }
                _ => 0.0,
            };
            (shift[i], scale[i]) = (first, 1.0);
        }
    }
    preprocessing
}

#[cfg(test)]
mod tests {
    use OutputDistribution::{Bernoulli, Categorical};

    use super::*;

    fn table(rows: &[[f32; 4]]) -> Dataset {
        Dataset::from_f32("table", rows.concat(), &[4], None).unwrap()
    }

    #[test]
    fn each_column_has_the_distribution_of_its_kind() {
        let data = table(&[[0.0, 3.0, 0.5, 1.0], [1.0, 7.0, -2.0, 900.0], [1.0, 4.0, 1.5, 3.0]]);
        let real = OutputDistribution::gaussian_mixture();
        let columns = vec![Bernoulli, Categorical { levels: 5 }, real.clone(), real.clone()];
        assert_eq!(choose(&data), OutputDistribution::Mixed { columns });
        let bits = table(&[[0.0, 1.0, 0.0, 1.0], [1.0, 1.0, 0.0, 0.0]]);
        assert_eq!(choose(&bits), Bernoulli);
        let constant = table(&[[0.0, 3.0, 2.0, 1.0], [1.0, 4.0, 2.0, 1.0]]);
        let columns = vec![Bernoulli, Categorical { levels: 2 }, real, Bernoulli];
        assert_eq!(choose(&constant), OutputDistribution::Mixed { columns });
    }
}
