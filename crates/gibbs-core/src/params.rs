//! Utilities for the parameters of a module.

use burn::{
    module::{Module, ModuleMapper, Param},
    prelude::*,
    tensor::FloatDType,
};

/// The module with every float parameter converted to `dtype` (f64 for tests of exactness).
pub fn cast<M: Module>(module: M, dtype: FloatDType) -> M {
    module.map(&mut Cast(dtype))
}

struct Cast(FloatDType);

impl ModuleMapper for Cast {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        Param::from_mapped_value(id, tensor.cast(self.0), mapper)
    }
}
