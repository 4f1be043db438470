//! Codes of two numbers for own data, by an autoencoder: `cargo run --release --example autoencoder_ring`.

#![allow(clippy::print_stdout, reason = "an example reports on stdout")]

use std::error::Error;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use gibbs_autoencoder::{Autoencoder, Loss};
use gibbs_backend::Noise;
use gibbs_boltzmann::{RbmConfig, units::UnitKind};
use gibbs_core::optim::ConjugateGradient;

/// Bumps on a ring of 24 sites: each example has one position, so one angle describes it.
fn bumps(n: usize, noise: &mut Noise) -> Vec<[f32; 24]> {
    let bump = |noise: &mut Noise| {
        let center = 24.0 * noise.next_uniform();
        std::array::from_fn(|site| {
            let distance = (site as f64 - center).abs();
            (-distance.min(24.0 - distance).powi(2) / 18.0).exp() as f32
        })
    };
    (0..n).map(|_| bump(noise)).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::flex();
    let mut noise = Noise::new(0, "bumps");
    let rows = bumps(500, &mut noise);
    let data = Tensor::<1>::from_floats(rows.concat().as_slice(), &device).reshape([500, 24]);

    let layer = |config: RbmConfig| config.with_weight_std(0.3);
    let stack = [
        layer(RbmConfig::new(24, 32)).init(&device, &mut noise)?,
        layer(RbmConfig::new(32, 2)).with_hidden(UnitKind::Gaussian).init(&device, &mut noise)?,
    ];
    let autoencoder = Autoencoder::unroll(&stack)?;
    let optimizer = ConjugateGradient::new().with_searches(200);
    let evaluate = |model: &Autoencoder| Loss::CrossEntropy.gradients(model, data.clone());
    let autoencoder = optimizer.minimize(autoencoder.train(), evaluate).0.valid();

    let error = autoencoder.squared_error(data.clone()).mean().into_scalar::<f64>();
    println!("squared error of a code of 2 numbers: {error:.3}");
    println!("the codes of the first three examples: {}", autoencoder.encode(data.narrow(0, 0, 3)));
    Ok(())
}
