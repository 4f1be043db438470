//! Differences of statistics between data and model.

use burn::prelude::*;
use gibbs_backend::sparse_matmul_transposed;

use crate::units::Moments;

/// States of both layers, or means, over which statistics are taken.
pub(super) struct Phase {
    pub(super) visible: Tensor<2>,
    pub(super) hidden: Tensor<2>,
}

/// `⟨v h⟩_model - ⟨v h⟩_data` as one product over the joined batches; centered, less
/// `Δv λᵀ + μ Δhᵀ` with the differences `Δ` of the means (Melchior et al. 2016, equation 7).
pub(super) fn correlation_difference(
    data: &Phase,
    model: &Phase,
    centers: Option<&[Tensor<1>; 2]>,
) -> Tensor<2> {
    let (n, m) = (data.visible.dims()[0] as f64, model.visible.dims()[0] as f64);
    let visible = Tensor::cat(vec![data.visible.clone(), model.visible.clone()], 0);
    let hidden = Tensor::cat(vec![data.hidden.clone() * (-1.0 / n), model.hidden.clone() * (1.0 / m)], 0);
    let weight = sparse_matmul_transposed(visible, hidden);
    let Some([visible_center, hidden_center]) = centers else { return weight };
    let means = Moments::means;
    let [data_v, data_h, model_v, model_h] =
        means([data.visible.clone(), data.hidden.clone(), model.visible.clone(), model.hidden.clone()]);
    let columns = Tensor::stack::<2>(vec![model_v - data_v, visible_center.clone()], 1);
    let rows = Tensor::stack::<2>(vec![hidden_center.clone(), model_h - data_h], 0);
    weight - columns.matmul(rows)
}

/// Model minus data, parameter by parameter: the descent direction of the negative log-likelihood.
pub(super) fn differences(data: Vec<Tensor<1>>, model: Vec<Tensor<1>>) -> Vec<Tensor<1>> {
    data.into_iter().zip(model).map(|(data, model)| model - data).collect()
}

pub(super) fn matvec(matrix: Tensor<2>, vector: Tensor<1>) -> Tensor<1> {
    matrix.matmul(vector.unsqueeze_dim(1)).squeeze_dim(1)
}
