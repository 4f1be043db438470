use gibbs_core::ConfigError;

use super::*;
use crate::{PhysicsError, hopfield};

const INTERACTIONS: [Interaction; 5] = [
    Interaction::Power(2),
    Interaction::Power(3),
    Interaction::Power(5),
    Interaction::RectifiedPower(3),
    Interaction::Exponential,
];

/// The energy as it is written.
fn plain(patterns: &[Vec<i8>], interaction: Interaction, s: &[i8]) -> f64 {
    let n = s.len() as f64;
    let x = |xi: &Vec<i8>| xi.iter().zip(s).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let sum = |f: &dyn Fn(f64) -> f64| patterns.iter().map(|xi| f(x(xi))).sum::<f64>();
    match interaction {
        Interaction::Power(k) => {
            -sum(&|x| x.powf(f64::from(k))) / (f64::from(k) * n.powf(f64::from(k) - 1.0))
        }
        Interaction::RectifiedPower(k) => {
            -sum(&|x| if x > 0.0 { x.powf(f64::from(k)) } else { 0.0 })
                / (f64::from(k) * n.powf(f64::from(k) - 1.0))
        }
        Interaction::Exponential => -sum(&f64::exp).ln(),
    }
}

#[test]
fn energies_and_flip_costs_are_their_definitions() {
    let mut noise = Noise::new(1, "dense");
    let patterns = random_patterns(15, 6, &mut noise);
    for interaction in INTERACTIONS {
        let memory = DenseMemory::new(&patterns, interaction).unwrap();
        for state in random_patterns(15, 20, &mut noise) {
            let energy = plain(&patterns, interaction, &state);
            assert!((memory.energy(&state) - energy).abs() < 1e-12 * energy.abs().max(1.0));
            for i in 0..15 {
                let mut turned = state.clone();
                turned[i] = -turned[i];
                let difference = plain(&patterns, interaction, &turned) - energy;
                assert!((memory.flip_cost(&state, i) - difference).abs() < 1e-12, "{interaction:?}");
            }
        }
    }
}

#[test]
fn the_square_is_hebbs_rule() {
    let mut noise = Noise::new(2, "dense");
    let patterns = random_patterns(33, 7, &mut noise);
    let hebb = hopfield(&patterns).unwrap();
    let memory = DenseMemory::new(&patterns, Interaction::Power(2)).unwrap();
    let spins = SpinDynamics::new(&hebb, Updates::Asynchronous);
    for start in random_patterns(33, 20, &mut noise) {
        assert!((memory.energy(&start) + 3.5 - hebb.energy_of(&start)).abs() < 1e-12);
        let (mut one, mut other) = (noise.child("order"), noise.child("order"));
        let path = recall(&memory, start.clone(), 50, &mut one);
        assert_eq!(path.states, recall(&spins, start.clone(), 50, &mut other).states);
        let (memory, spins) = (memory.clone().at(2.0).unwrap(), spins.clone().at(2.0).unwrap());
        let (mut one, mut other) = (noise.child("warm"), noise.child("warm"));
        let path = recall(&memory, start.clone(), 5, &mut one);
        assert_eq!(path.states, recall(&spins, start, 5, &mut other).states);
    }
}

#[test]
fn recall_lowers_the_energy_to_a_fixed_point() {
    let mut noise = Noise::new(3, "dense");
    let patterns = random_patterns(30, 30, &mut noise);
    for interaction in INTERACTIONS {
        let memory = DenseMemory::new(&patterns, interaction).unwrap();
        for start in random_patterns(30, 10, &mut noise) {
            let path = recall(&memory, start, 100, &mut noise);
            assert_eq!(path.end, End::FixedPoint);
            assert!(path.energies.windows(2).all(|pair| pair[1] < pair[0]), "{interaction:?}");
        }
    }
}

/// At twice as many patterns as spins, steep energies still have all of them, Hebb's rule none.
#[test]
fn steeper_energies_store_more() {
    let mut noise = Noise::new(4, "dense");
    let patterns = random_patterns(64, 128, &mut noise);
    let fixed = |interaction, noise: &mut Noise| {
        let memory = DenseMemory::new(&patterns, interaction).unwrap();
        patterns.iter().filter(|xi| memory.step(xi.to_vec(), noise) == **xi).count()
    };
    assert_eq!(fixed(Interaction::Power(2), &mut noise), 0);
    assert_eq!(fixed(Interaction::Power(5), &mut noise), 128);
    assert_eq!(fixed(Interaction::RectifiedPower(5), &mut noise), 128);
    assert_eq!(fixed(Interaction::Exponential, &mut noise), 128);
}

#[test]
fn the_exponential_of_many_spins_is_finite() {
    let mut noise = Noise::new(5, "dense");
    let patterns = random_patterns(2000, 3, &mut noise);
    let memory = DenseMemory::new(&patterns, Interaction::Exponential).unwrap();
    assert_eq!(memory.energy(&patterns[1]), -2000.0);
    assert_eq!(memory.flip_cost(&patterns[1], 7), 2.0);
    let mut start = patterns[1].clone();
    start[..900].iter_mut().for_each(|s| *s = -*s);
    assert_eq!(recall(&memory, start, 10, &mut noise).last(), patterns[1]);
}

#[test]
fn powers_are_checked() {
    let patterns = random_patterns(1000, 2, &mut Noise::new(6, "dense"));
    for degree in [0, 103, 200] {
        let error = DenseMemory::new(&patterns, Interaction::Power(degree)).unwrap_err();
        let must = "must be at least 1, and n^degree a finite number";
        assert_eq!(error, PhysicsError::from(ConfigError::new("degree", degree, must)));
    }
    assert!(DenseMemory::new(&patterns, Interaction::RectifiedPower(102)).is_ok());
}
