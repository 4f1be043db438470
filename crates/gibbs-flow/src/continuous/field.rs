//! A velocity field whose kind is chosen at run time.

use burn::{module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::{
    image::{ImageField, ImageFieldConfig},
    lattice::{LatticeField, LatticeFieldConfig},
    mlp::{MlpField, MlpFieldConfig},
    potential::{Potential, PotentialConfig},
    velocity::{Velocity, VelocityField},
};

/// Makes both enums from the table of kinds.
macro_rules! fields {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $kind:ident: $config:ty => $field:ty),* $(,)? }) => {
        /// The kinds of fields.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FieldKind {
            $($(#[$doc])* $kind,)*
        }

        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case", tag = "kind")]
        pub enum $name {
            $($(#[$doc])* $kind($config),)*
        }

        impl $name {
            /// Its kind.
            pub fn kind(&self) -> FieldKind {
                match self { $(Self::$kind(_) => FieldKind::$kind,)* }
            }

            /// Checks every field.
            ///
            /// # Errors
            /// Names the first field that is out of range.
            pub fn validate(&self) -> Result<(), ConfigError> {
                match self { $(Self::$kind(config) => config.validate(),)* }
            }

            /// A field with weights drawn from `noise`.
            ///
            /// # Errors
            /// If [`validate`](Self::validate) fails.
            pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Field, ConfigError> {
                Ok(match self { $(Self::$kind(config) => Field::$kind(config.init(device, noise)?),)* })
            }
        }

        /// A velocity field of any kind.
        #[derive(Module, Debug)]
        #[allow(clippy::large_enum_variant, reason = "a flow has one field, and its weights are elsewhere")]
        pub enum Field {
            $($(#[$doc])* $kind($field),)*
        }

        impl VelocityField for Field {
            fn n_variables(&self) -> usize {
                match self { $(Self::$kind(field) => field.n_variables(),)* }
            }

            fn n_context(&self) -> usize {
                match self { $(Self::$kind(field) => field.n_context(),)* }
            }

            fn velocity<'a>(&'a self, context: Option<&Tensor<2>>) -> Box<dyn Velocity + 'a> {
                match self { $(Self::$kind(field) => field.velocity(context),)* }
            }
        }
    };
}

fields! {
    /// A velocity field of any kind.
    FieldConfig {
        /// A multilayer perceptron of the variables and the time ([`MlpField`]).
        Mlp: MlpFieldConfig => MlpField,
        /// The gradient of a potential, which can have symmetries ([`Potential`]).
        Potential: PotentialConfig => Potential,
        /// Convolutions of images on two scales ([`ImageField`]).
        Image: ImageFieldConfig => ImageField,
        /// An equivariant field on a periodic lattice ([`LatticeField`]).
        Lattice: LatticeFieldConfig => LatticeField,
    }
}

impl FieldConfig {
    /// Number of variables.
    pub fn n_visible(&self) -> usize {
        match self {
            Self::Mlp(config) => config.n_visible,
            Self::Potential(config) => config.n_visible,
            Self::Image(config) => config.rows * config.columns * config.per_pixel,
            Self::Lattice(config) => config.lengths.iter().product(),
        }
    }

    /// Width of the context, 0 for none.
    pub fn n_context(&self) -> usize {
        match self {
            Self::Mlp(config) => config.n_context,
            Self::Image(config) => config.n_context,
            Self::Potential(_) | Self::Lattice(_) => 0,
        }
    }
}
