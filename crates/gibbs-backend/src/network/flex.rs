//! Networks on `flex` in f32 and f64.

use burn::backend::{Flex, TensorMetadata};
use burn::tensor::TensorData;
use burn_flex::FlexTensor;

use super::extension::{Functions, NetworkOps, Wanted};
use crate::flex::{Scalar, matrix, readable, slice, viewable, with_map, with_number};
use crate::kernel::functions::Map;
use crate::kernel::network::{self, Gradients, Layers, Operands, Packed, Saves, Shape, Traced};
use crate::tensors::Tensors;

impl NetworkOps for Flex {
    fn network(x: FlexTensor, layers: Tensors<Self>, functions: Functions) -> Option<FlexTensor> {
        with_number!(
            x.dtype(),
            T => with_map!(functions.hidden, F => Some(forward::<F, T>(x, layers, functions, None).0)),
            None
        )
    }

    fn network_saved(
        x: FlexTensor,
        layers: Tensors<Self>,
        functions: Functions,
    ) -> Option<(FlexTensor, FlexTensor)> {
        let saves = Some(saves(functions));
        with_number!(
            x.dtype(),
            T => with_map!(functions.hidden, F => Some(forward::<F, T>(x, layers, functions, saves))),
            None
        )
    }

    fn network_traced(
        x: FlexTensor,
        layers: Tensors<Self>,
        functions: Functions,
        joint: FlexTensor,
    ) -> Option<(FlexTensor, FlexTensor)> {
        with_number!(
            x.dtype(),
            T => with_map!(functions.hidden, F => Some(traced::<F, T>(x, layers, functions, joint))),
            None
        )
    }

    fn network_backward(
        x: FlexTensor,
        layers: Tensors<Self>,
        functions: Functions,
        saved: FlexTensor,
        gradient: FlexTensor,
        wanted: Wanted,
    ) -> Option<Vec<FlexTensor>> {
        with_number!(
            x.dtype(),
            T => with_map!(
                functions.hidden,
                F => Some(backward::<F, T>(x, layers, functions, [saved, gradient], wanted))
            ),
            None
        )
    }
}

pub(crate) fn saves(functions: Functions) -> Saves {
    if functions.hidden.derivative_from_result() { Saves::Results } else { Saves::Arguments }
}

/// The shape of a network with this many inputs.
pub(crate) fn shape(n_in: usize, Tensors(layers): &Tensors<Flex>, functions: Functions) -> Shape {
    let biases = layers.iter().skip(1).step_by(2).map(|bias| bias.shape()[0]);
    Shape::new(std::iter::once(n_in).chain(biases).collect(), functions.at_last)
}

/// The weights with their biases.
pub(crate) fn packed<T: Scalar>(Tensors(layers): &Tensors<Flex>) -> Vec<Packed<T>> {
    let of_layer = |layer: &[FlexTensor]| {
        let (weight, bias) = (viewable(layer[0].clone()), readable(layer[1].clone()));
        Packed::new(matrix::<T>(&weight), Some(slice(&bias)))
    };
    layers.chunks_exact(2).map(of_layer).collect()
}

fn forward<F: Map, T: Scalar>(
    x: FlexTensor,
    layers: Tensors<Flex>,
    functions: Functions,
    saves: Option<Saves>,
) -> (FlexTensor, FlexTensor) {
    let shape = shape(x.shape()[1], &layers, functions);
    let x = readable(x);
    let packed = packed::<T>(&layers);
    let (rows, width) = (x.shape()[0], if saves.is_some() { shape.saved() } else { 0 });
    let [_, n_out] = shape.layer(shape.layers() - 1);
    let (y, saved) = network::forward::<F, T>(&shape, &packed, slice(&x), rows, saves);
    (
        FlexTensor::from_data(TensorData::new(y, [rows, n_out])),
        FlexTensor::from_data(TensorData::new(saved, [rows, width])),
    )
}

fn traced<F: Map, T: Scalar>(
    x: FlexTensor,
    layers: Tensors<Flex>,
    functions: Functions,
    joint: FlexTensor,
) -> (FlexTensor, FlexTensor) {
    let shape = shape(x.shape()[1], &layers, functions);
    let derivative_from_result = functions.hidden.derivative_from_result();
    let Ok(weights) = <[_; 3]>::try_from(packed::<T>(&layers)) else { unreachable!("three layers") };
    let (x, joint) = (readable(x), viewable(joint));
    let joint = Packed::new(matrix::<T>(&joint), None);
    let ([n_in, _], [_, n_out]) = (shape.layer(0), shape.layer(2));
    let rows = x.shape()[0];
    let network = Traced { weights, joint, n_in, n_out, derivative_from_result };
    let (y, trace) = network::traced::<F, T>(&network, slice(&x), rows);
    (
        FlexTensor::from_data(TensorData::new(y, [rows, n_out])),
        FlexTensor::from_data(TensorData::new(trace, [rows])),
    )
}

fn backward<F: Map, T: Scalar>(
    x: FlexTensor,
    layers: Tensors<Flex>,
    functions: Functions,
    [saved, gradient]: [FlexTensor; 2],
    wanted: Wanted,
) -> Vec<FlexTensor> {
    let shape = shape(x.shape()[1], &layers, functions);
    let (x, gradient) = (readable(x), readable(gradient));
    let weights = transposed::<T>(&layers, wanted.x);
    let layers = Layers { shape: &shape, weights: &weights, saves: saves(functions) };
    let operands = Operands { layers, x: slice(&x), saved: slice(&saved), gradient: slice(&gradient) };
    let gradients = network::backward::<F, T>(&operands, wanted);
    tensors(&shape, gradients, x.layout().shape().dims())
}

/// The transposed weights, those of the first layer on demand.
pub(crate) fn transposed<T: Scalar>(layers: &Tensors<Flex>, with_first: bool) -> Vec<Option<Packed<T>>> {
    let weights = layers.0.iter().step_by(2).enumerate().map(|(layer, weight)| {
        let weight = viewable(weight.clone());
        (layer > 0 || with_first).then(|| Packed::new(matrix::<T>(&weight).transposed(), None))
    });
    weights.collect()
}

/// Gradients as tensors, those of the layers and then that of `x`, whose shape is given.
pub(crate) fn tensors<T: Scalar>(
    shape: &Shape,
    Gradients { layers, x }: Gradients<T>,
    shape_of_x: [usize; 2],
) -> Vec<FlexTensor> {
    let of_layers = layers.into_iter().enumerate().flat_map(|(layer, [weight, bias])| {
        let [n_in, n_out] = shape.layer(layer);
        [TensorData::new(weight, [n_in, n_out]), TensorData::new(bias, [n_out])]
    });
    let of_x = x.map(|of_x| TensorData::new(of_x, shape_of_x));
    of_layers.chain(of_x).map(FlexTensor::from_data).collect()
}
