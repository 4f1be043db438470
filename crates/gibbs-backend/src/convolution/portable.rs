//! Convolutions as compositions of Burn's operations.

use burn::backend::{Backend, TensorMetadata, ops::ConvOptions, tensor::FloatTensor};
use burn::tensor::{Shape, Slice};

use super::Window;
use crate::Function;
use crate::elementwise::extension::ElementwiseOps;

pub(crate) fn convolution<B: ElementwiseOps>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    window: Window,
    function: Option<Function>,
) -> FloatTensor<B> {
    let ([_, _, _, n_in], [n_out]) = (x.shape().dims(), bias.shape().dims());
    let kernel = Shape::from([window.height, window.width(), n_in, n_out]);
    let kernel = B::float_permute(B::float_reshape(weight, kernel), &[3, 2, 0, 1]);
    let maps = B::float_permute(padded::<B>(x, window), &[0, 3, 1, 2]);
    let y = B::float_permute(B::conv2d(maps, kernel, Some(bias), once()), &[0, 2, 3, 1]);
    let sites = y.shape().num_elements() / n_out;
    let y = B::float_reshape(y, Shape::from([sites, n_out]));
    match function {
        Some(function) => B::map(function, y),
        None => y,
    }
}

pub(crate) fn weight_gradient<B: Backend>(
    x: FloatTensor<B>,
    slopes: FloatTensor<B>,
    window: Window,
) -> FloatTensor<B> {
    let ([n, rows, columns, n_in], [_, n_out]) = (x.shape().dims(), slopes.shape().dims());
    // A convolution with the examples as channels and the slopes as kernel.
    let slopes = B::float_reshape(slopes, Shape::from([n, window.rows_out(rows), columns, n_out]));
    let slopes = B::float_permute(slopes, &[3, 0, 1, 2]);
    let maps = B::float_permute(padded::<B>(x, window), &[3, 0, 1, 2]);
    let gradient = B::float_permute(B::conv2d(maps, slopes, None, once()), &[2, 3, 0, 1]);
    B::float_reshape(gradient, Shape::from([window.taps() * n_in, n_out]))
}

/// `K_ijᵀ` with the sites of the window in reverse order, `[height·width·out, in]`.
pub(crate) fn reversed<B: Backend>(weight: FloatTensor<B>, window: Window) -> FloatTensor<B> {
    let [inputs, n_out] = weight.shape().dims();
    let (taps, n_in) = (window.taps(), inputs / window.taps());
    let weight = B::float_reshape(weight, Shape::from([taps, n_in, n_out]));
    let weight = B::float_swap_dims(B::float_flip(weight, &[0]), 1, 2);
    B::float_reshape(weight, Shape::from([taps * n_out, n_in]))
}

/// Stride 1, no margins.
fn once() -> ConvOptions<2> {
    ConvOptions::new([1, 1], [0, 0], [1, 1], 1)
}

/// The maps with their margins.
fn padded<B: Backend>(x: FloatTensor<B>, window: Window) -> FloatTensor<B> {
    let [n, rows, columns, channels] = x.shape().dims();
    let zeros = |rows: usize, columns: usize| {
        B::float_zeros(Shape::from([n, rows, columns, channels]), &x.device(), x.dtype().into())
    };
    let margin = |count: usize, first: usize| match (count, window.periodic) {
        (0, _) => None,
        (count, false) => Some(zeros(rows, count)),
        (count, true) => {
            let all = |length: usize| Slice::from(0..length);
            let columns = Slice::from(first..first + count);
            Some(B::float_slice(x.clone(), &[all(n), all(rows), columns, all(channels)]))
        }
    };
    let (left, right) = (margin(window.left, columns.saturating_sub(window.left)), margin(window.right, 0));
    let wide = columns + window.left + window.right;
    let over = |count: usize| (count > 0).then(|| zeros(count, wide));
    let (above, below) = (over(window.above), over(window.below));
    let joined = |before: Option<FloatTensor<B>>, x, after: Option<FloatTensor<B>>, dim| {
        let parts: Vec<FloatTensor<B>> = before.into_iter().chain([x]).chain(after).collect();
        B::float_cat(parts, dim)
    };
    joined(above, joined(left, x.clone(), right, 2), below, 1)
}
