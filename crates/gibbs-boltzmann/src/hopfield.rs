//! Hopfield networks as RBMs: hidden Gaussian units mediate the couplings of spins.
//!
//! ```text
//! exp(½ u²) = ∫ exp(u x - ½ x²) dx / √(2π)                       Hubbard-Stratonovich
//! E(s) = -(β/2n) Σ_k (ξ_k·s)²   is the free energy of  W = √(β/n) ξᵀ  with hidden units N(0, 1), up to a constant
//! ```
//!
//! Reference: Barra, Bernacchia, Santucci & Contucci, Neural Networks 34:1 (2012), doi:10.1016/j.neunet.2012.06.003.

use burn::{module::Param, prelude::*};
use gibbs_core::math::to_host;

use crate::{
    bm::BoltzmannMachine,
    rbm::{AnyRbm, Rbm},
    units::{AnyUnits, Gaussian, Spin},
};

/// The RBM of a Hopfield network with the patterns `ξ [p, n]` at inverse temperature `β`: `n` spins and a Gaussian unit for each pattern.
/// Patterns of ±1 give Hebb's rule; orthogonal ones of length `√n` that span the same space give the pseudo-inverse rule. For couplings
/// `J = (1/n) Σ ξ ξᵀ` without their diagonal,
///
/// ```text
/// log Z_RBM - (p/2) log 2π = log Σ_s exp(½ β s·J·s) + ½ β Σ_ki ξ_ki² / n
/// ```
///
/// For patterns of ±1 and of length `√n` the last term is `β p / 2`.
///
/// # Panics
/// If `β` is negative.
pub fn rbm_of_patterns(patterns: Tensor<2>, beta: f64) -> Rbm<Spin, Gaussian> {
    assert!(beta >= 0.0, "beta = {beta}: it must not be negative");
    let ([p, n], device, dtype) = (patterns.dims(), patterns.device(), patterns.dtype());
    let zeros = |width: usize| Param::from_tensor(Tensor::zeros([width], (&device, dtype)));
    Rbm {
        weight: Param::from_tensor(patterns.transpose() * (beta / n as f64).sqrt()),
        visible: Spin { bias: zeros(n) },
        hidden: Gaussian { mean: zeros(p), log_var: zeros(p) },
    }
}

impl From<Rbm<Spin, Gaussian>> for AnyRbm {
    fn from(rbm: Rbm<Spin, Gaussian>) -> Self {
        let Rbm { weight, visible, hidden } = rbm;
        Self { weight, visible: AnyUnits::Spin(visible), hidden: AnyUnits::Gaussian(hidden) }
    }
}

/// The network of an RBM of spins with hidden Gaussian units: couplings `W diag(e^s) Wᵀ` and fields `b + W μ` of its spins, and
/// `log p*_RBM(v) - (-E(v))`, the same for all `v`, nats.
///
/// # Panics
/// If the device fails.
pub fn network_of_rbm(rbm: &Rbm<Spin, Gaussian>) -> (BoltzmannMachine, f64) {
    let (weight, log_var) = (rbm.weight.val(), rbm.hidden.log_var.val());
    let ([n, _], mean) = (weight.dims(), rbm.hidden.mean.val());
    let scaled = weight.clone() * log_var.clone().exp().unsqueeze();
    let couplings = scaled.matmul(weight.clone().transpose());
    let diagonal = Tensor::<2>::eye(n, &weight.device()).cast(weight.dtype());
    let own = (couplings.clone() * diagonal.clone()).sum() * 0.5;
    let gaussian = (log_var + std::f64::consts::TAU.ln()).sum() * 0.5;
    let shift = weight.matmul(mean.unsqueeze_dim(1)).squeeze_dim(1);
    let machine = BoltzmannMachine::new(
        Param::from_tensor(couplings.clone() - couplings * diagonal),
        Param::from_tensor(rbm.visible.bias.val() + shift),
        n,
    );
    (machine, to_host(own + gaussian)[0])
}

#[cfg(test)]
mod tests {
    use burn::tensor::FloatDType;
    use gibbs_backend::Noise;
    use gibbs_core::params;

    use super::*;
    use crate::{exact, fixtures::tensor, units::EnumerableUnits};

    #[test]
    fn a_hopfield_network_is_an_rbm_with_gaussian_hidden_units() {
        let (n, p, beta) = (7, 3, 1.3);
        let mut noise = Noise::new(1, "patterns");
        let patterns = tensor((0..n * p).map(|_| noise.next_normal().signum()).collect(), [p, n]);
        let rbm = rbm_of_patterns(patterns.clone(), beta);
        let states = rbm.visible.states(0, 1 << n).cast(FloatDType::F64);

        // The energy of the network by its definition, without the diagonal of the couplings.
        let overlaps = states.clone().matmul(patterns.transpose());
        let energy = overlaps.square().sum_dim(1).squeeze_dim::<1>(1) * (-0.5 * beta / n as f64)
            + 0.5 * beta * p as f64;
        let constant = 0.5 * p as f64 * std::f64::consts::TAU.ln() + 0.5 * beta * p as f64;
        let off = to_host(rbm.free_energy(states.clone()) - energy.clone() + constant);
        assert!(off.iter().all(|off| off.abs() < 1e-10), "{off:?}");
        let log_z = gibbs_core::math::log_sum_exp(&to_host(energy.clone().neg()));
        assert!((exact::log_z(&rbm).unwrap().value - constant - log_z).abs() < 1e-10);

        let (network, shift) = network_of_rbm(&rbm);
        assert!((shift - constant).abs() < 1e-10);
        assert!(to_host(network.energy(states) - energy).iter().all(|off| off.abs() < 1e-10));
    }

    #[test]
    fn an_rbm_with_any_gaussian_hidden_units_is_a_network() {
        let noise = &mut Noise::new(2, "machine");
        let patterns: Tensor<2> = noise.normal([3, 6], &Device::flex());
        let rbm = gibbs_testkit::perturbed(rbm_of_patterns(patterns, 1.0), 0.3, noise.clone());
        let rbm = params::cast(rbm, FloatDType::F64);
        let states = rbm.visible.states(0, 1 << 6);
        let (network, shift) = network_of_rbm(&rbm);
        let off = to_host(rbm.free_energy(states.clone()) - network.energy(states) + shift);
        assert!(off.iter().all(|off| off.abs() < 1e-10), "{off:?}");
        assert!((exact::log_z(&rbm).unwrap().value - shift - network.exact_log_z().value).abs() < 1e-10);
        assert_eq!(network.n_hidden(), 0);
    }
}
