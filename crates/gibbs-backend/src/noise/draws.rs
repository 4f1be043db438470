//! Random tensors.

use burn::tensor::{DType, Int, Tensor, TensorCreationOptions, TensorData};

use super::Noise;
use crate::elementwise::{BernoulliParam, bernoulli};
use crate::kernel::draws::{Coarse, Draw, Normal, Uniform};

impl Noise {
    /// A tensor of uniform numbers from `[0, 1)`, one word each in row-major order.
    ///
    /// `options` is a `&Device` (with its default type) or `(&Device, DType)`. An f64 tensor has the values of
    /// [`fill_uniform_f64`](Noise::fill_uniform_f64), other tensors those of [`fill_uniform`](Noise::fill_uniform).
    pub fn uniform<const D: usize>(
        &mut self,
        shape: [usize; D],
        options: impl Into<TensorCreationOptions>,
    ) -> Tensor<D> {
        self.tensor::<D, Uniform>(shape, options)
    }

    /// A tensor of standard normal numbers, one word each in row-major order. See [`fill_normal`](Noise::fill_normal) for the
    /// values and [`uniform`](Noise::uniform) for `options`.
    pub fn normal<const D: usize>(
        &mut self,
        shape: [usize; D],
        options: impl Into<TensorCreationOptions>,
    ) -> Tensor<D> {
        self.tensor::<D, Normal>(shape, options)
    }

    /// Independent bits, 1 with probability `probs` and 0 otherwise, in the shape, type and device of `probs`.
    ///
    /// The bit is `u < p` with `u` as in [`uniform`](Noise::uniform), one word each in row-major order. Probabilities 0 and 1
    /// are exact, and NaN gives 0. The result has no gradient.
    pub fn bernoulli<const D: usize>(&mut self, probs: Tensor<D>) -> Tensor<D> {
        let cursor = self.take(probs.shape().num_elements());
        bernoulli(BernoulliParam::Probs, probs, cursor)
    }

    /// Independent bits, 1 with probability `1/(1 + exp(-x))` for the logit `x`, in the shape, type and device of
    /// `logits`.
    ///
    /// The bit is `u < sigmoid(x)` with `u` as in [`uniform`](Noise::uniform), one word each in row-major order. NaN gives 0.
    /// The sigmoids of two devices can differ by rounding, which changes about one in ten million bits. The result has no
    /// gradient.
    ///
    /// On `flex` this is one pass over memory for sigmoid, generator and comparison, with SIMD and threads.
    pub fn bernoulli_logits<const D: usize>(&mut self, logits: Tensor<D>) -> Tensor<D> {
        let cursor = self.take(logits.shape().num_elements());
        bernoulli(BernoulliParam::Logits, logits, cursor)
    }

    /// One category per row of `logits`: `[n, k]` to `[n]` with values in `0..k`, category `j` with probability
    /// `exp(x_j) / Σ exp(x_i)`. A logit of -∞ means probability 0.
    ///
    /// The method is inversion, with one word per row: the result is the number of categories whose cumulative weight is at
    /// most `u` times the total. A row must have at least one finite logit, no NaN and no +∞.
    ///
    /// # Panics
    ///
    /// If there are no categories.
    pub fn categorical(&mut self, logits: Tensor<2>) -> Tensor<1, Int> {
        let [n, k] = logits.dims();
        assert!(k > 0, "categorical: logits of shape [{n}, 0] have no categories");
        let logits = logits.inner();
        let u = self.tensor::<2, Coarse>([n, 1], (&logits.device(), logits.dtype()));
        let weights = (logits.clone() - logits.max_dim(1)).exp();
        let cumulative = weights.cumsum(1);
        let threshold = cumulative.clone().narrow(1, k - 1, 1) * u;
        cumulative.lower_equal(threshold.expand([n, k])).int().sum_dim(1).squeeze_dim(1)
    }

    /// Draws in f64 if the tensor is f64, else in f32.
    fn tensor<const D: usize, L: Draw<f32> + Draw<f64>>(
        &mut self,
        shape: [usize; D],
        options: impl Into<TensorCreationOptions>,
    ) -> Tensor<D> {
        let options = options.into();
        let dtype = options.dtype.unwrap_or_else(|| options.device.settings().float_dtype.into());
        let count = shape.iter().product();
        let data = if dtype == DType::F64 {
            let mut values = vec![0f64; count];
            self.fill::<L, f64>(&mut values);
            TensorData::new(values, shape)
        } else {
            let mut values = vec![0f32; count];
            self.fill::<L, f32>(&mut values);
            TensorData::new(values, shape)
        };
        Tensor::from_data(data, options.with_dtype(dtype))
    }
}
