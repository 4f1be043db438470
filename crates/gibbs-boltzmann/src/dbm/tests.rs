//! The deep machine against enumeration of all its states.

use burn::{
    module::{Module, ModuleMapper, Param},
    prelude::*,
    tensor::FloatDType,
};
use gibbs_backend::Noise;
use gibbs_core::{
    Batch, Objective,
    math::{log_sum_exp, mean_and_variance, to_host},
    params::{self, optimizer_step},
};
use gibbs_testkit::{check_gradient, check_mean, check_stationary};

use super::*;
use crate::{
    AnyRbm, ContrastiveConfig, GibbsChain, RbmConfig,
    ais::{AisSchedule, AnnealedImportance},
    contrastive::{Gradient, Phase, Statistics},
    exact,
    fixtures::{rbm_f64, tensor},
    units::{AnyUnits, EnumerableUnits, UnitKind, Units},
};

/// A machine of 4 visible units with parameters of order one, in f64.
fn dbm(n_hidden: &[usize], n_classes: usize, visible: UnitKind, seed: u64) -> Dbm {
    let std = if visible == UnitKind::Gaussian { 0.3 } else { 0.8 };
    let config = DbmConfig::new(4, n_hidden.to_vec()).with_n_classes(n_classes).with_visible(visible);
    let noise = &mut Noise::new(seed, "machine");
    let dbm = config.with_weight_std(0.0).init(&Device::flex(), noise).unwrap();
    params::cast(gibbs_testkit::perturbed(dbm, std, noise.clone()), FloatDType::F64)
}

fn machines() -> Vec<Dbm> {
    let binary = UnitKind::Binary;
    vec![
        dbm(&[3, 2], 0, binary, 1),
        dbm(&[3, 2], 3, binary, 2),
        dbm(&[3, 2, 3], 0, binary, 3),
        dbm(&[2, 3, 2], 2, binary, 4),
    ]
}

fn with_gaussian() -> Vec<Dbm> {
    let gaussian = [(&[3, 2][..], 0), (&[3, 2], 3), (&[2, 3, 2], 2)];
    let gaussian = gaussian.map(|(n_hidden, n_classes)| dbm(n_hidden, n_classes, UnitKind::Gaussian, 5));
    machines().into_iter().chain(gaussian).collect()
}

/// All vectors of `width` bits.
fn bits(width: usize) -> Vec<Vec<f64>> {
    let bit = |state: usize, i: usize| f64::from(u8::from(state >> i & 1 == 1));
    (0..1 << width).map(|state| (0..width).map(|i| bit(state, i)).collect()).collect()
}

/// All states of the hidden layers and the label, each as a list of layers.
fn hidden_states(dbm: &Dbm) -> Vec<Vec<Vec<f64>>> {
    let mut layers: Vec<Vec<Vec<f64>>> = (1..=dbm.depth()).map(|k| bits(dbm.width(k))).collect();
    if dbm.label.is_some() {
        let n = dbm.n_classes();
        layers.push((0..n).map(|y| (0..n).map(|k| f64::from(u8::from(k == y))).collect()).collect());
    }
    layers.into_iter().fold(vec![vec![]], |so_far, layer| {
        let with = |state: &Vec<Vec<f64>>, next: &Vec<f64>| [state.clone(), vec![next.clone()]].concat();
        so_far.iter().flat_map(|state| layer.iter().map(move |next| with(state, next))).collect()
    })
}

/// `-E(v, h)` by the sums of its definition, for binary visible units.
fn log_weight(dbm: &Dbm, layers: &[Vec<f64>]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut biases: Vec<Vec<f64>> = dbm.biases.iter().map(|bias| to_host(bias.val())).collect();
    let mut weights: Vec<Vec<f64>> = dbm.layers.iter().map(|layer| to_host(layer.weight.val())).collect();
    biases.extend(dbm.label.iter().map(|label| to_host(label.bias.val())));
    weights.extend(dbm.label.iter().map(|label| to_host(label.weight.val())));
    let own: f64 = layers.iter().zip(&biases).map(|(layer, bias)| dot(layer, bias)).sum();
    let coupled = layers.windows(2).zip(&weights).map(|(pair, weight)| {
        let rows = weight.chunks(pair[1].len()).map(|row| dot(row, &pair[1]));
        rows.zip(&pair[0]).map(|(input, x)| input * x).sum::<f64>()
    });
    own + coupled.sum::<f64>()
}

/// `-E(v, h)` of all hidden states.
fn log_weights(dbm: &Dbm, v: &[f64]) -> Vec<f64> {
    let states = hidden_states(dbm);
    states.iter().map(|hidden| log_weight(dbm, &[vec![v.to_vec()], hidden.clone()].concat())).collect()
}

fn rows(v: &[Vec<f64>]) -> Tensor<2> {
    tensor(v.concat(), [v.len(), v[0].len()])
}

#[test]
fn a_deep_machine_is_an_rbm_between_even_and_odd_layers() {
    for dbm in machines() {
        let of_v: Vec<f64> = bits(4).iter().map(|v| log_sum_exp(&log_weights(&dbm, v))).collect();
        let log_z = exact::log_z(&dbm.bipartite()).unwrap().value;
        assert!((log_z - log_sum_exp(&of_v)).abs() < 1e-10, "{log_z} {}", log_sum_exp(&of_v));
        let have = to_host(dbm.exact_log_weights(rows(&bits(4))).unwrap());
        assert!(have.iter().zip(&of_v).all(|(have, want)| (have - want).abs() < 1e-10), "{have:?} {of_v:?}");
    }
}

/// The free energy of Gaussian visible units by the RBM of all layers: the even hidden layers are summed out.
#[test]
fn exact_sums_hold_for_gaussian_visible_units() {
    for dbm in with_gaussian().split_off(4) {
        let (rbm, v) = (dbm.bipartite(), rows(&[vec![0.3, -0.4, 1.2, 0.1], vec![-1.0, 0.2, 0.0, 0.7]]));
        let even = dbm.hidden_rbm().visible;
        let states = even.states(0, even.n_states().unwrap() as usize);
        let have = to_host(dbm.exact_log_weights(v.clone()).unwrap());
        for (row, have) in have.iter().enumerate() {
            let n = states.dims()[0];
            let v = v.clone().narrow(0, row, 1).expand([n, 4]);
            let free_energy = rbm.free_energy(Tensor::cat(vec![v, states.clone()], 1));
            let want = log_sum_exp(&to_host(free_energy.neg()));
            assert!((have - want).abs() < 1e-10, "{have} {want}");
        }
    }
}

#[test]
fn without_upper_couplings_it_is_an_rbm() {
    let mut dbm = dbm(&[3, 2], 0, UnitKind::Binary, 6);
    dbm.layers[1].weight = Param::from_tensor(dbm.layers[1].weight.val().zeros_like());
    let mut rbm = rbm_f64(UnitKind::Binary, UnitKind::Binary, 1);
    rbm.weight = Param::from_tensor(dbm.layers[0].weight.val());
    let units = |k: usize| {
        let mut units = AnyUnits::new(UnitKind::Binary, dbm.width(k), 0, &Device::flex());
        let AnyUnits::Binary(layer) = &mut units else { panic!("binary units") };
        layer.bias = Param::from_tensor(dbm.biases[k].val());
        units
    };
    (rbm.visible, rbm.hidden) = (units(0), units(1));
    let v = rows(&bits(4));
    let apart: f64 = to_host(dbm.biases[2].val()).iter().map(|b| b.exp().ln_1p()).sum();
    let want = to_host(rbm.free_energy(v.clone()).neg() + apart);
    // Mean field is exact: the posterior of an RBM is factorial.
    let bound = to_host(dbm.log_weight_bound(v.clone(), 3));
    let exact = to_host(dbm.exact_log_weights(v).unwrap());
    for ((want, bound), exact) in want.iter().zip(bound).zip(exact) {
        assert!((want - bound).abs() < 1e-10 && (want - exact).abs() < 1e-10, "{want} {bound} {exact}");
    }
    let log_z = exact::log_z(&rbm).unwrap().value + apart;
    assert!((exact::log_z(&dbm.bipartite()).unwrap().value - log_z).abs() < 1e-10);
}

/// `log q(h)` of a state of the hidden layers.
fn log_q(dbm: &Dbm, found: &MeanField, row: usize, hidden: &[Vec<f64>]) -> f64 {
    let pad = Tensor::zeros([found.even.dims()[0], 4], (&Device::flex(), found.even.dtype()));
    let even = Tensor::cat(vec![pad, found.even.clone()], 1);
    let layers = hidden.iter().enumerate().map(|(k, h)| {
        let mean = to_host(dbm.layer_of(k + 1, &even, &found.odd).narrow(0, row, 1));
        let is_label = k == dbm.depth();
        let unit = |(h, mean): (&f64, &f64)| match (*h == 1.0, is_label) {
            (true, _) => mean.ln(),
            (false, true) => 0.0,
            (false, false) => (1.0 - mean).ln(),
        };
        h.iter().zip(&mean).map(unit).sum::<f64>()
    });
    layers.sum()
}

#[test]
fn the_bound_falls_short_by_the_divergence_of_mean_field() {
    for dbm in machines() {
        let v = bits(4);
        for updates in [1, 30] {
            let bounds = to_host(dbm.log_weight_bound(rows(&v), updates));
            let found = dbm.mean_field(rows(&v), None, updates);
            for (row, v) in v.iter().enumerate().step_by(3) {
                let (weights, states) = (log_weights(&dbm, v), hidden_states(&dbm));
                let total = log_sum_exp(&weights);
                let divergence: f64 = states
                    .iter()
                    .zip(&weights)
                    .map(|(hidden, weight)| {
                        let q = log_q(&dbm, &found, row, hidden);
                        q.exp() * (q - (weight - total))
                    })
                    .sum();
                let gap = total - bounds[row];
                assert!(divergence > 1e-6, "mean field is not exact here");
                assert!((gap - divergence).abs() < 1e-10, "{gap} {divergence}");
            }
        }
    }
}

#[test]
fn updates_never_lower_the_bound_and_end_where_its_gradient_is_zero() {
    for dbm in with_gaussian() {
        let v = rows(&bits(4)[5..6]);
        let bounds: Vec<f64> =
            (1..40).map(|updates| to_host(dbm.log_weight_bound(v.clone(), updates))[0]).collect();
        assert!(bounds.windows(2).all(|pair| pair[1] > pair[0] - 1e-12), "{bounds:?}");
        let clamped = dbm.clamped(v.clone());
        let found = dbm.mean_field(v, None, 3000);
        let n = found.even.dims()[1];
        let x = [to_host(found.even_input), to_host(found.odd_input)].concat();
        let bound = |x: &[f64]| {
            let side = |x: &[f64]| tensor(x.to_vec(), [1, x.len()]);
            to_host(clamped.bound(side(&x[..n]), side(&x[n..])))[0]
        };
        check_gradient(&vec![0.0; x.len()], &x, 1e-7, bound);
        let moved: Vec<f64> = x.iter().map(|x| x + 0.3).collect();
        assert!(bound(&moved) < bound(&x) - 1e-4);
    }
}

#[test]
fn a_known_label_stays_and_acts_on_the_layers_below() {
    for dbm in [dbm(&[3, 2], 3, UnitKind::Binary, 2), dbm(&[2, 3, 2], 3, UnitKind::Binary, 2)] {
        let (v, k) = (rows(&[vec![1.0, 0.0, 0.0, 1.0]]), dbm.depth());
        let layer = |found: &MeanField, k| {
            let even = Tensor::cat(vec![v.clone(), found.even.clone()], 1);
            to_host(dbm.layer_of(k, &even, &found.odd))
        };
        let given = dbm.mean_field(v.clone(), Some(&rows(&[vec![0.0, 0.0, 1.0]])), 50);
        assert_eq!(layer(&given, k + 1), [0.0, 0.0, 1.0]);
        let free = dbm.mean_field(v.clone(), None, 50);
        let far = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(b).any(|(a, b)| (a - b).abs() > 0.01);
        assert!(far(layer(&given, k), layer(&free, k)));
        let log_prob = to_host(dbm.class_log_prob(v.clone(), 50));
        let q: Vec<f64> = log_prob.iter().map(|x| x.exp()).collect();
        assert!(q.iter().zip(layer(&free, k + 1)).all(|(a, b)| (a - b).abs() < 1e-6), "{q:?}");
    }
}

#[test]
fn annealed_weights_of_single_examples_are_unbiased() {
    for dbm in with_gaussian() {
        let v = rows(&bits(4)[6..8]);
        let exact = to_host(dbm.exact_log_weights(v.clone()).unwrap());
        for temperatures in [1, 4] {
            let protocol = PosteriorProtocol { chains: 4000, temperatures };
            let weights = dbm.log_weights(v.clone(), protocol, 5, &mut Noise::new(1, "posterior"));
            for (weights, exact) in weights.chunks(4000).zip(&exact) {
                check_mean(&weights.iter().map(|weight| (weight - exact).exp()).collect::<Vec<_>>(), 1.0);
            }
        }
    }
}

#[test]
fn more_temperatures_close_the_gap_of_the_bound() {
    let dbm = dbm(&[3, 2], 0, UnitKind::Binary, 1);
    let v = rows(&bits(4)[9..10]);
    let gap = |temperatures| {
        let protocol = PosteriorProtocol { chains: 4000, temperatures };
        let weights = dbm.log_weights(v.clone(), protocol, 30, &mut Noise::new(2, "posterior"));
        to_host(dbm.exact_log_weights(v.clone()).unwrap())[0] - mean_and_variance(&weights).0
    };
    let (one, many) = (gap(1), gap(50));
    assert!(many < 0.2 * one && one > 0.0, "{one} {many}");
}

/// Stated errors hold: two of them cover 95.4 % of normal estimates. Of 50 fewer than 42 are covered once in ten thousand tries.
#[test]
fn stated_errors_of_both_kinds_of_annealing_cover_the_exact_value() {
    let machine = |seed| {
        let std = 1.0;
        let config = DbmConfig::new(4, vec![3, 2]).with_weight_std(std);
        config.init(&Device::flex(), &mut Noise::new(seed, "machine")).unwrap()
    };
    let (mut log_zs, mut examples) = (0, 0);
    for seed in 0..50 {
        let dbm = machine(seed);
        let (rbm, noise) = (dbm.bipartite(), &mut Noise::new(seed, "annealing"));
        let v: Tensor<2> = Tensor::from_data([[1.0, 0.0, 1.0, 1.0]], &Device::flex());
        let base = dbm.annealing_base(v.clone(), 10);
        let exact = exact::log_z(&rbm).unwrap().value;
        let forward = AnnealedImportance::new(&rbm, base, AisSchedule::linear(40)).forward(100, noise);
        log_zs += u32::from((forward.value - exact).abs() < 2.0 * forward.std_err);
        let protocol = PosteriorProtocol { chains: 100, temperatures: 10 };
        let estimate = protocol.log_weights(&dbm, v.clone(), 10, noise).remove(0);
        let exact = to_host(dbm.exact_log_weights(v).unwrap())[0];
        examples += u32::from((estimate.value - exact).abs() < 2.0 * estimate.std_err);
    }
    assert!(log_zs >= 42 && examples >= 42, "{log_zs} and {examples} of 50");
}

#[test]
fn chains_of_all_layers_and_with_clamped_units_are_stationary() {
    let dbm = params::cast(dbm(&[2, 2], 0, UnitKind::Binary, 7), FloatDType::F32);
    let (rbm, noise) = (dbm.bipartite(), &mut Noise::new(3, "chains"));
    let probs = exact::visible_distribution(&rbm).unwrap();
    let states: Vec<Vec<f64>> =
        to_host(rbm.visible.states(0, probs.len())).chunks(6).map(<[f64]>::to_vec).collect();
    let chain = GibbsChain::new(&rbm);
    check_stationary(&probs, &states, &Device::flex(), 4000, noise, |x, noise| chain.step(x, noise));

    let is_given = |state: &[f64]| state[0] == 1.0 && state[1] == 0.0;
    let given: Vec<usize> = (0..states.len()).filter(|&i| is_given(&states[i])).collect();
    let total: f64 = given.iter().map(|&i| probs[i]).sum();
    let probs: Vec<f64> = given.iter().map(|&i| probs[i] / total).collect();
    let states: Vec<Vec<f64>> = given.iter().map(|&i| states[i].clone()).collect();
    let row = |row: [f64; 6]| Tensor::<2>::from_data([row], &Device::flex()).expand([4000, 6]);
    let known = [true, true, false, false, false, false];
    let clamp = crate::Clamp::columns(&known, row([1., 0., 0., 0., 0., 0.]));
    let chain = GibbsChain::clamped(&rbm, clamp);
    check_stationary(&probs, &states, &Device::flex(), 4000, noise, |x, noise| chain.step(x, noise));
}

/// In a machine with two deep modes, all units on or all off, the chains of the first step are in that of the data.
#[test]
fn persistent_chains_start_at_what_is_inferred_of_the_first_batch() {
    let full = |value: f64, shape: [usize; 2]| Tensor::<2>::full(shape, value, &Device::flex());
    let mut dbm = DbmConfig::new(4, vec![3, 2]).init(&Device::flex(), &mut Noise::new(0, "machine")).unwrap();
    let coupling = 40.0;
    for layer in &mut dbm.layers {
        layer.weight = Param::from_tensor(full(coupling, layer.weight.dims()));
    }
    // Both modes weigh the same if a bias is minus half of the couplings of its unit.
    for (bias, neighbors) in dbm.biases.iter_mut().zip([3.0, 4.0 + 2.0, 3.0]) {
        *bias = Param::from_tensor(bias.val().full_like(-0.5 * coupling * neighbors));
    }
    for value in [0.0, 1.0] {
        let batch = Batch { x: full(value, [4, 4]), context: None, weights: None };
        let base = dbm.annealing_base(batch.x.clone(), 5);
        let config = ContrastiveConfig::new().with_n_chains(6);
        let mut objective = DeepContrastive::new(&config, &dbm, base, 5).unwrap();
        objective.gradients(&dbm, batch, &mut Noise::new(1, "chains"));
        let chains = Objective::<Dbm>::state(&objective).tensors.remove(0).1;
        assert_eq!(to_host(chains), vec![value; 6 * 3]);
    }
}

/// Adds numbers to all parameters, in the order of a visit.
struct Shift<'a>(&'a [f64], usize);

impl ModuleMapper for Shift<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let n = tensor.dims().iter().product::<usize>();
        let values = TensorData::new(self.0[self.1..self.1 + n].to_vec(), tensor.dims());
        let shift = Tensor::<D>::from_data(values, (&tensor.device(), tensor.dtype()));
        self.1 += n;
        Param::from_mapped_value(id, tensor + shift, mapper)
    }
}

/// The gradients of a module as numbers, in the order of a visit.
struct Flat<'a>(&'a burn::optim::GradientsParams, Vec<f64>);

impl burn::module::ModuleVisitor for Flat<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.0.get::<D>(param.id).expect("a gradient for every parameter");
        assert_eq!(gradient.dims(), param.dims());
        self.1.extend(to_host(gradient));
    }
}

/// Mean field of some examples against that of others: the gradient of the difference of their bounds, by finite differences. At the
/// fixed point the bound does not change with `q`.
#[test]
fn statistics_are_the_gradient_of_the_bound() {
    for dbm in with_gaussian() {
        let v = [rows(&bits(4)[2..5]), rows(&bits(4)[9..12])];
        let phase = |v: &Tensor<2>| {
            let found = dbm.mean_field(v.clone(), None, 150);
            Phase { visible: Tensor::cat(vec![v.clone(), found.even], 1), hidden: found.odd, weights: None }
        };
        let (rbm, [data, model]) = (dbm.bipartite(), [phase(&v[0]), phase(&v[1])]);
        let gradients = dbm.register(Gradient::new(&rbm, &data, &model, Statistics::Mean));
        let mut flat = Flat(&gradients, Vec::new());
        dbm.visit(&mut flat);
        let bound = |dbm: &Dbm, v: &Tensor<2>| to_host(dbm.log_weight_bound(v.clone(), 150).mean())[0];
        check_gradient(&flat.1, &vec![0.0; flat.1.len()], 1e-6, |x| {
            let moved = dbm.clone().map(&mut Shift(x, 0));
            bound(&moved, &v[1]) - bound(&moved, &v[0])
        });
    }
}

#[test]
fn pre_training_doubles_the_inputs_and_averages_the_copies() {
    let rbm: AnyRbm = rbm_f64(UnitKind::Binary, UnitKind::Binary, 4);
    let v = rows(&[vec![1., 0., 1., 1., 0., 0.], vec![0., 1., 1., 0., 1., 0.]]);
    let h = rows(&[vec![1., 0., 1.], vec![0., 1., 1.]]);
    let moments = crate::units::UnitMoments::of(v.clone());
    let config = ContrastiveConfig::new().with_chains(crate::Chains::Data);
    let below = |n| vec![rbm.clone(); n];
    for (k, [up, down]) in [(0, [2.0, 1.0]), (1, [2.0, 2.0]), (2, [1.0, 2.0])] {
        let layer = DoubledLayer::new(&config, &rbm, below(k), 3, &moments).unwrap();
        let doubled = layer.with_copies(&rbm);
        let [below, above] = copies(k, 3);
        let close = |a: Tensor<2>, b: Tensor<2>| {
            let off = to_host((a - b).abs().max());
            assert!(off[0] < 1e-12, "layer {k}: {off:?}");
        };
        let have = doubled.hidden_mean(v.clone().repeat(&[1, below])).narrow(1, 0, 3);
        close(have, Units::mean(&rbm.hidden, rbm.hidden_input(v.clone()) * up));
        let have = doubled.visible_mean(h.clone().repeat(&[1, above])).narrow(1, 0, 6);
        close(have, Units::mean(&rbm.visible, rbm.visible_input(h.clone()) * down));
    }

    let mut layer = DoubledLayer::new(&config, &rbm, Vec::new(), 2, &moments).unwrap();
    let doubled = layer.with_copies(&rbm);
    let mut plain = config.init(&doubled, doubled.visible.clone()).unwrap();
    let want = plain.gradients(&doubled, v.clone().repeat(&[1, 2]), &mut Noise::new(4, "chains")).0;
    let have = layer.gradients(&rbm, Batch::new(v), &mut Noise::new(4, "chains"));
    let want = want.get::<2>(doubled.weight.id).unwrap();
    let want = (want.clone().narrow(0, 0, 6) + want.narrow(0, 6, 6)) * 0.5;
    let have = have.get::<2>(rbm.weight.id).unwrap();
    assert!(to_host((have - want).abs().max())[0] < 1e-12);
}

#[test]
fn pre_trained_rbms_make_a_machine() {
    let init = |n_visible, n_hidden, seed| {
        let config = RbmConfig::new(n_visible, n_hidden).with_weight_std(0.5);
        config.init(&Device::flex(), &mut Noise::new(seed, "rbm")).unwrap()
    };
    let mut rbms = [init(4, 3, 1), init(3, 2, 2)];
    let set = |units: &mut AnyUnits, value: f64| {
        let AnyUnits::Binary(layer) = units else { panic!("binary units") };
        layer.bias = Param::from_tensor(layer.bias.val().full_like(value));
    };
    set(&mut rbms[0].hidden, 1.0);
    set(&mut rbms[1].visible, 0.5);
    let dbm = Dbm::of_rbms(&rbms, None);
    assert_eq!((dbm.depth(), dbm.width(0), dbm.width(2), dbm.n_classes()), (2, 4, 2, 0));
    assert_eq!(to_host(dbm.biases[1].val()), [0.75; 3]);
    assert_eq!(to_host(dbm.layers[1].weight.val()), to_host(rbms[1].weight.val()));
}

#[test]
fn the_classifier_starts_at_mean_field() {
    let dbm = params::cast(dbm(&[3, 2, 3], 0, UnitKind::Binary, 3), FloatDType::F32);
    let v: Tensor<2> = Tensor::from_data([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 1.0]], &Device::flex());
    let network = dbm.classifier(5, &mut Noise::new(0, "classifier"));
    let x = dbm.classifier_inputs(v.clone(), 200);
    assert_eq!((x.dims(), network.forward(x.clone()).dims()), ([2, 6], [2, 5]));
    let first = &network.layers[0];
    let input = x.matmul(first.weight.val()) + first.bias.val().unsqueeze();
    let have = to_host(burn::tensor::activation::sigmoid(input));
    let want = to_host(dbm.hidden_means(v, 1, 200));
    assert!(have.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-5));
    let config = DbmConfig::new(4, vec![3, 2, 3]).classifier(5);
    let shapes = config.init(&Device::flex(), &mut Noise::new(0, "x")).unwrap();
    let shape = |network: &gibbs_core::nn::Mlp| {
        network.layers.iter().map(|layer| layer.weight.dims()).collect::<Vec<_>>()
    };
    assert_eq!(shape(&shapes), shape(&network));
}

#[test]
fn every_field_out_of_range_is_named() {
    let config = || DbmConfig::new(4, vec![3, 2]);
    let cases = [
        (DbmConfig::new(4, vec![3]), "n_hidden"),
        (DbmConfig::new(4, vec![]), "n_hidden"),
        (DbmConfig::new(4, vec![3, 0]), "n_hidden"),
        (DbmConfig::new(0, vec![3, 2]), "n_visible"),
        (config().with_visible(UnitKind::Softmax), "visible"),
        (config().with_n_classes(1), "n_classes"),
        (config().with_weight_std(f64::NAN), "weight_std"),
        (config().with_hidden_bias(f64::INFINITY), "hidden_bias"),
        (config().with_mean_field(0), "mean_field"),
        (config().with_mean_field_measured(0), "mean_field_measured"),
    ];
    for (config, field) in cases {
        assert_eq!(config.validate().unwrap_err().field, field);
    }
}

/// Pairs of equal neighbors: two bits are decided by one of them. Independent units reach -4 ln 2.
#[test]
fn it_learns_correlated_bits() {
    let device = Device::flex();
    let patterns = [[0., 0., 0., 0.], [1., 1., 0., 0.], [0., 0., 1., 1.], [1., 1., 1., 1.]];
    let data = Tensor::<2>::from_data(patterns, &device).repeat(&[10, 1]);
    let noise = &mut Noise::new(1, "learning");
    let mut dbm = DbmConfig::new(4, vec![6, 4]).with_weight_std(0.1).init(&device, noise).unwrap();
    let base = dbm.annealing_base(data.clone(), 10);
    let config = ContrastiveConfig::new().with_centered(true).with_sweeps(5);
    let mut objective = DeepContrastive::new(&config, &dbm, base, 10).unwrap();
    let mut optimizer = burn::optim::SgdConfig::new().init();
    for _ in 0..1500 {
        let gradients = objective.gradients(&dbm, Batch::new(data.clone()), noise);
        dbm = optimizer_step(&mut optimizer, 0.1, dbm, gradients);
    }
    let log_z = exact::log_z(&dbm.bipartite()).unwrap().value;
    let weights = to_host(dbm.exact_log_weights(data).unwrap());
    let log_prob = mean_and_variance(&weights).0 - log_z;
    assert!(log_prob > -1.55, "{log_prob}, but the data have {}", -(4f64.ln()));
}
