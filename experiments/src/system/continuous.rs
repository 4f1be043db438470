//! Continuous systems by their settings: which Hamiltonian, of what size, with what constants.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use burn::prelude::*;
use clap::{Args, ValueEnum};
use gibbs_core::{
    Energy,
    symmetry::{Symmetry, SymmetryGroup},
};
use gibbs_data::{Dataset, Splits};
use gibbs_physics::{
    Lattice,
    continuous::{DoubleWell, DualIsing, Ends, HarmonicChain, PhiFour, Ring, Springs},
    exact,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{HAMILTONIAN, Reference, System, number};
use crate::{cli::Shorthand, fault::Fault};

/// Particles of a chain when no number is given.
const PARTICLES: usize = 8;

/// Lattice of a field when none is given: that of the published flows (Albergo, Kanwar & Shanahan 2019), and for spins that of
/// Li & Wang (2018).
const PHI_FOUR_LATTICE: &str = "6x6";
const DUAL_LATTICE: &str = "16x16";

/// Which continuous Hamiltonian.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContinuousKind {
    /// Particles on springs in a row
    #[value(alias = "harmonic_chain")]
    HarmonicChain,
    /// A trough around the origin of the plane
    Ring,
    /// Two wells of different depths in the plane
    #[value(alias = "double_well")]
    DoubleWell,
    /// A scalar field with quartic interaction on a periodic lattice
    #[value(alias = "phi_four")]
    PhiFour,
    /// Continuous fields in the place of the Ising spins of a torus
    #[value(alias = "dual_ising")]
    DualIsing,
}

impl ContinuousKind {
    /// The name, as in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::HarmonicChain => "harmonic_chain",
            Self::Ring => "ring",
            Self::DoubleWell => "double_well",
            Self::PhiFour => "phi_four",
            Self::DualIsing => "dual_ising",
        }
    }
}

/// What the ends of a chain are tied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainEnds {
    /// Walls.
    Walls,
    /// Each other.
    Ring,
}

/// A continuous system; constants that its kind does not have are not used. See the laws of `gibbs_physics::continuous`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Continuous {
    /// Which Hamiltonian.
    pub kind: ContinuousKind,
    /// Particles of `harmonic_chain`; `null` takes 8.
    pub n: Option<usize>,
    /// Sizes of the periodic lattice of `phi_four` (`null` takes 6x6) and `dual_ising` (16x16).
    pub lattice: Option<String>,
    /// Inverse temperature of `harmonic_chain` (`null` takes 1) and `dual_ising` (that of the transition).
    pub beta: Option<f64>,
    /// What the ends of `harmonic_chain` are tied to.
    pub ends: ChainEnds,
    /// `κ` of the springs of `harmonic_chain` between neighbors.
    pub spring: f64,
    /// `κ₀` of the springs that tie each of its particles to its place.
    pub pinning: f64,
    /// `m²` of `phi_four`.
    pub mass_squared: f64,
    /// `λ` of `phi_four`.
    pub lambda: f64,
    /// Smallest eigenvalue of the covariance of the fields of `dual_ising` given their spins.
    pub margin: f64,
}

impl Default for Continuous {
    /// A chain. The field is that of Albergo, Kanwar & Shanahan (2019) on 6×6 sites, whose correlation length is about a
    /// quarter of the lattice; the margin is that of Li & Wang (2018).
    fn default() -> Self {
        Self {
            kind: ContinuousKind::HarmonicChain,
            n: None,
            lattice: None,
            beta: None,
            ends: ChainEnds::Walls,
            spring: 1.0,
            pinning: 0.0,
            mass_squared: -4.0,
            lambda: 6.975,
            margin: 0.1,
        }
    }
}

/// The Hamiltonian of a [`Continuous`] system.
#[derive(Clone, Debug)]
pub enum Potential {
    /// Particles on springs.
    HarmonicChain(HarmonicChain),
    /// A trough around the origin.
    Ring(Ring),
    /// Two wells.
    DoubleWell(DoubleWell),
    /// The φ⁴ field.
    PhiFour(PhiFour),
    /// The fields of spins.
    DualIsing(Box<DualIsing>),
}

impl Energy for Potential {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        match self {
            Self::HarmonicChain(law) => law.energy(x),
            Self::Ring(law) => law.energy(x),
            Self::DoubleWell(law) => law.energy(x),
            Self::PhiFour(law) => law.energy(x),
            Self::DualIsing(law) => law.energy(x),
        }
    }
}

/// A continuous law, and what is known of it.
#[derive(Clone, Debug)]
pub struct Law {
    /// Its dimensionless energy.
    pub potential: Potential,
    /// Sizes of the lattice, or the number of variables.
    pub shape: Vec<usize>,
    /// The inverse temperature by which `-ln Z` is divided to be a free energy, and the unit of that.
    pub unit: (f64, &'static str),
    /// What is added to `ln Z` to have that of the system that the law stands for.
    pub log_z_offset: f64,
    /// `ln Z` of that system and how it is computed, where it is known.
    pub exact: Option<(f64, &'static str)>,
    /// Permutations under which the energy stays as it is, beside those that change all signs.
    lattice: Option<Lattice>,
    /// Whether a change of all signs is a symmetry.
    is_even: bool,
}

impl Continuous {
    /// Fills in the sizes that are left open.
    ///
    /// # Errors
    /// A size or temperature that the kind does not have.
    pub fn settle(&mut self) -> Result<()> {
        use ContinuousKind as Kind;
        let name = self.kind.name();
        let refuse = |key: &str, value: String, has: &str| {
            Err(Fault::usage(format!("model.system.{key} = {value}: {name} has {has}")))
        };
        match (self.kind, &self.lattice) {
            (Kind::PhiFour, _) => drop(self.lattice.get_or_insert_with(|| PHI_FOUR_LATTICE.into())),
            (Kind::DualIsing, _) => drop(self.lattice.get_or_insert_with(|| DUAL_LATTICE.into())),
            (_, Some(lattice)) => return refuse("lattice", lattice.clone(), "none"),
            (_, None) => {}
        }
        match (self.kind, self.n) {
            (Kind::HarmonicChain, _) => drop(self.n.get_or_insert(PARTICLES)),
            (Kind::PhiFour | Kind::DualIsing, Some(n)) => {
                return refuse("n", n.to_string(), "a lattice instead, such as 6x6");
            }
            (_, Some(n)) => return refuse("n", n.to_string(), "two variables"),
            (_, None) => {}
        }
        match (self.kind, self.beta) {
            (Kind::HarmonicChain, _) => drop(self.beta.get_or_insert(1.0)),
            (Kind::DualIsing, _) => drop(self.beta.get_or_insert(exact::CRITICAL_BETA)),
            (_, Some(beta)) => return refuse("beta", beta.to_string(), "no temperature"),
            (_, None) => {}
        }
        Ok(())
    }

    /// The spins on the lattice, of which `dual_ising` is the dual; of `phi_four` they have the lattice.
    fn spins(&self) -> Result<System> {
        let mut spins = System { lattice: self.lattice.clone(), ..System::new() };
        spins.beta = self.beta.unwrap_or(spins.beta);
        spins.settle()?;
        Ok(spins)
    }

    /// The law.
    ///
    /// # Errors
    /// Sizes or constants that make none.
    pub fn build(&self) -> Result<Law> {
        self.law().context("model.system")
    }

    fn law(&self) -> Result<Law> {
        let plain = |potential, shape, exact: Option<(f64, &'static str)>| Law {
            potential,
            shape,
            unit: (1.0, "kT"),
            log_z_offset: 0.0,
            exact,
            lattice: None,
            is_even: true,
        };
        Ok(match self.kind {
            ContinuousKind::HarmonicChain => {
                let ends = match self.ends {
                    ChainEnds::Walls => Ends::Walls,
                    ChainEnds::Ring => Ends::Ring,
                };
                let springs = Springs { mass: 1.0, coupling: self.spring, pinning: self.pinning };
                let n = self.n.unwrap_or(PARTICLES);
                let chain = HarmonicChain::new(n, ends, springs, self.beta.unwrap_or(1.0))?;
                plain(Potential::HarmonicChain(chain), vec![n], Some((chain.log_z(), "normal modes")))
            }
            ContinuousKind::Ring => {
                let ring = Ring::default();
                plain(Potential::Ring(ring), vec![2], Some((ring.log_z(), "quadrature")))
            }
            ContinuousKind::DoubleWell => {
                let wells = DoubleWell::default();
                let exact = Some((wells.log_z(), "quadrature"));
                Law { is_even: false, ..plain(Potential::DoubleWell(wells), vec![2], exact) }
            }
            ContinuousKind::PhiFour => {
                let lattice = self.spins()?.lattice()?;
                let (axes, [mass_squared, lambda]) = (lattice.axes(), [self.mass_squared, self.lambda]);
                let field = PhiFour::new(axes, mass_squared, lambda)?;
                let exact = match *axes {
                    _ if lambda == 0.0 => Some((exact::free_field(axes, mass_squared)?, "normal modes")),
                    [axis] => Some((exact::phi_four_chain(axis, mass_squared, lambda)?, "transfer matrix")),
                    _ => None,
                };
                let shape = axes.iter().map(|axis| axis.length).collect();
                Law { lattice: Some(lattice), ..plain(Potential::PhiFour(field), shape, exact) }
            }
            ContinuousKind::DualIsing => {
                let system = self.spins()?;
                let spins = system.build()?;
                let dual = DualIsing::new(&spins.hamiltonian, system.beta, self.margin)?;
                let exact = Reference::of(&system, &spins, system.beta)?;
                Law {
                    unit: (system.beta, "J"),
                    log_z_offset: dual.log_z_offset(),
                    exact: exact.map(|exact| (exact.thermodynamics.log_z, exact.method)),
                    shape: spins.shape(),
                    lattice: spins.lattice,
                    potential: Potential::DualIsing(Box::new(dual)),
                    is_even: true,
                }
            }
        })
    }

    /// Name of the system with its constants, such as `harmonic_chain, n = 8, beta = 1`.
    pub fn describe(&self) -> String {
        let format = gibbs_report::format_number;
        let mut text = self.kind.name().to_string();
        text += &self.lattice.as_ref().map_or(String::new(), |lattice| format!(" {lattice}"));
        text += &self.n.map_or(String::new(), |n| format!(", n = {n}"));
        if self.kind == ContinuousKind::PhiFour {
            text += &format!(", m² = {}, λ = {}", format(self.mass_squared), format(self.lambda));
        }
        text + &self.beta.map_or(String::new(), |beta| format!(", beta = {}", format(beta)))
    }

    /// What stands in the place of data: a single example of zeros, of the shape of the law.
    ///
    /// # Errors
    /// Those of [`build`](Self::build).
    pub fn without_data(&self) -> Result<Splits> {
        let law = self.build()?;
        let blank = Dataset::from_bytes(self.describe(), vec![0; law.n_variables()], &law.shape, None)?;
        Ok(Splits { train: blank.clone(), valid: blank.clone(), test: blank, known_density: None })
    }
}

impl Law {
    /// Number of variables.
    pub fn n_variables(&self) -> usize {
        self.shape.iter().product()
    }

    /// The group of a change of all signs, and if `with_lattice` of the symmetries of the lattice too, as far as the law has
    /// them.
    pub fn group(&self, with_lattice: bool) -> SymmetryGroup {
        let n = self.n_variables();
        let mut generators = Vec::from_iter(self.is_even.then(|| Symmetry::negation(n)));
        if let Some(lattice) = self.lattice.as_ref().filter(|_| with_lattice) {
            generators.extend(lattice.symmetries());
        }
        SymmetryGroup::generated_by(n, &generators)
    }
}

/// Flags of `train` for a continuous system.
#[derive(Args, Clone, Debug)]
pub struct ContinuousArgs {
    /// Learn this Hamiltonian instead of data
    #[arg(long, value_enum, value_name = "MODEL", conflicts_with = "data")]
    pub model: Option<ContinuousKind>,
    /// Sizes of the lattice of phi-four and dual-ising, such as 16x16
    #[arg(long, value_name = "ROWSxCOLUMNS", requires = "model")]
    pub lattice: Option<String>,
    /// Particles of harmonic-chain
    #[arg(long, value_name = "N", requires = "model")]
    pub particles: Option<usize>,
    /// Inverse temperature of harmonic-chain and dual-ising
    #[arg(long, value_name = "B", allow_negative_numbers = true, requires = "model")]
    pub beta: Option<f64>,
}

impl Shorthand for ContinuousArgs {
    fn settings(&self) -> Vec<(&'static str, Value)> {
        let mut settings = BTreeMap::new();
        if let Some(kind) = self.model {
            settings.insert("data.name", json!(HAMILTONIAN));
            settings.insert("model.system.kind", json!(kind));
        }
        settings.extend(self.lattice.iter().map(|lattice| ("model.system.lattice", json!(lattice))));
        settings.extend(self.particles.iter().map(|n| ("model.system.n", json!(n))));
        settings.extend(self.beta.iter().map(|beta| ("model.system.beta", number(*beta))));
        settings.into_iter().collect()
    }
}
