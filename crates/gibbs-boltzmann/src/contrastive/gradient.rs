//! The gradient of the difference of free energies between data and model, and its corrections.

use burn::{optim::GradientsParams, prelude::*};
use gibbs_backend::sparse_matmul_transposed;

use super::config::{ContrastiveConfig, Statistics};
use crate::{
    rbm::Rbm,
    units::{UnitStatistics, Units, batch_mean},
};

/// States of both layers, or their means, over which statistics are taken.
pub(crate) struct Phase {
    pub(crate) visible: Tensor<2>,
    pub(crate) hidden: Tensor<2>,
    /// The weights of the rows `[batch, 1]` with mean 1; `None` if all count the same.
    pub(crate) weights: Option<Tensor<2>>,
}

impl Phase {
    /// Batch means of both layers, each `[width]`.
    fn means(&self) -> [Tensor<1>; 2] {
        [&self.visible, &self.hidden].map(|states| batch_mean(states.clone(), self.weights.as_ref()))
    }

    /// The hidden states times the weights of their rows and `factor/batch`.
    fn weighted_hidden(&self, factor: f64) -> Tensor<2> {
        let hidden = self.hidden.clone() * (factor / self.hidden.dims()[0] as f64);
        match &self.weights {
            Some(weights) => hidden * weights.clone(),
            None => hidden,
        }
    }

    /// Mean of `-∂F/∂θ` over the phase for the parameters of the visible and of the hidden units.
    fn unit_statistics<V: UnitStatistics, H: UnitStatistics>(
        &self,
        rbm: &Rbm<V, H>,
        statistics: Statistics,
    ) -> [Vec<Tensor<1>>; 2] {
        let (h, weights) = (self.hidden.clone(), self.weights.as_ref());
        let hidden = match statistics {
            Statistics::Mean => rbm.hidden.statistics_of_mean(h, weights),
            Statistics::Sampled => rbm.hidden.statistics(h, weights),
        };
        [rbm.visible.statistics(self.visible.clone(), weights), hidden]
    }
}

/// Gradient of the loss for each parameter of an RBM.
pub(crate) struct Gradient {
    /// `[visible, hidden]`.
    pub(crate) weight: Tensor<2>,
    /// For each parameter of the visible units.
    pub(crate) visible: Vec<Tensor<1>>,
    /// For each parameter of the hidden units.
    pub(crate) hidden: Vec<Tensor<1>>,
}

impl Gradient {
    /// `⟨∂F/∂θ⟩_data - ⟨∂F/∂θ⟩_model`. The part of the weights is one product over the joined batches.
    pub(crate) fn new<V: UnitStatistics, H: UnitStatistics>(
        rbm: &Rbm<V, H>,
        data: &Phase,
        model: &Phase,
        statistics: Statistics,
    ) -> Self {
        let v = Tensor::cat(vec![data.visible.clone(), model.visible.clone()], 0);
        let h = Tensor::cat(vec![data.weighted_hidden(-1.0), model.weighted_hidden(1.0)], 0);
        let [data_v, data_h] = data.unit_statistics(rbm, statistics);
        let [model_v, model_h] = model.unit_statistics(rbm, statistics);
        let difference = |data: Vec<Tensor<1>>, model: Vec<Tensor<1>>| {
            data.into_iter().zip(model).map(|(data, model)| model - data).collect()
        };
        Self {
            weight: sparse_matmul_transposed(v, h),
            visible: difference(data_v, model_v),
            hidden: difference(data_h, model_h),
        }
    }

    /// Adds the gradients of `λ/2 Σ W²` and `λ Σ |W|`.
    pub(super) fn decay(&mut self, config: &ContrastiveConfig, weight: &Tensor<2>) {
        if config.l2 > 0.0 {
            self.weight = self.weight.clone() + weight.clone() * config.l2;
        }
        if config.l1 > 0.0 {
            self.weight = self.weight.clone() + weight.clone().sign() * config.l1;
        }
    }

    /// The gradients by parameter.
    pub(super) fn register<V: Units, H: Units>(self, rbm: &Rbm<V, H>) -> GradientsParams {
        let mut gradients = GradientsParams::new();
        gradients.register(rbm.weight.id, self.weight);
        let parameters = rbm.visible.parameters().into_iter().chain(rbm.hidden.parameters());
        for (parameter, gradient) in parameters.zip(self.visible.into_iter().chain(self.hidden)) {
            gradients.register(parameter.id, gradient);
        }
        gradients
    }
}

/// Centering: moving averages `μ`, `λ` of both layers' states over the data.
///
/// ```text
/// ∂_W  = ⟨(v-μ)(h-λ)ᵀ⟩_model - ⟨(v-μ)(h-λ)ᵀ⟩_data      Melchior et al. 2016, equation 7
/// ∂_b  = ⟨v⟩_model - ⟨v⟩_data - ∂_W λ,   ∂_c alike       equations 8 and 9
/// ```
#[derive(Clone, Debug, Default)]
pub(super) struct Centering {
    pub(super) centers: Option<[Tensor<1>; 2]>,
}

impl Centering {
    /// Moves the centers towards the means of the data, then centers the gradient.
    pub(super) fn apply(&mut self, gradient: &mut Gradient, data: &Phase, model: &Phase, rate: f64) {
        let ([data_v, data_h], [model_v, model_h]) = (data.means(), model.means());
        let [visible, hidden] = match self.centers.take() {
            None => [data_v.clone(), data_h.clone()],
            Some([visible, hidden]) => [
                visible * (1.0 - rate) + data_v.clone() * rate,
                hidden * (1.0 - rate) + data_h.clone() * rate,
            ],
        };
        let columns = Tensor::stack::<2>(vec![model_v - data_v, visible.clone()], 1);
        let rows = Tensor::stack::<2>(vec![hidden.clone(), model_h - data_h], 0);
        let weight = gradient.weight.clone() - columns.matmul(rows);
        gradient.visible[0] = gradient.visible[0].clone() - product(weight.clone(), hidden.clone());
        gradient.hidden[0] =
            gradient.hidden[0].clone() - product(weight.clone().transpose(), visible.clone());
        gradient.weight = weight;
        self.centers = Some([visible, hidden]);
    }
}

/// Sparsity: pulls the moving average `q` of each hidden unit's mean activity towards the target.
///
/// The pull on a unit's input is `strength · (q - target)`, the gradient of the cross-entropy between both (Hinton's guide,
/// section 11).
#[derive(Clone, Debug, Default)]
pub(super) struct Sparsity {
    pub(super) activity: Option<Tensor<1>>,
}

impl Sparsity {
    pub(super) fn apply(&mut self, gradient: &mut Gradient, data: &Phase, config: &ContrastiveConfig) {
        let ([visible, now], decay) = (data.means(), config.sparsity_decay);
        let activity = match self.activity.take() {
            None => now,
            Some(before) => before * decay + now * (1.0 - decay),
        };
        self.activity = Some(activity.clone());
        let pull = (activity - config.sparsity_target) * config.sparsity;
        gradient.weight =
            gradient.weight.clone() + visible.unsqueeze_dim::<2>(1) * pull.clone().unsqueeze_dim::<2>(0);
        gradient.hidden[0] = gradient.hidden[0].clone() + pull;
    }
}

fn product(matrix: Tensor<2>, vector: Tensor<1>) -> Tensor<1> {
    matrix.matmul(vector.unsqueeze_dim(1)).squeeze_dim(1)
}
