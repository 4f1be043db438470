//! Continuous systems by their settings.

use burn::prelude::*;
use gibbs_core::{
    ConfigError, Energy, Slope,
    symmetry::{Symmetry, SymmetryGroup},
};
use serde::{Deserialize, Serialize};

use super::{SpinSystem, SpinSystemConfig, require_defaults, require_size, short};
use crate::{
    Lattice, PhysicsError,
    continuous::{DoubleWell, DualIsing, Ends, HarmonicChain, PhiFour, Ring, Springs},
    exact,
    named::named,
};

named! {
    /// Which continuous Hamiltonian.
    ContinuousKind {
        /// Particles on springs in a row
        HarmonicChain = "harmonic_chain",
        /// A trough around the origin of the plane
        Ring = "ring",
        /// Two wells of different depths in the plane
        DoubleWell = "double_well",
        /// Two narrow wells of nearly equal depths in the plane
        SteepDoubleWell = "steep_double_well",
        /// A scalar field with quartic interaction on a periodic lattice
        PhiFour = "phi_four",
        /// Continuous fields in the place of the Ising spins of a torus
        DualIsing = "dual_ising",
    }
}

impl ContinuousKind {
    /// Whether the system has a lattice.
    pub fn is_on_lattice(self) -> bool {
        matches!(self, Self::PhiFour | Self::DualIsing)
    }

    /// The settings of its energy.
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::HarmonicChain => &["n", "beta", "ends", "spring", "pinning"],
            Self::Ring | Self::SteepDoubleWell => &[],
            Self::DoubleWell => &["quartic", "barrier", "tilt", "stiffness"],
            Self::PhiFour => &["lattice", "mass_squared", "lambda"],
            Self::DualIsing => &["lattice", "beta", "margin"],
        }
    }
}

/// A continuous system. See [`continuous`](crate::continuous) for the energies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContinuousSystemConfig {
    /// Which Hamiltonian.
    pub kind: ContinuousKind,
    /// Particles of `harmonic_chain`; `None` for other kinds.
    pub n: Option<usize>,
    /// Sizes of the periodic lattice of `phi_four` and `dual_ising`, such as `6x6`; `None` for other kinds.
    pub lattice: Option<String>,
    /// Inverse temperature of `harmonic_chain` and `dual_ising`; `None` for other kinds.
    pub beta: Option<f64>,
    /// Ends of `harmonic_chain`.
    pub ends: Ends,
    /// `κ` of the springs of `harmonic_chain` between neighbors.
    pub spring: f64,
    /// `κ₀` of the springs that tie each particle of `harmonic_chain` to its place.
    pub pinning: f64,
    /// `m²` of `phi_four`.
    pub mass_squared: f64,
    /// `λ` of `phi_four`.
    pub lambda: f64,
    /// `a` of `double_well`, the quartic term along `x_1`.
    pub quartic: f64,
    /// `b` of `double_well`: the barrier is `b²/4a` high where there is no tilt.
    pub barrier: f64,
    /// `c` of `double_well`, which makes one well deeper.
    pub tilt: f64,
    /// `d` of `double_well`, the spring along `x_2`.
    pub stiffness: f64,
    /// Smallest eigenvalue of the covariance of the fields of `dual_ising` given their spins.
    pub margin: f64,
}

impl Default for ContinuousSystemConfig {
    fn default() -> Self {
        Self::new(ContinuousKind::HarmonicChain)
    }
}

impl ContinuousSystemConfig {
    /// The default sizes and constants of a kind. The φ⁴ field is that of Albergo, Kanwar & Shanahan (2019) on 6×6 sites,
    /// whose correlation length is about a quarter of the lattice; lattice and margin of the dual fields are those of Li &
    /// Wang (2018), at the critical temperature.
    pub fn new(kind: ContinuousKind) -> Self {
        let lattice = match kind {
            ContinuousKind::PhiFour => Some("6x6".into()),
            ContinuousKind::DualIsing => Some("16x16".into()),
            _ => None,
        };
        let beta = match kind {
            ContinuousKind::HarmonicChain => Some(1.0),
            ContinuousKind::DualIsing => Some(exact::CRITICAL_BETA),
            _ => None,
        };
        let [quartic, barrier, tilt, stiffness] = DoubleWell::default().constants();
        Self {
            kind,
            n: (kind == ContinuousKind::HarmonicChain).then_some(8),
            lattice,
            beta,
            ends: Ends::Walls,
            spring: 1.0,
            pinning: 0.0,
            mass_squared: -4.0,
            lambda: 6.975,
            quartic,
            barrier,
            tilt,
            stiffness,
            margin: 0.1,
        }
    }

    /// Checks that the kind has its sizes, and no settings of other kinds.
    ///
    /// # Errors
    /// The first field that the kind does not have, or lacks.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let (default, on_lattice) = (Self::new(self.kind), self.kind.is_on_lattice());
        let [n, beta] = [self.n.map(|n| n.to_string()), self.beta.map(|beta| beta.to_string())];
        let of_lattice = if on_lattice { "such as 6x6" } else { "none" };
        let of_n = if on_lattice { "a lattice instead, such as 6x6" } else { "two variables" };
        require_size("lattice", self.lattice.clone(), on_lattice, self.kind, of_lattice)?;
        require_size("n", n, default.n.is_some(), self.kind, of_n)?;
        require_size("beta", beta, default.beta.is_some(), self.kind, "no temperature")?;
        require_defaults(self, &default, self.kind, self.kind.settings())?;
        let least = if self.ends == Ends::Ring { 2 } else { 1 };
        ConfigError::at_least("n", self.n.unwrap_or(least), least)
    }

    /// The spins on the lattice: `dual_ising` is their dual, and `phi_four` has their lattice.
    fn spins(&self) -> Result<SpinSystem, PhysicsError> {
        let default = SpinSystemConfig::default();
        let beta = self.beta.unwrap_or(default.beta);
        SpinSystemConfig { lattice: self.lattice.clone(), beta, ..default }.build()
    }

    /// The target density.
    ///
    /// # Errors
    /// Those of [`validate`](Self::validate), or constants that make no density.
    pub fn build(&self) -> Result<TargetDensity, PhysicsError> {
        self.validate()?;
        let plain = |potential, shape, exact: Option<(f64, &'static str)>| TargetDensity {
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
                let springs = Springs { mass: 1.0, coupling: self.spring, pinning: self.pinning };
                let n = self.n.unwrap_or_default();
                let chain = HarmonicChain::new(n, self.ends, springs, self.beta.unwrap_or(1.0))?;
                plain(Potential::HarmonicChain(chain), vec![n], Some((chain.log_z(), "normal modes")))
            }
            ContinuousKind::Ring => {
                let ring = Ring::default();
                plain(Potential::Ring(ring), vec![2], Some((ring.log_z(), "quadrature")))
            }
            ContinuousKind::DoubleWell | ContinuousKind::SteepDoubleWell => {
                let wells = match self.kind {
                    ContinuousKind::SteepDoubleWell => DoubleWell::steep(),
                    _ => DoubleWell::new(self.quartic, self.barrier, self.tilt, self.stiffness)?,
                };
                let [_, _, tilt, _] = wells.constants();
                let exact = Some((wells.log_z(), "quadrature"));
                TargetDensity { is_even: tilt == 0.0, ..plain(Potential::DoubleWell(wells), vec![2], exact) }
            }
            ContinuousKind::PhiFour => {
                let lattice = self.spins()?.lattice;
                let axes = lattice.as_ref().map_or(&[][..], Lattice::axes);
                let [mass_squared, lambda] = [self.mass_squared, self.lambda];
                let field = PhiFour::new(axes, mass_squared, lambda)?;
                let exact = match *axes {
                    _ if lambda == 0.0 => Some((exact::free_field(axes, mass_squared)?, "normal modes")),
                    [axis] => Some((exact::phi_four_chain(axis, mass_squared, lambda)?, "transfer matrix")),
                    _ => None,
                };
                let shape = field.lattice().shape();
                TargetDensity { lattice, ..plain(Potential::PhiFour(field), shape, exact) }
            }
            ContinuousKind::DualIsing => {
                let spins = self.spins()?;
                let beta = spins.config.beta;
                let dual = DualIsing::new(&spins.hamiltonian, beta, self.margin)?;
                let exact = spins.reference(beta)?;
                TargetDensity {
                    unit: (beta, "J"),
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
        let [a, b, c, d] = [self.quartic, self.barrier, self.tilt, self.stiffness].map(short);
        let of_kind = match self.kind {
            ContinuousKind::PhiFour => {
                Some(format!(", m² = {}, λ = {}", short(self.mass_squared), short(self.lambda)))
            }
            ContinuousKind::DoubleWell => Some(format!(", a = {a}, b = {b}, c = {c}, d = {d}")),
            _ => None,
        };
        let constants = [
            self.lattice.as_ref().map(|lattice| format!(" {lattice}")),
            self.n.map(|n| format!(", n = {n}")),
            of_kind,
            self.beta.map(|beta| format!(", beta = {}", short(beta))),
        ];
        constants.into_iter().flatten().fold(self.kind.to_string(), |text, constant| text + &constant)
    }
}

/// The energy of a [`TargetDensity`].
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
    /// The dual fields of spins.
    DualIsing(Box<DualIsing>),
}

impl Energy for Potential {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        match self {
            Self::HarmonicChain(chain) => chain.energy(x),
            Self::Ring(ring) => ring.energy(x),
            Self::DoubleWell(wells) => wells.energy(x),
            Self::PhiFour(field) => field.energy(x),
            Self::DualIsing(dual) => dual.energy(x),
        }
    }
}

impl Slope for Potential {
    fn slope(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::HarmonicChain(chain) => chain.slope(x),
            Self::Ring(ring) => ring.slope(x),
            Self::DoubleWell(wells) => wells.slope(x),
            Self::PhiFour(field) => field.slope(x),
            Self::DualIsing(dual) => dual.slope(x),
        }
    }
}

/// A continuous density `exp(-E(x)) / Z` that a model can learn, and what is known about it.
#[derive(Clone, Debug)]
pub struct TargetDensity {
    /// `E`, dimensionless.
    pub potential: Potential,
    /// Sizes of the lattice, or the number of variables.
    pub shape: Vec<usize>,
    /// The inverse temperature `β` of the free energy `-ln Z / β`, and its unit.
    pub unit: (f64, &'static str),
    /// What to add to `ln Z` to obtain `ln Z` of the system that the density represents.
    pub log_z_offset: f64,
    /// `ln Z` of that system and how it is computed, where it is known.
    pub exact: Option<(f64, &'static str)>,
    /// The lattice, whose symmetries leave the energy as it is.
    lattice: Option<Lattice>,
    /// Whether a change of all signs leaves the energy as it is.
    is_even: bool,
}

impl Energy for TargetDensity {
    fn energy(&self, x: Tensor<2>) -> Tensor<1> {
        self.potential.energy(x)
    }
}

impl Slope for TargetDensity {
    fn slope(&self, x: Tensor<2>) -> Tensor<2> {
        self.potential.slope(x)
    }
}

impl TargetDensity {
    /// Number of variables.
    pub fn n_variables(&self) -> usize {
        self.shape.iter().product()
    }

    /// The group of symmetries of the energy: the change of all signs, and `with_lattice` the symmetries of the lattice, as
    /// far as the energy has them.
    pub fn group(&self, with_lattice: bool) -> SymmetryGroup {
        let n = self.n_variables();
        let mut generators = Vec::from_iter(self.is_even.then(|| Symmetry::negation(n)));
        if let Some(lattice) = self.lattice.as_ref().filter(|_| with_lattice) {
            generators.extend(lattice.symmetries());
        }
        SymmetryGroup::generated_by(n, &generators)
    }
}
