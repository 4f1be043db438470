//! Between the values of a data set and the states of visible units.

use burn::prelude::*;
use gibbs_boltzmann::units::UnitKind;

use super::config::RbmModel;

impl RbmModel {
    /// Columns of the visible layer for data of this width.
    pub(super) fn visible_width(&self, data_width: usize) -> usize {
        if self.visible == UnitKind::Softmax { data_width * self.states } else { data_width }
    }

    /// Width of the data for a visible layer with these columns.
    pub(super) fn data_width(&self, visible_width: usize) -> usize {
        if self.visible == UnitKind::Softmax { visible_width / self.states } else { visible_width }
    }

    /// Data `[batch, width]` as visible states: spins are `2x - 1`; softmax units take the one of `q` equal
    /// intervals of \[0, 1\] in which `x` lies; others take the values as they are.
    pub(super) fn encode(&self, x: Tensor<2>) -> Tensor<2> {
        let [batch, width] = x.dims();
        match self.visible {
            UnitKind::Binary | UnitKind::Gaussian => x,
            UnitKind::Spin => x * 2.0 - 1.0,
            UnitKind::Softmax => {
                let q = self.states;
                let level = (x * q as f64).floor().clamp(0.0, (q - 1) as f64).int();
                level.reshape([batch * width]).one_hot::<2>(q).float().reshape([batch, width * q])
            }
        }
    }

    /// Visible states or means `[batch, visible]` as data; softmax units give the mean of their levels, from 0 to 1.
    pub(super) fn decode(&self, v: Tensor<2>) -> Tensor<2> {
        let [batch, visible] = v.dims();
        match self.visible {
            UnitKind::Binary | UnitKind::Gaussian => v,
            UnitKind::Spin => (v + 1.0) * 0.5,
            UnitKind::Softmax => {
                let q = self.states;
                let levels = Tensor::<1, Int>::arange(0..q as i64, &v.device()).float() / (q - 1) as f64;
                let sites = v.reshape([batch * visible / q, q]).matmul(levels.unsqueeze_dim(1));
                sites.reshape([batch, visible / q])
            }
        }
    }
}
