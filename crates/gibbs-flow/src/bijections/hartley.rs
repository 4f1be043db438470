//! From sites to Fourier modes: the Hartley transform of real fields on a periodic lattice.
//!
//! ```text
//! z_k = 1/√N Σ_x cas(2π Σ_a k_a x_a / L_a)·φ_x,     cas θ = cos θ + sin θ,   N = Π_a L_a
//! ```
//!
//! The matrix is symmetric and orthogonal. It is its own inverse, and its log-determinant is zero. If the distribution of a field is
//! invariant under translations, its modes are uncorrelated, and the modes `k` and `-k` have the same variance. Sites and modes are
//! in row-major order.
//!
//! References: Hartley, Proc. IRE 30:144 (1942), doi:10.1109/JRPROC.1942.234333; Bracewell, J. Opt. Soc. Am. 73:1832 (1983),
//! doi:10.1364/JOSA.73.001832, for the discrete transform.
//!
//! Cost: a product with a matrix, `N²` for each example.

use std::{f64::consts::TAU, sync::Arc};

use burn::{config::Config, module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{Bijection, ConfigError, cache::Cache, math::row_zeros};

use super::layer_config::{FlowLayer, InitLayer, Sizes};

/// The lattice of a transform.
#[derive(Config, Debug, PartialEq)]
pub struct HartleyConfig {
    /// Numbers of sites along the axes.
    pub lengths: Vec<usize>,
}

impl InitLayer for HartleyConfig {
    type Layer = Hartley;

    fn validate(&self, sizes: Sizes) -> Result<(), ConfigError> {
        let (n, n_sites) = (sizes.n_variables, self.lengths.iter().product::<usize>());
        let reason = format!("must be {n}, the number of variables");
        ConfigError::require(n_sites == n, "number of sites", n_sites, reason)
    }

    fn init(&self, sizes: Sizes, _: &Device, _: &mut Noise, _: &mut Noise) -> Result<Hartley, ConfigError> {
        self.validate(sizes)?;
        Ok(Hartley::new(&self.lengths))
    }
}

impl FlowLayer for Hartley {
    fn touch(&self, touched: Vec<bool>) -> Vec<bool> {
        vec![touched.contains(&true); touched.len()]
    }
}

/// The transform of fields on a periodic lattice with any number of axes.
#[derive(Module, Debug)]
pub struct Hartley {
    /// `[N, N]`.
    #[module(skip)]
    matrix: Arc<[f64]>,
    n_sites: usize,
    #[module(skip)]
    cache: Cache<Tensor<2>>,
}

impl Hartley {
    /// The transform of a lattice with these numbers of sites along its axes.
    pub fn new(lengths: &[usize]) -> Self {
        let n_sites: usize = lengths.iter().product();
        let norm = (n_sites as f64).sqrt().recip();
        let element = |k: usize, x: usize| {
            let (mut k, mut x, mut turns) = (k, x, 0.0);
            for length in lengths.iter().rev() {
                // Whole turns are left out, so that large products lose no digits.
                turns += ((k % length) * (x % length) % length) as f64 / *length as f64;
                (k, x) = (k / length, x / length);
            }
            let (sin, cos) = (TAU * turns).sin_cos();
            norm * (cos + sin)
        };
        let matrix = (0..n_sites).flat_map(|k| (0..n_sites).map(move |x| (k, x)));
        Self { matrix: matrix.map(|(k, x)| element(k, x)).collect(), n_sites, cache: Cache::default() }
    }

    fn transformed(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let n = self.n_sites;
        assert_eq!(x.dims()[1], n, "fields on {n} sites");
        let matrix = self.cache.get(&x, |device, dtype| {
            Tensor::from_data(TensorData::new(self.matrix.to_vec(), [n, n]), (device, dtype))
        });
        let ladj = row_zeros(&x);
        (x.matmul(matrix), ladj)
    }
}

impl Bijection for Hartley {
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.transformed(x)
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        self.transformed(z)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::DType;
    use gibbs_core::math::to_host;

    use super::*;

    fn transform(lengths: &[usize], x: Vec<f64>) -> Vec<f64> {
        let n = x.len();
        let x = Tensor::<2>::from_data(TensorData::new(x, [1, n]), (&Device::flex(), DType::F64));
        to_host(Hartley::new(lengths).forward(x, None).0)
    }

    /// A plane wave `A cos(2π q·x/L) + B sin(…)` has the modes `√N (A ± B)/2` at `±q`, and no others.
    #[test]
    fn a_plane_wave_is_a_pair_of_modes() {
        let (lengths, q, [a, b]) = ([3, 5], [1, 3], [0.7, -0.2]);
        let field = (0..15).map(|x| {
            let phase = TAU * ((q[0] * (x / 5)) as f64 / 3.0 + (q[1] * (x % 5)) as f64 / 5.0);
            a * phase.cos() + b * phase.sin()
        });
        let mut expected = [0.0; 15];
        expected[5 + 3] = 15f64.sqrt() * (a + b) / 2.0;
        expected[2 * 5 + 2] = 15f64.sqrt() * (a - b) / 2.0;
        for (found, expected) in transform(&lengths, field.collect()).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn the_first_mode_is_the_mean() {
        let modes = transform(&[2, 2, 3], vec![1.5; 12]);
        assert!((modes[0] - 1.5 * 12f64.sqrt()).abs() < 1e-12);
        assert!(modes[1..].iter().all(|mode| mode.abs() < 1e-12));
    }
}
