//! Autoregressive models with parameters of order one.

use burn::prelude::*;
use gibbs_autoregressive::{
    Autoregressive, Conditional, Degrees, Made, MadeConfig, Nade, NadeConfig, OrderConfig, PixelCnn,
    PixelCnnConfig,
};
use gibbs_backend::Noise;

use super::parameters::perturbed;

/// Variables of each model.
pub(crate) const WIDTH: usize = 6;
/// Values of each categorical variable.
pub(crate) const VALUES: usize = 3;

/// Seed of the wirings. They follow from the configuration: models of the same one differ in their weights alone.
const WIRINGS: u64 = 3;

/// Masked autoencoders of one to three layers, wired in all ways.
pub(crate) fn mades() -> Vec<(&'static str, MadeConfig)> {
    let with = |hidden: &[usize]| MadeConfig::new(WIDTH, hidden.to_vec());
    let given = OrderConfig::Given(vec![3, 0, 5, 1, 4, 2]);
    vec![
        ("MADE", with(&[9])),
        ("MADE, 2 layers, given order", with(&[9, 8]).with_order(given.clone()).with_direct(false)),
        ("MADE, 2 layers, drawn degrees", with(&[20, 9]).with_degrees(Degrees::Random).with_direct(false)),
        ("MADE, 3 orders", with(&[9]).with_order(OrderConfig::Random).with_n_wirings(3)),
        ("MADE, categorical", with(&[9]).with_conditional(Conditional::Categorical { values: VALUES })),
        ("MADE, mixtures", with(&[8]).with_conditional(Conditional::GaussianMixture { components: 2 })),
        ("MADE, context", with(&[9]).with_n_context(2).with_order(given)),
    ]
}

/// NADEs.
pub(crate) fn nades() -> Vec<(&'static str, NadeConfig)> {
    let config = NadeConfig::new(WIDTH, 7);
    let categorical = Conditional::Categorical { values: VALUES };
    vec![
        ("NADE", config.clone()),
        ("NADE, random order", config.clone().with_order(OrderConfig::Random)),
        ("NADE, categorical", config.clone().with_conditional(categorical).with_order(OrderConfig::Random)),
        ("NADE, context", config.with_n_context(2)),
    ]
}

/// PixelCNNs, open and periodic.
pub(crate) fn pixel_cnns() -> Vec<(&'static str, PixelCnnConfig)> {
    let config = PixelCnnConfig::new(2, 3).with_width(5).with_half_kernel(1);
    let categorical = Conditional::Categorical { values: VALUES };
    vec![
        ("PixelCNN", config.clone()),
        ("PixelCNN, periodic", config.clone().with_periodic(true).with_half_kernel(2).with_direct(false)),
        ("PixelCNN, categorical", config.clone().with_conditional(categorical).with_depth(1)),
        ("PixelCNN, context", config.with_n_context(2)),
    ]
}

/// A masked autoencoder whose weights follow from the seed.
pub(crate) fn made(config: &MadeConfig, seed: u64, device: &Device) -> Made {
    let made = config.init(device, &mut Noise::new(WIRINGS, "init")).unwrap();
    perturbed(made, Noise::new(seed, "weights"))
}

/// A NADE whose weights follow from the seed.
pub(crate) fn nade(config: &NadeConfig, seed: u64, device: &Device) -> Nade {
    let nade = config.init(device, &mut Noise::new(WIRINGS, "init")).unwrap();
    perturbed(nade, Noise::new(seed, "weights"))
}

/// A PixelCNN whose weights follow from the seed.
pub(crate) fn pixel_cnn(config: &PixelCnnConfig, seed: u64, device: &Device) -> PixelCnn {
    let model = config.init(device, &mut Noise::new(WIRINGS, "init")).unwrap();
    perturbed(model, Noise::new(seed, "weights"))
}

/// Values that the model's variables have, `[n, D]`.
pub(crate) fn examples(model: &(impl Autoregressive + ?Sized), n: usize, noise: &mut Noise) -> Tensor<2> {
    let (shape, device) = ([n, model.n_variables()], model.device());
    match model.conditional() {
        Conditional::Bernoulli => noise.bernoulli(Tensor::full(shape, 0.5, &device)),
        Conditional::Categorical { values } => (noise.uniform(shape, &device) * values as f64).floor(),
        Conditional::GaussianMixture { .. } => noise.normal(shape, &device),
    }
}

/// The same context for `n` examples `[n, C]`, where the model has one.
pub(crate) fn context(model: &(impl Autoregressive + ?Sized), n: usize) -> Option<Tensor<2>> {
    let width = model.n_context();
    let row: Vec<f64> = (0..width).map(|j| 0.8 - 0.6 * j as f64).collect();
    let row = Tensor::<1>::from_data(row.as_slice(), &model.device());
    (width > 0).then(|| row.unsqueeze::<2>().expand([n, width]))
}
