//! Small, strongly coupled RBMs of every pair of units, for the tests of this crate.

use burn::{
    module::Param,
    prelude::*,
    tensor::{DType, FloatDType},
};
use gibbs_backend::Noise;
use gibbs_core::params;

use crate::{
    rbm::{AnyRbm, Rbm, RbmConfig},
    units::{AnyUnits, EnumerableUnits, UnitKind, Units},
};

pub(crate) const VISIBLE: [UnitKind; 5] =
    [UnitKind::Binary, UnitKind::Spin, UnitKind::Softmax, UnitKind::Labeled, UnitKind::Gaussian];
pub(crate) const HIDDEN: [UnitKind; 3] = [UnitKind::Binary, UnitKind::Spin, UnitKind::Gaussian];

/// All pairs of kinds.
pub(crate) fn pairs() -> impl Iterator<Item = (UnitKind, UnitKind)> {
    VISIBLE.into_iter().flat_map(|visible| HIDDEN.map(|hidden| (visible, hidden)))
}

/// An RBM of 6 visible and 3 hidden columns with weights of order one, in f32. Between two Gaussian
/// layers weights are kept below 1/4, so that the joint precision stays positive definite.
pub(crate) fn rbm_of(visible: UnitKind, hidden: UnitKind, seed: u64) -> AnyRbm {
    let device = Device::flex();
    let mut noise = Noise::new(seed, "machine");
    let gaussian = [visible, hidden].iter().filter(|kind| **kind == UnitKind::Gaussian).count();
    let weight_std = [1.2, 0.6, 0.12][gaussian];
    let config = RbmConfig::new(6, 3)
        .with_visible(visible)
        .with_hidden(hidden)
        .with_states(3)
        .with_weight_std(weight_std);
    let rbm = config.init(&device, &mut noise).unwrap();
    Rbm {
        visible: with_random_parameters(&rbm.visible, &mut noise),
        hidden: with_random_parameters(&rbm.hidden, &mut noise),
        ..rbm
    }
}

/// The same in f64.
pub(crate) fn rbm_f64(visible: UnitKind, hidden: UnitKind, seed: u64) -> AnyRbm {
    params::cast(rbm_of(visible, hidden, seed), FloatDType::F64)
}

fn with_random_parameters(units: &AnyUnits, noise: &mut Noise) -> AnyUnits {
    let mut vector = |scale: f64| Param::from_tensor(noise.normal([units.width()], &Device::flex()) * scale);
    let mut units = units.clone();
    match &mut units {
        AnyUnits::Binary(layer) => layer.bias = vector(0.8),
        AnyUnits::Spin(layer) => layer.bias = vector(0.5),
        AnyUnits::Softmax(layer) => layer.bias = vector(0.8),
        AnyUnits::Labeled(layer) => layer.bias = vector(0.8),
        AnyUnits::Gaussian(layer) => {
            layer.mean = vector(0.5);
            layer.log_var = vector(0.3);
        }
    }
    units
}

/// An f64 tensor on the CPU.
pub(crate) fn tensor(values: Vec<f64>, shape: [usize; 2]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), DType::F64))
}

/// Standard normal values in f64.
pub(crate) fn normal(shape: [usize; 2], seed: u64) -> Tensor<2> {
    let mut noise = Noise::new(seed, "normal");
    tensor((0..shape[0] * shape[1]).map(|_| noise.next_normal()).collect(), shape)
}

/// All states of a layer as host rows.
pub(crate) fn rows_of_states(units: &AnyUnits) -> Vec<Vec<f64>> {
    let n = units.n_states().unwrap() as usize;
    gibbs_core::math::to_host(units.states(0, n)).chunks(units.width()).map(<[f64]>::to_vec).collect()
}
