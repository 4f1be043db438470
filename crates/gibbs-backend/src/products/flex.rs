//! Products on `flex`: selects the fastest method.

use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;
use burn::tensor::{DType, TensorData};
use burn_flex::FlexTensor;

use super::extension::ProductOps;
use crate::flex::{matrix, viewable};
use crate::kernel::products::{binary_product, product, survey};

/// With fewer rows or columns the dense product is fast enough.
const SMALLEST: usize = 16;

/// From this fraction of ones, sums over groups of three rows are tabulated. Measured with AVX2 on one core: at this fraction
/// both methods take the same time for products of 100×784 with 784×500 and of 784×200 with 200×500. A left factor of ones
/// takes two thirds of the time of the dense product.
const DENSITY_OF_GROUPS: f64 = 0.3;

/// From this fraction of nonzeros, a left factor that is not binary is multiplied as a dense one. Measured in the same way: the
/// dense products take 2.5 times as long at 0.13, 1.5 times at 0.3, and the same time at 0.5.
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
