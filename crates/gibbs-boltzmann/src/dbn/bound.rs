//! A lower bound of the likelihood of a deep belief network.
//!
//! ```text
//! log p(v) ≥ E_q[log w(h)] - log Z_L,    h ~ q(h_1, …, h_{L-1} | v)
//! log w(h) = Σ_{k<L} [log p(h_{k-1} | h_k) - log q(h_k | h_{k-1})] - F_L(h_{L-1})
//! log p(v) ≥ E[log 1/K Σ_i w(h^i)] - log Z_L                                    tighter as K grows
//! ```
//!
//! References: Hinton, Osindero & Teh (2006), equation 8; Salakhutdinov & Murray, ICML 2008, section 4.3, with `log Z_L` by
//! annealed importance sampling; Burda, Grosse & Salakhutdinov, ICLR 2016, arXiv:1509.00519, equation 8, for several draws.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{Estimate, Kind, math::log_sum_exp_rows};

use super::network::Dbn;
use crate::units::{AnyUnits, UnitFamily, UnitMoments, Units};

impl Dbn {
    /// `log w(h)` for one draw `h ~ q(h | v)` of each row of `v`, `[batch]`, nats.
    ///
    /// Its mean less `log Z_L` is the variational lower bound of `log p(v)`; for a single layer it is `-F(v)`, exactly. For
    /// continuous hidden units below the top, densities take the place of probabilities. Waits for the device once, to check the
    /// values.
    ///
    /// # Panics
    /// If `v` are no states of the visible units; see [`require_states`](Self::require_states).
    pub fn log_weight(&self, v: Tensor<2>, noise: &mut Noise) -> Tensor<1> {
        self.require_states(&v);
        let hidden = self.infer(v.clone(), noise);
        let mut below = v;
        let mut total: Option<Tensor<1>> = None;
        for (k, h) in hidden.into_iter().enumerate() {
            let layer = &self.layers[k];
            let generative = layer.visible.log_prob(below.clone(), layer.visible_input(h.clone()));
            let recognition = layer.hidden.log_prob(h.clone(), self.recognition_input(k, below));
            let term = generative - recognition;
            total = Some(match total {
                Some(sum) => sum + term,
                None => term,
            });
            below = h;
        }
        let top = self.top_free_energy(below).neg();
        total.map_or(top.clone(), |sum| sum + top)
    }

    /// `log 1/K Σ_i w(h^i)` over `draws` draws for each row of `v`, `[batch]`, nats: one draw is
    /// [`log_weight`](Self::log_weight).
    ///
    /// # Panics
    /// If `draws` is zero.
    pub fn log_mean_weight(&self, v: Tensor<2>, draws: usize, noise: &mut Noise) -> Tensor<1> {
        assert!(draws > 0, "a mean over no draws");
        let weights: Vec<Tensor<2>> =
            (0..draws).map(|_| self.log_weight(v.clone(), noise).unsqueeze_dim(1)).collect();
        log_sum_exp_rows(Tensor::cat(weights, 1)) - (draws as f64).ln()
    }

    /// The bound of `log p(v)` for each example, and its mean: from two independent repetitions of the
    /// [log-weights](Self::log_mean_weight) of all examples, less `log Z` of the top RBM.
    ///
    /// The standard error is that of the repetitions and of `log Z`; the examples are given. If the error of `log Z` cannot be
    /// trusted, neither can that of the bound. The bound of a single layer with
    /// an exact `log Z` is exact.
    pub fn bound_of_two(&self, first: &[f64], second: &[f64], log_z: &Estimate) -> (Vec<f64>, Estimate) {
        let (mean, std_err) = mean_of_two(first, second);
        let bounds: Vec<f64> = mean.iter().map(|weight| weight - log_z.value).collect();
        let n = bounds.len();
        let is_exact = self.depth() == 1 && log_z.kind == Kind::Exact;
        let kind = if is_exact { Kind::Exact } else { Kind::LowerBound };
        let value = bounds.iter().sum::<f64>() / n as f64;
        let mean = Estimate::sampled(value, std_err.hypot(log_z.std_err), kind, n).over_examples(&bounds);
        (bounds, mean.or_unreliable(log_z.unreliable.clone()))
    }

    /// Independent units from which the top RBM is annealed: fitted to the means that the layers below compute of
    /// `v [batch, visible]`, or neutral if the network has a label.
    pub fn annealing_base(&self, v: Tensor<2>) -> AnyUnits {
        match self.n_classes() {
            0 => self.top().visible.fitted(&UnitMoments::of(self.encode(v))),
            _ => self.top().visible.neutral(),
        }
    }

    /// Free energy in the top RBM of states below it, `[batch, width] -> [batch]`, with a label summed out.
    fn top_free_energy(&self, h: Tensor<2>) -> Tensor<1> {
        match self.n_classes() {
            0 => self.top().free_energy_of_states(h),
            _ => log_sum_exp_rows(self.top().class_log_weights(h)).neg(),
        }
    }
}

/// Mean over two repetitions for each example, and the standard error of the mean over all examples. The examples are given,
/// so only the repetitions have an error.
pub fn mean_of_two(first: &[f64], second: &[f64]) -> (Vec<f64>, f64) {
    let pairs = || first.iter().zip(second);
    let squares: f64 = pairs().map(|(a, b)| (a - b).powi(2)).sum();
    (pairs().map(|(a, b)| (a + b) / 2.0).collect(), squares.sqrt() / (2.0 * first.len() as f64))
}
