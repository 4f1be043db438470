//! The command `compare`: bound, density and draws of one model, with their errors.

use gibbs_core::{
    Kind,
    two_sample::{TwoSample, median_distance, two_sample_test},
};
use gibbs_train::{atomic, run_folder::RunFolder};

use super::{
    DiffusionExperiment, Sampler, SamplerFlags,
    evaluate::{self, bounds, log_probs},
};
use crate::{
    experiment::Applied,
    output::{note, print_json},
    pictures::Frame,
    prelude::*,
    source::spread,
    usage::check_counts,
};

/// All samplers.
const SAMPLERS: [Sampler; 4] = [Sampler::Ode, Sampler::Ancestral, Sampler::Ddim, Sampler::Langevin];

/// Random exchanges of a two-sample test.
const EXCHANGES: usize = 999;

/// Flags of `diffusion compare`.
#[derive(Args, Debug)]
pub struct Compare {
    /// The run, and the examples that its draws are compared with.
    #[command(flatten)]
    pub examples: cli::Examples,
    /// Draws of each sampler, and as many examples; all examples if there are fewer
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub draws: usize,
    /// Steps of a Markov chain
    #[arg(long, default_value_t = 250, value_name = "N")]
    pub steps: usize,
    /// Seed of the draws
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
}

/// What is measured of the draws of a sampler.
struct Row {
    sampler: Sampler,
    /// Mean log-density of the draws under the model.
    log_prob: Estimate,
    /// Mean log-density of the draws under the true distribution, where it is known.
    log_prob_true: Option<Estimate>,
    /// Draws against examples.
    test: TwoSample,
    draws: Vec<f32>,
}

impl Compare {
    /// Measures, prints one JSON object, and writes it and a picture to the run folder.
    ///
    /// # Errors
    /// A folder without a run of this family, data that do not fit, an equation that cannot be solved, or a file that cannot be
    /// written.
    pub(super) fn run(&self, shared: &Shared) -> Result<()> {
        check_counts(&[("--draws", self.draws), ("--steps", self.steps)])?;
        let Applied { model, source, part, part_name, .. } =
            experiment::load_with_source::<DiffusionExperiment>(&self.examples, shared)?;
        let data = source.data()?;
        let set = part.of(data)[0];
        let rows = spread(set.len(), self.draws.min(set.len()));
        let n = rows.len();
        require!(n > 1, "{}: two examples or more", set.name());

        let noise = &mut Noise::new(self.seed, "compare");
        let log_prob = self.density(&model, (set, &rows), noise)?;
        let bound = Estimate::mean(&bounds(&model, (set, &rows), noise)).with_kind(Kind::LowerBound);
        let test = set.tensor(&rows, &model.device);
        let rows = SAMPLERS
            .into_iter()
            .map(|sampler| self.row(&model, sampler, (data, &test), noise))
            .collect::<Result<Vec<Row>>>()?;

        show(&log_prob, &bound, &rows);
        let samplers: Vec<Value> = rows.iter().map(to_json).collect();
        let result = json!({
            "experiment": DiffusionExperiment::NAME,
            "data": set.name(),
            "split": part_name,
            "n": n,
            "steps": self.steps,
            "seed": self.seed,
            "log_prob": log_prob,
            "log_prob_bound": bound,
            "samplers": samplers,
        });
        let files = RunFolder::read(&self.examples.run_dir)?;
        atomic::write_json(files.named("compare.json"), &result)?;
        figure(&model, &host(test), [&log_prob, &bound], &rows).save(files.named("compare.png"))?;
        note(format!("wrote {}", files.named("compare.json").display()));
        print_json(&result, shared.json)
    }

    /// The mean log-density of examples by the solver.
    fn density(
        &self,
        model: &DiffusionExperiment,
        rows: (&Dataset, &[usize]),
        noise: &mut Noise,
    ) -> Result<Estimate> {
        let flow = model.model.model.flow();
        let (found, _) = log_probs(model, &flow, rows, noise)?;
        Ok(Estimate::mean(&found.of_data))
    }

    /// The draws of a sampler, and what they are worth.
    fn row(
        &self,
        model: &DiffusionExperiment,
        sampler: Sampler,
        (data, test): (&Splits, &Tensor<2>),
        noise: &mut Noise,
    ) -> Result<Row> {
        let n = test.dims()[0];
        let flags = SamplerFlags { steps: self.steps, ..SamplerFlags::plain(sampler) };
        let draws = model.draw_plain(n, flags, noise)?;
        let test = two_sample_test(&draws, test, median_distance(&draws, test), EXCHANGES, noise);
        let values = host(draws.clone());
        let context = model.contexts_of_draws(n)?;
        let log_prob = evaluate::log_prob(model, &model.model.model.flow(), draws, context.as_ref(), noise)?;
        let known = data.known_density.as_ref();
        let log_prob_true = known.map(|known| {
            let each: Vec<f64> = values.chunks(model.n_visible()).map(|x| known.log_prob(x)).collect();
            Estimate::mean(&each)
        });
        let log_prob = Estimate::mean(&to_host(log_prob));
        Ok(Row { sampler, log_prob, log_prob_true, test, draws: values })
    }
}

/// The name of a sampler.
fn name(sampler: Sampler) -> String {
    sampler.to_possible_value().map_or_else(String::new, |value| value.get_name().to_string())
}

fn to_json(row: &Row) -> Value {
    let mut value = json!({
        "sampler": row.sampler,
        "log_prob_of_draws": row.log_prob,
        "mmd": row.test.mmd,
        "p_value": row.test.p_value,
        "bandwidth": row.test.bandwidth,
    });
    if let Some(known) = &row.log_prob_true {
        value["log_prob_true_of_draws"] = json!(known);
    }
    value
}

/// The table on stderr.
fn show(log_prob: &Estimate, bound: &Estimate, rows: &[Row]) {
    let text = |estimate: &Estimate| format!("{:.4} ± {:.4}", estimate.value, estimate.std_err);
    note(format!("{:<34}{:>22}", "log-density of examples (nats)", text(log_prob)));
    note(format!("{:<34}{:>22}", "variational bound (nats)", text(bound)));
    note(format!("{:<12}{:>22}{:>24}{:>10}", "draws", "their log-density", "MMD² to examples", "p-value"));
    for row in rows {
        let mmd = format!("{:.5} ± {:.5}", row.test.mmd.value, row.test.mmd.std_err);
        note(format!(
            "{:<12}{:>22}{mmd:>24}{:>10.3}",
            name(row.sampler),
            text(&row.log_prob),
            row.test.p_value
        ));
    }
}

/// Log-densities with errors; and examples and draws, where they are points of the plane.
fn figure(model: &DiffusionExperiment, test: &[f32], means: [&Estimate; 2], rows: &[Row]) -> Figure {
    let labels =
        ["examples", "bound"].map(String::from).into_iter().chain(rows.iter().map(|row| name(row.sampler)));
    let estimates = means.into_iter().chain(rows.iter().map(|row| &row.log_prob));
    let mut panel = Panel::new(Axis::new("log-density (nats)"))
        .x_axis(Axis::new("1: examples, 2: bound, then draws"))
        .title("one model");
    for (i, (label, estimate)) in labels.zip(estimates).enumerate() {
        let series = Series::new(label, &[(i + 1) as f64], &[estimate.value]).dots(4.0);
        panel = panel.series(series.std_err(&[estimate.std_err]));
    }
    let mut panels = vec![panel];
    if model.look().is_of_points() && model.n_visible() == 2 {
        let frame = Frame::around(test, &model.look());
        panels.push(frame.dots("examples", test));
        panels.extend(rows.iter().map(|row| frame.dots(&name(row.sampler), &row.draws)));
    }
    let columns = panels.len().min(3);
    let figure = Figure::new(Axis::new("")).columns(columns).width(400 * columns as u32);
    panels.into_iter().fold(figure, Figure::panel)
}
