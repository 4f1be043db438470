//! The objective.

use burn::{module::Module, optim::ModuleOptimizer};
use gibbs_core::{Batch, Objective, Position, optim::Adam, variational::FreeEnergy};

use super::*;

fn objective(n_draws: usize) -> PathObjective<Wells> {
    let free_energy = FreeEnergy { n_sites: 2, beta: 1.0, log_z_offset: 0.0 };
    PathObjective { energy: Wells, free_energy, annealing: 0.0, n_draws }
}

/// The gradient of each parameter for one batch of paths.
fn gradient(flow: StochasticFlow, noise: &mut Noise) -> Vec<f64> {
    let flow = flow.train();
    let none = Batch::empty(&Device::flex());
    let output = objective(40).step(&flow, none, &Position::new(0, 1, 1), noise).unwrap();
    let weight = |layer: usize| match &flow.flow.layers[layer] {
        crate::Layer::Coupling(coupling) => match &coupling.conditioner {
            crate::AnyConditioner::Mlp(network) => network.layers[0].weight.id,
            _ => unreachable!(),
        },
        _ => unreachable!(),
    };
    (0..4).flat_map(|layer| to_host(output.gradients.get::<2>(weight(layer)).unwrap())).collect()
}

/// At `λ = 1` the change of a last layer's energy cancels its `ΔS`: it does not enter the loss of the flow before it.
#[test]
fn a_last_layer_on_the_target_leaves_the_gradient_as_it_is() {
    for kernel in &kernels()[..2] {
        let last = StochasticLayer { kernel: *kernel, lambda: 1.0, after: 4 };
        let [alone, followed] = [Vec::new(), vec![last]].map(|layers| {
            let flow = StochasticFlow::new(flow(), layers).unwrap();
            gradient(flow, &mut Noise::new(0, "paths"))
        });
        assert!(alone.iter().any(|slope| slope.abs() > 1e-3));
        for (found, expected) in followed.into_iter().zip(alone) {
            assert!((found - expected).abs() < 1e-9 * expected.abs().max(1.0), "{found}, not {expected}");
        }
    }
}

/// 200 steps of a small flow close most of the gap, for every kernel; the bound stays one.
#[test]
fn training_tightens_the_bound() {
    let exact = log_z();
    for kernel in kernels() {
        let layers = [(2, 0.5), (4, 1.0)].map(|(after, lambda)| StochasticLayer { kernel, lambda, after });
        let config = RealNvpConfig::new(2, 4, vec![16].into());
        let flow = config.flow().init(&Device::flex(), &mut Noise::new(1, "init")).unwrap();
        let mut flow = StochasticFlow::new(flow, layers.to_vec()).unwrap();
        let gap = |flow: &StochasticFlow| {
            let bound = flow.draws(&Wells, [4000, 1000], &mut Noise::new(2, "gap"), |_| ()).log_z_bound();
            assert!(bound.value - 5.0 * bound.std_err < exact);
            exact - bound.value
        };
        let (before, steps) = (gap(&flow), 200);
        let mut optimizer = ModuleOptimizer::from(Adam::default());
        let (mut objective, noise) = (objective(100), &mut Noise::new(3, "training"));
        flow = flow.train();
        for step in 0..steps {
            let at = Position::new(step, steps, 1);
            let output = objective.step(&flow, Batch::empty(&Device::flex()), &at, noise).unwrap();
            flow = optimizer.step(0.01, flow, output.gradients);
        }
        let after = gap(&flow.valid());
        assert!(after < 0.5 * before, "{kernel:?}: {before} to {after}");
    }
}
