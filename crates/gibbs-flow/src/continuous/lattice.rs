//! An equivariant velocity field on a periodic lattice.
//!
//! ```text
//! v_x(φ, t) = Σ_y [ w_0(x-y; t) φ_y + Σ_c w_c(x-y; t) h_c(φ_y) ],    h_c(φ) = Σ_f M_cf sin(ω_f φ)
//! w_c(x; t) = 1/N Σ_q cos(2π Σ_a q_a x_a / L_a) λ_c(q; t),           λ_c(q; t) = Σ_k cos(πkt) Λ_kc(q)
//! ∇·v = N w_0(0; t) + Σ_c w_c(0; t) Σ_x h_c'(φ_x)
//! ```
//!
//! Kernels as wide as the lattice couple all sites in one step. `λ_c(q)` is their eigenvalue for the mode `q`. Modes that are images of
//! each other by reflections or exchanges of axes of the same length share one number, and all functions are odd. So the field is
//! equivariant under translations, these symmetries, and the change of all signs. A flow from white noise is a density with all these
//! symmetries, without an average over images. The linear part alone makes every Gaussian distribution with these symmetries: a
//! constant `w_0` multiplies the mode `q` by `exp(λ_0(q))`.
//!
//! References: de Haan, Rainone, Cheng & Bondesan, "Scaling up machine learning for quantum field theory with equivariant continuous
//! flows", 2021, arXiv:2110.02673; Gerdes, de Haan, Rainone, Bondesan & Cheng, SciPost Phys. 15:238 (2023), arXiv:2207.00283.
//!
//! Differences from the papers: kernels are parametrized by their modes, so each variance is learned on its own. Cosines in time. No
//! regularization.
//!
//! Cost for each point: `2 + C` products with the matrix `[N, N]` of the modes and `N·F` sines. A divergence adds `N·F` cosines.

use std::{collections::BTreeMap, f64::consts::PI, sync::Arc};

use burn::{
    config::Config,
    module::{Module, Param},
    prelude::*,
    tensor::DType,
};
use gibbs_backend::Noise;
use gibbs_core::{Bijection, ConfigError, cache::Cache};

use super::velocity::{Velocity, VelocityField, check_context};
use crate::bijections::Hartley;

/// Sizes of the field.
#[derive(Config, Debug, PartialEq)]
pub struct LatticeFieldConfig {
    /// Numbers of sites `L_a` along the axes, each at least 1.
    pub lengths: Vec<usize>,
    /// Number of sines `F`, at least 1.
    #[config(default = 8)]
    pub features: usize,
    /// Number of their mixtures `C`, at least 1, each with a kernel of its own.
    #[config(default = 2)]
    pub channels: usize,
    /// Number `K` of cosines in time, at least 1. The first is constant.
    #[config(default = 4)]
    pub frequencies: usize,
}

impl LatticeFieldConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let n_sites: usize = self.lengths.iter().product();
        for (field, n) in [
            ("number of axes", self.lengths.len()),
            ("number of sites", n_sites),
            ("features", self.features),
            ("channels", self.channels),
            ("frequencies", self.frequencies),
        ] {
            ConfigError::at_least(field, n, 1)?;
        }
        Ok(())
    }

    /// A field at rest: kernels zero, frequencies standard normal as the base, mixtures normal with the variance `1/F`.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<LatticeField, ConfigError> {
        self.validate()?;
        let orbits = orbits(&self.lengths);
        let n_orbits = orbits.iter().max().map_or(0, |last| last + 1);
        let mut normal = |shape: [usize; 2]| -> Tensor<2> { noise.normal(shape, (device, DType::F32)) };
        let mixtures = normal([self.channels, self.features]) * (self.features as f64).sqrt().recip();
        Ok(LatticeField {
            frequencies: Param::from_tensor(normal([self.features, 1])),
            mixtures: Param::from_tensor(mixtures),
            kernels: Param::from_tensor(Tensor::zeros(
                [self.frequencies, (1 + self.channels) * n_orbits],
                (device, DType::F32),
            )),
            modes: Hartley::new(&self.lengths),
            orbits: orbits.into(),
            n_orbits,
            spread: Cache::default(),
        })
    }
}

/// For each wave vector, in row-major order, the number of its orbit under reflections and exchanges of axes of one length.
fn orbits(lengths: &[usize]) -> Vec<usize> {
    let mut numbers = BTreeMap::new();
    let n_sites: usize = lengths.iter().product();
    let of_mode = |mut mode: usize| {
        let mut folded: Vec<[usize; 2]> = lengths
            .iter()
            .rev()
            .map(|&length| {
                let q = mode % length;
                mode /= length;
                [length, q.min(length - q)]
            })
            .collect();
        folded.sort_unstable();
        let next = numbers.len();
        *numbers.entry(folded).or_insert(next)
    };
    (0..n_sites).map(of_mode).collect()
}

/// Sines of the fields and convolutions as wide as the lattice as a velocity field.
#[derive(Module, Debug)]
pub struct LatticeField {
    /// `ω [F, 1]`, radians for each unit of the field.
    pub frequencies: Param<Tensor<2>>,
    /// `M [C, F]`.
    pub mixtures: Param<Tensor<2>>,
    /// `Λ [K, (1 + C)·orbits]`, the linear kernel first; orbits of wave vectors in the order of their first members.
    pub kernels: Param<Tensor<2>>,
    modes: Hartley,
    #[module(skip)]
    orbits: Arc<[usize]>,
    n_orbits: usize,
    #[module(skip)]
    spread: Cache<Tensor<2>>,
}

impl LatticeField {
    /// The number of each wave vector's orbit, in row-major order, `[N]`.
    pub fn orbits(&self) -> &[usize] {
        &self.orbits
    }
}

impl VelocityField for LatticeField {
    fn n_variables(&self) -> usize {
        self.orbits.len()
    }

    fn n_context(&self) -> usize {
        0
    }

    fn velocity<'a>(&'a self, context: Option<&Tensor<2>>) -> Box<dyn Velocity + 'a> {
        check_context(context, 0);
        Box::new(Ready {
            field: self,
            frequencies: self.frequencies.val(),
            mixtures: self.mixtures.val(),
            kernels: self.kernels.val(),
        })
    }
}

/// The weights of a solve. Channels of `n` points are rows of `n·N`, so that one product takes all of them to modes.
struct Ready<'a> {
    field: &'a LatticeField,
    frequencies: Tensor<2>,
    mixtures: Tensor<2>,
    kernels: Tensor<2>,
}

impl Ready<'_> {
    /// `λ(t)` for times `[m, 1]`: `[1 + C, m, N]`.
    fn spectra(&self, t: &Tensor<2>) -> Tensor<3> {
        let (m, n_sites, n_orbits) = (t.dims()[0], self.field.n_variables(), self.field.n_orbits);
        let [n_cosines, width] = self.kernels.dims();
        let cosines: Vec<Tensor<2>> = (0..n_cosines).map(|k| (t.clone() * (PI * k as f64)).cos()).collect();
        let of_orbits = Tensor::cat(cosines, 1).matmul(self.kernels.clone());
        let spread = self.field.spread.get(t, |device, dtype| {
            let rows =
                (0..n_orbits).flat_map(|orbit| self.field.orbits.iter().map(move |&o| f32::from(o == orbit)));
            Tensor::from_data(
                TensorData::new(rows.collect::<Vec<f32>>(), [n_orbits, n_sites]),
                (device, dtype),
            )
        });
        let n_channels = width / n_orbits;
        let of_modes = of_orbits.reshape([m * n_channels, n_orbits]).matmul(spread);
        of_modes.reshape([m, n_channels, n_sites]).swap_dims(0, 1)
    }

    /// `ω_f φ_x`, `[F, n·N]`.
    fn phases(&self, x: &Tensor<2>) -> Tensor<2> {
        let [n, n_sites] = x.dims();
        x.clone().reshape([1, n * n_sites]) * self.frequencies.clone()
    }

    /// The convolutions of the fields `[n, N]` and of the channels `[C, n·N]`, summed up: `[n, N]`.
    fn convolved(&self, spectra: Tensor<3>, x: Tensor<2>, channels: Tensor<2>) -> Tensor<2> {
        let [n, n_sites] = x.dims();
        let n_channels = 1 + channels.dims()[0];
        let all = Tensor::cat(vec![x.reshape([1, n * n_sites]), channels], 0);
        let modes = self.modes(all.reshape([n_channels * n, n_sites])).reshape([n_channels, n, n_sites]);
        self.modes((modes * spectra).sum_dim(0).reshape([n, n_sites]))
    }

    fn modes(&self, x: Tensor<2>) -> Tensor<2> {
        self.field.modes.forward(x, None).0
    }
}

impl Velocity for Ready<'_> {
    fn at(&self, t: &Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        let channels = self.mixtures.clone().matmul(self.phases(&x).sin());
        self.convolved(self.spectra(t), x, channels)
    }

    fn along(&self, t: &Tensor<2>, x: Tensor<2>, direction: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let phases = self.phases(&x);
        let slopes = self.mixtures.clone().matmul(phases.clone().cos() * self.frequencies.clone());
        let channels = self.mixtures.clone().matmul(phases.sin());
        let [n, n_sites] = x.dims();
        let change = slopes * direction.clone().reshape([1, n * n_sites]);
        let spectra = self.spectra(t);
        let v = self.convolved(spectra.clone(), x, channels);
        (v, self.convolved(spectra, direction.clone(), change))
    }

    fn divergence(&self, t: &Tensor<2>, x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let ([n, n_sites], [n_channels, n_features]) = (x.dims(), self.mixtures.dims());
        let phases = self.phases(&x);
        let spectra = self.spectra(t);
        // `w_c(0; t)`, `[1 + C, m]`.
        let centers: Tensor<2> = spectra.clone().mean_dim(2).squeeze_dim(2);
        let weights = self.mixtures.clone().transpose().matmul(centers.clone().narrow(0, 1, n_channels))
            * self.frequencies.clone();
        let cosines: Tensor<2> =
            phases.clone().cos().reshape([n_features, n, n_sites]).sum_dim(2).squeeze_dim(2);
        let nonlinear = (cosines * weights).sum_dim(0);
        let divergence = nonlinear + centers.narrow(0, 0, 1) * n_sites as f64;
        let channels = self.mixtures.clone().matmul(phases.sin());
        (self.convolved(spectra, x, channels), divergence.squeeze_dim(0))
    }
}
