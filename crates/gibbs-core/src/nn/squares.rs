//! Squares of sites of an image as channels, and back: how a network changes between two scales.

use burn::prelude::*;

/// Squares of four sites as one site with four times the channels: `[n, R, C, c]` to `[n, R/2, C/2, 4·c]`.
///
/// # Panics
/// If the number of rows or columns is odd.
pub fn coarsened(x: Tensor<4>) -> Tensor<4> {
    let [n, rows, columns, channels] = x.dims();
    x.reshape([n, rows / 2, 2, columns / 2, 2 * channels]).permute([0, 1, 3, 2, 4]).reshape([
        n,
        rows / 2,
        columns / 2,
        4 * channels,
    ])
}

/// The reverse of [`coarsened`]: `[n, R, C, 4·c]` to `[n, 2·R, 2·C, c]`.
///
/// # Panics
/// If the number of channels is no multiple of four.
pub fn refined(x: Tensor<4>) -> Tensor<4> {
    let [n, rows, columns, channels] = x.dims();
    x.reshape([n, rows, columns, 2, channels / 2]).permute([0, 1, 3, 2, 4]).reshape([
        n,
        2 * rows,
        2 * columns,
        channels / 4,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::to_host;

    #[test]
    fn a_site_holds_the_square_of_its_four_sites() {
        let x = Tensor::<1, Int>::arange(0..48, &Device::flex()).float().reshape([1, 4, 6, 2]);
        let y = coarsened(x.clone());
        assert_eq!(y.dims(), [1, 2, 3, 8]);
        // The square in the second row and the last column: sites (2, 4), (2, 5), (3, 4) and (3, 5).
        let corner = to_host(y.clone().narrow(1, 1, 1).narrow(2, 2, 1));
        assert_eq!(corner, [32.0, 33.0, 34.0, 35.0, 44.0, 45.0, 46.0, 47.0]);
        assert_eq!(to_host(refined(y)), to_host(x));
    }
}
