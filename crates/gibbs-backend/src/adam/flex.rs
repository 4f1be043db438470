//! Adam on `flex` in f32 and f64: one pass, in place if the tensors have no other owner.

use burn::backend::Flex;
use burn_flex::FlexTensor;

use super::AdamStep;
use super::extension::{AdamOps, portable};
use crate::flex::{Scalar, readable, slice, with_number, writable};
use crate::kernel;

impl AdamOps for Flex {
    fn adam(
        parameter: FlexTensor,
        gradient: FlexTensor,
        first: FlexTensor,
        second: FlexTensor,
        step: AdamStep,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        with_number!(
            parameter.dtype(),
            T => adam::<T>(parameter, gradient, first, second, step),
            portable::<Self>(parameter, gradient, first, second, step)
        )
    }
}

fn adam<T: Scalar>(
    parameter: FlexTensor,
    gradient: FlexTensor,
    first: FlexTensor,
    second: FlexTensor,
    step: AdamStep,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let gradient = readable(gradient);
    let (mut parameter, mut first, mut second) = (writable(parameter), writable(first), writable(second));
    kernel::adam::adam::<T>(
        parameter.storage_mut(),
        slice(&gradient),
        first.storage_mut(),
        second.storage_mut(),
        step,
    );
    (parameter, first, second)
}
