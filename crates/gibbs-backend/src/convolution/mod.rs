//! Convolutions over the sites of a lattice.

mod autodiff;
mod extension;
#[cfg(feature = "flex")]
mod flex;
mod portable;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::Function;
use extension::ConvolutionOps;

/// The sites over which a [`convolution`] sums, and the boundary of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows of the window, at least 1.
    pub height: usize,
    /// Rows of zeros above the map, less than `height`.
    pub above: usize,
    /// Rows of zeros below the map, less than `height`.
    pub below: usize,
    /// Columns to the left of the site.
    pub left: usize,
    /// Columns to the right of the site.
    pub right: usize,
    /// Whether the columns are periodic. Otherwise there are zeros to the left and to the right of the map. A periodic window
    /// has `left` and `right` at most equal to the number of columns.
    pub periodic: bool,
}

impl Window {
    /// Columns of the window.
    pub fn width(&self) -> usize {
        self.left + 1 + self.right
    }

    /// Number of sites of the window.
    pub fn taps(&self) -> usize {
        self.height * self.width()
    }

    /// Rows of the result for a map with `rows` rows.
    pub(crate) fn rows_out(&self, rows: usize) -> usize {
        rows + self.above + self.below + 1 - self.height
    }

    /// The window of the gradient with respect to the map.
    fn adjoint(self) -> Self {
        let outside = self.height - 1;
        Self {
            above: outside - self.above,
            below: outside - self.below,
            left: self.right,
            right: self.left,
            ..self
        }
    }
}

/// `y_rc = f(Σ_ij x_{r+i-above, c+j-left}·K_ij + b)` over the sites `(i, j)` of a window.
///
/// | operand | shape | |
/// |---|---|---|
/// | `x` | `[n, R, C, in]` | the channels of a site are neighbors |
/// | `weight` | `[height·width·in, out]` | `K_ij` is a block of `in` rows, the sites of the window row by row |
/// | `bias` | `[out]` | |
/// | result | `[n, R + above + below - height + 1, C, out]` | |
///
/// A window whose last row is that of the site has `above = height - 1` and `below = 0`. If the map contains the rows above
/// it, `above = 0`.
///
/// On `flex`, in f32 and f64, the kernel multiplies each example with its margins in place, without copies of the windows, and
/// applies bias and function. The result does not depend on the number of threads. On other backends it is Burn's convolution.
///
/// # Panics
///
/// If the shapes do not fit, the window has more rows than the map with its zeros, `above` or `below` are not less than
/// `height`, `left` or `right` of a periodic window exceed the number of columns, or the types differ.
pub fn convolution(
    x: Tensor<4>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    window: Window,
    function: Option<Function>,
) -> Tensor<4> {
    let ([n, rows, columns, n_in], matrix, [n_out]) = (x.dims(), weight.dims(), bias.dims());
    let Window { height, above, below, left, right, periodic } = window;
    assert!(
        above < height && below < height && height <= rows + above + below,
        "convolution: {window:?} does not fit x with {rows} rows"
    );
    assert!(
        !periodic || left.max(right) <= columns,
        "convolution: {window:?} is too wide for x with {columns} columns"
    );
    assert!(
        matrix == [window.taps() * n_in, n_out] && n_in > 0 && n_out > 0 && columns > 0,
        "convolution: x of shape {:?}, weight of shape {matrix:?}, bias of shape [{n_out}], {window:?}",
        x.dims()
    );
    let types = [x.dtype(), weight.dtype(), bias.dtype()];
    assert!(types.iter().all(|dtype| *dtype == types[0]), "convolution: types {types:?}");
    let y = Tensor::<2>::from_dispatch(<Dispatch as ConvolutionOps>::convolution(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        window,
        function,
    ));
    y.reshape([n, window.rows_out(rows), columns, n_out])
}

#[cfg(test)]
mod tests;
