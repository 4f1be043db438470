//! The VAE to play with: what it makes of a drawing, and a walk between two codes.

use gibbs_core::Batch;
use gibbs_serve::{
    Offer,
    playground::{Dice, Latent, PlayError, Playground, Reconstruct},
};

use super::VaeExperiment;
use crate::{
    experiment::{self, Trained},
    pictures::host,
    play::{self, error},
};

/// A training of a small one.
pub(super) const OFFER: Offer = Offer {
    name: "first-vae",
    title: "Variational autoencoder",
    about: "Learns codes of digits whose distribution is known, so that any code makes a digit. Half a minute.",
    command: &["vae", "train"],
    settings: &["--data", "digits", "--preset", "tiny"],
};

impl Playground for VaeExperiment {
    fn shape(&self) -> Option<(usize, usize)> {
        self.look().image()
    }

    fn examples(&self) -> Vec<Vec<f32>> {
        play::examples(Playground::shape(self))
    }

    fn reconstruct(&self) -> Option<&dyn Reconstruct> {
        self.is_plain().then_some(self)
    }

    fn latent(&self) -> Option<&dyn Latent> {
        self.is_plain().then_some(self)
    }
}

impl VaeExperiment {
    /// Whether it has images and no context.
    fn is_plain(&self) -> bool {
        Playground::shape(self).is_some() && self.model.model.n_context() == 0
    }
}

impl Reconstruct for VaeExperiment {
    fn reconstruct(&self, image: &[f32]) -> Result<(Vec<f32>, Vec<f32>), PlayError> {
        let code = self.encode(image)?;
        let restored = self.decode(std::slice::from_ref(&code))?.concat();
        Ok((code, restored))
    }
}

impl Latent for VaeExperiment {
    fn width(&self) -> usize {
        self.model.model.n_latent()
    }

    fn is_normal(&self) -> bool {
        self.model.model.prior.is_none()
    }

    fn encode(&self, image: &[f32]) -> Result<Vec<f32>, PlayError> {
        let examples = Batch::new(play::copies(image, 1, &self.device));
        experiment::Latent::encode(self, examples, 0).map(host).map_err(error)
    }

    fn decode(&self, latent: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, PlayError> {
        let latent = Batch::new(play::rows(latent, &self.device));
        let images = experiment::Latent::decode(self, latent, 0).map_err(error)?;
        Ok(play::split(&host(images), self.model.model.n_visible()))
    }

    fn draw(&self, dice: Dice) -> Result<Vec<f32>, PlayError> {
        Ok(host(self.model.model.sample_prior(1, &mut play::noise(dice))))
    }
}
