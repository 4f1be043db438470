//! Densities are normalized, and draws follow them.

use gibbs_core::{ConditionalLogProb, LogProb, Sample, math::to_host};
use gibbs_testkit::{check_follows, check_mean, check_normalized};

use super::*;

/// Midpoints of `cells` cells of `[-half, half]`.
fn midpoints(half: f64, cells: usize) -> Vec<f64> {
    (0..cells).map(|i| half * ((2 * i + 1) as f64 / cells as f64 - 1.0)).collect()
}

/// All pairs, `[cells², 2]`.
fn plane(axis: &[f64], dtype: DType) -> Tensor<2> {
    let pairs: Vec<f64> = axis.iter().flat_map(|&x| axis.iter().flat_map(move |&y| [x, y])).collect();
    wide(pairs, [axis.len() * axis.len(), 2]).cast(dtype)
}

/// One-dimensional flows on a grid of step 4e-4: with the kinks of a spline's density the midpoint rule is off by about the
/// square of it, without them by nothing.
#[test]
fn densities_of_one_variable_integrate_to_one() {
    let configs = [
        FlowConfig::new(1, vec![LayerConfig::elementwise(Univariate::spline())]),
        FlowConfig::new(1, vec![LayerConfig::act_norm(), LayerConfig::elementwise(Univariate::spline())]),
        MafConfig::new(1, 2, vec![4].into()).flow_with(Univariate::Spline { bins: 12, bound: 4.0 }),
    ];
    let (half, cells) = (20.0, 100_000);
    let x = wide(midpoints(half, cells), [cells, 1]);
    for config in configs {
        let log_prob = to_host(wide_flow(&config, 0.4, 2).log_prob(x.clone()));
        let log_cell = (2.0 * half / cells as f64).ln();
        check_normalized(&log_prob.iter().map(|log_prob| log_prob + log_cell).collect::<Vec<_>>(), 1e-6);
    }
}

/// Flows of the plane with smooth densities: the midpoint rule converges faster than any power of the step.
fn smooth() -> Vec<(&'static str, FlowConfig)> {
    let couplings = RealNvpConfig::new(2, 4, vec![16].into()).with_activation(Activation::Tanh);
    let maf = MafConfig::new(2, 3, vec![16].into()).with_activation(Activation::Tanh);
    vec![
        ("NICE", couplings.clone().flow_with(Univariate::Additive)),
        ("Real NVP", couplings.clone().flow()),
        ("conditional Real NVP", couplings.with_n_context(C).flow()),
        ("MAF", maf.clone().flow()),
        ("IAF", maf.inverse_flow_with(Univariate::affine())),
    ]
}

#[test]
fn smooth_densities_of_two_variables_integrate_to_one() {
    let (half, cells) = (20.0, 300);
    let x = plane(&midpoints(half, cells), DType::F64);
    for (_, config) in smooth() {
        let n = x.dims()[0];
        let context = contexts(&config, 1, DType::F64).map(|context| context.expand([n, C]));
        let flow = wide_flow(&config, 0.2, 1);
        let log_cell = 2.0 * (2.0 * half / cells as f64).ln();
        let log_prob = to_host(flow.log_prob_given(x.clone(), context.as_ref()));
        let log_prob: Vec<f64> = log_prob.iter().map(|log_prob| log_prob + log_cell).collect();
        check_normalized(&log_prob, 1e-6);
    }
}

/// Splines in f32: the density has kinks along curves, and the midpoint rule is off by about the square of the step, 0.05.
#[test]
fn spline_densities_of_two_variables_integrate_to_one_in_f32() {
    let spline = Univariate::spline();
    let configs = [
        RealNvpConfig::new(2, 4, vec![16].into()).with_activation(Activation::Tanh).flow_with(spline),
        MafConfig::new(2, 2, vec![16].into()).with_activation(Activation::Tanh).flow_with(spline),
    ];
    let (half, cells) = (8.0, 320);
    for config in configs {
        let flow = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
        let flow = perturbed(flow, 0.1, Noise::new(0, "stir"));
        let log_cell = 2.0 * (2.0 * half / cells as f64).ln();
        let log_prob = to_host(flow.log_prob(plane(&midpoints(half, cells), DType::F32)));
        check_normalized(&log_prob.iter().map(|log_prob| log_prob + log_cell).collect::<Vec<_>>(), 1e-3);
    }
}

#[test]
fn draws_follow_the_density() {
    // Cells of side 0.8 on [-12, 12]², each split into 12² for its probability. What lies outside counts as on the edge.
    let (half, coarse, fine) = (12.0, 30, 12);
    let cells = coarse * fine;
    let spline = RealNvpConfig::new(2, 2, vec![16].into()).with_activation(Activation::Tanh);
    let spline = spline.flow_with(Univariate::spline());
    for (name, config) in smooth().into_iter().chain([("splines", spline)]) {
        let flow = wide_flow(&config, 0.12, 4);
        let of_context = |n: usize| contexts(&config, 1, DType::F64).map(|context| context.expand([n, C]));
        let grid = plane(&midpoints(half, cells), DType::F64);
        let log_prob = to_host(flow.log_prob_given(grid, of_context(cells * cells).as_ref()));
        let mut mass = vec![0.0; coarse * coarse];
        for (i, log_prob) in log_prob.into_iter().enumerate() {
            mass[i / cells / fine * coarse + i % cells / fine] += log_prob.exp();
        }
        let total: f64 = mass.iter().sum();
        // Otherwise the distribution reaches beyond the square, and the edges would not be what they count as.
        let inside = total * (2.0 * half / cells as f64).powi(2);
        assert!((inside - 1.0).abs() < 1e-3, "{name}: {inside}");
        mass.iter_mut().for_each(|p| *p /= total);
        let n = 20_000;
        let x = to_host(flow.sample_given(n, of_context(n).as_ref(), 1.0, &mut Noise::new(0, "sample")));
        let cell = |x: f64| (((x + half) / (2.0 * half) * coarse as f64) as usize).min(coarse - 1);
        let draws: Vec<usize> = x.chunks(2).map(|point| cell(point[0]) * coarse + cell(point[1])).collect();
        check_follows(&draws, &mass);
    }
}

/// A flow of linear layers is the normal distribution with `z = x·M + t`, and for `p = N(μ, diag σ²)`
/// `KL(p ‖ q) = -H(p) + ½ (|μ·M + t|² + Σ_i σ_i² |M_i|²) - ln |det M| + D·ln √(2π)`.
#[test]
fn the_forward_divergence_of_a_gaussian_is_the_closed_form() {
    let layers = vec![LayerConfig::linear(Permute::Reverse), LayerConfig::act_norm()];
    let flow = wide_flow(&FlowConfig::new(2, layers), 0.5, 0);
    let (mean, std) = ([0.7_f64, -0.4], [1.3_f64, 0.6]);
    let image =
        |x: [f64; 2]| to_host(gibbs_core::Bijection::forward(&flow, wide(x.to_vec(), [1, 2]), None).0);
    let t = image([0.0, 0.0]);
    let row = |x: [f64; 2]| -> Vec<f64> { image(x).iter().zip(&t).map(|(z, t)| z - t).collect() };
    let m = [row([1.0, 0.0]), row([0.0, 1.0])];
    let ln_sqrt_tau = 0.5 * std::f64::consts::TAU.ln();
    let entropy = 2.0 * (0.5 + ln_sqrt_tau) + std[0].ln() + std[1].ln();
    let center: f64 = (0..2).map(|j| (mean[0] * m[0][j] + mean[1] * m[1][j] + t[j]).powi(2)).sum();
    let spread: f64 = (0..2).map(|i| std[i].powi(2) * (m[i][0].powi(2) + m[i][1].powi(2))).sum();
    let log_det = (m[0][0] * m[1][1] - m[0][1] * m[1][0]).abs().ln();
    let divergence = -entropy + 0.5 * (center + spread) - log_det + 2.0 * ln_sqrt_tau;

    let n = 40_000;
    let u = Noise::new(0, "data").normal([n, 2], (&Device::flex(), DType::F64));
    let x = u.clone() * wide(std.to_vec(), [1, 2]) + wide(mean.to_vec(), [1, 2]);
    let log_p =
        gibbs_core::math::row_sums(u.powi_scalar(2)) * -0.5 - 2.0 * ln_sqrt_tau - std[0].ln() - std[1].ln();
    check_mean(&to_host(log_p - flow.log_prob(x)), divergence);
}

#[test]
fn the_temperature_scales_the_base() {
    let flow = wide_flow(&FlowConfig::new(2, vec![LayerConfig::act_norm()]), 0.5, 0);
    let draw = |temperature| to_host(flow.sample_given(6, None, temperature, &mut Noise::new(5, "sample")));
    let (cold, warm, center) = (draw(0.5), draw(1.0), draw(0.0));
    for ((cold, warm), center) in cold.iter().zip(&warm).zip(&center) {
        assert!((cold - 0.5 * (warm + center)).abs() < 1e-12);
    }
    assert!(center.chunks(2).all(|point| point == &center[..2]));
    assert_eq!(to_host(flow.sample(6, &mut Noise::new(5, "sample"))), warm);
}
