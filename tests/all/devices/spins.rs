//! Energies of spins and symmetrized models of spins on every device, compared with double precision on `flex`.

use burn::{
    prelude::*,
    tensor::{DType, FloatDType},
};
use gibbs_autoregressive::{MadeConfig, Spins};
use gibbs_backend::Noise;
use gibbs_core::{LogProb, math::to_host, symmetry::Symmetrized};
use gibbs_physics::{Boundary, Hamiltonian, Lattice, curie_weiss, ising, memory, sherrington_kirkpatrick};

use super::devices;
use crate::support::{assert_close, density::made};

/// `n` configurations of `n_spins` on a device.
fn configurations(n: usize, n_spins: usize, place: (&Device, DType)) -> Tensor<2> {
    let rows = memory::random_patterns(n_spins, n, &mut Noise::new(0, "spins")).concat();
    let data = TensorData::new(rows.into_iter().map(f32::from).collect::<Vec<f32>>(), [n, n_spins]);
    let data = if place.1 == DType::F64 { data.convert::<f64>() } else { data };
    Tensor::from_data(data, place)
}

/// Hamiltonians with few neighbors, and with all pairs.
#[test]
fn energies_are_the_same_on_every_device() {
    let torus = Lattice::square(12, Boundary::Periodic).unwrap();
    let systems = [
        ("torus", ising(&torus, -0.7, 0.3).unwrap()),
        ("glass", sherrington_kirkpatrick(50, &mut Noise::new(1, "instance")).unwrap()),
        ("magnet", curie_weiss(20, 1.0, -0.2).unwrap()),
    ];
    for (name, device) in devices() {
        for (system, hamiltonian) in &systems {
            let n_spins = hamiltonian.n_spins();
            let flex = (&Device::flex(), DType::F64);
            let expected = to_host(hamiltonian.energy(configurations(40, n_spins, flex)));
            let found = to_host(hamiltonian.energy(configurations(40, n_spins, (&device, DType::F32))));
            // Sums of some hundred terms of order one in single precision.
            assert_close(&found, &expected, 1e-5, &format!("{system} on {name}"));
        }
    }
}

#[test]
fn symmetrized_models_are_the_same_on_every_device() {
    let lattice = Lattice::square(4, Boundary::Periodic).unwrap();
    let group = ising(&lattice, 1.0, 0.0).unwrap().symmetry_group(Some(&lattice));
    let log_probs = |place: (&Device, DType)| {
        let network = made(&MadeConfig::new(16, vec![20].into()), 2, place.0);
        let network = match place.1 {
            DType::F64 => gibbs_core::params::cast(network, FloatDType::F64),
            _ => network,
        };
        let model = Symmetrized::new(Spins::new(network), group.clone());
        to_host(model.log_prob(configurations(30, 16, place)))
    };
    let expected = log_probs((&Device::flex(), DType::F64));
    for (name, device) in devices() {
        assert_close(&log_probs((&device, DType::F32)), &expected, 1e-5, name);
    }
}
