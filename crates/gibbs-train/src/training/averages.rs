//! Averages of what happens in each step, without waiting for the device in each step.

use burn::tensor::{Device, FloatDType, Tensor};
use serde::{Deserialize, Serialize};

use super::Figures;
use crate::checkpoint::{State, StateError};

/// Running means of named scalars. Scalars on a device are summed there and read only by [`Averages::take`].
///
/// Part of a trainee's state: without it in the checkpoint the first figures after a resume would be others.
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
/// let figures = averages.take();
/// assert_eq!(figures.get("loss"), Some(3.0));
/// assert_eq!(figures.get("rate"), Some(0.5));
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
    Device(Tensor<1>),
}

/// What a checkpoint holds of one mean; a host sum as its bits, since JSON has no NaN.
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

    /// Adds a scalar on a device, of shape `[1]`; enqueues one addition, reads nothing. Gradients are cut off.
    ///
    /// # Panics
    /// If `value` is not of shape `[1]`, or values on the host were added under the same name.
    pub fn add(&mut self, name: &str, value: Tensor<1>) {
        assert_eq!(value.dims(), [1], "the average `{name}` takes scalars");
        let value = value.without_autodiff();
        match self.find(name) {
            Some(mean) => {
                let Sum::Device(sum) = &mut mean.sum else {
                    panic!("the average `{name}` is one of host values")
                };
                *sum = sum.clone() + value;
                mean.count += 1;
            }
            None => self.means.push(Mean { name: name.to_string(), sum: Sum::Device(value), count: 1 }),
        }
    }

    /// Adds a number on the host.
    ///
    /// # Panics
    /// If values on a device were added under the same name.
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

    /// The means of everything added since the last call, in the order of first addition; starts anew. Waits for the
    /// device, once.
    pub fn take(&mut self) -> Figures {
        let means = std::mem::take(&mut self.means);
        let on_device: Vec<Tensor<1>> = means
            .iter()
            .filter_map(|mean| match &mean.sum {
                Sum::Device(sum) => Some(sum.clone().cast(FloatDType::F32)),
                Sum::Host(_) => None,
            })
            .collect();
        let mut read = if on_device.is_empty() {
            Vec::new()
        } else {
            Tensor::cat(on_device, 0).into_data().iter::<f32>().collect()
        }
        .into_iter();
        let mut figures = Figures::new();
        for mean in means {
            let sum = match mean.sum {
                Sum::Host(sum) => sum,
                Sum::Device(_) => read.next().map_or(f64::NAN, f64::from),
            };
            figures.set(mean.name, sum / mean.count as f64);
        }
        figures
    }

    /// Puts the averages into a checkpoint.
    ///
    /// # Errors
    /// None at present.
    pub fn save(&self, state: &mut State, name: &str) -> Result<(), StateError> {
        let mut saved = Vec::new();
        for mean in &self.means {
            let host = match &mean.sum {
                Sum::Host(sum) => Some(sum.to_bits()),
                Sum::Device(sum) => {
                    state.put_tensor(&format!("{name}.{}", mean.name), sum);
                    None
                }
            };
            saved.push(Saved { name: mean.name.clone(), count: mean.count, host });
        }
        state.put(name, &saved)
    }

    /// The averages put into a checkpoint by [`Averages::save`].
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
                    None => Sum::Device(state.tensor(&format!("{name}.{}", saved.name), device)?),
                };
                Ok(Mean { name: saved.name, sum, count: saved.count })
            })
            .collect::<Result<_, StateError>>()?;
        Ok(Self { means })
    }
}
