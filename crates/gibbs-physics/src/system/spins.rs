//! Spin systems by their settings.

use std::path::PathBuf;

use gibbs_backend::Noise;
use gibbs_core::ConfigError;
use serde::{Deserialize, Serialize};

use super::{Reference, require_defaults, require_size, short};
use crate::{
    Boundary, Canonical, Geometry, Hamiltonian, Lattice, Pairwise, PhysicsError, curie_weiss,
    edwards_anderson, error::positive, exact, hopfield, ising, memory, named::named, sherrington_kirkpatrick,
};

/// Sizes of the lattice, and number of spins of a system without a lattice.
const LATTICE: &str = "16x16";
const SPINS: usize = 20;

named! {
    /// Which spin Hamiltonian.
    SpinSystemKind {
        /// The Ising model on a lattice
        Ising = "ising",
        /// Edwards-Anderson spin glass: couplings of both signs on a lattice
        EdwardsAnderson = "edwards_anderson",
        /// Sherrington-Kirkpatrick spin glass: random couplings of all pairs
        Sk = "sk",
        /// Curie-Weiss: equal couplings of all pairs
        CurieWeiss = "curie_weiss",
        /// Hopfield network of random patterns
        Hopfield = "hopfield",
        /// Couplings read from a file
        Couplings = "couplings",
    }
}

impl SpinSystemKind {
    /// Whether the system has a lattice.
    pub fn is_on_lattice(self) -> bool {
        matches!(self, Self::Ising | Self::EdwardsAnderson)
    }

    /// The settings of its Hamiltonian and its temperature.
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Ising => &["lattice", "geometry", "boundary", "coupling", "field", "beta"],
            Self::EdwardsAnderson => &["lattice", "geometry", "boundary", "instance_seed", "beta"],
            Self::CurieWeiss => &["n_spins", "coupling", "field", "beta"],
            Self::Sk => &["n_spins", "instance_seed", "beta"],
            Self::Hopfield => &["n_spins", "n_patterns", "instance_seed", "beta"],
            Self::Couplings => &["n_spins", "couplings", "beta"],
        }
    }
}

/// A spin system at a temperature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpinSystemConfig {
    /// Which Hamiltonian.
    pub kind: SpinSystemKind,
    /// Sizes of the axes of the lattice, such as `16x16`; `None` for kinds without a lattice.
    pub lattice: Option<String>,
    /// Which sites of the lattice are neighbors.
    pub geometry: Geometry,
    /// What follows the last site of every axis.
    pub boundary: Boundary,
    /// Coupling `J` of `ising` and `curie_weiss`; negative for an antiferromagnet.
    pub coupling: f64,
    /// Field `h` of `ising` and `curie_weiss`.
    pub field: f64,
    /// Number of spins; `None` for kinds with a lattice. `couplings` may leave it to the file.
    pub n_spins: Option<usize>,
    /// Number of patterns of `hopfield`.
    pub n_patterns: usize,
    /// Seed of random couplings.
    pub instance_seed: u64,
    /// File of the matrix of `couplings`, `[n, n]`, symmetric; `None` for other kinds.
    pub couplings: Option<PathBuf>,
    /// Inverse temperature.
    pub beta: f64,
}

impl Default for SpinSystemConfig {
    /// The Ising model on the 16×16 torus at the critical temperature.
    fn default() -> Self {
        Self::new(SpinSystemKind::Ising)
    }
}

impl SpinSystemConfig {
    /// The default sizes and constants of a kind: a 16×16 torus, or 20 spins, at the critical temperature of the square
    /// lattice.
    pub fn new(kind: SpinSystemKind) -> Self {
        Self {
            kind,
            lattice: kind.is_on_lattice().then(|| LATTICE.into()),
            geometry: Geometry::Hypercubic,
            boundary: Boundary::Periodic,
            coupling: 1.0,
            field: 0.0,
            n_spins: (!kind.is_on_lattice() && kind != SpinSystemKind::Couplings).then_some(SPINS),
            n_patterns: 1,
            instance_seed: 0,
            couplings: None,
            beta: exact::CRITICAL_BETA,
        }
    }

    /// Checks sizes and temperature, and that there are no settings of other kinds.
    ///
    /// # Errors
    /// The first field that is out of range, or that the kind does not have.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let (on_lattice, is_file) = (self.kind.is_on_lattice(), self.kind == SpinSystemKind::Couplings);
        let file = self.couplings.as_ref().map(|file| file.display().to_string());
        let n_spins = self.n_spins.map(|n| n.to_string()).filter(|_| !is_file);
        let of_lattice = if on_lattice { "such as 16x16" } else { "a number of spins instead" };
        let of_spins = if on_lattice { "a lattice instead, such as 16x16" } else { "such as 20" };
        let of_file = if is_file { "give --couplings FILE.npy" } else { "its own; take kind = couplings" };
        require_size("n_spins", n_spins, !on_lattice && !is_file, self.kind, of_spins)?;
        require_size("lattice", self.lattice.clone(), on_lattice, self.kind, of_lattice)?;
        require_size("couplings", file, is_file, self.kind, of_file)?;
        require_defaults(self, &Self::new(self.kind), self.kind, self.kind.settings())?;
        ConfigError::at_least("n_spins", self.n_spins.unwrap_or(1), 1)?;
        ConfigError::at_least("n_patterns", self.n_patterns, 1)?;
        positive("beta", self.beta).map(|_| ())
    }

    /// The Hamiltonian.
    ///
    /// # Errors
    /// Those of [`validate`](Self::validate), constants that make no Hamiltonian, or the kind `couplings`, whose matrix is
    /// in a file: use [`with_hamiltonian`](Self::with_hamiltonian).
    pub fn build(&self) -> Result<SpinSystem, PhysicsError> {
        self.validate()?;
        let (kind, mut noise) = (self.kind, Noise::new(self.instance_seed, "instance"));
        let n = self.n_spins.unwrap_or(SPINS);
        let lattice = match &self.lattice {
            Some(sizes) => Some(Lattice::parse(sizes, self.geometry, self.boundary)?),
            None => None,
        };
        let hamiltonian = match (kind, &lattice) {
            (SpinSystemKind::Ising, Some(lattice)) => ising(lattice, self.coupling, self.field),
            (SpinSystemKind::EdwardsAnderson, Some(lattice)) => edwards_anderson(lattice, &mut noise),
            (SpinSystemKind::CurieWeiss, _) => curie_weiss(n, self.coupling, self.field),
            (SpinSystemKind::Hopfield, _) => {
                hopfield(&memory::random_patterns(n, self.n_patterns, &mut noise))
            }
            (SpinSystemKind::Sk, _) => sherrington_kirkpatrick(n, &mut noise),
            _ => Err(ConfigError::new("kind", kind, "the matrix of the couplings is in a file").into()),
        }?;
        Ok(SpinSystem { config: self.clone(), hamiltonian, lattice })
    }

    /// The system with couplings that were read from its file.
    ///
    /// # Errors
    /// Those of [`validate`](Self::validate), or another number of spins than configured.
    pub fn with_hamiltonian(&self, hamiltonian: Pairwise) -> Result<SpinSystem, ConfigError> {
        self.validate()?;
        if let Some(n) = self.n_spins {
            let found = hamiltonian.n_spins();
            ConfigError::require(n == found, "n_spins", n, format!("the couplings are of {found} spins"))?;
        }
        Ok(SpinSystem { config: self.clone(), hamiltonian, lattice: None })
    }

    /// Name of the system with its size and temperature, such as `ising 16x16, beta = 0.440687`.
    pub fn describe(&self) -> String {
        let size = match (&self.lattice, &self.couplings, self.n_spins) {
            (Some(lattice), ..) => lattice.clone(),
            (None, Some(file), _) => file.display().to_string(),
            (None, None, n) => format!("{} spins", n.unwrap_or(SPINS)),
        };
        format!("{} {size}, beta = {}", self.kind, short(self.beta))
    }
}

/// The Hamiltonian of a [`SpinSystemConfig`].
#[derive(Clone, Debug)]
pub struct SpinSystem {
    /// Its settings.
    pub config: SpinSystemConfig,
    /// `H`.
    pub hamiltonian: Pairwise,
    /// The lattice, where there is one.
    pub lattice: Option<Lattice>,
}

impl SpinSystem {
    /// Number of spins.
    pub fn n_spins(&self) -> usize {
        self.hamiltonian.n_spins()
    }

    /// Sizes of the lattice, or the number of spins.
    pub fn shape(&self) -> Vec<usize> {
        self.lattice.as_ref().map_or_else(|| vec![self.n_spins()], Lattice::shape)
    }

    /// The canonical distribution.
    ///
    /// # Errors
    /// If `beta` is negative or not finite.
    pub fn at(&self, beta: f64) -> Result<Canonical<&Pairwise>, PhysicsError> {
        Canonical::new(&self.hamiltonian, beta)
    }

    /// Exact values at `beta`; `None` where no method here takes less than seconds.
    ///
    /// # Errors
    /// If `beta` is negative or not finite.
    pub fn reference(&self, beta: f64) -> Result<Option<Reference>, PhysicsError> {
        Reference::of(self, beta)
    }

    /// Onsager's and Yang's values for the infinite square lattice at `beta`, per spin: thermodynamics and magnetization. `None`
    /// unless this is a square ferromagnet with periodic boundaries and no field.
    ///
    /// # Errors
    /// If `beta` is negative or not finite.
    pub fn infinite_lattice(&self, beta: f64) -> Result<Option<(exact::Thermodynamics, f64)>, PhysicsError> {
        let SpinSystemConfig { kind, geometry, boundary, coupling, field, .. } = self.config;
        let is_square = self.lattice.as_ref().is_some_and(|lattice| lattice.axes().len() == 2)
            && (kind, geometry) == (SpinSystemKind::Ising, Geometry::Hypercubic);
        if !is_square || boundary != Boundary::Periodic || field != 0.0 || coupling <= 0.0 {
            return Ok(None);
        }
        let k = beta * coupling;
        let plane = exact::onsager(k)?;
        let plane = exact::Thermodynamics { beta, energy: coupling * plane.energy, ..plane };
        Ok(Some((plane, exact::yang(k)?)))
    }
}
