//! Named Hamiltonians. Each is a [`Pairwise`].

use gibbs_backend::Noise;

use crate::{
    error::{PhysicsError, finite},
    lattice::Lattice,
    memory::pattern_size,
    pairwise::Pairwise,
};

/// The Ising model on a lattice: `H = -J Σ_<ij> s_i s_j - h Σ_i s_i`, a ferromagnet for `coupling` `J > 0` and an
/// antiferromagnet for `J < 0`.
///
/// Reference: Ising, Zeitschrift für Physik 31:253 (1925), doi:10.1007/BF02980577.
///
/// # Errors
/// If `coupling` or `field` is not finite.
pub fn ising(lattice: &Lattice, coupling: f64, field: f64) -> Result<Pairwise, PhysicsError> {
    let coupling = finite("coupling", coupling)?;
    let bonds = lattice.bonds().iter().map(|(i, j)| (*i, *j, coupling));
    Pairwise::from_bonds(bonds, vec![finite("field", field)?; lattice.n_sites()])
}

/// The Edwards-Anderson spin glass with couplings ±1, each sign with probability 1/2, and no field:
/// `H = -Σ_<ij> J_ij s_i s_j`.
///
/// One draw for each bond in the order of [`Lattice::bonds`], so an instance is a stream of noise: its seed and
/// name. (On a ring of two sites the two bonds are drawn one by one and may cancel.)
///
/// Reference: Edwards & Anderson, J. Phys. F 5:965 (1975), doi:10.1088/0305-4608/5/5/017.
///
/// # Errors
/// None at present; the type is that of [`Pairwise::from_bonds`].
pub fn edwards_anderson(lattice: &Lattice, noise: &mut Noise) -> Result<Pairwise, PhysicsError> {
    let bonds = lattice.bonds().iter().map(|(i, j)| (*i, *j, if noise.below(2) == 0 { -1.0 } else { 1.0 }));
    Pairwise::from_bonds(bonds, vec![0.0; lattice.n_sites()])
}

/// The Sherrington-Kirkpatrick spin glass: every pair coupled, `J_ij ~ N(0, 1/n)`, no field. Its spin-glass
/// transition is at `β = 1`.
///
/// One draw for each pair `i < j` in ascending order, so an instance is a stream of noise: its seed and name.
///
/// Reference: Sherrington & Kirkpatrick, Phys. Rev. Lett. 35:1792 (1975), doi:10.1103/PhysRevLett.35.1792.
///
/// # Errors
/// If `n` is 0.
pub fn sherrington_kirkpatrick(n: usize, noise: &mut Noise) -> Result<Pairwise, PhysicsError> {
    let std = 1.0 / (n as f64).sqrt();
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    Pairwise::from_bonds(pairs.map(|(i, j)| (i, j, std * noise.next_normal())), vec![0.0; n])
}

/// The Curie-Weiss model: every pair coupled alike, `H = -(J/n) Σ_{i<j} s_i s_j - h Σ_i s_i`, that is
/// `-(J/2n) M² - h M + J/2` with `M = Σ_i s_i`: the terms of a spin with itself are not counted. It orders at `β J = 1`.
///
/// # Errors
/// If `n` is 0, or `coupling` or `field` is not finite.
pub fn curie_weiss(n: usize, coupling: f64, field: f64) -> Result<Pairwise, PhysicsError> {
    let value = finite("coupling", coupling)? / n as f64;
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j, value)));
    Pairwise::from_bonds(pairs, vec![finite("field", field)?; n])
}

/// The Hopfield network that stores `patterns` by Hebb's rule: `J_ij = (1/n) Σ_μ ξ^μ_i ξ^μ_j` for `i ≠ j`, no field.
///
/// Reference: Hopfield, PNAS 79:2554 (1982), doi:10.1073/pnas.79.8.2554, with spins ±1 and couplings over `n`, as in
/// Amit, Gutfreund & Sompolinsky, Phys. Rev. A 32:1007 (1985), doi:10.1103/PhysRevA.32.1007.
///
/// # Errors
/// If there are no patterns, they differ in size or are empty, or an entry is not ±1.
pub fn hopfield(patterns: &[Vec<i8>]) -> Result<Pairwise, PhysicsError> {
    let n = pattern_size(patterns)?;
    let overlap = |i: usize, j: usize| patterns.iter().map(|xi| i64::from(xi[i] * xi[j])).sum::<i64>();
    let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    Pairwise::from_bonds(pairs.map(|(i, j)| (i, j, overlap(i, j) as f64 / n as f64)), vec![0.0; n])
}

#[cfg(test)]
mod tests {
    use gibbs_core::math::mean_and_variance;

    use super::*;
    use crate::{Axis, Boundary};

    #[test]
    fn aligned_and_alternating_spins_have_the_energies_of_their_bonds() {
        let lattice = Lattice::square(4, Boundary::Periodic).unwrap();
        let system = ising(&lattice, -1.0, 0.5).unwrap();
        let alternating: Vec<i8> = (0..16).map(|i| if (i / 4 + i % 4) % 2 == 0 { 1 } else { -1 }).collect();
        assert_eq!(system.energy_of(&[1; 16]), 32.0 - 8.0);
        assert_eq!(system.energy_of(&alternating), -32.0);
        let triangular = Lattice::triangular(Axis::periodic(4), Axis::periodic(4)).unwrap();
        assert_eq!(ising(&triangular, 1.0, 0.0).unwrap().energy_of(&[1; 16]), -48.0);
        assert_eq!(ising(&triangular, 1.0, 0.0).unwrap().energy_of(&alternating), 16.0);
    }

    #[test]
    fn instances_of_spin_glasses_follow_their_distributions_and_their_seeds() {
        let n = 100;
        let glass = sherrington_kirkpatrick(n, &mut Noise::new(7, "instance")).unwrap();
        let couplings: Vec<f64> = glass.bonds().map(|b| b.2 * (n as f64).sqrt()).collect();
        assert_eq!(couplings.len(), n * (n - 1) / 2);
        let (mean, variance) = mean_and_variance(&couplings);
        let m = couplings.len() as f64;
        assert!(mean.abs() < 4.0 / m.sqrt(), "{mean}");
        assert!((variance - 1.0).abs() < 4.0 * (2.0 / m).sqrt(), "{variance}");
        assert_eq!(glass, sherrington_kirkpatrick(n, &mut Noise::new(7, "instance")).unwrap());
        assert_ne!(glass, sherrington_kirkpatrick(n, &mut Noise::new(8, "instance")).unwrap());

        let cubic = Lattice::hypercubic(&[Axis::periodic(6); 3]).unwrap();
        let glass = edwards_anderson(&cubic, &mut Noise::new(7, "instance")).unwrap();
        let couplings: Vec<f64> = glass.bonds().map(|b| b.2).collect();
        assert_eq!(couplings.len(), 3 * 216);
        assert!(couplings.iter().all(|value| value.abs() == 1.0));
        assert!(mean_and_variance(&couplings).0.abs() < 4.0 / 648f64.sqrt());
    }

    #[test]
    fn the_energy_of_curie_weiss_is_a_function_of_the_magnetization() {
        let system = curie_weiss(7, 1.5, 0.2).unwrap();
        let spins = [1, 1, -1, 1, -1, 1, 1];
        let expected = -1.5 / 14.0 * 9.0 - 0.2 * 3.0 + 0.75;
        assert!((system.energy_of(&spins) - expected).abs() < 1e-14);
    }

    /// `H(ξ) = -(n - 1)/2` for a single pattern, and less by the squared overlaps for more.
    #[test]
    fn hebb_couplings_make_wells_of_the_patterns() {
        let patterns = vec![vec![1, -1, 1, 1, -1, 1], vec![1, 1, -1, -1, 1, 1]];
        let single = hopfield(&patterns[..1]).unwrap();
        assert!((single.energy_of(&patterns[0]) + 2.5).abs() < 1e-14);
        let both = hopfield(&patterns).unwrap();
        let overlap: i32 = patterns[0].iter().zip(&patterns[1]).map(|(a, b)| i32::from(a * b)).sum();
        let expected = -(36.0 + f64::from(overlap * overlap)) / 12.0 + 1.0;
        assert!((both.energy_of(&patterns[0]) - expected).abs() < 1e-14);
    }

    #[test]
    fn bad_parameters_and_patterns_are_named() {
        let lattice = Lattice::square(3, Boundary::Open).unwrap();
        let message = |result: Result<Pairwise, PhysicsError>| result.unwrap_err().to_string();
        assert_eq!(message(ising(&lattice, f64::NAN, 0.0)), "coupling = NaN: must be finite");
        assert_eq!(message(ising(&lattice, 1.0, f64::INFINITY)), "field = inf: must be finite");
        assert_eq!(message(curie_weiss(4, f64::INFINITY, 0.0)), "coupling = inf: must be finite");
        assert_eq!(message(curie_weiss(0, 1.0, 0.0)), "a system needs at least one spin");
        let mut noise = Noise::new(0, "instance");
        assert_eq!(message(sherrington_kirkpatrick(0, &mut noise)), "a system needs at least one spin");
        assert_eq!(message(hopfield(&[])), "a Hopfield network needs at least one pattern");
        assert_eq!(message(hopfield(&[vec![]])), "a system needs at least one spin");
        assert_eq!(message(hopfield(&[vec![1, 1], vec![1]])), "pattern 1 has 1 entries but pattern 0 has 2");
        for value in [0, 2, i8::MIN] {
            assert_eq!(
                message(hopfield(&[vec![1, value]])),
                format!("entry 1 of pattern 0 is {value}; patterns are made of -1 and +1")
            );
        }
    }
}
