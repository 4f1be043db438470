//! Guidance without a classifier.
//!
//! ```text
//! v_w(x, t | c) = v(x, t | 0) + w·(v(x, t | c) - v(x, t | 0))
//! ```
//!
//! In training the zero context replaces a fraction of the contexts. `w = 1` is the field of the class itself. Larger weights give
//! clearer and less diverse examples, which are no longer samples of the learned distribution.
//!
//! References: Ho & Salimans, "Classifier-free diffusion guidance", 2022, arXiv:2207.12598; Zheng et al., "Guided flows", 2023,
//! arXiv:2311.13443.

use burn::{module::Module, prelude::*};

use super::velocity::{Velocity, VelocityField};

/// A field with an increased effect of its context.
#[derive(Module, Debug)]
pub struct Guided<V> {
    /// The field. Its context is zero where there is none.
    pub field: V,
    weight: f64,
}

impl<V: VelocityField> Guided<V> {
    /// `v_w` of `field`.
    ///
    /// # Panics
    /// If the field has no context.
    pub fn new(field: V, weight: f64) -> Self {
        assert!(field.n_context() > 0, "guidance needs a field with a context");
        Self { field, weight }
    }
}

impl<V: VelocityField> VelocityField for Guided<V> {
    fn n_variables(&self) -> usize {
        self.field.n_variables()
    }

    fn n_context(&self) -> usize {
        self.field.n_context()
    }

    fn velocity<'a>(&'a self, context: Option<&Tensor<2>>) -> Box<dyn Velocity + 'a> {
        let none = context.map(Tensor::zeros_like);
        Box::new(Ready {
            given: self.field.velocity(context),
            without: self.field.velocity(none.as_ref()),
            weight: self.weight,
        })
    }
}

struct Ready<'a> {
    given: Box<dyn Velocity + 'a>,
    without: Box<dyn Velocity + 'a>,
    weight: f64,
}

impl Ready<'_> {
    fn mix<const D: usize>(&self, given: Tensor<D>, without: Tensor<D>) -> Tensor<D> {
        given * self.weight + without * (1.0 - self.weight)
    }
}

impl Velocity for Ready<'_> {
    fn at(&self, t: &Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        self.mix(self.given.at(t, x.clone()), self.without.at(t, x))
    }

    fn along(&self, t: &Tensor<2>, x: Tensor<2>, direction: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let (given, without) =
            (self.given.along(t, x.clone(), direction), self.without.along(t, x, direction));
        (self.mix(given.0, without.0), self.mix(given.1, without.1))
    }

    fn divergence(&self, t: &Tensor<2>, x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let (given, without) = (self.given.divergence(t, x.clone()), self.without.divergence(t, x));
        (self.mix(given.0, without.0), self.mix(given.1, without.1))
    }
}
