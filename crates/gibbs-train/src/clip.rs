//! Gradient clipping by value, by norm, and by the norm of all gradients together.
//!
//! Burn's own [`GradientClipping`] (set on an optimizer) treats each parameter for itself; the global norm, which
//! keeps the direction of the step (Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063), is here too.

use burn::grad_clipping::GradientClipping;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, FloatDType, Tensor};
use serde::{Deserialize, Serialize};

/// How gradients are bounded before a step. In JSON `{"kind": "none"}`, `{"kind": "global_norm", "limit": 1.0}`, ...
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Clip {
    /// Not at all.
    #[default]
    None,
    /// Each component to [-limit, limit].
    Value {
        /// The bound.
        limit: f32,
    },
    /// The gradient g of each parameter to g min(1, limit / |g|).
    Norm {
        /// The bound.
        limit: f32,
    },
    /// The gradient of all parameters together, in the same way.
    GlobalNorm {
        /// The bound.
        limit: f32,
    },
}

impl Clip {
    /// The gradients of a module within the bound. Reads nothing from the device.
    pub fn apply<M: Module>(self, mut gradients: GradientsParams, module: &M) -> GradientsParams {
        let each = match self {
            Self::None => return gradients,
            Self::Value { limit } => GradientClipping::Value(limit),
            Self::Norm { limit } => GradientClipping::Norm(limit),
            Self::GlobalNorm { limit } => {
                if let Some(norm) = global_norm(&gradients, module) {
                    // The smallest normal number keeps a norm of 0 from dividing by 0.
                    let factor = (norm + f32::MIN_POSITIVE).recip().mul_scalar(limit).clamp_max(1.0);
                    module.visit(&mut Scale { gradients: &mut gradients, factor });
                }
                return gradients;
            }
        };
        module.visit(&mut Each { gradients: &mut gradients, clipping: each });
        gradients
    }
}

/// The Euclidean norm of all gradients of a module together, shape `[1]`, on the device of the first; `None` without
/// gradients. Reads nothing from the device.
pub fn global_norm<M: Module>(gradients: &GradientsParams, module: &M) -> Option<Tensor<1>> {
    let mut squares = Squares { gradients, sum: None, device: None };
    module.visit(&mut squares);
    squares.sum.map(Tensor::sqrt)
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<1>>,
    device: Option<Device>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.get::<D>(param.id) else { return };
        let device = self.device.get_or_insert_with(|| gradient.device()).clone();
        let square = gradient.cast(FloatDType::F32).square().sum().to_device(&device);
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum + square,
            None => square,
        });
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: Tensor<1>,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
        let factor = self.factor.clone().to_device(&gradient.device()).cast(gradient.dtype());
        self.gradients.register(param.id, gradient * factor.unsqueeze());
    }
}

struct Each<'a> {
    gradients: &'a mut GradientsParams,
    clipping: GradientClipping,
}

impl ModuleVisitor for Each<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
        self.gradients.register(param.id, self.clipping.clip_gradient(gradient));
    }
}
