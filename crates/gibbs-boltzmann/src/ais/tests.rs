//! What estimates of `log Z` promise, against enumeration.

use burn::{module::Param, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{Estimate, Kind, math::to_host};

use super::*;
use crate::{
    AnyRbm, RbmConfig, exact,
    fixtures::{rbm_of, rows_of_states, tensor},
    units::{AnyUnits, UnitKind, UnitMoments},
};

/// Most standard errors between an estimate and the exact value.
const SIGMAS: f64 = 4.0;

fn covers(estimate: &Estimate, exact: f64) -> bool {
    (estimate.value - exact).abs() < SIGMAS * estimate.std_err
}

/// 12 visible and 4 hidden binary units that are all off or all on. The states with all units on have `exp(excess)` times the
/// weight of the others, and hardly any states lie between.
fn two_modes(excess: f64) -> AnyRbm {
    let device = Device::flex();
    let rbm = RbmConfig::new(12, 4).init(&device, &mut Noise::new(0, "init")).unwrap();
    let with_bias = |mut units: AnyUnits, bias: f64| {
        let AnyUnits::Binary(layer) = &mut units else { panic!("binary units") };
        layer.bias = Param::from_tensor(layer.bias.val().full_like(bias));
        units
    };
    // All on: 12 ln(1 + exp(4·2.5 - 5)) + 4 c; all off: 12 ln(1 + exp(-5)).
    let field = (excess - 12.0 * (5f64.exp().ln_1p() - (-5f64).exp().ln_1p())) / 4.0;
    AnyRbm {
        weight: Param::from_tensor(Tensor::full([12, 4], 2.5, &device)),
        visible: with_bias(rbm.visible, -5.0),
        hidden: with_bias(rbm.hidden, field),
    }
}

/// A base of units that are mostly off, as for data from one of the two modes.
fn base_of_one_mode(rbm: &AnyRbm) -> AnyUnits {
    let off = Tensor::<2>::zeros([100, 12], &Device::flex());
    rbm.visible.fitted(&UnitMoments::of(off))
}

/// Annealed chains never reach the second mode, and their error does not show it. The reverse direction does.
#[test]
fn a_mode_that_annealing_misses_is_noticed() {
    let protocol = AisProtocol { chains: 60, temperatures: 100, burn_in: 100 };
    for excess in [-1.0, 0.0, 1.0, 3.0] {
        let rbm = two_modes(excess);
        let (exact, base) = (exact::log_z(&rbm).unwrap().value, base_of_one_mode(&rbm));
        for seed in 0..5 {
            let bracket = protocol.bracket(&rbm, &base, None, &Noise::new(seed, "ais"));
            let Bracket { lower, upper, .. } = &bracket;
            assert_eq!((lower.kind, upper.kind), (Kind::LowerBound, Kind::Asymptotic));
            assert!(lower.value < exact + SIGMAS * lower.std_err, "{excess}, {seed}: {lower}, exact {exact}");
            for estimate in [&bracket.log_z, upper] {
                let is_honest = estimate.unreliable.is_some() || covers(estimate, exact);
                assert!(is_honest, "{excess}, {seed}: {estimate}, exact {exact}");
            }
        }
    }
}

/// Machines with couplings from weak to strong: what is not marked lies within its errors.
#[test]
fn estimates_that_are_not_marked_cover_the_exact_value() {
    let protocol = AisProtocol { chains: 60, temperatures: 200, burn_in: 50 };
    let (mut kept, mut covered) = (0, 0);
    for (seed, std) in (0..60).map(|seed| (seed, [0.3, 0.6, 1.2, 2.5][seed as usize % 4])) {
        let noise = &mut Noise::new(seed, "machine");
        let rbm = RbmConfig::new(10, 6).with_weight_std(std).init(&Device::flex(), noise).unwrap();
        let exact = exact::log_z(&rbm).unwrap().value;
        let bracket = protocol.bracket(&rbm, &rbm.visible.neutral(), None, &Noise::new(seed, "ais"));
        for estimate in [&bracket.log_z, &bracket.upper] {
            if estimate.unreliable.is_none() {
                kept += 1;
                covered += u32::from(covers(estimate, exact));
            }
        }
    }
    assert!(kept >= 60, "only {kept} of 120 estimates are not marked");
    assert!(f64::from(covered) >= 0.95 * f64::from(kept), "{covered} of {kept}");
}

#[test]
fn reverse_estimates_are_bounds_from_exact_draws_only() {
    let rbm = rbm_of(UnitKind::Binary, UnitKind::Binary, 3);
    let exact = exact::log_z(&rbm).unwrap().value;
    let ais = AnnealedImportance::new(&rbm, rbm.visible.neutral(), AisSchedule::linear(20));
    let (probs, states) = (exact::visible_distribution(&rbm).unwrap(), rows_of_states(&rbm.visible));
    for seed in 0..20 {
        let noise = &mut Noise::new(seed, "draws");
        let draws = gibbs_testkit::draw_states(&probs, 200, noise);
        let values: Vec<f64> = draws.iter().flat_map(|&state| states[state].clone()).collect();
        let draws = tensor(values, [200, 6]).cast(burn::tensor::FloatDType::F32);
        let bracket = ais.bracket(200, ReverseStart::Exact(draws), noise);
        assert_eq!((bracket.lower.kind, bracket.upper.kind), (Kind::LowerBound, Kind::UpperBound));
        for bound in [&bracket.lower, &bracket.upper] {
            assert!(bound.unreliable.is_some() || covers(bound, exact), "{seed}: {bound}, exact {exact}");
            let share = bound.largest_weight.unwrap();
            assert!(bound.effective_samples.unwrap() <= 200.0 + 1e-6 && share >= 1.0 / 200.0, "{bound:?}");
        }
    }
}

#[test]
fn the_order_and_the_distance_of_both_estimates_count() {
    let estimate = |value, kind| Estimate::sampled(value, 0.1, kind, 100);
    let marks = |lower, upper, kind, unreached| {
        let bracket = Bracket::new(estimate(lower, Kind::LowerBound), estimate(upper, kind), unreached);
        assert_eq!(bracket.log_z.kind, Kind::Asymptotic);
        [bracket.lower, bracket.upper, bracket.log_z].map(|estimate| estimate.unreliable.is_some())
    };
    assert_eq!(marks(5.0, 5.2, Kind::UpperBound, 0), [false; 3]);
    assert_eq!(marks(5.2, 5.0, Kind::Asymptotic, 0), [false; 3]);
    assert_eq!(marks(5.6, 5.0, Kind::UpperBound, 0), [true; 3]);
    assert_eq!(marks(5.0, 6.0, Kind::UpperBound, 0), [false, false, true]);
    assert_eq!(marks(5.0, 6.0, Kind::Asymptotic, 0), [false, true, true]);
    assert_eq!(marks(5.0, 5.0, Kind::Asymptotic, 1), [false, true, true]);
}

#[test]
fn reverse_chains_start_at_examples_and_at_both_extremes() {
    let rbm = rbm_of(UnitKind::Binary, UnitKind::Binary, 3);
    let protocol = AisProtocol { chains: 12, temperatures: 5, burn_in: 0 };
    let example = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0];
    let examples = Tensor::<2>::from_data([example; 2], &Device::flex());
    let base = rbm.visible.neutral();
    let starts =
        protocol.diverse_states(&rbm, &base, Some(examples), &protocol.schedule(), &mut Noise::new(0, "x"));
    let rows: Vec<Vec<f64>> = to_host(starts).chunks(6).map(<[f64]>::to_vec).collect();
    assert_eq!(rows.len(), 12);
    assert!(rows[..4].iter().all(|row| row[..] == example));
    assert!(
        rows[4..6].iter().all(|row| row[..] == [1.0; 6]) && rows[6..8].iter().all(|row| row[..] == [0.0; 6])
    );
    for chains in [1, 2, 3, 4] {
        let protocol = AisProtocol { chains, ..protocol };
        let starts =
            protocol.diverse_states(&rbm, &base, None, &protocol.schedule(), &mut Noise::new(0, "x"));
        assert_eq!(starts.dims(), [chains, 6]);
    }
}
