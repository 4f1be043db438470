//! Values from outside; the files and their sources are in `golden/` of this package.

pub(crate) mod autoregressive;
mod flows;
mod noise;
mod rbm;

use std::path::Path;

use serde_json::Value;

/// A file of reference values.
fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// All numbers of a nested array, in order.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}
