//! Spin systems by their settings: which Hamiltonian, of what size, at what temperature; continuous ones beside them.

mod continuous;
mod reference;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use gibbs_backend::Noise;
use gibbs_data::{
    Dataset, Splits,
    npy::{self, Array},
};
use gibbs_physics::{
    Axis, Boundary, Canonical, Hamiltonian, Lattice, Pairwise, curie_weiss, edwards_anderson, hopfield,
    ising, memory, sherrington_kirkpatrick,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{cli::Shorthand, fault::Fault};

pub use continuous::{ChainEnds, Continuous, ContinuousArgs, ContinuousKind, Law, Potential};
pub use reference::Reference;

/// Stands in `data.name` where a run has a Hamiltonian instead of data.
pub const HAMILTONIAN: &str = "hamiltonian";

/// Sizes of a lattice and number of spins when none are given.
const LATTICE: [usize; 2] = [16, 16];
const SPINS: usize = 20;

/// Which Hamiltonian.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemKind {
    /// The Ising model on a lattice
    Ising,
    /// Edwards-Anderson spin glass: couplings of both signs on a lattice
    #[value(alias = "edwards_anderson")]
    EdwardsAnderson,
    /// Sherrington-Kirkpatrick spin glass: random couplings of all pairs
    Sk,
    /// Curie-Weiss: equal couplings of all pairs
    #[value(alias = "curie_weiss")]
    CurieWeiss,
    /// Hopfield network of random patterns
    Hopfield,
    /// Couplings read from a file
    Couplings,
}

impl SystemKind {
    /// Whether it has a lattice.
    pub(crate) fn is_on_lattice(self) -> bool {
        matches!(self, Self::Ising | Self::EdwardsAnderson)
    }

    /// The name, as in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ising => "ising",
            Self::EdwardsAnderson => "edwards_anderson",
            Self::Sk => "sk",
            Self::CurieWeiss => "curie_weiss",
            Self::Hopfield => "hopfield",
            Self::Couplings => "couplings",
        }
    }
}

/// Which sites are neighbors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Geometry {
    /// Those along the axes: chains, squares, cubes and so on.
    Hypercubic,
    /// Those of a square and one diagonal.
    Triangular,
}

/// What lies behind the last site of every axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edges {
    /// The first site.
    Periodic,
    /// Nothing.
    Open,
}

/// A spin system at a temperature.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Which Hamiltonian.
    pub kind: SystemKind,
    /// Sizes of the axes of a lattice, such as `16x16`; `null` takes that, or none where there is no lattice.
    pub lattice: Option<String>,
    /// Which sites of a lattice are neighbors.
    pub geometry: Geometry,
    /// What lies behind the ends of a lattice.
    pub boundary: Edges,
    /// Coupling `J` of `ising` and `curie_weiss`; negative for an antiferromagnet.
    pub coupling: f64,
    /// Field `h` of `ising` and `curie_weiss`.
    pub field: f64,
    /// Spins of a system without a lattice; `null` takes 20, or what the lattice or the file has.
    pub n_spins: Option<usize>,
    /// Patterns of `hopfield`.
    pub n_patterns: usize,
    /// Seed of what is random about the couplings.
    pub instance_seed: u64,
    /// File of a symmetric matrix of couplings `[n, n]` (.npy).
    pub couplings: Option<PathBuf>,
    /// Inverse temperature.
    pub beta: f64,
}

/// The Hamiltonian of a [`System`].
#[derive(Clone, Debug)]
pub struct Spins {
    /// `H`.
    pub hamiltonian: Pairwise,
    /// The lattice, where there is one.
    pub lattice: Option<Lattice>,
}

impl System {
    /// The Ising model at its critical temperature on a torus.
    pub fn new() -> Self {
        Self {
            kind: SystemKind::Ising,
            lattice: None,
            geometry: Geometry::Hypercubic,
            boundary: Edges::Periodic,
            coupling: 1.0,
            field: 0.0,
            n_spins: None,
            n_patterns: 1,
            instance_seed: 0,
            couplings: None,
            beta: gibbs_physics::exact::CRITICAL_BETA,
        }
    }

    /// Fills in the sizes that are left open.
    ///
    /// # Errors
    /// A size that the kind does not have, or a temperature that is none.
    pub fn settle(&mut self) -> Result<()> {
        let kind = self.kind.name();
        if self.kind.is_on_lattice() {
            if let Some(n) = self.n_spins {
                let lattice = LATTICE.map(|n| n.to_string()).join("x");
                return Err(Fault::usage(format!(
                    "model.system.n_spins = {n}: {kind} has a lattice instead, such as {lattice}"
                )));
            }
            self.lattice.get_or_insert_with(|| LATTICE.map(|n| n.to_string()).join("x"));
        } else {
            if let Some(lattice) = &self.lattice {
                return Err(Fault::usage(format!(
                    "model.system.lattice = {lattice}: {kind} has a number of spins instead"
                )));
            }
            if self.kind != SystemKind::Couplings {
                self.n_spins.get_or_insert(SPINS);
            }
        }
        match (self.kind, &self.couplings) {
            (SystemKind::Couplings, None) => {
                Err(Fault::usage("model.system.kind = couplings: give their file with --couplings FILE.npy"))
            }
            (SystemKind::Couplings, Some(_)) | (_, None) => Ok(()),
            (_, Some(file)) => Err(Fault::usage(format!(
                "model.system.couplings = {}: {kind} makes its own; take model.system.kind=couplings",
                file.display()
            ))),
        }?;
        self.canonical_beta().map(|_| ())
    }

    fn canonical_beta(&self) -> Result<f64> {
        match self.beta.is_finite() && self.beta > 0.0 {
            true => Ok(self.beta),
            false => Err(Fault::usage(format!("beta = {}: must be finite and above 0", self.beta))),
        }
    }

    /// The Hamiltonian.
    ///
    /// # Errors
    /// Sizes or couplings that make none, or a file that cannot be read.
    pub fn build(&self) -> Result<Spins> {
        let mut noise = Noise::new(self.instance_seed, "instance");
        let noise = &mut noise;
        let n = self.n_spins.unwrap_or(SPINS);
        let lattice = if self.kind.is_on_lattice() { Some(self.lattice()?) } else { None };
        let hamiltonian = match (self.kind, &lattice) {
            (SystemKind::Ising, Some(lattice)) => ising(lattice, self.coupling, self.field),
            (SystemKind::EdwardsAnderson, Some(lattice)) => edwards_anderson(lattice, noise),
            (SystemKind::CurieWeiss, _) => curie_weiss(n, self.coupling, self.field),
            (SystemKind::Hopfield, _) => hopfield(&memory::random_patterns(n, self.n_patterns, noise)),
            (SystemKind::Couplings, _) => {
                return self.read().map(|hamiltonian| Spins { hamiltonian, lattice });
            }
            _ => sherrington_kirkpatrick(n, noise),
        };
        Ok(Spins { hamiltonian: hamiltonian.context("model.system")?, lattice })
    }

    fn lattice(&self) -> Result<Lattice> {
        let text = self.lattice.clone().unwrap_or_default();
        let boundary = match self.boundary {
            Edges::Periodic => Boundary::Periodic,
            Edges::Open => Boundary::Open,
        };
        let axis = |length: &str| Some(Axis { length: length.parse().ok()?, boundary });
        let axes: Option<Vec<Axis>> = text.split('x').map(axis).collect();
        let axes = axes.ok_or_else(|| {
            Fault::usage(format!("model.system.lattice = {text}: give the sizes of the axes, such as 16x16"))
        })?;
        let lattice = match (self.geometry, &axes[..]) {
            (Geometry::Hypercubic, _) => Lattice::hypercubic(&axes),
            (Geometry::Triangular, &[rows, columns]) => Lattice::triangular(rows, columns),
            (Geometry::Triangular, _) => {
                return Err(Fault::usage(format!(
                    "model.system.lattice = {text}: a triangular one has two axes"
                )));
            }
        };
        lattice.with_context(|| format!("model.system.lattice = {text}"))
    }

    fn read(&self) -> Result<Pairwise> {
        let Some(file) = &self.couplings else {
            return Err(Fault::usage("model.system.couplings is not set"));
        };
        let array = npy::read(file)?;
        let &[n, columns] = &array.shape[..] else {
            return Err(Fault::usage(format!(
                "{}: a matrix is needed, this has the shape {:?}",
                file.display(),
                array.shape
            )));
        };
        let matrix: Vec<f64> = match array.values {
            Array::U8(values) => values.into_iter().map(f64::from).collect(),
            Array::F32(values) => values.into_iter().map(f64::from).collect(),
            Array::F64(values) => values,
        };
        if let Some(expected) = self.n_spins.filter(|expected| *expected != n) {
            return Err(Fault::usage(format!(
                "{}: couplings of {n} spins, but model.system.n_spins = {expected}",
                file.display()
            )));
        }
        if n != columns {
            return Err(Fault::usage(format!(
                "{}: {n} rows and {columns} columns; a square matrix is needed",
                file.display()
            )));
        }
        Pairwise::from_matrix(&matrix, vec![0.0; n]).with_context(|| file.display().to_string())
    }

    /// Name of the system with its size, such as `ising 16x16`.
    pub fn describe(&self) -> String {
        let size = match (&self.lattice, &self.couplings) {
            (Some(lattice), _) => lattice.clone(),
            (None, Some(file)) => file.display().to_string(),
            (None, None) => format!("{} spins", self.n_spins.unwrap_or(SPINS)),
        };
        format!("{} {size}, beta = {}", self.kind.name(), gibbs_report::format_number(self.beta))
    }

    /// What stands in the place of data: a single example of zeros, of the shape of the lattice.
    ///
    /// # Errors
    /// Those of [`build`](Self::build).
    pub fn without_data(&self) -> Result<Splits> {
        let spins = self.build()?;
        let shape = spins.shape();
        let blank = Dataset::from_bytes(self.describe(), vec![0; spins.n_spins()], &shape, None)?;
        Ok(Splits { train: blank.clone(), valid: blank.clone(), test: blank, known_density: None })
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl Spins {
    /// Number of spins.
    pub fn n_spins(&self) -> usize {
        self.hamiltonian.n_spins()
    }

    /// Sizes of the lattice, or the number of spins.
    pub fn shape(&self) -> Vec<usize> {
        match &self.lattice {
            Some(lattice) => lattice.axes().iter().map(|axis| axis.length).collect(),
            None => vec![self.n_spins()],
        }
    }

    /// The canonical law.
    ///
    /// # Errors
    /// A temperature that is none.
    pub fn at(&self, beta: f64) -> Result<Canonical<&Pairwise>> {
        Ok(Canonical::new(&self.hamiltonian, beta)?)
    }
}

/// Flags of `train` for a system.
#[derive(Args, Clone, Debug)]
pub struct SystemArgs {
    /// Hamiltonian
    #[arg(long, value_enum, value_name = "MODEL")]
    pub model: Option<SystemKind>,
    /// Sizes of the lattice, such as 16x16
    #[arg(long, value_name = "ROWSxCOLUMNS")]
    pub lattice: Option<String>,
    /// Number of spins of a system without a lattice
    #[arg(long, value_name = "N")]
    pub spins: Option<usize>,
    /// Inverse temperature
    #[arg(long, value_name = "B", allow_negative_numbers = true)]
    pub beta: Option<f64>,
    /// Seed of random couplings
    #[arg(long, value_name = "N")]
    pub instance_seed: Option<u64>,
    /// Couplings of all pairs: a symmetric matrix
    #[arg(long, value_name = "FILE.npy", conflicts_with_all = ["model", "lattice", "spins", "instance_seed"])]
    pub couplings: Option<PathBuf>,
}

impl SystemArgs {
    /// `system` with what the flags say, for commands that have no configuration.
    pub fn over(&self, mut system: System) -> System {
        if let Some(file) = &self.couplings {
            (system.kind, system.couplings) = (SystemKind::Couplings, Some(file.clone()));
        }
        system.kind = self.model.unwrap_or(system.kind);
        system.lattice = self.lattice.clone().or(system.lattice);
        system.n_spins = self.spins.or(system.n_spins);
        system.beta = self.beta.unwrap_or(system.beta);
        system.instance_seed = self.instance_seed.unwrap_or(system.instance_seed);
        system
    }
}

impl Shorthand for SystemArgs {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        let file = self.couplings.iter().flat_map(|file| {
            [("model.system.kind", json!("couplings")), ("model.system.couplings", json!(file))]
        });
        let kind = self.model.iter().map(|kind| ("model.system.kind", json!(kind)));
        let lattice = self.lattice.iter().map(|lattice| ("model.system.lattice", json!(lattice)));
        let spins = self.spins.iter().map(|n| ("model.system.n_spins", json!(n)));
        let beta = self.beta.iter().map(|beta| ("model.system.beta", number(*beta)));
        let seed = self.instance_seed.iter().map(|seed| ("model.system.instance_seed", json!(seed)));
        file.chain(kind).chain(lattice).chain(spins).chain(beta).chain(seed).collect()
    }
}

/// A number, or its name where JSON has none.
fn number(x: f64) -> Value {
    serde_json::Number::from_f64(x).map_or_else(|| json!(x.to_string()), Value::Number)
}
