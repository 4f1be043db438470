//! The parameters of any module.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    optim::GradientsParams,
    prelude::*,
};
use gibbs_backend::Noise;
use gibbs_core::math::to_host;

/// The module with its vectors, the biases, moved by normal numbers.
pub(crate) fn shaken<M: Module>(module: M, noise: Noise) -> M {
    module.map(&mut Shake { noise })
}

/// The module with all of its parameters moved by normal numbers.
pub(crate) fn perturbed<M: Module>(module: M, noise: Noise) -> M {
    gibbs_testkit::perturbed(module, STD, noise)
}

/// Standard deviation of the moves.
const STD: f64 = 0.4;

struct Shake {
    noise: Noise,
}

impl ModuleMapper for Shake {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let moved = match D > 1 {
            true => tensor,
            false => tensor.clone() + self.noise.normal(tensor.dims(), &tensor.device()) * STD,
        };
        Param::from_mapped_value(id, moved, mapper)
    }
}

/// Something about each parameter, by its path in the module.
pub(crate) type ByParameter<T> = Vec<(String, T)>;

/// The gradients; `None` where a gradient does not reach the parameter.
pub(crate) fn by_parameter<M: Module>(
    module: &M,
    gradients: &GradientsParams,
) -> ByParameter<Option<Vec<f64>>> {
    let mut found = ByParameter::new();
    module.visit(&mut Collector { gradients: Some(gradients), path: Vec::new(), found: &mut found });
    found
}

/// The values.
pub(crate) fn values<M: Module>(module: &M) -> ByParameter<Vec<f64>> {
    let mut found = ByParameter::new();
    module.visit(&mut Collector { gradients: None, path: Vec::new(), found: &mut found });
    found.into_iter().map(|(name, values)| (name, values.unwrap())).collect()
}

/// Collects gradients, or else values.
struct Collector<'a> {
    gradients: Option<&'a GradientsParams>,
    path: Vec<String>,
    found: &'a mut ByParameter<Option<Vec<f64>>>,
}

impl ModuleVisitor for Collector<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = match self.gradients {
            Some(gradients) => gradients.get::<D>(param.id),
            None => Some(param.val()),
        };
        self.found.push((self.path.join("."), tensor.map(to_host)));
    }

    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}
