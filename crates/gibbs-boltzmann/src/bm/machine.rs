//! The machine: energy, chains, mean field.

use burn::{
    module::{Module, Param},
    prelude::*,
};
use gibbs_backend::{Noise, tanh};
use gibbs_core::{check, math::row_sums};

use crate::rbm::Rbm;
use crate::units::Spin;

/// A general Boltzmann machine; see the [module documentation](crate::bm).
#[derive(Module, Debug)]
pub struct BoltzmannMachine {
    /// `J [n, n]`, symmetric with a zero diagonal; visible units come before hidden ones.
    pub couplings: Param<Tensor<2>>,
    /// `f [n]`.
    pub field: Param<Tensor<1>>,
    n_visible: usize,
}

impl BoltzmannMachine {
    /// A machine with these parameters.
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn new(couplings: Param<Tensor<2>>, field: Param<Tensor<1>>, n_visible: usize) -> Self {
        let n = field.dims()[0];
        assert_eq!(couplings.dims(), [n, n], "couplings of {n} units");
        assert!((1..=n).contains(&n_visible), "{n_visible} visible ones of {n} units");
        Self { couplings, field, n_visible }
    }

    /// The machine of an RBM of spins: couplings between the layers alone.
    pub fn of_rbm(rbm: &Rbm<Spin, Spin>) -> Self {
        let weight = rbm.weight.val();
        let [visible, hidden] = weight.dims();
        let zeros = |n| Tensor::zeros([n, n], (&weight.device(), weight.dtype()));
        let upper = Tensor::cat(vec![zeros(visible), weight.clone()], 1);
        let lower = Tensor::cat(vec![weight.clone().transpose(), zeros(hidden)], 1);
        let field = Tensor::cat(vec![rbm.visible.bias.val(), rbm.hidden.bias.val()], 0);
        let couplings = Tensor::cat(vec![upper, lower], 0);
        Self::new(Param::from_tensor(couplings), Param::from_tensor(field), visible)
    }

    /// Number of units.
    pub fn n_units(&self) -> usize {
        self.field.dims()[0]
    }

    /// Number of visible units.
    pub fn n_visible(&self) -> usize {
        self.n_visible
    }

    /// Number of hidden units.
    pub fn n_hidden(&self) -> usize {
        self.n_units() - self.n_visible
    }

    /// Checks that `v [batch, visible]` are spins or means of spins. Waits for the device.
    ///
    /// # Panics
    /// If `v` has another width, a value outside of [-1, 1], or a NaN.
    pub fn require_states(&self, v: &Tensor<2>) {
        check::require_width("the visible units of the Boltzmann machine", v, self.n_visible);
        let is_valid = |x: Tensor<2>| x.clone().greater_equal_elem(-1.0).bool_and(x.lower_equal_elem(1.0));
        check::require_values("the visible units of the Boltzmann machine", v, is_valid, "between -1 and 1");
    }

    /// `E(s)` of each row of `s [batch, n]`: `[batch]`.
    pub fn energy(&self, s: Tensor<2>) -> Tensor<1> {
        let field = self.field.val().unsqueeze::<2>();
        row_sums(s.clone() * (s.matmul(self.couplings.val()) * 0.5 + field)).neg()
    }

    /// `J·s + f`, the input of each unit: `[batch, n]`.
    pub fn input(&self, s: Tensor<2>) -> Tensor<2> {
        s.matmul(self.couplings.val()) + self.field.val().unsqueeze()
    }

    /// `n` states of independent spins without preference, `[n, units]`.
    pub fn random_states(&self, n: usize, noise: &mut Noise) -> Tensor<2> {
        let field = self.field.val();
        let half = Tensor::full([n, self.n_units()], 0.5, (&field.device(), field.dtype()));
        noise.bernoulli(half) * 2.0 - 1.0
    }

    /// Rows of visible units with hidden units of `s [batch, n]`.
    pub fn with_visible(&self, v: Tensor<2>, s: &Tensor<2>) -> Tensor<2> {
        match self.n_hidden() {
            0 => v,
            hidden => Tensor::cat(vec![v, s.clone().narrow(1, self.n_visible, hidden)], 1),
        }
    }

    /// One Gibbs sweep of the units from `first` on, one after the other, at inverse temperature `beta`. Those before it are clamped:
    /// a sweep from `n_visible` on leaves `p(h | v)` unchanged, one of all units `p(s)`.
    pub fn sweep(&self, s: Tensor<2>, first: usize, beta: f64, noise: &mut Noise) -> Tensor<2> {
        self.sweep_from(s, first, beta, None, noise)
    }

    /// A sweep where the input of the units is `β (J·s + f) + (1 - β) start`, with fields `start [batch, n]` of each row.
    pub(super) fn sweep_from(
        &self,
        s: Tensor<2>,
        first: usize,
        beta: f64,
        start: Option<&Tensor<2>>,
        noise: &mut Noise,
    ) -> Tensor<2> {
        let ([batch, n], couplings) = (s.dims(), self.couplings.val() * beta);
        let mut input = self.input(s.clone()) * beta;
        if let Some(start) = start {
            input = input + start.clone() * (1.0 - beta);
        }
        let mut columns: Vec<Tensor<2>> = (0..n).map(|i| s.clone().narrow(1, i, 1)).collect();
        for (i, column) in columns.iter_mut().enumerate().skip(first) {
            let new = noise.bernoulli_logits(input.clone().narrow(1, i, 1) * 2.0) * 2.0 - 1.0;
            let change = new.clone() - std::mem::replace(column, new);
            input = input + change.expand([batch, n]) * couplings.clone().narrow(0, i, 1);
        }
        Tensor::cat(columns, 1)
    }

    /// Mean-field means `m_i = tanh(J·m + f)_i` of the units from `first` on, from `m [batch, n]`, after `updates` of all of them
    /// together, each of which goes half of the way.
    pub fn mean_field(&self, m: Tensor<2>, first: usize, updates: usize) -> Tensor<2> {
        let n = self.n_units();
        if first == n {
            return m;
        }
        (0..updates).fold(m, |m, _| {
            let new = (m.clone() + tanh(self.input(m.clone()))) * 0.5;
            match first {
                0 => new,
                _ => Tensor::cat(vec![m.narrow(1, 0, first), new.narrow(1, first, n - first)], 1),
            }
        })
    }
}
