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

/// The handler of Ctrl-C and SIGTERM of a run.
///
/// In training the first signal asks the loop to end with a checkpoint. A second one, or a step that does not end in time, ends
/// the program at the last checkpoint. After training the first signal ends the program. The exit code is 130.
#[derive(Clone)]
pub struct Interrupt {
    /// The flag that ends the loop.
    pub stop: StopFlag,
    /// The run folder whose weights are final; `None` in training.
    measured: Arc<Mutex<Option<PathBuf>>>,
}

impl Interrupt {
    /// Installs the handler. Training comes first.
    ///
    /// # Errors
    /// A handler that the system refuses.
    pub fn install() -> Result<Self> {
        let interrupt = Self { stop: StopFlag::new(), measured: Arc::default() };
        let handler = interrupt.clone();
        ctrlc::set_handler(move || handler.on_signal())?;
        Ok(interrupt)
    }

    /// From here on the weights in a run folder are final, or a model is trained.
    pub fn enter(&self, measured: Option<&Path>) {
        *self.measured.lock().unwrap_or_else(PoisonError::into_inner) = measured.map(Path::to_path_buf);
    }

    fn on_signal(&self) {
        let measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(folder) = measured.as_ref().map(|folder| folder.display()) {
            end(&format!(
                "interrupted: the weights are saved; `train {folder} --resume` measures them and draws the pictures, \
                 `eval {folder}` only measures"
            ));
        }
        if self.stop.is_requested() {
            end("interrupted at the last checkpoint");
        }
        self.stop.request();
        thread::spawn(|| {
            thread::sleep(PATIENCE);
            let seconds = PATIENCE.as_secs();
            end(&format!("interrupted at the last checkpoint: the step has not ended within {seconds} s"))
        });
    }
}

fn end(why: &str) -> ! {
    note(why);
    process::exit(INTERRUPTED.into());
}
