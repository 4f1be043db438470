//! What is left to do of a plan, read from the run folders. Any number of processes may work on the same folders: the lock of a
//! run folder says who works on a run.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use thiserror::Error;

use crate::{Run, RunState, plan::PlannedRun};

/// Which part of the runs of a plan a process makes: every `n`-th one, from the `i`-th on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Number of the part, from 1.
    pub i: usize,
    /// Number of parts.
    pub n: usize,
}

impl Shard {
    /// All runs.
    pub const ALL: Self = Self { i: 1, n: 1 };

    /// The part of a task of a Slurm array, by the variables of the environment; `None` outside of one. Numbers of tasks may begin
    /// anywhere.
    pub fn of_slurm(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let number = |name: &str| variable(name)?.parse::<usize>().ok();
        let (id, n) = (number("SLURM_ARRAY_TASK_ID")?, number("SLURM_ARRAY_TASK_COUNT")?);
        let i = id.checked_sub(number("SLURM_ARRAY_TASK_MIN").unwrap_or(1))? + 1;
        (i <= n).then_some(Self { i, n })
    }

    /// The items of the part.
    pub fn of<T>(self, items: impl IntoIterator<Item = T>) -> Vec<T> {
        items.into_iter().skip(self.i - 1).step_by(self.n).collect()
    }
}

/// A text that is no [`Shard`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("give I/N with 1 <= I <= N, such as 2/4")]
pub struct NoShard;

/// `I/N`, as on the command line.
impl FromStr for Shard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Self, NoShard> {
        let parsed = || {
            let (i, n) = text.split_once('/')?;
            let (i, n) = (i.parse().ok()?, n.parse().ok()?);
            (1..=n).contains(&i).then_some(Self { i, n })
        };
        parsed().ok_or(NoShard)
    }
}

/// What a run of a plan needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// It is done.
    Nothing,
    /// It has not begun.
    Start,
    /// It was interrupted.
    Resume,
    /// Another process works on it.
    Wait,
}

/// Why a run of a plan cannot be made.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SweepError {
    /// The folder has a run that is damaged.
    #[error("{} is damaged: {reason}", .folder.display())]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// Which file, and why.
        reason: String,
    },
    /// The folder has a run with other settings.
    #[error(
        "{} holds a run of `{found}`, the plan says `{planned}`: remove the folder, or give the entry another name",
        .folder.display()
    )]
    OtherRun {
        /// The folder.
        folder: PathBuf,
        /// The arguments of the run.
        found: String,
        /// The arguments of the plan.
        planned: String,
    },
}

/// What a run of a plan needs, by its folder.
///
/// # Errors
/// [`SweepError`].
pub fn need(run: &PlannedRun, folder: &Path) -> Result<Need, SweepError> {
    let Ok(found) = Run::read(folder) else { return Ok(Need::Start) };
    let need = match found.state() {
        RunState::Running => return Ok(Need::Wait),
        RunState::Done => Need::Nothing,
        // A run that was killed at once has left nothing but its lock.
        _ if found.config().is_null() && found.info().is_none() => return Ok(Need::Start),
        // Killed before it wrote its command: `--resume` compares the settings.
        RunState::Interrupted if found.info().is_none() => return Ok(Need::Resume),
        RunState::Interrupted | RunState::Weights => Need::Resume,
        RunState::Damaged(reason) => {
            return Err(SweepError::Damaged { folder: folder.to_path_buf(), reason: reason.clone() });
        }
    };
    let own = found.info().map(|info| arguments_of(&info.machine.command)).unwrap_or_default();
    let planned = [std::slice::from_ref(&run.family), run.arguments.as_slice()].concat();
    if own != planned {
        let (found, planned) = (own.join(" "), planned.join(" "));
        return Err(SweepError::OtherRun { folder: folder.to_path_buf(), found, planned });
    }
    Ok(need)
}

/// The command that makes a run, after the name of the program.
pub fn command(run: &PlannedRun, folder: &Path, need: &Need) -> Vec<String> {
    let mut command = vec![run.family.clone(), "train".into(), folder.display().to_string()];
    command.extend(run.arguments.iter().cloned());
    command.push("--quiet".into());
    if *need == Need::Resume {
        command.push("--resume".into());
    }
    command
}

/// Family and arguments of a recorded command, without program, folder, and flags that are no part of a plan.
fn arguments_of(command: &[String]) -> Vec<String> {
    let Some(train) = command.iter().position(|argument| argument == "train") else { return Vec::new() };
    let family = command[..train].last().map(|family| Path::new(family).file_name().unwrap_or_default());
    let family = family.unwrap_or_default().to_string_lossy().into_owned();
    let rest =
        command.iter().skip(train + 2).filter(|argument| *argument != "--quiet" && *argument != "--resume");
    std::iter::once(family).chain(rest.cloned()).collect()
}

#[cfg(test)]
mod tests {
    use gibbs_train::run_folder::{Existing, Machine, RunFolder};
    use serde_json::json;

    use super::*;

    fn planned() -> PlannedRun {
        PlannedRun {
            entry: "a".into(),
            family: "rbm".into(),
            folder: "a-s0".into(),
            variant: "a".into(),
            arguments: ["--data", "digits", "--seed", "0"].map(String::from).to_vec(),
        }
    }

    #[test]
    fn shards_divide_all_runs() {
        assert_eq!("2/3".parse(), Ok(Shard { i: 2, n: 3 }));
        for wrong in ["0/3", "4/3", "1", "a/b", "-1/2", "1/0"] {
            assert_eq!(wrong.parse::<Shard>(), Err(NoShard), "{wrong}");
        }
        let runs: Vec<u32> = (0..11).collect();
        let mut all: Vec<u32> = (1..=3).flat_map(|i| Shard { i, n: 3 }.of(runs.clone())).collect();
        all.sort();
        assert_eq!(all, runs);
        let slurm = |id: &'static str, min: &'static str| {
            Shard::of_slurm(move |name| match name {
                "SLURM_ARRAY_TASK_ID" => Some(id.into()),
                "SLURM_ARRAY_TASK_MIN" => Some(min.into()),
                "SLURM_ARRAY_TASK_COUNT" => Some("4".into()),
                _ => None,
            })
        };
        assert_eq!(slurm("3", "0"), Some(Shard { i: 4, n: 4 }));
        assert_eq!(slurm("1", "1"), Some(Shard { i: 1, n: 4 }));
        assert_eq!(Shard::of_slurm(|_| None), None);
    }

    #[test]
    fn a_run_is_started_resumed_and_done() {
        let root = tempfile::tempdir().unwrap();
        let (run, path) = (planned(), root.path().join("a-s0"));
        assert_eq!(need(&run, &path), Ok(Need::Start));
        let machine = |need: &Need| {
            let command = [vec!["/bin/gibbs".to_string()], command(&run, &path, need)].concat();
            Machine { command, ..Machine::here() }
        };
        let mut folder = RunFolder::start(&path, Existing::Refuse, &[]).unwrap();
        assert_eq!(need(&run, &path), Ok(Need::Wait));
        drop(folder);
        // Killed at once.
        assert_eq!(need(&run, &path), Ok(Need::Start));
        folder = RunFolder::start(&path, Existing::Refuse, &[]).unwrap();
        folder.write_config(&json!({"experiment": "rbm"})).unwrap();
        drop(folder);
        // Killed before it wrote its command.
        assert_eq!(need(&run, &path), Ok(Need::Resume));
        folder = RunFolder::start(&path, Existing::Resume, &[]).unwrap();
        folder.begin(machine(&Need::Start)).unwrap();
        drop(folder);
        assert_eq!(need(&run, &path), Ok(Need::Resume));
        folder = RunFolder::start(&path, Existing::Resume, &[]).unwrap();
        folder.begin(machine(&Need::Resume)).unwrap();
        folder.end().unwrap();
        folder.write_summary(&json!({})).unwrap();
        drop(folder);
        assert_eq!(need(&run, &path), Ok(Need::Nothing));
        let other = PlannedRun { arguments: vec!["--seed".into(), "0".into()], ..run.clone() };
        assert!(matches!(need(&other, &path), Err(SweepError::OtherRun { .. })));
        std::fs::write(path.join("config.json"), "{").unwrap();
        assert!(matches!(need(&run, &path), Err(SweepError::Damaged { .. })));
    }
}
