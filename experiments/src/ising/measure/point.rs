//! What one method found at one temperature.

use gibbs_core::Estimate;
use gibbs_physics::monte_carlo::TimeAverage;
use serde_json::{Value, json};

use crate::ising::thermal::{Measured, Walker};

/// The figures of one method at one temperature, per spin.
pub(super) struct Point {
    pub(super) beta: f64,
    pub(super) walker: Walker,
    pub(super) energy: TimeAverage,
    pub(super) specific_heat: TimeAverage,
    pub(super) abs_magnetization: TimeAverage,
    pub(super) binder: TimeAverage,
    pub(super) replicas: usize,
}

impl Point {
    pub(super) fn new(walker: Walker, measured: &Measured, n_spins: usize) -> Self {
        let (per_spin, every) = (1.0 / n_spins as f64, measured.every);
        // Times are from one measurement to the next.
        let scaled = |average: TimeAverage, scale: f64| TimeAverage {
            estimate: average.estimate.affine(scale, 0.0),
            time: average.time.affine(every as f64, 0.0),
            window: average.window * every,
        };
        let measurements = &measured.measurements;
        Self {
            beta: measurements.beta(),
            walker,
            energy: scaled(measurements.energy(), per_spin),
            specific_heat: scaled(measurements.heat_capacity(), per_spin),
            abs_magnetization: scaled(measurements.abs_magnetization(), 1.0),
            binder: scaled(measurements.binder(), 1.0),
            replicas: measured.replicas,
        }
    }

    /// The figures with their names.
    pub(super) fn figures(&self) -> [(&'static str, &TimeAverage); 4] {
        [
            ("energy", &self.energy),
            ("specific_heat", &self.specific_heat),
            ("abs_magnetization", &self.abs_magnetization),
            ("binder", &self.binder),
        ]
    }

    /// The figures with what is exact beside them.
    pub(super) fn to_json(&self, exact: &Value) -> Value {
        let mut object = json!({ "method": self.walker.name(), "replicas": self.replicas });
        for (name, average) in self.figures() {
            let Estimate { value, std_err, kind, samples, .. } = &average.estimate;
            let mut figure = json!({
                "value": finite(*value), "std_err": finite(*std_err), "kind": kind, "independent_samples": samples,
                "autocorrelation_sweeps": finite(average.time.value),
            });
            if let Some(deviation) = deviation(&average.estimate, exact[name].as_f64()) {
                figure["deviation"] = finite(deviation);
            }
            object[name] = figure;
        }
        object
    }
}

/// Distance from the exact value in standard errors.
pub(super) fn deviation(estimate: &Estimate, exact: Option<f64>) -> Option<f64> {
    exact.map(|exact| (estimate.value - exact) / estimate.std_err)
}

/// A number, or its name where JSON has none.
pub(super) fn finite(x: f64) -> Value {
    serde_json::Number::from_f64(x).map_or_else(|| json!(x.to_string()), Value::Number)
}
