//! Affine couplings on `flex` in f32 and f64.

use burn::backend::Flex;
use burn::tensor::TensorData;
use burn_flex::FlexTensor;

use super::extension::{CoupledMap, CouplingOps};
use crate::flex::{Scalar, readable, slice, with_number};
use crate::kernel::network::coupling::{self, Coupled, Operands, Transformed};
use crate::kernel::network::{Gradients, Layers, Saves};
use crate::network::extension::Wanted;
use crate::network::flex::{packed, saves, shape, tensors, transposed};
use crate::tensors::Tensors;

/// `kernel` with `F` = the map of a function that flows have in their networks. The others have none: each takes a while to compile.
macro_rules! with_common {
    ($function:expr, $map:ident => $kernel:expr) => {
        with_common!($function, $map => $kernel, Relu, Tanh, Silu)
    };
    ($function:expr, $map:ident => $kernel:expr, $($name:ident),*) => {
        match $function {
            $(crate::Function::$name => {
                type $map = crate::kernel::functions::$name;
                $kernel
            })*
            _ => None,
        }
    };
}

impl CouplingOps for Flex {
    fn coupled(x: FlexTensor, layers: Tensors<Self>, map: CoupledMap) -> Option<FlexTensor> {
        with_number!(
            x.dtype(),
            T => with_common!(map.functions.hidden, F => Some(forward::<F, T>(x, layers, map, None).0)),
            None
        )
    }

    fn coupled_saved(
        x: FlexTensor,
        layers: Tensors<Self>,
        map: CoupledMap,
    ) -> Option<(FlexTensor, FlexTensor, FlexTensor)> {
        let saves = Some(saves(map.functions));
        with_number!(
            x.dtype(),
            T => with_common!(map.functions.hidden, F => Some(forward::<F, T>(x, layers, map, saves))),
            None
        )
    }

    fn coupled_backward(
        x: FlexTensor,
        layers: Tensors<Self>,
        map: CoupledMap,
        hidden: FlexTensor,
        parameters: FlexTensor,
        gradient: FlexTensor,
        wanted: Wanted,
    ) -> Option<Vec<FlexTensor>> {
        let tensors = [x, hidden, parameters, gradient];
        with_number!(
            tensors[0].dtype(),
            T => with_common!(
                map.functions.hidden,
                F => Some(backward::<F, T>(tensors, layers, map, wanted))
            ),
            None
        )
    }
}

fn forward<F: crate::kernel::functions::Map, T: Scalar>(
    x: FlexTensor,
    layers: Tensors<Flex>,
    CoupledMap { couple, functions }: CoupledMap,
    saves: Option<Saves>,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let (shape, x) = (shape(couple.kept.len() / couple.blocks, &layers, functions), readable(x));
    let [n, width] = x.layout().shape().dims();
    let coupled = Coupled { shape: &shape, couple: &couple, width };
    let Transformed { z, saved } =
        coupling::forward::<F, T>(coupled, &packed::<T>(&layers), slice(&x), saves);
    let [hidden, parameters] = saved.map(|values| {
        let width = values.len() / n;
        FlexTensor::from_data(TensorData::new(values, [n, width]))
    });
    (FlexTensor::from_data(TensorData::new(z, [n, width])), hidden, parameters)
}

fn backward<F: crate::kernel::functions::Map, T: Scalar>(
    tensors_read: [FlexTensor; 4],
    layers: Tensors<Flex>,
    CoupledMap { couple, functions }: CoupledMap,
    wanted: Wanted,
) -> Vec<FlexTensor> {
    let shape = shape(couple.kept.len() / couple.blocks, &layers, functions);
    let [x, hidden, parameters, gradient] = tensors_read.map(readable);
    let [n, width] = x.layout().shape().dims();
    let weights = transposed::<T>(&layers, true);
    let operands = Operands {
        layers: Layers { shape: &shape, weights: &weights, saves: saves(functions) },
        x: slice(&x),
        saved: [slice(&hidden), slice(&parameters)],
        gradient: slice(&gradient),
    };
    let coupled = Coupled { shape: &shape, couple: &couple, width };
    let gradients: Gradients<T> = coupling::backward::<F, T>(coupled, &operands, wanted);
    tensors(&shape, gradients, [n, width])
}
