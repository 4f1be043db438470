//! Flows of angles.

use gibbs_core::{Bijection, LogProb, Sample, math::to_host};
use gibbs_testkit::{check_bijection, check_follows, check_normalized};

use super::*;

/// Half the length of the circle.
const B: f64 = 2.0;

/// Flows of `n` variables of which these are angles.
fn flows(n: usize, angles: &[usize]) -> Vec<FlowConfig> {
    let kinds = [FlowKind::SplineMaf, FlowKind::Spline];
    let flow = |kind, n_layers| {
        let mut config = FlowFamilyConfig::of_data(kind, n, 0, None);
        let Some((layers, n_hidden)) = config.sizes_mut() else { unreachable!("the kind has layers") };
        (*layers, *n_hidden) = (n_layers, vec![9, 8].into());
        match &mut config {
            FlowFamilyConfig::Spline(config) => (config.bins, config.bound) = (5, B),
            FlowFamilyConfig::SplineMaf(config) => (config.bins, config.bound) = (5, B),
            _ => unreachable!("kinds of splines"),
        }
        config.angles_mut().unwrap().0.extend(angles);
        config.flow().unwrap()
    };
    let kinds = kinds.into_iter().filter(|&kind| n > 1 || kind == FlowKind::SplineMaf);
    kinds.flat_map(|kind| [flow(kind, 2), flow(kind, 3)]).collect()
}

#[test]
fn a_flow_of_angles_inverts_and_knows_its_jacobian() {
    for angles in [&[1][..], &[0, 2], &[0, 1, 2]] {
        for config in flows(3, angles) {
            let x = Noise::new(1, "points").uniform([7, 3], (&Device::flex(), DType::F64)) * (2.0 * B) - B;
            check_bijection(&wide_flow(&config, 0.5, 3), x, None, 1e-9);
        }
    }
}

#[test]
fn whole_turns_of_an_angle_change_nothing() {
    for config in flows(3, &[1]) {
        let flow = wide_flow(&config, 0.5, 3);
        let x = Noise::new(1, "points").normal([7, 3], (&Device::flex(), DType::F64));
        let turned = x.clone() + wide(vec![0.0, -6.0 * B, 0.0], [1, 3]);
        let ([z, ladj], [turned_z, turned_ladj]) = {
            let both = |x| {
                let (z, ladj) = flow.forward(x, None);
                [to_host(z), to_host(ladj)]
            };
            (both(x), both(turned))
        };
        let pairs = z.iter().zip(&turned_z).chain(ladj.iter().zip(&turned_ladj));
        pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-9, "{a} {b}"));
        assert!(z.iter().skip(1).step_by(3).all(|z| (-B..=B).contains(z)), "{z:?}");
    }
}

/// Along a circle the midpoint rule has no ends. The density has kinks at the knots, so that it is off by about the square of the step.
#[test]
fn densities_of_angles_integrate_to_one() {
    let log_probs = |config: &FlowConfig, x, log_cell: f64| {
        let log_prob = to_host(wide_flow(config, 0.4, 2).log_prob(x));
        log_prob.into_iter().map(|log_prob| log_prob + log_cell).collect::<Vec<_>>()
    };
    let axis = |half: f64, cells: usize| -> Vec<f64> {
        (0..cells).map(|i| half * ((2 * i + 1) as f64 / cells as f64 - 1.0)).collect()
    };
    for config in flows(1, &[0]) {
        let x = wide(axis(B, 20_000), [20_000, 1]);
        check_normalized(&log_probs(&config, x, (2.0 * B / 20_000.0).ln()), 1e-6);
    }
    // An angle and a real variable, whose base is normal.
    let (angles, reals) = (axis(B, 200), axis(8.0, 400));
    let pairs: Vec<f64> = angles.iter().flat_map(|&x| reals.iter().flat_map(move |&y| [x, y])).collect();
    for config in flows(2, &[0]) {
        let log_cell = (2.0 * B / 200.0 * 16.0 / 400.0).ln();
        check_normalized(&log_probs(&config, wide(pairs.clone(), [80_000, 2]), log_cell), 1e-3);
    }
    for config in flows(2, &[0, 1]) {
        let axis = axis(B, 300);
        let pairs = axis.iter().flat_map(|&x| axis.iter().flat_map(move |&y| [x, y])).collect();
        check_normalized(&log_probs(&config, wide(pairs, [90_000, 2]), 2.0 * (2.0 * B / 300.0).ln()), 1e-3);
    }
}

/// The derivative of the map, and so the density, has no jump where the circle is cut.
#[test]
fn the_derivative_is_continuous_at_the_seam() {
    for config in flows(2, &[0]) {
        let flow = wide_flow(&config, 0.5, 5);
        let log_prob = |x: f64| to_host(flow.log_prob(wide(vec![x, 0.3], [1, 2])))[0];
        let jump = |h: f64| (log_prob(B - h) - log_prob(h - B)).abs();
        // In proportion to the distance of both points.
        assert!(jump(1e-8) < 1e-6, "{} {} {}", jump(1e-4), jump(1e-6), jump(1e-8));
        let inner = (log_prob(0.5) - log_prob(-0.5)).abs();
        assert!(inner > 1e-3, "the density is flat: {inner}");
    }
}

#[test]
fn draws_of_angles_follow_the_density() {
    const CELLS: usize = 20;
    for config in flows(1, &[0]) {
        let flow = wide_flow(&config, 0.6, 7);
        let fine = 200;
        let x: Vec<f64> =
            (0..CELLS * fine).map(|i| B * ((2 * i + 1) as f64 / (CELLS * fine) as f64 - 1.0)).collect();
        let log_prob = to_host(flow.log_prob(wide(x, [CELLS * fine, 1])));
        let cell = 2.0 * B / (CELLS * fine) as f64;
        let probs: Vec<f64> =
            log_prob.chunks(fine).map(|cells| cells.iter().map(|l| l.exp() * cell).sum()).collect();
        let draws = to_host(flow.sample(20_000, &mut Noise::new(0, "draws")));
        let draws: Vec<usize> = draws
            .iter()
            .map(|x| (((x + B) / (2.0 * B) * CELLS as f64).floor() as usize).min(CELLS - 1))
            .collect();
        check_follows(&draws, &probs);
    }
}

#[test]
fn angles_that_are_none_are_refused() {
    let message = |config: FlowFamilyConfig| config.flow().unwrap_err().to_string();
    let mut config = FlowFamilyConfig::of_data(FlowKind::SplineMaf, 3, 0, None);
    config.angles_mut().unwrap().0.push(3);
    assert!(message(config.clone()).contains("angles"), "{}", message(config));
    let affine = AutoregressiveConfig::new(vec![4].into()).with_angles(vec![0]);
    let flow = FlowConfig::new(2, vec![LayerConfig::Autoregressive(affine)]);
    let message = flow.validate().unwrap_err().to_string();
    assert!(message.contains("only splines map a circle to itself"), "{message}");
}
