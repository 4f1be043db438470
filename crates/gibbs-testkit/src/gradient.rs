//! Compares gradients with finite differences.

/// Central differences `(f(x + ε e_i) - f(x - ε e_i)) / 2ε` for each component, in f64.
pub fn finite_differences(x: &[f64], epsilon: f64, f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    (0..x.len())
        .map(|i| {
            let moved = |step: f64| {
                let mut x = x.to_vec();
                x[i] += step;
                f(&x)
            };
            (moved(epsilon) - moved(-epsilon)) / (2.0 * epsilon)
        })
        .collect()
}

/// Compares a gradient with central differences of step 1e-5. In f64 their error is about `1e-10 f'''/6 + 1e-16 f / 1e-5`, so
/// a `tolerance` of 1e-7 suits well-scaled functions.
///
/// # Panics
/// If any component differs by more than `tolerance · max(1, |component|)`.
pub fn check_gradient(gradient: &[f64], x: &[f64], tolerance: f64, f: impl Fn(&[f64]) -> f64) {
    assert_eq!(gradient.len(), x.len(), "components of the gradient and variables");
    for (i, (have, want)) in gradient.iter().zip(finite_differences(x, 1e-5, f)).enumerate() {
        let bound = tolerance * want.abs().max(1.0);
        assert!((have - want).abs() <= bound, "component {i}: gradient {have}, finite difference {want}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f(x: &[f64]) -> f64 {
        x[0].sin() * x[1].exp()
    }

    #[test]
    fn the_true_gradient_passes() {
        let x = [0.3f64, -0.7];
        check_gradient(&[x[0].cos() * x[1].exp(), f(&x)], &x, 1e-8, f);
    }

    #[test]
    #[should_panic(expected = "component 1")]
    fn a_wrong_component_is_named() {
        let x = [0.3f64, -0.7];
        check_gradient(&[x[0].cos() * x[1].exp(), 0.0], &x, 1e-8, f);
    }
}
