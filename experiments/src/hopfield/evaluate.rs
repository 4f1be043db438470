//! Metrics of an associative memory.

use gibbs_data::Kind;
use gibbs_physics::memory::{AssociativeMemory, RecallConfig, flipped, random_states, similarity};
use gibbs_serve::Playground;

use super::{DynamicsArgs, HopfieldExperiment, data, data::states, pictures, recall};
use crate::prelude::*;

/// Overlap above which a pattern counts as recalled: inside the gap of the jump of Hebb's rule at its capacity.
const RECALLED: f64 = 0.9;

/// Random starts from which spurious states are looked for.
const RANDOM_STARTS: usize = 200;

/// Seconds of a recall by the square of the number of spins: 8 ms with the 784 spins of digits on 2 cores.
const SECONDS: f64 = 8e-3 / (784.0 * 784.0);

/// States that are recalled at once.
const BLOCK: usize = 256;

impl Trained for HopfieldExperiment {
    fn evaluate(&self, on: &Measurement<NoTarget>) -> Result<Evaluation> {
        evaluate(self, on)
    }

    fn look(&self) -> Look {
        self.config.look(self.memory.n_visible(), Kind::Gray)
    }

    fn sample(&self, args: &cli::Sample, dynamics: &DynamicsArgs, _: &Shared) -> Result<Drawn> {
        recall::sample(self, args, *dynamics)
    }

    fn playground(self) -> Option<Box<dyn Playground>> {
        Some(Box::new(self))
    }

    fn draw_pictures(&self, _: &Source<NoTarget>, files: &RunFiles) -> Result<()> {
        pictures::draw(self, files)
    }
}

/// Overlap, energies, spurious states; and the largest overlap that each example ends with.
fn evaluate(experiment: &HopfieldExperiment, on: &Measurement<NoTarget>) -> Result<Evaluation> {
    let HopfieldExperiment { config, memory } = experiment;
    let (sets, work, own_data) = (on.sets()?, on.work, on.own_data());
    sets.iter().try_for_each(|set| set.require_width(memory.n_visible())).or_usage()?;
    let recall = config.train.recall();
    let noise = Noise::new(config.seed, "evaluation");
    let mut evaluation = Evaluation::default();

    let corruption = &config.train.evaluation;
    let mut flips = noise.child("flips");
    let copies = memory.patterns().iter().flat_map(|pattern| (0..corruption.copies).map(move |_| pattern));
    let starts: Vec<Vec<f32>> =
        copies.clone().map(|pattern| flipped(pattern, corruption.flip, &mut flips)).collect();
    let paths = memory.recall(&starts, &recall, &noise.child("patterns"))?;
    let overlaps: Vec<f64> = copies.zip(&paths).map(|(copy, path)| similarity(copy, path.last())).collect();

    let classes = pattern_classes(experiment, &own_data.or(on.data()?).train);
    let (mut own_class, mut measured) = (Vec::new(), 0);
    for (s, set) in sets.iter().enumerate() {
        let n = work.affordable("examples", set.len(), seconds_of_recall(memory));
        let n = n.min(corruption.examples.filter(|_| work.is_bounded()).unwrap_or(n));
        measured += n;
        for first in work.over(set.name(), (0..n).step_by(BLOCK)) {
            let rows: Vec<usize> = (first..n.min(first + BLOCK)).collect();
            let noise = noise.child(format!("{s}/{first}"));
            let ends = memory.recall(&states(set, &rows), &recall, &noise)?;
            for (row, end) in rows.iter().zip(&ends) {
                let (pattern, overlap) = memory.nearest(end.last());
                evaluation.per_example.push(overlap.abs());
                if let (Some(labels), Some(classes)) = (set.labels(), &classes) {
                    own_class.push(overlap > RECALLED && classes[pattern] == labels[*row]);
                }
            }
        }
    }

    let all: usize = sets.iter().map(|set| set.len()).sum();
    evaluation.draws = (measured < all).then_some(measured);
    let examples = Estimate::mean(&evaluation.per_example).over_examples(&evaluation.per_example);
    evaluation.add("example_overlap", &examples, "overlap with the nearest pattern");
    evaluation.add("overlap", &Estimate::mean(&overlaps), "overlap with the pattern");
    evaluation.note("overlap", "flipped", corruption.flip);
    let recalled: Vec<bool> = overlaps.iter().map(|m| *m > RECALLED).collect();
    evaluation.add("recalled", &Estimate::fraction(&recalled), "of the corrupted patterns");
    if !own_class.is_empty() {
        let each: Vec<f64> = own_class.iter().map(|is_own| f64::from(u8::from(*is_own))).collect();
        evaluation.add("own_class", &Estimate::fraction(&own_class).over_examples(&each), "of the examples");
    }
    let still = RecallConfig { max_steps: 0, ..recall };
    let stored = memory.recall(memory.patterns(), &still, &noise)?;
    let energies: Vec<f64> = stored.iter().map(|path| path.energies[0]).collect();
    evaluation.add_mean("energy", &energies, "of the patterns");
    let ends: Vec<f64> = paths.iter().map(|path| path.energies[path.energies.len() - 1]).collect();
    evaluation.add("energy_recalled", &Estimate::mean(&ends), "of the ends");
    let starts = random_states(memory.n_visible(), RANDOM_STARTS, &mut noise.child("random"));
    let ends = memory.recall(&starts, &recall, &noise.child("random"))?;
    let is_spurious = |end: &[f32]| memory.nearest(end).1.abs() <= RECALLED;
    let spurious: Vec<bool> = ends.iter().map(|path| is_spurious(path.last())).collect();
    evaluation.add("spurious", &Estimate::fraction(&spurious), "of the recalls from noise");
    Ok(evaluation)
}

/// Estimate of the seconds that the recall of an example takes on 2 cores.
fn seconds_of_recall(memory: &AssociativeMemory) -> f64 {
    let n = memory.n_visible() as f64;
    SECONDS * n * n
}

/// The class of each stored pattern, where the training examples have classes and the patterns are among them.
fn pattern_classes(experiment: &HopfieldExperiment, train: &Dataset) -> Option<Vec<u16>> {
    let (labels, patterns) = (train.labels()?, experiment.memory.patterns());
    if patterns.len() > train.len() {
        return None;
    }
    let rows = data::stored_rows(train, patterns.len(), experiment.config.seed);
    (states(train, &rows) == patterns).then(|| rows.iter().map(|row| labels[*row]).collect())
}
