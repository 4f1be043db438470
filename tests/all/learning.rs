//! That training learns, by hand with the library: no loop, no run folder, any Burn optimizer.

use burn::{
    module::Module,
    optim::{AdamConfig, GradientsParams, SgdConfig},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_boltzmann::{
    ContrastiveConfig, GibbsChain, RbmConfig, exact,
    units::{Moments, Units},
};
use gibbs_core::{Objective, math::to_host};
use gibbs_data::{Batches, bars::bars_and_stripes};
use gibbs_train::average::WeightAverage;

use crate::support::machine::AnyRbm;

/// Exact mean log-likelihood of the rows of `x`, nats.
fn log_likelihood(rbm: &AnyRbm, x: &Tensor<2>) -> f64 {
    -to_host(rbm.free_energy(x.clone()).mean())[0] - exact::log_z(rbm).unwrap().value
}

/// Persistent contrastive divergence with plain gradient descent and an average of the weights.
#[test]
fn an_rbm_learns_bars_and_stripes_to_within_a_twentieth_of_a_nat() {
    const STEPS: usize = 12_000;
    let device = Device::flex();
    let splits = bars_and_stripes(4).unwrap();
    let test = splits.test.tensor(&(0..splits.test.len()).collect::<Vec<_>>(), &device);

    let mut rbm = RbmConfig::new(16, 16).init(&device, &mut Noise::new(0, "init")).unwrap();
    rbm = rbm.with_visible_fitted(&Moments::of(test.clone()));
    let config = ContrastiveConfig::new().with_centered(true).with_sweeps(1);
    let mut objective = config.init(&rbm, rbm.visible.neutral()).unwrap();
    let mut optimizer = SgdConfig::new().init();
    let mut average = WeightAverage::new(&rbm, 0.999);
    let mut noise = Noise::new(0, "chains");
    let batches = Batches::new(splits.train.clone(), 30).unwrap().shuffled(0);
    let mut step = 0;
    for number in 0.. {
        let epoch = batches.epoch(number);
        for batch in epoch.iter(&device) {
            let rate = 0.2 * (1.0 - step as f64 / STEPS as f64);
            let output = objective.step(&rbm, batch.x, &mut noise);
            rbm = optimizer.step(rate, rbm.clone().train(), output.gradients).valid();
            average.update(&rbm);
            step += 1;
        }
        if step >= STEPS {
            break;
        }
    }

    let entropy = splits.law.unwrap().entropy();
    let reached = log_likelihood(average.module(), &test);
    println!("log-likelihood {reached:.4}, minus the entropy {:.4}", -entropy);
    assert!(reached <= -entropy + 1e-4, "{reached} is above minus the entropy, {}", -entropy);
    assert!(reached >= -entropy - 0.05, "{reached} is too far below minus the entropy, {}", -entropy);
}

/// The gradient of the difference of free energies between data and chains, through Adam.
#[test]
fn autodiff_of_the_free_energy_difference_raises_the_likelihood() {
    let device = Device::flex();
    let splits = bars_and_stripes(3).unwrap();
    let x = splits.test.tensor(&(0..splits.test.len()).collect::<Vec<_>>(), &device);

    let mut rbm = RbmConfig::new(9, 8).init(&device, &mut Noise::new(0, "init")).unwrap().train();
    let mut optimizer = AdamConfig::new().init();
    let mut noise = Noise::new(0, "chains");
    let mut chains = GibbsChain::new(&rbm.valid()).init(100, &mut noise);
    let mut reached = vec![log_likelihood(&rbm.valid(), &x)];
    for _ in 0..4 {
        for _ in 0..250 {
            chains = GibbsChain::new(&rbm.valid()).run(chains, 2, &mut noise);
            let data = Tensor::from_inner(x.clone());
            let mut gradients = rbm.free_energy_difference(data, Tensor::from_inner(chains.clone())).backward();
            let gradients = GradientsParams::from_module(&mut gradients, &rbm);
            rbm = optimizer.step(0.02, rbm, gradients);
        }
        reached.push(log_likelihood(&rbm.valid(), &x));
    }
    println!("log-likelihood {reached:.3?}");
    assert!(reached.windows(2).all(|pair| pair[1] > pair[0]), "{reached:?}");
    let uniform = -9.0 * 2f64.ln();
    assert!((reached[0] - uniform).abs() < 0.05, "small weights are near to fair coins: {reached:?}");
    assert!(reached[4] > -14f64.ln() - 0.7, "{reached:?}");
}
