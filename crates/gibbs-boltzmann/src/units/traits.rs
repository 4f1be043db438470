//! What a layer of units can do, one trait for each capability.

use burn::{
    module::{Module, ModuleDisplay, Param},
    prelude::*,
};
use gibbs_backend::Noise;

/// First two moments of data, column by column.
#[derive(Clone, Debug)]
pub struct UnitMoments {
    /// Means `[width]`.
    pub mean: Tensor<1>,
    /// Variances `[width]`.
    pub variance: Tensor<1>,
    /// Number of examples.
    pub n: usize,
}

impl UnitMoments {
    /// Moments of the rows of `x [n, width]`.
    pub fn of(x: Tensor<2>) -> Self {
        let n = x.dims()[0];
        let (variance, mean) = x.var_mean_bias(0);
        Self { mean: mean.squeeze_dim(0), variance: variance.squeeze_dim(0), n }
    }
}

/// A layer of units; see the [module documentation](super) for its distribution.
///
/// All parameters of a layer are vectors of its width.
pub trait Units: Module + ModuleDisplay {
    /// Number of columns of a state.
    fn width(&self) -> usize;

    /// The parameters, each `[width]`.
    fn parameters(&self) -> Vec<&Param<Tensor<1>>>;

    /// The smallest and the largest value that a column of a state can have. Means of states lie between them.
    fn range(&self) -> (f64, f64);

    /// `E(x)` of each row of `x [batch, width]`: `[batch]`.
    fn energy(&self, x: Tensor<2>) -> Tensor<1>;

    /// `Γ(I)` of each row of `input [batch, width]`, summed over units: `[batch]`, nats.
    fn log_partition(&self, input: Tensor<2>) -> Tensor<1>;

    /// Conditional mean `E[x | I]`, `[batch, width]`.
    fn mean(&self, input: Tensor<2>) -> Tensor<2>;

    /// One draw from `p(x | I)` for each row of `input`, `[batch, width]`.
    fn sample(&self, input: Tensor<2>, noise: &mut Noise) -> Tensor<2>;

    /// `log p(x | I) = -E(x) + I·x - Γ(I)` of each row, `[batch]`, nats.
    fn log_prob(&self, x: Tensor<2>, input: Tensor<2>) -> Tensor<1> {
        let interaction = (x.clone() * input.clone()).sum_dim(1).squeeze_dim(1);
        interaction - self.energy(x) - self.log_partition(input)
    }
}

/// Layers of the same kind with other parameters. Every kind is an exponential family, so a geometric path between two
/// layers stays within it.
pub trait UnitFamily: Units {
    /// The layer of the same width with the simplest distribution: uniform, or a standard normal.
    fn neutral(&self) -> Self;

    /// The layer whose distribution without input has the moments of the data, as far as the family can.
    ///
    /// Probabilities are smoothed by Laplace's rule, `(n p + 1) / (n + 2)`, so that a unit that is never on in the data
    /// keeps a finite bias.
    fn fitted(&self, data: &UnitMoments) -> Self;

    /// The layer whose energy is `(1-t)·E_self + t·E_other` up to a constant that vanishes at `t` = 0 and 1.
    fn interpolate(&self, other: &Self, t: f64) -> Self;
}

/// Gradients of a layer's energy and log-partition function by direct formulas.
pub trait UnitStatistics: Units {
    /// Batch mean of `-∂E(x)/∂θ` for each of the [`parameters`](Units::parameters), each `[width]`. `weights [batch, 1]`, if
    /// there are any, weigh the rows; their mean is 1.
    fn statistics(&self, x: Tensor<2>, weights: Option<&Tensor<2>>) -> Vec<Tensor<1>>;

    /// Batch mean of `∂Γ(I)/∂θ = E[-∂E(x)/∂θ | I]`, from the conditional means `mean [batch, width]`.
    fn statistics_of_mean(&self, mean: Tensor<2>, weights: Option<&Tensor<2>>) -> Vec<Tensor<1>> {
        self.statistics(mean, weights)
    }

    /// Whether the first parameter enters the energy as `-b·x`. Centering needs this.
    fn has_linear_bias(&self) -> bool {
        true
    }
}

/// A layer whose states can be listed. A layer of a kind chosen at run time may turn out to have none to list.
pub trait EnumerableUnits: Units {
    /// The states of one site, each as the columns of the site; `None` for continuous units and for layers of several
    /// kinds.
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
        rows_like(&self.parameters()[0].val(), values)
    }
}

/// Rows of the width of `like`, on its device and in its precision.
pub(super) fn rows_like(like: &Tensor<1>, values: Vec<f64>) -> Tensor<2> {
    let width = like.dims()[0];
    let shape = [values.len() / width, width];
    Tensor::from_data(TensorData::new(values, shape), (&like.device(), like.dtype()))
}

/// Mean over the batch, `[width]`, of rows that `weights [batch, 1]` weigh, if there are any.
pub(crate) fn batch_mean(x: Tensor<2>, weights: Option<&Tensor<2>>) -> Tensor<1> {
    let x = match weights {
        Some(weights) => x * weights.clone(),
        None => x,
    };
    x.mean_dim(0).squeeze_dim(0)
}

/// A parameter of a layer that is derived from another layer and not trained.
pub(super) fn derived(values: Tensor<1>) -> Param<Tensor<1>> {
    Param::from_tensor(values).no_grad()
}

/// Zeros of a layer's width on the device of its parameter.
pub(super) fn zeros_like(param: &Param<Tensor<1>>) -> Tensor<1> {
    param.val().detach().zeros_like()
}

/// `(1-t)·a + t·b`.
pub(super) fn lerp(a: Tensor<1>, b: Tensor<1>, t: f64) -> Tensor<1> {
    a * (1.0 - t) + b * t
}
