//! Trainings that were started from a page.

use std::{
    collections::VecDeque,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{answer::Refusal, folder::Folder, zoo::Offer};

/// Lines of the program's messages that are kept.
const KEPT: usize = 20;

/// The last lines that a program printed.
type Messages = Arc<Mutex<VecDeque<String>>>;

struct Job {
    id: String,
    child: Child,
    status: Option<ExitStatus>,
    messages: Messages,
}

impl Job {
    fn is_running(&mut self) -> bool {
        if self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status.is_none()
    }

    /// The line of the error, else all that is left of the messages.
    fn error(&self) -> String {
        let messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let error = messages.iter().rev().find_map(|line| line.strip_prefix("error: ").map(String::from));
        error.unwrap_or_else(|| messages.iter().cloned().collect::<Vec<_>>().join(" "))
    }
}

/// The trainings that were started from a page; one at a time.
#[derive(Default)]
pub(crate) struct Jobs(Mutex<Vec<Job>>);

impl Jobs {
    /// Starts a training in a new folder below the root, and returns the identifier of its run.
    ///
    /// # Errors
    /// 409 while another one goes on; 500 if the program cannot be started.
    pub(crate) fn start(&self, program: &Path, offer: &Offer, folder: &Folder) -> Result<String, Refusal> {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if jobs.iter_mut().any(Job::is_running) {
            return Err(Refusal::not_now("another training is going on: wait for its end"));
        }
        let failed = |error: std::io::Error| Refusal::broken(format!("{}: {error}", program.display()));
        let names =
            (1..).map(|k| if k == 1 { offer.name.to_string() } else { format!("{}-{k}", offer.name) });
        let id = names.into_iter().find(|name| !folder.root().join(name).exists()).unwrap_or_default();
        let mut child = Command::new(program)
            .args(offer.command)
            .arg(folder.root().join(&id))
            .args(offer.settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let messages = Messages::default();
        if let Some(stderr) = child.stderr.take() {
            let (mut lines, kept) = (BufReader::new(stderr).lines(), messages.clone());
            tokio::spawn(async move {
                while let Ok(Some(line)) = lines.next_line().await {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.push_back(line);
                    if kept.len() > KEPT {
                        kept.pop_front();
                    }
                }
            });
        }
        jobs.push(Job { id: id.clone(), child, status: None, messages });
        Ok(id)
    }

    /// What has become of the training of a run that has no folder yet: it starts, or it failed.
    pub(crate) fn row(&self, id: &str) -> Option<Value> {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let job = jobs.iter_mut().find(|job| job.id == id)?;
        Some(match job.is_running() {
            true => json!({ "id": id, "state": "starting" }),
            false => json!({ "id": id, "state": "failed", "damage": job.error() }),
        })
    }
}
