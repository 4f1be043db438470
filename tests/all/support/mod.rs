//! What several modules share.

pub(crate) mod boltzmann;
pub(crate) mod density;
pub(crate) mod parameters;

/// Checks that two lists agree within an absolute tolerance; NaN agrees with nothing.
#[track_caller]
pub(crate) fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: number of values");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let close = (found - expected).abs() <= tolerance;
        assert!(close, "{what}[{i}] = {found}, not {expected} within {tolerance:e}");
    }
}
