//! Why a network cannot be built.

use std::fmt;

/// Why a network cannot be built as its config says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NetworkError {
    /// Too few widths, or a width of zero.
    Widths {
        /// The widths, inputs first.
        widths: Vec<usize>,
    },
    /// A number outside its range.
    Range {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        must: &'static str,
    },
    /// Masks that do not fit each other or the widths of the config.
    MaskShape {
        /// Index of the layer.
        layer: usize,
        /// Outputs and inputs that the layer has.
        expected: (usize, usize),
        /// Outputs and inputs of the mask.
        found: (usize, usize),
    },
    /// Not one mask for each layer.
    MaskCount {
        /// Number of layers.
        layers: usize,
        /// Number of masks.
        masks: usize,
    },
    /// An output that may depend on inputs is connected to none of them.
    Unreachable {
        /// The first such output.
        output: usize,
        /// Number of different sets of inputs that outputs depend on: this many hidden units are always enough.
        sets: usize,
    },
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Widths { widths } => {
                write!(f, "a network needs at least two widths, each at least 1, but got {widths:?}")
            }
            Self::Range { field, value, must } => write!(f, "{field} = {value} must be {must}"),
            Self::MaskShape { layer, expected, found } => write!(
                f,
                "the mask of layer {layer} is {} outputs by {} inputs, but the layer is {} by {}",
                found.0, found.1, expected.0, expected.1
            ),
            Self::MaskCount { layers, masks } => {
                write!(f, "{masks} masks for {layers} layers; each layer takes one mask")
            }
            Self::Unreachable { output, sets } => write!(
                f,
                "output {output} is connected to none of its inputs: the hidden layers are too narrow for the {sets} \
                 different sets of inputs; {sets} units in each are enough"
            ),
        }
    }
}

impl std::error::Error for NetworkError {}
