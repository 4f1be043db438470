use super::*;
use crate::{Pairwise, hopfield};

/// Both dynamics leave each pattern as it is.
fn assert_fixed(system: &Pairwise, patterns: &[Vec<i8>]) {
    let mut noise = Noise::new(0, "order");
    for updates in [Updates::Asynchronous, Updates::Synchronous] {
        let dynamics = SpinDynamics::new(system, updates);
        for xi in patterns {
            assert_eq!(dynamics.step(xi.clone(), &mut noise), *xi);
        }
    }
}

#[test]
fn hebb_makes_orthogonal_patterns_fixed_points() {
    let patterns = orthogonal(32, 20);
    let system = hopfield(&patterns).unwrap();
    assert_fixed(&system, &patterns);
    for (i, xi) in patterns[3].iter().enumerate() {
        // (1 - p/n) ξ_i
        assert!((system.local_field(&patterns[3], i) - 0.375 * f64::from(*xi)).abs() < 1e-14);
    }
    assert!(pseudo_inverse(&patterns).unwrap().bonds().all(|(i, j, value)| {
        let expected: i32 = patterns.iter().map(|xi| i32::from(xi[i] * xi[j])).sum();
        (value - f64::from(expected) / 32.0).abs() < 1e-13
    }));
}

/// Independent patterns up to `n - 1`, and patterns that share half of their spins: Hebb's rule loses some of them.
#[test]
fn the_pseudo_inverse_makes_independent_patterns_fixed_points() {
    let n = 60;
    let mut noise = Noise::new(2, "patterns");
    let mut correlated = random_patterns(n, 20, &mut noise);
    let shared = correlated[0][..n / 2].to_vec();
    correlated.iter_mut().for_each(|xi| xi[..n / 2].copy_from_slice(&shared));
    let sets = [random_patterns(n, 30, &mut noise), random_patterns(n, n - 1, &mut noise), correlated];
    for patterns in sets {
        assert_fixed(&pseudo_inverse(&patterns).unwrap(), &patterns);
        let hebb = hopfield(&patterns).unwrap();
        let lost = |xi: &Vec<i8>| (0..n).any(|i| hebb.local_field(xi, i) * f64::from(xi[i]) < 0.0);
        assert!(patterns.iter().any(lost));
    }
}

/// The projector, row by row: `Σ_j P_ij ξ_j = ξ_i` with `P_ii = Σ_j P_ij²`, so the field is `(1 - P_ii) ξ_i`.
#[test]
fn the_pseudo_inverse_is_a_projector_without_its_diagonal() {
    let mut patterns = random_patterns(24, 9, &mut Noise::new(3, "patterns"));
    let system = pseudo_inverse(&patterns).unwrap();
    let mut trace = 0.0;
    for i in 0..24 {
        let diagonal = 1.0 - system.local_field(&patterns[0], i) * f64::from(patterns[0][i]);
        let squares: f64 = system.neighbors(i).iter().map(|(_, value)| value * value).sum();
        assert!((diagonal - diagonal * diagonal - squares).abs() < 1e-13);
        trace += diagonal;
    }
    assert!((trace - 9.0).abs() < 1e-12);
    // A pattern more that is none: the couplings stay.
    patterns.push(patterns[4].iter().map(|x| -x).collect());
    assert_eq!(pseudo_inverse(&patterns).unwrap(), system);
}

#[test]
fn factors_give_the_couplings_back() {
    let device = gibbs_backend::device("flex").unwrap();
    let mut patterns = random_patterns(24, 5, &mut Noise::new(4, "patterns"));
    patterns.push(patterns[0].clone());
    let values: Vec<f32> = patterns.iter().flatten().map(|x| f32::from(*x)).collect();
    let memory = |kind, damage: f32| {
        let config = MemoryConfig::new(kind, 24, 6);
        let mut weights = config.store(&values, &device).unwrap();
        weights.weight = weights.weight.map(|weight| burn::module::Param::from_tensor(weight.val() * damage));
        config.memory(&weights, &device).unwrap()
    };
    for (kind, system, n_factors) in [
        (MemoryKind::Hebb, hopfield(&patterns).unwrap(), 6),
        (MemoryKind::PseudoInverse, pseudo_inverse(&patterns).unwrap(), 5),
    ] {
        let factors = memory(kind, 1.0).factors().unwrap();
        assert_eq!(factors.len(), n_factors, "one for each independent vector");
        for (i, j) in (0..24).flat_map(|i| (0..i).map(move |j| (i, j))) {
            let sum: f32 = factors.iter().map(|xi| xi[i] * xi[j] / 24.0).sum();
            assert!((f64::from(sum) - system.matrix()[24 * i + j]).abs() < 1e-6, "{kind}: ({i}, {j})");
        }
        let message = memory(kind, 1.1).factors().unwrap_err().to_string();
        assert_eq!(message, format!("the couplings are not those of {kind} for the patterns"));
    }
    for kind in [MemoryKind::Storkey, MemoryKind::DensePolynomial, MemoryKind::Continuous] {
        let message = memory(kind, 1.0).factors().unwrap_err().to_string();
        assert!(message.starts_with(&format!("kind = {kind}: ")), "{message}");
    }
}

/// `n` independent patterns span everything: the projector is the identity, and no coupling is left.
#[test]
fn rounding_does_not_couple_spins() {
    let mut patterns = orthogonal(16, 15);
    patterns.push((0..16).map(|i| if i == 5 { -1 } else { 1 }).collect());
    assert_eq!(pseudo_inverse(&patterns).unwrap().n_bonds(), 0);
}

#[test]
fn storkeys_rule_is_its_definition() {
    let n = 12;
    let patterns = random_patterns(n, 5, &mut Noise::new(4, "patterns"));
    let spin = |mu: usize, i: usize| f64::from(patterns[mu][i]);
    let mut w = vec![0.0; n * n];
    for mu in 0..patterns.len() {
        let old = w.clone();
        let h = |i: usize, j: usize| {
            (0..n).filter(|k| *k != i && *k != j).map(|k| old[i * n + k] * spin(mu, k)).sum::<f64>()
        };
        for (ij, value) in w.iter_mut().enumerate() {
            let (i, j) = (ij / n, ij % n);
            let hebb = spin(mu, i) * spin(mu, j);
            *value += (hebb - spin(mu, i) * h(j, i) - h(i, j) * spin(mu, j)) / n as f64;
        }
    }
    let system = storkey(&patterns).unwrap();
    assert_eq!(system.n_bonds(), n * (n - 1) / 2);
    for (i, j, value) in system.bonds() {
        assert!((value - w[i * n + j]).abs() < 1e-14 && (value - w[j * n + i]).abs() < 1e-14);
    }
    let first = storkey(&patterns[..1]).unwrap();
    assert_eq!(first, hopfield(&patterns[..1]).unwrap());
}
