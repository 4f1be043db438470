//! Energies of continuous variables, their slopes, and trajectories along them, on every device, against double precision on
//! `flex`.

use burn::{prelude::*, tensor::DType};
use gibbs_backend::Noise;
use gibbs_core::{
    Energy,
    hmc::{Hmc, HmcState},
    math::to_host,
};
use gibbs_physics::{
    Axis, Boundary, Lattice,
    continuous::{DoubleWell, DualIsing, Ends, HarmonicChain, PhiFour, Ring, Springs},
    exact::CRITICAL_BETA,
    ising,
};

use super::devices;
use crate::support::assert_close;

/// Energies and slopes at the ends of short trajectories.
fn trajectories(energy: &dyn Energy, width: usize, place: (&Device, DType)) -> [Vec<f64>; 2] {
    let mut noise = Noise::new(0, "places");
    let mut draw = || noise.normal([30, width], place);
    let (state, momentum) = (HmcState::new(energy, draw()), draw());
    let sizes = Tensor::full([30, 1], 0.05, place);
    let (end, _) = Hmc::new(0.05, 4).leapfrog(energy, state, momentum, sizes);
    [to_host(end.energy().clone()), to_host(end.slope().clone())]
}

#[test]
fn trajectories_are_the_same_on_every_device() {
    let torus = ising(&Lattice::square(6, Boundary::Periodic).unwrap(), 1.0, 0.1).unwrap();
    let springs = Springs { mass: 1.0, coupling: 2.0, pinning: 0.5 };
    let energies: [(&str, usize, Box<dyn Energy>); 6] = [
        ("walls", 10, Box::new(HarmonicChain::new(10, Ends::Walls, springs, 1.5).unwrap())),
        ("chain", 10, Box::new(HarmonicChain::new(10, Ends::Ring, springs, 1.5).unwrap())),
        ("ring", 2, Box::new(Ring::default())),
        ("well", 2, Box::new(DoubleWell::default())),
        ("field", 20, Box::new(PhiFour::new(&[Axis::open(4), Axis::periodic(5)], -1.0, 0.5).unwrap())),
        ("dual", 36, Box::new(DualIsing::new(&torus, CRITICAL_BETA, 0.5).unwrap())),
    ];
    for (model, width, energy) in &energies {
        let expected = trajectories(&**energy, *width, (&Device::flex(), DType::F64));
        for (name, device) in devices() {
            let found = trajectories(&**energy, *width, (&device, DType::F32));
            for (what, (found, expected)) in ["energy", "slope"].iter().zip(found.iter().zip(&expected)) {
                // Sums of some hundred terms up to some tens in single precision, a few steps apart.
                assert_close(found, expected, 1e-4, &format!("{what} of {model} on {name}"));
            }
        }
    }
}
