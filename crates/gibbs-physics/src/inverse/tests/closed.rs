use super::*;

type Method = fn(&Moments) -> Result<Pairwise, PhysicsError>;

/// Ratio of the errors at couplings of `strength` and of half of it.
fn ratio(method: Method, field: f64) -> f64 {
    let error = |strength: f64| {
        let truth = glass(8, strength, field);
        coupling_error(&method(&moments(&truth)).unwrap(), &truth).rms
    };
    error(0.04) / error(0.02)
}

/// An error `c β^k (1 + d β)` changes by `2^k (1 + d β/2)` when `β` is halved: at couplings of 0.04 over `√8` by a few
/// hundredths more or less than `2^k`, unless `c` is small by chance.
#[test]
fn errors_vanish_with_the_stated_power_of_the_couplings() {
    let cases: [(&str, Method, f64, i32); 8] = [
        ("independent pairs", independent_pairs, 0.0, 2),
        ("mean field", mean_field, 0.0, 3),
        ("TAP", tap, 0.0, 3),
        ("Bethe", bethe, 0.0, 4),
        ("independent pairs", independent_pairs, 0.5, 2),
        ("mean field", mean_field, 0.5, 2),
        ("TAP", tap, 0.5, 3),
        ("Bethe", bethe, 0.5, 3),
    ];
    for (name, method, field, power) in cases {
        let found = ratio(method, field).log2();
        assert!((found - f64::from(power)).abs() < 0.15, "{name} with field {field}: β^{found}");
    }
}

/// A star with a tail, strongly coupled: the tree on which Bethe's distribution is the distribution. The error is rounding times the condition
/// of the correlations.
#[test]
fn bethe_is_exact_on_a_tree() {
    let bonds = [(0, 1, 0.9), (0, 2, -0.6), (0, 3, 0.4), (3, 4, 1.1), (4, 5, -0.8)];
    let truth = Pairwise::from_bonds(bonds, vec![0.2, -0.4, 0.1, 0.0, 0.3, -0.1]).unwrap();
    let learned = bethe(&moments(&truth)).unwrap();
    assert!(coupling_error(&learned, &truth).rms < 1e-12);
    assert!(field_error(&learned, &truth).rms < 1e-12);
}

#[test]
fn two_spins_are_a_pair() {
    let truth = Pairwise::from_bonds([(0, 1, 0.7)], vec![0.3, -0.9]).unwrap();
    for method in [independent_pairs, bethe] {
        let learned = method(&moments(&truth)).unwrap();
        assert!(coupling_error(&learned, &truth).rms < 1e-14);
        assert!(field_error(&learned, &truth).rms < 1e-14);
    }
}

/// The formula of Ricci-Tersenghi in one line.
#[test]
fn bethe_is_the_formula_of_the_paper() {
    let moments = moments(&glass(6, 0.7, 0.5));
    let (learned, inverse) = (bethe(&moments).unwrap().matrix(), moments.inverse().unwrap());
    for i in 0..6 {
        for j in 0..i {
            let (a, mm) = (inverse[(i, j)], moments.means[i] * moments.means[j]);
            let root = (1.0 + 4.0 * moments.variance(i) * moments.variance(j) * a * a).sqrt();
            let inner = ((root - 2.0 * mm * a).powi(2) - 4.0 * a * a).sqrt();
            let expected = -(root / (2.0 * a) - mm - inner / (2.0 * a)).atanh();
            assert!((learned[6 * i + j] - expected).abs() < 1e-10, "{} {expected}", learned[6 * i + j]);
        }
    }
}

/// Without fields TAP has no reaction in the couplings.
#[test]
fn tap_is_mean_field_without_magnetization() {
    let moments = moments(&glass(6, 0.7, 0.0));
    let (tap, mean_field) = (tap(&moments).unwrap(), mean_field(&moments).unwrap());
    assert!(coupling_error(&tap, &mean_field).rms < 1e-14);
}

/// Free spins have the fields of their means.
#[test]
fn free_spins_are_found_by_all() {
    let truth = glass(5, 0.0, 0.8);
    for method in [independent_pairs as Method, mean_field, tap, bethe] {
        let learned = method(&moments(&truth)).unwrap();
        assert!(coupling_error(&learned, &truth).rms < 1e-14);
        assert!(field_error(&learned, &truth).rms < 1e-14);
    }
}
