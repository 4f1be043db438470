//! Exponential moving averages of weights (Polyak averaging).

use std::collections::HashSet;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::container::TensorContainer;
use burn::tensor::{Bool, Int, Tensor};
use gibbs_backend::combination;
use serde::{Deserialize, Serialize};

use crate::checkpoint::{State, StateError};

/// An exponential moving average `a` of the float parameters `w` of a module:
///
/// ```text
/// a <- d a + (1 - d) w,     d = min(decay, (1 + n) / (10 + n))
/// ```
///
/// Here `n` is the number of updates so far. The bound on `d` makes the average forget its start quickly. Integer and
/// boolean parameters, and float parameters without a gradient, are copied.
///
/// References: Polyak & Juditsky, SIAM J. Control Optim. 30:838 (1992), doi:10.1137/0330046. The bound on `d` is that of
/// TensorFlow's `ExponentialMovingAverage`.
///
/// ```
/// use burn::{module::Param, nn::LinearConfig, tensor::{Device, Tensor}};
/// use gibbs_train::average::WeightAverage;
///
/// let mut model = LinearConfig::new(3, 2).with_bias(false).init(&Device::flex());
/// let mut average = WeightAverage::new(&model, 0.999);
/// let start = model.weight.val();
/// model.weight = Param::initialized(model.weight.id, start.clone() + 1.0);
/// average.update(&model);
/// // The first d is 1 / 10.
/// let moved: f32 = (average.module().weight.val() - start).mean().into_scalar();
/// assert!((moved - 0.9).abs() < 1e-6);
/// ```
#[derive(Clone, Debug)]
pub struct WeightAverage<M> {
    module: M,
    progress: Progress,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Progress {
    decay: f64,
    updates: u64,
}

impl<M: Module> WeightAverage<M> {
    /// Starts at the weights of `module`. A `decay` of 0.999 averages over about the last 1000 updates.
    ///
    /// # Panics
    /// If `decay` is not in [0, 1).
    pub fn new(module: &M, decay: f64) -> Self {
        assert!((0.0..1.0).contains(&decay), "the decay {decay} is not in [0, 1)");
        Self { module: module.valid(), progress: Progress { decay, updates: 0 } }
    }

    /// Updates the average. `module` is the module of [`WeightAverage::new`] after further steps of training.
    pub fn update(&mut self, module: &M) {
        let updates = self.progress.updates as f64;
        let decay = self.progress.decay.min((1.0 + updates) / (10.0 + updates));
        self.progress.updates += 1;
        let mut frozen = Frozen(HashSet::new());
        module.visit(&mut frozen);
        let mut targets = Targets { tensors: TensorContainer::new() };
        module.valid().visit(&mut targets);
        self.module = self.module.clone().map(&mut Follow { targets, frozen: frozen.0, decay });
    }

    /// The averaged module, for evaluation.
    pub fn module(&self) -> &M {
        &self.module
    }

    /// Puts the average into a checkpoint under `name`.
    ///
    /// # Errors
    /// The errors of [`State::put_module`].
    pub fn save(&self, state: &mut State, name: &str) -> Result<(), StateError> {
        state.put(&format!("{name}.progress"), &self.progress)?;
        state.put_module(name, &self.module)
    }

    /// Reads the average that [`WeightAverage::save`] put into a checkpoint. `module` gives the structure and the device.
    ///
    /// # Errors
    /// The errors of [`State::module`].
    pub fn load(state: &State, name: &str, module: &M) -> Result<Self, StateError> {
        let progress = state.get(&format!("{name}.progress"))?;
        Ok(Self { module: state.module(name, module.valid())?, progress })
    }
}

/// Float parameters on an autodiff device that have no gradient.
struct Frozen(HashSet<ParamId>);

impl ModuleVisitor for Frozen {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        if tensor.is_autodiff() && !tensor.is_require_grad() {
            self.0.insert(param.id);
        }
    }
}

struct Targets {
    tensors: TensorContainer<ParamId>,
}

impl ModuleVisitor for Targets {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.tensors.register(param.id, param.base());
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.tensors.register(param.id, param.base());
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.tensors.register(param.id, param.base());
    }
}

struct Follow {
    targets: Targets,
    frozen: HashSet<ParamId>,
    decay: f64,
}

impl ModuleMapper for Follow {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(target) = self.targets.tensors.remove::<Tensor<D>>(&param.id) else { return param };
        if self.frozen.contains(&param.id) {
            return param.map(|_| target);
        }
        let decay = self.decay;
        param.map(|average| combination(None, vec![(decay, average), (1.0 - decay, target)]))
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        let Some(target) = self.targets.tensors.remove::<Tensor<D, Int>>(&param.id) else { return param };
        param.map(|_| target)
    }

    fn map_bool<const D: usize>(&mut self, param: Param<Tensor<D, Bool>>) -> Param<Tensor<D, Bool>> {
        let Some(target) = self.targets.tensors.remove::<Tensor<D, Bool>>(&param.id) else { return param };
        param.map(|_| target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[derive(Module, Debug)]
    struct Counted {
        weight: Param<Tensor<2>>,
        count: Param<Tensor<1, Int>>,
    }

    fn counted(device: &Device) -> Counted {
        Counted {
            weight: Param::from_tensor(Tensor::zeros([1, 2], device)),
            count: Param::initialized(ParamId::new(), Tensor::from_data([0], device)),
        }
    }

    fn moved(mut module: Counted, weight: f32, count: i64) -> Counted {
        module.weight = module.weight.map(|tensor| {
            let has_gradient = tensor.is_require_grad();
            tensor.full_like(weight).set_require_grad(has_gradient)
        });
        module.count = module.count.map(|tensor| tensor.full_like(count));
        module
    }

    fn weight(module: &Counted) -> f32 {
        module.weight.val().into_data().iter::<f32>().next().unwrap()
    }

    #[test]
    fn the_average_follows_the_formula() {
        let device = Device::flex().autodiff();
        let mut module = counted(&device);
        let mut average = WeightAverage::new(&module, 0.25);
        let mut expected = 0.0;
        for (n, value) in [1.0_f32, -2.0, 5.0, 0.5].into_iter().enumerate() {
            module = moved(module, value, n as i64);
            average.update(&module);
            let decay = 0.25_f32.min((1.0 + n as f32) / (10.0 + n as f32));
            expected = decay * expected + (1.0 - decay) * value;
            assert!((weight(average.module()) - expected).abs() < 1e-6);
        }
        assert_eq!(average.module().count.val().into_data().iter::<i64>().next(), Some(3));
        assert!(!average.module().weight.val().is_autodiff());
        assert_eq!(average.module().weight.id, module.weight.id);
    }

    #[test]
    fn a_constant_module_is_its_own_average() {
        let module = moved(counted(&Device::flex()), 0.7, 1);
        let mut average = WeightAverage::new(&module, 0.9);
        (0..50).for_each(|_| average.update(&module));
        assert!((weight(average.module()) - 0.7).abs() < 1e-6);
    }

    #[test]
    fn a_parameter_without_a_gradient_is_copied() {
        let module = counted(&Device::flex().autodiff()).no_grad();
        let mut average = WeightAverage::new(&module, 0.9);
        average.update(&moved(module, 3.0, 1));
        assert_eq!(weight(average.module()), 3.0);
    }

    #[test]
    fn an_average_goes_on_after_a_checkpoint() {
        let device = Device::flex().autodiff();
        let module = counted(&device);
        let mut average = WeightAverage::new(&module, 0.999);
        for value in [1.0, 3.0] {
            average.update(&moved(module.clone(), value, 0));
        }
        let mut state = State::new();
        average.save(&mut state, "average").unwrap();
        let mut back = WeightAverage::load(&state, "average", &counted(&device)).unwrap();
        let next = moved(module, 7.0, 5);
        average.update(&next);
        back.update(&next);
        assert_eq!(weight(back.module()).to_bits(), weight(average.module()).to_bits());
        assert_eq!(back.progress.updates, 3);
    }

    #[test]
    #[should_panic(expected = "the decay 1 is not in [0, 1)")]
    fn a_decay_of_one_would_never_follow() {
        let _ = WeightAverage::new(&counted(&Device::flex()), 1.0);
    }
}
