use gibbs_backend::Noise;
use gibbs_testkit::check_follows;

use super::*;
use crate::{Axis, sherrington_kirkpatrick};

#[test]
fn observations_in_bits_are_those_of_the_replicas() {
    let cubic = Lattice::hypercubic(&[Axis::periodic(3), Axis::open(2), Axis::periodic(4)]).unwrap();
    let cubic = edwards_anderson(&cubic, &mut Noise::new(1, "instance")).unwrap();
    let free = Pairwise::from_bonds([], vec![0.3, -0.2]).unwrap();
    for system in [torus(5, -0.7, 0.2), glass(), cubic, free] {
        let chain = HeatBath64::new(&system, 0.3).unwrap();
        let state = chain.init(&mut Noise::new(2, "chains"));
        for (r, observation) in chain.observe(&state).into_iter().enumerate() {
            let expected = Observation::of(&system, &chain.unpack(&state, r));
            assert!((observation.energy - expected.energy).abs() < 1e-12);
            assert_eq!(observation.magnetization, expected.magnetization);
        }
        let replicas: Vec<_> = (0..REPLICAS).map(|r| chain.unpack(&state, r)).collect();
        assert_eq!(chain.pack(&replicas), state);
    }
}

/// Neighboring places, and places half a word apart, from one start: the joint distribution is the product.
#[test]
fn replicas_are_independent() {
    let ring = ising(&Lattice::hypercubic(&[Axis::periodic(3)]).unwrap(), 1.0, 0.2).unwrap();
    let chain = HeatBath64::new(&ring, 0.5).unwrap();
    let start = chain.pack(&[vec![1, -1, 1]]);
    let mut noise = Noise::new(3, "chains");
    let ends: Vec<Vec<usize>> = (0..600)
        .map(|_| {
            let end = chain.run(start.clone(), 12, &mut noise);
            (0..REPLICAS).map(|r| index(&chain.unpack(&end, r))).collect()
        })
        .collect();
    let distribution = distribution(&ring, 0.5);
    let product: Vec<f64> = (0..64).map(|pair| distribution[pair % 8] * distribution[pair / 8]).collect();
    for (apart, pairs) in [(1, (0..64).step_by(2).collect::<Vec<_>>()), (32, (0..32).collect())] {
        let joint: Vec<usize> =
            ends.iter().flat_map(|end| pairs.iter().map(move |r| end[*r] + 8 * end[*r + apart])).collect();
        check_follows(&joint, &product);
    }
}

#[test]
fn steps_add_up() {
    let system = torus(6, 1.0, 0.0);
    let chain = HeatBath64::new(&system, 0.4).unwrap();
    let mut noise = Noise::new(4, "chains");
    let start = chain.init(&mut noise);
    let mut other = noise.clone();
    let whole = chain.run(start.clone(), 7, &mut noise);
    let parts = (0..7).fold(start, |state, _| chain.step(state, &mut other));
    assert_eq!((whole, noise), (parts, other));
}

#[test]
fn colors_part_coupled_spins() {
    let glass = sherrington_kirkpatrick(7, &mut Noise::new(5, "instance")).unwrap();
    for (system, n_colors) in [(torus(4, 1.0, 0.0), 2), (torus(3, 1.0, 0.0), 4), (glass, 7)] {
        let sweep = Sweep::new(&system, 0.4, Rule::HeatBath).unwrap();
        assert_eq!(sweep.colors().len(), n_colors);
        let mut all = sweep.colors().concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..system.n_spins()));
        for sites in sweep.colors() {
            assert!(system.bonds().all(|(i, j, _)| !(sites.contains(&i) && sites.contains(&j))));
        }
    }
    let board = torus(4, 1.0, 0.0);
    let sweep = Sweep::new(&board, 0.4, Rule::HeatBath).unwrap();
    assert!(sweep.colors()[0].iter().all(|i| (i / 4 + i % 4) % 2 == 0));
}

/// A lattice so large that threads share a color, against the updates one after the other.
#[test]
fn threads_change_nothing() {
    let system = torus(96, 1.0, 0.1);
    let (beta, mut noise) = (0.4, Noise::new(6, "chains"));
    let chain = Sweep::new(&system, beta, Rule::HeatBath).unwrap();
    let mut spins = chain.init(&mut noise);
    let mut other = noise.clone();
    let swept = chain.step(spins.clone(), &mut noise);
    for i in chain.colors().concat() {
        let u = (other.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        if u < 1.0 / (1.0 + (2.0 * beta * f64::from(spins[i]) * system.local_field(&spins, i)).exp()) {
            spins[i] = -spins[i];
        }
    }
    assert_eq!((swept, noise), (spins, other));
}
