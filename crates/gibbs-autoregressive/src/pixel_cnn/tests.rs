use burn::{
    optim::{GradientsParams, ModuleOptimizer},
    store::{ModuleSnapshot, SafetensorsStore},
    tensor::{DType, FloatDType},
};
use gibbs_core::{ConditionalLogProb, LogProb, Sample, math::to_host, optim::Adam, params::cast};
use gibbs_testkit::check_autoregressive;

use super::*;
use crate::tests::Jitter;

fn small(rows: usize, columns: usize) -> PixelCnnConfig {
    PixelCnnConfig::new(rows, columns).with_n_hidden(6).with_activation(Activation::Tanh)
}

/// A model with weights of order one, in double precision.
fn perturbed(config: &PixelCnnConfig) -> PixelCnn {
    let model = config.init(&Device::flex(), &mut Noise::new(5, "init")).unwrap();
    cast(model.map(&mut Jitter(Noise::new(6, "jitter"), 0.3)), FloatDType::F64)
}

#[test]
fn a_site_sees_every_earlier_one_within_reach_and_no_other() {
    let device = Device::flex().autodiff();
    for (depth, half_kernel) in [(1, 1), (1, 2), (2, 1), (3, 1), (2, 2)] {
        for (periodic, direct) in [(false, false), (true, false), (true, true)] {
            let config = small(5, 7)
                .with_depth(depth)
                .with_half_kernel(half_kernel)
                .with_periodic(periodic)
                .with_direct(direct);
            let model = perturbed(&config).train();
            let x = Noise::new(3, "x").normal([1, 35], (&device, DType::F64));
            let reach = depth * half_kernel;
            check_autoregressive(
                x,
                |x| model.parameters(0, x, None),
                |i, j| {
                    let ([r, c], [row, column]) = ([i / 7, i % 7], [j / 7, j % 7]);
                    let aside = c.abs_diff(column);
                    let around = if periodic { aside.min(7 - aside) } else { aside };
                    let from_left = r == row && column < c && aside <= reach;
                    let from_above = row < r && r - row <= reach && around <= reach;
                    from_left || from_above || direct && j < i
                },
            );
        }
    }
}

#[test]
fn far_from_the_edges_all_sites_are_alike() {
    let (rows, columns, [down, right]) = (8, 9, [1, 2]);
    let config = small(rows, columns).with_depth(2).with_half_kernel(1).with_direct(false);
    let reach = 2;
    let mut model = perturbed(&config);
    model.output_bias = Param::from_tensor(model.output_bias.val().zeros_like());
    let wide = columns + right;
    let image: Tensor<3> = Noise::new(1, "x").normal([1, rows + down, wide], (&Device::flex(), DType::F64));
    let logits = |r: usize, c: usize| {
        let part = image.clone().narrow(1, r, rows).narrow(2, c, columns);
        to_host(model.parameters(0, part.reshape([1, rows * columns]), None))
    };
    let (whole, moved) = (logits(0, 0), logits(down, right));
    for r in reach..rows - down {
        for c in reach..columns - right - reach {
            let (here, there) = (moved[r * columns + c], whole[(r + down) * columns + c + right]);
            assert!((here - there).abs() < 1e-13, "({r}, {c}): {here} and {there}");
        }
    }
    assert!((moved[0] - whole[down * columns + right]).abs() > 1e-3, "the corner is a corner");
}

#[test]
fn on_a_periodic_lattice_the_rows_above_have_no_edge() {
    // Without weights to the left, only the rows above distinguish the columns of the last row.
    let (rows, columns, shift) = (3, 5, 2);
    let mut model = perturbed(&small(rows, columns).with_periodic(true).with_direct(false).with_depth(1));
    model.output_bias = Param::from_tensor(model.output_bias.val().zeros_like());
    model.left.weight = Param::from_tensor(model.left.weight.val().zeros_like());
    let x: Tensor<3> = Noise::new(1, "x").normal([1, rows, columns], (&Device::flex(), DType::F64));
    let shifted =
        Tensor::cat(vec![x.clone().narrow(2, shift, columns - shift), x.clone().narrow(2, 0, shift)], 2);
    let logits = |x: Tensor<3>| to_host(model.parameters(0, x.reshape([1, rows * columns]), None));
    let (before, after) = (logits(x), logits(shifted));
    for (i, after) in after.into_iter().enumerate() {
        let before = before[i / columns * columns + (i % columns + shift) % columns];
        assert!((after - before).abs() < 1e-13, "site {i}: {after} and {before}");
    }
}

/// Images of 4 by 4. The first row and column are fair coins; every other bit is the exclusive or of its upper and left
/// neighbors.
fn parities(n: usize, noise: &mut Noise) -> Tensor<2> {
    let mut x = noise.bernoulli(Tensor::<2>::full([n, 16], 0.5, &Device::flex())).into_data();
    let bits = x.as_mut_slice::<f32>().unwrap();
    for row in bits.chunks_exact_mut(16) {
        for i in (5..16).filter(|i| i % 4 > 0) {
            row[i] = f32::from(row[i - 4] != row[i - 1]);
        }
    }
    Tensor::from_data(x, &Device::flex())
}

#[test]
fn it_learns_a_function_of_two_neighbors() {
    // One neighbor alone has no information: without hidden units the loss stays at 16·ln 2 = 11.1.
    let noise = &mut Noise::new(0, "parities");
    let config = PixelCnnConfig::new(4, 4).with_n_hidden(16).with_depth(2).with_half_kernel(1);
    let mut model = config.init(&Device::flex(), noise).unwrap().train();
    let mut optimizer = ModuleOptimizer::from(Adam::default());
    for _ in 0..150 {
        let loss = model.log_prob(parities(64, noise)).mean().neg();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(1e-2, model, gradients);
    }
    let model = model.valid();
    let nll = -to_host(model.log_prob(parities(500, noise)).mean())[0];
    let entropy = 7.0 * 2f64.ln();
    assert!(nll > entropy - 1e-3 && nll < entropy + 0.2, "{nll} nats instead of {entropy}");
    let draws = to_host(model.sample(200, noise));
    let is_right = |x: &&[f64]| (5..16).all(|i| i % 4 == 0 || (x[i] != 0.0) == (x[i - 4] != x[i - 1]));
    let right = draws.chunks_exact(16).filter(is_right).count();
    assert!(right > 160, "{right} of 200 draws are right");
}

#[test]
fn initial_variables_are_independent_with_the_marginals_of_the_data() {
    let device = Device::flex();
    let x = Tensor::<2>::from_data([[0.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]], &device);
    let model = small(2, 2).init(&device, &mut Noise::new(0, "init")).unwrap().with_marginals(x.clone());
    let found = to_host(model.parameters(0, x, None));
    let truth = [1.0f64, 5.0, 5.0, 1.0];
    for (i, found) in found.into_iter().enumerate() {
        assert!((found - truth[i % 4].ln()).abs() < 1e-6, "{i}: {found}");
    }
}

#[test]
fn tensors_have_the_names_of_the_readme_and_come_back() {
    let config = small(2, 3).with_n_context(1).with_depth(2);
    let device = Device::flex();
    let init = |position| {
        let noise = &mut Noise::new(7, "init").at(position);
        let model = config.init(&device, noise).unwrap();
        model.map(&mut Jitter(noise.child("jitter").at(position), 0.4))
    };
    let (saved, mut loaded) = (init(0), init(1000));
    let mut store = SafetensorsStore::from_bytes(None);
    saved.save_into(&mut store).unwrap();
    let mut reader = SafetensorsStore::from_bytes(Some(store.get_bytes().unwrap()));
    let mut names = loaded.load_from(&mut reader).unwrap().applied;
    names.sort();
    let layers = ["vertical", "horizontal"]
        .into_iter()
        .flat_map(|stack| ["reduce", "convolve", "expand"].map(|map| format!("blocks.0.{stack}.{map}")))
        .chain(["above".into(), "left".into()]);
    let mut expected: Vec<String> = layers
        .flat_map(|name| [format!("{name}.weight"), format!("{name}.bias")])
        .chain(["blocks.0.join", "context", "output", "output_bias", "direct"].map(str::to_owned))
        .collect();
    expected.sort();
    assert_eq!(names, expected);
    let x = Noise::new(3, "x").bernoulli(Tensor::full([6, 6], 0.5, &device));
    let context = Some(Tensor::full([6, 1], 0.3, &device));
    let log_prob = |model: &PixelCnn| to_host(model.log_prob_given(x.clone(), context.as_ref()));
    assert_eq!(log_prob(&loaded), log_prob(&saved));
    assert_ne!(log_prob(&init(1000)), log_prob(&saved));
}

#[test]
fn fields_out_of_range_are_named() {
    let message = |config: PixelCnnConfig| config.validate().unwrap_err().to_string();
    assert!(message(PixelCnnConfig::new(0, 3)).contains("rows = 0: must be at least 1"));
    assert!(message(PixelCnnConfig::new(3, 0)).contains("columns = 0"));
    assert!(message(PixelCnnConfig::new(3, 3).with_n_hidden(0)).contains("n_hidden = 0"));
    assert!(message(PixelCnnConfig::new(3, 3).with_depth(0)).contains("depth = 0"));
    assert!(message(PixelCnnConfig::new(3, 3).with_half_kernel(0)).contains("half_kernel = 0"));
    let around = PixelCnnConfig::new(3, 3).with_half_kernel(4).with_periodic(true);
    assert!(message(around).contains("half_kernel = 4: must be at most columns = 3"));
    let one = OutputDistribution::Categorical { levels: 1 };
    assert!(message(PixelCnnConfig::new(3, 3).with_output(one)).contains("output.levels = 1"));
}

#[test]
#[should_panic(expected = "needs a context [3, 2], but none was passed")]
fn a_missing_context_panics() {
    let model = small(2, 2).with_n_context(2).init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    model.sample(3, &mut Noise::new(0, "sample"));
}
