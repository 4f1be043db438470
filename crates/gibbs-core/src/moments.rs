//! Mean and covariance of examples in batches.

use burn::prelude::*;

use crate::math::to_host;

/// The mean and the covariance of the columns of a data set.
///
/// ```text
/// m = 1/n Σ x_i,   C = 1/n Σ (x_i - m)(x_i - m)ᵀ
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnMoments {
    /// Number of examples, `n`.
    pub examples: usize,
    /// `m [width]`.
    pub mean: Vec<f64>,
    /// `C [width, width]`, row by row.
    pub covariance: Vec<f64>,
}

impl ColumnMoments {
    /// Computes the moments in one pass over `batches`, each `[batch, width]`. Returns `None` without examples.
    ///
    /// It sums `x - shift` and their products. The shift is the mean of the first batch, so that few digits cancel (Chan, Golub &
    /// LeVeque, The American Statistician 37:242, 1983). Products have the precision of the batches; sums over batches are f64.
    ///
    /// # Panics
    /// If the batches have different widths.
    pub fn of(batches: impl IntoIterator<Item = Tensor<2>>) -> Option<Self> {
        let mut batches = batches.into_iter().filter(|x| x.dims()[0] > 0).peekable();
        let shift: Tensor<2> = batches.peek()?.clone().mean_dim(0);
        let [_, width] = shift.dims();
        let (mut examples, mut sum, mut products) = (0, vec![0.0; width], vec![0.0; width * width]);
        for x in batches {
            assert_eq!(x.dims()[1], width, "the batches differ in width");
            examples += x.dims()[0];
            let x = x - shift.clone();
            add(&mut sum, x.clone().sum_dim(0));
            add(&mut products, x.clone().transpose().matmul(x));
        }
        let n = examples as f64;
        sum.iter_mut().for_each(|sum| *sum /= n);
        for (i, product) in products.iter_mut().enumerate() {
            *product = *product / n - sum[i / width] * sum[i % width];
        }
        let mean = to_host(shift).iter().zip(&sum).map(|(shift, rest)| shift + rest).collect();
        Some(Self { examples, mean, covariance: products })
    }
}

fn add(sums: &mut [f64], terms: Tensor<2>) {
    sums.iter_mut().zip(to_host(terms)).for_each(|(sum, term)| *sum += term);
}

#[cfg(test)]
mod tests {
    use burn::tensor::DType;
    use gibbs_backend::Noise;

    use super::*;

    #[test]
    fn the_moments_of_batches_are_those_of_all_examples() {
        let options = (&Device::flex(), DType::F64);
        // Far from the origin. Sums of products without the shift lose eight digits here.
        let x: Tensor<2> = Noise::new(0, "examples").normal([50, 3], options) + 1e4;
        let found = ColumnMoments::of(x.clone().split(7, 0)).unwrap();
        let rows = to_host(x);
        let mean = |f: &dyn Fn(&[f64]) -> f64| rows.chunks(3).map(f).sum::<f64>() / 50.0;
        assert_eq!(found.examples, 50);
        for i in 0..3 {
            let m_i = mean(&|x| x[i]);
            assert!((found.mean[i] - m_i).abs() < 1e-9);
            for j in 0..3 {
                let m_j = mean(&|x| x[j]);
                let truth = mean(&|x| (x[i] - m_i) * (x[j] - m_j));
                assert!((found.covariance[3 * i + j] - truth).abs() < 1e-10, "{i} {j}");
            }
        }
    }

    #[test]
    fn no_examples_have_no_moments() {
        assert_eq!(ColumnMoments::of(Vec::new()), None);
        assert_eq!(ColumnMoments::of([Tensor::<2>::zeros([0, 3], &Device::flex())]), None);
    }
}
