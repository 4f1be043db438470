//! What the server asks of the program that runs it.

use std::{path::PathBuf, sync::Arc};

use gibbs_runs::Run;

use crate::playground::{PlayError, Playground};

/// The models of a program.
pub trait Zoo: Send + Sync + 'static {
    /// Loads the model of a run to play with.
    ///
    /// # Errors
    /// One sentence on why the run has none: no weights yet, damaged files, a family without a playground.
    fn open(&self, run: &Run) -> Result<Box<dyn Playground>, PlayError>;

    /// Models that need no run.
    fn toys(&self) -> Vec<Toy> {
        Vec::new()
    }

    /// Trainings that the pages offer.
    fn offers(&self) -> Vec<Offer> {
        Vec::new()
    }

    /// The program that trains what [`offers`](Self::offers) has.
    fn program(&self) -> PathBuf;

    /// Files with pictures of a run of a family, and what to see there. Other pictures are shown by their names.
    fn captions(&self, _family: &str) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// A model that needs no run.
#[derive(Clone)]
pub struct Toy {
    /// Its name in addresses: letters, digits and hyphens.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// One or two sentences on it.
    pub about: &'static str,
    /// The model.
    pub playground: Arc<dyn Playground>,
}

/// A training that the pages offer.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Its name in addresses, and of the run folder: letters, digits and hyphens.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// One sentence on what comes of it, and how long it takes.
    pub about: &'static str,
    /// Arguments of the program before the run folder, such as `rbm train`.
    pub command: &'static [&'static str],
    /// Arguments after the run folder.
    pub settings: &'static [&'static str],
}
