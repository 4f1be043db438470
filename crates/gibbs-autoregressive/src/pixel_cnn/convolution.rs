//! Sums over the sites of a window, and what lies around the lattice.

use burn::{
    prelude::*,
    tensor::{module::conv2d, ops::ConvOptions},
};
use gibbs_core::nn::Affine;

/// The last rows of a map so far, `[n, height, C, channels]`: zeros before the first row.
#[derive(Clone, Debug, Default)]
pub(super) struct Band(Option<Tensor<4>>);

impl Band {
    /// These rows with the `height` ones above them; the last `height` of all are kept for the next.
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

/// A map with `half` more columns on either side: on a periodic lattice those of the other end, else zeros.
pub(super) fn above(x: Tensor<4>, half: usize, periodic: bool) -> Tensor<4> {
    let [n, height, columns, channels] = x.dims();
    let (left, right) = match periodic {
        true => (x.clone().narrow(2, columns - half, half), x.clone().narrow(2, 0, half)),
        false => {
            let zeros = Tensor::zeros([n, height, half, channels], (&x.device(), x.dtype()));
            (zeros.clone(), zeros)
        }
    };
    Tensor::cat(vec![left, x, right], 2)
}

/// A map with `half` more columns of zeros to the left.
pub(super) fn before(x: Tensor<4>, half: usize) -> Tensor<4> {
    let [n, height, _, channels] = x.dims();
    let zeros = Tensor::zeros([n, height, half, channels], (&x.device(), x.dtype()));
    Tensor::cat(vec![zeros, x], 2)
}

/// Channels of each site, `[n, R, C, channels]` to `[n·R·C, channels]`.
pub(super) fn rows(x: Tensor<4>) -> Tensor<2> {
    let [n, height, columns, channels] = x.dims();
    x.reshape([n * height * columns, channels])
}

/// `y_rc = Σ_ij x_{r+i, c+j}·K_ij + b` over a window of this height and width, wherever it lies within the map:
/// `[n, R+height-1, C+width-1, in]` to `[n·R·C, out]`, for a weight `[height·width·in, out]`.
pub(super) fn convolution(x: Tensor<4>, kernel: &Affine, [height, width]: [usize; 2]) -> Tensor<2> {
    let ([_, _, _, n_in], [n_out]) = (x.dims(), kernel.bias.dims());
    let weight = kernel.weight.val().reshape([height, width, n_in, n_out]).permute([3, 2, 0, 1]);
    let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
    let y = conv2d(x.permute([0, 3, 1, 2]), weight, Some(kernel.bias.val()), options);
    rows(y.permute([0, 2, 3, 1]))
}

#[cfg(test)]
mod tests {
    use burn::{module::Param, tensor::DType};
    use gibbs_backend::Noise;
    use gibbs_core::math::to_host;

    use super::*;

    #[test]
    fn a_convolution_is_the_sum_over_its_window() {
        let ([n, rows, columns], [height, width], [n_in, n_out]) = ([2, 3, 4], [2, 3], [3, 5]);
        let noise = &mut Noise::new(0, "convolution");
        let device = Device::flex();
        let (tall, wide) = (rows + height - 1, columns + width - 1);
        let x: Tensor<4> = noise.normal([n, tall, wide, n_in], (&device, DType::F64));
        let weight: Tensor<2> = noise.normal([height * width * n_in, n_out], (&device, DType::F64));
        let bias: Tensor<1> = noise.normal([n_out], (&device, DType::F64));
        let [x_host, weight_host, bias_host] =
            [to_host(x.clone()), to_host(weight.clone()), to_host(bias.clone())];
        let kernel = Affine { weight: Param::from_tensor(weight), bias: Param::from_tensor(bias) };
        let found = to_host(convolution(x, &kernel, [height, width]));
        for (index, found) in found.into_iter().enumerate() {
            let (site, o) = (index / n_out, index % n_out);
            let (example, r, c) = (site / (rows * columns), site / columns % rows, site % columns);
            let mut truth = bias_host[o];
            for (i, j) in (0..height).flat_map(|i| (0..width).map(move |j| (i, j))) {
                for a in 0..n_in {
                    let at = ((example * tall + r + i) * wide + c + j) * n_in + a;
                    truth += x_host[at] * weight_host[((i * width + j) * n_in + a) * n_out + o];
                }
            }
            // 18 terms of order one.
            assert!((found - truth).abs() < 1e-13, "{index}: {found} instead of {truth}");
        }
    }

    #[test]
    fn bands_give_the_rows_above_whatever_the_pieces() {
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
