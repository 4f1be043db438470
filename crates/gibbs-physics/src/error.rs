//! Errors of systems and methods.

use gibbs_core::ConfigError;
use thiserror::Error;

/// A system that is not valid, or a method that does not apply to it.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PhysicsError {
    /// A setting that is out of its range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No spins.
    #[error("a system needs at least one spin")]
    NoSpins,
    /// An axis that is too short.
    #[error("axis {axis} has length {length}; an open axis needs at least 1 site, a periodic one at least 2")]
    AxisLength {
        /// Index of the axis.
        axis: usize,
        /// Its length.
        length: usize,
    },
    /// A matrix of couplings of the wrong size.
    #[error("{entries} couplings for {n_spins} spins; a matrix of {n_spins} by {n_spins} is needed")]
    MatrixSize {
        /// Number of entries.
        entries: usize,
        /// Number of spins.
        n_spins: usize,
    },
    /// Not one value of the field for each spin.
    #[error("{entries} values of the field for {n_spins} spins; one for each is needed")]
    FieldSize {
        /// Number of values.
        entries: usize,
        /// Number of spins.
        n_spins: usize,
    },
    /// A bond to a spin that is not there.
    #[error("the bond ({i}, {j}) leaves the {n_spins} spins")]
    BondRange {
        /// One end.
        i: usize,
        /// The other.
        j: usize,
        /// Number of spins.
        n_spins: usize,
    },
    /// A coupling that a model or method does not have.
    #[error("coupling ({i}, {j}) is {value}; {reason}")]
    Coupling {
        /// One end.
        i: usize,
        /// The other end.
        j: usize,
        /// The coupling.
        value: f64,
        /// Why it is refused.
        reason: String,
    },
    /// A field that a model or method does not have.
    #[error("field {i} is {value}; {reason}")]
    Field {
        /// Index of the spin.
        i: usize,
        /// The field.
        value: f64,
        /// Why it is refused.
        reason: &'static str,
    },
    /// No patterns to store.
    #[error("a Hopfield network needs at least one pattern")]
    NoPatterns,
    /// Patterns of different sizes.
    #[error("pattern {pattern} has {length} entries but pattern 0 has {expected}")]
    PatternSize {
        /// Index of the pattern.
        pattern: usize,
        /// Its length.
        length: usize,
        /// Length of the first pattern.
        expected: usize,
    },
    /// An entry of a pattern that is no spin.
    #[error("entry {entry} of pattern {pattern} is {value}; patterns are made of -1 and +1")]
    PatternValue {
        /// Index of the pattern.
        pattern: usize,
        /// Index in the pattern.
        entry: usize,
        /// What is there.
        value: i8,
    },
    /// Retrieval that does not change over the loads that were measured.
    #[error(
        "{n_spins} spins: retrieval is not lost within the loads measured, or between two of them; measure more loads around the loss"
    )]
    NoCrossing {
        /// Number of spins.
        n_spins: usize,
    },
    /// Too few sizes to extrapolate from.
    #[error("{sizes} different system sizes; an extrapolation needs at least 2")]
    TooFewSizes {
        /// Number of different sizes.
        sizes: usize,
    },
    /// Too little to fit an exponent.
    #[error("{loads} critical loads and {exponents} exponents; fitting the exponent needs at least 4 and 1")]
    TooFewPoints {
        /// Number of critical loads.
        loads: usize,
        /// Number of exponents.
        exponents: usize,
    },
    /// More spins than can be enumerated.
    #[error("{n_spins} spins have too many states to enumerate; at most {max} spins")]
    TooManySpins {
        /// Number of spins.
        n_spins: usize,
        /// Most that are enumerated.
        max: usize,
    },
    /// A spin with too many neighbors.
    #[error("spin {i} has {neighbors} neighbors; in bits at most {max} can be counted, use Sweep")]
    TooManyNeighbors {
        /// Index of the spin.
        i: usize,
        /// How many.
        neighbors: usize,
        /// Most that are handled.
        max: usize,
    },
    /// Inverse temperatures that are not a ladder.
    #[error("beta {index} of a ladder is {value}; a ladder needs at least two values, in ascending order")]
    NotAscending {
        /// Index in the ladder.
        index: usize,
        /// The inverse temperature.
        value: f64,
    },
    /// A strip that is too wide for its transfer matrix.
    #[error(
        "a strip of width {width} is too wide for the transfer matrix; at most {max}, transfer along the longer side"
    )]
    TooWide {
        /// Sites in a row.
        width: usize,
        /// Most that are handled.
        max: usize,
    },
    /// Nothing to learn from.
    #[error("no samples; learning couplings needs at least one")]
    NoSamples,
    /// Rows that are not of one length.
    #[error("{entries} values are no whole number of samples of {n_spins} spins")]
    SampleSize {
        /// Number of values.
        entries: usize,
        /// Number of spins.
        n_spins: usize,
    },
    /// A value that is no spin.
    #[error("spin {spin} of sample {sample} is {value}; samples are made of -1 and +1")]
    SampleValue {
        /// Index of the sample.
        sample: usize,
        /// Index of the spin.
        spin: usize,
        /// What is there.
        value: i8,
    },
    /// A spin whose field would be infinite.
    #[error(
        "spin {i} is {value} in every sample, so its field is not finite; leave it out or take more samples"
    )]
    NeverFlips {
        /// Index of the spin.
        i: usize,
        /// Its value.
        value: i8,
    },
    /// Correlations that cannot be inverted.
    #[error(
        "the correlations of {n_spins} spins have no inverse, as some spins determine another or the {distinct} different samples are too few; take more, or pseudo-likelihood with a penalty"
    )]
    SingularCorrelations {
        /// Number of spins.
        n_spins: usize,
        /// Number of different samples.
        distinct: usize,
    },
    /// A closed formula outside its domain.
    #[error(
        "{method} has no real coupling for the pair ({i}, {j}): its spins are correlated too strongly; use pseudo-likelihood"
    )]
    NoRealCoupling {
        /// Name of the formula.
        method: &'static str,
        /// One spin.
        i: usize,
        /// The other.
        j: usize,
    },
    /// A transfer operator that needs more points than are taken.
    #[error(
        "the transfer integral of a chain with mass_squared = {mass_squared}, coupling = {coupling} needs more than {points} points; it is too wide, take a larger mass_squared or coupling"
    )]
    NotConverged {
        /// `m²`.
        mass_squared: f64,
        /// `λ`.
        coupling: f64,
        /// Most points that are taken.
        points: usize,
    },
    /// A pseudo-likelihood that grows forever, or along a line does not change.
    #[error(
        "the pseudo-likelihood of spin {i} has no single finite maximum, as some spins determine another in these samples; take more, or give a penalty"
    )]
    NoMaximum {
        /// Index of the spin.
        i: usize,
    },
}

/// Checks that a number satisfies a condition, and returns it.
pub(crate) fn require(
    holds: bool,
    field: &'static str,
    value: f64,
    reason: &'static str,
) -> Result<f64, ConfigError> {
    ConfigError::require(holds, field, value, reason).map(|()| value)
}

/// Returns `value` if it is finite.
pub(crate) fn finite(field: &'static str, value: f64) -> Result<f64, ConfigError> {
    require(value.is_finite(), field, value, "must be finite")
}

/// Returns `beta` if it is an inverse temperature.
pub(crate) fn inverse_temperature(beta: f64) -> Result<f64, ConfigError> {
    non_negative("beta", beta)
}

/// Returns `value` if it is finite and above zero.
pub(crate) fn positive(field: &'static str, value: f64) -> Result<f64, ConfigError> {
    require(value.is_finite() && value > 0.0, field, value, "must be finite and above 0")
}

/// Returns `value` if it is finite and not negative.
pub(crate) fn non_negative(field: &'static str, value: f64) -> Result<f64, ConfigError> {
    ConfigError::not_negative(field, value).map(|()| value)
}
