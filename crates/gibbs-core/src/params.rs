//! Utilities for the parameters of a module.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    optim::{GradientsParams, ModuleOptimizer},
    prelude::*,
    tensor::{DType, FloatDType},
};

/// The module with every float parameter converted to `dtype` (f64 for tests of exactness).
pub fn cast<M: Module>(module: M, dtype: FloatDType) -> M {
    module.map(&mut Cast(dtype))
}

/// Where the parameters of a module are and of which type: those of the first; `None` without parameters.
pub fn placement<M: Module>(module: &M) -> Option<(Device, DType)> {
    let mut first = First(None);
    module.visit(&mut first);
    first.0
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

/// One step of a Burn optimizer on a module without autodiff, from gradients made by direct formulas, such as
/// those of an [`Objective`](crate::Objective).
///
/// Burn's optimizers take parameters on autodiff devices only, and Burn forgets the graph leaves that these
/// become when some backward pass runs. So the parameters go there and back, and an empty backward pass
/// follows; otherwise each step would leave some kilobytes behind.
///
/// # Panics
/// If the module has no device, that is, no parameters.
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
