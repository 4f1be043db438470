//! Between the values of a data set and the states of visible units.

use burn::prelude::*;
use serde::{Deserialize, Serialize};

use crate::units::UnitKind;

/// How data in \[0, 1\] (any real values for Gaussian units) become states of visible units.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use gibbs_boltzmann::{VisiblePreprocessor, units::UnitKind};
///
/// let preprocessor = VisiblePreprocessor { visible: UnitKind::Softmax, states: 3 };
/// let x: Tensor<2> = Tensor::from_data([[0.0, 0.4, 1.0]], &Device::flex());
/// let v = preprocessor.encode(x);
/// assert_eq!(v.dims(), [1, preprocessor.n_visible(3)]);
/// assert_eq!(preprocessor.decode(v).into_data().to_vec::<f32>().unwrap(), [0.0, 0.5, 1.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisiblePreprocessor {
    /// Kind of the visible units.
    pub visible: UnitKind,
    /// States of each softmax unit, or of the label of labeled units.
    pub states: usize,
}

impl VisiblePreprocessor {
    /// Columns of the visible layer for data of this width.
    pub fn n_visible(self, data_width: usize) -> usize {
        match self.visible {
            UnitKind::Softmax => data_width * self.states,
            _ => data_width + self.n_classes(),
        }
    }

    /// Width of the data for a visible layer with these columns.
    pub fn data_width(self, n_visible: usize) -> usize {
        match self.visible {
            UnitKind::Softmax => n_visible / self.states,
            _ => n_visible.saturating_sub(self.n_classes()),
        }
    }

    /// States of the label; 0 without one.
    pub fn n_classes(self) -> usize {
        if self.visible == UnitKind::Labeled { self.states } else { 0 }
    }

    /// Data `[batch, width]` as visible states. Spins are `2x - 1`. A softmax unit takes the one of `q` equal intervals of
    /// \[0, 1\] in which `x` lies. Other units take the values unchanged; the columns of a label follow them
    /// ([`with_label`](Self::with_label)).
    pub fn encode(self, x: Tensor<2>) -> Tensor<2> {
        let ([batch, width], q) = (x.dims(), self.states);
        match self.visible {
            UnitKind::Binary | UnitKind::Labeled | UnitKind::Gaussian => x,
            UnitKind::Spin => x * 2.0 - 1.0,
            UnitKind::Softmax => {
                let level = (x * q as f64).floor().clamp(0.0, (q - 1) as f64).int();
                level.reshape([batch * width]).one_hot::<2>(q).float().reshape([batch, width * q])
            }
        }
    }

    /// States `[batch, width]` followed by the columns of the label, one-hot `[batch, classes]`. Unchanged for units without a
    /// label.
    ///
    /// # Panics
    /// If there is a label, and none is passed.
    pub fn with_label(self, v: Tensor<2>, label: Option<Tensor<2>>) -> Tensor<2> {
        match (self.n_classes(), label) {
            (0, _) => v,
            (_, Some(label)) => Tensor::cat(vec![v, label], 1),
            (classes, None) => panic!("units with a label of {classes} classes need one for each example"),
        }
    }

    /// Visible states or means `[batch, visible]` as data, without a label. A softmax unit gives the mean of its levels, from 0
    /// to 1.
    pub fn decode(self, v: Tensor<2>) -> Tensor<2> {
        let ([batch, visible], q) = (v.dims(), self.states);
        match self.visible {
            UnitKind::Binary | UnitKind::Gaussian => v,
            UnitKind::Labeled => v.narrow(1, 0, self.data_width(visible)),
            UnitKind::Spin => (v + 1.0) * 0.5,
            UnitKind::Softmax => {
                let levels = Tensor::<1, Int>::arange(0..q as i64, &v.device()).float() / (q - 1) as f64;
                let sites = v.reshape([batch * visible / q, q]).matmul(levels.unsqueeze_dim(1));
                sites.reshape([batch, visible / q])
            }
        }
    }
}
