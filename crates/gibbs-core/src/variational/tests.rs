use burn::tensor::DType;

use super::*;

/// Three outcomes with energies `E`, drawn with probabilities `q`.
const ENERGY: [f64; 3] = [0.3, -1.0, 0.8];
const Q: [f64; 3] = [0.5, 0.2, 0.3];

fn log_z() -> f64 {
    math::log_sum_exp(&ENERGY.map(|energy| -energy))
}

/// The distribution of the outcomes.
fn p() -> [f64; 3] {
    ENERGY.map(|energy| (-energy - log_z()).exp())
}

fn outcomes(n: usize, noise: &mut Noise) -> Vec<usize> {
    (0..n)
        .map(|_| {
            let uniform = noise.next_uniform();
            usize::from(uniform > Q[0]) + usize::from(uniform > Q[0] + Q[1])
        })
        .collect()
}

fn draws(outcomes: &[usize]) -> Draws {
    Draws::new(outcomes.iter().map(|&k| Q[k].ln()).collect(), outcomes.iter().map(|&k| ENERGY[k]).collect())
}

/// Asserts that an estimate agrees with the true value within 4 standard errors, and that its standard error is small.
fn agrees(estimate: &Estimate, truth: f64, largest_error: f64) {
    assert!(estimate.std_err > 0.0 && estimate.std_err < largest_error, "{estimate}");
    assert!((estimate.value - truth).abs() < 4.0 * estimate.std_err, "{estimate} for {truth}");
}

#[test]
fn estimates_agree_with_sums_over_outcomes() {
    let outcomes = outcomes(20_000, &mut Noise::new(0, "draws"));
    let draws = draws(&outcomes);
    let divergence: f64 = (0..3).map(|k| Q[k] * (Q[k] / p()[k]).ln()).sum();
    agrees(&draws.log_z_bound(), log_z() - divergence, 0.01);
    assert_eq!(draws.log_z_bound().kind, Kind::LowerBound);
    agrees(&draws.log_z(), log_z(), 0.01);
    let efficiency = 1.0 / (0..3).map(|k| p()[k] * p()[k] / Q[k]).sum::<f64>();
    agrees(&draws.effective_sample_size(), 20_000.0 * efficiency, 300.0);
    let values: Vec<f64> = outcomes.iter().map(|&k| [1.0, -2.0, 5.0][k]).collect();
    agrees(&draws.average(&values), p()[0] - 2.0 * p()[1] + 5.0 * p()[2], 0.05);
}

#[test]
fn error_bars_cover_the_truth_with_the_right_frequency() {
    let mut scores = [Vec::new(), Vec::new(), Vec::new()];
    let (noise, runs) = (&mut Noise::new(1, "draws"), 400);
    let efficiency = 1.0 / (0..3).map(|k| p()[k] * p()[k] / Q[k]).sum::<f64>();
    for _ in 0..runs {
        let outcomes = outcomes(500, noise);
        let draws = draws(&outcomes);
        let first: Vec<f64> = outcomes.iter().map(|&k| f64::from(u8::from(k == 0))).collect();
        let estimates = [
            (draws.log_z(), log_z()),
            (draws.average(&first), p()[0]),
            (draws.effective_sample_size(), 500.0 * efficiency),
        ];
        for (scores, (estimate, truth)) in scores.iter_mut().zip(estimates) {
            scores.push((estimate.value - truth) / estimate.std_err);
        }
    }
    for scores in scores {
        let (mean, variance) = math::mean_and_variance(&scores);
        // The variance of a sample variance of normal scores is 2/n; the bias is of order 1/√500.
        assert!(mean.abs() < 0.25, "{mean}");
        assert!((variance - 1.0).abs() < 4.0 * (2.0 / runs as f64).sqrt(), "{variance}");
    }
}

#[test]
fn importance_weights_are_unbiased() {
    let mean: f64 = (0..3).map(|k| Q[k] * draws(&[k]).log_weights()[0].exp()).sum();
    assert!((mean.ln() - log_z()).abs() < 1e-14);
}

#[test]
fn the_markov_chain_is_stationary() {
    let noise = &mut Noise::new(2, "draws");
    let (n, mut counts) = (4, [0.0; 3]);
    let starts: u32 = 30_000;
    // Chains that begin with draws of p stay with it.
    for _ in 0..starts {
        let uniform = noise.next_uniform();
        let start = usize::from(uniform > p()[0]) + usize::from(uniform > p()[0] + p()[1]);
        let proposals = [vec![start], outcomes(n, noise)].concat();
        let chain = draws(&proposals).markov_chain(noise);
        assert_eq!((chain.held.len(), chain.accepted.len()), (n + 1, n));
        counts[proposals[chain.held[n]]] += 1.0;
    }
    for (count, p) in counts.iter().zip(p()) {
        let sigma = (p * (1.0 - p) / f64::from(starts)).sqrt();
        assert!((count / f64::from(starts) - p).abs() < 4.0 * sigma, "{counts:?}");
    }
}

#[test]
fn the_score_function_gradient_is_that_of_the_divergence_on_average() {
    let device = Device::flex().autodiff();
    let logits = Tensor::<1>::from_floats([0.2, -0.4, 0.1], &device).require_grad();
    let log_q = |logits: Tensor<1>| logits.clone() - logits.exp().sum().log();
    let energy = Tensor::<1>::from_floats(ENERGY.map(|energy| energy as f32), &device);
    // All pairs of draws, each with its probability: the expectation of the estimate from two draws.
    let q = to_host(log_q(logits.clone()).without_autodiff().exp());
    let mut expected = [0.0; 3];
    for (i, j) in (0..9).map(|k| (k / 3, k % 3)) {
        let chosen = Tensor::<1, Int>::from_ints([i as i32, j as i32], &device);
        let loss = score_function_loss(
            log_q(logits.clone()).select(0, chosen.clone()),
            energy.clone().select(0, chosen),
        );
        let gradient = logits.grad(&loss.backward()).expect("a gradient");
        for (sum, g) in expected.iter_mut().zip(to_host(gradient)) {
            *sum += q[i] * q[j] * g;
        }
    }
    let log_q = log_q(logits.clone());
    let objective = (log_q.clone().exp() * (log_q + energy)).sum();
    let exact = to_host(logits.grad(&objective.backward()).expect("a gradient"));
    for (sum, exact) in expected.iter().zip(exact) {
        assert!((sum - exact).abs() < 1e-6, "{sum} {exact}");
    }
}

/// `x = μ + σ z` with `θ = (μ, ln σ)`, as a density.
struct Affine {
    mean: Tensor<1>,
    log_std: Tensor<1>,
}

impl Affine {
    fn new(mean: f64, std: f64, device: &Device) -> Self {
        let parameter = |value: f64| Tensor::<1>::from_data([value], (device, DType::F64)).require_grad();
        Self { mean: parameter(mean), log_std: parameter(std.ln()) }
    }

    fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        z * self.log_std.clone().exp().unsqueeze::<2>() + self.mean.clone().unsqueeze::<2>()
    }

    /// `(d/dμ, d/d ln σ)`.
    fn gradient(&self, loss: Tensor<1>) -> [f64; 2] {
        let gradients = loss.backward();
        [&self.mean, &self.log_std]
            .map(|parameter| to_host(parameter.grad(&gradients).expect("a gradient"))[0])
    }
}

impl LogProb for Affine {
    fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        let log_std = self.log_std.clone().unsqueeze::<2>();
        let z = (x - self.mean.clone().unsqueeze::<2>()) * log_std.clone().neg().exp();
        let log_prob = (z.clone() * z) * -0.5 - log_std - 0.5 * std::f64::consts::TAU.ln();
        log_prob.squeeze_dim(1)
    }
}

/// The energy of `N(m, s²)`.
fn normal_energy(m: f64, s: f64) -> impl Energy {
    move |x: Tensor<2>| {
        let z = (x - m) * (1.0 / s);
        (z.clone() * z).squeeze_dim::<1>(1) * 0.5
    }
}

/// The path gradient of each of `z`, one by one.
fn path_gradients(model: &Affine, energy: &impl Energy, z: &[f64], device: &Device) -> Vec<[f64; 2]> {
    z.iter()
        .map(|&z| {
            let x = model.forward(Tensor::from_data([[z]], (device, DType::F64)));
            model.gradient(path_gradient(x, model, energy).loss)
        })
        .collect()
}

#[test]
fn the_path_gradient_of_a_gaussian_is_its_closed_form() {
    let device = Device::flex().autodiff();
    let (mean, std, m, s) = (0.7, 1.6, -0.4, 0.9f64);
    let (model, energy) = (Affine::new(mean, std, &device), normal_energy(m, s));
    // For each z: dx/dμ = 1, dx/d ln σ = σ z, and ∇_x (ln q + E) = -z/σ + (x - m)/s².
    let z = [-1.3, 0.2, 2.1];
    for (z, gradient) in z.iter().zip(path_gradients(&model, &energy, &z, &device)) {
        let slope = -z / std + (mean + std * z - m) / (s * s);
        for (have, want) in gradient.iter().zip([slope, slope * std * z]) {
            assert!((have - want).abs() < 1e-12, "{have} {want}");
        }
    }
    // On average over z: that of KL = -ln(σ/s) + (σ² + (μ - m)²) / 2s² - 1/2.
    let z = [-(3f64.sqrt()), 0.0, 3f64.sqrt()]; // Gauss-Hermite: exact for polynomials up to degree 5
    let gradients = path_gradients(&model, &energy, &z, &device);
    for (k, want) in [(mean - m) / (s * s), std * std / (s * s) - 1.0].into_iter().enumerate() {
        let have: f64 = gradients.iter().zip([1.0, 4.0, 1.0]).map(|(g, weight)| g[k] * weight / 6.0).sum();
        assert!((have - want).abs() < 1e-12, "{have} {want}");
    }
}

#[test]
fn the_path_gradient_does_not_fluctuate_at_the_optimum() {
    let device = Device::flex().autodiff();
    let (model, energy) = (Affine::new(0.7, 1.6, &device), normal_energy(0.7, 1.6));
    let z = [-1.3, 0.2, 2.1];
    for gradient in path_gradients(&model, &energy, &z, &device) {
        assert!(gradient.iter().all(|g| g.abs() < 1e-14), "{gradient:?}");
    }
    // The whole derivative keeps the score, which does: (d/dμ, d/d ln σ) ln q = (z/σ, z² - 1).
    let x = model.forward(Tensor::from_data([[2.1]], (&device, DType::F64)));
    let whole = model.gradient(model.log_prob(x.clone()) + energy.energy(x));
    for (have, want) in whole.iter().zip([2.1 / 1.6, 2.1 * 2.1 - 1.0]) {
        assert!((have - want).abs() < 1e-13, "{have} {want}");
    }
}

#[test]
fn the_path_gradient_returns_log_q_and_energy_of_its_draws() {
    let device = Device::flex().autodiff();
    let (model, energy) = (Affine::new(0.7, 1.6, &device), normal_energy(0.0, 1.0));
    let x = model.forward(Tensor::from_data([[2.1], [-0.3]], (&device, DType::F64)));
    let path = path_gradient(x.clone(), &model, &energy);
    assert!(!path.log_q.is_autodiff() && !path.energy.is_autodiff());
    assert_eq!(to_host(path.log_q), to_host(model.log_prob(x.clone())));
    assert_eq!(to_host(path.energy), to_host(energy.energy(x)));
}
