//! Utilities for the parameters of a module.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    optim::{GradientsParams, ModuleOptimizer},
    prelude::*,
    tensor::{DType, FloatDType},
};

/// Returns the module with all float parameters converted to `dtype`.
pub fn cast<M: Module>(module: M, dtype: FloatDType) -> M {
    module.map(&mut Cast(dtype))
}

/// The device and the element type of the first float parameter of a module. `None` if there is none.
pub fn placement<M: Module>(module: &M) -> Option<(Device, DType)> {
    let mut first = First(None);
    module.visit(&mut first);
    first.0
}

/// Adds the gradients of `others` to `gradients`, for parameters of `module` that have one in `others` alone. Two backward passes
/// through different parts of a module give the gradients of all of it.
///
/// # Panics
/// If a parameter has a gradient in both.
pub fn join<M: Module>(module: &M, gradients: GradientsParams, others: GradientsParams) -> GradientsParams {
    let mut join = Join { gradients, others };
    module.visit(&mut join);
    join.gradients
}

struct Join {
    gradients: GradientsParams,
    others: GradientsParams,
}

impl ModuleVisitor for Join {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.others.remove::<D>(param.id) {
            assert!(self.gradients.get::<D>(param.id).is_none(), "two gradients of one parameter");
            self.gradients.register(param.id, gradient);
        }
    }
}

struct First(Option<(Device, DType)>);

impl ModuleVisitor for First {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        self.0.get_or_insert_with(|| (tensor.device(), tensor.dtype()));
    }
}

struct Cast(FloatDType);

impl ModuleMapper for Cast {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        Param::from_mapped_value(id, tensor.cast(self.0), mapper)
    }
}

/// Does one step of a Burn optimizer on a module without autodiff. The gradients come from direct formulas, such as
/// those of an [`Objective`](crate::Objective).
///
/// Burn's optimizers accept only parameters on an autodiff device. There each parameter is a leaf of the autodiff graph, and Burn
/// frees leaves only in a backward pass. Therefore this function moves the parameters to the autodiff device and back, and then
/// runs an empty backward pass. Without it, each step would leak some kilobytes.
///
/// # Panics
/// If the module has no parameters.
pub fn optimizer_step<M: Module>(
    optimizer: &mut ModuleOptimizer,
    learning_rate: f64,
    module: M,
    gradients: GradientsParams,
) -> M {
    let module = optimizer.step(learning_rate, module.train(), gradients).valid();
    let Some(device) = module.devices().into_iter().next() else { panic!("a module without parameters") };
    Tensor::<1>::zeros([1], &device.autodiff()).require_grad().backward();
    module
}
