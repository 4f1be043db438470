use burn::{
    optim::{GradientsParams, ModuleOptimizer},
    store::{ModuleSnapshot, SafetensorsStore},
};
use gibbs_core::{ConditionalLogProb, LogProb, Sample, math::to_host, optim::Adam};

use super::*;
use crate::tests::Jitter;

fn small(n_visible: usize, patch: usize) -> TransformerConfig {
    TransformerConfig::new(n_visible, patch)
        .with_d_model(16)
        .with_n_heads(2)
        .with_n_layers(1)
        .with_n_hidden(32)
        .with_head_hidden(8)
}

/// Fair coins, then the same coins again.
fn copies(n: usize, noise: &mut Noise) -> Tensor<2> {
    let coins = noise.bernoulli(Tensor::full([n, 4], 0.5, &Device::flex()));
    Tensor::cat(vec![coins.clone(), coins], 1)
}

#[test]
fn it_learns_copies_from_far_back() {
    // Without attention a token sees only the token before it, and the loss stays at 8·ln 2 = 5.5.
    let noise = &mut Noise::new(0, "copies");
    let device = Device::flex();
    let mut model = small(8, 2).init(&device, noise).unwrap().with_marginals(copies(64, noise)).train();
    let mut optimizer = ModuleOptimizer::from(Adam::default());
    for _ in 0..250 {
        let loss = model.log_prob(copies(64, noise)).mean().neg();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(5e-3, model, gradients);
    }
    let model = model.valid();
    let nll = -to_host(model.log_prob(copies(500, noise)).mean())[0];
    let entropy = 4.0 * 2f64.ln();
    assert!(nll > entropy - 1e-3 && nll < entropy + 0.2, "{nll} nats instead of {entropy}");
    let draws = to_host(model.sample(200, noise));
    let right = draws.chunks_exact(8).filter(|x| x[..4] == x[4..]).count();
    assert!(right > 160, "{right} of 200 draws are copies");
}

#[test]
fn initial_outputs_can_be_the_marginals() {
    let device = Device::flex();
    let x = Tensor::<2>::from_data([[0.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 0.0]], &device);
    let config = small(3, 2).with_order(OrderConfig::List(vec![2, 0, 1]));
    let model = config.init(&device, &mut Noise::new(0, "init")).unwrap();
    let shift = model.clone().with_marginals(x.clone()).parameters(0, x.clone(), None)
        - model.parameters(0, x.clone(), None);
    let truth = [2.5f64 / 1.5, 3.5 / 0.5, 2.5 / 1.5];
    for (i, found) in to_host(shift).into_iter().enumerate() {
        // Outputs of order 1 in f32.
        assert!((found - truth[i % 3].ln()).abs() < 1e-5, "{i}: {found}");
    }
}

#[test]
fn tensors_have_the_names_of_the_readme_and_come_back() {
    let config = small(5, 2).with_n_context(1).with_order(OrderConfig::Random);
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
    let mut expected: Vec<String> = ["context", "embedding", "output_bias", "positions", "head.direct"]
        .map(str::to_owned)
        .into_iter()
        .chain(
            ["contract", "expand", "key", "output", "query", "value"].map(|name| format!("blocks.0.{name}")),
        )
        .chain(["head.layers.0".into(), "head.layers.1".into()])
        .flat_map(|name| match name.contains('.') && name != "head.direct" {
            true => vec![format!("{name}.bias"), format!("{name}.weight")],
            false => vec![name],
        })
        .collect();
    expected.sort();
    assert_eq!(names, expected);
    let x = Noise::new(3, "x").bernoulli(Tensor::full([6, 5], 0.5, &device));
    let context = Some(Tensor::full([6, 1], 0.3, &device));
    let log_prob = |model: &Transformer| to_host(model.log_prob_given(x.clone(), context.as_ref()));
    assert_eq!(log_prob(&loaded), log_prob(&saved));
    assert_ne!(log_prob(&init(1000)), log_prob(&saved));
}

#[test]
fn fields_out_of_range_are_named() {
    let message = |config: TransformerConfig| config.validate().unwrap_err().to_string();
    assert!(message(TransformerConfig::new(0, 1)).contains("n_visible = 0: must be at least 1"));
    assert!(message(TransformerConfig::new(4, 5)).contains("patch = 5: must be at most n_visible = 4"));
    let heads = TransformerConfig::new(4, 2).with_n_heads(3);
    assert!(message(heads).contains("d_model = 128: must be a multiple of n_heads = 3"));
    assert!(message(TransformerConfig::new(4, 2).with_n_layers(0)).contains("n_layers = 0"));
    let one = OutputDistribution::Categorical { levels: 1 };
    assert!(message(TransformerConfig::new(4, 2).with_output(one)).contains("output.levels = 1"));
    let order = OrderConfig::List(vec![0, 0, 1, 2]);
    assert!(message(TransformerConfig::new(4, 2).with_order(order)).contains("no permutation"));
}

#[test]
#[should_panic(expected = "needs a context [3, 2], but none was passed")]
fn a_missing_context_panics() {
    let model = small(4, 2).with_n_context(2).init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    model.sample(3, &mut Noise::new(0, "sample"));
}
