use super::{
    super::{fourier::Dual, plane::log_z_per_spin, *},
    assert_same,
};
use crate::{Axis, Lattice, ising};

/// Away from the critical point the torus differs from the plane by terms in `e^{-Lγ_0}`, here less than `e^{-0.39 L}`,
/// which derivatives multiply by up to `(4L)²`, and, ordered, by ln 2. At the
/// critical point `ln Z - L² ln z` goes to a constant, `ln(2^{1/4} + 2^{-1/2}) = 0.639912` on the square torus
/// (Ferdinand & Fisher, Phys. Rev. 185:832, 1969, doi:10.1103/PhysRev.185.832), with a correction in `1/L²`.
#[test]
fn onsager_is_the_limit_of_kaufman() {
    for l in [64, 128, 256, 512] {
        let n = l * l;
        for (beta, constant) in [(0.0, 0.0), (0.2, 0.0), (0.35, 0.0), (0.55, 2f64.ln()), (1.5, 2f64.ln())] {
            let (mut torus, plane) = (kaufman(l, l, beta).unwrap(), onsager(beta).unwrap());
            torus.log_z -= constant;
            assert_same(&torus.per_spin(n), &plane, 1e-9);
        }
        let (torus, plane) = (kaufman(l, l, CRITICAL_BETA).unwrap(), onsager(CRITICAL_BETA).unwrap());
        let difference = torus.log_z - plane.log_z * n as f64;
        let constant = (2f64.powf(0.25) + 0.5f64.sqrt()).ln();
        assert!((difference - constant).abs() < 1.0 / n as f64 + 1e-14 * n as f64, "{l}: {difference}");
        assert!((torus.energy / n as f64 - plane.energy).abs() < 1.0 / l as f64);
    }
}

#[test]
fn elliptic_integrals_and_derivatives_of_the_double_integral_agree() {
    for beta in [1e-6, 1e-3, 0.1, 0.3, 0.43, 0.4406, 0.4408, 0.45, 0.6, 1.0, 2.0, 30.0] {
        let plane = onsager(beta).unwrap();
        let log_z = log_z_per_spin(&Dual::new(beta));
        assert!((plane.energy + log_z.first).abs() < 1e-12, "{beta}: {} {}", plane.energy, log_z.first);
        let heat = beta * beta * log_z.second;
        assert!((plane.heat_capacity - heat).abs() < 1e-11, "{beta}: {} {heat}", plane.heat_capacity);
    }
}

/// `ln 2 / 2 + 2G/π` with Catalan's constant at the critical point (Onsager 1944); `2β²` above and `64β²e^{-8β}`
/// below are the first terms of the series of the heat, the next being smaller by `β²` and `e^{-4β}`.
#[test]
fn onsager_has_the_known_values() {
    let critical = onsager(CRITICAL_BETA).unwrap();
    let catalan = 0.915_965_594_177_219;
    assert!((critical.log_z - 0.5 * 2f64.ln() - 2.0 * catalan / std::f64::consts::PI).abs() < 1e-14);
    assert!((critical.energy + 2f64.sqrt()).abs() < 1e-13);
    assert!(critical.heat_capacity > 10.0 && critical.heat_capacity.is_finite());
    let hot = onsager(1e-5).unwrap();
    assert!((hot.energy / -2e-5 - 1.0).abs() < 1e-9);
    assert!((hot.heat_capacity / 2e-10 - 1.0).abs() < 1e-8);
    let cold = onsager(1.5).unwrap();
    assert!((cold.heat_capacity / (64.0 * 2.25 * (-12f64).exp()) - 1.0).abs() < 0.05);
    let free = onsager(0.0).unwrap();
    assert!((free.log_z - 2f64.ln()).abs() < 1e-14);
    assert_eq!((free.energy, free.heat_capacity), (0.0, 0.0));
    let frozen = onsager(1000.0).unwrap();
    assert!((frozen.log_z - 2000.0).abs() < 1e-9);
    assert_eq!((frozen.energy, frozen.heat_capacity), (-2.0, 0.0));
}

/// The correlation of sites half a torus apart goes to `m²` where the correlation length is short.
#[test]
fn yang_is_the_long_range_order() {
    assert_eq!(yang(0.3).unwrap(), 0.0);
    assert_eq!(yang(0.0).unwrap(), 0.0);
    assert_eq!(yang(100.0).unwrap(), 1.0);
    let near = yang(CRITICAL_BETA * (1.0 + 1e-10)).unwrap();
    let slope = 8.0 * 2f64.sqrt() * CRITICAL_BETA * 1e-10;
    assert!((near / slope.powf(0.125) - 1.0).abs() < 1e-6, "{near}");
    let torus = ising(&Lattice::hypercubic(&[Axis::periodic(4); 2]).unwrap(), 1.0, 0.0).unwrap();
    let far = enumerate(&torus, 1.0).unwrap().correlations[10];
    assert!((far - yang(1.0).unwrap().powi(2)).abs() < 1e-4, "{far}");
}
