//! Fixed permutations of the variables, whose log-determinant is zero.

use burn::{config::Config, module::Module, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{
    Bijection, ConfigError,
    columns::{inverse, select},
    math::row_zeros,
};
use serde::{Deserialize, Serialize};

use super::{
    convolutional::check_sites,
    layer_config::{FlowLayer, InitLayer, Sizes},
};

/// A permutation, as a configuration names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permute {
    /// Last to first, as between autoregressive layers.
    #[default]
    Reverse,
    /// Random.
    Random,
    /// Squares of four sites become one site with four channels, for variables `(channel·rows + row)·columns + column` (Real NVP,
    /// section 3.6). The first quarter of the new channels has the upper left sites of the squares, in the order of the old
    /// channels, the second quarter the upper right sites, the third the lower left sites.
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
    /// The order of `n` variables. A random order is drawn from `noise`.
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
                    let reason = format!("must name each of 0 to {} once", n.saturating_sub(1));
                    Err(ConfigError::new("order", format!("{order:?}"), reason))
                }
            }
        }
    }
}

/// Checks that a lattice can be squeezed.
pub(crate) fn check_even(rows: usize, columns: usize) -> Result<(), ConfigError> {
    let holds = rows.is_multiple_of(2) && columns.is_multiple_of(2);
    let reason = "sites cannot be squeezed into squares of four: both numbers must be even";
    ConfigError::require(holds, "rows and columns", format!("{rows} by {columns}"), reason)
}

/// See [`Permute::Squeeze`].
fn squeezed(rows: usize, columns: usize, n: usize) -> Result<Vec<usize>, ConfigError> {
    check_sites(rows, columns, n)?;
    check_even(rows, columns)?;
    let squares = || (0..rows / 2).flat_map(move |row| (0..columns / 2).map(move |column| (row, column)));
    let site = move |corner: usize, channel: usize, (row, column): (usize, usize)| {
        (channel * rows + 2 * row + corner / 2) * columns + 2 * column + corner % 2
    };
    let channels = n / (rows * columns);
    Ok((0..4 * channels)
        .flat_map(|new| squares().map(move |square| site(new / channels, new % channels, square)))
        .collect())
}

/// The order of a permutation.
#[derive(Config, Debug, PartialEq)]
pub struct PermutationConfig {
    /// The order.
    pub order: Permute,
}

impl InitLayer for PermutationConfig {
    type Layer = Permutation;

    fn validate(&self, sizes: Sizes) -> Result<(), ConfigError> {
        self.order.order(sizes.n_variables, &mut Noise::new(0, "order")).map(drop)
    }

    fn init(
        &self,
        sizes: Sizes,
        _: &Device,
        _: &mut Noise,
        order: &mut Noise,
    ) -> Result<Permutation, ConfigError> {
        Permutation::new(self.order.order(sizes.n_variables, order)?)
    }
}

impl FlowLayer for Permutation {
    fn touch(&self, touched: Vec<bool>) -> Vec<bool> {
        self.order.iter().map(|&variable| touched[variable]).collect()
    }
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
        (select(x.clone(), &self.order), row_zeros(&x))
    }

    fn inverse(&self, z: Tensor<2>, _: Option<&Tensor<2>>) -> (Tensor<2>, Tensor<1>) {
        (select(z.clone(), &inverse(&self.order)), row_zeros(&z))
    }
}
