//! That training learns, by hand with the library: no loop, no run folder, any Burn optimizer.

use burn::{
    module::Module,
    optim::{AdamConfig, GradientsParams, SgdConfig},
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_boltzmann::{
    Chains, ContrastiveConfig, GibbsChain, RbmConfig, exact,
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

/// Persistent contrastive divergence with tempered chains, plain gradient descent and an average of the weights.
///
/// Without tempering the chains end up each in its own pattern, and the likelihood stays near 0.1 nats below the entropy.
#[test]
fn an_rbm_learns_bars_and_stripes_to_within_a_twentieth_of_a_nat() {
    const STEPS: u64 = 6000;
    let device = Device::flex();
    let splits = bars_and_stripes(4).unwrap();
    let patterns = splits.test.len();
    let x = splits.test.tensor(&(0..patterns).collect::<Vec<_>>(), &device);

    let mut rbm = RbmConfig::new(16, 16).init(&device, &mut Noise::new(0, "init")).unwrap();
    rbm = rbm.with_visible_fitted(&Moments::of(x.clone()));
    let config = ContrastiveConfig::new()
        .with_chains(Chains::Tempered)
        .with_temperatures(5)
        .with_n_chains(60)
        .with_centered(true);
    let mut objective = config.init(&rbm, rbm.visible.neutral()).unwrap();
    let mut optimizer = SgdConfig::new().init();
    let mut average = WeightAverage::new(&rbm, 0.999);
    let mut noise = Noise::new(0, "chains");
    let batches = Batches::new(splits.test.clone(), patterns).unwrap().shuffled(0);
    for step in 0..STEPS {
        let batch = batches.epoch(step).batch(0, &device);
        let output = objective.step(&rbm, batch.x, &mut noise);
        let rate = 0.3 * (1.0 - step as f64 / STEPS as f64);
        rbm = optimizer.step(rate, rbm.clone().train(), output.gradients).valid();
        average.update(&rbm);
    }

    let best = -splits.law.unwrap().entropy();
    let reached = log_likelihood(average.module(), &x);
    println!("log-likelihood {reached:.4}, that of the law itself {best:.4}");
    assert!(reached <= best + 1e-4, "{reached} is above what the law itself reaches, {best}");
    assert!(reached >= best - 0.05, "{reached} is more than 0.05 below {best}");
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
        for _ in 0..90 {
            chains = GibbsChain::new(&rbm.valid()).run(chains, 5, &mut noise);
            let data = Tensor::from_inner(x.clone());
            let mut gradients =
                rbm.free_energy_difference(data, Tensor::from_inner(chains.clone())).backward();
            let gradients = GradientsParams::from_module(&mut gradients, &rbm);
            rbm = optimizer.step(0.02, rbm, gradients);
        }
        reached.push(log_likelihood(&rbm.valid(), &x));
    }
    println!("log-likelihood {reached:.3?}");
    assert!(reached.windows(2).all(|pair| pair[1] > pair[0]), "{reached:?}");
    let uniform = -9.0 * 2f64.ln();
    assert!((reached[0] - uniform).abs() < 0.05, "small weights are near to fair coins: {reached:?}");
    assert!(reached[4] > reached[0] + 2.0, "{reached:?}");
}
