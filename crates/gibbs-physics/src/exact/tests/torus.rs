use super::{super::*, BETAS, assert_same};
use crate::{Axis, Lattice, ising};

#[test]
fn kaufman_is_enumeration_on_both_sides_of_the_critical_point() {
    for (rows, columns) in [(3, 3), (4, 4), (2, 3), (3, 4), (4, 3), (2, 7)] {
        let lattice = Lattice::hypercubic(&[Axis::periodic(rows), Axis::periodic(columns)]).unwrap();
        let system = ising(&lattice, 1.0, 0.0).unwrap();
        for beta in BETAS {
            let exact = enumerate(&system, beta).unwrap().thermodynamics;
            assert_same(&kaufman(rows, columns, beta).unwrap(), &exact, 1e-12);
        }
    }
}

#[test]
fn kaufman_is_the_transfer_matrix_on_both_sides_of_the_critical_point() {
    for (rows, columns) in [(6, 6), (5, 8), (20, 4)] {
        for beta in BETAS {
            let exact = strip(Axis::periodic(columns), Axis::periodic(rows), 1.0, 0.0, beta).unwrap();
            assert_same(&kaufman(rows, columns, beta).unwrap(), &exact, 1e-12);
        }
    }
}

/// The antiferromagnet turns into the ferromagnet when every other spin is flipped, if both sides are even.
#[test]
fn the_antiferromagnet_on_an_even_torus_is_the_ferromagnet() {
    let exact = strip(Axis::periodic(4), Axis::periodic(6), -1.0, 0.0, 0.6).unwrap();
    assert_same(&kaufman(4, 6, 0.6).unwrap(), &exact, 1e-12);
    let odd = strip(Axis::periodic(3), Axis::periodic(6), -1.0, 0.0, 0.6).unwrap();
    assert!(kaufman(3, 6, 0.6).unwrap().log_z - odd.log_z > 1.0);
}

#[test]
fn kaufman_gives_the_reference_table() {
    let table = include_str!("../../../../../tests/golden/ising_2d_torus.json");
    let table: serde_json::Value = serde_json::from_str(table).unwrap();
    let rows = table["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 70);
    for row in rows {
        let (l, t) = (row["L"].as_u64().unwrap() as usize, row["T"].as_f64().unwrap());
        let exact = kaufman(l, l, 1.0 / t).unwrap();
        let log_z = row["ln_z"].as_f64().unwrap();
        assert!((exact.log_z / log_z - 1.0).abs() < 1e-13, "L = {l}, T = {t}: {} {log_z}", exact.log_z);
        let free_energy = row["free_energy_per_site"].as_f64().unwrap();
        assert!((exact.free_energy() / (l * l) as f64 / free_energy - 1.0).abs() < 1e-13);
    }
}

#[test]
fn both_sides_of_a_torus_may_be_exchanged_and_be_long() {
    for beta in BETAS {
        let (one, other) = (kaufman(300, 700, beta).unwrap(), kaufman(700, 300, beta).unwrap());
        assert_same(&one, &other, 1e-12);
    }
    let cold = kaufman(100, 100, 500.0).unwrap();
    assert!((cold.log_z - 500.0 * 20000.0 - 2f64.ln()).abs() < 1e-8);
    assert_eq!((cold.energy, cold.heat_capacity.abs() < 1e-8), (-20000.0, true));
}
