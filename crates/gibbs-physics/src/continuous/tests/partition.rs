use super::*;
use crate::exact::{free_field, phi_four_chain};

const CHAINS: [(usize, Ends); 8] = [
    (1, Ends::Walls),
    (2, Ends::Walls),
    (5, Ends::Walls),
    (12, Ends::Walls),
    (2, Ends::Ring),
    (3, Ends::Ring),
    (6, Ends::Ring),
    (9, Ends::Ring),
];

#[test]
fn the_partition_function_of_a_chain_is_its_determinant() {
    for (n, ends) in CHAINS {
        let chain = HarmonicChain::new(n, ends, springs(), 0.8).unwrap();
        let numeric = gaussian_log_z(&quadratic_form(&chain, n));
        assert!((chain.log_z() - numeric).abs() < 1e-12 * n as f64, "{n} {ends:?}");
    }
}

#[test]
fn normal_modes_diagonalize_the_dynamical_matrix() {
    for (n, ends) in CHAINS {
        let chain = HarmonicChain::new(n, ends, springs(), 0.8).unwrap();
        let modes = DMatrix::from_row_slice(n, n, &chain.modes());
        assert!((&modes * modes.transpose() - DMatrix::identity(n, n)).amax() < 1e-13);
        let squares = chain.frequencies().into_iter().map(|omega| 0.8 * 0.5 * omega * omega);
        let diagonal = DMatrix::from_diagonal(&squares.collect::<Vec<_>>().into());
        let transformed = &modes * quadratic_form(&chain, n) * modes.transpose();
        assert!((transformed - diagonal).amax() < 1e-12, "{n} {ends:?}");
        assert!(chain.frequencies().is_sorted());
    }
}

#[test]
fn the_mean_energy_of_a_chain_is_the_slope_of_its_partition_function() {
    let log_z =
        |log_beta: f64| HarmonicChain::new(7, Ends::Walls, springs(), log_beta.exp()).unwrap().log_z();
    let slope = (log_z(1e-4) - log_z(-1e-4)) / 2e-4;
    let mean = HarmonicChain::new(7, Ends::Walls, springs(), 1.0).unwrap().mean_energy();
    assert!((mean + slope).abs() < 1e-9);
}

#[test]
fn laws_of_the_plane_agree_with_a_grid() {
    // At the center the ring is not smooth, with a weight of e^-12.5; all else converges exponentially.
    let grid = grid_log_z(&Ring::default(), 2, 6.0, 0.04);
    assert!((Ring::default().log_z() - grid).abs() < 1e-8);
    // Far from the center R and σ factor: Z = 2πR · √(2π) σ.
    let far = Ring::new(50.0, 0.5).unwrap().log_z();
    assert!(
        (far - (std::f64::consts::TAU * 50.0 * 0.5).ln() - 0.5 * std::f64::consts::TAU.ln()).abs() < 1e-13
    );
    for well in [DoubleWell::default(), DoubleWell::new(0.5, -2.0, -3.0, 2.5).unwrap()] {
        let grid = grid_log_z(&well, 2, 8.0, 0.05);
        assert!((well.log_z() - grid).abs() < 1e-12, "{} {grid}", well.log_z());
    }
}

#[test]
fn the_free_field_is_gaussian_on_any_lattice() {
    let lattices: [&[Axis]; 4] = [
        &[Axis::open(5)],
        &[Axis::periodic(2), Axis::periodic(3)],
        &[Axis::open(3), Axis::periodic(4)],
        &[Axis::periodic(3), Axis::open(2), Axis::open(2)],
    ];
    for axes in lattices {
        let field = PhiFour::new(axes, 0.4, 0.0).unwrap();
        let numeric = gaussian_log_z(&quadratic_form(&field, field.lattice().n_sites()));
        assert!((free_field(axes, 0.4).unwrap() - numeric).abs() < 1e-12, "{axes:?}");
    }
}

#[test]
fn differences_are_taken_along_the_bonds_of_the_lattice() {
    let axes = [Axis::open(3), Axis::periodic(2), Axis::periodic(4), Axis::open(1)];
    let field = PhiFour::new(&axes, -0.3, 0.2).unwrap();
    let n = field.lattice().n_sites();
    let x: Vec<f64> = (0..3 * n).map(|i| (0.7 * i as f64).sin()).collect();
    for (x, energy) in x.chunks(n).zip(to_host(field.energy(tensor(x.clone(), n)))) {
        let bonds: f64 = field.lattice().bonds().iter().map(|(i, j)| (x[*i] - x[*j]).powi(2)).sum();
        let sites: f64 = x.iter().map(|x| -0.3 * x * x + 0.2 * x.powi(4)).sum();
        assert!((energy - bonds - sites).abs() < 1e-12);
    }
}

#[test]
fn the_transfer_operator_agrees_with_the_free_field() {
    for axis in [Axis::open(1), Axis::open(7), Axis::periodic(2), Axis::periodic(30)] {
        for mass_squared in [0.05, 3.0] {
            let (transfer, free) = (
                phi_four_chain(axis, mass_squared, 0.0).unwrap(),
                free_field(&[axis], mass_squared).unwrap(),
            );
            assert!((transfer - free).abs() < 1e-11, "{axis:?} {transfer} {free}");
        }
    }
}

#[test]
fn the_transfer_operator_agrees_with_a_grid() {
    for (axis, mass_squared, coupling) in [
        (Axis::open(1), -2.0, 0.5),
        (Axis::open(2), -2.0, 0.5),
        (Axis::periodic(2), 0.5, 3.0),
        (Axis::open(3), -3.0, 1.0),
        (Axis::periodic(3), -3.0, 1.0),
    ] {
        let field = PhiFour::new(&[axis], mass_squared, coupling).unwrap();
        let grid = grid_log_z(&field, axis.length, 4.0, 0.1);
        let transfer = phi_four_chain(axis, mass_squared, coupling).unwrap();
        assert!((transfer - grid).abs() < 1e-11, "{axis:?} {transfer} {grid}");
    }
}

#[test]
fn a_field_that_is_too_wide_is_refused() {
    assert_eq!(
        phi_four_chain(Axis::periodic(4), 1e-7, 0.0).unwrap_err().to_string(),
        "the transfer integral of a chain with mass_squared = 0.0000001, coupling = 0 needs more than 1024 points; \
         it is too wide, take a larger mass_squared or coupling"
    );
}
