//! The experiment binaries: one module for each model family, and what all families share.
//!
//! A family implements [`experiment::Experiment`]. From there [`experiment`] has the path of a run: [`request`] is what the
//! user asks for, [`source`] what the model learns from, [`config`] the complete settings, [`evaluation`] the results.

#[macro_use]
pub mod usage;

pub mod against;
pub mod autoencoder;
pub mod base;
pub mod bench;
pub mod bm;
pub mod canonical;
pub mod classifier;
pub mod cli;
pub mod cnf;
pub mod columns;
pub mod conditions;
pub mod config;
pub mod data;
pub mod dbm;
pub mod dbn;
pub mod diffusion;
pub mod download;
pub mod evaluation;
pub mod evidence;
pub mod experiment;
pub mod explain;
pub mod flow;
pub mod gibbs;
pub mod hamiltonian;
pub mod hopfield;
pub mod interrupt;
pub mod ising;
pub mod log;
pub mod look;
pub mod made;
pub mod memory;
pub mod output;
pub mod outputs;
pub mod pictures;
pub mod plane;
pub mod play;
pub mod prelude;
pub mod preprocessed;
pub mod progress;
pub mod rbm;
pub mod realnvp;
pub mod request;
pub mod shards;
pub mod snf;
pub mod source;
pub mod stack;
pub mod system;
pub mod vae;
pub mod validation;
pub mod van;
pub mod variational;
pub mod visible;

use experiment::Family;

/// The family `autoencoder`.
pub static AUTOENCODER: Family = Family::of::<autoencoder::AutoencoderExperiment>();
/// The family `bm`.
pub static BM: Family = Family::of::<bm::BmExperiment>();
/// The family `canonical`.
pub static CANONICAL: Family = Family::of::<canonical::CanonicalExperiment>();
/// The family `cnf`.
pub static CNF: Family = Family::of::<cnf::CnfExperiment>();
/// The family `dbm`.
pub static DBM: Family = Family::of::<dbm::DbmExperiment>();
/// The family `dbn`.
pub static DBN: Family = Family::of::<dbn::DbnExperiment>();
/// The family `diffusion`.
pub static DIFFUSION: Family = Family::of::<diffusion::DiffusionExperiment>();
/// The family `hopfield`.
pub static HOPFIELD: Family = Family::of::<hopfield::HopfieldExperiment>();
/// The family `ising`.
pub static ISING: Family = Family::of::<ising::IsingExperiment>();
/// The family `made`.
pub static MADE: Family = Family::of::<made::MadeExperiment>();
/// The family `rbm`.
pub static RBM: Family = Family::of::<rbm::RbmExperiment>();
/// The family `realnvp`.
pub static REALNVP: Family = Family::of::<realnvp::RealNvpExperiment>();
/// The family `snf`.
pub static SNF: Family = Family::of::<snf::SnfExperiment>();
/// The family `vae`.
pub static VAE: Family = Family::of::<vae::VaeExperiment>();
/// The family `van`.
pub static VAN: Family = Family::of::<van::VanExperiment>();

/// All families: a new one is added here.
pub static FAMILIES: [&Family; 15] = [
    &RBM,
    &DBN,
    &DBM,
    &BM,
    &AUTOENCODER,
    &VAE,
    &MADE,
    &VAN,
    &REALNVP,
    &CNF,
    &DIFFUSION,
    &SNF,
    &CANONICAL,
    &HOPFIELD,
    &ISING,
];

/// The examples of the project's README, as doctests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
