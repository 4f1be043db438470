//! The autoencoder to play with: the code of a drawing and what it is restored to; a walk between two codes.

use gibbs_serve::{
    Offer,
    playground::{Dice, Latent, PlayError, Playground, Reconstruct},
};

use super::AutoencoderExperiment;
use crate::{experiment::Trained, pictures::host, play};

/// A training of a small one.
pub(super) const OFFER: Offer = Offer {
    name: "first-autoencoder",
    title: "Autoencoder",
    about: "Compresses digits to a few numbers and walks between them. Half a minute.",
    command: &["autoencoder", "train"],
    settings: &["--data", "digits", "--preset", "tiny"],
};

impl Playground for AutoencoderExperiment {
    fn shape(&self) -> Option<(usize, usize)> {
        self.look().image()
    }

    fn examples(&self) -> Vec<Vec<f32>> {
        play::examples(Playground::shape(self))
    }

    fn reconstruct(&self) -> Option<&dyn Reconstruct> {
        Some(self)
    }

    fn latent(&self) -> Option<&dyn Latent> {
        (!Playground::examples(self).is_empty()).then_some(self)
    }
}

impl Reconstruct for AutoencoderExperiment {
    fn reconstruct(&self, image: &[f32]) -> Result<(Vec<f32>, Vec<f32>), PlayError> {
        let code = self.encode(image)?;
        let restored = self.decode(std::slice::from_ref(&code))?.concat();
        Ok((code, restored))
    }
}

impl Latent for AutoencoderExperiment {
    fn width(&self) -> usize {
        self.network.code_width()
    }

    fn is_normal(&self) -> bool {
        false
    }

    fn encode(&self, image: &[f32]) -> Result<Vec<f32>, PlayError> {
        let x = self.visible().encode(play::copies(image, 1, &self.device));
        Ok(host(self.network.encode(x)))
    }

    fn decode(&self, latent: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, PlayError> {
        let images = self.network.decode(play::rows(latent, &self.device));
        Ok(play::split(&host(self.visible().decode(images)), self.network.width()))
    }

    /// The code of an example: the network has no distribution of codes.
    fn draw(&self, dice: Dice) -> Result<Vec<f32>, PlayError> {
        let examples = Playground::examples(self);
        self.encode(&examples[dice.seed as usize % examples.len()])
    }
}
