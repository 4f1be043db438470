//! That training learns, by hand with the library: no loop, no run folder, any optimizer.

use burn::{
    module::Module,
    optim::{AdamConfig, GradientsParams, SgdConfig},
    prelude::*,
    tensor::activation::log_softmax,
};
use gibbs_autoencoder::{Autoencoder, Loss, Pca};
use gibbs_autoregressive::{Autoregressive, MadeConfig, NadeConfig, OrderConfig};
use gibbs_backend::Noise;
use gibbs_boltzmann::{
    Chains, ContrastiveConfig, Dbn, GibbsChain, RbmConfig, exact,
    units::{UnitFamily, UnitKind, UnitMoments},
};
use gibbs_core::{math::to_host, optim::Lbfgs, params::optimizer_step};
use gibbs_data::{Batches, bars::bars_and_stripes, digits};
use gibbs_train::average::WeightAverage;

use crate::support::boltzmann::AnyRbm;

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
    rbm = rbm.with_visible_fitted(&UnitMoments::of(x.clone()));
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
        let output = objective.gradients(&rbm, batch.x, &mut noise);
        let rate = 0.3 * (1.0 - step as f64 / STEPS as f64);
        rbm = optimizer.step(rate, rbm.clone().train(), output.0).valid();
        average.update(&rbm);
    }

    let best = -splits.known_density.unwrap().entropy();
    let reached = log_likelihood(average.module(), &x);
    println!("log-likelihood {reached:.4}, that of the distribution itself {best:.4}");
    assert!(reached <= best + 1e-4, "{reached} is above what the distribution itself reaches, {best}");
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

/// An RBM trained on the rows of `x` by tempered PCD, the visible biases begun at their means.
fn trained(config: RbmConfig, x: &Tensor<2>, batch: usize, steps: usize, rate: f64) -> AnyRbm {
    let mut rbm = config.init(&x.device(), &mut Noise::new(0, "init")).unwrap();
    rbm = rbm.with_visible_fitted(&UnitMoments::of(x.clone()));
    let (chains, temperatures) = if steps > 1000 { (Chains::Tempered, 5) } else { (Chains::Data, 2) };
    let config =
        ContrastiveConfig::new().with_chains(chains).with_temperatures(temperatures).with_n_chains(60);
    let mut objective = config.init(&rbm, rbm.visible.neutral()).unwrap();
    let mut optimizer = SgdConfig::new().init();
    let mut noise = Noise::new(0, "chains");
    let batches = x.dims()[0] / batch;
    for step in 0..steps {
        let rows = x.clone().narrow(0, step % batches * batch, batch);
        let gradients = objective.gradients(&rbm, rows, &mut noise).0;
        rbm = optimizer_step(&mut optimizer, rate * (1.0 - step as f64 / steps as f64), rbm, gradients);
    }
    rbm
}

/// Layer by layer; the bound is measured with the exact `log Z` of the top.
#[test]
fn a_deep_belief_network_learns_bars_and_stripes() {
    let splits = bars_and_stripes(4).unwrap();
    let x = splits.test.tensor(&(0..splits.test.len()).collect::<Vec<_>>(), &Device::flex());
    let n = x.dims()[0];
    let bottom = trained(RbmConfig::new(16, 14), &x, n, 3000, 0.3);
    // Draws of the hidden units are what the layer above has to explain.
    let mut noise = Noise::new(1, "hidden");
    let hidden = bottom.sample_hidden(x.clone().repeat_dim(0, 20), &mut noise);
    let top = trained(RbmConfig::new(14, 16), &hidden, n, 3000, 0.2);
    let alone = log_likelihood(&bottom, &x);
    let dbn = Dbn::new(vec![bottom, top]).unwrap();
    let weight = dbn.log_weight(x.repeat_dim(0, 200), &mut noise).mean();
    let bound = to_host(weight)[0] - exact::log_z(dbn.top()).unwrap().value;
    let best = -splits.known_density.unwrap().entropy();
    println!("bound {bound:.3}, first layer {alone:.3}, the distribution itself {best:.3}");
    assert!(bound < best, "a bound of {bound} above {best}");
    // Independent pixels reach -16 log 2 = -11.1.
    assert!(bound > -6.0, "{bound}");
}

/// The first digits with labels, and others to test on.
fn digits(n: usize, device: &Device) -> [(Tensor<2>, Tensor<1, Int>); 2] {
    let (images, labels) = digits::generate(2 * n, 0);
    let part = |start: usize| {
        let rows = start * digits::PIXELS..(start + n) * digits::PIXELS;
        let values: Vec<f32> = images[rows].iter().map(|&byte| f32::from(byte) / 255.0).collect();
        let labels: Vec<i32> = labels[start..start + n].iter().map(|&label| label.into()).collect();
        (
            Tensor::from_data(TensorData::new(values, [n, digits::PIXELS]), device),
            Tensor::from_data(TensorData::new(labels, [n]), device),
        )
    };
    [part(0), part(n)]
}

#[test]
fn a_classifier_from_a_stack_tells_digits_apart() {
    const EXAMPLES: usize = 2000;
    let device = Device::flex();
    let [(x, y), (x_test, y_test)] = digits(EXAMPLES, &device);
    let bottom = trained(RbmConfig::new(784, 64), &x, 100, 100, 0.1);
    let top = trained(RbmConfig::new(64, 48), &bottom.hidden_mean(x.clone()), 100, 100, 0.1);
    let dbn = Dbn::new(vec![bottom, top]).unwrap();
    let mut network = dbn.classifier(10, &mut Noise::new(0, "classifier")).unwrap().train();
    let mut optimizer = AdamConfig::new().init();
    for step in 0..200 {
        let start = step * 100 % EXAMPLES;
        let logits = network.forward(Tensor::from_inner(x.clone().narrow(0, start, 100)));
        let labels = Tensor::<1, Int>::from_data(y.clone().narrow(0, start, 100).to_data(), &logits.device());
        let loss = log_softmax(logits, 1).gather(1, labels.unsqueeze_dim(1)).mean().neg();
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = optimizer.step(0.003, network, gradients);
    }
    let found = network.valid().forward(x_test).argmax(1).squeeze_dim::<1>(1);
    let error = to_host(found.not_equal(y_test).float().mean())[0];
    println!("error {error:.3}");
    assert!(error < 0.3, "{error}, chance is 0.9");
}

/// Unrolled from a stack and fine-tuned by L-BFGS on all examples at once.
#[test]
fn an_autoencoder_beats_principal_components() {
    const CODE: usize = 6;
    let [(x, _), _] = digits(500, &Device::flex());
    let bottom = trained(RbmConfig::new(784, 64), &x, 100, 100, 0.1);
    let codes = RbmConfig::new(64, CODE).with_hidden(UnitKind::Gaussian).with_weight_std(0.1);
    let top = trained(codes, &bottom.hidden_mean(x.clone()), 100, 50, 0.001);
    let mut network = Autoencoder::unroll(&[bottom, top]).unwrap().train();
    let lbfgs = Lbfgs::new().with_searches(200);
    (network, _) = lbfgs.minimize(network, |network| Loss::SquaredError.gradients(network, x.clone()));
    let mean = |errors: Tensor<1>| to_host(errors.mean())[0];
    let reached = mean(network.valid().squared_error(x.clone()));
    let linear = mean(Pca::fit([x.clone()], CODE).unwrap().squared_error(x));
    println!("squared error {reached:.2}, of {CODE} principal components {linear:.2}");
    assert!(reached < linear, "{reached} {linear}");
}

/// Mean log-likelihood of bars and stripes, each pattern once, after maximum likelihood with all of them in each step; one
/// mask after the other.
fn likelihood_learned<M: Module + Autoregressive>(model: M) -> f64 {
    const STEPS: usize = 1600;
    let splits = bars_and_stripes(4).unwrap();
    let x = splits.test.tensor(&(0..splits.test.len()).collect::<Vec<_>>(), &Device::flex());
    let mut model = model.with_marginals(x.clone());
    let mut optimizer = AdamConfig::new().init();
    for step in 0..STEPS {
        let lifted = model.clone().train();
        let mask = step % model.n_masks();
        let loss = lifted.log_prob_in(mask, Tensor::from_inner(x.clone()), None).mean().neg();
        let gradients = GradientsParams::from_grads(loss.backward(), &lifted);
        model = optimizer_step(&mut optimizer, 0.02 * (1.0 - step as f64 / STEPS as f64), model, gradients);
    }
    to_host(model.log_prob_given(x, None).mean())[0]
}

/// Patterns of one probability each: no model exceeds minus the entropy, and one that tells them apart comes close.
#[test]
fn autoregressive_models_learn_bars_and_stripes_to_within_a_fiftieth_of_a_nat() {
    let best = -(bars_and_stripes(4).unwrap().known_density.unwrap().entropy());
    let (device, noise) = (Device::flex(), &mut Noise::new(0, "init"));
    let made = MadeConfig::new(16, vec![64].into()).init(&device, noise).unwrap();
    let orders = MadeConfig::new(16, vec![64, 64].into()).with_order(OrderConfig::Random).with_n_masks(2);
    let nade = NadeConfig::new(16, 24).init(&device, noise).unwrap();
    for (name, reached) in [
        ("MADE", likelihood_learned(made)),
        ("MADE of two orders", likelihood_learned(orders.init(&device, noise).unwrap())),
        ("NADE", likelihood_learned(nade)),
    ] {
        println!("{name}: log-likelihood {reached:.4}, that of the distribution itself {best:.4}");
        assert!(
            reached <= best + 1e-5,
            "{name}: {reached} is above what the distribution itself reaches, {best}"
        );
        assert!(reached >= best - 0.02, "{name}: {reached} is more than 0.02 below {best}");
    }
}
