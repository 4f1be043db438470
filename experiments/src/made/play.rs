//! The autoregressive model to play with: it completes a drawing.

use gibbs_autoregressive::{Autoregressive, OutputDistribution, complete_by_resampling};
use gibbs_core::ConditionalLogProb;
use gibbs_serve::{
    Offer,
    playground::{Complete, Dice, PlayError, Playground},
};

use super::MadeExperiment;
use crate::{experiment::Trained, pictures::host, play};

/// A training of a small one.
pub(super) const OFFER: Offer = Offer {
    name: "first-made",
    title: "Autoregressive model",
    about: "Draws digits pixel by pixel. Hide a part of a drawing and let it complete it. Half a minute.",
    command: &["made", "train"],
    settings: &["--data", "digits", "--preset", "tiny"],
};

/// Draws of which the completions are taken, by their weights.
const PROPOSALS: usize = 48;

impl Playground for MadeExperiment {
    fn shape(&self) -> Option<(usize, usize)> {
        self.look().image()
    }

    fn examples(&self) -> Vec<Vec<f32>> {
        play::examples(Playground::shape(self))
    }

    fn complete(&self) -> Option<&dyn Complete> {
        let model = &self.model.model;
        let is_of_bits = matches!(model.output(), OutputDistribution::Bernoulli);
        (is_of_bits && model.n_context() == 0).then_some(self)
    }
}

impl Complete for MadeExperiment {
    fn how(&self) -> &'static str {
        "Exact draws where the unknown pixels come last in the order of the model, such as a hidden lower half; else draws that \
         are weighted by how well the known pixels after them fit."
    }

    fn complete(
        &self,
        image: &[f32],
        known: &[bool],
        n: usize,
        dice: Dice,
    ) -> Result<Vec<Vec<f32>>, PlayError> {
        let (model, noise) = (&self.model.model, &mut play::noise(dice));
        let bits = play::binarized(image, noise);
        let x = play::copies(&bits, n, &self.device);
        let completed = match model.complete_known(known, x, None, noise) {
            Ok(exact) => host(exact),
            Err(_) => {
                let x = play::copies(&bits, PROPOSALS, &self.device);
                host(complete_by_resampling(model, known, x, n, noise))
            }
        };
        Ok(play::split(&completed, image.len()))
    }
}
