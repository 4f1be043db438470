//! Optimizers that load their state onto a chosen device.

use burn::module::ParamGroup;
use burn::optim::{DynOptimizer, DynState, ModuleOptimizer, Optimizer, StateSink, StateSource};
use burn::tensor::Device;
use burn::tensor::kind::BridgeTensor;

/// Makes an optimizer for whole modules from `optimizer`. When it is loaded from a checkpoint, its state goes to `device`.
///
/// Burn's own optimizer loads its state onto the default device of the program and moves it at the next step. In a program
/// with several backends, the default device can be a missing GPU, although the run is on the CPU.
///
/// ```
/// use burn::{optim::AdamConfig, tensor::Device};
///
/// let device = Device::flex().autodiff();
/// let optimizer = gibbs_train::checkpoint::placed(AdamConfig::new().build(), &device);
/// ```
pub fn placed<O: Optimizer>(optimizer: O, device: &Device) -> ModuleOptimizer {
    let placed = Placed { inner: optimizer.clone(), device: device.clone().inner() };
    ModuleOptimizer::from(optimizer).with_group(ParamGroup::all(), placed, None)
}

struct Placed<O> {
    inner: O,
    device: Device,
}

impl<O: Optimizer> DynOptimizer for Placed<O> {
    fn step_dyn(
        &self,
        rank: usize,
        rate: f64,
        tensor: BridgeTensor,
        gradient: BridgeTensor,
        state: Option<DynState>,
    ) -> (BridgeTensor, Option<DynState>) {
        self.inner.step_dyn(rank, rate, tensor, gradient, state)
    }

    fn to_device_dyn(&self, state: DynState, device: &Device) -> DynState {
        self.inner.to_device_dyn(state, device)
    }

    fn state_flatten(&self, prefix: &str, state: &DynState, out: &mut StateSink) {
        self.inner.state_flatten(prefix, state, out);
    }

    fn state_unflatten(
        &self,
        rank: usize,
        prefix: &str,
        source: &mut StateSource,
        _default: &Device,
    ) -> Option<DynState> {
        self.inner.state_unflatten(rank, prefix, source, &self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::optim::RecordState;
    use burn::tensor::{Tensor, TensorData};

    /// Keeps the last gradient as its state.
    #[derive(Clone)]
    struct Keep;

    #[derive(Clone)]
    struct Kept<const D: usize>(Tensor<D>);

    impl<const D: usize> RecordState for Kept<D> {
        fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
            out.push_tensor(prefix, "gradient", self.0.to_data());
        }

        fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
            Some(Self(Tensor::from_data(source.take_tensor(prefix, "gradient")?, device)))
        }
    }

    impl Optimizer for Keep {
        type State<const D: usize> = Kept<D>;

        fn step<const D: usize>(
            &self,
            _rate: f64,
            tensor: Tensor<D>,
            gradient: Tensor<D>,
            _state: Option<Kept<D>>,
        ) -> (Tensor<D>, Option<Kept<D>>) {
            (tensor, Some(Kept(gradient)))
        }

        fn to_device<const D: usize>(state: Kept<D>, device: &Device) -> Kept<D> {
            Kept(state.0.to_device(device))
        }
    }

    #[test]
    fn the_state_goes_to_the_device_of_choice() {
        // The two devices of this build differ only in their autodiff setting. This is enough to distinguish them.
        for device in [Device::flex(), Device::flex().autodiff()] {
            let optimizer = Placed { inner: Keep, device: device.clone() };
            let mut source = StateSource::default();
            source.insert_tensor("7.gradient".into(), TensorData::from([1.0_f32, 2.0]));
            let state = optimizer.state_unflatten(1, "7", &mut source, &Device::flex()).unwrap();
            assert_eq!(state.downcast_ref::<Kept<1>>().0.is_autodiff(), device.is_autodiff());
        }
    }
}
