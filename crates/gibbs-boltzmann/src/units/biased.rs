//! Layers with the energy `E(x) = -b·x`: what binary, spin, softmax and labeled units share.

use burn::{module::Param, prelude::*};

use super::traits::{UnitFamily, UnitMoments, UnitStatistics, Units, batch_mean, lerp, zeros_like};

/// A layer whose only parameter is a bias `b [width]`.
pub trait Biased: Units {
    /// `b`.
    fn bias(&self) -> &Param<Tensor<1>>;

    /// The layer with another bias, not trained.
    fn with_bias(&self, bias: Tensor<1>) -> Self;

    /// The bias with which the layer has the means of the data.
    fn fitted_bias(&self, data: &UnitMoments) -> Tensor<1>;
}

impl<B: Biased> UnitFamily for B {
    fn neutral(&self) -> Self {
        self.with_bias(zeros_like(self.bias()))
    }

    fn fitted(&self, data: &UnitMoments) -> Self {
        self.with_bias(self.fitted_bias(data))
    }

    fn interpolate(&self, other: &Self, t: f64) -> Self {
        self.with_bias(lerp(self.bias().val(), other.bias().val(), t))
    }
}

impl<B: Biased> UnitStatistics for B {
    fn statistics(&self, x: Tensor<2>, weights: Option<&Tensor<2>>) -> Vec<Tensor<1>> {
        vec![batch_mean(x, weights)]
    }
}

/// The methods of [`Units`] that follow from the energy `-b·x` with the field `bias`.
macro_rules! linear_energy {
    () => {
        fn width(&self) -> usize {
            self.bias.dims()[0]
        }

        fn parameters(&self) -> Vec<&burn::module::Param<burn::prelude::Tensor<1>>> {
            vec![&self.bias]
        }

        fn energy(&self, x: burn::prelude::Tensor<2>) -> burn::prelude::Tensor<1> {
            x.matmul(self.bias.val().unsqueeze_dim(1)).squeeze_dim(1).neg()
        }
    };
}
pub(super) use linear_energy;

/// The methods of [`Biased`] for a layer with the field `bias`, whose other fields stay.
macro_rules! own_bias {
    () => {
        fn bias(&self) -> &burn::module::Param<burn::prelude::Tensor<1>> {
            &self.bias
        }

        fn with_bias(&self, bias: burn::prelude::Tensor<1>) -> Self {
            let mut units = self.clone();
            units.bias = super::traits::derived(bias);
            units
        }
    };
}
pub(super) use own_bias;
