//! Multi-layer perceptron (MLP).
//!
//! ```text
//! h_0 = x,   h_k = activation(h_{k-1}·W_k + b_k),   y = h_{L-1}·W_L + b_L
//! ```
//!
//! References: Rumelhart, Hinton & Williams, Nature 323:533 (1986), doi:10.1038/323533a0; initial weights by He et al. (2015)
//! or Glorot & Bengio (2010), see [`Activation::weight_init`]; dropout by Srivastava et al. (2014).
//!
//! Cost: a product `[batch, in] × [in, out]` for each layer.

use burn::config::Config;
use burn::module::Module;
use burn::prelude::*;
use gibbs_backend::Noise;

use super::{Activation, Affine, Mask, Network};
use crate::ConfigError;

/// Widths and functions of a network.
#[derive(Config, Debug, PartialEq)]
pub struct MlpConfig {
    /// Widths of the inputs, the hidden layers and the outputs: at least two numbers, each at least 1. Two make a single affine
    /// layer.
    pub widths: Vec<usize>,
    /// Function of the hidden units.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// Fraction of hidden units dropped by [`Network::forward_with_dropout`], in [0, 1).
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Factor on the initial weights of the last layer, finite. With 0 the initial outputs are zero.
    #[config(default = 1.0)]
    pub output_gain: f64,
}

impl MlpConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        super::widths::check(&self.widths)?;
        ConfigError::fraction("dropout", self.dropout)?;
        ConfigError::require(self.output_gain.is_finite(), "output_gain", self.output_gain, "must be finite")
    }

    /// A network with zero biases and weights drawn from `noise`, layer by layer.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Mlp, ConfigError> {
        self.validate()?;
        let layers = self.layers(None, device, noise);
        Ok(Mlp { layers, activation: self.activation, dropout: self.dropout })
    }

    /// The layers with their initial values, under optional masks.
    pub(super) fn layers(&self, masks: Option<&[Mask]>, device: &Device, noise: &mut Noise) -> Vec<Affine> {
        let (last, init) = (self.widths.len() - 2, self.activation.weight_init());
        let layer = |(i, pair): (usize, &[usize])| {
            let gain = if i == last { self.output_gain } else { 1.0 };
            Affine::under_mask([pair[0], pair[1]], init, gain, masks.map(|masks| &masks[i]), device, noise)
        };
        self.widths.windows(2).enumerate().map(layer).collect()
    }
}

/// A multi-layer perceptron.
#[derive(Module, Debug)]
pub struct Mlp {
    /// The layers, inputs first.
    pub layers: Vec<Affine>,
    #[module(skip)]
    activation: Activation,
    dropout: f64,
}

impl Mlp {
    /// A network of the given layers, inputs first, without dropout.
    pub fn from_layers(layers: Vec<Affine>, activation: Activation) -> Self {
        Self { layers, activation, dropout: 0.0 }
    }

    /// The network with this fraction of hidden units dropped by [`Network::forward_with_dropout`].
    ///
    /// # Panics
    /// If `dropout` is not in [0, 1).
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        assert!((0.0..1.0).contains(&dropout), "dropout = {dropout}: it must be in [0, 1)");
        self.dropout = dropout;
        self
    }

    /// The outputs, without dropout: `[batch, in] -> [batch, out]`. With dropout: [`Network::forward_with_dropout`].
    ///
    /// # Panics
    /// If `x` has another width than the inputs.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.network().forward(x)
    }

    /// The layers as plain tensors. Costs nothing.
    pub fn network(&self) -> Network {
        let layers = self.layers.iter().map(|layer| layer.masked(None)).collect();
        Network { layers, activation: self.activation, dropout: self.dropout }
    }
}

#[cfg(test)]
mod tests {
    use burn::optim::{AdamConfig, GradientsParams};
    use burn::store::{ModuleSnapshot, SafetensorsStore};

    use super::*;
    use crate::math::to_host;

    fn mlp(config: MlpConfig, device: &Device, seed: u64) -> Mlp {
        config.init(device, &mut Noise::new(seed, "init")).unwrap()
    }

    #[test]
    fn outputs_follow_the_formula() {
        let device = Device::flex();
        let network = mlp(MlpConfig::new(vec![2, 3, 1]).with_activation(Activation::Tanh), &device, 0);
        let x = [0.3, -1.1];
        let host =
            |i: usize| (to_host(network.layers[i].weight.val()), to_host(network.layers[i].bias.val()));
        let ((w0, b0), (w1, b1)) = (host(0), host(1));
        let h: Vec<f64> = (0..3).map(|j| (x[0] * w0[j] + x[1] * w0[3 + j] + b0[j]).tanh()).collect();
        let truth = b1[0] + (0..3).map(|j| h[j] * w1[j]).sum::<f64>();
        let y = to_host(network.forward(Tensor::from_data([x], &device)));
        assert!((y[0] - truth).abs() < 1e-6, "{} {truth}", y[0]);
    }

    #[test]
    fn initial_weights_have_the_variance_of_their_distribution() {
        let device = Device::flex();
        for (activation, variance) in [(Activation::Relu, 2.0 / 200.0), (Activation::Tanh, 2.0 / 300.0)] {
            let network = mlp(MlpConfig::new(vec![200, 100]).with_activation(activation), &device, 1);
            let weights = to_host(network.layers[0].weight.val());
            let (mean, found) = crate::math::mean_and_variance(&weights);
            // 20000 uniform draws: the standard error of the variance is 0.63 % of it.
            assert!(
                (found / variance - 1.0).abs() < 0.03 && mean.abs() < 4e-3,
                "{activation}: {mean} {found}"
            );
            assert!(to_host(network.layers[0].bias.val()).iter().all(|b| *b == 0.0));
        }
        let zero = mlp(MlpConfig::new(vec![3, 4, 2]).with_output_gain(0.0), &device, 1);
        let y = to_host(zero.forward(Tensor::ones([5, 3], &device)));
        assert!(y.iter().all(|y| *y == 0.0));
    }

    #[test]
    fn dropout_keeps_the_mean_and_depends_on_the_noise_alone() {
        let device = Device::flex();
        let config = MlpConfig::new(vec![4, 50, 1]).with_dropout(0.3);
        let network = mlp(config.clone(), &device, 2).network();
        let row = Tensor::<2>::from_data([[0.5, -1.0, 2.0, 0.1]], &device);
        let x = row.clone().repeat_dim(0, 20_000);
        let dropped = |seed| {
            let noise = &mut Noise::new(seed, "dropout");
            to_host(network.forward_with_dropout(x.clone(), noise))
        };
        let (mean, variance) = crate::math::mean_and_variance(&dropped(0));
        let truth = to_host(network.forward(row))[0];
        assert!(
            variance > 0.0 && (mean - truth).abs() < 5.0 * (variance / 20_000.0).sqrt(),
            "{mean} {truth}"
        );
        assert_eq!(dropped(0), dropped(0));
        assert_ne!(dropped(0), dropped(1));
        let noise = &mut Noise::new(0, "dropout");
        let plain = mlp(config.with_dropout(0.0), &device, 2).network();
        assert_eq!(to_host(plain.forward_with_dropout(x.clone(), noise)), to_host(plain.forward(x)));
        assert_eq!(noise.position(), 0);
    }

    #[test]
    fn weights_survive_saving_under_their_names() {
        let device = Device::flex();
        let config = MlpConfig::new(vec![3, 5, 2]).with_activation(Activation::Silu);
        let (saved, mut loaded) = (mlp(config.clone(), &device, 3), mlp(config, &device, 4));
        let x = Tensor::<2>::from_data([[0.2, -0.4, 1.0]], &device);
        let mut store = SafetensorsStore::from_bytes(None);
        saved.save_into(&mut store).unwrap();
        let mut reader = SafetensorsStore::from_bytes(Some(store.get_bytes().unwrap()));
        let result = loaded.load_from(&mut reader).unwrap();
        let mut names = result.applied.clone();
        names.sort();
        assert_eq!(names, ["layers.0.bias", "layers.0.weight", "layers.1.bias", "layers.1.weight"]);
        assert_eq!(to_host(loaded.forward(x.clone())), to_host(saved.forward(x)));
    }

    #[test]
    fn fields_out_of_range_are_named() {
        let message = |config: MlpConfig| config.validate().unwrap_err().to_string();
        assert!(message(MlpConfig::new(vec![3])).contains("at least two widths"));
        assert!(message(MlpConfig::new(vec![3, 0, 1])).contains("[3, 0, 1]"));
        assert!(
            message(MlpConfig::new(vec![3, 1]).with_dropout(1.0)).contains("dropout = 1: must lie in [0, 1)")
        );
        assert!(message(MlpConfig::new(vec![3, 1]).with_dropout(f64::NAN)).contains("dropout"));
        assert!(message(MlpConfig::new(vec![3, 1]).with_output_gain(f64::INFINITY)).contains("output_gain"));
    }

    #[test]
    #[should_panic(expected = "takes rows of width 3, got a tensor [5, 4]")]
    fn another_width_panics() {
        let device = Device::flex();
        mlp(MlpConfig::new(vec![3, 1]), &device, 0).forward(Tensor::zeros([5, 4], &device));
    }

    #[test]
    fn it_learns_exclusive_or() {
        let device = Device::flex().autodiff();
        let config = MlpConfig::new(vec![2, 8, 1]).with_activation(Activation::Tanh);
        let mut network = mlp(config, &device, 5);
        let mut optimizer = AdamConfig::new().init();
        let x = Tensor::<2>::from_data([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &device);
        let y = Tensor::<2>::from_data([[0.0], [1.0], [1.0], [0.0]], &device);
        let mut loss = f64::NAN;
        for _ in 0..300 {
            let error = (network.forward(x.clone()) - y.clone()).powi_scalar(2).mean();
            loss = to_host(error.clone())[0];
            let gradients = GradientsParams::from_grads(error.backward(), &network);
            network = optimizer.step(0.05, network, gradients);
        }
        assert!(loss < 1e-3, "{loss}");
    }
}
