//! Masked layers against layers with weights made zero beforehand.

use super::*;

/// Masks `[k, m]` of all kinds, and their names.
fn masks(k: usize, m: usize) -> Vec<(&'static str, Pattern)> {
    let mask = |there: &dyn Fn(usize, usize) -> bool| Pattern::from_fn(k, m, there);
    vec![
        ("nothing", mask(&|_, _| false)),
        ("everything", mask(&|_, _| true)),
        ("staircase up", mask(&|i, j| i * m < j * k)),
        ("staircase down", mask(&|i, j| i * m >= j * k)),
        ("staircase from the other side", mask(&|i, j| (k - 1 - i) * m <= j * k)),
        ("band", mask(&|i, j| (i * m).abs_diff(j * k) < 40 * m)),
        ("scattered", mask(&|i, j| (i * 40_503 + j * 30_011) % 1009 < 400)),
        ("few", mask(&|i, j| (i * 40_503 + j * 30_011) % 1009 < 5)),
        ("some rows and columns", mask(&|i, j| i % 3 != 1 && (j / 20) % 2 == 0)),
        ("one corner", mask(&|i, j| i + 1 == k && j + 1 == m)),
    ]
}

fn zeros_and_ones(mask: &Pattern, like: &Tensor<2>) -> Tensor<2> {
    let [k, m] = mask.dims();
    let bits = (0..k * m).map(|i| f64::from(u8::from(mask.contains(i / m, i % m))));
    Tensor::from_data(TensorData::new(bits.collect::<Vec<_>>(), [k, m]), (&like.device(), like.dtype()))
}

/// The weights in the mask, and for the others a number that no result could hide.
fn littered(weight: Tensor<2>, mask: &Tensor<2>) -> Tensor<2> {
    weight * mask.clone() - (mask.clone() - 1.0) * 1e30
}

/// The result, and the gradients of `Σ y²/2`.
fn pass(
    (x, w, b): (Tensor<2>, Tensor<2>, Tensor<1>),
    layer: impl Fn(Tensor<2>, Tensor<2>, Tensor<1>) -> Tensor<2>,
) -> [Vec<f64>; 4] {
    let (x, w, b) = (x.require_grad(), w.require_grad(), b.require_grad());
    let y = layer(x.clone(), w.clone(), b.clone());
    let grads = (y.clone() * y.clone()).sum().mul_scalar(0.5).backward();
    let [x, w] = [x, w].map(|x| doubles(x.grad(&grads).unwrap()));
    [doubles(y), x, w, doubles(b.grad(&grads).unwrap())]
}

/// Result and gradients are those of [`affine`] with the weights outside the mask made zero; the gradients there are exactly
/// zero, and what those weights hold changes no bit.
#[track_caller]
fn check(shape: [usize; 3], function: Option<Function>, dtype: DType, device: &Device, tolerance: f64) {
    let (x, w, b) = layer(shape, dtype, device);
    for (name, mask) in masks(shape[1], shape[2]) {
        let bits = zeros_and_ones(&mask, &w);
        let kept = w.clone() * bits.clone();
        let masked = |x, w, b| masked_affine(x, w, b, &mask, function);
        let ours = pass((x.clone(), littered(w.clone(), &bits), b.clone()), masked);
        let again = pass((x.clone(), kept.clone(), b.clone()), masked);
        assert!(ours == again, "{name}, {shape:?}, {function:?}: weights outside the mask are read");
        let bits = doubles(bits);
        let mut theirs = pass((x.clone(), kept, b.clone()), |x, w, b| affine(x, w, b, function));
        theirs[2].iter_mut().zip(&bits).for_each(|(gradient, bit)| *gradient *= bit);
        let outside = ours[2].iter().zip(&bits).filter(|(_, bit)| **bit == 0.0);
        assert!(outside.into_iter().all(|(gradient, _)| *gradient == 0.0), "{name}, {shape:?}");
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            assert_close(ours, theirs, tolerance);
        }
    }
}

#[test]
fn values_and_gradients_on_every_device() {
    for name in compiled() {
        let device = device(name).unwrap().autodiff();
        for (i, shape) in [[1, 1, 1], [3, 5, 2], [19, 33, 40], [30, 150, 250]].into_iter().enumerate() {
            // Sums of up to 250 terms, rounded to 24 bits in different orders.
            check(shape, FUNCTIONS[i], DType::F32, &device, 1e-4);
        }
    }
}

#[test]
#[should_panic(expected = "masked_affine: weight of shape [3, 2], mask of shape [2, 3]")]
fn masks_must_fit() {
    let device = device(crate::default_backend().unwrap()).unwrap();
    let (x, w, b) = layer([4, 3, 2], DType::F32, &device);
    masked_affine(x, w, b, &Pattern::from_fn(2, 3, |_, _| true), None);
}

#[cfg(feature = "flex")]
mod on_flex {
    use burn::backend::Flex;
    use burn_flex::FlexTensor;

    use super::super::on_flex::check_slopes;
    use super::*;
    use crate::affine::extension::portable;

    /// Narrower than a strip of the kernel, as wide, wider; runs long enough to be cut; rows for more than one task.
    #[test]
    fn values_and_gradients_in_double_precision() {
        let device = Device::flex().autodiff();
        let shapes = [[1, 1, 1], [7, 5, 3], [5, 96, 96], [6, 97, 191], [4, 31, 1100], [3, 1100, 50]];
        for shape in shapes {
            check(shape, Some(Function::Tanh), DType::F64, &device, 1e-12);
        }
        check([600, 40, 130], None, DType::F64, &device, 1e-12);
    }

    #[test]
    fn each_function() {
        let device = Device::flex().autodiff();
        for function in FUNCTIONS {
            check([9, 130, 70], function, DType::F64, &device, 1e-12);
        }
    }

    #[test]
    fn gradients_are_the_slopes_under_a_mask() {
        for function in FUNCTIONS {
            for (_, mask) in masks(4, 2) {
                check_slopes(|x, w, b| masked_affine(x, w, b, &mask, function));
            }
        }
    }

    #[test]
    fn the_portable_form_does_the_same() {
        let device = Device::flex();
        let (x, w, b) = layer([7, 130, 50], DType::F64, &device);
        let (slopes, _, _) = layer([7, 50, 1], DType::F64, &device);
        let flex = |x: Tensor<2>| FlexTensor::from_data(x.into_data());
        let values = |x: FlexTensor| x.into_data().iter::<f64>().collect::<Vec<_>>();
        for (_, mask) in masks(130, 50) {
            let (mask, function) = (Some(mask), Some(Function::Sigmoid));
            let (x, w, slopes) = (flex(x.clone()), flex(w.clone()), flex(slopes.clone()));
            let b = FlexTensor::from_data(b.clone().into_data());
            let ours = Flex::affine(function, mask.clone(), x.clone(), w.clone(), b.clone());
            let theirs = portable::affine::<Flex>(function, mask.clone(), x.clone(), w.clone(), b);
            assert_close(values(ours), values(theirs), 1e-13);
            let ours = Flex::weight_gradient(mask.clone(), x.clone(), slopes.clone());
            let theirs = portable::weight_gradient::<Flex>(mask.clone(), x, slopes.clone());
            assert_close(values(ours), values(theirs), 1e-13);
            let ours = Flex::input_gradient(mask.clone(), slopes.clone(), w.clone());
            let theirs = portable::input_gradient::<Flex>(mask, slopes, w);
            assert_close(values(ours), values(theirs), 1e-13);
        }
    }

    /// Large enough to be shared out.
    #[test]
    fn the_number_of_threads_changes_nothing_under_a_mask() {
        let device = Device::flex().autodiff();
        for shape in [[100, 301, 333], [600, 333, 201]] {
            for (name, mask) in masks(shape[1], shape[2]) {
                let on = |threads: usize| {
                    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                        pass(layer(shape, DType::F32, &device), |x, w, b| {
                            masked_affine(x, w, b, &mask, Some(Function::Relu))
                        })
                    })
                };
                let one = on(1);
                assert!(on(2) == one && on(3) == one, "{name}, {shape:?}");
            }
        }
    }

    #[test]
    fn views_are_understood_under_a_mask() {
        let device = Device::flex().autodiff();
        for (_, mask) in masks(50, 30) {
            let bits = zeros_and_ones(&mask, &Tensor::zeros([1, 1], (&device, DType::F64)));
            let weight = |x: Tensor<2>| x.flip([0]).transpose();
            let masked = |x, w: Tensor<2>, b| masked_affine(w.transpose(), weight(x), b, &mask, None);
            let plain = |x, w: Tensor<2>, b| affine(w.transpose(), weight(x) * bits.clone(), b, None);
            let layer = || layer([30, 50, 30], DType::F64, &device);
            for (ours, theirs) in pass(layer(), masked).into_iter().zip(pass(layer(), plain)) {
                assert_close(ours, theirs, 1e-12);
            }
        }
    }

    #[test]
    fn empty_batches_and_layers_under_a_mask() {
        let device = Device::flex().autodiff();
        for shape in [[0, 3, 5], [4, 0, 2], [3, 4, 0]] {
            for (_, mask) in masks(shape[1].max(1), shape[2].max(1)) {
                let mask = Pattern::from_fn(shape[1], shape[2], |i, j| mask.contains(i, j));
                let masked = |x, w, b| masked_affine(x, w, b, &mask, Some(Function::Tanh));
                let plain = |x, w, b| affine(x, w, b, Some(Function::Tanh));
                let layer = || layer(shape, DType::F64, &device);
                assert_eq!(pass(layer(), masked), pass(layer(), plain));
            }
        }
    }
}
