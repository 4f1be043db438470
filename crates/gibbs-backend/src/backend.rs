//! The list of backends, and a device by name.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Mutex;

use burn::tensor::{DType, Device, FloatDType, Tensor, TensorData};
use thiserror::Error;

use crate::softplus;

/// The reason why a backend cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BackendError {
    /// No backend has this name.
    #[error("unknown backend `{name}`: choose one of {}", list(&backends()))]
    Unknown {
        /// The name.
        name: String,
    },
    /// The binary was built without this backend.
    #[error(
        "backend `{name}` is not compiled in (compiled in: {}): build with `--features {name}`",
        list(&compiled())
    )]
    NotCompiled {
        /// The name.
        name: &'static str,
    },
    /// The backend is compiled in, but this computer has no device for it.
    #[error(
        "backend `{name}` has no usable device on this computer ({reason}): \
         install its driver or choose another backend (compiled in: {})",
        list(&compiled())
    )]
    NoDevice {
        /// The name.
        name: &'static str,
        /// The message of the driver, in one line.
        reason: String,
    },
}

/// A backend: its name (also its cargo feature), whether it is compiled in, and its devices in the order of preference.
struct Entry {
    name: &'static str,
    compiled: bool,
    candidates: fn() -> Vec<Device>,
}

/// One line for each backend. The expression with the devices is compiled only with the feature of the backend.
macro_rules! table {
    ($($feature:literal => $candidates:expr;)*) => {
        const BACKENDS: &[Entry] = &[$(Entry {
            name: $feature,
            compiled: cfg!(feature = $feature),
            candidates: {
                #[cfg(feature = $feature)]
                {
                    #[allow(unused_imports, reason = "for devices of the GPU backends")]
                    fn candidates() -> Vec<Device> {
                        use burn::tensor::{DeviceKind, DeviceType};
                        $candidates
                    }
                    candidates
                }
                #[cfg(not(feature = $feature))]
                {
                    Vec::new
                }
            },
        }),*];
    };
}

table! {
    "flex" => vec![Device::flex()];
    "ndarray" => vec![Device::ndarray()];
    "wgpu" => if_any(DeviceType::Wgpu, [Device::wgpu(DeviceKind::DefaultDevice), Device::wgpu(DeviceKind::Cpu)]);
    "vulkan" => if_any(DeviceType::Vulkan, [Device::vulkan(DeviceKind::DefaultDevice), Device::vulkan(DeviceKind::Cpu)]);
    "metal" => if_any(DeviceType::Metal, [Device::metal(DeviceKind::DefaultDevice)]);
    "cuda" => Device::enumerate(DeviceType::Cuda).into_vec();
    "rocm" => Device::enumerate(DeviceType::Rocm).into_vec();
}

/// The devices, if there is an adapter. Without an adapter the driver would panic.
#[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal"))]
fn if_any(adapters: burn::tensor::DeviceType, devices: impl Into<Vec<Device>>) -> Vec<Device> {
    if Device::enumerate(adapters).is_empty() { Vec::new() } else { devices.into() }
}

/// Names of all backends, compiled in or not.
///
/// ```
/// assert!(gibbs_backend::backends().contains(&"wgpu"));
/// ```
pub fn backends() -> Vec<&'static str> {
    BACKENDS.iter().map(|entry| entry.name).collect()
}

/// Names of the backends in this binary, the default first.
pub fn compiled() -> Vec<&'static str> {
    BACKENDS.iter().filter(|entry| entry.compiled).map(|entry| entry.name).collect()
}

/// The default backend: the first one that is compiled in, in the order of [`backends`]. None if there is none.
pub fn default_backend() -> Option<&'static str> {
    compiled().first().copied()
}

/// The device of the backend `name`. A small computation checks that it works.
///
/// `wgpu` and `vulkan` select the first adapter in the order of wgpu (discrete, integrated, virtual; the variable
/// `CUBECL_WGPU_DEFAULT_DEVICE` overrides it), or a software adapter such as Mesa's lavapipe if there is no other. For training
/// call [`Device::autodiff`] on the result.
///
/// # Errors
///
/// [`BackendError::Unknown`] for a name outside [`backends`], [`BackendError::NotCompiled`] for one outside
/// [`compiled`], [`BackendError::NoDevice`] if no adapter works. No other backend is tried.
///
/// ```
/// let error = gibbs_backend::device("abacus").unwrap_err();
/// assert!(error.to_string().starts_with("unknown backend `abacus`: choose one of flex, ndarray, wgpu"));
/// ```
pub fn device(name: &str) -> Result<Device, BackendError> {
    let entry = BACKENDS
        .iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| BackendError::Unknown { name: name.to_owned() })?;
    if !entry.compiled {
        return Err(BackendError::NotCompiled { name: entry.name });
    }
    first_working(entry.candidates).map_err(|reason| BackendError::NoDevice { name: entry.name, reason })
}

/// Drivers report a missing adapter by a panic. The probe therefore captures panics and does not print their messages. The
/// panic hook is global: a lock protects it from other probes, and it is restored before the return.
fn first_working(candidates: fn() -> Vec<Device>) -> Result<Device, String> {
    static PROBE: Mutex<()> = Mutex::new(());
    let _guard = PROBE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let outcome = catch(candidates).and_then(|devices| {
        let mut reason = "no adapter found".to_owned();
        for device in devices {
            match catch(|| probe(&device)).flatten() {
                Ok(()) => return Ok(device),
                Err(why) => reason = why,
            }
        }
        Err(reason)
    });
    set_hook(hook);
    outcome
}

fn probe(device: &Device) -> Result<(), String> {
    let data = Tensor::<1>::from_floats([1.0, 2.0], device).exp().sum().try_into_data();
    let sum: f32 = data.map_err(|error| one_line(&error.to_string()))?.iter::<f32>().sum();
    let expected = 1f32.exp() + 2f32.exp();
    if (sum - expected).abs() < 1e-2 { Ok(()) } else { Err(format!("exp(1) + exp(2) came out as {sum}")) }
}

/// Whether `device` computes in f64. A computation checks it, because some drivers, such as Mesa's lavapipe through wgpu, offer
/// the type and give wrong results.
///
/// ```
/// # if !gibbs_backend::compiled().contains(&"flex") { return Ok(()) }
/// assert!(gibbs_backend::has_double_precision(&gibbs_backend::device("flex")?));
/// # Ok::<(), gibbs_backend::BackendError>(())
/// ```
pub fn has_double_precision(device: &Device) -> bool {
    const ROWS: usize = 32;
    const INNER: usize = 8;
    let device = device.clone().inner();
    if !device.supports_dtype(DType::F64) {
        return false;
    }
    // No `sin`: the standard library does not specify its last digits.
    let value = |i: usize| (i * 37 % 101) as f32 / 101.0 - 0.5;
    let matrix = |rows: usize, columns: usize| {
        let values: Vec<f32> = (0..rows * columns).map(value).collect();
        Tensor::<2>::from_data(TensorData::new(values, [rows, columns]), &device).cast(FloatDType::F64)
    };
    let on_device = catch(|| {
        let sums = softplus(matrix(ROWS, INNER).matmul(matrix(INNER, INNER))).sum_dim(1);
        sums.try_into_data().map(|data| data.iter::<f64>().collect::<Vec<_>>()).unwrap_or_default()
    });
    let entry = |row: usize, column: usize| -> f64 {
        (0..INNER).map(|k| f64::from(value(row * INNER + k)) * f64::from(value(k * INNER + column))).sum()
    };
    let expected =
        (0..ROWS).map(|row| (0..INNER).map(|column| entry(row, column).exp().ln_1p()).sum::<f64>());
    on_device.is_ok_and(|sums| {
        sums.len() == ROWS
            && sums.iter().zip(expected).all(|(have, want)| (have - want).abs() < 1e-11 * want.abs())
    })
}

fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let text = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("the driver failed without a message");
        one_line(text)
    })
}

/// The first line, cut if it is very long.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 160;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no message");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_compiled_backend_is_known_and_the_default_is_the_first() {
        assert!(compiled().iter().all(|name| backends().contains(name)));
        assert_eq!(default_backend(), backends().into_iter().find(|name| compiled().contains(name)));
    }

    #[test]
    fn a_missing_backend_names_its_flag_and_the_others() {
        let Some(&missing) = backends().iter().find(|name| !compiled().contains(name)) else { return };
        let error = device(missing).unwrap_err();
        assert_eq!(error, BackendError::NotCompiled { name: missing });
        let text = error.to_string();
        assert!(text.contains(&format!("--features {missing}")), "{text}");
        assert!(text.contains(&list(&compiled())), "{text}");
    }

    #[test]
    fn a_panicking_driver_becomes_one_line() {
        fn broken() -> Vec<Device> {
            panic!("\n  no adapter: {}\nbacktrace", "gpu")
        }
        assert_eq!(first_working(broken).unwrap_err(), "no adapter: gpu");
        assert_eq!(first_working(Vec::new).unwrap_err(), "no adapter found");
        assert_eq!(one_line(&"é".repeat(500)).chars().count(), 161);
    }

    #[cfg(feature = "flex")]
    #[test]
    fn flex_works() {
        assert_eq!(device("flex"), Ok(Device::flex()));
        assert!(has_double_precision(&Device::flex()));
    }
}
