//! Networks on prefixes on `flex` in f32 and f64.

use burn::backend::Flex;
use burn::tensor::TensorData;
use burn_flex::FlexTensor;

use super::extension::PrefixOps;
use super::portable::{self, Layers};
use crate::flex::{Scalar, matrix, readable, slice, viewable, with_map, with_number};
use crate::kernel::functions::Map;
use crate::kernel::prefix::{Gradients, Networks, backward, forward};

impl PrefixOps for Flex {
    fn prefix_networks(
        start: FlexTensor,
        x: FlexTensor,
        w: FlexTensor,
        v: FlexTensor,
        b: FlexTensor,
        layers: Layers,
    ) -> FlexTensor {
        let operands = [start, x, w, v];
        with_number!(
            b.dtype(),
            T => with_map!(layers.function, F => networks::<F, T>(operands, b, layers)),
            portable::prefix_networks::<Self>(operands, b, layers)
        )
    }

    fn prefix_networks_backward(
        start: FlexTensor,
        x: FlexTensor,
        w: FlexTensor,
        v: FlexTensor,
        gradient: FlexTensor,
        layers: Layers,
        with_x: bool,
    ) -> (FlexTensor, Option<FlexTensor>, FlexTensor, FlexTensor) {
        let operands = [start, x, w, v];
        with_number!(
            gradient.dtype(),
            T => with_map!(layers.function, F => gradients::<F, T>(operands, gradient, layers, with_x)),
            portable::prefix_networks_backward::<Self>(operands, gradient, layers, with_x)
        )
    }
}

fn networks<F: Map, T: Scalar>(operands: [FlexTensor; 4], b: FlexTensor, layers: Layers) -> FlexTensor {
    let (operands, b) = (laid_out(operands), readable(b));
    let bias = slice::<T>(&b);
    let networks = in_panels::<T>(&operands, layers);
    let shape = [operands[0].layout().shape()[0], bias.len()];
    FlexTensor::from_data(TensorData::new(forward::<F, T>(&networks, bias), shape))
}

fn gradients<F: Map, T: Scalar>(
    operands: [FlexTensor; 4],
    gradient: FlexTensor,
    layers: Layers,
    with_x: bool,
) -> (FlexTensor, Option<FlexTensor>, FlexTensor, FlexTensor) {
    let (operands, gradient) = (laid_out(operands), readable(gradient));
    let networks = in_panels::<T>(&operands, layers);
    let from_result = layers.function.derivative_from_result();
    let Gradients { start, x, w, v } = backward::<F, T>(&networks, slice(&gradient), from_result, with_x);
    let of = |index: usize, values: Vec<T>| {
        FlexTensor::from_data(TensorData::new(values, operands[index].layout().shape().clone()))
    };
    (of(0, start), x.map(|x| of(1, x)), of(2, w), of(3, v))
}

fn laid_out([start, x, w, v]: [FlexTensor; 4]) -> [FlexTensor; 4] {
    [readable(start), readable(x), viewable(w), viewable(v)]
}

fn in_panels<'a, T: Scalar>([start, x, w, v]: &'a [FlexTensor; 4], layers: Layers) -> Networks<'a, T> {
    Networks::new(slice(start), slice(x), matrix(w), matrix(v), layers.n_variables)
}
