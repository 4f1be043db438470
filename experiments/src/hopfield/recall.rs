//! The command `recall`: corrupted pictures and what becomes of them.

use gibbs_data::png;
use gibbs_physics::{
    PhysicsError,
    memory::{RecallConfig, Updates, flipped, random_states},
};

use super::{
    HopfieldExperiment,
    config::check_flip,
    data::pixels,
    pictures::{self, PARTS},
};
use crate::{evidence::Half, output::note, prelude::*, system::choices, usage::require_extension};

/// Pixels above this are white: half of the range of bytes.
const HALF: u8 = 127;

/// Flags of recall, which is all that `hopfield sample` adds.
#[derive(Args, Clone, Copy, Debug)]
pub struct DynamicsArgs {
    /// Temperature of the heat bath, in units of the energy; 0 goes downhill to the end
    #[arg(long, default_value_t = 0.0, value_name = "T")]
    pub temperature: f64,
    /// Which spins are updated together; as in the run if not given
    #[arg(long, value_parser = choices!(Updates))]
    pub updates: Option<Updates>,
    /// Most sweeps
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub sweeps: usize,
}

impl DynamicsArgs {
    /// The flags over the settings of a run.
    fn over(self, run: RecallConfig, parts: usize) -> Result<RecallConfig> {
        let Self { temperature, updates, sweeps: max_steps } = self;
        require!(max_steps != 0, "--sweeps 0: give at least 1");
        Ok(RecallConfig { updates: updates.unwrap_or(run.updates), temperature, parts, max_steps })
    }
}

/// An error of recall, by the name of the flag.
pub(super) fn refuse(error: PhysicsError) -> anyhow::Error {
    match error {
        PhysicsError::Config(error) => usage!("--{error}"),
        other => other.into(),
    }
}

/// Flags of `recall`.
#[derive(Args, Debug)]
pub struct Recall {
    /// Run folder; config.json and model.safetensors are enough
    pub run_dir: PathBuf,
    /// Start from this picture, of the size of the patterns, instead of from the patterns
    #[arg(long, value_name = "FILE.png")]
    pub image: Option<PathBuf>,
    /// Cover all but this half
    #[arg(long, value_enum, value_name = "HALF")]
    pub given: Option<Half>,
    /// Flip this part of the pixels
    #[arg(long, value_name = "PART")]
    pub flip: Option<f64>,
    /// How states are recalled.
    #[command(flatten)]
    pub dynamics: DynamicsArgs,
    /// Rows of the filmstrip
    #[arg(short, default_value_t = 8, value_name = "N")]
    pub n: usize,
    /// Seed of the flips and of the order of the updates
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Picture to write, and another of its energies; recall.png in the run folder if not given
    #[arg(long, value_name = "FILE.png")]
    pub out: Option<PathBuf>,
}

/// Where a row of the filmstrip begins.
pub(super) struct Start {
    pub(super) label: String,
    pub(super) state: Vec<f32>,
}

/// The state with all pixels but those given black.
fn covered(state: &[f32], given: Half, shape: (usize, usize)) -> Vec<f32> {
    state.iter().zip(given.pixels(shape)).map(|(s, known)| if known { *s } else { -1.0 }).collect()
}

fn flip_label(part: f64) -> String {
    format!("{:.0} % flipped", 100.0 * part)
}

fn given_label(given: Half) -> String {
    format!("{given:?} half").to_lowercase()
}

/// A part of the pixels of three patterns flipped, half of two others covered this way and that, and noise.
pub(super) fn default_starts(experiment: &HopfieldExperiment, flip: f64, noise: &mut Noise) -> Vec<Start> {
    let patterns = experiment.memory.patterns();
    let pattern = |k: usize| &patterns[k % patterns.len()];
    let mut starts: Vec<Start> =
        (0..3).map(|k| Start { label: flip_label(flip), state: flipped(pattern(k), flip, noise) }).collect();
    for (k, given) in [(3, Half::Upper), (4, Half::Left), (5, Half::Lower)] {
        let state = covered(pattern(k), given, experiment.shape());
        starts.push(Start { label: given_label(given), state });
    }
    let states = random_states(experiment.memory.n_visible(), 2, noise);
    starts.extend(states.into_iter().map(|state| Start { label: "noise".into(), state }));
    starts
}

/// The rows that the flags ask for.
fn starts(experiment: &HopfieldExperiment, args: &Recall, noise: &mut Noise) -> Result<Vec<Start>> {
    let flip = args.flip.unwrap_or(0.0);
    if args.image.is_none() && args.given.is_none() && args.flip.is_none() {
        let mut starts = default_starts(experiment, experiment.config.train.evaluation.flip, noise);
        starts.truncate(args.n);
        return Ok(starts);
    }
    let originals: Vec<Vec<f32>> = match &args.image {
        Some(path) => vec![picture(experiment, path)?],
        None => experiment.memory.patterns().iter().take(args.n).cloned().collect(),
    };
    let corrupt = |original: &Vec<f32>| {
        let state = flipped(original, flip, noise);
        let state = match args.given {
            Some(given) => covered(&state, given, experiment.shape()),
            None => state,
        };
        let words = [args.given.map(given_label), args.flip.map(flip_label)];
        let label = words.into_iter().flatten().collect::<Vec<_>>().join(", ");
        Start { label: if label.is_empty() { "picture".into() } else { label }, state }
    };
    Ok(originals.iter().map(corrupt).collect())
}

/// A picture as a state: black and white, unless states are continuous.
fn picture(experiment: &HopfieldExperiment, path: &Path) -> Result<Vec<f32>> {
    let (bytes, shape) = png::read(path).or_usage()?;
    let (rows, columns) = experiment.shape();
    require!(
        shape == [rows, columns],
        "{}: {}x{} pixels where the patterns have {rows}x{columns}; scale the picture",
        path.display(),
        shape[0],
        shape[1]
    );
    let value = |byte: u8| match (experiment.memory.is_of_spins(), byte > HALF) {
        (false, _) => f32::from(byte) / 127.5 - 1.0,
        (true, true) => 1.0,
        (true, false) => -1.0,
    };
    Ok(bytes.into_iter().map(value).collect())
}

pub(super) fn run(args: &Recall, shared: &Shared) -> Result<()> {
    require!(args.n != 0, "-n 0: give at least 1");
    check_flip("--flip", args.flip.unwrap_or(0.0)).or_usage()?;
    let out = args.out.clone().unwrap_or_else(|| args.run_dir.join("recall.png"));
    require_extension(&out, "png")?;
    let (_, device) = experiment::device(shared)?;
    let (config, experiment) = experiment::load_run::<HopfieldExperiment>(&args.run_dir, &device)?;
    let mut noise = Noise::new(args.seed, "recall");
    let starts = starts(&experiment, args, &mut noise)?;
    let recall = args.dynamics.over(config.train.recall(), PARTS)?;
    pictures::filmstrip(&experiment, &starts, &recall, &noise, &out)?;
    note(format!("wrote {} and {}", out.display(), pictures::energy_file(&out).display()));
    Ok(())
}

/// The states that recall from noise ends in.
pub(super) fn sample(
    experiment: &HopfieldExperiment,
    args: &cli::Sample,
    dynamics: DynamicsArgs,
) -> Result<Drawn> {
    let (memory, noise) = (&experiment.memory, &mut Noise::new(args.seed, "sample"));
    let starts = random_states(memory.n_visible(), args.n(), noise);
    let recall = dynamics.over(experiment.config.train.recall(), 1)?;
    let paths = memory.recall(&starts, &recall, noise).map_err(refuse)?;
    let values = paths.iter().flat_map(|path| pixels(path.last())).collect();
    Ok(Drawn::new(format!("ends of {} recalls from noise", args.n()), values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corruption_does_what_it_says() {
        let state: Vec<f32> = (0..20).map(|i| if i % 3 == 0 { 1.0 } else { -1.0 }).collect();
        let mut noise = Noise::new(1, "flips");
        for (part, count) in [(0.0, 0), (0.3, 6), (1.0, 20)] {
            let other = flipped(&state, part, &mut noise);
            assert_eq!(other.iter().zip(&state).filter(|(a, b)| a != b).count(), count);
        }
        let half = covered(&[1.0; 20], Half::Lower, (4, 5));
        assert!(half[..10].iter().all(|s| *s == -1.0) && half[10..].iter().all(|s| *s == 1.0));
    }
}
