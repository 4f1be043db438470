//! Products on `flex`: which way is the fastest for the matrices at hand.

use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{DType, TensorData};
use burn_flex::FlexTensor;

use super::extension::ProductOps;
use crate::flex::{matrix, viewable};
use crate::kernel::products::{binary_product, product, survey};

/// Fewer rows or columns of the product leave too little to gain.
const SMALLEST: usize = 16;

/// From this share of ones on, sums over groups of three rows are tabulated. Measured with AVX2 on one core: products
/// of 100×784 with 784×500 and of 784×200 with 200×500 then take the same time either way. Even a left factor full of
/// ones takes two thirds of the time of the dense product.
const DENSITY_OF_GROUPS: f64 = 0.3;

/// From this share of nonzeros on, a left factor that is not binary is multiplied as a dense one. Measured likewise:
/// at 0.13 the dense products take 2.5 times as long, at 0.3 1.5 times, at 0.5 as long.
const DENSITY_OF_DENSE: f64 = 0.45;

impl ProductOps for Flex {
    fn sparse_matmul(x: FlexTensor, w: FlexTensor) -> FlexTensor {
        let [rows, inner] = x.layout().shape().dims();
        let [_, columns] = w.layout().shape().dims();
        if x.dtype() != DType::F32 || rows.min(columns) < SMALLEST {
            return Self::float_matmul(x, w);
        }
        let (x, w) = (viewable(x), viewable(w));
        let (left, right) = (matrix(&x), matrix(&w));
        let survey = survey(left);
        let density = survey.nonzeros as f64 / (rows * inner).max(1) as f64;
        let values = match survey.binary {
            true if density >= DENSITY_OF_GROUPS => binary_product::<3>(left, right),
            true => binary_product::<1>(left, right),
            false if density >= DENSITY_OF_DENSE => return Self::float_matmul(x, w),
            false => product(left, right),
        };
        FlexTensor::from_data(TensorData::new(values, [rows, columns]))
    }
}
