use super::*;

#[test]
fn equal_samples_are_merged() {
    let samples = Samples::new(&[1, -1, 1, 1, 1, -1, 1, -1], 2).unwrap();
    assert_eq!((samples.n_samples(), samples.distinct()), (4, 2));
    let rows: Vec<_> = samples.iter().collect();
    assert_eq!(rows, [(&[1, -1][..], 0.75), (&[1, 1][..], 0.25)]);
    let moments = samples.moments();
    assert_eq!(moments.means, [1.0, -0.5]);
    assert_eq!(moments.correlations, [1.0, -0.5, -0.5, 1.0]);
    assert_eq!(moments.connected(0, 1), 0.0);
    assert_eq!(moments.variance(1), 0.75);
}

#[test]
fn the_moments_of_a_distribution_are_those_of_enumeration() {
    let truth = glass(7, 0.8, 0.3);
    let (from_distribution, exact) = (distribution(&truth).moments(), moments(&truth));
    assert!(from_distribution.gap(&exact) < 1e-14);
    let free = moments(&glass(7, 0.0, 0.0));
    let squares = exact.means.iter().map(|m| m * m).sum::<f64>()
        + (0..7)
            .flat_map(|i| (0..i).map(move |j| 7 * i + j))
            .map(|at| exact.correlations[at].powi(2))
            .sum::<f64>();
    assert!((exact.gap(&free) - (squares / 28.0).sqrt()).abs() < 1e-14);
}

#[test]
fn errors_are_relative_to_the_truth() {
    let truth = Pairwise::from_bonds([(0, 1, 3.0), (1, 2, 4.0)], vec![0.0, 2.0, 0.0]).unwrap();
    let learned = Pairwise::from_bonds([(0, 1, 3.0), (0, 2, 0.5)], vec![0.0, 1.0, 0.0]).unwrap();
    let couplings = coupling_error(&learned, &truth);
    assert!((couplings.relative - (16.25f64 / 25.0).sqrt()).abs() < 1e-15);
    assert!((couplings.rms - (16.25f64 / 3.0).sqrt()).abs() < 1e-15);
    assert_eq!(field_error(&learned, &truth), Deviation { rms: (1.0f64 / 3.0).sqrt(), relative: 0.5 });
    assert!(field_error(&learned, &glass(3, 1.0, 0.0)).relative.is_infinite());
}

/// `p(s_i | rest)` is the weight of the state over that and the weight with spin `i` flipped.
#[test]
fn pseudo_likelihood_is_the_product_of_conditionals() {
    let truth = glass(4, 1.0, 0.5);
    let weight = |spins: &[i8]| (-truth.energy_of(spins)).exp();
    let spins = [1, -1, -1, 1];
    let expected: f64 = (0..4)
        .map(|i| {
            let mut other = spins;
            other[i] = -other[i];
            (weight(&spins) / (weight(&spins) + weight(&other))).ln()
        })
        .sum();
    assert!((pseudo_log_likelihood(&truth, &spins) - expected).abs() < 1e-14);
}
