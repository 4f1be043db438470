use burn::{prelude::*, tensor::DType};
use gibbs_backend::Noise;
use gibbs_core::math::to_host;

use super::*;
use crate::{Axis, Boundary, Hamiltonian, Lattice, ising, sherrington_kirkpatrick};

fn random_spins(n: usize, noise: &mut Noise) -> Vec<i8> {
    (0..n).map(|_| if noise.below(2) == 0 { -1 } else { 1 }).collect()
}

fn tensor(rows: &[Vec<i8>], dtype: DType) -> Tensor<2> {
    let values: Vec<f64> = rows.iter().flatten().map(|s| f64::from(*s)).collect();
    Tensor::from_data(TensorData::new(values, [rows.len(), rows[0].len()]), (&Device::flex(), dtype))
}

/// A few systems that take each way through the tensors: full matrix, gathered bonds, no bonds.
fn systems() -> Vec<Pairwise> {
    let mut noise = Noise::new(1, "systems");
    let field = |n: usize, noise: &mut Noise| (0..n).map(|_| noise.next_normal()).collect();
    vec![
        sherrington_kirkpatrick(11, &mut noise).unwrap().with_field(field(11, &mut noise)).unwrap(),
        ising(&Lattice::square(18, Boundary::Periodic).unwrap(), -1.0, 0.3).unwrap(),
        ising(&Lattice::triangular(Axis::open(3), Axis::periodic(4)).unwrap(), 1.0, -0.2).unwrap(),
        Pairwise::from_bonds([], field(5, &mut noise)).unwrap(),
    ]
}

#[test]
fn energies_on_tensors_are_those_of_the_definition() {
    let mut noise = Noise::new(2, "spins");
    for system in systems() {
        let n = system.n_spins();
        let matrix = system.matrix();
        let rows: Vec<Vec<i8>> = (0..7).map(|_| random_spins(n, &mut noise)).collect();
        for (dtype, epsilon) in [(DType::F64, f64::EPSILON), (DType::F32, f64::from(f32::EPSILON))] {
            let energies = to_host(system.energy(tensor(&rows, dtype)));
            for (row, energy) in rows.iter().zip(energies) {
                let mut expected = 0.0;
                let mut sum = 0.0;
                for i in 0..n {
                    expected -= system.field()[i] * f64::from(row[i]);
                    sum += system.field()[i].abs();
                    for j in 0..i {
                        expected -= matrix[i * n + j] * f64::from(row[i] * row[j]);
                        sum += matrix[i * n + j].abs();
                    }
                }
                let n_terms = (n + system.n_bonds()) as f64;
                assert!((energy - expected).abs() <= n_terms * epsilon * sum, "{energy} {expected}");
                assert!((system.energy_of(row) - expected).abs() <= n_terms * f64::EPSILON * sum);
            }
        }
    }
}

#[test]
fn turning_a_spin_over_costs_twice_its_local_field() {
    let mut noise = Noise::new(3, "spins");
    for system in systems() {
        let mut spins = random_spins(system.n_spins(), &mut noise);
        for i in 0..system.n_spins() {
            let before = system.energy_of(&spins);
            let cost = 2.0 * f64::from(spins[i]) * system.local_field(&spins, i);
            spins[i] = -spins[i];
            assert!((system.energy_of(&spins) - before - cost).abs() < 1e-11);
        }
    }
}

#[test]
fn a_new_field_is_not_answered_with_the_old_one() {
    let system = ising(&Lattice::square(2, Boundary::Open).unwrap(), 1.0, 0.0).unwrap();
    let up = || tensor(&[vec![1; 4]], DType::F64);
    assert_eq!(to_host(system.energy(up())), [-4.0]);
    let tilted = system.clone().with_field(vec![0.5; 4]).unwrap();
    assert_eq!(to_host(tilted.energy(up())), [-6.0]);
    assert_eq!(to_host(system.energy(up())), [-4.0]);
    assert_ne!(tilted, system);
}

#[test]
fn the_gradient_is_minus_the_local_field() {
    let device = Device::flex().autodiff();
    for system in systems() {
        let row = random_spins(system.n_spins(), &mut Noise::new(4, "spins"));
        let spins = tensor(std::slice::from_ref(&row), DType::F32).into_data();
        let spins = Tensor::<2>::from_data(spins, &device).require_grad();
        let gradients = system.energy(spins.clone()).sum().backward();
        for (i, slope) in to_host(spins.grad(&gradients).unwrap()).into_iter().enumerate() {
            assert!((slope + system.local_field(&row, i)).abs() < 1e-5);
        }
    }
}

#[test]
fn bonds_between_the_same_spins_add_up() {
    let system =
        Pairwise::from_bonds([(0, 1, 1.0), (2, 1, 0.5), (1, 0, 2.0), (1, 2, -0.5)], vec![0.0; 3]).unwrap();
    assert_eq!(system.bonds().collect::<Vec<_>>(), [(0, 1, 3.0)]);
    assert_eq!(system.neighbors(1), [(0, 3.0)]);
    assert_eq!(system.n_bonds(), 1);
    let same = Pairwise::from_matrix(&system.matrix(), vec![0.0; 3]).unwrap();
    assert_eq!(same, system);
}

#[test]
fn bad_couplings_are_named() {
    let message =
        |couplings: &[f64], n: usize| Pairwise::from_matrix(couplings, vec![0.0; n]).unwrap_err().to_string();
    assert_eq!(message(&[0.0; 6], 2), "6 couplings for 2 spins; a matrix of 2 by 2 is needed");
    assert_eq!(
        message(&[0.0, 1.0, 1.5, 0.0], 2),
        "coupling (0, 1) is 1 but (1, 0) is 1.5; couplings must be symmetric"
    );
    assert_eq!(
        message(&[0.0, 1.0, 1.0, 0.25], 2),
        "coupling (1, 1) is 0.25; a spin is not coupled to itself, set the diagonal to 0"
    );
    assert_eq!(message(&[0.0, f64::NAN, 1.0, 0.0], 2), "coupling (0, 1) is NaN; couplings must be finite");
    assert_eq!(
        message(&[0.0, 1.0, f64::INFINITY, 0.0], 2),
        "coupling (1, 0) is inf; couplings must be finite"
    );
    assert_eq!(message(&[], 0), "a system needs at least one spin");
}

#[test]
fn bad_bonds_and_fields_are_named() {
    let message = |bond, field| Pairwise::from_bonds([bond], field).unwrap_err().to_string();
    assert_eq!(message((0, 2, 1.0), vec![0.0; 2]), "the bond (0, 2) leaves the 2 spins");
    assert_eq!(
        message((1, 1, 1.0), vec![0.0; 2]),
        "coupling (1, 1) is 1; a spin is not coupled to itself, set the diagonal to 0"
    );
    assert_eq!(message((0, 1, f64::NAN), vec![0.0; 2]), "coupling (0, 1) is NaN; couplings must be finite");
    assert_eq!(message((0, 1, 1.0), vec![0.0, f64::INFINITY]), "field 1 is inf; fields must be finite");
    let system = Pairwise::from_bonds([], vec![0.0; 2]).unwrap();
    assert_eq!(
        system.clone().with_field(vec![0.0; 3]).unwrap_err().to_string(),
        "3 values of the field for 2 spins; one for each is needed"
    );
    assert!(system.with_field(vec![f64::NAN; 2]).is_err());
}

#[test]
#[should_panic(expected = "the spin system has")]
fn spins_of_another_width_are_a_mistake() {
    systems()[0].energy(tensor(&[vec![1; 3]], DType::F64));
}
