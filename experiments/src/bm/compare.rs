//! The command `compare`: what hidden units and couplings inside of the layers are worth, by exact likelihoods.

use gibbs_boltzmann::{
    BmConfig, BoltzmannMachine,
    bm::{Learning, LearningConfig},
};
use gibbs_data::ReadConfig;
use gibbs_train::atomic;

use super::{BmExperiment, visible};
use crate::{
    output::{note, print_json},
    prelude::*,
    source::rows,
    usage::{check_counts, of_step},
};

/// Most units of a compared machine.
const MOST: usize = 20;

/// Flags of `bm compare`.
#[derive(Args, Debug)]
pub struct Compare {
    /// Folder for compare.json and compare.png; runs/bm-compare-sSEED if not given
    pub folder: Option<PathBuf>,
    /// Binary data with few bits
    #[arg(long, default_value = "shifter-4", value_name = "NAME|FILE")]
    pub data: String,
    /// Numbers of hidden units
    #[arg(long, value_delimiter = ',', default_value = "1,2,3,4,6,8", value_name = "N,N,...")]
    pub hidden: Vec<usize>,
    /// Steps of each machine, over all examples
    #[arg(long, default_value_t = 2000, value_name = "N")]
    pub steps: usize,
    /// Seed of the initial weights
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
}

/// A kind of machine.
struct Kind {
    name: &'static str,
    has_lateral: bool,
}

const KINDS: [Kind; 2] = [
    Kind { name: "all couplings", has_lateral: true },
    Kind { name: "between the layers alone (RBM)", has_lateral: false },
];

/// The largest mean log-likelihood of the examples: minus the entropy of their frequencies, nats.
fn limit(set: &Dataset) -> f64 {
    let values = set.values(&rows(set));
    let mut examples: Vec<Vec<bool>> =
        values.chunks(set.width()).map(|row| row.iter().map(|x| *x > 0.5).collect()).collect();
    examples.sort_unstable();
    let frequencies = examples.chunk_by(|a, b| a == b).map(|equal| equal.len() as f64 / set.len() as f64);
    frequencies.map(|p| p * p.ln()).sum()
}

impl Compare {
    /// Trains every machine, prints one JSON object, writes it and a picture.
    ///
    /// # Errors
    /// Data with too many bits, or a folder that cannot be written.
    pub(super) fn run(&self, shared: &Shared) -> Result<()> {
        check_counts(&[("--steps", self.steps)])?;
        let (_, device) = experiment::device(shared)?;
        let data = super::data::load(&self.data, &ReadConfig::default(), &shared.data_dir)?;
        let set = &data.train;
        set.require_unit_interval().or_usage()?;
        require!(set.is_binary(), "--data {}: the values must be 0 and 1", self.data);
        let most = set.width() + self.hidden.iter().copied().max().unwrap_or(0);
        require!(
            most <= MOST,
            "--data {}, --hidden: {most} units, but all sums are exact for at most {MOST}",
            self.data
        );
        let v = visible().first(set, set.len(), &device);

        let mut rows = Vec::new();
        let limit = limit(set);
        let mut panel = Panel::new(Axis::new("exact log-likelihood (nats)"))
            .x_axis(Axis::new("parameters"))
            .reference(limit, "limit: the distribution of the data")
            .title(format!("{}, {} steps", set.name(), self.steps));
        let pairs = self.train(&BmConfig::new(set.width(), 0), v.clone(), &device)?;
        rows.push(json!({ "kind": "pairs", "n_hidden": 0, "parameters": pairs.0, "log_prob": pairs.1 }));
        panel = panel.series(Series::new("pairs, no hidden units", &[pairs.0 as f64], &[pairs.1]).dots(4.0));
        for Kind { name, has_lateral } in KINDS {
            let mut points = Vec::new();
            for &n_hidden in &self.hidden {
                let config = BmConfig::new(set.width(), n_hidden)
                    .with_visible_couplings(has_lateral)
                    .with_hidden_couplings(has_lateral);
                let (parameters, log_prob) = self.train(&config, v.clone(), &device)?;
                note(format!("{name}, {n_hidden} hidden units: {parameters} parameters, {log_prob:.4} nats"));
                rows.push(json!({ "kind": name, "n_hidden": n_hidden, "parameters": parameters, "log_prob": log_prob }));
                points.push((parameters as f64, log_prob));
            }
            let (x, y): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
            panel = panel.series(Series::new(name, &x, &y));
        }
        let result = json!({ "experiment": BmExperiment::NAME, "data": set.name(), "steps": self.steps, "seed": self.seed, "limit": limit, "machines": rows });
        let folder = self.folder.clone().unwrap_or_else(|| format!("runs/bm-compare-s{}", self.seed).into());
        std::fs::create_dir_all(&folder)
            .map_err(|error| usage!("cannot make {}: {error}", folder.display()))?;
        atomic::write_json(folder.join("compare.json"), &result)?;
        Figure::new(Axis::new("parameters")).panel(panel).save(folder.join("compare.png"))?;
        print_json(&result, shared.json)
    }

    /// Parameters of a machine, and its mean log-likelihood after exact learning.
    fn train(&self, config: &BmConfig, v: Tensor<2>, device: &Device) -> Result<(usize, f64)> {
        let config = config.clone().with_weight_std(0.3);
        let machine = config.init(device, &mut Noise::new(self.seed, "init")).or_usage()?;
        let objective =
            LearningConfig::new().with_method(Learning::Exact).init(&config, device).or_usage()?;
        let settings = LearnerConfig::adam(Schedule::linear(0.05, 0.0));
        let batch = v.clone();
        let batches = (self.steps, move |_: &Position| Batch::new(batch.clone()));
        let mut learner = Learner::new(machine, objective, &settings, Noise::new(self.seed, "none"))
            .or_usage()?
            .on_batches(batches);
        for step in 0..self.steps {
            learner.step(&Position::new(step, self.steps, 1)).map_err(of_step)?;
        }
        let machine: BoltzmannMachine = learner.measured().in_best_precision();
        let weights = machine.exact_log_weights(v.cast(machine.couplings.val().dtype()));
        let pairs: f64 = to_host(config.pairs(device).sum())[0] / 2.0;
        Ok((pairs as usize + config.n_units(), mean(&to_host(weights)) - machine.exact_log_z().value))
    }
}
