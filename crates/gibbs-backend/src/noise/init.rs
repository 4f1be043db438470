//! Initial values of parameters.

use burn::module::Param;
use burn::tensor::{DType, Tensor, TensorCreationOptions, TensorData};
use serde::{Deserialize, Serialize};

use super::Noise;

/// The distribution of the initial values of a parameter.
///
/// Matrices are `[in, out]`: the last axis is the fan-out, the product of the others the fan-in (1 for a vector). Each value
/// costs one word of the stream, in row-major order; constants cost none. The values are computed in f64 on the CPU and rounded
/// to the type of the tensor, so that they are the same on every device.
///
/// ```
/// # if !gibbs_backend::compiled().contains(&"flex") { return Ok(()) }
/// use gibbs_backend::{Init, Noise, device};
///
/// let weight = Init::GlorotUniform.param([784, 500], &device("flex")?, &mut Noise::new(0, "init"));
/// assert_eq!(weight.dims(), [784, 500]);
/// # Ok::<(), gibbs_backend::BackendError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// All zero.
    Zeros,
    /// All equal to this value.
    Constant(f64),
    /// Normal with mean 0.
    Normal {
        /// The standard deviation.
        std: f64,
    },
    /// Uniform on `[low, high)`.
    Uniform {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
    /// Uniform on ±√(6 / (fan-in + fan-out)), for tanh and sigmoid units: Glorot & Bengio, AISTATS 2010, equation 16.
    GlorotUniform,
    /// Normal with variance 2 / (fan-in + fan-out), equation 12 of Glorot & Bengio.
    GlorotNormal,
    /// Uniform on ±√(6 / fan-in), for rectified units: He et al., ICCV 2015, doi:10.1109/ICCV.2015.123.
    HeUniform,
    /// Normal with variance 2 / fan-in, equation 10 of He et al.
    HeNormal,
}

impl Init {
    /// A tensor of initial values. `options` is a `&Device` or `(&Device, DType)`.
    pub fn tensor<const D: usize>(
        self,
        shape: [usize; D],
        options: impl Into<TensorCreationOptions>,
        noise: &mut Noise,
    ) -> Tensor<D> {
        let options = options.into();
        let dtype = options.dtype.unwrap_or_else(|| options.device.settings().float_dtype.into());
        let values = self.values(&shape, noise);
        let data = if dtype == DType::F64 {
            TensorData::new(values, shape)
        } else {
            TensorData::new(values.into_iter().map(|value| value as f32).collect(), shape)
        };
        Tensor::from_data(data, options.with_dtype(dtype))
    }

    /// A trainable parameter. It is drawn immediately, not at its first use.
    pub fn param<const D: usize>(
        self,
        shape: [usize; D],
        options: impl Into<TensorCreationOptions>,
        noise: &mut Noise,
    ) -> Param<Tensor<D>> {
        Param::from_tensor(self.tensor(shape, options, noise))
    }

    fn values(self, shape: &[usize], noise: &mut Noise) -> Vec<f64> {
        let fan_out = shape.last().copied().unwrap_or(1).max(1) as f64;
        let mut values = vec![0.0; shape.iter().product()];
        let fan_in = (values.len() as f64 / fan_out).max(1.0);
        let symmetric = |range: f64| (-range, range);
        let (low, high) = match self {
            Self::Zeros => return values,
            Self::Constant(value) => {
                values.fill(value);
                return values;
            }
            Self::Normal { std } => return normal(std, values, noise),
            Self::GlorotNormal => return normal((2.0 / (fan_in + fan_out)).sqrt(), values, noise),
            Self::HeNormal => return normal((2.0 / fan_in).sqrt(), values, noise),
            Self::Uniform { low, high } => (low, high),
            Self::GlorotUniform => symmetric((6.0 / (fan_in + fan_out)).sqrt()),
            Self::HeUniform => symmetric((6.0 / fan_in).sqrt()),
        };
        noise.fill_uniform_f64(&mut values);
        values.iter_mut().for_each(|value| *value = low + (high - low) * *value);
        values
    }
}

fn normal(std: f64, mut values: Vec<f64>, noise: &mut Noise) -> Vec<f64> {
    noise.fill_normal_f64(&mut values);
    values.iter_mut().for_each(|value| *value *= std);
    values
}
