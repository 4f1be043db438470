//! One layer of an RBM, given its input from the other side.
//!
//! A layer of units `x` with parameters `θ` has the energy `E(x; θ)`. An input (or field) `I`, one
//! number for each column, adds `-I·x`:
//!
//! ```text
//! p(x | I) = exp(-E(x) + I·x) / exp(Γ(I)),    Γ(I) = log ∫ exp(-E(x) + I·x) dx
//! ```
//!
//! `Γ` is the cumulant generating function: its first derivative is the mean. Everything that an RBM
//! does is written in terms of these few functions, for all pairs of layers at once.
//!
//! Reference: Tubiana, Cocco & Monasson, eLife 8:e39397 (2019), for RBMs built from general layers.

mod any;
mod binary;
mod gaussian;
mod labeled;
mod softmax;
mod spin;
#[cfg(test)]
mod tests;

use burn::{
    module::{Module, ModuleDisplay, Param},
    prelude::*,
};
use gibbs_backend::Noise;

pub use any::{AnyUnits, UnitKind};
pub use binary::Binary;
pub use gaussian::Gaussian;
pub use labeled::Labeled;
pub use softmax::Softmax;
pub use spin::Spin;

/// First two moments of data, column by column.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Means `[width]`.
    pub mean: Tensor<1>,
    /// Variances `[width]`.
    pub variance: Tensor<1>,
    /// Number of examples that the moments were taken from.
    pub n: usize,
}

impl Moments {
    /// Moments of the rows of `x [n, width]`.
    pub fn of(x: Tensor<2>) -> Self {
        let n = x.dims()[0];
        let (variance, mean) = x.var_mean_bias(0);
        Self { mean: mean.squeeze_dim(0), variance: variance.squeeze_dim(0), n }
    }

    /// Only the means `[width]` of the rows of each of several states.
    pub(crate) fn means<const N: usize>(states: [Tensor<2>; N]) -> [Tensor<1>; N] {
        states.map(batch_mean)
    }
}

/// A layer of units; see the [module documentation](self) for the law.
///
/// All parameters of a layer are vectors of its width.
pub trait Units: Module + ModuleDisplay {
    /// Number of columns of a state.
    fn width(&self) -> usize;

    /// `E(x)` of each row of `x [batch, width]`: `[batch]`.
    fn energy(&self, x: Tensor<2>) -> Tensor<1>;

    /// `Γ(I)` of each row of `input [batch, width]`, summed over units: `[batch]`, nats.
    fn log_partition(&self, input: Tensor<2>) -> Tensor<1>;

    /// Conditional mean `E[x | I]`, `[batch, width]`.
    fn mean(&self, input: Tensor<2>) -> Tensor<2>;

    /// `log p(x | I) = -E(x) + I·x - Γ(I)` of each row, `[batch]`, nats.
    fn log_prob(&self, x: Tensor<2>, input: Tensor<2>) -> Tensor<1> {
        let interaction = (x.clone() * input.clone()).sum_dim(1).squeeze_dim(1);
        interaction - self.energy(x) - self.log_partition(input)
    }

    /// One draw from `p(x | I)` for each row of `input`, `[batch, width]`.
    fn sample(&self, input: Tensor<2>, noise: &mut Noise) -> Tensor<2>;

    /// The layer whose energy is `(1-t)·E_self + t·E_other` up to a constant that vanishes at `t` = 0 and 1.
    ///
    /// Every layer here is an exponential family, so the geometric path between two laws stays within it.
    fn interpolate(&self, other: &Self, t: f64) -> Self;

    /// The layer whose law without input has the moments of the data, as far as the family can.
    ///
    /// Probabilities are smoothed by Laplace's rule, `(n p + 1) / (n + 2)`, so that a unit that is never
    /// on in the data keeps a finite bias.
    fn fitted(&self, data: &Moments) -> Self;

    /// The layer of the same width with the plainest law: all states alike, or a standard normal.
    fn neutral(&self) -> Self;

    /// The parameters, each `[width]`, in the order of [`statistics`](Self::statistics).
    fn parameters(&self) -> Vec<&Param<Tensor<1>>>;

    /// Batch mean of `-∂E(x)/∂θ` for each parameter, each `[width]`.
    fn statistics(&self, x: Tensor<2>) -> Vec<Tensor<1>>;

    /// Batch mean of `∂Γ(I)/∂θ = E[-∂E(x)/∂θ | I]`, from the conditional means `mean [batch, width]`.
    fn statistics_of_mean(&self, mean: Tensor<2>) -> Vec<Tensor<1>> {
        self.statistics(mean)
    }

    /// Whether the first parameter enters the energy as `-b·x`, as centering requires.
    fn has_linear_bias(&self) -> bool {
        true
    }

    /// The states that one site can take, each as the columns of the site; `None` for continuous
    /// units and for layers of several kinds.
    ///
    /// A site is a column, or a group of neighboring columns that make one unit.
    fn alphabet(&self) -> Option<Vec<Vec<f64>>>;

    /// Number of sites.
    fn n_sites(&self) -> usize {
        self.width() / self.alphabet().map_or(1, |alphabet| alphabet[0].len())
    }

    /// Number of states of the layer, if they can be counted in 63 bits.
    fn n_states(&self) -> Option<u64> {
        let q = self.alphabet()?.len() as u64;
        let sites = u32::try_from(self.n_sites()).ok()?;
        q.checked_pow(sites).filter(|n| *n <= i64::MAX as u64)
    }

    /// The states with numbers `first .. first + n`, `[n, width]`: the first site changes fastest.
    ///
    /// # Panics
    /// If the layer is continuous.
    fn states(&self, first: u64, n: usize) -> Tensor<2> {
        let Some(alphabet) = self.alphabet() else { panic!("continuous units have no countable states") };
        let mut values: Vec<f64> = Vec::with_capacity(n * self.width());
        for state in first..first + n as u64 {
            let mut rest = state;
            for _ in 0..self.n_sites() {
                values.extend(&alphabet[(rest % alphabet.len() as u64) as usize]);
                rest /= alphabet.len() as u64;
            }
        }
        let like = self.parameters()[0].val();
        Tensor::from_data(TensorData::new(values, [n, self.width()]), (&like.device(), like.dtype()))
    }
}

/// `x · b` of each row, `[batch]`.
fn dot_rows(x: Tensor<2>, b: Tensor<1>) -> Tensor<1> {
    x.matmul(b.unsqueeze_dim(1)).squeeze_dim(1)
}

/// Mean over the batch, `[width]`.
fn batch_mean(x: Tensor<2>) -> Tensor<1> {
    x.mean_dim(0).squeeze_dim(0)
}

/// A parameter of the same kind as `like` with other values, for layers derived from a layer.
fn derived(values: Tensor<1>) -> Param<Tensor<1>> {
    Param::from_tensor(values).no_grad()
}

/// A zero vector of a layer's width on the device of its parameter.
fn zeros_like(param: &Param<Tensor<1>>) -> Tensor<1> {
    param.val().detach().zeros_like()
}

/// `(1-t)·a + t·b`.
fn lerp(a: Tensor<1>, b: Tensor<1>, t: f64) -> Tensor<1> {
    a * (1.0 - t) + b * t
}
