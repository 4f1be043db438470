//! What a latent variable of a flow does to a field, and the wavelets to compare it with.
//!
//! ```text
//! response:    E_z[∂x/∂z_i],   z ~ the base
//! Daubechies:  φ = Σ_j h_j √2 φ(2t - j),   ψ = Σ_j g_j √2 φ(2t - j),   g_j = (-1)^j h_{3-j}
//!              h = (1 + √3, 3 + √3, 3 - √3, 1 - √3) / 4√2
//! ```
//!
//! A Gaussian field has a linear flow, so its response does not depend on `z`. Haar wavelets are the response of a
//! [`Hierarchy`](crate::Hierarchy) before training.
//!
//! References: Daubechies, Commun. Pure Appl. Math. 41:909 (1988), doi:10.1002/cpa.3160410705, section 4, the filter with four
//! coefficients; Li & Wang, Phys. Rev. Lett. 121:260601 (2018), arXiv:1802.02840, for responses as wavelets.

use burn::prelude::*;
use gibbs_core::{Bijection, math::to_host};

/// The mean derivative `∂x/∂z_latent [D]` at the points `z [n, D]` of the base, by central differences of width `2·step`.
///
/// # Panics
/// If there is no such variable.
pub fn mean_response(flow: &impl Bijection, z: Tensor<2>, latent: usize, step: f64) -> Vec<f64> {
    let [_, width] = z.dims();
    let axis = Tensor::<1, Int>::arange(0..width as i64, &z.device()).equal_elem(latent as i64);
    let shift = axis.float().cast(z.dtype()).unsqueeze::<2>() * step;
    let x = |z: Tensor<2>| flow.inverse(z, None).0;
    let difference = x(z.clone() + shift.clone()) - x(z - shift);
    to_host((difference / (2.0 * step)).mean_dim(0))
}

/// Daubechies' wavelet with four coefficients on a periodic lattice `[rows·columns]`: along the rows a wavelet, along the columns the
/// scaling function, `scale` halvings (at least 1) from the sites, at a place of the coarse lattice. Its norm is 1. An axis of one site
/// has neither.
///
/// # Panics
/// If an axis of more than one site cannot be halved so often, or there is no such place.
pub fn daubechies([rows, columns]: [usize; 2], scale: usize, place: [usize; 2]) -> Vec<f64> {
    let root = 3f64.sqrt();
    let norm = (4.0 * 2f64.sqrt()).recip();
    let low = [1.0 + root, 3.0 + root, 3.0 - root, 1.0 - root].map(|h| h * norm);
    let high = [low[3], -low[2], low[1], -low[0]];
    let along = |length: usize, at: usize, first: &[f64; 4]| -> Vec<f64> {
        if length == 1 {
            return vec![1.0];
        }
        let coarse = length >> scale;
        assert!(scale > 0 && coarse << scale == length, "{length} sites cannot be halved {scale} times");
        let mut values = vec![0.0; coarse];
        values[at] = 1.0;
        (0..scale).fold(values, |values, halving| refined(&values, if halving == 0 { first } else { &low }))
    };
    let (down, across) = (along(rows, place[0], &low), along(columns, place[1], &high));
    down.iter().flat_map(|a| across.iter().map(move |b| a * b)).collect()
}

/// Coefficients of a scale as values of the next finer one.
fn refined(coarse: &[f64], filter: &[f64; 4]) -> Vec<f64> {
    let n = 2 * coarse.len();
    let mut fine = vec![0.0; n];
    for (place, value) in coarse.iter().enumerate() {
        filter.iter().enumerate().for_each(|(j, h)| fine[(2 * place + j) % n] += h * value);
    }
    fine
}

#[cfg(test)]
mod tests {
    use burn::tensor::DType;
    use gibbs_backend::Noise;

    use super::*;

    fn product(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    /// On 16 by 16 sites: orthonormal at one scale and across scales, orthogonal to constants and to slopes along the rows.
    #[test]
    fn daubechies_wavelets_are_orthonormal_and_see_no_slope() {
        let lattice = [16, 16];
        let all: Vec<Vec<f64>> = (1..=3)
            .flat_map(|scale| (0..16 >> scale).map(move |at| daubechies(lattice, scale, [at, at / 2])))
            .collect();
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                let expected = f64::from(u8::from(i == j));
                assert!((product(a, b) - expected).abs() < 1e-12, "{i} {j}: {}", product(a, b));
            }
        }
        // Away from the seam of the periodic lattice, where a slope jumps.
        let slope: Vec<f64> = (0..256).map(|site| f64::from(site % 16)).collect();
        for scale in [1, 2] {
            assert!(product(&daubechies(lattice, scale, [0, 0]), &slope).abs() < 1e-12);
        }
        assert_eq!(daubechies([1, 4], 1, [0, 0]).len(), 4);
    }

    /// A linear flow has the columns of its inverse, whatever the points.
    #[test]
    fn the_response_of_a_linear_flow_is_a_column_of_its_inverse() {
        let hartley = crate::Hartley::new(&[2, 3]);
        let z = Noise::new(0, "z").normal([5, 6], (&Device::flex(), DType::F64));
        let columns = to_host(hartley.inverse(Tensor::<2>::eye(6, &Device::flex()).cast(DType::F64), None).0);
        for (latent, column) in columns.chunks(6).enumerate() {
            let found = mean_response(&hartley, z.clone(), latent, 0.1);
            assert!(found.iter().zip(column).all(|(a, b)| (a - b).abs() < 1e-12), "{latent}: {found:?}");
        }
    }

    #[test]
    #[should_panic(expected = "6 sites cannot be halved 2 times")]
    fn a_lattice_that_cannot_be_halved_so_often_panics() {
        daubechies([6, 6], 2, [0, 0]);
    }
}
