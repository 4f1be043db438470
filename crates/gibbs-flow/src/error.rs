//! Why a flow cannot be built.

use gibbs_core::nn::Activation;
use thiserror::Error;

use crate::ode::Method;

/// Why there is no flow of this configuration.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// Widths or functions that make no network.
    #[error(transparent)]
    Network(#[from] gibbs_core::ConfigError),
    /// A number outside its range.
    #[error("{field} = {value} must be {must}")]
    Range {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        must: &'static str,
    },
    /// Variables that make no channels of a lattice.
    #[error("{n_variables} variables are no whole number of channels of {rows} by {columns} sites")]
    Sites {
        /// Rows of the lattice.
        rows: usize,
        /// Its columns.
        columns: usize,
        /// Number of variables.
        n_variables: usize,
    },
    /// A lattice that is not made of squares of four sites.
    #[error("{rows} by {columns} sites cannot be squeezed into squares of four: both numbers must be even")]
    Odd {
        /// Rows of the lattice.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// A mask made for another number of variables.
    #[error("the mask {mask} does not fit {n_variables} variables: {problem}")]
    Mask {
        /// The mask.
        mask: String,
        /// Number of variables.
        n_variables: usize,
        /// Why it does not fit.
        problem: String,
    },
    /// A mask that leaves nothing to change.
    #[error(
        "the mask {mask} keeps all of the {n_variables} variables; a coupling changes at least one (for a single variable \
         take an element-wise or autoregressive layer)"
    )]
    KeepsAll {
        /// The mask.
        mask: String,
        /// Number of variables.
        n_variables: usize,
    },
    /// A mask that leaves nothing to condition on.
    #[error(
        "the mask {mask} changes all of the {n_variables} variables and there is no context, so nothing is left to condition \
         on; keep at least one variable, or take an element-wise layer"
    )]
    KeepsNone {
        /// The mask.
        mask: String,
        /// Number of variables.
        n_variables: usize,
    },
    /// A chain of couplings whose masks all keep the same variable.
    #[error(
        "variable {variable} (from 0) passes all {n_layers} layers unchanged, so it would stay standard normal; flip the mask of \
         a coupling, or add one that changes it"
    )]
    Untouched {
        /// The variable.
        variable: usize,
        /// Number of layers.
        n_layers: usize,
    },
    /// A method that does not estimate its error.
    #[error(
        "the method {method:?} does not estimate its error, so it cannot choose its steps: give their number, or take \
         dormand_prince or tsitouras"
    )]
    NoStepControl {
        /// The method.
        method: Method,
    },
    /// A function of hidden units without as many derivatives as are needed.
    #[error(
        "activation = {activation} is not smooth, and the flow needs its derivatives; take tanh, softplus, silu or sigmoid"
    )]
    NotSmooth {
        /// The function.
        activation: Activation,
    },
    /// A list that is no permutation.
    #[error("the permutation {order:?} must name each of 0 to {} once", .n_variables - 1)]
    NoPermutation {
        /// The list.
        order: Vec<usize>,
        /// Number of variables.
        n_variables: usize,
    },
}

impl ConfigError {
    /// An error unless the variables are channels of so many rows and columns.
    pub(crate) fn sites(rows: usize, columns: usize, n_variables: usize) -> Result<(), Self> {
        let sites = rows * columns;
        if sites > 0 && n_variables > 0 && n_variables.is_multiple_of(sites) {
            return Ok(());
        }
        Err(Self::Sites { rows, columns, n_variables })
    }

    /// An error unless `holds`.
    pub(crate) fn range(
        holds: bool,
        field: &'static str,
        value: f64,
        must: &'static str,
    ) -> Result<(), Self> {
        if holds { Ok(()) } else { Err(Self::Range { field, value, must }) }
    }
}
