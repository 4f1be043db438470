//! The filmstrip of recall and the stored patterns.

use gibbs_physics::memory::{RecallConfig, RecallPath, Updates};

use super::{
    HopfieldExperiment,
    data::pixels,
    recall::{Start, default_starts, refuse},
};
use crate::prelude::*;

/// States that are shown of the first asynchronous sweep: most of a recall happens there.
pub(super) const PARTS: usize = 6;

/// Most stored patterns that are shown.
const SHOWN: usize = 100;

/// Writes the patterns and a filmstrip of their recall.
pub(super) fn draw(experiment: &HopfieldExperiment, files: &RunFiles) -> Result<()> {
    let noise = &mut Noise::new(experiment.config.seed, "pictures");
    patterns(experiment, noise, &files.named("patterns.png"))?;
    let starts = default_starts(experiment, experiment.config.train.evaluation.flip, noise);
    let recall = RecallConfig { parts: PARTS, ..experiment.config.train.recall() };
    filmstrip(experiment, &starts, &recall, noise, &files.named("recall.png"))
}

/// The stored patterns with their energies.
fn patterns(experiment: &HopfieldExperiment, noise: &Noise, file: &Path) -> Result<()> {
    let patterns = experiment.memory.patterns();
    let shown = &patterns[..patterns.len().min(SHOWN)];
    let still = RecallConfig { max_steps: 0, ..experiment.config.train.recall() };
    let paths = experiment.memory.recall(shown, &still, noise)?;
    let images: Vec<f32> = shown.iter().flat_map(|pattern| pixels(pattern)).collect();
    let (rows, columns) = experiment.shape();
    let title = format!("{} of {} stored patterns with their energies E", shown.len(), patterns.len());
    let grid = ImageGrid::new(rows, columns)
        .title(title)
        .captions(paths.iter().map(|path| energy(path.energies[0])));
    Ok(grid.save(&images, file)?)
}

/// What stands above a column, and the time that it shows; `None` is the end.
fn columns(recall: &RecallConfig, in_parts: bool) -> Vec<(String, Option<f64>)> {
    let whole = |times: &[usize]| times.iter().map(|t| (t.to_string(), Some(*t as f64))).collect::<Vec<_>>();
    let end = [("end".into(), None)];
    if !in_parts {
        return whole(&[0, 1, 2, 3, 4, 5, 6]).into_iter().chain(end).collect();
    }
    let part = |k: usize| (format!("{k}/{PARTS}"), Some(k as f64 / PARTS as f64));
    let later = if recall.temperature > 0.0 { whole(&[1, 3, 10]) } else { whole(&[1, 2]) };
    whole(&[0]).into_iter().chain((1..PARTS).map(part)).chain(later).chain(end).collect()
}

/// Writes one row for each start: states along the time with their energies, and the stored pattern that the last one
/// resembles most, with its overlap. A second picture has the energies against time.
pub(super) fn filmstrip(
    experiment: &HopfieldExperiment,
    starts: &[Start],
    recall: &RecallConfig,
    noise: &Noise,
    file: &Path,
) -> Result<()> {
    let memory = &experiment.memory;
    let states: Vec<Vec<f32>> = starts.iter().map(|start| start.state.clone()).collect();
    let paths = memory.recall(&states, recall, noise).map_err(refuse)?;
    let in_parts = memory.is_of_spins() && recall.updates == Updates::Asynchronous;
    let columns = columns(recall, in_parts);
    let (mut images, mut captions) = (Vec::new(), Vec::new());
    for path in &paths {
        for (_, time) in &columns {
            let k = time.map_or(path.states.len() - 1, |time| path.at(time));
            images.extend(pixels(&path.states[k]));
            captions.push(energy(path.energies[k]));
        }
        let (pattern, overlap) = memory.nearest(path.last());
        let sign = if overlap < 0.0 { -1.0 } else { 1.0 };
        let shown: Vec<f32> = memory.patterns()[pattern].iter().map(|s| sign * s).collect();
        images.extend(pixels(&shown));
        captions.push(format!("m {overlap:.2}"));
    }
    let (rows, width) = experiment.shape();
    let labels = columns.iter().map(|(label, _)| label.clone()).chain(["stored".into()]);
    let grid = ImageGrid::new(rows, width)
        .title("recall: states with energies E, and the nearest stored pattern with overlap m")
        .columns(columns.len() + 1)
        .row_labels(starts.iter().enumerate().map(|(k, start)| row_label(k, start)))
        .column_labels(labels)
        .corner("sweeps")
        .captions(captions)
        .separator_after(columns.len());
    grid.save(&images, file)?;
    energies(starts, &paths, &energy_file(file))
}

/// Label of row `k` in both pictures.
fn row_label(k: usize, start: &Start) -> String {
    format!("{}: {}", k + 1, start.label)
}

/// Where the energies of a filmstrip go.
pub(super) fn energy_file(file: &Path) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}-energy.png"))
}

fn energies(starts: &[Start], paths: &[RecallPath], file: &Path) -> Result<()> {
    let mut panel = Panel::new(Axis::new("energy"));
    for (k, (start, path)) in starts.iter().zip(paths).enumerate() {
        panel = panel.series(Series::new(row_label(k, start), &path.times(), &path.energies));
    }
    Ok(Figure::new(Axis::new("sweeps")).panel(panel).panel_height(320).save(file)?)
}

/// An energy in as many digits as a caption has room for.
fn energy(value: f64) -> String {
    let digits = [99.95, 9.995].iter().filter(|limit| value.abs() < **limit).count();
    format!("E {value:.digits$}")
}
