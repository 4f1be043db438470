//! Checks by backpropagation which inputs an output depends on.

use burn::prelude::*;
use gibbs_core::math::to_host;

/// Checks that output `i` of `network` (`[batch, width] -> [batch, outputs]`) depends on input `j` if and only if
/// `allowed(i, j)`. `x [1, width]` is on an autodiff device and generic (no zeros, no equal values), so that every dependency
/// has a gradient that is not zero.
///
/// # Panics
/// If a dependency is not allowed, or if an allowed one is missing.
pub fn check_autoregressive(
    x: Tensor<2>,
    network: impl Fn(Tensor<2>) -> Tensor<2>,
    allowed: impl Fn(usize, usize) -> bool,
) {
    let width = x.dims()[1];
    let outputs = network(x.clone()).dims()[1];
    for i in 0..outputs {
        let x = x.clone().detach().require_grad();
        let gradients = network(x.clone()).slice([0..1, i..i + 1]).sum().backward();
        let gradient = x.grad(&gradients).map_or_else(|| vec![0.0; width], to_host);
        for (j, g) in gradient.iter().enumerate() {
            let depends = *g != 0.0;
            assert!(!depends || allowed(i, j), "output {i} depends on input {j}, which is not allowed");
            assert!(depends || !allowed(i, j), "output {i} does not depend on input {j}, but it should");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(allowed: impl Fn(usize, usize) -> bool) {
        let device = Device::flex().autodiff();
        let lower: Tensor<2> =
            Tensor::from_data([[0.0, 1.0, 2.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]], &device);
        let x = Tensor::from_data([[0.3, -1.2, 0.7]], &device);
        check_autoregressive(x, |x| x.matmul(lower.clone()), allowed);
    }

    #[test]
    fn a_strictly_triangular_map_passes() {
        check(|i, j| j < i);
    }

    #[test]
    #[should_panic(expected = "output 2 depends on input 1")]
    fn a_leak_is_named() {
        check(|i, j| j < i && (i, j) != (2, 1));
    }

    #[test]
    #[should_panic(expected = "output 0 does not depend on input 0")]
    fn a_lost_connection_is_named() {
        check(|i, j| j <= i);
    }
}
