//! The figures of an associative memory.

use anyhow::Result;
use gibbs_backend::Noise;
use gibbs_core::Estimate;
use gibbs_data::{Dataset, Splits};

use super::{
    HopfieldExperiment, data,
    film::{Settings, recall},
    memory::overlap,
    recall::flipped,
    sample::noise_states,
    train::states,
};
use crate::{cli::Part, evaluation::Evaluation};

/// Overlap above which a pattern counts as recalled: inside the gap of the jump of Hebb's rule at its capacity.
const RECALLED: f64 = 0.9;

/// Random starts from which spurious states are looked for.
const RANDOM_STARTS: usize = 200;

/// States that are recalled at once.
const BLOCK: usize = 256;

/// Overlap, energies, spurious states; and the largest overlap that each example ends with.
pub(super) fn evaluate(experiment: &HopfieldExperiment, data: &Splits, part: Part) -> Result<Evaluation> {
    let HopfieldExperiment { config, memory } = experiment;
    let sets: Vec<&Dataset> = part.splits().iter().map(|&split| data.get(split)).collect();
    sets.iter().try_for_each(|set| set.require_width(memory.n_spins()))?;
    let settings = Settings::of(config);
    let noise = Noise::new(config.seed, "evaluation");
    let mut evaluation = Evaluation::default();

    let corruption = &config.train.evaluation;
    let mut flips = noise.child("flips");
    let starts: Vec<Vec<f32>> = memory
        .patterns()
        .iter()
        .flat_map(|pattern| (0..corruption.copies).map(move |_| pattern))
        .map(|pattern| flipped(pattern, corruption.flip, &mut flips))
        .collect();
    let films = recall(memory, &starts, &settings, &noise.child("patterns"))?;
    let overlaps: Vec<f64> = films
        .iter()
        .enumerate()
        .map(|(k, film)| overlap(&memory.patterns()[k / corruption.copies], film.last()))
        .collect();

    let classes = pattern_classes(experiment, &data.train);
    let mut own_class = Vec::new();
    for (s, set) in sets.iter().enumerate() {
        let labels = set.labels();
        for first in (0..set.len()).step_by(BLOCK) {
            let rows: Vec<usize> = (first..set.len().min(first + BLOCK)).collect();
            let ends = recall(memory, &states(set, &rows), &settings, &noise.child(format!("{s}/{first}")))?;
            for (row, end) in rows.iter().zip(&ends) {
                let (pattern, overlap) = memory.nearest(end.last());
                evaluation.per_example.push(overlap.abs());
                if let (Some(labels), Some(classes)) = (labels, &classes) {
                    own_class.push(fraction(overlap > RECALLED && classes[pattern] == labels[*row]));
                }
            }
        }
    }

    let examples = Estimate::mean(&evaluation.per_example);
    evaluation.add("example_overlap", &examples, "overlap with the nearest pattern");
    evaluation.add("overlap", &Estimate::mean(&overlaps), "overlap with the pattern");
    evaluation.note("overlap", "flipped", corruption.flip);
    let recalled: Vec<f64> = overlaps.iter().map(|m| fraction(*m > RECALLED)).collect();
    evaluation.add("recalled", &Estimate::mean(&recalled), "of the corrupted patterns");
    if !own_class.is_empty() {
        evaluation.add("own_class", &Estimate::mean(&own_class), "of the examples");
    }
    let still = Settings { max_steps: 0, ..settings };
    let stored = recall(memory, memory.patterns(), &still, &noise)?;
    let energy = stored.iter().map(|film| film.energies[0]).sum::<f64>() / stored.len() as f64;
    evaluation.add("energy", &Estimate::exact(energy), "of the patterns");
    let ends: Vec<f64> = films.iter().map(|film| film.energies[film.energies.len() - 1]).collect();
    evaluation.add("energy_recalled", &Estimate::mean(&ends), "of the ends");
    let starts = noise_states(memory.n_spins(), RANDOM_STARTS, &mut noise.child("random"));
    let ends = recall(memory, &starts, &settings, &noise.child("random"))?;
    let spurious: Vec<f64> =
        ends.iter().map(|film| fraction(memory.nearest(film.last()).1.abs() <= RECALLED)).collect();
    evaluation.add("spurious", &Estimate::mean(&spurious), "of the recalls from noise");
    Ok(evaluation)
}

fn fraction(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// The class of each stored pattern, where the training examples have classes and the patterns are among them.
fn pattern_classes(experiment: &HopfieldExperiment, train: &Dataset) -> Option<Vec<u8>> {
    let labels = train.labels()?;
    let patterns = experiment.memory.patterns();
    if patterns.len() > train.len() {
        return None;
    }
    let rows = data::stored_rows(train, patterns.len(), experiment.config.seed);
    let is_stored = states(train, &rows) == patterns;
    is_stored.then(|| rows.iter().map(|row| labels[*row]).collect())
}
