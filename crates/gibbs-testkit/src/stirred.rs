//! Parameters away from where they begin.

use burn::{
    module::{Module, ModuleMapper, Param},
    prelude::*,
};
use gibbs_backend::Noise;

/// The module with every float parameter moved by normal numbers of this standard deviation: a layer that begins as the
/// identity, or a gradient that begins as zero, tests nothing.
pub fn stirred<M: Module>(module: M, std: f64, noise: Noise) -> M {
    module.map(&mut Stir { std, noise })
}

struct Stir {
    std: f64,
    noise: Noise,
}

impl ModuleMapper for Stir {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let step = self.noise.normal(tensor.dims(), (&tensor.device(), tensor.dtype())) * self.std;
        Param::from_mapped_value(id, tensor + step, mapper)
    }
}
