//! Between the values of a data set and the states of visible units.

use anyhow::Result;
use burn::prelude::*;
use gibbs_boltzmann::units::{Moments, UnitKind};
use gibbs_core::math::to_host;
use gibbs_data::Dataset;

use crate::levels::to_levels;

/// How the visible units of a machine see data.
#[derive(Clone, Copy, Debug)]
pub struct Coding {
    /// Kind of the visible units.
    pub visible: UnitKind,
    /// States of each softmax unit.
    pub states: usize,
}

/// Training examples from which the means of the data are taken.
const MOMENT_EXAMPLES: usize = 10_000;

/// Examples that are computed at once.
const BLOCK: usize = 1000;

impl Coding {
    /// Columns of the visible layer for data of this width.
    pub fn visible_width(self, data_width: usize) -> usize {
        if self.visible == UnitKind::Softmax { data_width * self.states } else { data_width }
    }

    /// Width of the data for a visible layer with these columns.
    pub fn data_width(self, visible_width: usize) -> usize {
        if self.visible == UnitKind::Softmax { visible_width / self.states } else { visible_width }
    }

    /// Data `[batch, width]` as visible states: spins are `2x - 1`; softmax units take the one of `q` equal
    /// intervals of \[0, 1\] in which `x` lies; others take the values as they are.
    pub fn encode(self, x: Tensor<2>) -> Tensor<2> {
        let [batch, width] = x.dims();
        match self.visible {
            UnitKind::Binary | UnitKind::Labeled | UnitKind::Gaussian => x,
            UnitKind::Spin => x * 2.0 - 1.0,
            UnitKind::Softmax => {
                let q = self.states;
                let level = to_levels(x, q).int();
                level.reshape([batch * width]).one_hot::<2>(q).float().reshape([batch, width * q])
            }
        }
    }

    /// Visible states or means `[batch, visible]` as data; softmax units give the mean of their levels, from 0 to 1.
    pub fn decode(self, v: Tensor<2>) -> Tensor<2> {
        let [batch, visible] = v.dims();
        match self.visible {
            UnitKind::Binary | UnitKind::Labeled | UnitKind::Gaussian => v,
            UnitKind::Spin => (v + 1.0) * 0.5,
            UnitKind::Softmax => {
                let q = self.states;
                let levels = Tensor::<1, Int>::arange(0..q as i64, &v.device()).float() / (q - 1) as f64;
                let sites = v.reshape([batch * visible / q, q]).matmul(levels.unsqueeze_dim(1));
                sites.reshape([batch, visible / q])
            }
        }
    }

    /// Examples as visible states.
    pub fn examples(self, data: &Dataset, rows: &[usize], device: &Device) -> Tensor<2> {
        self.encode(data.tensor(rows, device))
    }

    /// `n` examples spread evenly over a set.
    pub fn spread(self, data: &Dataset, n: usize, device: &Device) -> Tensor<2> {
        let rows: Vec<usize> = (0..n).map(|i| i * data.len() / n).collect();
        self.examples(data, &rows, device)
    }

    /// Moments of the visible units on the first examples of a set, after `up` was applied to them.
    pub fn moments(self, data: &Dataset, device: &Device, up: impl Fn(Tensor<2>) -> Tensor<2>) -> Moments {
        let rows: Vec<usize> = (0..data.len().min(MOMENT_EXAMPLES)).collect();
        Moments::of(up(self.examples(data, &rows, device)))
    }

    /// Something about each example of a set, block by block.
    pub fn for_each(
        self,
        data: &Dataset,
        device: &Device,
        mut figure: impl FnMut(Tensor<2>) -> Tensor<1>,
    ) -> Vec<f64> {
        let rows: Vec<usize> = (0..data.len()).collect();
        rows.chunks(BLOCK).flat_map(|rows| to_host(figure(self.examples(data, rows, device)))).collect()
    }

    /// Whether data fit a visible layer with these columns.
    ///
    /// # Errors
    /// Another width, or values that the units cannot take.
    pub fn require(self, data: &Dataset, visible_width: usize) -> Result<()> {
        data.require_width(self.data_width(visible_width))?;
        if self.visible != UnitKind::Gaussian {
            data.require_unit_interval()?;
        }
        Ok(())
    }
}
