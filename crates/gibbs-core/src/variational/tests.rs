use super::*;

/// Three outcomes with energies `E`, drawn with probabilities `q`.
const ENERGY: [f64; 3] = [0.3, -1.0, 0.8];
const Q: [f64; 3] = [0.5, 0.2, 0.3];

fn log_z() -> f64 {
    math::log_sum_exp(&ENERGY.map(|energy| -energy))
}

/// The law of the outcomes.
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

/// Whether an estimate agrees with the truth within so many of its errors, and its error is no excuse.
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
fn error_bars_cover_the_truth_as_often_as_they_say() {
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
fn the_markov_chain_has_the_law_as_its_own() {
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
    let mut expected = vec![0.0; 3];
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
