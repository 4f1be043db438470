//! Data sets as states of visible units.

use anyhow::Context;
use gibbs_boltzmann::{
    AnyRbm, Rbm, RbmConfig, VisiblePreprocessor,
    ais::{AisProtocol, Bracket, LogWeights},
    dbn::errors_and_nll,
    units::{AnyUnits, UnitFamily, UnitKind, UnitMoments, Units},
};
use gibbs_data::Kind;

use crate::{
    prelude::*,
    shards,
    source::{one_hot, require_labels, require_unit_interval, rows},
};

/// Training examples from which the moments of the data are taken.
pub const MOMENT_EXAMPLES: usize = 10_000;

/// Examples that are computed at once.
const BLOCK: usize = 1000;

/// The largest root mean square of a column that Gaussian units learn. They are made for columns of mean 0 and variance 1 (Hinton's
/// guide, UTML TR 2010-003, section 13.2). At the default rate the weights diverge for columns that are five times as large.
const LARGEST: f64 = 4.0;

/// The mean variance of the columns from which on weights are penalized. That of handwritten digits is 0.08, that of words which
/// 2 of 100 documents have 0.02.
const VARIED: f64 = 0.05;

/// The default strength of the penalty `λ Σ |W|`. It suits many examples of varied columns. The gradient of new weights is
/// proportional to the variance of the data, so that of rare bits is below any such penalty, and no weight could grow. Over few
/// examples the selected validation is better without.
pub fn l1(info: &SourceInfo) -> f64 {
    if info.has_few() || info.mean_variance_of_bits() < VARIED { 0.0 } else { 1e-4 }
}

/// Examples of data sets as states of visible units.
#[derive(Clone, Copy, Debug)]
pub struct Visible(VisiblePreprocessor);

impl std::ops::Deref for Visible {
    type Target = VisiblePreprocessor;

    fn deref(&self) -> &VisiblePreprocessor {
        &self.0
    }
}

/// Annealed importance sampling of an RBM, in both directions.
pub struct Annealing<V: Units = AnyUnits, H: Units = AnyUnits> {
    /// The RBM.
    pub rbm: Rbm<V, H>,
    /// Independent units, from which it is annealed.
    pub base: V,
    /// Training examples for the way down, `[n, visible]`.
    pub examples: Option<Tensor<2>>,
    /// How many chains and temperatures.
    pub protocol: AisProtocol,
    /// The noise of all blocks.
    pub noise: Noise,
}

impl<V: UnitFamily, H: UnitFamily> Annealing<V, H> {
    /// `log Z` between a lower and an upper estimate, from the values of all blocks.
    pub fn bracket(&self, blocks: &[Vec<f64>]) -> Bracket {
        let [forward, reverse] = shards::columns(blocks);
        self.protocol.bracket_of(&self.rbm, &self.base, &LogWeights { forward, reverse })
    }
}

impl<V: UnitFamily, H: UnitFamily> Blocks for Annealing<V, H> {
    fn what(&self) -> &'static str {
        "chains"
    }

    fn n(&self) -> usize {
        self.protocol.n_blocks(&self.rbm)
    }

    fn values(&self, block: usize) -> Result<Vec<f64>> {
        let Self { rbm, base, examples, protocol, noise } = self;
        let LogWeights { forward, reverse } = protocol.block(rbm, base, examples.as_ref(), noise, block);
        Ok([forward, reverse].concat())
    }
}

impl Visible {
    /// For units of a kind.
    pub fn new(kind: UnitKind, states: usize) -> Self {
        Self(VisiblePreprocessor { visible: kind, states })
    }

    /// For the visible units of an RBM.
    pub fn of(config: &RbmConfig) -> Self {
        Self::new(config.visible, config.states)
    }

    /// How examples are shown as a run has them, for a visible layer with these columns.
    pub fn look<M, T>(self, config: &RunConfig<M, T>, visible_width: usize) -> Look {
        let kind = if self.0.visible == UnitKind::Gaussian { Kind::Real } else { Kind::Gray };
        config.look(self.data_width(visible_width), kind)
    }

    /// What the means of the visible units are called.
    pub fn mean_name(self) -> &'static str {
        match self.0.visible {
            UnitKind::Binary => "means p(v = 1 | h)",
            _ => "means E(v | h)",
        }
    }

    /// A batch as visible states, with the label where the units have one.
    pub fn batch(self, batch: gibbs_data::Batch) -> Tensor<2> {
        let label = one_hot(batch.labels.as_deref(), self.n_classes(), &batch.x.device());
        self.with_label(self.encode(batch.x), label)
    }

    /// Examples as visible states.
    pub fn examples(self, data: &Dataset, rows: &[usize], device: &Device) -> Tensor<2> {
        self.batch(data.batch(rows, device))
    }

    /// The first `n` examples of a set, or all of a smaller one.
    pub fn first(self, data: &Dataset, n: usize, device: &Device) -> Tensor<2> {
        self.examples(data, &(0..n.min(data.len())).collect::<Vec<_>>(), device)
    }

    /// `n` examples spread evenly over a set; with repetitions if it has fewer.
    pub fn spread(self, data: &Dataset, n: usize, device: &Device) -> Tensor<2> {
        let rows: Vec<usize> = (0..n).map(|i| i * data.len() / n).collect();
        self.examples(data, &rows, device)
    }

    /// Moments of the first examples of a set.
    pub fn moments(self, data: &Dataset, device: &Device) -> UnitMoments {
        UnitMoments::of(self.first(data, MOMENT_EXAMPLES, device))
    }

    /// All examples of a set, block by block.
    pub fn blocks<'a>(self, data: &'a Dataset, device: &'a Device) -> impl Iterator<Item = Tensor<2>> + 'a {
        let rows = rows(data);
        let starts = (0..data.len()).step_by(BLOCK);
        starts.map(move |start| self.examples(data, &rows[start..data.len().min(start + BLOCK)], device))
    }

    /// A number for each example of a set, computed block by block.
    pub fn for_each(
        self,
        data: &Dataset,
        device: &Device,
        mut metric: impl FnMut(Tensor<2>) -> Tensor<1>,
    ) -> Vec<f64> {
        self.blocks(data, device).flat_map(|v| to_host(metric(v))).collect()
    }

    /// For each example whether the most probable class is wrong (1 or 0), and `-log p(label)`. `log_prob` gives the log-probability of
    /// each class, `[batch, classes]`.
    ///
    /// # Errors
    /// A set without labels.
    pub fn classify(
        self,
        data: &Dataset,
        device: &Device,
        log_prob: impl Fn(Tensor<2>) -> Tensor<2>,
    ) -> Result<Vec<(f64, f64)>> {
        let labels = data.labels().with_context(|| format!("{} has no labels", data.name()))?;
        let mut labels = labels.iter().map(|&label| usize::from(label));
        let mut each = Vec::with_capacity(data.len());
        for v in self.blocks(data, device) {
            let n = v.dims()[0];
            each.extend(errors_and_nll(log_prob(v), labels.by_ref().take(n)));
        }
        Ok(each)
    }

    /// 100 for each example of the sets whose most probable class is wrong, and 0 for the others.
    ///
    /// # Errors
    /// A set without labels.
    pub fn percent_wrong(
        self,
        sets: &[&Dataset],
        device: &Device,
        log_prob: &dyn Fn(Tensor<2>) -> Tensor<2>,
    ) -> Result<Vec<f64>> {
        let mut wrong = Vec::new();
        for set in sets {
            wrong.extend(self.classify(set, device, log_prob)?.into_iter().map(|(wrong, _)| 100.0 * wrong));
        }
        Ok(wrong)
    }

    /// Sets as states of units of two values, and how they were binarized: as the run has it, and once for all where it leaves gray
    /// values.
    ///
    /// # Errors
    /// Values that are no probabilities.
    pub fn binarized<M, T>(
        self,
        config: &RunConfig<M, T>,
        sets: Vec<&Dataset>,
    ) -> Result<(Vec<Dataset>, Binarization)> {
        let own = config.data()?.binarization;
        let is_two_valued = matches!(self.0.visible, UnitKind::Binary | UnitKind::Spin);
        let is_gray = own == Binarization::None && sets.iter().any(|set| !set.is_binary());
        if !(is_two_valued && is_gray) {
            return Ok((sets.into_iter().cloned().collect(), own));
        }
        let binarized = sets.into_iter().map(|set| set.clone().binarized(Binarization::Fixed, config.seed));
        Ok((binarized.collect::<Result<_, _>>()?, Binarization::Fixed))
    }

    /// Classification error of a set in percent, and its mean cross-entropy in nats.
    ///
    /// # Errors
    /// A set without labels.
    pub fn classification_errors(
        self,
        data: &Dataset,
        device: &Device,
        log_prob: impl Fn(Tensor<2>) -> Tensor<2>,
    ) -> Result<(f64, f64)> {
        let (wrong, nll): (Vec<f64>, Vec<f64>) = self.classify(data, device, log_prob)?.into_iter().unzip();
        Ok((100.0 * mean(&by_weights(data, wrong)), mean(&by_weights(data, nll))))
    }

    /// Annealing of an RBM on data: from a base with the moments of the data up, and from examples down.
    pub fn annealing(
        self,
        rbm: &AnyRbm,
        data: &Dataset,
        protocol: AisProtocol,
        device: &Device,
        noise: Noise,
    ) -> Annealing {
        let base = rbm.visible.fitted(&self.moments(data, device));
        let examples = Some(self.spread(data, protocol.chains, device));
        Annealing { rbm: rbm.clone(), base, examples, protocol, noise }
    }

    /// Whether Gaussian units can learn the training examples: the root mean square of each column is at most 4.
    ///
    /// # Errors
    /// The first column that is larger.
    pub fn require_scale(self, data: &Dataset, device: &Device) -> Result<()> {
        if self.0.visible != UnitKind::Gaussian {
            return Ok(());
        }
        let UnitMoments { mean, variance, .. } = self.moments(data, device);
        let sizes: Vec<f64> = to_host((mean.clone() * mean + variance).sqrt());
        if let Some(column) = sizes.iter().position(|&size| size > LARGEST) {
            refuse!(
                "{}: the root mean square of {} is {:.3}, but Gaussian units need columns of a scale of about 1: subtract the mean and \
                 divide by the standard deviation, or take realnvp or made, which do so",
                data.name(),
                data.column_name(column),
                sizes[column]
            );
        }
        Ok(())
    }

    /// Whether data fit a visible layer with these columns. `real` is the setting of the family for real columns.
    ///
    /// # Errors
    /// Another width, values that the units do not have, or no label for units that have one.
    pub fn require(self, data: &Dataset, visible_width: usize, real: &str) -> Result<()> {
        data.require_width(self.data_width(visible_width)).or_usage()?;
        require_labels([data], self.n_classes(), "model.n_classes")?;
        match self.0.visible {
            UnitKind::Gaussian => Ok(()),
            _ => require_unit_interval(data, real),
        }
    }
}
