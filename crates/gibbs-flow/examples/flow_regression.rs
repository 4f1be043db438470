//! A flow as a part of an own Burn module: a network predicts the whole distribution `p(y | x)`, not only its mean.
//!
//! `cargo run --release --example flow_regression`

#![allow(clippy::print_stdout, reason = "an example reports on stdout")]

use std::error::Error;

use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    optim::{GradientsParams, ModuleOptimizer},
    tensor::{Device, Tensor, activation::relu},
};
use gibbs_backend::Noise;
use gibbs_core::{ConditionalLogProb, optim::Adam};
use gibbs_flow::{Flow, RealNvpConfig};

/// Features of `x` by Burn's own layers, then a flow of `y` with these features as its context.
#[derive(Module, Debug)]
struct Regressor {
    features: Linear,
    density: Flow,
}

impl Regressor {
    fn new(device: &Device, noise: &mut Noise) -> Result<Self, Box<dyn Error>> {
        let config = RealNvpConfig::new(2, 4, vec![32].into()).with_n_context(8);
        Ok(Self {
            features: LinearConfig::new(1, 8).init(device),
            density: config.flow().init(device, noise)?,
        })
    }

    /// `ln p(y | x)` of each row, nats: `[batch]` of `y: [batch, 2]` and `x: [batch, 1]`.
    fn log_prob(&self, y: Tensor<2>, x: Tensor<2>) -> Tensor<1> {
        let context = relu(self.features.forward(x));
        self.density.log_prob_given(y, Some(&context))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::flex();
    let mut noise = Noise::new(0, "regression");
    // A point y = (x, -x) with an error that grows with |x|.
    let x: Tensor<2> = noise.normal([1000, 1], &device);
    let error: Tensor<2> = noise.normal([1000, 2], &device);
    let y = Tensor::cat(vec![x.clone(), x.clone().neg()], 1) + error * (x.clone().abs() * 0.3 + 0.1);

    let mut model = Regressor::new(&device, &mut noise)?.train();
    let mut optimizer = ModuleOptimizer::from(Adam::default());
    for step in 0..400 {
        let loss = model.log_prob(y.clone().autodiff(), x.clone().autodiff()).mean().neg();
        if step % 100 == 0 {
            println!("step {step}: {:.3} nats", loss.clone().into_scalar::<f64>());
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(5e-3, model, gradients);
    }
    let log_prob = model.valid().log_prob(y, x).mean().into_scalar::<f64>();
    println!("mean ln p(y | x) = {log_prob:.3} nats, exact");
    Ok(())
}
