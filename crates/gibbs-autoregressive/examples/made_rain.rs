//! A MADE of own bits: exact likelihood, draws, and answers to "what if": `cargo run --release --example made_rain`.

#![allow(clippy::print_stdout, reason = "an example reports on stdout")]

use std::error::Error;

use burn::{
    module::Module,
    optim::{GradientsParams, ModuleOptimizer},
    tensor::{Device, Tensor, TensorData},
};
use gibbs_autoregressive::{Autoregressive, MadeConfig};
use gibbs_backend::Noise;
use gibbs_core::{LogProb, optim::Adam};

/// Rows of rain, sprinkler, wet grass: it rains on 3 of 10 days, the sprinkler runs on half of the dry ones.
fn days(n: usize, noise: &mut Noise) -> Vec<f32> {
    let mut day = || {
        let rain = noise.next_uniform() < 0.3;
        let sprinkler = !rain && noise.next_uniform() < 0.5;
        let wet = (rain || sprinkler) && noise.next_uniform() < 0.95;
        [rain, sprinkler, wet].map(|bit| f32::from(u8::from(bit)))
    };
    (0..n).flat_map(|_| day()).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::flex();
    let mut noise = Noise::new(0, "days");
    let data = Tensor::<2>::from_data(TensorData::new(days(2000, &mut noise), [2000, 3]), &device);

    let mut made =
        MadeConfig::new(3, 16.into()).init(&device, &mut noise)?.with_marginals(data.clone()).train();
    let mut optimizer = ModuleOptimizer::from(Adam::default());
    for _ in 0..300 {
        let loss = made.log_prob(data.clone().autodiff()).mean().neg();
        let gradients = GradientsParams::from_grads(loss.backward(), &made);
        made = optimizer.step(0.02, made, gradients);
    }
    let made = made.valid();
    println!("mean log-likelihood {:.4} nats, exact", made.log_prob(data).mean().into_scalar::<f64>());

    let dry = Tensor::<2>::from_data([[0.0, 0.0, 0.0]], &device).repeat_dim(0, 5000);
    let completed = made.complete_known(&[true, false, false], dry, None, &mut noise)?;
    let wet = completed.narrow(1, 2, 1).mean().into_scalar::<f64>();
    println!("without rain the grass is wet with probability {wet:.2} (the true one: 0.475)");
    Ok(())
}
