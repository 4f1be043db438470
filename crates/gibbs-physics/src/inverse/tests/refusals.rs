use super::*;

fn message<T>(result: Result<T, PhysicsError>) -> String {
    result.err().unwrap().to_string()
}

#[test]
fn bad_samples_are_named() {
    assert_eq!(message(Samples::new(&[], 2)), "no samples; learning couplings needs at least one");
    assert_eq!(message(Samples::new(&[1], 0)), "a system needs at least one spin");
    assert_eq!(message(Samples::new(&[1; 5], 2)), "5 values are no whole number of samples of 2 spins");
    assert_eq!(
        message(Samples::new(&[1, 1, -1, 0], 2)),
        "spin 1 of sample 1 is 0; samples are made of -1 and +1"
    );
    let weighted = |weights: [f64; 2]| message(Samples::weighted(&[1, -1], 1, |k| weights[k]));
    assert_eq!(weighted([1.0, -0.5]), "weight = -0.5: must be finite, at least 0, and not all 0");
    assert_eq!(weighted([0.0, 0.0]), "weight = 0: must be finite, at least 0, and not all 0");
}

#[test]
fn a_spin_that_never_flips_has_no_finite_field() {
    let samples = Samples::new(&[1, -1, -1, -1], 2).unwrap();
    let expected =
        "spin 1 is -1 in every sample, so its field is not finite; leave it out or take more samples";
    let moments = samples.moments();
    for method in [mean_field, tap, bethe, independent_pairs] {
        assert_eq!(message(method(&moments)), expected);
    }
    assert_eq!(message(MaximumLikelihood::new(moments.clone())), expected);
    let noise = Noise::new(1, "chains");
    assert_eq!(message(PersistentChains::new(moments, ChainsConfig::default(), &noise)), expected);
    assert_eq!(message(PseudoLikelihood::new(samples, 0.0)), expected);
}

/// The third spin is the first flipped; the fourth is free.
#[test]
fn spins_that_determine_each_other_are_refused() {
    let rows =
        [[1, 1, -1, 1], [1, -1, -1, -1], [-1, 1, 1, 1], [-1, -1, 1, -1], [1, 1, -1, -1], [-1, 1, 1, -1]];
    let samples = Samples::new(rows.as_flattened(), 4).unwrap();
    let expected = "the correlations of 4 spins have no inverse, as some spins determine another or the 6 different samples are too few; take more, or pseudo-likelihood with a penalty";
    for method in [mean_field, tap, bethe] {
        assert_eq!(message(method(&samples.moments())), expected);
    }
    assert_eq!(
        message(independent_pairs(&samples.moments())),
        "the approximation of independent pairs has no real coupling for the pair (0, 2): its spins are correlated too strongly; use pseudo-likelihood"
    );
    let unpenalized = PseudoLikelihood::new(samples.clone(), 0.0).unwrap().run(1e-9, 100);
    assert_eq!(
        message(unpenalized),
        "the pseudo-likelihood of spin 1 has no single finite maximum, as some spins determine another in these samples; take more, or give a penalty"
    );
    let mut penalized = PseudoLikelihood::new(samples, 0.01).unwrap();
    assert!(penalized.run(1e-9, 100).unwrap().gradient <= 1e-9);
    assert!(penalized.couplings().unwrap().matrix()[2] < -0.5);
}

/// A strong antiferromagnetic bond of two spins that a field and a third spin hold up.
#[test]
fn couplings_too_strong_for_a_formula_name_the_pair() {
    let truth = Pairwise::from_bonds([(0, 1, -1.5), (1, 2, 1.0), (0, 2, 1.0)], vec![1.0, 1.0, 1.0]).unwrap();
    assert_eq!(
        message(tap(&moments(&truth))),
        "TAP has no real coupling for the pair (0, 1): its spins are correlated too strongly; use pseudo-likelihood"
    );
}

#[test]
fn settings_out_of_range_are_named() {
    let samples = Samples::new(&[1, -1], 1).unwrap();
    assert_eq!(
        message(PseudoLikelihood::new(samples.clone(), -1.0)),
        "penalty = -1: must be finite and at least 0"
    );
    let config = ChainsConfig { chains: 0, ..ChainsConfig::default() };
    let noise = Noise::new(1, "chains");
    assert_eq!(
        message(PersistentChains::new(samples.moments(), config, &noise)),
        "chains = 0: must be at least 1"
    );
    let config = ChainsConfig { learning_rate: f64::NAN, ..ChainsConfig::default() };
    assert_eq!(
        message(PersistentChains::new(samples.moments(), config, &noise)),
        "learning_rate = NaN: must be finite and above 0"
    );
    let large = moments_of_free(33);
    assert!(message(MaximumLikelihood::new(large)).starts_with("33 spins have too many states"));
}

fn moments_of_free(n: usize) -> Moments {
    let rows: Vec<i8> = [1, -1].iter().flat_map(|s| vec![*s; n]).collect();
    Samples::new(&rows, n).unwrap().moments()
}
