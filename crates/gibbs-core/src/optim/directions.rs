//! Vectors in the space of a module's parameters.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::prelude::*;

use crate::math::to_host;

/// A gradient, a difference of gradients or a search direction: one flat tensor for each float parameter, in the order
/// of the module's fields, without autodiff.
///
/// The device computes a dot product for each tensor. The host adds them in f64.
#[derive(Clone, Debug)]
pub(crate) struct Direction(Vec<Tensor<1>>);

impl Direction {
    /// The gradient of all parameters of `module`, a module without autodiff. A parameter without a gradient gives zeros.
    pub(crate) fn of_gradients<M: Module>(module: &M, gradients: &GradientsParams) -> Self {
        let mut collector = Collector { gradients, tensors: Vec::new() };
        module.visit(&mut collector);
        Self(collector.tensors)
    }

    /// `self · other`.
    pub(crate) fn dot(&self, other: &Self) -> f64 {
        let products = self.0.iter().zip(&other.0).map(|(a, b)| a.clone().dot(b.clone())).collect();
        to_host(Tensor::cat(products, 0)).iter().sum()
    }

    /// `√(self · self)`.
    pub(crate) fn norm(&self) -> f64 {
        self.dot(self).sqrt()
    }

    /// The relative rounding error of its element type.
    pub(crate) fn epsilon(&self) -> f64 {
        let info = self.0.first().and_then(|tensor| tensor.dtype().finfo());
        info.map_or(f64::EPSILON, |info| info.epsilon)
    }

    /// `factor · self`.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        Self(self.0.into_iter().map(|tensor| tensor * factor).collect())
    }

    /// `self + factor · other`.
    pub(crate) fn plus(self, factor: f64, other: &Self) -> Self {
        Self(self.0.into_iter().zip(&other.0).map(|(a, b)| a + b.clone() * factor).collect())
    }

    /// The module moved by `step · self`. Parameters keep their `ParamId`s.
    pub(crate) fn moved<M: Module>(&self, module: M, step: f64) -> M {
        module.map(&mut Mover { tensors: self.0.iter(), step })
    }
}

struct Collector<'a> {
    gradients: &'a GradientsParams,
    tensors: Vec<Tensor<1>>,
}

impl ModuleVisitor for Collector<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradients.get::<D>(param.id).unwrap_or_else(|| param.val().zeros_like());
        self.tensors.push(gradient.flatten(0, D - 1));
    }
}

struct Mover<'a> {
    tensors: std::slice::Iter<'a, Tensor<1>>,
    step: f64,
}

impl ModuleMapper for Mover<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(tensor) = self.tensors.next() else { panic!("a direction of another module") };
        let (id, value, mapper) = param.consume();
        let change = tensor.clone().reshape(value.shape()) * self.step;
        Param::from_mapped_value(id, value + change, mapper)
    }
}
