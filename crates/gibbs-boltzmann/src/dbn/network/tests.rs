//! Stacks against enumeration.

use burn::{module::Module, optim::GradientsParams, prelude::*};
use gibbs_backend::Noise;
use gibbs_core::{
    Batch, Objective,
    math::{log_sum_exp, mean_and_variance, to_host},
    nn::{Activation, MlpConfig},
    params::{cast, optimizer_step},
};
use gibbs_testkit::check_mean;

use super::*;
use crate::dbn::{ClassifierCrossEntropy, DbnConfig, UpDownConfig, errors_and_nll};
use crate::{
    ContrastiveConfig, RbmConfig,
    contrastive::Chains,
    exact,
    fixtures::{normal, rbm_f64, tensor},
    units::{EnumerableUnits, UnitFamily},
};

/// An RBM with weights of order one, in f64.
fn rbm(widths: [usize; 2], visible: UnitKind, seed: u64) -> AnyRbm {
    let mut noise = Noise::new(seed, "stack");
    let config =
        RbmConfig::new(widths[0], widths[1]).with_visible(visible).with_states(2).with_weight_std(1.0);
    let rbm =
        config.init(&Device::flex(), &mut noise).unwrap().with_visible_fitted(&crate::units::UnitMoments {
            mean: noise.uniform([widths[0]], &Device::flex()),
            variance: Tensor::ones([widths[0]], &Device::flex()),
            n: 10,
        });
    cast(rbm, burn::tensor::FloatDType::F64)
}

/// 4-3-2 units and, at the top, a label of two classes where wanted.
fn stack(labeled: bool) -> Dbn {
    let top = if labeled { rbm([5, 2], UnitKind::Labeled, 2) } else { rbm([3, 2], UnitKind::Binary, 2) };
    Dbn::new(vec![rbm([4, 3], UnitKind::Binary, 1), top]).unwrap()
}

fn all(units: &AnyUnits) -> Tensor<2> {
    units.states(0, units.n_states().unwrap() as usize)
}

/// Exact `log p(v)` of all visible states of a stack of two.
fn exact_log_prob(dbn: &Dbn) -> Vec<f64> {
    let (bottom, top) = (&dbn.layers[0], dbn.top());
    let log_z = exact::log_z(top).unwrap().value;
    let v = all(&bottom.visible);
    let states = to_host(all(&top.visible));
    let terms: Vec<Vec<f64>> = states
        .chunks(top.visible.width())
        .map(|state| {
            let prior = -to_host(top.free_energy(tensor(state.to_vec(), [1, state.len()])))[0] - log_z;
            let h = tensor(state[..3].to_vec(), [1, 3]);
            let input = bottom.visible_input(h).expand([16, 4]);
            to_host(bottom.visible.log_prob(v.clone(), input)).into_iter().map(|p| p + prior).collect()
        })
        .collect();
    (0..16).map(|i| log_sum_exp(&terms.iter().map(|term| term[i]).collect::<Vec<_>>())).collect()
}

fn log_z(dbn: &Dbn) -> f64 {
    exact::log_z(dbn.top()).unwrap().value
}

#[track_caller]
fn assert_near(found: &[f64], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), want.len(), "{what}");
    assert!(found.iter().zip(want).all(|(a, b)| (a - b).abs() < tolerance), "{what}: {found:?} {want:?}");
}

/// The means of the top layer average over the label: against sums over all labels, for one and for two layers.
#[test]
fn hidden_means_are_those_of_the_layers_averaged_over_the_label() {
    for labeled in [false, true] {
        let dbn = stack(labeled);
        let (bottom, top) = (&dbn.layers[0], dbn.top());
        let v = all(&bottom.visible);
        let h = bottom.hidden_mean(v.clone());
        assert_near(&to_host(dbn.hidden_means(v.clone(), 0)), &to_host(h.clone()), 1e-14, "layer 0");
        let found = to_host(dbn.hidden_means(v.clone(), 1));
        let labels = if labeled { vec![vec![1.0, 0.0], vec![0.0, 1.0]] } else { vec![Vec::new()] };
        for (row, h) in to_host(h).chunks(3).enumerate() {
            let joint: Vec<(f64, Vec<f64>)> = labels
                .iter()
                .map(|label| {
                    let state: Vec<f64> = h.iter().chain(label).copied().collect();
                    let state = tensor(state.clone(), [1, state.len()]);
                    (-to_host(top.free_energy(state.clone()))[0], to_host(top.hidden_mean(state)))
                })
                .collect();
            let total = log_sum_exp(&joint.iter().map(|(log, _)| *log).collect::<Vec<_>>());
            let want: Vec<f64> =
                (0..2).map(|j| joint.iter().map(|(log, mean)| (log - total).exp() * mean[j]).sum()).collect();
            assert_near(&found[2 * row..2 * row + 2], &want, 1e-12, "layer 1");
        }
    }
}

/// Downwards, each layer gives its means to the next; the label is left out.
#[test]
fn visible_means_go_down_layer_by_layer() {
    for labeled in [false, true] {
        let dbn = stack(labeled);
        let h = all(&dbn.top().hidden);
        let below = dbn.top().visible_mean(h.clone()).narrow(1, 0, 3);
        let want = to_host(dbn.layers[0].visible_mean(below.clone()));
        assert_near(&to_host(dbn.visible_means(h, 1)), &want, 1e-14, "both layers");
        assert_near(&to_host(dbn.visible_means(below, 0)), &want, 1e-14, "the lowest layer");
    }
}

#[test]
fn probabilities_sum_to_one() {
    for labeled in [false, true] {
        gibbs_testkit::check_normalized(&exact_log_prob(&stack(labeled)), 1e-12);
    }
}

/// Importance weights average to the likelihood, so their logarithm lies below it in the mean.
#[test]
fn the_bound_lies_below_the_exact_value_and_the_weights_average_to_it() {
    for labeled in [false, true] {
        let dbn = stack(labeled).untied();
        let draws = 4000;
        let mut noise = Noise::new(3, "bound");
        let v = all(&dbn.layers[0].visible);
        let exact = exact_log_prob(&dbn);
        let weights: Vec<Vec<f64>> =
            (0..draws).map(|_| to_host(dbn.log_weight(v.clone(), &mut noise) - log_z(&dbn))).collect();
        for (i, exact) in exact.iter().enumerate() {
            let column: Vec<f64> = weights.iter().map(|row| row[i]).collect();
            check_mean(&column.iter().map(|w| (w - exact).exp()).collect::<Vec<_>>(), 1.0);
            let (bound, variance) = mean_and_variance(&column);
            assert!(variance > 1e-4, "state {i}: a posterior without uncertainty tests nothing");
            assert!(
                bound + 4.0 * (variance / draws as f64).sqrt() < *exact,
                "state {i}: {bound} above {exact}"
            );
        }
    }
}

#[test]
fn more_draws_tighten_the_bound() {
    let dbn = stack(false);
    let v = all(&dbn.layers[0].visible).repeat_dim(0, 400);
    let exact = exact_log_prob(&dbn).iter().sum::<f64>() / 16.0;
    let mut noise = Noise::new(4, "bound");
    let bounds = [1, 5, 50].map(|draws| {
        let values = to_host(dbn.log_mean_weight(v.clone(), draws, &mut noise) - log_z(&dbn));
        values.iter().sum::<f64>() / values.len() as f64
    });
    assert!(bounds[0] < bounds[1] && bounds[1] < bounds[2] && bounds[2] < exact, "{bounds:?} {exact}");
}

/// On top of an RBM its mirror image changes nothing, and the posterior is exact: every draw gives the
/// likelihood itself.
#[test]
fn a_stack_of_tied_weights_has_the_likelihood_of_its_lowest_layer() {
    let bottom = rbm([4, 3], UnitKind::Binary, 1);
    let v = all(&bottom.visible);
    let want = to_host(bottom.free_energy(v.clone()).neg() - exact::log_z(&bottom).unwrap().value);
    for n_hidden in [4, 6] {
        let top = bottom.mirrored(n_hidden, 0.0, &mut Noise::new(0, "top")).unwrap();
        let dbn = Dbn::new(vec![bottom.clone()]).unwrap().extended(top).unwrap();
        let have = to_host(dbn.log_weight(v.clone(), &mut Noise::new(5, "bound")) - log_z(&dbn));
        for ((have, want), exact) in have.iter().zip(&want).zip(exact_log_prob(&dbn)) {
            assert!((have - want).abs() < 1e-10 && (exact - want).abs() < 1e-10, "{have} {want} {exact}");
        }
    }
    let refused = bottom.mirrored(3, 0.0, &mut Noise::new(0, "top")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "n_hidden = 3: must be 4, as below (or more, above binary units; these are binary)"
    );
}

#[test]
fn a_single_layer_is_its_rbm() {
    let bottom = rbm([4, 3], UnitKind::Binary, 1);
    let v = all(&bottom.visible);
    let dbn = Dbn::new(vec![bottom.clone()]).unwrap();
    let have = to_host(dbn.log_weight(v.clone(), &mut Noise::new(0, "bound")));
    assert_eq!(have, to_host(bottom.free_energy(v.clone()).neg()));
    assert_eq!(to_host(dbn.encode(v.clone())), to_host(v));
}

/// Exact draws of the top RBM, sent down, follow the distribution of the network: the means of `v` agree.
#[test]
fn generation_follows_the_distribution() {
    let dbn = stack(true);
    let mut noise = Noise::new(6, "generation");
    let n = 20_000;
    let probs = exact::visible_distribution(dbn.top()).unwrap();
    let draws: Vec<f64> = {
        let states = to_host(all(&dbn.top().visible));
        let logits: Vec<f64> = probs.iter().map(|p| p.ln()).collect();
        let logits = tensor(logits, [1, probs.len()]).expand([n, probs.len()]);
        let chosen = to_host(noise.categorical(logits).float());
        chosen.iter().flat_map(|&k| states[k as usize * 5..][..5].to_vec()).collect()
    };
    let v = to_host(dbn.generate(tensor(draws, [n, 5]), &mut noise));
    let (log_prob, states) = (exact_log_prob(&dbn), to_host(all(&dbn.layers[0].visible)));
    for i in 0..4 {
        let want: f64 = log_prob.iter().zip(states.chunks(4)).map(|(p, v)| p.exp() * v[i]).sum();
        check_mean(&v.chunks(4).map(|v| v[i]).collect::<Vec<_>>(), want);
    }
}

#[test]
fn classes_have_their_conditional_probabilities() {
    let dbn = stack(true);
    let v = all(&dbn.layers[0].visible);
    let have = to_host(dbn.class_log_prob(v.clone()));
    let h = to_host(dbn.encode(v));
    for (h, have) in h.chunks(3).zip(have.chunks(2)) {
        let energy = |label: [f64; 2]| {
            -to_host(dbn.top().free_energy(tensor([h, label.as_slice()].concat(), [1, 5])))[0]
        };
        let weights = [energy([1.0, 0.0]), energy([0.0, 1.0])];
        let total = log_sum_exp(&weights);
        assert!((have[0] - weights[0] + total).abs() < 1e-12 && (have[1] - weights[1] + total).abs() < 1e-12);
    }
}

#[test]
fn clamped_labels_stay() {
    let dbn = stack(true);
    let mut noise = Noise::new(7, "chain");
    let labels = tensor(vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0], [3, 2]);
    let chain = dbn.top_chain(Some(dbn.clamp_label(labels.clone())));
    let start = chain.init(3, &mut noise).cast(burn::tensor::FloatDType::F64);
    let end = chain.run(start, 20, &mut noise);
    assert_eq!(to_host(end.clone().narrow(1, 3, 2)), to_host(labels));
    assert_eq!(dbn.generate(end, &mut noise).dims(), [3, 4]);
}

#[test]
fn the_classifier_starts_from_the_means_of_the_hidden_layers() {
    for labeled in [false, true] {
        let dbn = stack(labeled);
        let v = all(&dbn.layers[0].visible);
        let classifier =
            cast(dbn.classifier(2, &mut Noise::new(0, "classifier")).unwrap(), burn::tensor::FloatDType::F64);
        let top = dbn.encode(v.clone());
        let weight = dbn.top().weight.val().narrow(0, 0, 3);
        let hidden = Units::mean(&dbn.top().hidden, top.matmul(weight));
        let last = &classifier.layers[2];
        let want = to_host(hidden.matmul(last.weight.val()) + last.bias.val().unsqueeze());
        for (have, want) in to_host(classifier.forward(v)).iter().zip(want) {
            assert!((have - want).abs() < 1e-12, "{have} {want}");
        }
    }
    let mixed = Dbn::new(vec![rbm_f64(UnitKind::Binary, UnitKind::Gaussian, 1)]).unwrap();
    let refused = mixed.classifier(2, &mut Noise::new(0, "classifier")).unwrap_err();
    assert_eq!(refused, StackError::Classifier { layer: 0, kind: UnitKind::Gaussian, expected: "binary" });
    let spins = Dbn::new(vec![rbm_f64(UnitKind::Binary, UnitKind::Spin, 1)]).unwrap();
    assert_eq!(spins.activation().unwrap(), Activation::Tanh);
}

#[test]
fn layers_that_do_not_fit_are_named() {
    let (wide, narrow) = (rbm([4, 3], UnitKind::Binary, 1), rbm([2, 2], UnitKind::Binary, 1));
    let refused = Dbn::new(vec![wide.clone(), narrow]).unwrap_err().to_string();
    assert_eq!(
        refused,
        "layer 1 has 2 binary visible columns on top of 3 binary hidden ones below; both must be the same"
    );
    let spins = rbm_f64(UnitKind::Binary, UnitKind::Spin, 1);
    let binary = rbm([3, 2], UnitKind::Binary, 1);
    let refused = Dbn::new(vec![spins, binary.clone()]).unwrap_err().to_string();
    assert_eq!(
        refused,
        "layer 1 has 3 binary visible columns on top of 3 spin hidden ones below; both must be the same"
    );
    let labeled = rbm([5, 3], UnitKind::Labeled, 1);
    let refused = Dbn::new(vec![labeled, binary]).unwrap_err();
    assert_eq!(refused, StackError::LabelBelowTop { layer: 0, depth: 2 });
    assert_eq!(Dbn::new(Vec::new()).unwrap_err(), StackError::Empty);
}

/// At fixed draws, wake gradients are those of `-log p(h_{k-1} | h_k)` and sleep gradients those of
/// `-log q(h_k | h_{k-1})`, by autodiff.
#[test]
fn up_down_gradients_are_delta_rules() {
    let dbn = stack(true).untied();
    let config = UpDownConfig::new(ContrastiveConfig::new().with_chains(Chains::Data));
    let mut objective = config.init(&dbn, dbn.top().visible.neutral()).unwrap();
    let v = all(&dbn.layers[0].visible);
    let labels = tensor([0.0, 1.0].repeat(16), [16, 2]);
    let batch = Batch::new(v.clone()).with_context(Some(labels.clone()));
    let found = objective.gradients(&dbn, batch, &mut Noise::new(8, "up-down"));

    let mut noise = Noise::new(8, "up-down");
    let h = dbn.infer(v.clone(), &mut noise).remove(0);
    let mut top = ContrastiveConfig::new()
        .with_chains(Chains::Data)
        .init(dbn.top(), dbn.top().visible.neutral())
        .unwrap();
    let data = Tensor::cat(vec![h.clone(), labels], 1);
    let (top_gradients, model) = top.gradients(dbn.top(), data, &mut noise);
    let above = model.narrow(1, 0, 3);
    let below = dbn.layers[0].sample_visible(above.clone(), &mut noise);

    let lifted = dbn.clone().train();
    let lift = |x: Tensor<2>| Tensor::from_data(x.to_data(), (&Device::flex().autodiff(), x.dtype()));
    let layer = &lifted.layers[0];
    let wake = layer.visible.log_prob(lift(v), layer.visible_input(lift(h))).mean();
    let sleep = layer.hidden.log_prob(lift(above), lifted.recognition_input(0, lift(below))).mean();
    let mut gradients = (wake + sleep).neg().backward();
    let want = GradientsParams::from_module(&mut gradients, &lifted);

    let close = |have: Vec<f64>, want: Vec<f64>| {
        assert!(have.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-10), "{have:?} {want:?}");
        assert!(want.iter().any(|w| w.abs() > 1e-3), "{want:?}");
    };
    for weight in [&dbn.layers[0].weight, &dbn.recognition[0]] {
        let matrix = |g: &GradientsParams| to_host(g.get::<2>(weight.id).unwrap());
        close(matrix(&found), matrix(&want));
    }
    for bias in dbn.layers[0].visible.parameters().into_iter().chain(dbn.layers[0].hidden.parameters()) {
        let vector = |g: &GradientsParams| to_host(g.get::<1>(bias.id).unwrap());
        close(vector(&found), vector(&want));
    }
    let top = |g: &GradientsParams| to_host(g.get::<2>(dbn.top().weight.id).unwrap());
    close(top(&found), top(&top_gradients));
}

/// The gradient is linear in the weights of the examples at fixed draws: the mean over batches in which one example has all of the
/// weight is that without weights.
#[test]
fn up_down_gradients_are_linear_in_the_weights() {
    let dbn = stack(true).untied();
    let v = all(&dbn.layers[0].visible);
    let n = v.dims()[0];
    let labels = tensor([0.0, 1.0].repeat(n), [n, 2]);
    for chains in [Chains::Data, Chains::Persistent] {
        let config = ContrastiveConfig::new().with_chains(chains).with_n_chains(n);
        let gradients = |weights: Option<Tensor<1>>| {
            let mut objective =
                UpDownConfig::new(config.clone()).init(&dbn, dbn.top().visible.neutral()).unwrap();
            let batch = Batch { weights, ..Batch::new(v.clone()).with_context(Some(labels.clone())) };
            let found = objective.gradients(&dbn, batch, &mut Noise::new(8, "up-down"));
            let matrices = [&dbn.layers[0].weight, &dbn.recognition[0], &dbn.top().weight];
            let matrices = matrices.map(|weight| to_host(found.get::<2>(weight.id).unwrap())).concat();
            let biases = dbn.layers.iter().flat_map(|layer| layer.visible.parameters());
            let biases = biases.flat_map(|bias| to_host(found.get::<1>(bias.id).unwrap()));
            matrices.into_iter().chain(biases).collect::<Vec<f64>>()
        };
        let one = |example: usize| {
            let weights: Vec<f64> = (0..n).map(|row| if row == example { 3.0 } else { 0.0 }).collect();
            gradients(Some(Tensor::from_data(weights.as_slice(), (&v.device(), v.dtype()))))
        };
        let ones: Vec<Vec<f64>> = (0..n).map(one).collect();
        let plain = gradients(None);
        for (k, plain) in plain.iter().enumerate() {
            let mean = ones.iter().map(|gradient| gradient[k]).sum::<f64>() / n as f64;
            assert!((mean - plain).abs() < 1e-10, "{chains:?}, number {k}: {mean} {plain}");
        }
        assert!(ones[0].iter().zip(&plain).any(|(one, plain)| (one - plain).abs() > 1e-3));
    }
}

/// Training the mirror image on top, then all layers by the up-down algorithm, raises the exact likelihood.
#[test]
fn training_raises_the_exact_likelihood() {
    let device = Device::flex();
    let patterns = [[1., 1., 0., 0.], [0., 0., 1., 1.], [1., 1., 1., 1.]];
    let data: Tensor<2> = Tensor::from_data(patterns, &device).repeat_dim(0, 10);
    let mut noise = Noise::new(9, "learning");
    let score = |dbn: &Dbn| {
        let dbn = cast(dbn.clone(), burn::tensor::FloatDType::F64);
        let log_prob = exact_log_prob(&dbn);
        patterns.iter().map(|p| log_prob[(0..4).map(|i| (p[i] as usize) << i).sum::<usize>()]).sum::<f64>()
            / 3.0
    };
    let bottom = RbmConfig::new(4, 3).with_weight_std(0.5).init(&device, &mut noise).unwrap();
    let top = bottom.mirrored(4, 0.0, &mut noise).unwrap();
    let mut dbn = Dbn::new(vec![bottom, top]).unwrap().untied();
    let before = score(&dbn);
    let config = UpDownConfig::new(ContrastiveConfig::new().with_chains(Chains::Data).with_sweeps(3));
    let mut objective = config.init(&dbn, dbn.top().visible.neutral()).unwrap();
    let mut optimizer = burn::optim::SgdConfig::new().init();
    for _ in 0..1500 {
        let gradients = objective.gradients(&dbn, Batch::new(data.clone()), &mut noise);
        dbn = optimizer_step(&mut optimizer, 0.1, dbn, gradients);
    }
    let after = score(&dbn);
    // The entropy of three equal patterns is log 3 = 1.10 nats.
    assert!(before < -2.5 && after > -1.5, "{before} {after}");
}

#[test]
fn a_layer_can_be_added_to_an_untied_stack() {
    let dbn = stack(false).untied();
    let v = normal([3, 4], 1);
    let before = to_host(dbn.encode(v.clone()));
    let bigger = dbn.extended(rbm([2, 3], UnitKind::Binary, 3)).unwrap();
    assert_eq!((bigger.depth(), bigger.recognition.len()), (3, 2));
    let first = Units::mean(&bigger.layers[0].hidden, bigger.recognition_input(0, v));
    assert_eq!(to_host(first), before);
}

#[test]
fn a_config_makes_the_layers_of_its_stack() {
    let config = DbnConfig::new(6, vec![5, 4, 3])
        .with_hidden(vec![UnitKind::Spin, UnitKind::Binary])
        .with_n_classes(2)
        .with_weight_std(0.1);
    let layers = config.layers().unwrap();
    let shapes: Vec<_> =
        layers.iter().map(|rbm| (rbm.n_visible, rbm.visible, rbm.n_hidden, rbm.hidden, rbm.states)).collect();
    let (binary, spin) = (UnitKind::Binary, UnitKind::Spin);
    assert_eq!(shapes[0], (6, binary, 5, spin, 2));
    assert_eq!(shapes[1], (5, spin, 4, binary, 2));
    assert_eq!(shapes[2], (6, UnitKind::Labeled, 3, binary, 2));
    let dbn = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    assert_eq!((dbn.n_visible(), dbn.n_classes(), dbn.depth()), (6, 2, 3));
    assert_eq!(Dbn::new(dbn.layers.clone()).unwrap().depth(), 3);
    let network = config.classifier(2).unwrap();
    assert_eq!(network, MlpConfig::new(vec![6, 5, 4, 3, 2]).with_activation(Activation::Sigmoid));

    let field = |config: DbnConfig| config.validate().unwrap_err().field;
    assert_eq!(field(DbnConfig::new(6, vec![])), "n_hidden");
    assert_eq!(field(DbnConfig::new(6, vec![0])), "layers.0.n_hidden");
    assert_eq!(field(DbnConfig::new(6, vec![4]).with_hidden(vec![])), "hidden");
    assert_eq!(field(DbnConfig::new(6, vec![4]).with_visible(UnitKind::Labeled)), "visible");
    assert_eq!(field(DbnConfig::new(6, vec![4]).with_visible(spin).with_n_classes(2)), "n_classes");
    assert_eq!(
        DbnConfig::new(6, vec![4])
            .with_n_classes(3)
            .init(&Device::flex(), &mut Noise::new(0, "init"))
            .unwrap()
            .n_visible(),
        6
    );
}

#[test]
fn repetitions_give_the_bound_and_its_error() {
    let dbn = stack(false);
    let log_z = gibbs_core::Estimate::exact(2.0);
    let (each, bound) = dbn.bound_of_two(&[1.0, 3.0], &[2.0, 3.0], &log_z);
    assert_eq!(each, [-0.5, 1.0]);
    assert_eq!((bound.value, bound.std_err, bound.kind), (0.25, 0.25, gibbs_core::Kind::LowerBound));
}

/// Without dropout the objective is the mean cross-entropy; errors and log-probabilities are those of its rows.
#[test]
fn classes_are_learned_and_measured() {
    let device = Device::flex().autodiff();
    let network = MlpConfig::new(vec![2, 3]).init(&device, &mut Noise::new(3, "init")).unwrap();
    let x: Tensor<2> = Tensor::from_data([[0.0, 1.0], [1.0, 0.5]], &Device::flex());
    let classes: Tensor<2> = Tensor::from_data([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], &Device::flex());
    let log_prob = burn::tensor::activation::log_softmax(network.valid().forward(x.clone()), 1);
    let rows = to_host(log_prob.clone());
    let found = errors_and_nll(log_prob, [1, 0]);
    assert_eq!((found[0].1, found[1].1), (-rows[1], -rows[3]));
    assert!(found.iter().zip([1, 3]).all(|(found, own)| {
        let row = &rows[own / 3 * 3..][..3];
        (found.0 == 0.0) == row.iter().all(|other| *other <= rows[own])
    }));
    let at = gibbs_core::Position::new(0, 1, 1);
    let mut noise = Noise::new(0, "dropout");
    let mut objective = ClassifierCrossEntropy { input_dropout: 0.0 };
    let batch = Batch::new(x.clone()).with_context(Some(classes));
    let loss = objective.step(&network, batch, &at, &mut noise).unwrap().loss.unwrap();
    assert!((loss.into_scalar::<f64>() - (found[0].1 + found[1].1) / 2.0).abs() < 1e-6);
    assert!(objective.step(&network, Batch::new(x), &at, &mut noise).is_err());
}
