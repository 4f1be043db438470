use super::*;

/// Within the tolerance over the least curvature of the likelihood, which for these couplings is above 0.01.
#[test]
fn maximum_likelihood_finds_the_couplings_of_exact_moments() {
    for truth in [glass(8, 0.5, 0.3), glass(6, 1.5, 0.5)] {
        let mut learner = MaximumLikelihood::new(moments(&truth)).unwrap();
        let stopped = learner.run(1e-10, 300).unwrap();
        assert!(stopped.gradient <= 1e-10, "{stopped:?}");
        let learned = learner.couplings().unwrap();
        assert!(coupling_error(&learned, &truth).rms < 1e-8);
        assert!(field_error(&learned, &truth).rms < 1e-8);
    }
}

#[test]
fn maximum_likelihood_stays_where_it_is_right() {
    let truth = glass(6, 0.8, 0.5);
    let mut learner = MaximumLikelihood::from_couplings(moments(&truth), &truth).unwrap();
    assert!(coupling_error(&learner.couplings().unwrap(), &truth).rms < 1e-15);
    assert!(learner.step().unwrap() < 1e-13);
}

/// The centered gradient is that of the likelihood, by central differences with an error of `ε²`.
#[test]
fn the_gradient_is_that_of_the_likelihood() {
    let (data, model) = (moments(&glass(4, 1.0, 0.5)), glass(4, 0.5, -0.7));
    let centered = centered::Centered::new(data.clone()).unwrap();
    let likelihood = |parameters: &[f64]| {
        let model = centered.couplings(parameters).unwrap();
        let pairs: f64 = model.bonds().map(|(i, j, value)| value * data.correlations[4 * i + j]).sum();
        let single: f64 = model.field().iter().zip(&data.means).map(|(h, m)| h * m).sum();
        pairs + single - exact::enumerate(&model, 1.0).unwrap().thermodynamics.log_z
    };
    let parameters = centered.parameters(&model);
    let exact = exact::enumerate(&model, 1.0).unwrap();
    let gradient = centered.gradient(&exact.means, &exact.correlations);
    let epsilon = 1e-4;
    for k in 0..parameters.len() {
        let moved = |by: f64| {
            let mut moved = parameters.clone();
            moved[k] += by;
            likelihood(&moved)
        };
        let slope = (moved(epsilon) - moved(-epsilon)) / (2.0 * epsilon);
        assert!((slope - gradient[k]).abs() < 1e-7, "{k}: {slope} {}", gradient[k]);
    }
}

/// The conditionals of the distribution are logistic, so its pseudo-likelihood has its maximum at the truth. Newton's method
/// converges quadratically: a few steps.
#[test]
fn pseudo_likelihood_finds_the_couplings_of_an_exact_distribution() {
    for truth in [glass(8, 0.5, 0.3), glass(6, 1.5, 0.5)] {
        let mut learner = PseudoLikelihood::new(distribution(&truth), 0.0).unwrap();
        let stopped = learner.run(1e-12, 20).unwrap();
        assert!(stopped.gradient <= 1e-12, "{stopped:?}");
        let learned = learner.couplings().unwrap();
        assert!(coupling_error(&learned, &truth).rms < 1e-11);
        assert!(field_error(&learned, &truth).rms < 1e-11);
    }
}

/// For a small penalty `λ` the couplings shrink in proportion to it.
#[test]
fn a_penalty_makes_couplings_smaller() {
    let truth = glass(6, 0.8, 0.2);
    let learned = |penalty| {
        let mut learner = PseudoLikelihood::new(distribution(&truth), penalty).unwrap();
        learner.run(1e-12, 20).unwrap();
        learner.couplings().unwrap()
    };
    let norm = |system: &Pairwise| system.bonds().map(|bond| bond.2 * bond.2).sum::<f64>();
    assert!(norm(&learned(0.1)) < norm(&learned(0.01)) && norm(&learned(0.01)) < norm(&truth));
    let ratio = coupling_error(&learned(2e-4), &truth).rms / coupling_error(&learned(1e-4), &truth).rms;
    assert!((ratio - 2.0).abs() < 0.01, "{ratio}");
}

/// 16 spins, β = 0.3, 10⁵ samples. The Fisher information of weak couplings is near 1, so each coupling has an error of
/// about `1/√N`, relative to couplings of `0.3/√16`: 4.2 %. A root mean square over 120 of them scatters by a 15th of it.
#[test]
fn the_likelihoods_agree_within_the_noise_of_samples() {
    let (n, size) = (16, 100_000);
    let truth = glass(n, 0.3, 0.0);
    let spins = exact::draw(&truth, 1.0, size, &mut Noise::new(3, "samples")).unwrap();
    let samples = Samples::new(&spins, n).unwrap();
    let noise = 1.0 / (size as f64).sqrt();
    let mut pseudo = PseudoLikelihood::new(samples.clone(), 0.0).unwrap();
    pseudo.run(1e-9, 20).unwrap();
    let pseudo = pseudo.couplings().unwrap();
    let mut likelihood = MaximumLikelihood::from_couplings(samples.moments(), &pseudo).unwrap();
    likelihood.run(1e-6, 20).unwrap();
    let likelihood = likelihood.couplings().unwrap();
    for learned in [&pseudo, &likelihood] {
        let error = coupling_error(learned, &truth);
        assert!(error.rms < 1.2 * noise && error.rms > 0.8 * noise, "{error:?}");
    }
    assert!(coupling_error(&pseudo, &likelihood).rms < 0.2 * noise);
}

/// The mean gradient is over `T/2` steps of the chains; each feature scatters by its standard deviation over the root of
/// chains times steps, more by the autocorrelation of chains, a few sweeps, and so do couplings.
#[test]
fn persistent_chains_find_the_couplings_of_exact_moments() {
    let truth = glass(6, 0.8, 0.3);
    let config = ChainsConfig { chains: 200, sweeps: 1, steps: 600, learning_rate: 0.2 };
    let mut learner = PersistentChains::new(moments(&truth), config, &Noise::new(5, "chains")).unwrap();
    let stopped = learner.run(0.0, 600).unwrap();
    let independent = f64::from(200 * 300) / 4.0;
    assert!(stopped.gradient < 2.0 / independent.sqrt(), "{stopped:?}");
    let error = coupling_error(&learner.couplings().unwrap(), &truth);
    assert!(error.rms < 4.0 / independent.sqrt(), "{error:?}");
}

#[test]
fn persistent_chains_go_on_from_their_state() {
    let truth = glass(5, 0.8, 0.3);
    let config = ChainsConfig { chains: 10, sweeps: 2, steps: 20, learning_rate: 0.2 };
    let new = || PersistentChains::new(moments(&truth), config, &Noise::new(5, "chains")).unwrap();
    let mut whole = new();
    whole.run(0.0, 20).unwrap();
    let (mut first, mut second) = (new(), new());
    first.run(0.0, 12).unwrap();
    second.set_state(first.state().clone());
    second.run(0.0, 8).unwrap();
    assert_eq!(second.state(), whole.state());
}
