//! The RBM against enumeration, for all pairs of units.

use burn::{module::Module, optim::GradientsParams, prelude::*, tensor::FloatDType};
use gibbs_backend::Noise;
use gibbs_core::{
    Objective,
    math::{log_sum_exp, to_host},
    params,
};
use gibbs_testkit::{check_mean, check_normalized, check_stationary};

use crate::{
    AnyRbm, Chains, Clamp, ContrastiveConfig, GibbsChain, ParallelTempering, ReverseStart, Statistics,
    ais::{AisProtocol, AisSchedule, AnnealedImportance},
    exact::{self, TooManyStates},
    fixtures::{normal, pairs, rbm_f64, rbm_of, rows_of_states, tensor},
    log_pseudo_likelihood,
    units::{EnumerableUnits, UnitFamily, UnitKind, Units},
};

fn discrete(kind: UnitKind) -> bool {
    kind != UnitKind::Gaussian
}

/// Both layers swapped.
fn transposed(rbm: &AnyRbm) -> AnyRbm {
    let mut other = rbm.clone();
    other.weight = burn::module::Param::from_tensor(rbm.weight.val().transpose());
    std::mem::swap(&mut other.visible, &mut other.hidden);
    other
}

#[test]
fn free_energy_sums_out_the_hidden_units() {
    for (visible, hidden) in pairs().filter(|(_, hidden)| discrete(*hidden)) {
        let rbm = rbm_f64(visible, hidden, 1);
        let v = Units::sample(&rbm.visible, normal([5, 6], 2), &mut Noise::new(2, "v"));
        let states = rows_of_states(&rbm.hidden);
        let terms: Vec<Vec<f64>> = states
            .iter()
            .map(|h| to_host(rbm.energy(v.clone(), tensor(h.repeat(5), [5, 3])).neg()))
            .collect();
        for (row, f) in to_host(rbm.free_energy(v)).into_iter().enumerate() {
            let sum = log_sum_exp(&terms.iter().map(|term| term[row]).collect::<Vec<_>>());
            assert!((sum + f).abs() < 1e-12, "{visible}-{hidden}: {sum} {f}");
        }
    }
}

/// States that the units do not have are refused, and means of states are not.
#[test]
fn values_outside_of_the_units_are_refused() {
    let refused = |rbm: &AnyRbm, value: f64| {
        let mut v = to_host(Units::sample(&rbm.visible, normal([3, 6], 2), &mut Noise::new(2, "v")));
        v[7] = value;
        let v = tensor(v, [3, 6]);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| to_host(rbm.free_energy(v))))
            .err()
            .map(|panic| panic.downcast_ref::<String>().expect("a message").clone())
    };
    for (kind, low, allowed) in [
        (UnitKind::Binary, "0", [0.0, 0.3, 1.0]),
        (UnitKind::Spin, "-1", [-1.0, 0.3, 1.0]),
        (UnitKind::Softmax, "0", [0.0, 0.3, 1.0]),
        (UnitKind::Gaussian, "", [-7.0, 255.0, 1e6]),
    ] {
        let rbm = rbm_f64(kind, UnitKind::Binary, 1);
        assert!(allowed.iter().all(|value| refused(&rbm, *value).is_none()), "{kind}");
        let message = refused(&rbm, f64::NAN).expect("NaN is refused");
        assert!(message.contains("the visible layer of the RBM") && message.contains("NaN"), "{message}");
        if kind != UnitKind::Gaussian {
            for value in [7.0, -2.0, 255.0, f64::INFINITY] {
                let message = refused(&rbm, value).expect("a value outside is refused");
                let expected = format!("between {low} and 1, but variable 1 of example 1 is {value}");
                assert!(message.contains(&expected), "{message}");
            }
        }
    }
}

#[test]
#[should_panic(expected = "the visible layer of the RBM has 6 variables, but the examples [2, 4] have 4")]
fn another_width_is_refused_by_name() {
    rbm_f64(UnitKind::Binary, UnitKind::Binary, 1).hidden_mean(tensor(vec![0.0; 8], [2, 4]));
}

#[test]
fn both_sides_give_the_same_partition_function() {
    for (visible, hidden) in pairs().filter(|(v, h)| discrete(*v) && discrete(*h)) {
        let rbm = rbm_f64(visible, hidden, 1);
        let by_hidden = exact::log_z(&rbm).unwrap().value;
        let n = rbm.visible.n_states().unwrap() as usize;
        let by_visible = log_sum_exp(&to_host(rbm.free_energy(rbm.visible.states(0, n)).neg()));
        assert!((by_hidden - by_visible).abs() < 1e-12, "{visible}-{hidden}");
        let probs = exact::visible_distribution(&rbm).unwrap();
        check_normalized(&probs.iter().map(|p| p.ln()).collect::<Vec<_>>(), 1e-12);
    }
}

#[test]
fn an_rbm_too_large_to_enumerate_is_an_error() {
    let rbm = rbm_of(UnitKind::Gaussian, UnitKind::Gaussian, 1);
    assert_eq!(exact::log_z(&rbm).unwrap_err(), TooManyStates { visible: 6, hidden: 3 });
}

/// Gibbs sweeps, from whichever side can be enumerated.
#[test]
fn gibbs_sampling_leaves_the_distribution_unchanged() {
    for (visible, hidden) in pairs() {
        let mut noise = Noise::new(7, "chains");
        let rbm = rbm_of(visible, hidden, 3);
        let rbm = match (discrete(visible), discrete(hidden)) {
            (true, _) => rbm,
            (false, true) => transposed(&rbm),
            (false, false) => continue,
        };
        let probs = exact::visible_distribution(&rbm).unwrap();
        let states = rows_of_states(&rbm.visible);
        let chain = GibbsChain::new(&rbm);
        check_stationary(&probs, &states, &Device::flex(), 4000, &mut noise, |v, noise| chain.step(v, noise));
    }
}

/// Two Gaussian layers make a Gaussian distribution with the precision `[[A, -W], [-Wᵀ, B]]`.
#[test]
fn gibbs_sampling_of_gaussian_layers_has_the_exact_moments() {
    let rbm = rbm_of(UnitKind::Gaussian, UnitKind::Gaussian, 3);
    let mut noise = Noise::new(8, "chains");
    let chain = GibbsChain::new(&rbm);
    let v = chain.init(4000, &mut noise);
    let v = to_host(chain.run(v, 30, &mut noise));
    let exact = params::cast(rbm, FloatDType::F64);
    let grad = |v: &[f64]| to_host(exact.free_energy(tensor(v.to_vec(), [1, 6])))[0];
    let origin = gibbs_testkit::finite_differences(&[0.0; 6], 1e-3, grad);
    let step = 1e-3;
    let hessian: Vec<Vec<f64>> = (0..6)
        .map(|i| {
            let mut at = [0.0; 6];
            at[i] = step;
            let moved = gibbs_testkit::finite_differences(&at, 1e-3, grad);
            moved.iter().zip(&origin).map(|(a, b)| (a - b) / step).collect()
        })
        .collect();
    // The score has mean zero and E[x_i ∂F/∂x_i] = 1 under the exact distribution (integration by parts).
    for i in 0..6 {
        let score = |row: &[f64]| origin[i] + hessian[i].iter().zip(row).map(|(h, x)| h * x).sum::<f64>();
        check_mean(&v.chunks(6).map(score).collect::<Vec<_>>(), 0.0);
        check_mean(&v.chunks(6).map(|row| row[i] * score(row)).collect::<Vec<_>>(), 1.0);
    }
}

#[test]
fn tempering_leaves_the_distribution_unchanged() {
    for (visible, hidden) in pairs().filter(|(visible, _)| discrete(*visible)) {
        let rbm = rbm_of(visible, hidden, 3);
        let base = rbm.visible.neutral();
        let betas = vec![0.0, 0.5, 1.0];
        let mut noise = Noise::new(9, "ladder");
        let states = rows_of_states(&rbm.visible);
        let hot: Vec<Vec<f64>> = betas[..2]
            .iter()
            .map(|&beta| exact::visible_distribution(&rbm.tempered(&base, beta)).unwrap())
            .collect();
        let draw = |probs: &[f64], noise: &mut Noise| {
            let draws = gibbs_testkit::draw_states(probs, 4000, noise);
            let values = draws.iter().flat_map(|&n| states[n].clone()).collect();
            tensor(values, [4000, 6]).cast(FloatDType::F32)
        };
        let probs = exact::visible_distribution(&rbm).unwrap();
        let mut ladder: Option<ParallelTempering> = None;
        check_stationary(&probs, &states, &Device::flex(), 4000, &mut noise, |cold, noise| {
            let continues =
                ladder.as_ref().is_some_and(|ladder| to_host(ladder.cold()) == to_host(cold.clone()));
            if !continues {
                let replicas = vec![draw(&hot[0], noise), draw(&hot[1], noise), cold];
                ladder = Some(ParallelTempering::restore(betas.clone(), replicas, 0));
            }
            let ladder = ladder.as_mut().unwrap();
            ladder.step(&rbm, &base, noise);
            ladder.cold()
        });
    }
}

#[test]
fn clamped_chains_sample_the_conditional_distribution() {
    let rbm = rbm_of(UnitKind::Binary, UnitKind::Binary, 3);
    let states: Vec<Vec<f64>> =
        rows_of_states(&rbm.visible).into_iter().filter(|v| v[0] == 1.0 && v[3] == 0.0).collect();
    let weights = to_host(rbm.free_energy(tensor(states.concat(), [16, 6]).cast(FloatDType::F32)).neg());
    let total = log_sum_exp(&weights);
    let probs: Vec<f64> = weights.iter().map(|w| (w - total).exp()).collect();
    let row = |values: [f64; 6]| tensor(values.repeat(4000), [4000, 6]).cast(FloatDType::F32);
    let values = row([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let clamp = Clamp::columns(&[true, false, false, true, false, false], values);
    let chain = GibbsChain::clamped(&rbm, clamp);
    let mut noise = Noise::new(1, "clamped");
    check_stationary(&probs, &states, &Device::flex(), 4000, &mut noise, |v, noise| chain.step(v, noise));
}

#[test]
fn annealed_importance_sampling_is_exact_without_weights() {
    for (visible, hidden) in pairs() {
        let mut rbm = rbm_f64(visible, hidden, 5);
        rbm.weight = burn::module::Param::from_tensor(rbm.weight.val() * 0.0);
        let zeros = |width| tensor(vec![0.0; width], [1, width]);
        let exact = to_host(rbm.visible.log_partition(zeros(6)) + rbm.hidden.log_partition(zeros(3)))[0];
        let base = rbm.visible.clone();
        let neutral_hidden = crate::Rbm { hidden: rbm.hidden.neutral(), ..rbm.clone() };
        let wanted =
            to_host(rbm.visible.log_partition(zeros(6)) + rbm.hidden.neutral().log_partition(zeros(3)))[0];
        let ais = AnnealedImportance::new(&neutral_hidden, base.clone(), AisSchedule::linear(3));
        let estimate = ais.forward(20, &mut Noise::new(1, "ais"));
        assert!((estimate.value - wanted).abs() < 1e-10, "{visible}-{hidden}");
        assert!(estimate.std_err < 1e-10);
        let ais = AnnealedImportance::new(&rbm, base, AisSchedule::linear(200));
        let estimate = ais.forward(500, &mut Noise::new(1, "ais"));
        assert!(
            (estimate.value - exact).abs() < 4.5 * estimate.std_err + 1e-9,
            "{visible}-{hidden}: {estimate}"
        );
    }
}

#[test]
fn forward_and_reverse_estimates_bracket_the_exact_value() {
    for (visible, hidden) in pairs().filter(|(visible, hidden)| discrete(*visible) || discrete(*hidden)) {
        let rbm = rbm_of(visible, hidden, 3);
        let exact = match exact::log_z(&rbm) {
            Ok(exact) => exact.value,
            Err(too_many) => panic!("{too_many}"),
        };
        let mut noise = Noise::new(2, "ais");
        let chain = GibbsChain::new(&rbm);
        let samples = chain.init(1000, &mut noise);
        let samples = chain.run(samples, 300, &mut noise);
        let ais = AnnealedImportance::new(&rbm, rbm.visible.neutral(), AisSchedule::linear(100));
        let bracket = ais.bracket(1000, ReverseStart::Chains(samples), &mut noise);
        let (lower, upper) = (bracket.lower, bracket.upper);
        assert!(lower.value - 4.5 * lower.std_err < exact, "{visible}-{hidden}: {lower} {exact}");
        assert!(upper.value + 4.5 * upper.std_err > exact, "{visible}-{hidden}: {upper} {exact}");
        assert!(upper.value - lower.value < 0.2, "{visible}-{hidden}: {lower} {upper}");
    }
}

/// Over 300 seeds the interval of ±2 standard errors must cover the truth about as often as 95.4 %;
/// the count is binomial, so it lies within 4.5 standard deviations (5.4 %) of that, less the small bias of the
/// logarithm.
#[test]
fn the_stated_error_covers_the_truth_as_often_as_it_claims() {
    let rbm = rbm_of(UnitKind::Binary, UnitKind::Binary, 3);
    let exact = exact::log_z(&rbm).unwrap().value;
    let ais = AnnealedImportance::new(&rbm, rbm.visible.neutral(), AisSchedule::linear(30));
    let seeds = 300;
    let covered = (0..seeds)
        .filter(|&seed| {
            let estimate = ais.forward(200, &mut Noise::new(seed, "ais"));
            (estimate.value - exact).abs() < 2.0 * estimate.std_err
        })
        .count() as f64;
    let claimed = 0.9545;
    let tolerance = 4.5 * (claimed * (1.0 - claimed) / seeds as f64).sqrt();
    assert!((covered / seeds as f64 - claimed).abs() < tolerance, "{covered} of {seeds}");
}

#[test]
fn schedules_that_do_not_increase_from_zero_to_one_are_refused() {
    for betas in [
        vec![],
        vec![0.0],
        vec![0.0, 0.5],
        vec![0.1, 1.0],
        vec![0.0, 0.5, 0.5, 1.0],
        vec![0.0, f64::NAN, 1.0],
    ] {
        assert!(AisSchedule::new(betas.clone()).is_err(), "{betas:?}");
    }
    let protocol = AisProtocol { chains: 2, temperatures: 28, burn_in: 0 };
    assert_eq!(protocol.schedule(), AisSchedule::linear(28));
    assert_eq!(AisProtocol { temperatures: 0, ..protocol }.validate().unwrap_err().field, "temperatures");
    let three_parts = AisSchedule::salakhutdinov_murray(14500);
    assert_eq!(three_parts.intervals(), 14500);
    assert_eq!(AisSchedule::new(three_parts.betas().to_vec()).as_ref(), Ok(&three_parts));
    assert!(
        (three_parts.betas()[500] - 0.5).abs() < 1e-12 && (three_parts.betas()[4500] - 0.9).abs() < 1e-12
    );
}

#[test]
fn pseudo_likelihood_agrees_with_enumeration() {
    for (visible, hidden) in pairs() {
        let rbm = rbm_f64(visible, hidden, 6);
        let Some(alphabet) = rbm.visible.alphabet() else { continue };
        let probs = exact::visible_distribution(&rbm).unwrap();
        let states = rows_of_states(&rbm.visible);
        let width = alphabet[0].len();
        let have = to_host(log_pseudo_likelihood(&rbm, tensor(states.concat(), [states.len(), 6])).unwrap());
        for (state, have) in states.iter().zip(have) {
            let p = |other: &[f64]| probs[states.iter().position(|s| s == other).unwrap()];
            let want: f64 = (0..6 / width)
                .map(|site| {
                    let columns = site * width..(site + 1) * width;
                    let same_elsewhere =
                        |other: &&Vec<f64>| (0..6).all(|i| columns.contains(&i) || other[i] == state[i]);
                    let total: f64 = states.iter().filter(same_elsewhere).map(|other| p(other)).sum();
                    (p(state) / total).ln()
                })
                .sum();
            assert!((have - want).abs() < 1e-9, "{visible}-{hidden}: {have} {want}");
        }
    }
}

/// Gradients by name of an RBM.
fn by_parameter(rbm: &AnyRbm, gradients: &GradientsParams) -> Vec<Vec<f64>> {
    let mut all = vec![to_host(gradients.get::<2>(rbm.weight.id).unwrap())];
    for p in rbm.visible.parameters().into_iter().chain(rbm.hidden.parameters()) {
        all.push(to_host(gradients.get::<1>(p.id).unwrap()));
    }
    all
}

/// With zero weight decay and mean statistics, a CD step is the gradient of the difference of free
/// energies between the data and the chains' end.
#[test]
fn direct_statistics_agree_with_autodiff_of_the_free_energy() {
    for (visible, hidden) in pairs() {
        let rbm = rbm_f64(visible, hidden, 4);
        let data = Units::sample(&rbm.visible, normal([7, 6], 5), &mut Noise::new(5, "data"));
        let config =
            ContrastiveConfig::new().with_chains(Chains::Tempered).with_n_chains(4).with_temperatures(2);
        let mut objective = config.init(&rbm, rbm.visible.neutral()).unwrap();
        let output = objective.gradients(&rbm, data.clone(), &mut Noise::new(6, "chains"));
        let model = objective.chains(&rbm, &mut Noise::new(6, "unused")).unwrap();

        let device = Device::flex().autodiff();
        let lifted = rbm.clone().train();
        let lift = |x: Tensor<2>| Tensor::from_data(x.to_data(), (&device, x.dtype()));
        let mut gradients = lifted.free_energy_difference(lift(data), lift(model)).backward();
        let want = GradientsParams::from_module(&mut gradients, &lifted);
        for (have, want) in
            by_parameter(&rbm, &output.0).concat().iter().zip(by_parameter(&lifted, &want).concat())
        {
            assert!((have - want).abs() < 1e-10, "{visible}-{hidden}: {have} {want}");
        }
    }
}

/// The centered gradient is the plain one with the rank-one terms of its derivation taken off
/// (Melchior et al. 2016, equations 7 to 9).
#[test]
fn centered_gradients_are_the_plain_ones_transformed() {
    let rbm = rbm_f64(UnitKind::Binary, UnitKind::Spin, 4);
    let data = Units::sample(&rbm.visible, normal([7, 6], 5), &mut Noise::new(5, "data"));
    let gradients = |centered: bool| {
        let config = ContrastiveConfig::new().with_n_chains(5).with_centered(centered);
        let mut objective = config.init(&rbm, rbm.visible.neutral()).unwrap();
        let output = objective.gradients(&rbm, data.clone(), &mut Noise::new(6, "chains"));
        by_parameter(&rbm, &output.0)
    };
    let (plain, centered) = (gradients(false), gradients(true));
    let mu = to_host(data.clone().mean_dim(0));
    let lambda = to_host(rbm.hidden_mean(data).mean_dim(0));
    for i in 0..6 {
        for j in 0..3 {
            let want = plain[0][i * 3 + j] - plain[1][i] * lambda[j] - mu[i] * plain[2][j];
            assert!((centered[0][i * 3 + j] - want).abs() < 1e-12);
        }
        let shift: f64 = (0..3).map(|j| centered[0][i * 3 + j] * lambda[j]).sum();
        assert!((centered[1][i] - (plain[1][i] - shift)).abs() < 1e-12);
    }
}

/// Rows with whole weights are repeated rows, also when they are centered and pulled to a sparse activity.
#[test]
fn weights_count_as_repetitions() {
    let weights = [2.0, 0.0, 1.0, 3.0, 1.0];
    let repeated: Vec<i64> = vec![0, 0, 2, 3, 3, 3, 4];
    for ((visible, hidden), statistics) in
        pairs().flat_map(|pair| [Statistics::Mean, Statistics::Sampled].map(|s| (pair, s)))
    {
        let rbm = rbm_f64(visible, hidden, 4);
        let data = Units::sample(&rbm.visible, normal([5, 6], 5), &mut Noise::new(5, "data"));
        let is_linear = discrete(visible) && discrete(hidden);
        let config = ContrastiveConfig::new()
            .with_statistics(statistics)
            .with_n_chains(4)
            .with_centered(is_linear)
            .with_sparsity(if is_linear { 0.2 } else { 0.0 });
        let gradients = |batch: Tensor<2>, weights: Option<Tensor<1>>| {
            let mut objective = config.init(&rbm, rbm.visible.neutral()).unwrap();
            let noise = &mut Noise::new(6, "chains");
            by_parameter(&rbm, &objective.weighted_gradients(&rbm, batch, weights, noise).0).concat()
        };
        if statistics == Statistics::Sampled {
            // The draws of repeated rows differ; one weight for all rows is no weight.
            let ones = tensor(vec![1.0; 5], [1, 5]).squeeze_dim(0);
            assert_eq!(gradients(data.clone(), Some(ones)), gradients(data, None));
            continue;
        }
        let rows = Tensor::<1, Int>::from_data(repeated.as_slice(), &data.device());
        let want = gradients(data.clone().select(0, rows), None);
        let have = gradients(data, Some(tensor(weights.to_vec(), [1, 5]).squeeze_dim(0)));
        for (have, want) in have.iter().zip(want) {
            assert!((have - want).abs() < 1e-12, "{visible}-{hidden}: {have} {want}");
        }
    }
}

/// With chains at the data, both phases of a row have its weight.
#[test]
fn weights_hold_in_both_phases_of_contrastive_divergence() {
    let rbm = rbm_f64(UnitKind::Binary, UnitKind::Binary, 4);
    let data = Units::sample(&rbm.visible, normal([2, 6], 5), &mut Noise::new(5, "data"));
    let gradients = |weights: [f64; 2]| {
        let config = ContrastiveConfig::new().with_chains(Chains::Data);
        let mut objective = config.init(&rbm, rbm.visible.neutral()).unwrap();
        let weights = tensor(weights.to_vec(), [1, 2]).squeeze_dim(0);
        let output =
            objective.weighted_gradients(&rbm, data.clone(), Some(weights), &mut Noise::new(6, "chains"));
        by_parameter(&rbm, &output.0).concat()
    };
    let (first, second, both) = (gradients([1.0, 0.0]), gradients([0.0, 1.0]), gradients([1.5, 0.5]));
    for ((first, second), both) in first.iter().zip(second).zip(both) {
        assert!((0.75 * first + 0.25 * second - both).abs() < 1e-12);
    }
}

#[test]
fn centering_is_refused_for_units_without_a_linear_bias() {
    let rbm = rbm_of(UnitKind::Gaussian, UnitKind::Binary, 4);
    let error = ContrastiveConfig::new().with_centered(true).init(&rbm, rbm.visible.neutral()).unwrap_err();
    assert_eq!(error.field, "centered");
}

#[test]
fn a_restored_objective_continues_as_if_never_stopped() {
    for chains in [Chains::Data, Chains::Persistent, Chains::Tempered] {
        for statistics in [Statistics::Mean, Statistics::Sampled] {
            let rbm = rbm_of(UnitKind::Binary, UnitKind::Binary, 4);
            let config = ContrastiveConfig::new()
                .with_chains(chains)
                .with_statistics(statistics)
                .with_centered(true)
                .with_sparsity(0.1)
                .with_temperatures(3)
                .with_l1(0.01)
                .with_l2(0.01);
            let data = tensor(vec![1.0; 12], [2, 6]).cast(FloatDType::F32);
            let mut noise = Noise::new(1, "chains");
            let mut objective = config.init(&rbm, rbm.visible.neutral()).unwrap();
            for _ in 0..3 {
                objective.gradients(&rbm, data.clone(), &mut noise);
            }
            let mut restored = config.init(&rbm, rbm.visible.neutral()).unwrap();
            let mut copy = objective.clone();
            Objective::<AnyRbm>::restore(&mut restored, Objective::<AnyRbm>::state(&objective));
            let (mut same_noise, mut copied_noise) = (noise.clone(), noise.clone());
            for _ in 0..2 {
                let a = objective.gradients(&rbm, data.clone(), &mut noise);
                let b = restored.gradients(&rbm, data.clone(), &mut same_noise);
                let c = copy.gradients(&rbm, data.clone(), &mut copied_noise);
                assert_eq!(by_parameter(&rbm, &a.0), by_parameter(&rbm, &b.0));
                assert_eq!(by_parameter(&rbm, &a.0), by_parameter(&rbm, &c.0));
            }
        }
    }
}
