//! Maps `[n, R, C, channels]` over a lattice, whole or row by row.

use burn::prelude::*;

/// The last rows of a map so far, `[n, height, C, channels]`. They are zero before the first row.
#[derive(Clone, Debug, Default)]
pub(super) struct Band(Option<Tensor<4>>);

impl Band {
    /// These rows with the `height` rows above them. Stores the last `height` rows for the next call.
    pub(super) fn extended(&mut self, rows: Tensor<4>, height: usize) -> Tensor<4> {
        if height == 0 {
            return rows;
        }
        let [n, _, columns, channels] = rows.dims();
        let above = self
            .0
            .take()
            .unwrap_or_else(|| Tensor::zeros([n, height, columns, channels], (&rows.device(), rows.dtype())));
        let all = Tensor::cat(vec![above, rows], 1);
        let rest = all.dims()[1] - height;
        self.0 = Some(all.clone().narrow(1, rest, height));
        all
    }
}

/// Channels of each site, `[n, R, C, channels]` to `[n·R·C, channels]`.
pub(super) fn rows(x: Tensor<4>) -> Tensor<2> {
    let channels = x.dims()[3];
    let sites = x.shape().num_elements() / channels;
    x.reshape([sites, channels])
}

/// Moves each site to the next place along a dimension, with zeros in the first place.
pub(super) fn shifted(x: Tensor<4>, dim: usize) -> Tensor<4> {
    let length = x.dims()[dim];
    let outside = x.clone().narrow(dim, 0, 1).zeros_like();
    Tensor::cat(vec![outside, x], dim).narrow(dim, 0, length)
}

#[cfg(test)]
mod tests {
    use gibbs_backend::Noise;
    use gibbs_core::math::to_host;

    use super::*;

    #[test]
    fn bands_return_the_rows_above_for_any_pieces() {
        let x: Tensor<4> = Noise::new(0, "x").normal([2, 5, 3, 2], &Device::flex());
        for height in 0..4 {
            let whole = to_host(Band::default().extended(x.clone(), height));
            let band = &mut Band::default();
            for r in 0..5 {
                let piece = to_host(band.extended(x.clone().narrow(1, r, 1), height));
                let per = 3 * 2;
                for example in 0..2 {
                    let first = (example * (5 + height) + r) * per;
                    let count = (height + 1) * per;
                    assert_eq!(
                        piece[example * count..(example + 1) * count],
                        whole[first..first + count],
                        "row {r}, height {height}"
                    );
                }
            }
        }
    }
}
