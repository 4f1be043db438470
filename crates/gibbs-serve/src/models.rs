//! The models that are loaded, and work on them away from the threads that answer requests.

use std::{fs, sync::Arc, time::SystemTime};

use gibbs_runs::Run;
use tokio::sync::{Mutex, Semaphore};

use crate::{answer::Refusal, playground::Playground, zoo::Zoo};

/// Models that stay loaded.
const KEPT: usize = 4;

/// A model that several requests share.
pub(crate) type Shared = Arc<dyn Playground>;

/// A state of the weights of a run: folder, time and size of the file.
type Version = (std::path::PathBuf, Option<(SystemTime, u64)>);

/// The loaded models, and how many threads compute.
pub(crate) struct Models {
    loaded: Mutex<Vec<(Version, Shared)>>,
    threads: Semaphore,
}

impl Models {
    /// None yet; as many threads as cores.
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { loaded: Mutex::default(), threads: Semaphore::new(cores) }
    }

    /// The model of a run with its present weights.
    ///
    /// # Errors
    /// 409 with the reason if the run has none.
    pub(crate) async fn of(&self, run: Run, zoo: Arc<dyn Zoo>) -> Result<Shared, Refusal> {
        let version = version(&run);
        let mut loaded = self.loaded.lock().await;
        if let Some(at) = loaded.iter().position(|(own, _)| *own == version) {
            let found = loaded.remove(at);
            let model = found.1.clone();
            loaded.push(found);
            return Ok(model);
        }
        let open = move || zoo.open(&run).map_err(|error| Refusal::not_now(error.to_string()));
        let model: Shared = self.work(open).await?.into();
        loaded.retain(|((folder, _), _)| *folder != version.0);
        if loaded.len() == KEPT {
            loaded.remove(0);
        }
        loaded.push((version, model.clone()));
        Ok(model)
    }

    /// Computes on a thread of its own, at most as many at once as there are cores.
    ///
    /// # Errors
    /// That of the work; 500 if it panics.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let _permit = self.threads.acquire().await.map_err(|error| Refusal::broken(error.to_string()))?;
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|_| Err(Refusal::broken("the model failed: this is a fault of the program")))
    }
}

fn version(run: &Run) -> Version {
    let file = fs::metadata(run.folder().join("model.safetensors")).ok();
    let state = file.and_then(|file| Some((file.modified().ok()?, file.len())));
    (run.folder().to_path_buf(), state)
}
