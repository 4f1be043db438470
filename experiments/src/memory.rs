//! Memory: what a run needs and the machine has.

use std::process;

use anyhow::Result;
use gibbs_backend::{CheckedAllocator, available_memory};
use serde::Serialize;
use serde_json::Value;

use crate::{
    output::note,
    usage::{BAD_INPUT, OrUsage},
};

/// Ends the program with a line instead of an abort when a block of memory is asked for that the machine does not have.
#[global_allocator]
static ALLOCATOR: CheckedAllocator = CheckedAllocator::new(refuse);

/// Largest size in a configuration: 2³⁰ numbers of a single row are 4 GiB. The product of two sizes fits into 64 bits.
const LARGEST: u64 = 1 << 30;
/// Size from which on the memory of a layer is estimated.
const LARGE: u64 = 1 << 20;
/// Numbers that training keeps for each weight: its value, its gradient, and two moments of Adam.
const COPIES: f64 = 4.0;

fn refuse(size: usize, available: Option<u64>) -> ! {
    let available = available.map_or(String::new(), |bytes| format!(" ({} are available)", in_gib(bytes)));
    note(format!(
        "error: this takes {} of memory or more{available}: lower the sizes of the model, such as model.n_hidden, \
         train.batch_size, or the number of draws",
        in_gib(size as u64)
    ));
    process::exit(BAD_INPUT.into())
}

fn in_gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

/// Checks that the machine has the memory for the sizes in a section of the configuration, if each unit has a weight to each of
/// `width` variables.
///
/// # Errors
/// Names the first size that is too large, and the memory that it would take.
pub fn check_sizes<T: Serialize>(path: &str, section: &T, width: usize) -> Result<()> {
    check(path, &serde_json::to_value(section).or_usage()?, width as f64, available_memory())
}

fn check(path: &str, value: &Value, width: f64, available: Option<u64>) -> Result<()> {
    match value {
        Value::Number(number) => {
            let size = number.as_u64().unwrap_or(0);
            let bytes = size as f64 * width * COPIES * size_of::<f32>() as f64;
            let is_beyond = size > LARGE && available.is_some_and(|available| bytes > available as f64);
            if size <= LARGEST && !is_beyond {
                return Ok(());
            }
            let available =
                available.map_or(String::new(), |there| format!("; {} are available", in_gib(there)));
            Err(usage!(
                "{path} = {size}: with {width} variables this takes {} or more of memory{available}",
                in_gib(bytes as u64)
            ))
        }
        Value::Array(items) => items.iter().try_for_each(|item| check(path, item, width, available)),
        Value::Object(fields) => fields
            .iter()
            .filter(|(key, _)| !key.ends_with("seed"))
            .try_for_each(|(key, value)| check(&format!("{path}.{key}"), value, width, available)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sizes_are_found_in_all_parts_of_a_section() {
        let section =
            json!({ "n_hidden": [500, 1 << 21], "rate": 1e30, "system": { "seed": 1u64 << 40, "n": 3 } });
        let gib = |n: u64| Some(n << 30);
        assert!(check("model", &section, 16.0, gib(1)).is_ok());
        // 2²¹ units, 16 weights each, 4 numbers of 4 bytes for each weight.
        let error = check("model", &section, 16.0, Some((1 << 29) - 1)).unwrap_err().to_string();
        assert!(error.starts_with("model.n_hidden = 2097152: ") && error.contains("0.5 GiB"), "{error}");
        for size in [json!([1, 1u64 << 31]), json!(u64::MAX)] {
            let error = check("model", &json!({ "part": { "n_hidden": size } }), 1.0, None).unwrap_err();
            assert!(error.to_string().starts_with("model.part.n_hidden"), "{error}");
        }
    }
}
