//! The deep belief network to play with: the chain of its top RBM dreams from a drawing; its layers compress and restore it; its
//! classifier names it.

use burn::{prelude::*, tensor::activation::softmax};
use gibbs_boltzmann::units::Units;
use gibbs_core::math::to_host;
use gibbs_serve::playground::{Chain, Classify, Dice, Frame, PlayError, Playground, Reconstruct};

use super::DbnExperiment;
use crate::{experiment::Trained, pictures::host, play, source::one_hot_of_best};

impl Playground for DbnExperiment {
    fn shape(&self) -> Option<(usize, usize)> {
        self.look().image()
    }

    fn examples(&self) -> Vec<Vec<f32>> {
        play::examples(Playground::shape(self))
    }

    fn chain(&self) -> Option<&dyn Chain> {
        Some(self)
    }

    fn reconstruct(&self) -> Option<&dyn Reconstruct> {
        Some(self)
    }

    fn classify(&self) -> Option<&dyn Classify> {
        (self.classifier.is_some() || self.dbn.n_classes() > 0).then_some(self)
    }
}

impl DbnExperiment {
    fn encoded(&self, image: &[f32]) -> Tensor<2> {
        self.visible().encode(play::copies(image, 1, &self.device))
    }
}

impl Chain for DbnExperiment {
    fn energy_name(&self) -> &'static str {
        "free energy of the top layers (nats)"
    }

    fn width(&self) -> usize {
        self.dbn.top().visible.width()
    }

    fn start(&self, image: &[f32], dice: Dice) -> Result<Vec<f32>, PlayError> {
        let noise = &mut play::noise(dice).child("start");
        let v = self.encoded(&play::binarized(image, noise));
        let means = self.dbn.encode(v.clone());
        let label = (self.dbn.n_classes() > 0).then(|| one_hot_of_best(self.dbn.class_log_prob(v))).flatten();
        Ok(host(Tensor::cat(std::iter::once(means).chain(label).collect(), 1)))
    }

    fn step(&self, state: &[f32], steps: usize, dice: Dice) -> Result<Frame, PlayError> {
        let noise = &mut play::noise(dice);
        let h = self.dbn.top_chain(None).run(play::copies(state, 1, &self.device), steps, noise);
        let energy = to_host(self.dbn.top().free_energy(h.clone()))[0];
        let mean = self.dbn.generate(h.clone(), noise);
        // The top RBM of a network of one layer is over the pixels themselves.
        Ok(Frame { image: host(self.visible().decode(mean)), state: host(h), energy })
    }
}

impl Reconstruct for DbnExperiment {
    fn reconstruct(&self, image: &[f32]) -> Result<(Vec<f32>, Vec<f32>), PlayError> {
        let last = self.dbn.depth() - 1;
        let code = self.dbn.hidden_means(self.encoded(image), last);
        let restored = self.visible().decode(self.dbn.visible_means(code.clone(), last));
        Ok((host(code), host(restored)))
    }
}

impl Classify for DbnExperiment {
    fn classes(&self) -> Vec<String> {
        play::classes(self.dbn.n_classes().max(self.config.train.classifier.n_classes))
    }

    fn classify(&self, image: &[f32]) -> Result<Vec<f32>, PlayError> {
        let v = self.encoded(image);
        Ok(host(match &self.classifier {
            Some(network) => softmax(network.forward(v), 1),
            None => self.dbn.class_log_prob(v).exp(),
        }))
    }
}
