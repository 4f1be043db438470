//! Random perturbation of parameters.

use burn::{
    module::{Module, ModuleMapper, Param},
    prelude::*,
};
use gibbs_backend::Noise;

/// Adds normal random numbers of this standard deviation to all float parameters of a module. Layers that start as the
/// identity are perturbed before a test, which would otherwise check only the identity.
pub fn perturbed<M: Module>(module: M, std: f64, noise: Noise) -> M {
    module.map(&mut Perturb { std, noise })
}

struct Perturb {
    std: f64,
    noise: Noise,
}

impl ModuleMapper for Perturb {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let step = self.noise.normal(tensor.dims(), (&tensor.device(), tensor.dtype())) * self.std;
        Param::from_mapped_value(id, tensor + step, mapper)
    }
}
