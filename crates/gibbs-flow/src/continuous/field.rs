//! A velocity field whose kind is chosen at run time.

use burn::{module::Module, prelude::*};
use gibbs_backend::Noise;
use serde::{Deserialize, Serialize};

use super::{
    ImageField, ImageFieldConfig, LatticeField, LatticeFieldConfig, Perceptron, PerceptronConfig, Potential,
    PotentialConfig, Velocity, VelocityField,
};
use crate::ConfigError;

/// A field, as a configuration names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum FieldConfig {
    /// See [`Perceptron`].
    Perceptron(PerceptronConfig),
    /// See [`Potential`].
    Potential(PotentialConfig),
    /// See [`ImageField`].
    Image(ImageFieldConfig),
    /// See [`LatticeField`].
    Lattice(LatticeFieldConfig),
}

impl FieldConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        match self {
            Self::Perceptron(config) => config.validate(),
            Self::Potential(config) => config.validate(),
            Self::Image(config) => config.validate(),
            Self::Lattice(config) => config.validate(),
        }
    }

    /// A field with weights drawn from `noise`.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Field, ConfigError> {
        Ok(match self {
            Self::Perceptron(config) => Field::Perceptron(config.init(device, noise)?),
            Self::Potential(config) => Field::Potential(config.init(device, noise)?),
            Self::Image(config) => Field::Image(config.init(device, noise)?),
            Self::Lattice(config) => Field::Lattice(config.init(device, noise)?),
        })
    }
}

/// A velocity field of any kind.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a flow has one field, and its weights are elsewhere")]
pub enum Field {
    /// See [`Perceptron`].
    Perceptron(Perceptron),
    /// See [`Potential`].
    Potential(Potential),
    /// See [`ImageField`].
    Image(ImageField),
    /// See [`LatticeField`].
    Lattice(LatticeField),
}

/// Runs the same method on whichever kind the field is.
macro_rules! on_kind {
    ($self:ident, $field:ident => $body:expr) => {
        match $self {
            Field::Perceptron($field) => $body,
            Field::Potential($field) => $body,
            Field::Image($field) => $body,
            Field::Lattice($field) => $body,
        }
    };
}

impl VelocityField for Field {
    fn n_variables(&self) -> usize {
        on_kind!(self, field => field.n_variables())
    }

    fn n_context(&self) -> usize {
        on_kind!(self, field => field.n_context())
    }

    fn velocity<'a>(&'a self, context: Option<&Tensor<2>>) -> Box<dyn Velocity + 'a> {
        on_kind!(self, field => field.velocity(context))
    }
}
