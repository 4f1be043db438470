//! Log-likelihoods of a trained model, draws from it, and completions of examples.

use gibbs_autoregressive::Autoregressive;
use gibbs_core::Kind;
use gibbs_serve::Playground;

use super::{MadeExperiment, MadeRun, Model, pictures};
use crate::{
    conditions::Conditions,
    evidence::Half,
    outputs::{BLOCK, Outputs},
    prelude::*,
    source::rows,
};

/// Gray of pixels that are not known.
const UNKNOWN: f32 = 0.5;

/// Exact log-probability of each example of a set, in the coordinates of the data; of a cell where discrete columns have noise.
pub(super) fn log_probs(config: &MadeRun, model: &Model, data: &Dataset, device: &Device) -> Vec<f64> {
    let log_cell = config.density().log_cell();
    let log_prob = |rows: &[usize]| {
        let (Batch { x, context, .. }, ladj) =
            config.model.outputs().encode(&model.preprocessor, data.batch(rows, device));
        to_host(model.model.log_prob_given(x, context.as_ref()) + ladj)
    };
    rows(data).chunks(BLOCK).flat_map(log_prob).map(|log_prob| log_prob + log_cell).collect()
}

impl Trained for MadeExperiment {
    /// Log-likelihood on a part of the data.
    fn evaluate(&self, on: &Measurement<NoTarget>) -> Result<Evaluation> {
        let (config, sets) = (&self.config, on.sets()?);
        self.outputs().require_all(&sets)?;
        let each = sets.iter().flat_map(|set| log_probs(config, &self.model, set, &self.device)).collect();
        let mut evaluation = Evaluation::default();
        evaluation.add_log_prob(each, Kind::Exact, &config.density());
        evaluation.note("log_prob", "binarization", config.binarization());
        evaluation.note("log_prob", "orderings", self.model.model.n_masks());
        self.outputs().note(&mut evaluation, &["log_prob"]);
        let log_prob = Estimate::exact_mean(&evaluation.per_example);
        self.outputs().add_bits_per_dim(&mut evaluation, &log_prob);
        Ok(evaluation)
    }

    fn look(&self) -> Look {
        self.config.look(self.model.model.n_visible(), self.outputs().kind())
    }

    fn sample(&self, args: &cli::Sample, flags: &MadeSampleArgs, shared: &Shared) -> Result<Drawn> {
        let MadeRun { model, .. } = &self.config;
        let mut noise = Noise::new(args.seed, "sample");
        let shape = self.config.picture_shape(model.network.n_visible());
        let known = flags.given.map(|half| Known::Pixels(half.pixels(shape)));
        if let Some(known) = known.or(flags.prefix.map(Known::Prefix)) {
            self.known(&known)?;
            let data = self.config.load_data(&shared.data_dir)?;
            let data = self.outputs().prepare(&self.config, data)?.test;
            self.outputs().require(&data)?;
            let rows: Vec<usize> = (0..args.n()).map(|i| i * data.len() / args.n()).collect();
            let values = self.complete(&data, &rows, &known, &mut noise)?;
            let given = Some(self.given(&data, &rows, &known)?);
            return Ok(Drawn { given, ..Drawn::new(format!("{} completed examples", args.n()), values) });
        }
        let asked = (flags.context.as_deref(), flags.class);
        let (n, context) = self.conditions().of_sample(args, asked)?;
        Ok(Drawn::new(independent_draws(n), self.draw(n, context.as_ref(), &mut noise)))
    }

    fn playground(self) -> Option<Box<dyn Playground>> {
        Some(Box::new(self))
    }

    fn draw_pictures(&self, source: &Source<NoTarget>, files: &RunFiles) -> Result<()> {
        pictures::draw(self, source.data()?, files)
    }
}

/// Flags of `made sample`.
#[derive(Args, Debug)]
pub struct MadeSampleArgs {
    /// Draw from this class; all classes in equal parts if not given, where the model is conditioned on them
    #[arg(long, value_name = "CLASS")]
    pub class: Option<usize>,
    /// Draw for each row of this file, where the model is conditioned on real numbers
    #[arg(long, value_name = "FILE", conflicts_with = "class")]
    pub context: Option<PathBuf>,
    /// Complete test examples of which this half is known
    #[arg(long, value_enum, value_name = "HALF", conflicts_with_all = ["prefix", "class", "context"])]
    pub given: Option<Half>,
    /// Complete test examples of which the first variables in the model's order are known
    #[arg(long, value_name = "N", conflicts_with_all = ["class", "context"])]
    pub prefix: Option<usize>,
}

/// What is known of examples that are to be completed.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// The first variables of the order.
    Prefix(usize),
    /// These pixels.
    Pixels(Vec<bool>),
}

impl MadeExperiment {
    fn outputs(&self) -> Outputs<'_> {
        self.config.model.outputs()
    }

    /// Values of variables as data: levels become numbers from 0 to 1.
    pub(super) fn decode(&self, x: Tensor<2>) -> Vec<f32> {
        self.config.rounded(self.outputs().decode(&self.model.preprocessor, x))
    }

    /// What draws are conditioned on.
    pub(super) fn conditions(&self) -> Conditions<'_> {
        self.outputs().conditions(&self.device)
    }

    /// `n` draws for contexts `[n, C]`, as data.
    pub(super) fn draw(&self, n: usize, context: Option<&Tensor<2>>, noise: &mut Noise) -> Vec<f32> {
        self.decode(self.model.model.sample_given(n, context, noise))
    }

    /// Which variables are known, in the order of the data.
    ///
    /// # Errors
    /// A prefix that is longer than the order.
    pub(super) fn known(&self, known: &Known) -> Result<Vec<bool>> {
        let (model, n) = (&self.model.model, self.model.model.n_visible());
        match known {
            Known::Pixels(pixels) => Ok(pixels.clone()),
            Known::Prefix(prefix) if *prefix > n => {
                Err(usage!("--prefix {prefix}: an example has only {n} variables"))
            }
            Known::Prefix(prefix) => {
                let mut flags = vec![false; n];
                model.order(0).variables()[..*prefix].iter().for_each(|&variable| flags[variable] = true);
                Ok(flags)
            }
        }
    }

    /// What is known of examples of a set, as data; all else is gray.
    ///
    /// # Errors
    /// As [`known`](Self::known).
    pub(super) fn given(&self, data: &Dataset, rows: &[usize], known: &Known) -> Result<Vec<f32>> {
        let flags = self.known(known)?;
        let (examples, _) = self.outputs().encode(&self.model.preprocessor, data.batch(rows, &self.device));
        let whole = self.decode(examples.x);
        Ok(whole
            .iter()
            .zip(flags.iter().cycle())
            .map(|(&x, &known)| if known { x } else { UNKNOWN })
            .collect())
    }

    /// Examples of a set in which all but what is known is drawn from the model, as data.
    ///
    /// # Errors
    /// A prefix that is too long, or variables with which no order of the model begins.
    pub(super) fn complete(
        &self,
        data: &Dataset,
        rows: &[usize],
        known: &Known,
        noise: &mut Noise,
    ) -> Result<Vec<f32>> {
        let flags = self.known(known)?;
        let (Batch { x, context, .. }, _) =
            self.outputs().encode(&self.model.preprocessor, data.batch(rows, &self.device));
        let completed = self.model.model.complete_known(&flags, x, context.as_ref(), noise);
        let way_out = "take --prefix N, or a made that was trained in many orders (model.order=random with model.n_masks above 1)";
        Ok(self.decode(completed.map_err(|error| usage!("{error}: {way_out}"))?))
    }
}
