//! Units of positions that are data.

use gibbs_core::math::mean_and_variance;

use crate::{prelude::*, source::rows};

/// Units in which positions are learned that are data: `(x - center) / scale`. One scale for all keeps the particles' masses equal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionUnits {
    /// What is subtracted from each position.
    pub center: Vec<f64>,
    /// What all are then divided by, above 0.
    pub scale: f64,
}

impl PositionUnits {
    /// The mean of each position, and the root of their mean variance.
    pub(super) fn of(data: &Dataset) -> Self {
        let (width, values) = (data.width(), data.values(&rows(data)));
        let moments = (0..width).map(|k| {
            let column: Vec<f64> = values.iter().skip(k).step_by(width).map(|&x| f64::from(x)).collect();
            mean_and_variance(&column)
        });
        let (center, variances): (Vec<f64>, Vec<f64>) = moments.unzip();
        let scale = mean(&variances).sqrt();
        Self { center, scale: if scale > 0.0 { scale } else { 1.0 } }
    }

    /// Checks every field, for `n` positions.
    ///
    /// # Errors
    /// Names the first field that is out of range.
    pub(super) fn validate(&self, n: usize) -> Result<(), ConfigError> {
        let (Self { center, scale }, reason) = (self, format!("must have {n} finite numbers"));
        let holds = center.len() == n && center.iter().all(|x| x.is_finite());
        ConfigError::require(holds, "center", format!("{center:?}"), reason)?;
        ConfigError::require(scale.is_finite() && *scale > 0.0, "scale", scale, "must be finite and above 0")
    }

    fn center(&self, like: &Tensor<2>) -> Tensor<2> {
        let values = TensorData::new(self.center.clone(), [1, self.center.len()]);
        Tensor::from_data(values, (&like.device(), like.dtype()))
    }

    /// Positions `[n, D]` in these units.
    pub(super) fn learned(&self, x: Tensor<2>) -> Tensor<2> {
        let center = self.center(&x);
        (x - center) * self.scale.recip()
    }

    /// Positions `[n, D]` of data.
    pub(super) fn of_data(&self, y: Tensor<2>) -> Tensor<2> {
        let center = self.center(&y);
        y * self.scale + center
    }
}
