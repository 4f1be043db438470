//! Autoregressive models with parameters of order one.

use burn::prelude::*;
use gibbs_autoregressive::{
    Autoregressive, Degrees, Made, MadeConfig, Nade, NadeConfig, OrderConfig, OutputDistribution, PixelCnn,
    PixelCnnConfig,
};
use gibbs_backend::Noise;

use super::parameters::perturbed;

/// Variables of each model.
pub(crate) const WIDTH: usize = 6;
/// Levels of each categorical variable.
pub(crate) const LEVELS: usize = 3;

/// Seed of the masks. Models of the same config have the same masks and differ in their weights only.
const MASKS: u64 = 3;

/// Masked autoencoders of one to three layers, with all kinds of masks.
pub(crate) fn mades() -> Vec<(&'static str, MadeConfig)> {
    let with = |hidden: &[usize]| MadeConfig::new(WIDTH, hidden.to_vec().into());
    let list = OrderConfig::List(vec![3, 0, 5, 1, 4, 2]);
    vec![
        ("MADE", with(&[9])),
        ("MADE, 2 layers, listed order", with(&[9, 8]).with_order(list.clone()).with_direct(false)),
        ("MADE, 2 layers, drawn degrees", with(&[20, 9]).with_degrees(Degrees::Random).with_direct(false)),
        ("MADE, 3 orders", with(&[9]).with_order(OrderConfig::Random).with_n_masks(3)),
        ("MADE, categorical", with(&[9]).with_output(OutputDistribution::Categorical { levels: LEVELS })),
        ("MADE, mixtures", with(&[8]).with_output(OutputDistribution::GaussianMixture { components: 2 })),
        ("MADE, mixed", with(&[9]).with_output(mixed()).with_order(list.clone())),
        ("MADE, context", with(&[9]).with_n_context(2).with_order(list)),
    ]
}

/// Another distribution for neighboring variables.
fn mixed() -> OutputDistribution {
    use OutputDistribution::{Bernoulli, Categorical, GaussianMixture, Mixed};
    let kinds = [Bernoulli, GaussianMixture { components: 2 }, Categorical { levels: LEVELS }];
    Mixed { columns: kinds.into_iter().cycle().take(WIDTH).collect() }
}

/// NADEs.
pub(crate) fn nades() -> Vec<(&'static str, NadeConfig)> {
    let config = NadeConfig::new(WIDTH, 7);
    let categorical = OutputDistribution::Categorical { levels: LEVELS };
    vec![
        ("NADE", config.clone()),
        ("NADE, random order", config.clone().with_order(OrderConfig::Random)),
        ("NADE, categorical", config.clone().with_output(categorical).with_order(OrderConfig::Random)),
        ("NADE, mixed", config.clone().with_output(mixed())),
        ("NADE, context", config.with_n_context(2)),
    ]
}

/// PixelCNNs, open and periodic.
pub(crate) fn pixel_cnns() -> Vec<(&'static str, PixelCnnConfig)> {
    let config = PixelCnnConfig::new(2, 3).with_n_hidden(5).with_half_kernel(1);
    let categorical = OutputDistribution::Categorical { levels: LEVELS };
    vec![
        ("PixelCNN", config.clone()),
        ("PixelCNN, periodic", config.clone().with_periodic(true).with_half_kernel(2).with_direct(false)),
        ("PixelCNN, categorical", config.clone().with_output(categorical).with_depth(1)),
        ("PixelCNN, context", config.with_n_context(2)),
    ]
}

/// A masked autoencoder whose weights follow from the seed.
pub(crate) fn made(config: &MadeConfig, seed: u64, device: &Device) -> Made {
    let made = config.init(device, &mut Noise::new(MASKS, "init")).unwrap();
    perturbed(made, Noise::new(seed, "weights"))
}

/// A NADE whose weights follow from the seed.
pub(crate) fn nade(config: &NadeConfig, seed: u64, device: &Device) -> Nade {
    let nade = config.init(device, &mut Noise::new(MASKS, "init")).unwrap();
    perturbed(nade, Noise::new(seed, "weights"))
}

/// A PixelCNN whose weights follow from the seed.
pub(crate) fn pixel_cnn(config: &PixelCnnConfig, seed: u64, device: &Device) -> PixelCnn {
    let model = config.init(device, &mut Noise::new(MASKS, "init")).unwrap();
    perturbed(model, Noise::new(seed, "weights"))
}

/// Values that the model's variables have, `[n, D]`.
pub(crate) fn examples(model: &(impl Autoregressive + ?Sized), n: usize, noise: &mut Noise) -> Tensor<2> {
    let (shape, device) = ([n, model.n_visible()], model.device());
    values(model.output(), shape, noise, &device)
}

fn values(output: &OutputDistribution, shape: [usize; 2], noise: &mut Noise, device: &Device) -> Tensor<2> {
    match output {
        OutputDistribution::Bernoulli => noise.bernoulli(Tensor::full(shape, 0.5, device)),
        OutputDistribution::Categorical { levels } => (noise.uniform(shape, device) * *levels as f64).floor(),
        OutputDistribution::GaussianMixture { .. } => noise.normal(shape, device),
        OutputDistribution::Mixed { columns } => {
            let columns = columns.iter().map(|column| values(column, [shape[0], 1], noise, device));
            Tensor::cat(columns.collect(), 1)
        }
    }
}

/// The same context for `n` examples `[n, C]`, if the model has one.
pub(crate) fn context(model: &(impl Autoregressive + ?Sized), n: usize) -> Option<Tensor<2>> {
    let width = model.n_context();
    let row: Vec<f64> = (0..width).map(|j| 0.8 - 0.6 * j as f64).collect();
    let row = Tensor::<1>::from_data(row.as_slice(), &model.device());
    (width > 0).then(|| row.unsqueeze::<2>().expand([n, width]))
}
