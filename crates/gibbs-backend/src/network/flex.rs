//! Networks on `flex` in f32 and f64.

use burn::backend::{Flex, TensorMetadata};
use burn::tensor::TensorData;
use burn_flex::FlexTensor;

use super::extension::{Functions, NetworkOps};
use crate::flex::{Scalar, matrix, readable, slice, viewable, with_map, with_number};
use crate::kernel::functions::Map;
use crate::kernel::network::{self, Gradients, Operands, Packed, Saves, Shape, Traced};
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
        with_x: bool,
    ) -> Option<Vec<FlexTensor>> {
        with_number!(
            x.dtype(),
            T => with_map!(
                functions.hidden,
                F => Some(backward::<F, T>(x, layers, functions, [saved, gradient], with_x))
            ),
            None
        )
    }
}

fn saves(functions: Functions) -> Saves {
    if functions.hidden.derivative_from_result() { Saves::Results } else { Saves::Arguments }
}

fn shape(x: &FlexTensor, Tensors(layers): &Tensors<Flex>, functions: Functions) -> Shape {
    let biases = layers.iter().skip(1).step_by(2).map(|bias| bias.shape()[0]);
    Shape::new(std::iter::once(x.shape()[1]).chain(biases).collect(), functions.at_last)
}

/// The weights with their biases.
fn packed<T: Scalar>(Tensors(layers): &Tensors<Flex>) -> Vec<Packed<T>> {
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
    let shape = shape(&x, &layers, functions);
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
    let shape = shape(&x, &layers, functions);
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
    with_x: bool,
) -> Vec<FlexTensor> {
    let shape = shape(&x, &layers, functions);
    let (x, gradient) = (readable(x), readable(gradient));
    let weights = layers.0.iter().step_by(2).enumerate().map(|(layer, weight)| {
        let weight = viewable(weight.clone());
        (layer > 0 || with_x).then(|| Packed::new(matrix::<T>(&weight).transposed(), None))
    });
    let weights: Vec<_> = weights.collect();
    let operands = Operands {
        shape: &shape,
        weights: &weights,
        x: slice(&x),
        saved: slice(&saved),
        saves: saves(functions),
        gradient: slice(&gradient),
    };
    let Gradients { layers, x: of_x } = network::backward::<F, T>(&operands, with_x);
    let of_layers = layers.into_iter().enumerate().flat_map(|(layer, [weight, bias])| {
        let [n_in, n_out] = shape.layer(layer);
        [TensorData::new(weight, [n_in, n_out]), TensorData::new(bias, [n_out])]
    });
    let of_x = of_x.map(|of_x| TensorData::new(of_x, x.shape()));
    of_layers.chain(of_x).map(FlexTensor::from_data).collect()
}
