//! The kinds of flows.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowKind {
    /// Additive couplings.
    Nice,
    /// Affine couplings.
    Realnvp,
    /// Couplings by rational-quadratic splines.
    Spline,
    /// Affine masked autoregressive layers.
    Maf,
    /// Masked autoregressive layers by rational-quadratic splines.
    SplineMaf,
    /// The inverse of affine masked autoregressive layers.
    Iaf,
    /// Affine couplings of pictures, with convolutions and at several scales.
    Image,
    /// The same with rational-quadratic splines.
    ImageSpline,
    /// Affine couplings of neighborhoods and of modes of a field on a periodic lattice; `n_layers` counts rounds of both.
    Lattice,
}

impl FlowKind {
    /// Whether its variables are pictures and not columns.
    pub(super) fn is_of_images(self) -> bool {
        matches!(self, Self::Image | Self::ImageSpline)
    }
}

impl fmt::Display for FlowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nice => "nice",
            Self::Realnvp => "realnvp",
            Self::Spline => "spline",
            Self::Maf => "maf",
            Self::SplineMaf => "spline_maf",
            Self::Iaf => "iaf",
            Self::Image => "image",
            Self::ImageSpline => "image_spline",
            Self::Lattice => "lattice",
        })
    }
}
