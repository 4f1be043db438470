//! The losses of an autoencoder.

use burn::{optim::GradientsParams, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{Batch, BoxError, Objective, Position, StepOutput, weighted_mean};
use serde::{Deserialize, Serialize};

use crate::autoencoder::{Autoencoder, AutoencoderError, Output};

/// The loss of a reconstruction, summed over columns and averaged over a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// [`Autoencoder::cross_entropy`], nats: for data in [0, 1], as in Hinton & Salakhutdinov (2006).
    #[default]
    CrossEntropy,
    /// [`Autoencoder::squared_error`].
    SquaredError,
}

impl Loss {
    /// Checks that an autoencoder with this output has the loss.
    ///
    /// # Errors
    /// [`AutoencoderError::Loss`] for cross-entropy with a linear output.
    pub fn validate(self, output: Output) -> Result<(), AutoencoderError> {
        match (self, output) {
            (Self::CrossEntropy, Output::Linear) => Err(AutoencoderError::Loss),
            _ => Ok(()),
        }
    }

    /// The mean over the rows of `x`, `[1]`.
    ///
    /// # Panics
    /// If [`validate`](Self::validate) fails, or the width of `x` is not that of the data.
    pub fn loss(self, autoencoder: &Autoencoder, x: Tensor<2>) -> Tensor<1> {
        self.of_rows(autoencoder, x).mean()
    }

    /// The loss of each row of `x`, `[batch]`.
    fn of_rows(self, autoencoder: &Autoencoder, x: Tensor<2>) -> Tensor<1> {
        match self {
            Self::CrossEntropy => autoencoder.cross_entropy(x),
            Self::SquaredError => autoencoder.squared_error(x),
        }
    }

    /// The [`loss`](Self::loss) and its gradients by a backward pass, for an optimizer such as
    /// [`ConjugateGradient`](gibbs_core::optim::ConjugateGradient). The autoencoder is on an autodiff device; `x` may be on
    /// the same device or without autodiff.
    ///
    /// # Panics
    /// As [`loss`](Self::loss), and if the autoencoder is not on an autodiff device.
    pub fn gradients(self, autoencoder: &Autoencoder, x: Tensor<2>) -> (f64, GradientsParams) {
        let loss = self.loss(autoencoder, x.autodiff());
        let value = loss.clone().into_scalar();
        (value, GradientsParams::from_grads(loss.backward(), autoencoder))
    }
}

/// Lowers the [`Loss`] of the reconstruction of a batch, the mean by the weights of its examples.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reconstruction {
    /// The loss, which is the metric `loss`.
    pub loss: Loss,
}

impl Objective<Autoencoder> for Reconstruction {
    fn step(
        &mut self,
        autoencoder: &Autoencoder,
        batch: Batch,
        _: &Position,
        _: &mut Noise,
    ) -> Result<StepOutput, BoxError> {
        let losses = self.loss.of_rows(autoencoder, batch.x.autodiff());
        let loss = weighted_mean(losses, batch.weights.map(Tensor::autodiff).as_ref());
        Ok(StepOutput::backward(autoencoder, "loss", loss))
    }
}
