use super::{super::*, assert_same};

#[test]
fn curie_weiss_is_enumeration() {
    for n in [1, 2, 5, 12] {
        for (coupling, field, beta) in [(1.0, 0.0, 0.5), (1.5, 0.2, 2.0), (-1.0, -0.3, 1.0), (1.0, 0.1, 0.0)]
        {
            let exact = enumerate(&crate::curie_weiss(n, coupling, field).unwrap(), beta).unwrap();
            let found = curie_weiss(n, coupling, field, beta).unwrap();
            assert_same(&found.thermodynamics, &exact.thermodynamics, 1e-12);
            let (a, b) = (found.magnetization, exact.magnetization);
            assert!((a.mean - b.mean).abs() < 1e-13 && (a.abs - b.abs).abs() < 1e-13);
            assert!((a.second - b.second).abs() < 1e-13 && (a.fourth - b.fourth).abs() < 1e-13);
            assert!((a.binder() - b.binder()).abs() < 1e-12);
        }
    }
}

/// Corrections are in `1/n` away from the critical point.
#[test]
fn curie_weiss_goes_to_its_limit() {
    let n = 20_000;
    for (coupling, field, beta) in
        [(1.0, 0.0, 0.5), (1.0, 0.0, 1.5), (1.0, 0.3, 0.8), (-1.0, -0.3, 2.0), (2.0, -0.1, 1.0)]
    {
        let (finite, limit) = (
            curie_weiss(n, coupling, field, beta).unwrap(),
            curie_weiss_limit(coupling, field, beta).unwrap(),
        );
        let per_spin = finite.thermodynamics.per_spin(n);
        assert!((per_spin.log_z - limit.thermodynamics.log_z).abs() < 5.0 / n as f64);
        assert!((per_spin.energy - limit.thermodynamics.energy).abs() < 5.0 / n as f64);
        assert!((per_spin.heat_capacity - limit.thermodynamics.heat_capacity).abs() < 50.0 / n as f64);
        let m = if field == 0.0 { finite.magnetization.second.sqrt() } else { finite.magnetization.mean };
        let tolerance = if limit.magnetization == 0.0 { 2.0 / (n as f64).sqrt() } else { 10.0 / n as f64 };
        assert!((m - limit.magnetization).abs() < tolerance, "{m} {limit:?}");
        let m = limit.magnetization;
        assert!((m - (beta * (coupling * m + field)).tanh()).abs() < 1e-15);
    }
}

#[test]
fn mean_field_vanishes_as_a_square_root() {
    assert_eq!(curie_weiss_limit(1.0, 0.0, 1.0).unwrap().magnetization, 0.0);
    assert_eq!(curie_weiss_limit(1.0, -0.0, 0.3).unwrap().thermodynamics.heat_capacity, 0.0);
    let near = curie_weiss_limit(1.0, 0.0, 1.0 + 1e-6).unwrap();
    assert!((near.magnetization / (3e-6f64).sqrt() - 1.0).abs() < 1e-4);
    assert!((near.thermodynamics.heat_capacity - 1.5).abs() < 1e-4);
}
