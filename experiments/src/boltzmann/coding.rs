//! Between the values of a data set and the states of visible units.

use anyhow::Result;
use burn::prelude::*;
use gibbs_boltzmann::{
    VisiblePreprocessor,
    units::{UnitKind, UnitMoments},
};
use gibbs_core::math::to_host;
use gibbs_data::Dataset;

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
    fn preprocessor(self) -> VisiblePreprocessor {
        VisiblePreprocessor { visible: self.visible, states: self.states }
    }

    /// Columns of the visible layer for data of this width.
    pub fn visible_width(self, data_width: usize) -> usize {
        self.preprocessor().n_visible(data_width)
    }

    /// Width of the data for a visible layer with these columns.
    pub fn data_width(self, visible_width: usize) -> usize {
        self.preprocessor().data_width(visible_width)
    }

    /// Data `[batch, width]` as visible states.
    pub fn encode(self, x: Tensor<2>) -> Tensor<2> {
        self.preprocessor().encode(x)
    }

    /// Visible states or means `[batch, visible]` as data.
    pub fn decode(self, v: Tensor<2>) -> Tensor<2> {
        self.preprocessor().decode(v)
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

    /// The first examples of a set, from which moments are taken.
    pub fn moment_examples(self, data: &Dataset, device: &Device) -> Tensor<2> {
        let rows: Vec<usize> = (0..data.len().min(MOMENT_EXAMPLES)).collect();
        self.examples(data, &rows, device)
    }

    /// UnitMoments of the visible units.
    pub fn moments(self, data: &Dataset, device: &Device) -> UnitMoments {
        UnitMoments::of(self.moment_examples(data, device))
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
