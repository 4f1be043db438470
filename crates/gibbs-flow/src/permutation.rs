//! Fixed permutations of the variables, whose log-determinant is zero.

use burn::{module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::Bijection;
use serde::{Deserialize, Serialize};

use crate::{
    ConfigError,
    columns::{columns, inverse_permutation},
    univariate::none,
};

/// A permutation, as a configuration names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permute {
    /// Last to first: what autoregressive layers have between them.
    #[default]
    Reverse,
    /// Drawn.
    Random,
    /// Squares of four sites become one site of four channels, for variables `(channel·rows + row)·columns + column` (Real NVP,
    /// section 3.6). Of the new channels the first quarter has the upper left sites of the squares, in the order of the old
    /// channels, the second the upper right ones, the third the lower left ones.
    Squeeze {
        /// Rows of sites, an even number.
        rows: usize,
        /// Columns of sites, an even number.
        columns: usize,
    },
    /// Variable `order[i]` becomes the i-th.
    #[serde(untagged)]
    Given(Vec<usize>),
}

impl Permute {
    /// The order of `n` variables. Drawn numbers come from `noise`.
    ///
    /// # Errors
    /// A list that does not name each of `0..n` once, or sites that make no squares.
    pub fn order(&self, n: usize, noise: &mut Noise) -> Result<Vec<usize>, ConfigError> {
        match self {
            Self::Reverse => Ok((0..n).rev().collect()),
            Self::Random => Ok(noise.permutation(n)),
            Self::Squeeze { rows, columns } => squeezed(*rows, *columns, n),
            Self::Given(order) => {
                let mut sorted = order.clone();
                sorted.sort_unstable();
                if sorted.iter().copied().eq(0..n) {
                    Ok(order.clone())
                } else {
                    Err(ConfigError::NoPermutation { order: order.clone(), n_variables: n })
                }
            }
        }
    }
}

/// See [`Permute::Squeeze`].
fn squeezed(rows: usize, columns: usize, n: usize) -> Result<Vec<usize>, ConfigError> {
    ConfigError::sites(rows, columns, n)?;
    if !rows.is_multiple_of(2) || !columns.is_multiple_of(2) {
        return Err(ConfigError::Odd { rows, columns });
    }
    let squares = || (0..rows / 2).flat_map(move |row| (0..columns / 2).map(move |column| (row, column)));
    let site = move |corner: usize, channel: usize, (row, column): (usize, usize)| {
        (channel * rows + 2 * row + corner / 2) * columns + 2 * column + corner % 2
    };
    let channels = n / (rows * columns);
    Ok((0..4 * channels)
        .flat_map(|new| squares().map(move |square| site(new / channels, new % channels, square)))
        .collect())
}

/// `z_i = x_{order[i]}`.
#[derive(Module, Debug)]
pub struct Permutation {
    #[module(skip)]
    order: Vec<usize>,
}

impl Permutation {
    /// The permutation with this order, see [`Permute::order`].
    ///
    /// # Errors
    /// If `order` is no permutation.
    pub fn new(order: Vec<usize>) -> Result<Self, ConfigError> {
        let n = order.len();
        Permute::Given(order.clone()).order(n, &mut Noise::new(0, "order"))?;
        Ok(Self { order })
    }

    /// Variable `order()[i]` becomes the i-th.
    pub fn order(&self) -> &[usize] {
        &self.order
    }
}

impl Bijection for Permutation {
    fn forward(&self, x: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        (columns(x.clone(), &self.order), none(&x))
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        (columns(z.clone(), &inverse_permutation(&self.order)), none(&z))
    }
}
