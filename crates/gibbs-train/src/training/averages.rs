//! Averages of scalars over steps. A step does not wait for the device.

use burn::tensor::{Device, FloatDType, Tensor};
use serde::{Deserialize, Serialize};

use super::Metrics;
use crate::checkpoint::{State, StateError};

/// Running means of named scalars. Scalars on a device are summed there; only [`Averages::take`] reads the sums.
///
/// The averages are part of the state of a task: a checkpoint must hold them, otherwise the first metrics of a resumed run
/// differ.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use gibbs_train::training::Averages;
///
/// let mut averages = Averages::new();
/// for loss in [1.0, 2.0, 6.0] {
///     averages.add("loss", Tensor::<1>::from_floats([loss], &Device::flex()));
///     averages.add_value("rate", 0.5);
/// }
/// let metrics = averages.take();
/// assert_eq!(metrics.get("loss"), Some(3.0));
/// assert_eq!(metrics.get("rate"), Some(0.5));
/// assert!(averages.take().is_empty());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Averages {
    means: Vec<Mean>,
}

#[derive(Clone, Debug)]
struct Mean {
    name: String,
    sum: Sum,
    count: u64,
}

#[derive(Clone, Debug)]
enum Sum {
    Host(f64),
    Device(Box<Tensor<1>>),
}

/// One mean in a checkpoint. A host sum is stored as its bits, because JSON has no NaN.
#[derive(Serialize, Deserialize)]
struct Saved {
    name: String,
    count: u64,
    host: Option<u64>,
}

impl Averages {
    /// No averages yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a scalar on a device, of shape `[1]`, without its autodiff graph. Does not wait for the device.
    ///
    /// # Panics
    /// If `value` does not have the shape `[1]`, or if host values have the same name.
    pub fn add(&mut self, name: &str, value: Tensor<1>) {
        assert_eq!(value.dims(), [1], "the average `{name}` takes scalars");
        let value = value.without_autodiff();
        match self.find(name) {
            Some(mean) => {
                let Sum::Device(sum) = &mut mean.sum else {
                    panic!("the average `{name}` is one of host values")
                };
                **sum = *sum.clone() + value;
                mean.count += 1;
            }
            None => {
                self.means.push(Mean { name: name.to_string(), sum: Sum::Device(Box::new(value)), count: 1 })
            }
        }
    }

    /// Adds a number on the host.
    ///
    /// # Panics
    /// If device values have the same name.
    pub fn add_value(&mut self, name: &str, value: f64) {
        match self.find(name) {
            Some(mean) => {
                let Sum::Host(sum) = &mut mean.sum else {
                    panic!("the average `{name}` is one of device values")
                };
                *sum += value;
                mean.count += 1;
            }
            None => self.means.push(Mean { name: name.to_string(), sum: Sum::Host(value), count: 1 }),
        }
    }

    fn find(&mut self, name: &str) -> Option<&mut Mean> {
        self.means.iter_mut().find(|mean| mean.name == name)
    }

    /// Returns the means of all values since the last call, in the order in which their names were added, and removes them.
    /// Waits for the device once.
    pub fn take(&mut self) -> Metrics {
        let means = std::mem::take(&mut self.means);
        let on_device: Vec<Tensor<1>> = means
            .iter()
            .filter_map(|mean| match &mean.sum {
                Sum::Device(sum) => Some(sum.as_ref().clone().cast(FloatDType::F32)),
                Sum::Host(_) => None,
            })
            .collect();
        let mut read = if on_device.is_empty() {
            Vec::new()
        } else {
            Tensor::cat(on_device, 0).into_data().iter::<f32>().collect()
        }
        .into_iter();
        let mut metrics = Metrics::new();
        for mean in means {
            let sum = match mean.sum {
                Sum::Host(sum) => sum,
                Sum::Device(_) => read.next().map_or(f64::NAN, f64::from),
            };
            metrics.set(mean.name, sum / mean.count as f64);
        }
        metrics
    }

    /// Puts the averages into a checkpoint under `name`.
    ///
    /// # Errors
    /// None at present.
    pub fn save(&self, state: &mut State, name: &str) -> Result<(), StateError> {
        let mut saved = Vec::new();
        for mean in &self.means {
            let host = match &mean.sum {
                Sum::Host(sum) => Some(sum.to_bits()),
                Sum::Device(sum) => {
                    state.put_tensor(&format!("{name}.{}", mean.name), sum.as_ref());
                    None
                }
            };
            saved.push(Saved { name: mean.name.clone(), count: mean.count, host });
        }
        state.put(name, &saved)
    }

    /// Reads the averages that [`Averages::save`] put into a checkpoint.
    ///
    /// # Errors
    /// [`StateError`] if there are none.
    pub fn load(state: &State, name: &str, device: &Device) -> Result<Self, StateError> {
        let saved: Vec<Saved> = state.get(name)?;
        let means = saved
            .into_iter()
            .map(|saved| {
                let sum = match saved.host {
                    Some(bits) => Sum::Host(f64::from_bits(bits)),
                    None => Sum::Device(Box::new(state.tensor(&format!("{name}.{}", saved.name), device)?)),
                };
                Ok(Mean { name: saved.name, sum, count: saved.count })
            })
            .collect::<Result<_, StateError>>()?;
        Ok(Self { means })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(value: f32) -> Tensor<1> {
        Tensor::from_floats([value], &Device::flex())
    }

    #[test]
    fn a_checkpoint_between_two_logs_does_not_change_the_mean() {
        let device = Device::flex();
        let mut whole = Averages::new();
        let mut halves = Averages::new();
        for step in 0..10 {
            if step == 5 {
                let mut state = State::new();
                halves.save(&mut state, "averages").unwrap();
                let state = State::from_bytes(&state.to_bytes().unwrap()).unwrap();
                halves = Averages::load(&state, "averages", &device).unwrap();
            }
            for averages in [&mut whole, &mut halves] {
                averages.add("loss", scalar(0.1 * step as f32));
                averages.add_value("rate", 0.1 / f64::from(step + 1));
                averages.add("energy", scalar(if step == 2 { f32::NAN } else { 1.0 }));
                averages.add_value("odd", if step == 2 { f64::INFINITY } else { 0.0 });
            }
        }
        let (whole, halves) = (whole.take(), halves.take());
        let bits = |metrics: &Metrics| -> Vec<(String, u64)> {
            metrics.iter().map(|(name, value)| (name.to_string(), value.to_bits())).collect()
        };
        assert_eq!(bits(&whole), bits(&halves));
        assert!(whole.get("energy").is_some_and(f64::is_nan));
        assert_eq!(whole.get("odd"), Some(f64::INFINITY));
        assert!((whole.get("loss").unwrap() - 0.45).abs() < 1e-6);
    }

    #[test]
    fn differentiable_values_leave_no_graph_behind() {
        let x = Tensor::<1>::from_floats([2.0], &Device::flex().autodiff()).require_grad();
        let mut averages = Averages::new();
        averages.add("loss", x.clone() * 3.0);
        averages.add("loss", scalar(0.0));
        assert_eq!(averages.take().get("loss"), Some(3.0));
    }

    #[test]
    #[should_panic(expected = "the average `loss` takes scalars")]
    fn vectors_are_refused() {
        Averages::new().add("loss", Tensor::zeros([2], &Device::flex()));
    }

    #[test]
    #[should_panic(expected = "the average `loss` is one of host values")]
    fn host_and_device_values_do_not_mix() {
        let mut averages = Averages::new();
        averages.add_value("loss", 1.0);
        averages.add("loss", scalar(1.0));
    }
}
