//! The flow to play with: a walk between two images along its base; points of the base on their way through its layers.

use burn::prelude::*;
use gibbs_core::{Batch, Bijection, ConditionalLogProb};
use gibbs_serve::{
    Offer,
    playground::{Dice, Latent, Paths, PlayError, Playground},
};

use super::RealNvpExperiment;
use crate::{
    experiment::Trained,
    pictures::host,
    play::{self, error},
};

/// A training of a small one.
pub(super) const OFFER: Offer = Offer {
    name: "first-realnvp",
    title: "Normalizing flow",
    about: "Folds a normal distribution into two moons, layer by layer. A few seconds.",
    command: &["realnvp", "train"],
    settings: &[
        "--data",
        "moons",
        "--preset",
        "tiny",
        "--set",
        "train.steps=600",
        "--set",
        "train.batch_size=256",
        "--set",
        "model.n_layers=8",
    ],
};

impl Playground for RealNvpExperiment {
    fn shape(&self) -> Option<(usize, usize)> {
        self.look().image()
    }

    fn examples(&self) -> Vec<Vec<f32>> {
        play::examples(Playground::shape(self))
    }

    fn latent(&self) -> Option<&dyn Latent> {
        (self.model.n_context() == 0 && Playground::shape(self).is_some()).then_some(self)
    }

    fn paths(&self) -> Option<&dyn Paths> {
        (self.model.n_context() == 0 && self.model.model.n_variables() == 2).then_some(self)
    }
}

impl RealNvpExperiment {
    /// `n` points of the base `[n, D]`.
    fn base(&self, n: usize, dice: Dice) -> Tensor<2> {
        let (flow, noise) = (&self.model.model, &mut play::noise(dice));
        match &flow.base {
            Some(mixture) => mixture.sample(n, 1.0, noise),
            None => {
                let values = noise.normal_vec(n * flow.n_variables());
                play::rows(&play::split(&values, flow.n_variables()), &self.device)
            }
        }
    }
}

impl Latent for RealNvpExperiment {
    fn width(&self) -> usize {
        self.model.model.n_variables()
    }

    fn is_normal(&self) -> bool {
        self.model.model.base.is_none()
    }

    fn encode(&self, image: &[f32]) -> Result<Vec<f32>, PlayError> {
        let examples = Batch::new(play::copies(image, 1, &self.device));
        crate::experiment::Latent::encode(self, examples, 0).map(host).map_err(error)
    }

    fn decode(&self, latent: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, PlayError> {
        let latent = Batch::new(play::rows(latent, &self.device));
        let images = crate::experiment::Latent::decode(self, latent, 0).map_err(error)?;
        Ok(play::split(&host(images), self.model.model.n_variables()))
    }

    fn draw(&self, dice: Dice) -> Result<Vec<f32>, PlayError> {
        Ok(host(self.base(1, dice)))
    }
}

impl Paths for RealNvpExperiment {
    fn parts(&self) -> &'static str {
        "layers"
    }

    fn paths(&self, n: usize, dice: Dice) -> Result<Vec<Vec<[f32; 2]>>, PlayError> {
        let mut z = self.base(n, dice);
        let show = |z: &Tensor<2>| {
            let points = host(self.model.preprocessor.inverse(z.clone()));
            points.as_chunks::<2>().0.to_vec()
        };
        let mut frames = vec![show(&z)];
        for layer in self.model.model.layers.iter().rev() {
            z = layer.inverse(z, None).0;
            frames.push(show(&z));
        }
        Ok(frames)
    }
}
