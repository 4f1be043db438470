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
    /// The backend has no device of this number.
    #[error("there is no device `{name}`: choose one of {}", devices.join(", "))]
    NoSuchDevice {
        /// The backend and the number.
        name: String,
        /// The devices of the backend.
        devices: Vec<String>,
    },
}

/// A backend: its name (also its cargo feature), whether it is compiled in, its devices, and those that it prefers.
struct Entry {
    name: &'static str,
    compiled: bool,
    devices: fn() -> Vec<Device>,
    preferred: fn() -> Vec<Device>,
}

/// One line for each backend: its name, its type, and the devices that it prefers to the first of its list. They are compiled only
/// with the feature of the backend.
macro_rules! table {
    ($($feature:literal => $kind:ident, [$($preferred:expr),*];)*) => {
        const BACKENDS: &[Entry] = &[$(Entry {
            name: $feature,
            compiled: cfg!(feature = $feature),
            devices: {
                #[cfg(feature = $feature)]
                {
                    || Device::enumerate(burn::tensor::DeviceType::$kind).into_vec()
                }
                #[cfg(not(feature = $feature))]
                {
                    Vec::new
                }
            },
            preferred: {
                #[cfg(feature = $feature)]
                {
                    #[allow(unused_imports, reason = "for devices of the GPU backends")]
                    fn preferred() -> Vec<Device> {
                        use burn::tensor::DeviceKind;
                        vec![$($preferred),*]
                    }
                    preferred
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
    "flex" => Flex, [];
    "ndarray" => NdArray, [];
    "wgpu" => Wgpu, [Device::wgpu(DeviceKind::DefaultDevice), Device::wgpu(DeviceKind::Cpu)];
    "vulkan" => Vulkan, [Device::vulkan(DeviceKind::DefaultDevice), Device::vulkan(DeviceKind::Cpu)];
    "metal" => Metal, [Device::metal(DeviceKind::DefaultDevice)];
    "cuda" => Cuda, [];
    "rocm" => Rocm, [];
}

impl Entry {
    /// The devices in the order of preference. Without an adapter there is none: the driver would panic.
    fn candidates(&self) -> Vec<Device> {
        let (devices, preferred) = ((self.devices)(), (self.preferred)());
        if devices.is_empty() || preferred.is_empty() { devices } else { preferred }
    }

    /// `NAME:K` and the device for each device there is.
    fn numbered(&self) -> Vec<(String, Device)> {
        let devices = catch_quietly(self.devices).unwrap_or_default();
        devices.into_iter().enumerate().map(|(k, device)| (format!("{}:{k}", self.name), device)).collect()
    }
}

/// The devices of all backends that are compiled in: `NAME:K` as [`device`] takes it, and what the device is.
///
/// ```
/// # if !gibbs_backend::compiled().contains(&"flex") { return }
/// assert_eq!(gibbs_backend::devices()[0].0, "flex:0");
/// ```
pub fn devices() -> Vec<(String, String)> {
    let numbered = BACKENDS.iter().flat_map(Entry::numbered);
    numbered.map(|(name, device)| (name, description(&device))).collect()
}

/// The name of the card, as its driver reports it. Backends of the CPU report none.
#[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda", feature = "rocm"))]
fn description(device: &Device) -> String {
    match catch_quietly(|| device.identity()) {
        Ok(identity) => identity.map_or("CPU".into(), |identity| identity.name),
        Err(reason) => reason,
    }
}

#[cfg(not(any(
    feature = "wgpu",
    feature = "vulkan",
    feature = "metal",
    feature = "cuda",
    feature = "rocm"
)))]
fn description(_: &Device) -> String {
    "CPU".into()
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

/// The device of a backend, by the name of the backend, or by `NAME:K` with the number of the device, such as `cuda:1`. A small
/// computation checks that it works.
///
/// Without a number `wgpu` and `vulkan` select the first adapter in the order of wgpu (discrete, integrated, virtual; the variable
/// `CUBECL_WGPU_DEFAULT_DEVICE` overrides it), or a software adapter such as Mesa's lavapipe if there is no other. For training
/// call [`Device::autodiff`] on the result.
///
/// # Errors
///
/// [`BackendError::Unknown`] for a name outside [`backends`], [`BackendError::NotCompiled`] for one outside
/// [`compiled`], [`BackendError::NoDevice`] if no adapter works, [`BackendError::NoSuchDevice`] for a number that it does not have. No
/// other backend is tried.
///
/// ```
/// let error = gibbs_backend::device("abacus").unwrap_err();
/// assert!(error.to_string().starts_with("unknown backend `abacus`: choose one of flex, ndarray, wgpu"));
/// ```
pub fn device(name: &str) -> Result<Device, BackendError> {
    let (backend, number) = name.split_once(':').map_or((name, None), |(backend, k)| (backend, Some(k)));
    let entry = BACKENDS
        .iter()
        .find(|entry| entry.name == backend)
        .ok_or_else(|| BackendError::Unknown { name: backend.to_owned() })?;
    if !entry.compiled {
        return Err(BackendError::NotCompiled { name: entry.name });
    }
    let working = match number {
        None => first_working(|| entry.candidates()),
        Some(_) => {
            let numbered = entry.numbered();
            let Some((_, device)) = numbered.iter().find(|(found, _)| found == name) else {
                let devices =
                    numbered.iter().map(|(name, device)| format!("{name} ({})", description(device)));
                return Err(BackendError::NoSuchDevice { name: name.to_owned(), devices: devices.collect() });
            };
            first_working(|| vec![device.clone()])
        }
    };
    working.map_err(|reason| BackendError::NoDevice { name: entry.name, reason })
}

/// The first of some devices that computes.
fn first_working(candidates: impl FnOnce() -> Vec<Device>) -> Result<Device, String> {
    catch_quietly(|| {
        let mut reason = "no adapter found".to_owned();
        for device in candidates() {
            match catch(|| probe(&device)).flatten() {
                Ok(()) => return Ok(device),
                Err(why) => reason = why,
            }
        }
        Err(reason)
    })
    .flatten()
}

/// Drivers report a missing adapter by a panic. It becomes an error, and its message is not printed. The panic hook is global: a
/// lock protects it from other calls, and it is restored before the return.
fn catch_quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Mutex<()> = Mutex::new(());
    let _guard = HOOK.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let outcome = catch(work);
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
        assert_eq!(device("flex:0"), Ok(Device::flex()));
        for wrong in ["flex:1", "flex:", "flex:-1", "flex:00"] {
            let error = device(wrong).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("there is no device `{wrong}`: choose one of flex:0 (")),
                "{error}"
            );
        }
        assert!(has_double_precision(&Device::flex()));
    }
}
