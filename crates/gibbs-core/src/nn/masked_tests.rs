//! Tests of masked networks: what depends on what, by backpropagation.

use burn::prelude::*;
use burn::store::{ModuleSnapshot, SafetensorsStore};
use burn::tensor::FloatDType;
use gibbs_backend::Noise;
use gibbs_testkit::check_autoregressive;

use super::*;
use crate::math::to_host;

const SMOOTH: [Activation; 4] =
    [Activation::Tanh, Activation::Sigmoid, Activation::Silu, Activation::Softplus];

fn triangle(n: usize) -> Mask {
    Mask::from_fn(n, n, |i, j| j < i)
}

fn init(hidden: &[usize], adjacency: &Mask, device: &Device, seed: u64) -> MaskedMlp {
    let config = MaskedMlpConfig::new(hidden.to_vec()).with_activation(Activation::Tanh);
    config.init(adjacency, device, &mut Noise::new(seed, "init")).unwrap()
}

#[test]
fn outputs_depend_on_exactly_what_the_adjacency_allows() {
    let device = Device::flex().autodiff();
    let cases = [
        triangle(6),
        Mask::from_fn(6, 6, |i, j| j > i),
        Mask::from_fn(4, 4, |i, j| i == j),
        Mask::from_fn(6, 3, |i, j| j < i / 2),
        Mask::from_fn(5, 7, |i, j| (i * 5 + j * 3) % 4 == 0),
        Mask::from_fn(3, 3, |i, _| i == 1),
    ];
    for (seed, adjacency) in cases.iter().enumerate() {
        let noise = &mut Noise::new(seed as u64, "x");
        let x = noise.normal([1, adjacency.n_in()], &device);
        for (hidden, activation) in [vec![], vec![9], vec![8, 11], vec![7, 7, 7]].iter().zip(SMOOTH) {
            let config = MaskedMlpConfig::new(hidden.clone()).with_activation(activation);
            let network = config.init(adjacency, &device, noise).unwrap();
            check_autoregressive(x.clone(), |x| network.forward(x), |i, j| adjacency.get(i, j));
        }
    }
}

#[test]
fn a_narrow_network_has_exactly_the_dependencies_of_its_masks() {
    let device = Device::flex().autodiff();
    let adjacency = triangle(12);
    let reach = Mask::through(&adjacency.layers(&[5, 4]).unwrap());
    assert_ne!(reach, adjacency);
    let network = init(&[5, 4], &adjacency, &device, 1);
    let x = Noise::new(1, "x").normal([1, 12], &device);
    check_autoregressive(x, |x| network.forward(x), |i, j| reach.get(i, j));
}

#[test]
fn gradients_reach_each_weight_that_is_not_masked_and_no_other() {
    let device = Device::flex().autodiff();
    let adjacency = triangle(5);
    let masks = adjacency.layers(&[8, 6]).unwrap();
    let network = init(&[8, 6], &adjacency, &device, 2);
    let x = Noise::new(2, "x").normal([16, 5], &device);
    let gradients = network.forward(x).powi_scalar(2).sum().backward();
    for (k, (layer, mask)) in network.layers.iter().zip(&masks).enumerate() {
        let weight = to_host(layer.weight.val().grad(&gradients).unwrap());
        for (i, g) in weight.iter().enumerate() {
            let (input, output) = (i / mask.n_out(), i % mask.n_out());
            assert_eq!(*g != 0.0, mask.get(output, input), "layer {k}, input {input}, output {output}: {g}");
        }
        let bias = to_host(layer.bias.val().grad(&gradients).unwrap());
        // The biases begin at zero: of the last layer, only that of the output without inputs has a zero gradient.
        let zeros = bias.iter().filter(|g| **g == 0.0).count();
        assert_eq!(zeros, usize::from(k == 2), "layer {k}: {bias:?}");
    }
}

#[test]
fn full_masks_make_a_plain_network() {
    let device = Device::flex();
    let full = |n_out, n_in| Mask::from_fn(n_out, n_in, |_, _| true);
    let noise = || Noise::new(3, "init");
    let masked = MaskedMlpConfig::new(vec![7])
        .init_from_masks(&[full(7, 4), full(3, 7)], &device, &mut noise())
        .unwrap();
    let plain = MlpConfig::new(vec![4, 7, 3]).init(&device, &mut noise()).unwrap();
    let x = Noise::new(3, "x").normal([5, 4], &device);
    assert_eq!(masked.forward(x.clone()).dims(), [5, 3]);
    assert_eq!(to_host(masked.forward(x.clone())), to_host(plain.forward(x)));
}

#[test]
fn a_network_made_once_gives_the_same_values_and_gradients() {
    let device = Device::flex().autodiff();
    let masked = init(&[9], &triangle(4), &device, 4);
    let x = Noise::new(4, "x").normal([3, 4], &device);
    let network = masked.network();
    let gradient = |loss: Tensor<1>| to_host(masked.layers[0].weight.val().grad(&loss.backward()).unwrap());
    let twice = gradient(masked.forward(x.clone()).sum() + masked.forward(x.clone() * 2.0).sum());
    let once = gradient(network.forward(x.clone()).sum() + network.forward(x * 2.0).sum());
    for (a, b) in once.iter().zip(&twice) {
        assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{a} {b}");
    }
}

#[test]
fn units_with_few_inputs_begin_with_the_same_variance() {
    let device = Device::flex();
    let mask = Mask::from_fn(2, 400, |i, j| i == 0 || j < 25);
    let config = MaskedMlpConfig::new(vec![]);
    let network = config.init_from_masks(&[mask], &device, &mut Noise::new(5, "init")).unwrap();
    let x: Tensor<2> = Noise::new(5, "x").normal([4000, 400], &device);
    let y = to_host(network.forward(x));
    for output in 0..2 {
        let column: Vec<f64> = y.iter().skip(output).step_by(2).copied().collect();
        let (_, variance) = crate::math::mean_and_variance(&column);
        // 2 by He et al.; the sum over 25 uniform weights has a relative spread of 18 %.
        assert!((variance / 2.0 - 1.0).abs() < 0.6, "output {output}: {variance}");
    }
}

#[test]
fn masks_that_do_not_fit_are_refused() {
    let refused = |hidden: &[usize], masks: &[Mask]| {
        let config = MaskedMlpConfig::new(hidden.to_vec());
        config.init_from_masks(masks, &Device::flex(), &mut Noise::new(6, "init")).unwrap_err().to_string()
    };
    let message = refused(&[10], &triangle(5).layers(&[9]).unwrap());
    assert_eq!(message, "masks.0 = 9 by 5: must be 10 outputs by 5 inputs");
    assert_eq!(refused(&[10], &[triangle(5)]), "masks = 1: must be one for each of the 2 layers");
}

#[test]
fn layers_can_run_under_other_masks() {
    let device = Device::flex().autodiff();
    let network = init(&[10], &triangle(5), &device, 6);
    let upper = Mask::from_fn(5, 5, |i, j| j > i);
    let masks: Vec<_> = upper.layers(&[10]).unwrap().iter().map(Mask::pattern).collect();
    let x = Noise::new(6, "x").normal([1, 5], &device);
    let config = MaskedMlpConfig::new(vec![10]).with_activation(Activation::Tanh);
    let other = config.network(&network.layers, &masks);
    check_autoregressive(x.clone(), |x| other.forward(x), |i, j| upper.get(i, j));
    check_autoregressive(x, |x| network.forward(x), |i, j| j < i);
}

#[test]
#[should_panic(expected = "a network of 2 layers under 1 masks")]
fn a_mask_for_each_layer() {
    let network = init(&[10], &triangle(5), &Device::flex(), 6);
    MaskedMlpConfig::new(vec![10]).network(&network.layers, &[triangle(5).pattern()]);
}

#[test]
fn layers_are_what_the_pass_is_made_of() {
    let device = Device::flex();
    let network = init(&[7], &triangle(4), &device, 10).network();
    assert_eq!(network.activation(), Activation::Tanh);
    let x = [0.3, -0.8, 1.1, 0.5];
    let mut h = x.to_vec();
    for (k, layer) in network.layers().iter().enumerate() {
        let (weight, bias) = (to_host(layer.weight.clone()), to_host(layer.bias.clone()));
        let mask = layer.mask.as_ref().unwrap();
        let unit = |j: usize| {
            let seen = (0..h.len()).filter(|&i| mask.contains(i, j));
            let sum = bias[j] + seen.map(|i| h[i] * weight[i * bias.len() + j]).sum::<f64>();
            if k == 0 { sum.tanh() } else { sum }
        };
        h = (0..bias.len()).map(unit).collect();
    }
    let y = to_host(network.forward(Tensor::from_data([x], &device)));
    assert!(h.iter().zip(&y).all(|(h, y)| (h - y).abs() < 1e-6), "{h:?} {y:?}");
}

#[test]
fn configs_that_cannot_be_built_are_errors() {
    let device = Device::flex();
    let noise = &mut Noise::new(0, "init");
    let identity = Mask::from_fn(4, 4, |i, j| i == j);
    let narrow = MaskedMlpConfig::new(vec![3]).init(&identity, &device, noise).unwrap_err();
    assert!(
        narrow.to_string().contains("output 3 is connected to none")
            && narrow.to_string().contains("4 units")
    );
    let zero = MaskedMlpConfig::new(vec![0]).init(&identity, &device, noise).unwrap_err();
    assert_eq!(zero.field, "widths");
    let none = MaskedMlpConfig::new(vec![2]).init_from_masks(&[], &device, noise).unwrap_err();
    assert_eq!(none.to_string(), "masks = 0: must be one for each of the 2 layers");
    let dropout = MaskedMlpConfig::new(vec![4]).with_dropout(-0.1);
    assert!(dropout.init(&identity, &device, noise).unwrap_err().to_string().contains("dropout = -0.1"));
}

#[test]
#[should_panic(expected = "takes rows of width 4, got a tensor [2, 5]")]
fn another_width_panics() {
    let device = Device::flex();
    init(&[6], &triangle(4), &device, 0).forward(Tensor::zeros([2, 5], &device));
}

#[test]
fn masks_are_rebuilt_and_not_saved() {
    let device = Device::flex();
    let (saved, mut loaded) = (init(&[8], &triangle(4), &device, 7), init(&[8], &triangle(4), &device, 8));
    let x = Noise::new(7, "x").normal([3, 4], &device);
    let mut store = SafetensorsStore::from_bytes(None);
    saved.save_into(&mut store).unwrap();
    let mut reader = SafetensorsStore::from_bytes(Some(store.get_bytes().unwrap()));
    let mut names = loaded.load_from(&mut reader).unwrap().applied;
    names.sort();
    assert_eq!(names, ["layers.0.bias", "layers.0.weight", "layers.1.bias", "layers.1.weight"]);
    assert_eq!(to_host(loaded.forward(x.clone())), to_host(saved.forward(x)));
}

#[test]
fn it_works_in_f64_and_without_autodiff() {
    let device = Device::flex().autodiff();
    let network = init(&[8], &triangle(4), &device, 9);
    let x: Tensor<2> = Noise::new(9, "x").normal([3, 4], &device);
    let truth = to_host(network.forward(x.clone()));
    let plain = network.valid();
    assert_eq!(to_host(plain.forward(x.clone().without_autodiff())), truth);
    let exact = crate::params::cast(network, FloatDType::F64);
    let y = exact.forward(x.cast(FloatDType::F64));
    assert!(to_host(y).iter().zip(&truth).all(|(a, b)| (a - b).abs() < 1e-5));
}
