//! What every model must do, written once. A family brings a list of constructors and an implementation of [`Model`].

mod autoencoder;
mod autoregressive;
mod boltzmann;
mod continuous;
mod dbn;
mod diffusion;
mod draws;
mod flow;
mod rbm;
mod symmetrized;

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::math::to_host;
use gibbs_train::weights::WeightsError;
use safetensors::{Dtype, SafeTensors};

use crate::support::{assert_close, parameters::ByParameter};

/// Gradient of each parameter; `None` where the gradient does not reach it.
type Gradients = ByParameter<Option<Vec<f64>>>;

/// A model of any family, as the properties see it.
trait Model {
    /// The bytes of its `model.safetensors`.
    fn weights(&self) -> Vec<u8>;

    /// The same model with the weights of a `model.safetensors`.
    fn with_weights(&self, bytes: &[u8]) -> Result<Box<dyn Model>, WeightsError>;

    /// Documented names and shapes of the tensors.
    fn tensors(&self) -> Vec<(String, Vec<usize>)>;

    /// Examples of the kind that the model explains, `[n, width]`.
    fn examples(&self, n: usize, noise: &mut Noise) -> Tensor<2>;

    /// How well the model explains each row: `log p(x)` in nats, up to a constant where it is not normalized, or else
    /// the nearest that can be computed without noise.
    fn score(&self, x: Tensor<2>) -> Vec<f64>;

    /// For each way to train all of the model at once, its name and the gradients for a batch.
    fn gradients(&self, x: Tensor<2>, noise: &mut Noise) -> Vec<(&'static str, Gradients)>;

    /// The model as one that can be drawn from, where it can.
    fn generative(&self) -> Option<&dyn Generative> {
        None
    }
}

/// A model that can be drawn from.
trait Generative {
    /// Whether draws are independent and exact, and the score of the model is their log-density.
    fn is_exact(&self) -> bool {
        false
    }

    /// `n` draws, exact or by a chain.
    fn draw(&self, n: usize, noise: &mut Noise) -> Tensor<2>;
}

/// A named constructor: from a seed to a model with all parameters away from their defaults.
type Constructor = (String, Box<dyn Fn(u64) -> Box<dyn Model>>);

fn models() -> Vec<Constructor> {
    [
        rbm::models(),
        dbn::models(),
        boltzmann::models(),
        autoencoder::models(),
        autoregressive::models(),
        flow::models(),
        continuous::models(),
        diffusion::models(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The name of a tensor and its shape.
fn tensor(name: impl Into<String>, shape: &[usize]) -> (String, Vec<usize>) {
    (name.into(), shape.to_vec())
}

#[test]
fn tensors_have_their_documented_names_and_shapes() {
    for (name, init) in models() {
        let model = init(0);
        let bytes = model.weights();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let mut found: Vec<_> = file.iter().map(|(name, view)| tensor(name, view.shape())).collect();
        found.sort();
        let mut documented = model.tensors();
        documented.sort();
        assert_eq!(found, documented, "{name}");
        assert!(file.iter().all(|(_, view)| view.dtype() == Dtype::F32), "{name}");
    }
}

#[test]
fn saved_and_loaded_it_is_the_same_model_bit_by_bit() {
    for (name, init) in models() {
        let (model, other) = (init(0), init(1));
        let x = model.examples(9, &mut Noise::new(0, "examples"));
        let loaded = other.with_weights(&model.weights()).unwrap();
        let bits = |model: &dyn Model| -> Vec<u64> {
            model.score(x.clone()).into_iter().map(f64::to_bits).collect()
        };
        assert_eq!(bits(&*loaded), bits(&*model), "{name}");
        assert_ne!(bits(&*loaded), bits(&*other), "{name}: the weights do not matter");
        assert_eq!(loaded.weights(), model.weights(), "{name}");
    }
}

#[test]
fn weights_of_another_model_are_refused() {
    let models = models();
    for (name, init) in &models {
        for (foreign, other) in &models {
            let (model, other) = (init(0), other(0));
            let outcome = model.with_weights(&other.weights());
            assert_eq!(outcome.is_ok(), model.tensors() == other.tensors(), "{foreign} into {name}");
        }
    }
}

#[test]
fn gradients_reach_every_parameter() {
    for (name, init) in models() {
        let model = init(0);
        let x = model.examples(20, &mut Noise::new(0, "examples"));
        for (way, gradients) in model.gradients(x, &mut Noise::new(0, "gradients")) {
            assert_eq!(gradients.len(), model.tensors().len(), "{name}, {way}");
            for (parameter, gradient) in gradients {
                let what = format!("{name}, {way}: {parameter}");
                let gradient = gradient.unwrap_or_else(|| panic!("{what} gets no gradient"));
                assert!(gradient.iter().all(|g| g.is_finite()), "{what}");
                assert!(gradient.iter().any(|g| g.abs() > 1e-6), "{what} gets the gradient zero");
            }
        }
    }
}

#[test]
fn draws_depend_on_the_noise_alone() {
    for (name, init) in models() {
        let model = init(0);
        let Some(model) = model.generative() else { continue };
        let draw = |noise: &mut Noise| to_host(model.draw(12, noise));
        let mut noise = Noise::new(3, "draws");
        let first = draw(&mut noise);
        assert_eq!(draw(&mut Noise::new(3, "draws")), first, "{name}");
        assert_ne!(draw(&mut noise), first, "{name}: the second draw repeats the first");
        assert_ne!(draw(&mut Noise::new(4, "draws")), first, "{name}: the seed does not matter");
        assert_ne!(draw(&mut Noise::new(3, "others")), first, "{name}: the stream does not matter");
    }
}

#[test]
fn metrics_do_not_depend_on_the_split_into_batches() {
    for (name, init) in models() {
        let model = init(0);
        let x = model.examples(37, &mut Noise::new(0, "examples"));
        let whole = model.score(x.clone());
        for size in [1, 8, 36] {
            let batch = |start: usize| model.score(x.clone().narrow(0, start, size.min(37 - start)));
            let parts: Vec<f64> = (0..37).step_by(size).flat_map(batch).collect();
            assert_close(&parts, &whole, 2e-5, &format!("{name} in batches of {size}"));
        }
    }
}
