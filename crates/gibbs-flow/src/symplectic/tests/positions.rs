//! Positions as data, and what oscillators do to them.

use gibbs_core::{
    Batch, Estimate, Objective, Position,
    math::{log_mean_exp, log_normal},
    rank_correlation,
};

use super::*;

/// `∫ ρ(q, p) dp` of one position by the trapezoidal rule.
fn exact_log_prob(flow: &CanonicalFlow, q: f64) -> f64 {
    let p: Vec<f64> = (-6000..=6000).map(|i| f64::from(i) * 2e-3).collect();
    let points = p.iter().flat_map(|&p| [q, p]).collect();
    let log_prob = flow.log_prob(wide(points, [p.len(), 2]));
    to_host(log_prob).into_iter().map(f64::exp).sum::<f64>().ln() + 2e-3f64.ln()
}

/// One position: the mean weight is the density, and bounds rise with the number of weights.
#[test]
fn weights_bound_the_density_of_positions() {
    let (flow, noise) = (transformation(1), &mut Noise::new(20, "momenta"));
    for q in [-1.0, 0.3, 2.0] {
        let exact = exact_log_prob(&flow, q);
        let log_weights = to_host(flow.log_weights(wide(vec![q; 40_000], [40_000, 1]), noise));
        let weights: Vec<f64> = log_weights.iter().map(|log_weight| (log_weight - exact).exp()).collect();
        gibbs_testkit::check_mean(&weights, 1.0);
        let bound = |k: usize| {
            let groups: Vec<f64> = log_weights.chunks(k).map(log_mean_exp).collect();
            Estimate::mean(&groups)
        };
        let [one, ten] = [1, 10].map(bound);
        assert!(one.value < ten.value && ten.value < exact + 4.0 * ten.std_err, "{one:?} {ten:?} {exact}");
    }
}

/// Where the transformation turns and stretches whole oscillators, momenta are those of the particles, so one weight is exact.
#[test]
fn a_gaussian_of_unit_momenta_has_even_weights() {
    let config = CanonicalConfig::new(2, 0);
    let flow = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    let flow = cast(flow, FloatDType::F64);
    let q = normal([5, 2], 21);
    let found = to_host(flow.log_weights(q.clone(), &mut Noise::new(22, "momenta")));
    let frequencies = wide(flow.frequencies(), [1, 2]);
    let exact = log_normal(q * frequencies.clone()) + frequencies.log().sum();
    for (found, exact) in found.into_iter().zip(to_host(exact)) {
        assert!((found - exact).abs() < 1e-12, "{found}, not {exact}");
    }
}

/// The gradient of the objective is that of the bound, by finite differences along the frequencies.
#[test]
fn the_objective_is_the_bound() {
    let flow = transformation(2);
    let q = normal([6, 2], 23);
    let weights = wide(vec![1.0, 0.0, 2.0, 1.0, 0.5, 1.0], [1, 6]).squeeze_dim::<1>(0);
    let loss = |flow: &CanonicalFlow| {
        let log_weights = to_host(flow.log_weights(q.clone(), &mut Noise::new(24, "momenta")));
        let weights = to_host(weights.clone());
        -log_weights.iter().zip(&weights).map(|(a, w)| a * w).sum::<f64>() / weights.iter().sum::<f64>()
    };
    let batch = Batch { weights: Some(weights.clone()), ..Batch::new(q.clone()) };
    let trained = flow.clone().train();
    let at = Position::new(0, 1, 1);
    let output = PositionLikelihood.step(&trained, batch, &at, &mut Noise::new(24, "momenta")).unwrap();
    assert!((to_host(output.loss.unwrap())[0] - loss(&flow)).abs() < 1e-12);
    let gradient = to_host(output.gradients.get::<1>(trained.log_frequencies.id).unwrap());
    for (k, found) in gradient.into_iter().enumerate() {
        let moved = |by: f64| {
            let mut flow = flow.clone();
            let shift = (0..2).map(|i| if i == k { by } else { 0.0 }).collect();
            let shift = wide(shift, [1, 2]).squeeze_dim::<1>(0);
            flow.log_frequencies = burn::module::Param::from_tensor(flow.log_frequencies.val() + shift);
            loss(&flow)
        };
        let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        assert!((found - difference).abs() < 1e-8, "{found}, not {difference}");
    }
}

/// Oscillators that were turned by any angle keep their coordinates: the phase follows.
#[test]
fn coordinates_do_not_depend_on_the_phase_of_an_oscillator() {
    let config = CanonicalConfig::new(2, 0);
    let mut flow = cast(config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap(), FloatDType::F64);
    let q = normal([200, 2], 25);
    let plain = to_host(flow.coordinates(flow.coordinate(1, q.clone()), q.clone()));
    let exact: Vec<f64> =
        to_host(q.clone().narrow(1, 1, 1)).into_iter().map(|q| q * flow.frequencies()[1]).collect();
    assert!((rank_correlation(&plain, &exact).value.abs() - 1.0).abs() < 1e-12);
    // exp(ΩS t) with S = diag(ω², 1) in the plane of one oscillator is its motion for the time t.
    let (time, frequency) = (0.9, flow.frequencies()[1]);
    let mut generator = vec![0.0; 16];
    (generator[5], generator[15]) = (time * frequency.powi(2), time);
    let SymplecticLayer::Linear(linear) = &mut flow.chain.layers[0] else { panic!("a linear map") };
    linear.generator = burn::module::Param::from_tensor(wide(generator, [4, 4]));
    let coordinate = flow.coordinate(1, q.clone());
    assert!(coordinate.phase.abs() > 0.1, "{coordinate:?}");
    let turned = to_host(flow.coordinates(coordinate, q));
    for (a, b) in plain.iter().zip(&turned) {
        assert!((a.abs() - b.abs()).abs() < 1e-9, "{a} {b}");
    }
}

/// Draws along a coordinate have its value and are else those of the flow: those at a normal value are draws.
#[test]
fn draws_along_a_coordinate_have_its_value() {
    let flow = transformation(2);
    let of = CollectiveCoordinate { oscillator: 1, phase: 0.7 };
    let noise = &mut Noise::new(26, "draws");
    let plane = |x: Tensor<2>| {
        let (q, p) = halves(flow.forward(x, None).0);
        let [u, v] =
            [q * flow.log_frequencies.val().exp().unsqueeze(), p].map(|of| to_host(of.narrow(1, 1, 1)));
        let c = u.iter().zip(&v).map(|(u, v)| u * 0.7f64.cos() + v * 0.7f64.sin()).collect::<Vec<f64>>();
        let s = u.iter().zip(&v).map(|(u, v)| v * 0.7f64.cos() - u * 0.7f64.sin()).collect::<Vec<f64>>();
        (c, s)
    };
    let (c, s) = plane(flow.sample_along(of, -1.3, 20_000, noise));
    assert!(c.iter().all(|c| (c + 1.3).abs() < 1e-9));
    gibbs_testkit::check_mean(&s, 0.0);
    gibbs_testkit::check_mean(&s.iter().map(|s| s * s).collect::<Vec<f64>>(), 1.0);
    let (c, s) = plane(flow.along(of, &[-2.0, 0.0, 0.5]));
    for (found, exact) in c.into_iter().chain(s).zip([-2.0, 0.0, 0.5, 0.0, 0.0, 0.0]) {
        assert!((found - exact).abs() < 1e-9, "{found}, not {exact}");
    }
}
