//! Ctrl-C and SIGTERM: what they end, and what stays on disk.

use std::{
    path::{Path, PathBuf},
    process,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use anyhow::Result;
use gibbs_train::training::StopFlag;

use crate::{output::note, usage::INTERRUPTED};

/// How long a step may take to end by itself. Checkpoints are replaced atomically, so the program may end at any moment.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a signal ends.
#[derive(Clone, Debug, PartialEq)]
enum Phase {
    /// A training step, which is followed by a checkpoint.
    Training,
    /// Measurements and pictures of a run in this folder, whose weights are saved.
    Measuring(PathBuf),
}

/// The handler of Ctrl-C and SIGTERM of a run.
///
/// In training the first signal asks the loop to end with a checkpoint. A second one, or a step that does not end in time, ends
/// the program at the last checkpoint. After training the first signal ends the program. The exit code is 130.
#[derive(Clone)]
pub struct Interrupt {
    stop: StopFlag,
    phase: Arc<Mutex<Phase>>,
}

impl Interrupt {
    /// Installs the handler. Training comes first.
    ///
    /// # Errors
    /// A handler that the system refuses.
    pub fn install() -> Result<Self> {
        let interrupt = Self { stop: StopFlag::new(), phase: Arc::new(Mutex::new(Phase::Training)) };
        let handler = interrupt.clone();
        ctrlc::set_handler(move || handler.on_signal())?;
        Ok(interrupt)
    }

    /// The flag that ends the loop.
    pub fn flag(&self) -> StopFlag {
        self.stop.clone()
    }

    /// From here on the weights in a run folder are final.
    pub fn measuring(&self, folder: &Path) {
        self.enter(Phase::Measuring(folder.into()));
    }

    /// From here on a model is trained.
    pub fn training(&self) {
        self.enter(Phase::Training);
    }

    fn enter(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    fn phase(&self) -> Phase {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn on_signal(&self) {
        match self.phase() {
            Phase::Measuring(folder) => {
                let folder = folder.display();
                end(&format!(
                    "interrupted: the weights are saved; `train {folder} --resume` measures them and draws the pictures, \
                     `eval {folder}` only measures"
                ));
            }
            Phase::Training if self.stop.is_requested() => end("interrupted at the last checkpoint"),
            Phase::Training => {
                self.stop.request();
                let waiting = self.clone();
                thread::spawn(move || waiting.end_a_long_step());
            }
        }
    }

    fn end_a_long_step(&self) {
        thread::sleep(PATIENCE);
        let seconds = PATIENCE.as_secs();
        end(&format!("interrupted at the last checkpoint: the step has not ended within {seconds} s"));
    }
}

fn end(why: &str) -> ! {
    note(why);
    process::exit(INTERRUPTED.into());
}
