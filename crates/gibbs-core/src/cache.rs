//! A cache for constants of a model on a device.

use std::sync::{Arc, Mutex, PoisonError};

use burn::{prelude::*, tensor::DType};

/// The last constant that was moved to a device. Clones share it.
///
/// To move a matrix to a device costs as much as a product with it. Most calls use the same device as the call before.
#[derive(Clone, Debug)]
pub struct Cache<T>(Arc<Mutex<Option<(Device, DType, T)>>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone> Cache<T> {
    /// Returns the constant for the device and the precision of `x`. If the cache does not hold it, `place` makes it.
    pub fn get(&self, x: &Tensor<2>, place: impl FnOnce(&Device, DType) -> T) -> T {
        let (device, dtype) = (x.device(), x.dtype());
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((at, precision, placed)) if *at == device && *precision == dtype => placed.clone(),
            _ => {
                let placed = place(&device, dtype);
                *last = Some((device, dtype, placed.clone()));
                placed
            }
        }
    }
}
