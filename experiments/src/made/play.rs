//! The autoregressive model to play with: it completes a drawing.

use gibbs_autoregressive::{Autoregressive, Evidence, OutputDistribution};
use gibbs_backend::Noise;
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
        play::shape(&self.look())
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
            Err(_) => self.resampled(&bits, known, n, noise),
        };
        Ok(play::split(&completed, image.len()))
    }
}

impl MadeExperiment {
    /// Completions by sampling-importance-resampling (Rubin 1988). A proposal draws each unknown pixel given all pixels before it in
    /// the order; its weight is the probability of the known pixels, `Π_i p(x_i | x_before)`.
    fn resampled(&self, bits: &[f32], known: &[bool], n: usize, noise: &mut Noise) -> Vec<f32> {
        let (model, width) = (&self.model.model, bits.len());
        let order = model.order(0).variables().to_vec();
        let mut x = play::copies(bits, PROPOSALS, &self.device);
        let mut at = 0;
        while let Some(first) = (at..width).find(|k| !known[order[*k]]) {
            let end = (first..width).find(|k| known[order[*k]]).unwrap_or(width);
            let drawn = model.complete(0, Evidence { x: x.clone(), prefix: first, context: None }, noise);
            let mut flags = vec![0.0; width];
            order[first..end].iter().for_each(|variable| flags[*variable] = 1.0);
            let is_new = play::copies(&flags, PROPOSALS, &self.device).greater_elem(0.5);
            x = x.mask_where(is_new, drawn);
            at = end;
        }
        let (logits, drawn) = (host(model.parameters(0, x.clone(), None)), host(x));
        let log_weight = |row: usize| -> f64 {
            let pixel = |i: usize| f64::from(logits[row * width + i] * (2.0 * drawn[row * width + i] - 1.0));
            (0..width).filter(|i| known[*i]).map(|i| -(-pixel(i)).exp().ln_1p()).sum()
        };
        let log_weights: Vec<f64> = (0..PROPOSALS).map(log_weight).collect();
        let most = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = log_weights.iter().map(|weight| (weight - most).exp()).collect();
        let total: f64 = weights.iter().sum();
        let chosen = noise.uniform_vec(n).into_iter().map(|u| {
            let mut rest = f64::from(u) * total;
            weights.iter().position(|weight| (rest -= weight, rest <= 0.0).1).unwrap_or(PROPOSALS - 1)
        });
        chosen.flat_map(|row| drawn[row * width..][..width].to_vec()).collect()
    }
}
