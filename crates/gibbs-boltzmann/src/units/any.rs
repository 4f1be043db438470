//! A layer whose kind is chosen at run time.

use std::fmt;

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::Noise;
use serde::{Deserialize, Serialize};

use super::{
    binary::Binary,
    gaussian::Gaussian,
    labeled::Labeled,
    softmax::Softmax,
    spin::Spin,
    traits::{EnumerableUnits, UnitFamily, UnitMoments, UnitStatistics, Units},
};

/// The kinds of units, as they are named in configs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// {0, 1}: [`Binary`].
    Binary,
    /// {-1, +1}: [`Spin`].
    Spin,
    /// Real, with learned mean and variance: [`Gaussian`].
    Gaussian,
    /// One of q states, one-hot: [`Softmax`].
    Softmax,
    /// {0, 1}, and one softmax unit for a label in the last columns: [`Labeled`].
    Labeled,
}

impl fmt::Display for UnitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Binary => "binary",
            Self::Spin => "spin",
            Self::Gaussian => "gaussian",
            Self::Softmax => "softmax",
            Self::Labeled => "labeled",
        })
    }
}

/// A layer of any kind, for programs that read the kind from a config.
#[derive(Module, Debug)]
pub enum AnyUnits {
    /// See [`Binary`].
    Binary(Binary),
    /// See [`Spin`].
    Spin(Spin),
    /// See [`Gaussian`].
    Gaussian(Gaussian),
    /// See [`Softmax`].
    Softmax(Softmax),
    /// See [`Labeled`].
    Labeled(Labeled),
}

impl AnyUnits {
    /// A layer of `width` columns; softmax units, and the label of labeled ones, take `states` columns each.
    ///
    /// # Panics
    /// If softmax units do not fill the width, or a label is wider than it.
    pub fn new(kind: UnitKind, width: usize, states: usize, device: &Device) -> Self {
        match kind {
            UnitKind::Binary => Self::Binary(Binary::new(width, device)),
            UnitKind::Spin => Self::Spin(Spin::new(width, device)),
            UnitKind::Gaussian => Self::Gaussian(Gaussian::new(width, device)),
            UnitKind::Softmax => {
                assert_eq!(
                    width % states,
                    0,
                    "{width} columns are not a multiple of {states}, the states of a softmax unit"
                );
                Self::Softmax(Softmax::new(width / states, states, device))
            }
            UnitKind::Labeled => {
                assert!(width >= states, "{width} columns are too few for a label of {states} states");
                Self::Labeled(Labeled::new(width - states, states, device))
            }
        }
    }

    /// The kind of the layer.
    pub fn kind(&self) -> UnitKind {
        match self {
            Self::Binary(_) => UnitKind::Binary,
            Self::Spin(_) => UnitKind::Spin,
            Self::Gaussian(_) => UnitKind::Gaussian,
            Self::Softmax(_) => UnitKind::Softmax,
            Self::Labeled(_) => UnitKind::Labeled,
        }
    }

    /// The layer with all biases at `value`. Gaussian units have no bias and stay as they are.
    pub(crate) fn with_constant_bias(mut self, value: f64) -> Self {
        let bias = match &mut self {
            Self::Binary(layer) => &mut layer.bias,
            Self::Spin(layer) => &mut layer.bias,
            Self::Softmax(layer) => &mut layer.bias,
            Self::Labeled(layer) => &mut layer.bias,
            Self::Gaussian(_) => return self,
        };
        *bias = Param::from_tensor(bias.val().full_like(value));
        self
    }
}

/// Runs the same method on whichever kind the layer is.
macro_rules! on_kind {
    ($self:ident, $units:ident => $body:expr) => {
        match $self {
            AnyUnits::Binary($units) => $body,
            AnyUnits::Spin($units) => $body,
            AnyUnits::Gaussian($units) => $body,
            AnyUnits::Softmax($units) => $body,
            AnyUnits::Labeled($units) => $body,
        }
    };
}

/// Runs a method that yields a layer of the same kind.
macro_rules! map_kind {
    ($self:ident, $units:ident => $body:expr) => {
        match $self {
            AnyUnits::Binary($units) => AnyUnits::Binary($body),
            AnyUnits::Spin($units) => AnyUnits::Spin($body),
            AnyUnits::Gaussian($units) => AnyUnits::Gaussian($body),
            AnyUnits::Softmax($units) => AnyUnits::Softmax($body),
            AnyUnits::Labeled($units) => AnyUnits::Labeled($body),
        }
    };
}

impl Units for AnyUnits {
    fn width(&self) -> usize {
        on_kind!(self, units => units.width())
    }

    fn parameters(&self) -> Vec<&Param<Tensor<1>>> {
        on_kind!(self, units => units.parameters())
    }

    fn range(&self) -> (f64, f64) {
        on_kind!(self, units => units.range())
    }

    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        on_kind!(self, units => units.energy(x))
    }

    fn log_partition(&self, input: Tensor<2>) -> Tensor<1> {
        on_kind!(self, units => units.log_partition(input))
    }

    fn mean(&self, input: Tensor<2>) -> Tensor<2> {
        on_kind!(self, units => Units::mean(units, input))
    }

    fn sample(&self, input: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        on_kind!(self, units => units.sample(input, noise))
    }
}

impl UnitFamily for AnyUnits {
    /// # Panics
    /// If the two layers are of different kinds.
    fn interpolate(&self, other: &Self, t: f64) -> Self {
        match (self, other) {
            (Self::Binary(a), Self::Binary(b)) => Self::Binary(a.interpolate(b, t)),
            (Self::Spin(a), Self::Spin(b)) => Self::Spin(a.interpolate(b, t)),
            (Self::Gaussian(a), Self::Gaussian(b)) => Self::Gaussian(a.interpolate(b, t)),
            (Self::Softmax(a), Self::Softmax(b)) => Self::Softmax(a.interpolate(b, t)),
            (Self::Labeled(a), Self::Labeled(b)) => Self::Labeled(a.interpolate(b, t)),
            _ => panic!("layers of different kinds have no geometric path"),
        }
    }

    fn fitted(&self, data: &UnitMoments) -> Self {
        map_kind!(self, units => units.fitted(data))
    }

    fn neutral(&self) -> Self {
        map_kind!(self, units => units.neutral())
    }
}

impl UnitStatistics for AnyUnits {
    fn statistics(&self, x: Tensor<2>, weights: Option<&Tensor<2>>) -> Vec<Tensor<1>> {
        on_kind!(self, units => units.statistics(x, weights))
    }

    fn statistics_of_mean(&self, mean: Tensor<2>, weights: Option<&Tensor<2>>) -> Vec<Tensor<1>> {
        on_kind!(self, units => units.statistics_of_mean(mean, weights))
    }

    fn has_linear_bias(&self) -> bool {
        on_kind!(self, units => units.has_linear_bias())
    }
}

impl EnumerableUnits for AnyUnits {
    fn alphabet(&self) -> Option<Vec<Vec<f64>>> {
        on_kind!(self, units => units.alphabet())
    }

    fn n_states(&self) -> Option<u64> {
        on_kind!(self, units => units.n_states())
    }

    fn states(&self, first: u64, n: usize) -> Tensor<2> {
        on_kind!(self, units => units.states(first, n))
    }
}
