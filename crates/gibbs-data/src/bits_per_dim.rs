//! Bits per dimension, the unit for likelihoods of images.

use std::f64::consts::LN_2;

/// Bits per dimension, `8 - log_prob / (width ln 2)`, from a mean log density (nats) of `width` gray values that were
/// dequantized to `[0, 1]`. The 8 bits stand for the width 1/256 of the cell of a gray value.
pub fn bits_per_dim(log_prob: f64, width: usize) -> f64 {
    8.0 - log_prob / (width as f64 * LN_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uniform_density_costs_eight_bits() {
        assert_eq!(bits_per_dim(0.0, 784), 8.0);
        assert!((bits_per_dim(784.0 * 7.0 * LN_2, 784) - 1.0).abs() < 1e-12);
    }
}
