//! Velocity fields.

use burn::{
    module::{Module, ModuleDisplay},
    prelude::*,
};

/// A field of velocities `v(x, t | c)` with parameters.
pub trait VelocityField: Module + ModuleDisplay {
    /// Number of variables `D`.
    fn n_variables(&self) -> usize;

    /// Width of the context `C`, 0 for none.
    fn n_context(&self) -> usize;

    /// The field in a context `[n, C]`. It computes everything that is constant during a solve once.
    ///
    /// # Panics
    /// If the context has another width, or there is none where one is needed.
    fn velocity<'a>(&'a self, context: Option<&Tensor<2>>) -> Box<dyn Velocity + 'a>;
}

/// A velocity field in its context, ready for many evaluations. Times are `[1, 1]`, or `[n, 1]` with one for each point. All results
/// are differentiable.
pub trait Velocity {
    /// `v(x, t)` at points `[n, D]`: `[n, D]`.
    fn at(&self, t: &Tensor<2>, x: Tensor<2>) -> Tensor<2>;

    /// `v` and its derivative along `direction [n, D]`, `J·ε` with `J_ij = ∂v_i/∂x_j`: both `[n, D]`.
    fn along(&self, t: &Tensor<2>, x: Tensor<2>, direction: &Tensor<2>) -> (Tensor<2>, Tensor<2>);

    /// `v [n, D]` and its divergence `Σ_i ∂v_i/∂x_i`, `[n]`. By default from the derivatives along all axes.
    fn divergence(&self, t: &Tensor<2>, x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let (shape, options) = (x.dims(), (&x.device(), x.dtype()));
        let axis = |i: usize| {
            let row: Vec<f32> = (0..shape[1]).map(|j| f32::from(i == j)).collect();
            Tensor::<2>::from_data(TensorData::new(row, [1, shape[1]]), options).expand(shape)
        };
        let of_axis = |i: usize| {
            let (v, change) = self.along(t, x.clone(), &axis(i));
            (v, change.narrow(1, i, 1))
        };
        let (v, first) = of_axis(0);
        let divergence = (1..shape[1]).fold(first, |total, i| total + of_axis(i).1);
        (v, divergence.squeeze_dim(1))
    }
}

/// A time as a tensor `[1, 1]` for points like `x`.
pub fn time(t: f64, x: &Tensor<2>) -> Tensor<2> {
    Tensor::full([1, 1], t, (&x.device(), x.dtype()))
}

/// Checks that a context has the width that a field needs.
///
/// # Panics
/// If it has another width, or there is none where one is needed.
pub(super) fn check_context(context: Option<&Tensor<2>>, n_context: usize) {
    let found = context.map(|context| context.dims()[1]).unwrap_or(0);
    assert_eq!(found, n_context, "a context of width {found} for a field that takes one of {n_context}");
}
