//! Gradient clipping by value, by norm, and by the norm of all gradients together.
//!
//! Burn's own [`GradientClipping`] is a setting of an optimizer and clips each parameter separately. This module adds the
//! global norm, which keeps the direction of the gradient (Pascanu, Mikolov & Bengio 2013, arXiv:1211.5063).

use burn::grad_clipping::GradientClipping;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, FloatDType, Tensor};
use serde::{Deserialize, Serialize};

/// How gradients are clipped before a step. In JSON: `{"kind": "none"}`, `{"kind": "global_norm", "limit": 1.0}`, ...
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Clip {
    /// No clipping.
    #[default]
    None,
    /// Clips each component to [-limit, limit].
    Value {
        /// The bound.
        limit: f32,
    },
    /// Scales the gradient `g` of each parameter by `min(1, limit / |g|)`.
    Norm {
        /// The bound.
        limit: f32,
    },
    /// Scales the gradient `g` of all parameters together by `min(1, limit / |g|)`.
    GlobalNorm {
        /// The bound.
        limit: f32,
    },
}

impl Clip {
    /// Returns the clipped gradients of a module. Does not wait for the device.
    pub fn apply<M: Module>(self, mut gradients: GradientsParams, module: &M) -> GradientsParams {
        let each = match self {
            Self::None => return gradients,
            Self::Value { limit } => GradientClipping::Value(limit),
            Self::Norm { limit } => GradientClipping::Norm(limit),
            Self::GlobalNorm { limit } => {
                if let Some(norm) = global_norm(&gradients, module) {
                    // The smallest normal number keeps a norm of 0 from dividing by 0.
                    let factor = (norm + f32::MIN_POSITIVE).recip().mul_scalar(limit).clamp_max(1.0);
                    module.visit(&mut Scale { gradients: &mut gradients, factor });
                }
                return gradients;
            }
        };
        module.visit(&mut Each { gradients: &mut gradients, clipping: each });
        gradients
    }
}

/// The Euclidean norm of all gradients of a module together: shape `[1]`, on the device of the first gradient. Returns
/// `None` if there are no gradients. Does not wait for the device.
pub fn global_norm<M: Module>(gradients: &GradientsParams, module: &M) -> Option<Tensor<1>> {
    let mut squares = Squares { gradients, sum: None, device: None };
    module.visit(&mut squares);
    squares.sum.map(Tensor::sqrt)
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<1>>,
    device: Option<Device>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.get::<D>(param.id) else { return };
        let device = self.device.get_or_insert_with(|| gradient.device()).clone();
        let square = gradient.cast(FloatDType::F32).square().sum().to_device(&device);
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum + square,
            None => square,
        });
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: Tensor<1>,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
        let factor = self.factor.clone().to_device(&gradient.device()).cast(gradient.dtype());
        self.gradients.register(param.id, gradient * factor.unsqueeze());
    }
}

struct Each<'a> {
    gradients: &'a mut GradientsParams,
    clipping: GradientClipping,
}

impl ModuleVisitor for Each<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
        self.gradients.register(param.id, self.clipping.clip_gradient(gradient));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::ParamId;
    use burn::tensor::{DType, TensorData};

    #[derive(Module, Debug)]
    struct Two {
        matrix: Param<Tensor<2>>,
        vector: Param<Tensor<1>>,
        unused: Param<Tensor<1>>,
    }

    fn two() -> Two {
        let device = Device::flex();
        Two {
            matrix: Param::initialized(ParamId::new(), Tensor::zeros([1, 2], &device)),
            vector: Param::initialized(ParamId::new(), Tensor::zeros([1], &device)),
            unused: Param::initialized(ParamId::new(), Tensor::zeros([1], &device)),
        }
    }

    fn clipped(clip: Clip, matrix: [f32; 2], vector: f32) -> Vec<f32> {
        let (module, device) = (two(), Device::flex());
        let mut gradients = GradientsParams::new();
        gradients.register(module.matrix.id, Tensor::<2>::from_floats([matrix], &device));
        gradients.register(module.vector.id, Tensor::<1>::from_floats([vector], &device));
        let clipped = clip.apply(gradients, &module);
        assert_eq!(clipped.len(), 2);
        let mut values: Vec<f32> =
            clipped.get::<2>(module.matrix.id).unwrap().into_data().iter::<f32>().collect();
        values.extend(clipped.get::<1>(module.vector.id).unwrap().into_data().iter::<f32>());
        values
    }

    #[test]
    fn each_kind_bounds_its_own_quantity() {
        let near = |found: Vec<f32>, expected: [f32; 3]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?} {expected:?}");
        };
        near(clipped(Clip::None, [3.0, 4.0], -12.0), [3.0, 4.0, -12.0]);
        near(clipped(Clip::Value { limit: 3.5 }, [3.0, 4.0], -12.0), [3.0, 3.5, -3.5]);
        near(clipped(Clip::Norm { limit: 1.0 }, [3.0, 4.0], -0.5), [0.6, 0.8, -0.5]);
        // The norm of (3, 4, -12) is 13.
        near(clipped(Clip::GlobalNorm { limit: 1.3 }, [3.0, 4.0], -12.0), [0.3, 0.4, -1.2]);
        near(clipped(Clip::GlobalNorm { limit: 13.5 }, [3.0, 4.0], -12.0), [3.0, 4.0, -12.0]);
        near(clipped(Clip::GlobalNorm { limit: 1.0 }, [0.0, 0.0], 0.0), [0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_nan_stays_a_nan() {
        assert!(clipped(Clip::GlobalNorm { limit: 1.0 }, [f32::NAN, 1.0], 1.0).iter().all(|x| x.is_nan()));
    }

    #[test]
    fn double_precision_stays_double() {
        let (module, device) = (two(), Device::flex());
        let mut gradients = GradientsParams::new();
        let data = TensorData::from([5.0_f64]);
        gradients.register(module.vector.id, Tensor::<1>::from_data(data, (&device, DType::F64)));
        let clipped = Clip::GlobalNorm { limit: 1.0 }.apply(gradients, &module);
        let vector = clipped.get::<1>(module.vector.id).unwrap();
        assert_eq!(vector.dtype(), DType::F64);
        assert!((vector.into_data().iter::<f64>().sum::<f64>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn no_gradients_have_no_norm() {
        assert!(global_norm(&GradientsParams::new(), &two()).is_none());
        assert!(Clip::GlobalNorm { limit: 1.0 }.apply(GradientsParams::new(), &two()).is_empty());
    }

    #[test]
    fn configurations_are_strict() {
        let clip: Clip = serde_json::from_str(r#"{"kind": "global_norm", "limit": 5}"#).unwrap();
        assert_eq!(clip, Clip::GlobalNorm { limit: 5.0 });
        assert_eq!(serde_json::to_string(&Clip::None).unwrap(), r#"{"kind":"none"}"#);
        assert!(serde_json::from_str::<Clip>(r#"{"kind": "norm", "max": 5}"#).is_err());
    }
}
