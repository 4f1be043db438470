//! The kernels against the portable form and the definition.

use burn::backend::Flex;
use burn_flex::FlexTensor;

use super::*;

/// More hidden units than are kept at a time for the gradient of `x`.
const MANY_PANELS: Sizes = sizes(2, 6, 2, 2, 1100);

#[test]
fn values_in_double_precision() {
    check_values(DType::F64, &Device::flex(), 1e-13);
}

#[test]
fn gradients_in_double_precision() {
    for sizes in ALL_SIZES.into_iter().chain([MANY_PANELS]) {
        check_gradients(sizes, DType::F64, &Device::flex().autodiff(), 1e-11);
    }
}

#[test]
fn gradients_are_the_slopes() {
    let device = Device::flex().autodiff();
    let sizes = sizes(2, 3, 2, 2, 3);
    for function in FUNCTIONS {
        let loss = |[start, x, w, v]: [Tensor<2>; 4], b: Tensor<1>| {
            prefix_networks(start, x, w, v, b, sizes.variables, function).powi_scalar(3).sum()
        };
        let (operands, b) = operands(sizes, DType::F64, &device);
        let (operands, b) = (operands.map(Tensor::require_grad), b.require_grad());
        let grads = loss(operands.clone(), b.clone()).backward();
        let mut gradients = operands.map(|x| doubles(x.grad(&grads).unwrap())).to_vec();
        gradients.push(doubles(b.grad(&grads).unwrap()));
        let at = Operands::new(sizes);
        for (operand, gradient) in gradients.into_iter().enumerate() {
            for (i, gradient) in gradient.into_iter().enumerate() {
                let step = 1e-5;
                let [up, down] = [step, -step].map(|shift| {
                    let mut at = at.clone();
                    let Operands { start, x, w, v, b } = &mut at;
                    [start, x, w, v, b][operand][i] += shift;
                    let (operands, b) = at.tensors(sizes, DType::F64, &Device::flex());
                    doubles(loss(operands, b))[0]
                });
                let slope = (up - down) / (2.0 * step);
                let close = (gradient - slope).abs() < 1e-7 * slope.abs().max(1.0);
                assert!(close, "{function:?}: {gradient} for {slope}, element {i} of operand {operand}");
            }
        }
    }
}

#[test]
fn each_operand_alone_has_its_gradient() {
    let device = Device::flex().autodiff();
    let sizes = sizes(4, 7, 2, 3, 66);
    let (plain, bias) = operands(sizes, DType::F64, &device);
    let (tracked, tracked_bias) = (plain.clone().map(Tensor::require_grad), bias.clone().require_grad());
    let run = |[start, x, w, v]: [Tensor<2>; 4], b: Tensor<1>| {
        prefix_networks(start, x, w, v, b, sizes.variables, Function::Tanh).powi_scalar(2).sum().backward()
    };
    let all = run(tracked.clone(), tracked_bias.clone());
    for index in 0..4 {
        let mut operands = plain.clone();
        operands[index] = tracked[index].clone();
        let one = run(operands, bias.clone());
        let [one, all] = [&one, &all].map(|grads| doubles(tracked[index].grad(grads).unwrap()));
        assert_close(one, all, 1e-14);
    }
    let one = run(plain, tracked_bias.clone());
    let [one, all] = [&one, &all].map(|grads| doubles(tracked_bias.grad(grads).unwrap()));
    assert_eq!(one, all);
}

#[test]
fn the_portable_form_is_the_same() {
    let device = Device::flex();
    let primitive = |values: Vec<f64>, shape: &[usize]| FlexTensor::from_data(TensorData::new(values, shape));
    for sizes in ALL_SIZES {
        for function in FUNCTIONS {
            let layers = Layers { n_variables: sizes.variables, function };
            let (operands, b) = operands(sizes, DType::F64, &device);
            let gradient = b.clone().unsqueeze::<2>().expand([sizes.n, b.dims()[0]]);
            let [start, x, w, v] = operands.map(|x| primitive(doubles(x.clone()), &x.dims()));
            let (bias, gradient) = (
                primitive(doubles(b.clone()), &b.dims()),
                primitive(doubles(gradient.clone()), &gradient.dims()),
            );
            let all = [start.clone(), x.clone(), w.clone(), v.clone()];
            let theirs = portable::prefix_networks::<Flex>(all.clone(), bias.clone(), layers);
            let ours = Flex::prefix_networks(start.clone(), x.clone(), w.clone(), v.clone(), bias, layers);
            assert_same(ours, theirs);
            for with_x in [false, true] {
                let theirs =
                    portable::prefix_networks_backward::<Flex>(all.clone(), gradient.clone(), layers, with_x);
                let [start, x, w, v] = all.clone();
                let ours = Flex::prefix_networks_backward(start, x, w, v, gradient.clone(), layers, with_x);
                assert_same(ours.0, theirs.0);
                assert!(ours.1.is_some() == with_x && theirs.1.is_some() == with_x);
                ours.1.into_iter().zip(theirs.1).for_each(|(ours, theirs)| assert_same(ours, theirs));
                assert_same(ours.2, theirs.2);
                assert_same(ours.3, theirs.3);
            }
        }
    }
}

#[track_caller]
fn assert_same(ours: FlexTensor, theirs: FlexTensor) {
    assert_eq!(ours.layout().shape(), theirs.layout().shape());
    let [ours, theirs] = [ours, theirs].map(|x| x.into_data().iter::<f64>().collect());
    assert_close(ours, theirs, 1e-12);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let device = Device::flex().autodiff();
    for sizes in [sizes(21, 30, 1, 1, 333), MANY_PANELS] {
        let (operands, b) = operands(sizes, DType::F32, &device);
        let (operands, b) = (operands.map(Tensor::require_grad), b.require_grad());
        let on = |threads: usize| {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                let [start, x, w, v] = operands.clone();
                let y = prefix_networks(start, x, w, v, b.clone(), sizes.variables, Function::Sigmoid);
                let grads = (y.clone() * y.clone()).sum().backward();
                let of = operands.clone().map(|x| doubles(x.grad(&grads).unwrap())).concat();
                [doubles(y), of, doubles(b.grad(&grads).unwrap())]
            })
        };
        let one = on(1);
        assert!(on(1) == one && on(2) == one && on(3) == one, "{sizes:?}");
    }
}

#[test]
fn views_are_understood() {
    let sizes = sizes(5, 7, 2, 3, 67);
    let ([start, x, w, v], b) = operands(sizes, DType::F64, &Device::flex());
    let run = |start, x, w, v, b| doubles(prefix_networks(start, x, w, v, b, 7, Function::Silu));
    let want = run(start.clone(), x.clone(), w.clone(), v.clone(), b.clone());
    let [start, x, w, v] = [start, x, w, v].map(|x| x.transpose().mul_scalar(1.0).transpose());
    assert_eq!(run(start.clone(), x.clone(), w.clone(), v.clone(), b.clone()), want);
    let [start, x, w, v] = [start, x, w, v].map(|x| x.flip([0, 1]).mul_scalar(1.0).flip([0, 1]));
    let b = Tensor::cat(vec![b.clone(), b], 0).narrow(0, 21, 21);
    assert_eq!(run(start, x, w, v, b), want);
}

#[test]
fn an_empty_batch_has_no_gradient() {
    let sizes = sizes(0, 4, 1, 2, 5);
    let (operands, b) = operands(sizes, DType::F32, &Device::flex().autodiff());
    let [start, x, w, v] = operands.map(Tensor::require_grad);
    let y = prefix_networks(start, x, w.clone(), v, b, 4, Function::Sigmoid);
    assert_eq!(y.dims(), [0, 8]);
    assert_eq!(doubles(w.grad(&y.sum().backward()).unwrap()), [0.0; 20]);
}

#[test]
fn narrow_types_take_the_portable_form() {
    let sizes = sizes(3, 5, 1, 1, 6);
    let ([start, x, w, v], b) = operands(sizes, DType::F16, &Device::flex());
    let y = prefix_networks(start, x, w, v, b, 5, Function::Sigmoid);
    assert_eq!(y.dtype(), DType::F16);
    assert_close(doubles(y), by_loops(&Operands::new(sizes), sizes, Function::Sigmoid), 1e-2);
}

#[test]
#[should_panic(expected = "n_variables = 4 does not divide the 8 columns of x and the 6 of b")]
fn variables_must_divide_the_widths() {
    let ([start, x, w, v], b) = operands(sizes(3, 2, 4, 3, 5), DType::F32, &Device::flex());
    prefix_networks(start, x, w, v, b, 4, Function::Sigmoid);
}

#[test]
#[should_panic(expected = "v [5, 5] and b [6] do not fit")]
fn shapes_must_fit() {
    let ([start, x, w, v], b) = operands(sizes(3, 2, 4, 3, 5), DType::F32, &Device::flex());
    prefix_networks(start, x, w, v.narrow(1, 0, 5), b, 2, Function::Sigmoid);
}
