//! The RBM to play with: its chain dreams from a drawing, completes one, and names its class.

use burn::tensor::activation::softmax;
use gibbs_boltzmann::{
    GibbsChain,
    units::{UnitFamily, Units},
};
use gibbs_core::math::to_host;
use gibbs_serve::{
    Offer,
    playground::{Chain, Classify, Complete, Dice, Frame, PlayError, Playground},
};

use super::RbmExperiment;
use crate::{experiment::Trained, pictures::host, play};

/// A training of a small one.
pub(super) const OFFER: Offer = Offer {
    name: "first-rbm",
    title: "Restricted Boltzmann machine",
    about: "Learns digits with their labels. Draw one, see the chain dream from it, and what class it is. Half a minute.",
    command: &["rbm", "train"],
    settings: &[
        "--data",
        "digits",
        "--preset",
        "tiny",
        "--set",
        "model.n_classes=10",
        "--set",
        "model.n_hidden=128",
        "--set",
        "train.epochs=10",
    ],
};

/// Temperatures through which the unknown pixels are annealed, and sweeps that follow.
const ANNEALING: usize = 200;
const SWEEPS: usize = 100;

impl Playground for RbmExperiment {
    fn shape(&self) -> Option<(usize, usize)> {
        self.look().image()
    }

    fn examples(&self) -> Vec<Vec<f32>> {
        play::examples(Playground::shape(self))
    }

    fn chain(&self) -> Option<&dyn Chain> {
        Some(self)
    }

    fn complete(&self) -> Option<&dyn Complete> {
        Some(self)
    }

    fn classify(&self) -> Option<&dyn Classify> {
        (self.visible().n_classes() > 0).then_some(self)
    }
}

impl Chain for RbmExperiment {
    fn width(&self) -> usize {
        self.rbm.visible.width()
    }

    fn start(&self, image: &[f32], dice: Dice) -> Result<Vec<f32>, PlayError> {
        let pixels = play::binarized(image, &mut play::noise(dice).child("start"));
        Ok(host(self.states(play::copies(&pixels, 1, &self.device))))
    }

    fn step(&self, state: &[f32], steps: usize, dice: Dice) -> Result<Frame, PlayError> {
        let v = play::copies(state, 1, &self.device);
        let v = GibbsChain::new(&self.rbm).run(v, steps, &mut play::noise(dice));
        let energy = to_host(self.rbm.free_energy(v.clone()))[0];
        Ok(Frame { image: self.draws(v.clone(), None).means, state: host(v), energy })
    }
}

impl Complete for RbmExperiment {
    fn how(&self) -> &'static str {
        "Eight Markov chains with the known pixels held, annealed from high temperature."
    }

    fn complete(
        &self,
        image: &[f32],
        known: &[bool],
        n: usize,
        dice: Dice,
    ) -> Result<Vec<Vec<f32>>, PlayError> {
        let noise = &mut play::noise(dice);
        let values = self.states(play::copies(&play::binarized(image, noise), n, &self.device));
        let clamp = self.clamp(values, known);
        let chain = GibbsChain::clamped(&self.rbm, clamp.clone());
        let start = chain.annealed(n, &self.rbm.visible.neutral(), ANNEALING, noise);
        let end = chain.run(start, SWEEPS, noise);
        Ok(play::split(&self.draws(end, Some(&clamp)).means, image.len()))
    }
}

impl Classify for RbmExperiment {
    fn classes(&self) -> Vec<String> {
        play::classes(self.visible().n_classes())
    }

    fn classify(&self, image: &[f32]) -> Result<Vec<f32>, PlayError> {
        Ok(host(softmax(self.rbm.class_log_weights(play::copies(image, 1, &self.device)), 1)))
    }
}
