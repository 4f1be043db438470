use gibbs_core::Energy;

use super::*;
use crate::{Boundary, continuous::DoubleWell};

fn spins(change: impl Fn(&mut SpinSystemConfig), kind: SpinSystemKind) -> String {
    let mut config = SpinSystemConfig::new(kind);
    change(&mut config);
    config.build().unwrap_err().to_string()
}

#[test]
fn defaults_of_every_kind_build_and_survive_json() {
    for kind in SpinSystemKind::ALL.iter().filter(|kind| **kind != SpinSystemKind::Couplings) {
        let config = SpinSystemConfig::new(*kind);
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<SpinSystemConfig>(&text).unwrap(), config);
        assert!(text.contains(&format!(r#""kind":"{kind}""#)), "{text}");
        let system = config.build().unwrap();
        assert_eq!(system.shape().iter().product::<usize>(), system.n_spins());
    }
    for kind in ContinuousKind::ALL {
        let config = ContinuousSystemConfig::new(*kind);
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<ContinuousSystemConfig>(&text).unwrap(), config);
        let target = config.build().unwrap();
        let x = burn::tensor::Tensor::ones([2, target.n_variables()], &burn::tensor::Device::flex());
        assert_eq!(target.potential.energy(x).dims(), [2]);
    }
}

#[test]
fn systems_are_described_with_sizes_and_constants() {
    assert_eq!(SpinSystemConfig::default().describe(), "ising 16x16, beta = 0.440687");
    assert_eq!(SpinSystemConfig::new(SpinSystemKind::Sk).describe(), "sk 20 spins, beta = 0.440687");
    let chain = ContinuousSystemConfig::default();
    assert_eq!(chain.describe(), "harmonic_chain, n = 8, beta = 1");
    let field = ContinuousSystemConfig::new(ContinuousKind::PhiFour);
    assert_eq!(field.describe(), "phi_four 6x6, m² = -4, λ = 6.975");
}

#[test]
fn sizes_that_a_kind_does_not_have_are_named() {
    use SpinSystemKind::{Couplings, Ising, Sk};
    assert_eq!(
        spins(|c| c.n_spins = Some(4), Ising),
        "n_spins = 4: ising has a lattice instead, such as 16x16"
    );
    assert_eq!(
        spins(|c| c.lattice = Some("4x4".into()), Sk),
        "lattice = 4x4: sk has a number of spins instead"
    );
    assert_eq!(spins(|c| c.n_spins = None, Sk), "n_spins = null: sk needs it, such as 20");
    assert!(
        spins(|c| c.couplings = Some("a.npy".into()), Sk).starts_with("couplings = a.npy: sk has its own")
    );
    assert!(spins(|_| (), Couplings).starts_with("couplings = null: couplings needs it"));
    assert_eq!(spins(|c| c.beta = -1.0, Ising), "beta = -1: must be finite and above 0");
    assert_eq!(
        spins(|c| c.lattice = Some("3x".into()), Ising),
        "lattice = 3x: give the sizes of the axes, such as 16x16"
    );
    assert!(
        spins(|c| c.lattice = Some("1x4".into()), Ising).starts_with("lattice = 1x4: axis 0 has length 1")
    );
    let ring =
        ContinuousSystemConfig { beta: Some(2.0), ..ContinuousSystemConfig::new(ContinuousKind::Ring) };
    assert_eq!(ring.build().unwrap_err().to_string(), "beta = 2: ring has no temperature");
}

/// A setting of another kind would do nothing, unnoticed.
#[test]
fn settings_of_other_kinds_are_refused() {
    use SpinSystemKind::{Couplings, CurieWeiss, EdwardsAnderson, Hopfield, Ising, Sk};
    assert_eq!(spins(|c| c.field = 0.5, Sk), "field = 0.5: sk does not use it");
    assert_eq!(spins(|c| c.instance_seed = 3, Ising), "instance_seed = 3: ising does not use it");
    assert_eq!(
        spins(|c| c.boundary = Boundary::Open, CurieWeiss),
        "boundary = open: curie_weiss does not use it"
    );
    assert_eq!(
        spins(|c| c.n_patterns = 2, EdwardsAnderson),
        "n_patterns = 2: edwards_anderson does not use it"
    );
    assert_eq!(spins(|c| c.coupling = 2.0, Hopfield), "coupling = 2.0: hopfield does not use it");
    let file = |c: &mut SpinSystemConfig| (c.couplings, c.field) = (Some("a.npy".into()), 1.0);
    assert_eq!(spins(file, Couplings), "field = 1.0: couplings does not use it");
    let of = |kind, change: fn(&mut ContinuousSystemConfig)| {
        let mut config = ContinuousSystemConfig::new(kind);
        change(&mut config);
        config.build().unwrap_err().to_string()
    };
    assert_eq!(of(ContinuousKind::Ring, |c| c.stiffness = 3.0), "stiffness = 3.0: ring does not use it");
    assert_eq!(
        of(ContinuousKind::SteepDoubleWell, |c| c.tilt = 0.0),
        "tilt = 0.0: steep_double_well does not use it"
    );
    assert_eq!(of(ContinuousKind::PhiFour, |c| c.spring = 2.0), "spring = 2.0: phi_four does not use it");
}

#[test]
fn wells_have_the_constants_of_their_settings() {
    let default = ContinuousSystemConfig::new(ContinuousKind::DoubleWell);
    let config = ContinuousSystemConfig { barrier: 3.0, tilt: 0.0, stiffness: 4.0, ..default.clone() };
    let [own, plain] = [&config, &default].map(|config| config.build().unwrap());
    let Potential::DoubleWell(wells) = own.potential else { panic!("wells") };
    assert_eq!(wells.constants(), [1.0, 3.0, 0.0, 4.0]);
    assert_eq!(own.exact.unwrap().0, DoubleWell::new(1.0, 3.0, 0.0, 4.0).unwrap().log_z());
    // Wells of equal depths are mirror images.
    assert_eq!([own, plain].map(|density| density.group(false).order()), [2, 1]);
    assert_eq!(config.describe(), "double_well, a = 1, b = 3, c = 0, d = 4");
    let refused = ContinuousSystemConfig { quartic: 0.0, ..default }.build().unwrap_err();
    assert!(refused.to_string().starts_with("quartic = 0: must be"), "{refused}");
    let steep = ContinuousSystemConfig::new(ContinuousKind::SteepDoubleWell).build().unwrap();
    assert_eq!(steep.exact.unwrap().0, DoubleWell::steep().log_z());
}

#[test]
fn references_agree_where_two_methods_apply() {
    let of =
        |lattice: &str| SpinSystemConfig { lattice: Some(lattice.into()), ..SpinSystemConfig::default() };
    let small = of("4x4").build().unwrap();
    let log_z = small.reference(0.4).unwrap().unwrap().thermodynamics.log_z;
    assert!((log_z - crate::exact::kaufman(4, 4, 0.4).unwrap().log_z).abs() < 1e-12);
    let large = of("6x6").build().unwrap();
    assert_eq!(large.reference(0.4).unwrap().unwrap().method, "Kaufman");
    assert!(large.infinite_lattice(0.4).unwrap().is_some());
    let cube = of("3x3x3").build().unwrap();
    assert!(cube.reference(0.4).unwrap().is_none() && cube.infinite_lattice(0.4).unwrap().is_none());
}

/// Known coordinates of one row each. Along a slow one the energy changes least.
#[test]
fn slow_coordinates_are_those_of_their_systems() {
    let of = |kind: ContinuousKind, x: &[f64], origin: &[f64]| {
        ContinuousSystemConfig::new(kind).build().unwrap().slow_coordinate().of(x, origin)
    };
    let half = std::f64::consts::FRAC_PI_2;
    let angles = of(ContinuousKind::Ring, &[0.0, 3.0, -2.0, 0.0, 0.0, -1.0, 1.0, 0.0], &[0.0, 2.0]);
    for (angle, expected) in angles.into_iter().zip([0.0, half, -2.0 * half, -half]) {
        assert!((angle - expected).abs() < 1e-15, "{angle}, not {expected}");
    }
    assert_eq!(of(ContinuousKind::DoubleWell, &[-1.5, 4.0], &[1.0, 0.0]), [-1.5]);
    assert!((of(ContinuousKind::PhiFour, &[0.25; 36], &[0.0; 36])[0] - 0.25).abs() < 1e-15);
    let chain = ContinuousSystemConfig::default().build().unwrap();
    let Potential::HarmonicChain(particles) = &chain.potential else { panic!("a chain") };
    let modes = particles.modes();
    assert!((chain.slow_coordinate().of(&modes[..8], &[0.0; 8])[0] - 1.0).abs() < 1e-12);
    assert!(chain.slow_coordinate().of(&modes[8..16], &[0.0; 8])[0].abs() < 1e-12);
}
