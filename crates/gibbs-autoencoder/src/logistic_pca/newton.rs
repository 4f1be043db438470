//! Newton steps for many small concave problems at once, one problem in each row.

use burn::prelude::*;
use gibbs_backend::parallel::*;
use gibbs_core::math::to_host;
use nalgebra::{Cholesky, DMatrix, DVector};

/// `start + step`, where the step of each row is halved until its loss does not exceed that of the start (up to rounding). A
/// row for which no step is short enough stays unchanged.
pub(super) fn halved_until_lower(
    start: Tensor<2>,
    step: Tensor<2>,
    loss: impl Fn(Tensor<2>) -> Tensor<1>,
) -> Tensor<2> {
    const ROUNDING: f64 = 1e-6;
    const HALVINGS: usize = 12;
    let limit = loss(start.clone()) * (1.0 + ROUNDING);
    let mut step = step;
    for halving in 0..=HALVINGS {
        let above = loss(start.clone() + step.clone()).greater(limit.clone());
        if !above.clone().any().into_scalar::<bool>() {
            break;
        }
        let shorter = step.clone() * if halving < HALVINGS { 0.5 } else { 0.0 };
        step = step.mask_where(above.unsqueeze_dim::<2>(1).expand(shorter.dims()), shorter);
    }
    start + step
}

/// `[n, m] -> [n, m(m+1)/2]`: the products `x_a·x_b` of each row, `a ≤ b`.
pub(super) fn pairs(x: Tensor<2>) -> Tensor<2> {
    let [_, m] = x.dims();
    let (first, second): (Vec<i32>, Vec<i32>) =
        (0..m as i32).flat_map(|a| (a..m as i32).map(move |b| (a, b))).unzip();
    let index = |list: Vec<i32>| Tensor::<1, Int>::from_data(list.as_slice(), &x.device());
    x.clone().select(1, index(first)) * x.clone().select(1, index(second))
}

/// `(A_i + ridge·I)⁻¹ r_i` of each row, with symmetric `A_i` packed as in [`pairs`]: `[n, m(m+1)/2]` and `[n, m]` to `[n, m]`,
/// in f64 on the host. A row with a NaN gives NaN.
pub(super) fn solve(matrices: Tensor<2>, right: Tensor<2>, ridge: f64) -> Tensor<2> {
    let [n, m] = right.dims();
    let options = (&right.device(), right.dtype());
    let (matrices, mut solutions) = (to_host(matrices), to_host(right));
    let systems = matrices.par_chunks(m * (m + 1) / 2).zip(solutions.par_chunks_mut(m));
    systems.for_each(|(packed, row)| {
        let mut matrix = DMatrix::zeros(m, m);
        let mut values = packed.iter();
        for a in 0..m {
            for (b, value) in (a..m).zip(&mut values) {
                matrix[(b, a)] = *value;
            }
            matrix[(a, a)] += ridge;
        }
        match Cholesky::new(matrix) {
            Some(factor) => row.copy_from_slice(factor.solve(&DVector::from_column_slice(row)).as_slice()),
            None => row.fill(f64::NAN),
        }
    });
    Tensor::from_data(TensorData::new(solutions, [n, m]), options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::DType;
    use gibbs_backend::Noise;

    const K: usize = 3;

    fn rows<const N: usize>(values: [f64; N], width: usize) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), [N / width, width]), (&Device::flex(), DType::F64))
    }

    #[test]
    fn packed_systems_are_solved() {
        let mut noise = Noise::new(50, "systems");
        let options = (&Device::flex(), DType::F64);
        let (roots, right) = (noise.normal([5, K], options), noise.normal([5, K], options));
        // The products of one row make a matrix of rank 1, so that the ridge matters.
        let solution = solve(pairs(roots.clone()), right.clone(), 0.5);
        let along = (roots.clone() * solution.clone()).sum_dim(1);
        let back = roots * along + solution * 0.5;
        assert!(to_host(back - right).iter().all(|rest| rest.abs() < 1e-12));
        let solution =
            solve(rows([2.0, 1.0, 3.0, f64::NAN, 0.0, 1.0], 3), rows([4.0, 7.0, 1.0, 1.0], 2), 0.0);
        let solution = to_host(solution);
        assert!((solution[0] - 1.0).abs() < 1e-12 && (solution[1] - 2.0).abs() < 1e-12);
        assert!(solution[2].is_nan() && solution[3].is_nan());
    }

    /// `x² + y²` from `(1, 0)`: a step to 0.5 is taken, one to -3 is halved to one to -1, one uphill is not taken.
    #[test]
    fn steps_are_halved_until_the_loss_is_lower() {
        let loss = |x: Tensor<2>| x.square().sum_dim(1).squeeze_dim(1);
        let start = rows([1.0, 0.0, 1.0, 0.0, 1.0, 0.0], 2);
        let end = halved_until_lower(start, rows([-0.5, 0.0, -4.0, 0.0, 0.1, 0.0], 2), loss);
        assert_eq!(to_host(end), [0.5, 0.0, -1.0, 0.0, 1.0, 0.0]);
    }
}
