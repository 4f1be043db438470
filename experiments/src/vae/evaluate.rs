//! Bounds of the likelihood of a trained VAE, and draws from it.

use gibbs_autoencoder::{Vae, vae::Evidence};
use gibbs_core::{Kind, nn::Affine};
use gibbs_serve::Playground;

use super::{Model, VaeExperiment, VaeRun, pictures};
use crate::{
    conditions::Conditions,
    outputs::{BLOCK, Outputs},
    prelude::*,
    preprocessed::blocks,
    source::{rows, spread},
};

/// Codes that are computed at once, and chains that are annealed at once. The means of 5000 codes of 784 variables take 16 MB: a block
/// above 32 MB would be returned to the system and cleared again for each use.
const CODES: usize = 5000;
const CHAINS: usize = 500;
/// Seconds for a product and for an output variable of a decoder on 2 cores. `vae eval` of a VAE of 784-200-200-50 with 5000 codes takes 48
/// seconds for the 2259 images that they count as a minute.
const SECONDS_PER_PRODUCT: f64 = 2e-11;
const SECONDS_PER_OUTPUT: f64 = 1.5e-9;

/// Bounds of the likelihood of each example of a set in the coordinates of the data, from `samples` codes.
pub(super) fn evidence(
    config: &VaeRun,
    model: &Model,
    data: &Dataset,
    samples: usize,
    device: &Device,
    noise: &mut Noise,
) -> Vec<Evidence> {
    let rows = rows(data);
    let blocks = rows.chunks((CODES / samples).max(1));
    blocks.flat_map(|rows| evidence_of(config, model, (data, rows), samples, device, noise)).collect()
}

fn evidence_of(
    config: &VaeRun,
    model: &Model,
    (data, rows): (&Dataset, &[usize]),
    samples: usize,
    device: &Device,
    noise: &mut Noise,
) -> Vec<Evidence> {
    let log_cell = config.density().log_cell();
    let (Batch { x, context, .. }, ladj) =
        config.model.outputs().encode(&model.preprocessor, data.batch(rows, device));
    let mut evidence = model.model.evidence(x, context.as_ref(), samples, noise);
    for (each, ladj) in evidence.iter_mut().zip(to_host(ladj)) {
        let shift = ladj + log_cell;
        each.importance_weighted = each.importance_weighted.clone().affine(1.0, shift);
        each.elbo += shift;
        each.distortion -= shift;
    }
    evidence
}

/// Centers of the posteriors of examples, `[n, latent]`.
pub(super) fn codes(experiment: &VaeExperiment, data: &Dataset, rows: &[usize]) -> Result<Tensor<2>> {
    let n_context = experiment.model.model.n_context();
    let blocks = blocks(data, rows, BLOCK, n_context, &experiment.device);
    Ok(Tensor::cat(blocks.map(|batch| experiment.encode(batch, 0)).collect::<Result<_>>()?, 0))
}

impl Trained for VaeExperiment {
    const LATENT: Option<fn(&Self) -> &dyn Latent> = Some(|model| model);

    /// Bounds by many codes for as many examples as a minute allows, rate and distortion, and bounds from both sides for some examples.
    fn evaluate(&self, on: &Measurement<NoTarget>) -> Result<Evaluation> {
        let (config, sets, samples) = (&self.config, on.sets()?, self.config.model.samples);
        self.outputs().require_all(&sets)?;
        let noise = &mut Noise::new(config.seed, "evidence");
        let n: usize = sets.iter().map(|set| set.len()).sum();
        let taken = on.work.affordable("examples", n, samples as f64 * self.seconds_per_code());
        let mut all = Vec::new();
        for set in &sets {
            let rows = spread(set.len(), set.len() * taken / n);
            for rows in on.work.over(set.name(), rows.chunks((CODES / samples).max(1))) {
                all.extend(evidence_of(config, &self.model, (set, rows), samples, &self.device, noise));
            }
        }
        let bounds: Vec<Estimate> = all.iter().map(|each| each.importance_weighted.clone()).collect();
        let mut evaluation = Evaluation::default();
        evaluation.draws = (taken < n).then_some(all.len());
        let bound = bound_of(&bounds);
        evaluation.per_example = bounds.into_iter().map(|bound| bound.value).collect();
        let each = evaluation.per_example.clone();
        // The examples by which the mean is weighted, if they have weights.
        evaluation.add_mean_of("log_prob_importance_weighted", Kind::LowerBound, &each, "nats");
        evaluation.add("log_prob_importance_weighted", &bound, "nats");
        evaluation.note("log_prob_importance_weighted", "samples", samples);
        let mut add = |name: &str, kind: Kind, value: &dyn Fn(&Evidence) -> f64| {
            evaluation.add_mean_of(name, kind, &all.iter().map(value).collect::<Vec<_>>(), "nats");
        };
        add("log_prob_bound", Kind::LowerBound, &|each| each.elbo);
        add("rate", Kind::Unbiased, &|each| each.rate);
        add("distortion", Kind::Unbiased, &|each| each.distortion);
        self.active_units(&sets, &mut evaluation)?;
        self.annealed(on.work, &sets, &bound, &mut evaluation);
        let mean = Estimate::mean(&evaluation.per_example).with_kind(Kind::LowerBound);
        self.outputs().add_bits_per_dim(&mut evaluation, &mean);
        let names = ["log_prob_importance_weighted", "log_prob_bound", "log_prob_annealed", "log_prob_upper"];
        evaluation.note_all(&names, Some(("binarization", config.binarization().into())));
        self.outputs().note(&mut evaluation, &names);
        Ok(evaluation)
    }

    fn look(&self) -> Look {
        self.config.look(self.model.model.n_visible(), self.outputs().kind())
    }

    fn sample(&self, args: &cli::Sample, flags: &VaeSampleArgs, _: &Shared) -> Result<Drawn> {
        let asked = (flags.context.as_deref(), flags.class);
        let (n, context) = self.conditions().of_sample(args, asked)?;
        let (values, means) = self.draw(n, context.as_ref(), &mut Noise::new(args.seed, "sample"));
        Ok(Drawn { shown: Some(means), ..Drawn::new(pictures::title(n), values) })
    }

    fn playground(self) -> Option<Box<dyn Playground>> {
        Some(Box::new(self))
    }

    fn draw_pictures(&self, source: &Source<NoTarget>, files: &RunFiles) -> Result<()> {
        pictures::draw(self, source.data()?, files)
    }
}

/// The mean of bounds of examples. Bounds hold whatever their weights are, so none is unreliable.
fn bound_of(bounds: &[Estimate]) -> Estimate {
    Estimate { unreliable: None, ..Estimate::mean_of(bounds) }
}

impl VaeExperiment {
    /// The variables, as the data see them.
    pub(super) fn outputs(&self) -> Outputs<'_> {
        self.config.model.outputs()
    }

    /// What draws are conditioned on.
    pub(super) fn conditions(&self) -> Conditions<'_> {
        self.outputs().conditions(&self.device)
    }

    /// Values of variables as data.
    pub(super) fn decoded(&self, x: Tensor<2>) -> Vec<f32> {
        self.outputs().decode(&self.model.preprocessor, x)
    }

    /// `n` independent draws and the means of their variables, as data.
    pub(super) fn draw(
        &self,
        n: usize,
        context: Option<&Tensor<2>>,
        noise: &mut Noise,
    ) -> (Vec<f32>, Vec<f32>) {
        let vae = &self.model.model;
        let (x, z) = vae.sample_given(n, context, noise);
        let means = vae.output().means(vae.decode(z, context));
        (self.config.rounded(self.decoded(x)), self.decoded(means))
    }

    /// Counted seconds of a code: products of the decoder and the flows, and outputs.
    fn seconds_per_code(&self) -> f64 {
        let (vae, network) = (&self.model.model, &self.config.model.network);
        let sizes = |layer: &Affine| layer.weight.dims().iter().product::<usize>();
        let of_drawer = vae.drawer.iter().flat_map(|drawer| &drawer.layers);
        // The first layer of convolutions acts at a sixteenth of the pixels, the second at a quarter.
        let convolutions =
            of_drawer.zip([16, 4]).map(|(layer, part)| sizes(layer) * network.n_visible / part);
        let flows = [&vae.prior, &vae.posterior].into_iter().flatten().map(|flow| flow.num_params());
        let products = vae.decoder.layers.iter().map(sizes).chain(convolutions).chain(flows).sum::<usize>();
        let outputs = network.n_visible * network.output.n_parameters();
        products as f64 * SECONDS_PER_PRODUCT + outputs as f64 * SECONDS_PER_OUTPUT
    }

    /// Latent variables that carry information about the examples.
    fn active_units(&self, sets: &[&Dataset], evaluation: &mut Evaluation) -> Result<()> {
        let means = sets.iter().map(|set| codes(self, set, &rows(set))).collect::<Result<_>>()?;
        let means = Tensor::cat(means, 0);
        if means.dims()[0] > 1 {
            let active = Vae::active_units(means).into_iter().filter(|is_active| *is_active).count();
            evaluation.add("active_units", &Estimate::exact(active as f64), "of the latent variables");
        }
        Ok(())
    }

    /// Bounds of `ln p` by annealing. For some test examples it shows how far their importance-weighted bounds lie below, which moves
    /// `bound`, the mean over all examples. For draws of the model it bounds from both sides.
    fn annealed(&self, work: &Work, sets: &[&Dataset], bound: &Estimate, evaluation: &mut Evaluation) {
        let (vae, annealing) = (&self.model.model, self.config.train.family.annealing);
        let n = self.config.model.measured / sets.len();
        if n == 0 {
            return;
        }
        let (noise, samples) = (&mut Noise::new(self.config.seed, "annealing"), self.config.model.samples);
        let log_cell = self.config.density().log_cell();
        let (mut gains, mut gaps) = (Vec::new(), Vec::new());
        for set in sets {
            let rows = spread(set.len(), n);
            for rows in work.over("annealing", rows.chunks((CHAINS / annealing.chains).max(1))) {
                let mut by_codes = Vec::new();
                for rows in rows.chunks((CODES / samples).max(1)) {
                    let at = (*set, rows);
                    by_codes.extend(evidence_of(&self.config, &self.model, at, samples, &self.device, noise));
                }
                let (Batch { x, context, .. }, ladj) =
                    self.outputs().encode(&self.model.preprocessor, set.batch(rows, &self.device));
                let lower = annealing.lower(vae, x, context.as_ref(), noise).into_iter().zip(to_host(ladj));
                let lower = lower.map(|(bound, ladj)| bound.value + ladj + log_cell);
                gains.extend(
                    lower.zip(&by_codes).map(|(lower, codes)| lower - codes.importance_weighted.value),
                );
                let (x, z) = vae.sample_given(rows.len(), context.as_ref(), noise);
                let upper = annealing.upper(vae, [x.clone(), z], context.as_ref(), noise);
                let below = annealing.lower(vae, x, context.as_ref(), noise);
                gaps.extend(upper.iter().zip(&below).map(|(upper, below)| upper.value - below.value));
            }
        }
        let above = |bound: &Estimate, by: &[f64], kind: Kind| {
            let by = Estimate::mean(by);
            let std_err = bound.std_err.hypot(by.std_err);
            let above = Estimate { value: bound.value + by.value, std_err, kind, ..bound.clone() };
            above.or_unreliable(by.unreliable)
        };
        let lower = above(bound, &gains, Kind::LowerBound);
        evaluation.add("log_prob_annealed", &lower, "nats");
        evaluation.add("log_prob_upper", &above(&lower, &gaps, Kind::Asymptotic), "nats");
        // The chains of a draw share their start, so the error of the gap is its spread over draws.
        evaluation.add("annealing_gap", &Estimate::mean(&gaps).with_kind(Kind::UpperBound), "nats");
        for name in ["log_prob_annealed", "log_prob_upper"] {
            evaluation.note(name, "annealed_examples", gaps.len());
        }
        evaluation.note("log_prob_upper", "gap", "of draws of the model, for which both bounds are known");
    }
}

/// Flags of `vae sample`.
#[derive(Args, Debug)]
pub struct VaeSampleArgs {
    /// Draw from this class; all classes in equal parts if not given, where the model is conditioned on them
    #[arg(long, value_name = "CLASS")]
    pub class: Option<usize>,
    /// Draw for each row of this file, where the model is conditioned on real numbers
    #[arg(long, value_name = "FILE", conflicts_with = "class")]
    pub context: Option<PathBuf>,
}
