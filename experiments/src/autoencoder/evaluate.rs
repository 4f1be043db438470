//! Metrics of a trained autoencoder next to those of principal components, and images of drawn codes.

use anyhow::Context;
use burn::module::Param;
use gibbs_autoencoder::{LogisticPca, LogisticPcaConfig, Output, Pca};
use gibbs_serve::Playground;

use super::{AutoencoderExperiment, pictures};
use crate::prelude::*;

/// Examples that are computed at once.
const BLOCK: usize = 1000;
/// Training examples whose codes give the moments of drawn codes.
const CODES: usize = 10_000;
/// What a picture of draws shows.
pub(super) const DRAWN: &str = "decoded draws from a normal distribution of codes";
/// File of a fitted logistic PCA in a run folder.
pub(super) const LOGISTIC_PCA: &str = "logistic_pca.safetensors";

impl Trained for AutoencoderExperiment {
    const LATENT: Option<fn(&Self) -> &dyn Latent> = Some(|model| model);

    /// Squared error of the network and of its baselines on a part of the data.
    fn evaluate(&self, on: &Measurement<NoTarget>) -> Result<Evaluation> {
        const UNIT: &str = "squared, per example";
        let (visible, sets, network) = (self.visible(), on.sets()?, &self.network);
        let each = |metric: &dyn Fn(Tensor<2>) -> Tensor<1>| -> Vec<f64> {
            sets.iter().flat_map(|set| visible.for_each(set, &self.device, metric)).collect()
        };
        let mut evaluation = Evaluation::default();
        let errors = each(&|x| network.squared_error(x));
        evaluation.add_mean("squared_error", &errors, UNIT);
        if network.output() == Output::Logistic {
            evaluation.add_mean("cross_entropy", &each(&|x| network.cross_entropy(x)), "nats");
        }
        if let Some(baseline) = experiment::load_baseline::<Self>(on.files, &self.device)? {
            let errors = each(&|x| baseline.network.squared_error(x));
            evaluation.add_mean("random_start_squared_error", &errors, UNIT);
        }
        let own_data = on.own_data();
        let fitted = own_data.or(on.data()?);
        let pca = self.pca(&fitted.train)?;
        evaluation.add_mean("pca_squared_error", &each(&|x| pca.squared_error(x)), UNIT);
        evaluation.note_all(&["pca_squared_error"], own_data.note(on.data()?));
        let own = (!matches!(own_data, OwnData::Missing)).then_some(&fitted.train);
        if let Some(pca) = self.logistic_pca(own, on.files)? {
            evaluation.add_mean("logistic_pca_squared_error", &each(&|x| pca.squared_error(x)), UNIT);
        }
        evaluation.per_example = errors;
        Ok(evaluation)
    }

    fn look(&self) -> Look {
        self.visible().look(&self.config, self.network.width())
    }

    fn sample(&self, args: &cli::Sample, _: &NoFlags, shared: &Shared) -> Result<Drawn> {
        let data = self.config.load_data(&shared.data_dir)?;
        Ok(Drawn::new(DRAWN, self.draw(&data.train, args.n(), &mut Noise::new(args.seed, "sample"))?))
    }

    fn playground(self) -> Option<Box<dyn Playground>> {
        Some(Box::new(self))
    }

    fn draw_pictures(&self, source: &Source<NoTarget>, files: &RunFiles) -> Result<()> {
        pictures::draw(self, source.data()?, files)
    }
}

/// The parameters of a logistic PCA, as its file holds them.
#[derive(Module, Debug)]
struct LogisticPcaWeights {
    loadings: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

fn blocks<'a>(data: &'a Dataset, device: &'a Device) -> impl Iterator<Item = Tensor<2>> + 'a {
    (0..data.len()).step_by(BLOCK).map(move |start| {
        let rows: Vec<usize> = (start..data.len().min(start + BLOCK)).collect();
        data.tensor(&rows, device)
    })
}

/// The rows of `f` of each block of rows of `x`.
fn in_blocks(x: &Tensor<2>, f: impl Fn(Tensor<2>) -> Tensor<2>) -> Vec<f32> {
    let n = x.dims()[0];
    let blocks = (0..n).step_by(BLOCK).map(|start| x.clone().narrow(0, start, BLOCK.min(n - start)));
    blocks.flat_map(|x| host(f(x))).collect()
}

impl AutoencoderExperiment {
    /// Principal components of a set, as many as a code has numbers, or fewer where the set has no more.
    pub(super) fn pca(&self, data: &Dataset) -> Result<Pca> {
        let k = self.network.code_width().min(data.width()).min(data.len());
        Ok(Pca::fit(blocks(data, &self.device), k)?)
    }

    /// The logistic PCA in the run folder; fitted to the training examples of the run and put there first if the run is to have
    /// one.
    pub(super) fn logistic_pca(
        &self,
        data: Option<&Dataset>,
        files: &RunFiles,
    ) -> Result<Option<LogisticPca>> {
        let (file, passes) = (files.named(LOGISTIC_PCA), self.config.train.logistic_pca_passes);
        let (k, width) = (self.network.code_width(), self.network.width());
        if passes == 0 || self.network.output() != Output::Logistic {
            return Ok(None);
        }
        if file.is_file() {
            let empty = LogisticPcaWeights {
                loadings: Param::from_tensor(Tensor::zeros([k, width], &self.device)),
                bias: Param::from_tensor(Tensor::zeros([width], &self.device)),
            };
            let fitted = weights::load(empty, &file).or_usage()?;
            return Ok(Some(LogisticPca::from_parts(fitted.loadings.val(), fitted.bias.val())));
        }
        let Some(data) = data.filter(|data| k <= data.width().min(data.len())) else { return Ok(None) };
        let config = LogisticPcaConfig::new(k).with_passes(passes);
        let model = LogisticPca::fit(&config, || blocks(data, &self.device)).context("logistic PCA")?;
        let fitted = LogisticPcaWeights {
            loadings: Param::from_tensor(model.loadings()),
            bias: Param::from_tensor(model.bias()),
        };
        weights::save(&fitted, &file)?;
        Ok(Some(model))
    }

    /// Codes `[n, code]` of examples, row by row.
    pub(super) fn codes(&self, x: &Tensor<2>) -> Vec<f32> {
        in_blocks(x, |x| self.network.encode(x))
    }

    /// Images of `n` codes. An autoencoder has no density of its own: the codes are drawn from a normal distribution with the mean
    /// and the covariance of the codes of training data.
    pub(super) fn draw(&self, train: &Dataset, n: usize, noise: &mut Noise) -> Result<Vec<f32>> {
        let x = self.visible().spread(train, CODES.min(train.len()), &self.device);
        Ok(in_blocks(&self.network.draw_codes(x, n, noise)?, |z| self.network.decode(z)))
    }
}
