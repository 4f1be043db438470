//! The deep Boltzmann machine to play with: the chain of all its layers dreams from a drawing, completes one, and its classifier names it.

use burn::prelude::*;
use gibbs_boltzmann::{GibbsChain, units::Units};
use gibbs_core::math::to_host;
use gibbs_serve::{
    Offer,
    playground::{Chain, Classify, Complete, Dice, Frame, PlayError, Playground},
};

use super::{DbmExperiment, train::network_log_prob};
use crate::{experiment::Trained, pictures::host, play};

/// A training of a small one.
pub(super) const OFFER: Offer = Offer {
    name: "first-dbm",
    title: "Deep Boltzmann machine",
    about: "Two layers of hidden units learn digits together. See the chain of all layers dream from a drawing. A minute.",
    command: &["dbm", "train"],
    settings: &[
        "--data",
        "digits",
        "--preset",
        "tiny",
        "--set",
        "model.n_hidden=[128,64]",
        "--set",
        "train.epochs=6",
        "--set",
        "train.pretraining.epochs=[3,3]",
    ],
};

/// Sweeps of a completion after its annealing.
const SWEEPS: usize = 100;

impl Playground for DbmExperiment {
    fn shape(&self) -> Option<(usize, usize)> {
        self.look().image()
    }

    fn examples(&self) -> Vec<Vec<f32>> {
        play::examples(Playground::shape(self))
    }

    fn chain(&self) -> Option<&dyn Chain> {
        self.has_learned().then_some(self)
    }

    fn complete(&self) -> Option<&dyn Complete> {
        self.has_learned().then_some(self)
    }

    fn classify(&self) -> Option<&dyn Classify> {
        (self.classifier.is_some() || self.dbm.n_classes() > 0).then_some(self)
    }
}

impl DbmExperiment {
    /// Whether all layers have learned together; a baseline is a classifier alone.
    fn has_learned(&self) -> bool {
        self.config.train.run.epochs > 0
    }

    fn drawn(&self, image: &[f32], n: usize, noise: &mut gibbs_backend::Noise) -> Tensor<2> {
        self.config.visible().encode(play::copies(&play::binarized(image, noise), n, &self.device))
    }
}

/// A state has the even layers, the visible one first.
impl Chain for DbmExperiment {
    fn width(&self) -> usize {
        self.dbm.bipartite().visible.width()
    }

    fn start(&self, image: &[f32], dice: Dice) -> Result<Vec<f32>, PlayError> {
        let noise = &mut play::noise(dice).child("start");
        let v = self.drawn(image, 1, noise);
        let odd = self.dbm.mean_field(v.clone(), None, self.config.model.mean_field_measured).odd;
        let rbm = self.dbm.bipartite();
        let even = rbm.sample_visible(noise.bernoulli(odd), noise);
        let n = self.dbm.width(0);
        Ok(host(Tensor::cat(vec![v, even.clone().narrow(1, n, even.dims()[1] - n)], 1)))
    }

    fn step(&self, state: &[f32], steps: usize, dice: Dice) -> Result<Frame, PlayError> {
        let (rbm, noise) = (self.dbm.bipartite(), &mut play::noise(dice));
        let even = GibbsChain::new(&rbm).run(play::copies(state, 1, &self.device), steps, noise);
        let energy = to_host(rbm.free_energy(even.clone()))[0];
        let odd = rbm.sample_hidden(even.clone(), noise);
        let means = self.dbm.visible_mean(odd.narrow(1, 0, self.dbm.width(1)));
        Ok(Frame { image: host(self.config.visible().decode(means)), state: host(even), energy })
    }
}

impl Complete for DbmExperiment {
    fn how(&self) -> &'static str {
        "Markov chains of all layers with the known pixels held, annealed from high temperature."
    }

    fn complete(
        &self,
        image: &[f32],
        known: &[bool],
        n: usize,
        dice: Dice,
    ) -> Result<Vec<Vec<f32>>, PlayError> {
        let noise = &mut play::noise(dice);
        let v = self.drawn(image, n, noise);
        Ok(play::split(&self.completed(v, known, SWEEPS, noise).1, image.len()))
    }
}

impl Classify for DbmExperiment {
    fn classes(&self) -> Vec<String> {
        play::classes(self.dbm.n_classes().max(self.config.train.classifier.n_classes))
    }

    fn classify(&self, image: &[f32]) -> Result<Vec<f32>, PlayError> {
        let v = self.config.visible().encode(play::copies(image, 1, &self.device));
        let model = &self.config.model;
        let log_prob = match &self.classifier {
            Some(network) => network_log_prob(&self.dbm, network, v, model.mean_field),
            None => self.dbm.class_log_prob(v, model.mean_field_measured),
        };
        Ok(host(log_prob.exp()))
    }
}
