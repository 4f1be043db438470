//! From grey values to coordinates in which a density model works, and back to bits.

use std::f64::consts::LN_2;

use burn::prelude::*;
use gibbs_backend::log_sigmoid;

use crate::DataError;

/// The logit transform of values in `[0, 1]` with its log-determinant.
///
/// ```text
/// s = lambda + (1 - 2 lambda) x,    y = ln s - ln(1 - s)
/// ladj = ln |det ∂y/∂x| = sum over the values of  ln(1 - 2 lambda) - ln s - ln(1 - s)
/// ```
///
/// A model's density of `x` is `log_prob(y) + ladj`. References: L. Dinh, J. Sohl-Dickstein, S. Bengio, *Density estimation
/// using Real NVP*, ICLR 2017, arXiv:1605.08803 (lambda 0.05); G. Papamakarios, T. Pavlakou, I. Murray, *Masked
/// autoregressive flow for density estimation*, NeurIPS 2017, arXiv:1705.07057 (lambda 1e-6 for MNIST).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logit {
    lambda: f64,
}

impl Logit {
    /// The transform that keeps a distance of `lambda` from 0 and 1.
    ///
    /// # Errors
    ///
    /// [`DataError::Lambda`] unless `0 <= lambda < 1/2`.
    pub fn new(lambda: f64) -> Result<Self, DataError> {
        if (0.0..0.5).contains(&lambda) { Ok(Self { lambda }) } else { Err(DataError::Lambda { lambda }) }
    }

    /// Values `x [batch, width]` in `[0, 1]` to `(y [batch, width], ladj [batch])`.
    pub fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let scale = 1.0 - 2.0 * self.lambda;
        let [_, width] = x.dims();
        let log_s = (x.clone() * scale + self.lambda).log();
        let log_rest = ((-x + 1.0) * scale + self.lambda).log();
        let ladj = (log_s.clone() + log_rest.clone()).sum_dim(1).squeeze_dim(1).neg();
        (log_s - log_rest, ladj + width as f64 * scale.ln())
    }

    /// Any `y [batch, width]` to `(x [batch, width], ln |det ∂x/∂y| [batch])`.
    pub fn inverse(&self, y: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let scale = 1.0 - 2.0 * self.lambda;
        let [_, width] = y.dims();
        let log_s = log_sigmoid(y.clone());
        let log_rest = log_sigmoid(-y);
        let ladj = (log_s.clone() + log_rest).sum_dim(1).squeeze_dim(1);
        ((log_s.exp() - self.lambda) / scale, ladj - width as f64 * scale.ln())
    }
}

/// Bits per dimension of a mean log density (nats) of `width` grey values that were dequantized to `[0, 1]`:
/// `8 - log_prob / (width ln 2)`, the 8 bits being the width 1/256 of a grey value's cell.
pub fn bits_per_dim(log_prob: f64, width: usize) -> f64 {
    8.0 - log_prob / (width as f64 * LN_2)
}

#[cfg(test)]
mod tests {
    use burn::tensor::DType;
    use gibbs_backend::device;

    use super::*;

    fn wide(values: Vec<f64>, shape: [usize; 2]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values, shape), (&device("flex").unwrap(), DType::F64))
    }

    fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
        tensor.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn forward_and_inverse_cancel() {
        let x: Vec<f64> = (0..30).map(|i| (f64::from(i) + 0.5) / 30.0).collect();
        for lambda in [0.0, 1e-6, 0.05] {
            let logit = Logit::new(lambda).unwrap();
            let (y, ladj) = logit.forward(wide(x.clone(), [6, 5]));
            let (back, inverse_ladj) = logit.inverse(y);
            host(back).iter().zip(&x).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{a} {b}"));
            host(ladj + inverse_ladj).iter().for_each(|sum| assert!(sum.abs() < 1e-11, "{sum}"));
        }
    }

    #[test]
    fn the_log_determinant_is_that_of_the_map() {
        let step = 1e-6;
        let logit = Logit::new(0.01).unwrap();
        for x in [0.001, 0.2, 0.5, 0.77, 0.999] {
            let y = |x: f64| host(logit.forward(wide(vec![x], [1, 1])).0)[0];
            let slope = (y(x + step) - y(x - step)) / (2.0 * step);
            let ladj = host(logit.forward(wide(vec![x], [1, 1])).1)[0];
            assert!((ladj - slope.ln()).abs() < 1e-7, "{x}: {ladj} {}", slope.ln());
        }
        let one = |x: f64| host(logit.forward(wide(vec![x], [1, 1])).1)[0];
        let both = host(logit.forward(wide(vec![0.2, 0.9], [1, 2])).1)[0];
        assert!((both - one(0.2) - one(0.9)).abs() < 1e-12);
    }

    #[test]
    fn the_ends_of_the_interval_stay_finite() {
        let logit = Logit::new(1e-6).unwrap();
        let device = device("flex").unwrap();
        let (y, ladj) = logit.forward(Tensor::from_data([[0.0f32, 1.0]], &device));
        let y = y.into_data().try_to_vec::<f32>().unwrap();
        assert!((y[1] - 13.8155).abs() < 1e-3 && (y[0] + y[1]).abs() < 1e-3, "{y:?}");
        assert!(ladj.into_data().try_to_vec::<f32>().unwrap()[0].is_finite());
        let far = Tensor::from_data([[-200.0f32, 200.0]], &device);
        let (x, ladj) = logit.inverse(far);
        assert!(x.into_data().try_to_vec::<f32>().unwrap().iter().all(|x| (-1e-5..=1.00001).contains(x)));
        let ladj = ladj.into_data().try_to_vec::<f32>().unwrap()[0];
        assert!((ladj + 400.0).abs() < 1e-3, "{ladj}");
    }

    #[test]
    fn a_uniform_density_costs_eight_bits() {
        assert_eq!(bits_per_dim(0.0, 784), 8.0);
        assert!((bits_per_dim(784.0 * 7.0 * LN_2, 784) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn lambda_out_of_range() {
        for lambda in [-0.1, 0.5, f64::NAN] {
            assert!(matches!(Logit::new(lambda), Err(DataError::Lambda { .. })));
        }
    }
}
