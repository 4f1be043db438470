//! Restricted Boltzmann machine: two layers of units, coupled only to each other.
//!
//! ```text
//! E(v, h) = E_v(v) + E_h(h) - v·W·h                    energy
//! p(h | v) = distribution of the hidden layer with input v·W     factorizes over units
//! p(v | h) = distribution of the visible layer with input W·h
//! F(v) = E_v(v) - Γ_h(v·W)                             free energy, p(v) = exp(-F(v)) / Z
//! ```
//!
//! References: Smolensky (1986), "Information processing in dynamical systems"; Hinton, Neural
//! Computation 14:1771 (2002); Hinton, "A practical guide to training RBMs", UTML TR 2010-003.
//!
//! Differences from the paper: any pair of the layers in [`units`](crate::units).
//!
//! Cost: one product `[batch, visible] × [visible, hidden]` for each conditional or free energy. On the CPU the
//! product skips zeros on its left side, so the cost of binary states is proportional to the number of units that are on.

use burn::{
    config::Config,
    module::{Module, ModuleMapper, Param},
    prelude::*,
};
use gibbs_backend::{Noise, sparse_matmul};
use gibbs_core::{ConfigError, check};

use crate::units::{AnyUnits, UnitFamily, UnitKind, UnitMoments, Units};

/// Sizes and kinds of the two layers.
#[derive(Config, Debug, PartialEq)]
pub struct RbmConfig {
    /// Columns of the visible layer, at least 1. Each softmax unit, and the label of labeled units, takes `states` columns.
    pub n_visible: usize,
    /// Columns of the hidden layer (500 in Salakhutdinov & Murray 2008). At least 1.
    pub n_hidden: usize,
    /// Kind of the visible units.
    #[config(default = "UnitKind::Binary")]
    pub visible: UnitKind,
    /// Kind of the hidden units: binary, spin or Gaussian.
    #[config(default = "UnitKind::Binary")]
    pub hidden: UnitKind,
    /// States of each softmax unit, or of the label. Other kinds ignore it.
    #[config(default = 2)]
    pub states: usize,
    /// Standard deviation of the initial weights (0.01 in Hinton's guide, section 8).
    #[config(default = 0.01)]
    pub weight_std: f64,
    /// Initial bias of the hidden units, for kinds that have one; negative values make them sparse (-4 and
    /// 0 in Hinton's guide, section 8).
    #[config(default = 0.0)]
    pub hidden_bias: f64,
}

impl RbmConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::at_least("n_visible", self.n_visible, 1)?;
        ConfigError::at_least("n_hidden", self.n_hidden, 1)?;
        let is_hidden = !matches!(self.hidden, UnitKind::Softmax | UnitKind::Labeled);
        ConfigError::require(is_hidden, "hidden", self.hidden, "must be binary, spin or gaussian")?;
        let (n, q) = (self.n_visible, self.states);
        let (fits, rule) = match self.visible {
            UnitKind::Labeled => ((2..=n).contains(&q), "at most"),
            UnitKind::Softmax => (q >= 2 && n.is_multiple_of(q), "divide"),
            _ => (true, ""),
        };
        ConfigError::require(fits, "states", q, format!("must be at least 2 and {rule} n_visible = {n}"))?;
        ConfigError::not_negative("weight_std", self.weight_std)?;
        let bias = self.hidden_bias;
        ConfigError::require(bias.is_finite(), "hidden_bias", bias, "must be finite")
    }

    /// An RBM with normal weights, zero visible biases and constant hidden biases.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails.
    pub fn init(&self, device: &Device, noise: &mut Noise) -> Result<Rbm<AnyUnits, AnyUnits>, ConfigError> {
        self.validate()?;
        let weight = noise.normal([self.n_visible, self.n_hidden], device) * self.weight_std;
        let hidden = AnyUnits::new(self.hidden, self.n_hidden, self.states, device);
        Ok(Rbm {
            weight: Param::from_tensor(weight),
            visible: AnyUnits::new(self.visible, self.n_visible, self.states, device),
            hidden: hidden.with_constant_bias(self.hidden_bias),
        })
    }
}

/// A restricted Boltzmann machine with visible units `V` and hidden units `H`.
#[derive(Module, Debug)]
pub struct Rbm<V: Units, H: Units> {
    /// `W [visible, hidden]`.
    pub weight: Param<Tensor<2>>,
    /// The visible layer.
    pub visible: V,
    /// The hidden layer.
    pub hidden: H,
}

/// Checks that `x [batch, width]` are states of units, or means of states.
///
/// # Panics
/// If `x` has another width, a value outside of the range of the units, or a NaN.
pub(crate) fn require_states(name: &str, x: &Tensor<2>, width: usize, units: &impl Units) {
    check::require_width(name, x, width);
    let (low, high) = units.range();
    let is_valid = |x: Tensor<2>| x.clone().greater_equal_elem(low).bool_and(x.lower_equal_elem(high));
    check::require_values(name, x, is_valid, &format!("between {low} and {high}"));
}

/// An RBM whose kinds of units are chosen at run time.
pub type AnyRbm = Rbm<AnyUnits, AnyUnits>;

impl<V: Units, H: Units> Rbm<V, H> {
    /// `v·W`, the input of the hidden units: `[batch, visible] -> [batch, hidden]`.
    ///
    /// # Panics
    /// If the width of `v` is not that of the visible layer.
    pub fn hidden_input(&self, v: Tensor<2>) -> Tensor<2> {
        check::require_width("the visible layer of the RBM", &v, self.weight.dims()[0]);
        sparse_matmul(v, self.weight.val())
    }

    /// `h·Wᵀ`, the input of the visible units: `[batch, hidden] -> [batch, visible]`.
    ///
    /// # Panics
    /// If the width of `h` is not that of the hidden layer.
    pub fn visible_input(&self, h: Tensor<2>) -> Tensor<2> {
        check::require_width("the hidden layer of the RBM", &h, self.weight.dims()[1]);
        sparse_matmul(h, self.weight.val().transpose())
    }

    /// Checks that `v [batch, visible]` are states of the visible units, or means of such states: between 0 and 1 for binary,
    /// softmax and labeled units, between -1 and 1 for spins, any number for Gaussian units. Waits for the device.
    ///
    /// # Panics
    /// If `v` has another width, a value outside of this range, or a NaN.
    pub fn require_states(&self, v: &Tensor<2>) {
        require_states("the visible layer of the RBM", v, self.visible.width(), &self.visible);
    }

    /// `E(v, h)` of each pair of rows, `[batch]`. Values of `v` and `h` are not checked.
    ///
    /// # Panics
    /// If the widths are not those of the layers.
    pub fn energy(&self, v: Tensor<2>, h: Tensor<2>) -> Tensor<1> {
        let interaction = (self.hidden_input(v.clone()) * h.clone()).sum_dim(1).squeeze_dim(1);
        self.visible.energy(v) + self.hidden.energy(h) - interaction
    }

    /// `F(v)` of each row, `[batch]`, nats: `-log p(v) - log Z`. Waits for the device once, to check the values.
    ///
    /// # Panics
    /// If `v` are no states of the visible units; see [`require_states`](Self::require_states).
    pub fn free_energy(&self, v: Tensor<2>) -> Tensor<1> {
        self.require_states(&v);
        self.free_energy_of_states(v)
    }

    /// [`free_energy`](Self::free_energy) of states that need no check, such as those of a chain. Does not wait for the device.
    pub(crate) fn free_energy_of_states(&self, v: Tensor<2>) -> Tensor<1> {
        let input = self.hidden_input(v.clone());
        self.visible.energy(v) - self.hidden.log_partition(input)
    }

    /// Free energy of hidden states, with the visible units summed out: `E_h(h) - Γ_v(h·Wᵀ)`, `[batch]`.
    pub fn hidden_free_energy(&self, h: Tensor<2>) -> Tensor<1> {
        let input = self.visible_input(h.clone());
        self.hidden.energy(h) - self.visible.log_partition(input)
    }

    /// Conditional mean `E[h | v]`.
    pub fn hidden_mean(&self, v: Tensor<2>) -> Tensor<2> {
        Units::mean(&self.hidden, self.hidden_input(v))
    }

    /// Conditional mean `E[v | h]`.
    pub fn visible_mean(&self, h: Tensor<2>) -> Tensor<2> {
        Units::mean(&self.visible, self.visible_input(h))
    }

    /// One draw from `p(h | v)` for each row.
    pub fn sample_hidden(&self, v: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        self.hidden.sample(self.hidden_input(v), noise)
    }

    /// One draw from `p(v | h)` for each row.
    pub fn sample_visible(&self, h: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        self.visible.sample(self.visible_input(h), noise)
    }

    /// One sweep of block Gibbs sampling, `v -> h -> v`, which leaves `p(v)` unchanged.
    pub fn gibbs_step(&self, v: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
        let h = self.sample_hidden(v, noise);
        self.sample_visible(h, noise)
    }

    /// Mean reconstruction `E[v | E[h | v]]`, `[batch, visible]`.
    pub fn reconstruct(&self, v: Tensor<2>) -> Tensor<2> {
        self.visible_mean(self.hidden_mean(v))
    }

    /// Squared reconstruction error `Σ_i (v_i - v̂_i)²` of each row, `[batch]`.
    pub fn reconstruction_error(&self, v: Tensor<2>) -> Tensor<1> {
        (v.clone() - self.reconstruct(v)).square().sum_dim(1).squeeze_dim(1)
    }

    /// `mean F(data) - mean F(model)`, `[1]`: its gradient is that of the negative log-likelihood if the
    /// rows of `model` are draws from the model. Use it to train by autodiff and any Burn optimizer. The values are not
    /// checked in each step: check the data once with [`require_states`](Self::require_states).
    ///
    /// # Panics
    /// If the widths are not that of the visible layer.
    pub fn free_energy_difference(&self, data: Tensor<2>, model: Tensor<2>) -> Tensor<1> {
        self.free_energy_of_states(data).mean() - self.free_energy_of_states(model).mean()
    }
}

impl<V: UnitFamily, H: UnitFamily> Rbm<V, H> {
    /// The RBM with visible biases that give it the moments of the data when the weights are zero
    /// (Hinton's guide, section 8).
    pub fn with_visible_fitted(mut self, data: &UnitMoments) -> Self {
        self.visible = self.visible.fitted(data).set_require_grad(true);
        self
    }

    /// The RBM on the geometric path from independent layers (`beta` = 0) to itself (`beta` = 1):
    /// `E_β = (1-β)(E_base(v) + E_neutral(h)) + β E(v, h)`.
    pub fn tempered(&self, base: &V, beta: f64) -> Self {
        Self {
            weight: Param::from_tensor(self.weight.val() * beta).no_grad(),
            visible: base.interpolate(&self.visible, beta),
            hidden: self.hidden.neutral().interpolate(&self.hidden, beta),
        }
    }
}

impl AnyRbm {
    /// `-F([x, y])` of each class `y` of labeled visible units, for their binary part `x`: `[batch, width] -> [batch, classes]`. A
    /// softmax of it is `p(y | x)`.
    ///
    /// Computes the product of `x` with the weights once. Each class adds one row of weights.
    ///
    /// # Panics
    /// If the visible units have no label.
    pub fn class_log_weights(&self, x: Tensor<2>) -> Tensor<2> {
        let AnyUnits::Labeled(visible) = &self.visible else { panic!("the visible units have no label") };
        let ([batch, width], classes) = (x.dims(), visible.classes());
        let weight = self.weight.val();
        let input = sparse_matmul(x.clone(), weight.clone().narrow(0, 0, width));
        let bias = visible.bias.val();
        let own = x.matmul(bias.clone().narrow(0, 0, width).unsqueeze_dim(1));
        let of_class = |class: usize| {
            let row = weight.clone().narrow(0, width + class, 1);
            let partition = self.hidden.log_partition(input.clone() + row);
            partition.unsqueeze_dim::<2>(1) + bias.clone().narrow(0, width + class, 1).unsqueeze()
        };
        let log_weights = Tensor::cat((0..classes).map(of_class).collect(), 1);
        log_weights + own.expand([batch, classes])
    }

    /// The RBM whose visible units are this one's hidden units, with the same joint distribution: its free energy is
    /// [`hidden_free_energy`](Rbm::hidden_free_energy). On top of a stack it leaves the distribution of the stack unchanged,
    /// so its training raises the bound of the stack (Hinton, Osindero & Teh 2006, section 4).
    ///
    /// If `n_hidden` exceeds this RBM's visible width, the units in excess are binary with random weights of standard
    /// deviation `weight_std`. With weights of zero they leave the distribution unchanged too.
    ///
    /// # Errors
    /// If `n_hidden` is below the visible width, or above it and the visible units are not binary.
    pub fn mirrored(&self, n_hidden: usize, weight_std: f64, noise: &mut Noise) -> Result<Self, ConfigError> {
        let [visible, hidden] = self.weight.dims();
        let excess =
            n_hidden.checked_sub(visible).filter(|&n| n == 0 || self.visible.kind() == UnitKind::Binary);
        let Some(excess) = excess else {
            let kind = self.visible.kind();
            let reason =
                format!("must be {visible}, as below (or more, above binary units; these are {kind})");
            return Err(ConfigError::new("n_hidden", n_hidden, reason));
        };
        let mut weight = self.weight.val().transpose();
        let mut layer = self.visible.clone();
        if let (AnyUnits::Binary(units), true) = (&mut layer, excess > 0) {
            let new = noise.normal([hidden, excess], &weight.device()).cast(weight.dtype()) * weight_std;
            weight = Tensor::cat(vec![weight, new], 1);
            let bias = units.bias.val();
            let zeros = Tensor::zeros([excess], (&bias.device(), bias.dtype()));
            units.bias = Param::from_tensor(Tensor::cat(vec![bias, zeros], 0));
        }
        Ok(Self { weight: Param::from_tensor(weight), visible: fresh(&self.hidden), hidden: fresh(&layer) })
    }
}

/// The layer with the same values in new parameters.
fn fresh(units: &AnyUnits) -> AnyUnits {
    struct Renew;
    impl ModuleMapper for Renew {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            Param::from_tensor(param.val())
        }
    }
    units.clone().map(&mut Renew)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> RbmConfig {
        RbmConfig::new(6, 4)
    }

    #[test]
    fn every_field_out_of_range_is_named() {
        let cases = [
            (config().with_states(1).with_visible(UnitKind::Softmax), "states"),
            (config().with_states(4).with_visible(UnitKind::Softmax), "states"),
            (config().with_states(7).with_visible(UnitKind::Labeled), "states"),
            (config().with_hidden(UnitKind::Softmax), "hidden"),
            (config().with_hidden(UnitKind::Labeled), "hidden"),
            (config().with_weight_std(f64::NAN), "weight_std"),
            (config().with_hidden_bias(f64::INFINITY), "hidden_bias"),
            (RbmConfig::new(0, 4), "n_visible"),
            (RbmConfig::new(6, 0), "n_hidden"),
        ];
        for (config, field) in cases {
            assert_eq!(config.validate().unwrap_err().field, field);
        }
    }
}
