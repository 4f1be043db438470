//! Networks on prefixes as compositions of Burn's operations.
//!
//! The variables form segments of about `√D`. The hidden layers of a segment are a tensor `[segment, n, H]`. Sums over the earlier
//! or later variables of a segment are products with a strictly triangular matrix.

use std::ops::Range;

use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{Shape, Slice, TensorData};

use crate::Function;
use crate::elementwise::extension::ElementwiseOps;

/// The hidden layers without their weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layers {
    pub(crate) n_variables: usize,
    pub(crate) function: Function,
}

/// The operands are `start`, `x`, `w` and `v`.
pub(crate) fn prefix_networks<B: ElementwiseOps>(
    operands: [FloatTensor<B>; 4],
    b: FloatTensor<B>,
    layers: Layers,
) -> FloatTensor<B> {
    let row = Shape::from([1, b.shape()[0]]);
    let mut a = operands[0].clone();
    let mut y = Vec::new();
    for range in segments(layers) {
        let segment = Segment::<B>::cut(&operands, range, layers);
        let h = B::map(layers.function, segment.arguments(a.clone()));
        y.push(side_by_side::<B>(B::float_matmul(h, segment.v())));
        a = segment.behind(a);
    }
    B::float_add(B::float_cat(y, 1), B::float_reshape(b, row))
}

/// The gradients of `start`, `x` (if `with_x`), `w` and `v`, as in the kernel for `flex`.
pub(crate) fn prefix_networks_backward<B: ElementwiseOps>(
    operands: [FloatTensor<B>; 4],
    gradient: FloatTensor<B>,
    layers: Layers,
    with_x: bool,
) -> (FloatTensor<B>, Option<FloatTensor<B>>, FloatTensor<B>, FloatTensor<B>) {
    let cut = |range| Segment::<B>::cut(&operands, range, layers);
    let mut a = operands[0].clone();
    let mut passed = Vec::new();
    for range in segments(layers) {
        passed.push((range.clone(), a.clone()));
        a = cut(range).behind(a);
    }
    let mut da = B::float_mul_scalar(operands[0].clone(), 0.0.into());
    let (mut dx, mut dw, mut dv) = (Vec::new(), Vec::new(), Vec::new());
    for (range, a) in passed.into_iter().rev() {
        let segment = cut(range.clone());
        let g = stacked::<B>(columns::<B>(&gradient, &range, layers), range.len());
        let arguments = segment.arguments(a);
        let h = B::map(layers.function, arguments.clone());
        let saved = if layers.function.derivative_from_result() { h.clone() } else { arguments };
        dv.push(side_by_side::<B>(B::float_matmul(transposed::<B>(h), g.clone())));
        let slopes =
            B::map_backward(layers.function, saved, B::float_matmul(g, transposed::<B>(segment.v())));
        let behind = B::float_add(later::<B>(slopes.clone()), layer::<B>(da.clone()));
        da = B::float_add(da, summed::<B>(slopes));
        if with_x {
            dx.push(side_by_side::<B>(B::float_matmul(behind.clone(), transposed::<B>(segment.w()))));
        }
        dw.push(one_below_the_other::<B>(B::float_matmul(transposed::<B>(segment.x()), behind)));
    }
    let joined = |mut parts: Vec<FloatTensor<B>>, dim: usize| {
        parts.reverse();
        B::float_cat(parts, dim)
    };
    (da, with_x.then(|| joined(dx, 1)), joined(dw, 0), joined(dv, 1))
}

/// The segments in order.
fn segments(layers: Layers) -> impl Iterator<Item = Range<usize>> {
    let (length, n_variables) = (layers.n_variables.isqrt(), layers.n_variables);
    (0..n_variables).step_by(length).map(move |first| first..(first + length).min(n_variables))
}

/// The operands of a segment.
struct Segment<B: Backend> {
    /// `[n, segment·E]`
    x: FloatTensor<B>,
    /// `[segment·E, H]`
    w: FloatTensor<B>,
    /// `[H, segment·P]`
    v: FloatTensor<B>,
    length: usize,
}

impl<B: Backend> Segment<B> {
    fn cut([_, x, w, v]: &[FloatTensor<B>; 4], range: Range<usize>, layers: Layers) -> Self {
        let inputs = w.shape()[0] / layers.n_variables;
        let rows = range.start * inputs..range.end * inputs;
        Self {
            x: columns::<B>(x, &range, layers),
            w: B::float_slice(w.clone(), &[Slice::from(rows), Slice::full()]),
            v: columns::<B>(v, &range, layers),
            length: range.len(),
        }
    }

    /// `[segment, n, E]`
    fn x(&self) -> FloatTensor<B> {
        stacked::<B>(self.x.clone(), self.length)
    }

    /// `[segment, E, H]`
    fn w(&self) -> FloatTensor<B> {
        let [rows, units] = self.w.shape().dims();
        B::float_reshape(self.w.clone(), Shape::from([self.length, rows / self.length, units]))
    }

    /// `[segment, H, P]`
    fn v(&self) -> FloatTensor<B> {
        stacked::<B>(self.v.clone(), self.length)
    }

    /// The arguments of the function `[segment, n, H]`, from that of the first variable.
    fn arguments(&self, a: FloatTensor<B>) -> FloatTensor<B> {
        B::float_add(earlier::<B>(B::float_matmul(self.x(), self.w())), layer::<B>(a))
    }

    /// The argument of the function after the last variable.
    fn behind(&self, a: FloatTensor<B>) -> FloatTensor<B> {
        B::float_add(a, B::float_matmul(self.x.clone(), self.w.clone()))
    }
}

/// The columns of a matrix for a range of variables.
fn columns<B: Backend>(matrix: &FloatTensor<B>, range: &Range<usize>, layers: Layers) -> FloatTensor<B> {
    let width = matrix.shape()[1] / layers.n_variables;
    let columns = range.start * width..range.end * width;
    B::float_slice(matrix.clone(), &[Slice::full(), Slice::from(columns)])
}

/// `[rows, count·width]` to `[count, rows, width]`.
fn stacked<B: Backend>(x: FloatTensor<B>, count: usize) -> FloatTensor<B> {
    let [rows, columns] = x.shape().dims();
    B::float_swap_dims(B::float_reshape(x, Shape::from([rows, count, columns / count])), 0, 1)
}

/// `[count, rows, width]` to `[rows, count·width]`.
fn side_by_side<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let [count, rows, width] = x.shape().dims();
    B::float_reshape(B::float_swap_dims(x, 0, 1), Shape::from([rows, count * width]))
}

/// `[count, rows, width]` to `[count·rows, width]`.
fn one_below_the_other<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let [count, rows, width] = x.shape().dims();
    B::float_reshape(x, Shape::from([count * rows, width]))
}

/// Transposes each matrix of a stack.
fn transposed<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    B::float_swap_dims(x, 1, 2)
}

/// `[n, H]` to `[1, n, H]`.
fn layer<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let [rows, columns] = x.shape().dims();
    B::float_reshape(x, Shape::from([1, rows, columns]))
}

/// `[count, n, H]` to `[n, H]`.
fn summed<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let [_, rows, columns] = x.shape().dims();
    B::float_reshape(B::float_sum_dim(x, 0), Shape::from([rows, columns]))
}

/// `Σ_{u<t} x_u` for each `t`, the first index.
fn earlier<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    combined::<B>(x, |t, u| u < t)
}

/// `Σ_{u>t} x_u` for each `t`, the first index.
fn later<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    combined::<B>(x, |t, u| u > t)
}

/// For each `t`, the sum of the `x_u` with `chosen(t, u)`.
fn combined<B: Backend>(x: FloatTensor<B>, chosen: impl Fn(usize, usize) -> bool) -> FloatTensor<B> {
    let shape = x.shape();
    let [count, rows, columns] = shape.dims();
    let pairs = (0..count).flat_map(|t| (0..count).map(move |u| (t, u)));
    let values = pairs.map(|(t, u)| if chosen(t, u) { 1.0f32 } else { 0.0 }).collect();
    let matrix = TensorData::new(values, [count, count]).convert_dtype(x.dtype());
    let matrix = B::float_from_data(matrix, &x.device());
    let flat = B::float_reshape(x, Shape::from([count, rows * columns]));
    B::float_reshape(B::float_matmul(matrix, flat), shape)
}
