//! Inverse and Jacobian.

use burn::store::{ModuleSnapshot, SafetensorsStore};
use gibbs_core::{Bijection, columns::select, math::to_host};
use gibbs_testkit::check_bijection;

use super::*;

/// Points in the middle, on the edges of boxes and far out, `[7, n]`.
fn points(n: usize) -> Tensor<2> {
    let noise = &mut Noise::new(1, "points");
    let middle = noise.normal([4, n], (&Device::flex(), DType::F64)) * 1.3;
    let edges = (0..n).map(|d| [2.0, -2.0, 3.0, -3.0, 0.0][d % 5]);
    let tails = (0..n).map(|d| [40.0, -70.0, 5.0][d % 3]);
    let far = (0..n).map(|d| [1e3, 0.2, -1e4][d % 3]);
    Tensor::cat(vec![middle, wide(edges.chain(tails).chain(far).collect(), [3, n])], 0)
}

#[test]
fn every_bijection_inverts_and_tells_its_jacobian() {
    for n in [2, 5] {
        for (name, config) in constructors(n) {
            let flow = wide_flow(&config, 0.5, 3);
            let context = contexts(&config, 7, DType::F64);
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                check_bijection(&flow, points(n), context.as_ref(), 1e-9);
            }));
            assert!(caught.is_ok(), "{name}, {n} variables: see above");
        }
    }
}

/// `x` through a map or its inverse, and the log-determinants as a column.
fn moved(map: &impl Bijection, inverse: bool, x: Tensor<2>, context: Option<&Tensor<2>>) -> [Tensor<2>; 2] {
    let (y, ladj) = if inverse { map.inverse(x, context) } else { map.forward(x, context) };
    [y, ladj.unsqueeze_dim(1)]
}

/// A chain is its layers one after the other, and on blocks of columns it is itself on each block.
#[test]
fn chains_are_their_layers_and_act_alike_on_blocks() {
    let agree = |name: &str, found: [Tensor<2>; 2], expected: [Tensor<2>; 2]| {
        for (found, expected) in found.into_iter().zip(expected) {
            let size = expected.clone().abs() + 1.0;
            let worst = to_host(((found - expected) / size).abs().max())[0];
            assert!(worst < 1e-12, "{name}: {worst}");
        }
    };
    for (name, config) in constructors(4) {
        let (flow, context) = (wide_flow(&config, 0.5, 3), contexts(&config, 7, DType::F64));
        for inverse in [false, true] {
            let mut layers: Vec<&Layer> = flow.layers.iter().collect();
            if inverse {
                layers.reverse();
            }
            let start = [points(4), Tensor::zeros([7, 1], (&Device::flex(), DType::F64))];
            let one_by_one = layers.into_iter().fold(start, |[x, ladj], layer| {
                let [y, added] = moved(layer, inverse, x, context.as_ref());
                [y, ladj + added]
            });
            agree(&name, moved(&flow, inverse, points(4), context.as_ref()), one_by_one);
            if config.n_context == 0 {
                let blocks = [[0, 2, 4, 6], [7, 5, 3, 1]];
                let x = Tensor::cat(vec![points(4), points(4).flip([0])], 1);
                let ladj = Tensor::full([7, 1], 0.5, (&Device::flex(), DType::F64));
                let joined = Tensor::cat(vec![x.clone(), ladj.clone()], 1);
                let found = flow.on_blocks(joined, &blocks.concat(), inverse);
                let each = blocks.map(|block| moved(&flow, inverse, select(x.clone(), &block), None));
                let added = each.iter().fold(ladj, |sum, [_, added]| sum + added.clone());
                let y = Tensor::cat(each.map(|[y, _]| y).to_vec(), 1);
                let found = [select(found.clone(), &blocks.concat()), found.narrow(1, 8, 1)];
                agree(&format!("{name}, blocks"), found, [y, added]);
            }
        }
    }
}

#[test]
fn one_variable_is_enough_where_nothing_is_conditioned_on() {
    let configs = [
        MafConfig::new(1, 2, vec![4].into()).flow_with(Univariate::spline()),
        MafConfig::new(1, 2, vec![4].into()).with_n_context(C).inverse_flow_with(Univariate::affine()),
        FlowConfig::new(1, vec![LayerConfig::linear(Permute::Reverse)]),
        // The context changes all variables.
        FlowConfig::new(
            1,
            vec![LayerConfig::Coupling(CouplingConfig::new(
                CouplingMask::Half,
                ConditionerConfig::mlp(vec![4]),
            ))],
        )
        .with_n_context(C),
    ];
    for config in configs {
        let context = contexts(&config, 7, DType::F64);
        check_bijection(&wide_flow(&config, 0.5, 0), points(1), context.as_ref(), 1e-9);
    }
}

#[test]
fn the_logit_inverts_and_outside_of_the_interval_there_is_no_density() {
    for margin in [0.0, 1e-6, 0.05] {
        let logit = Logit::new(margin).unwrap();
        let x = vec![1e-9, 0.2, 0.5, 0.77, 0.999, 1.0 - 1e-9];
        check_bijection(&logit, wide(x, [3, 2]), None, 1e-7);
        let (z, ladj) = logit.forward(wide(vec![0.5, -0.2, 0.5, 1.2, 0.3, 0.7], [3, 2]), None);
        let ladj = to_host(ladj);
        assert!(
            ladj[0] == f64::NEG_INFINITY && ladj[1] == f64::NEG_INFINITY && ladj[2].is_finite(),
            "{ladj:?}"
        );
        assert!(to_host(z).iter().all(|z| z.is_finite()));
    }
    let ends = Tensor::from_data([[0.0_f32, 1.0]], &Device::flex());
    let (z, ladj) = Logit::new(1e-6).unwrap().forward(ends, None);
    // ln(1e6 - 1) = 13.8155.
    assert!((to_host(z)[1] - 13.8155).abs() < 1e-3 && to_host(ladj)[0].is_finite());
}

#[test]
fn levels_survive_dequantization() {
    let layer = Dequantization::new(256).unwrap();
    let levels: Vec<f32> = (0..256).map(|level| level as f32).collect();
    let levels = Tensor::<2>::from_data(TensorData::new(levels, [16, 16]), &Device::flex());
    let noise = &mut Noise::new(0, "dequantize");
    for _ in 0..20 {
        let (z, ladj) = layer.forward(layer.spread(levels.clone(), noise), None);
        assert!(to_host(z.clone()).iter().all(|z| (0.0..1.0).contains(z)));
        assert!((to_host(ladj)[3] + 16.0 * 256f64.ln()).abs() < 1e-4);
        assert_eq!(to_host(layer.levels(layer.inverse(z, None).0)), to_host(levels.clone()));
    }
}

/// Largest `|x - inverse(forward(x))|` in f32, of a flow whose parameters are moved and whose normalizations then fit the
/// points.
fn residual(config: &FlowConfig, std: f64) -> f64 {
    let flow = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    let x = Noise::new(0, "points").normal([16, config.n_visible], &Device::flex());
    let flow = perturbed(flow, std, Noise::new(0, "stir")).fitted(x.clone(), None);
    let (z, ladj) = flow.forward(x.clone(), None);
    let (back, inverse_ladj) = flow.inverse(z, None);
    // One rounding of about 2^-20 for each variable in each layer.
    let rounding = (config.n_visible * config.layers.len()) as f64 * 2f64.powi(-20);
    assert!(to_host((ladj + inverse_ladj).abs().max())[0] < rounding);
    to_host((back - x).abs().max())[0]
}

#[test]
fn thirty_two_layers_of_784_variables_come_back_in_f32() {
    let couplings = RealNvpConfig::new(784, 32, vec![32].into());
    let normalized = couplings.clone().with_act_norm(true).with_mask(CouplingMask::Alternating);
    let cases = [
        ("affine", couplings.flow(), 0.02),
        ("additive", couplings.flow_with(Univariate::Additive), 0.02),
        ("spline", couplings.flow_with(Univariate::spline()), 0.02),
        ("affine, normalized", normalized.flow(), 0.02),
        ("spline, normalized", normalized.flow_with(Univariate::spline()), 0.02),
    ];
    for (name, config, std) in cases {
        let residual = residual(&config, std);
        assert!(residual < 1e-4, "{name}: {residual:e}");
    }
}

#[test]
fn images_at_two_scales_come_back_in_f32() {
    let network = ConvolutionalConfig::new(28, 28).with_width(8).with_bottleneck(8).with_positions(true);
    let scales = scales(&network, 1, vec![8, 16], [8, 8]);
    for map in [Univariate::affine(), Univariate::spline()] {
        let residual = residual(&scales.clone().flow_with(map).unwrap(), 0.02);
        assert!(residual < 1e-4, "{map:?}: {residual:e}");
    }
}

#[test]
fn autoregressive_and_linear_layers_come_back_in_f32() {
    let deep = MafConfig::new(16, 32, vec![32].into()).with_act_norm(true);
    let linear = [LayerConfig::linear(Permute::Random), LayerConfig::act_norm()];
    let cases = [
        ("784 variables", MafConfig::new(784, 1, vec![64].into()).flow(), 0.02),
        ("32 layers", deep.clone().flow(), 0.02),
        ("32 inverse layers", deep.inverse_flow_with(Univariate::affine()), 0.02),
        ("32 layers of splines", deep.flow_with(Univariate::spline()), 0.02),
        ("linear", FlowConfig::new(100, [linear.clone(), linear].concat()), 0.02),
    ];
    for (name, config, std) in cases {
        let residual = residual(&config, std);
        assert!(residual < 1e-4, "{name}: {residual:e}");
    }
}

#[test]
fn outputs_of_an_autoregressive_layer_see_earlier_variables_alone() {
    for n_context in [0, C] {
        let config = MafConfig::new(5, 1, vec![11, 10].into()).with_activation(Activation::Tanh);
        let config = config.with_n_context(n_context).flow();
        let flow = wide_flow(&config, 0.5, 1);
        let context = contexts(&config, 1, DType::F64);
        let z = |x: &[f64]| to_host(flow.forward(wide(x.to_vec(), [1, 5]), context.as_ref()).0);
        let x = [0.4, -0.2, 1.0, 0.3, -0.9];
        for input in 0..5 {
            let mut moved = x;
            moved[input] += 0.5;
            for (output, (a, b)) in z(&x).into_iter().zip(z(&moved)).enumerate() {
                assert_eq!(a != b, output >= input, "output {output} on input {input}");
            }
        }
    }
}

#[test]
fn a_context_changes_the_map() {
    for (name, config) in constructors(4).into_iter().filter(|(_, config)| config.n_context > 0) {
        let flow = wide_flow(&config, 0.5, 0);
        let z = |value: f64| {
            let context = wide(vec![value; C], [1, C]);
            to_host(flow.forward(wide(vec![0.1, 0.2, -0.3, 0.4], [1, 4]), Some(&context)).0)
        };
        assert_ne!(z(0.0), z(1.0), "{name}");
    }
}

#[test]
fn normalization_starts_from_data() {
    let n = 3;
    let data = vec![1.0, 5.0, 1e-3, 2.0, 5.0, 3e-3, 6.0, 5.0, 4e-3, 7.0, 5.0, 8e-3];
    let x = wide(data, [4, n]);
    let config = FlowConfig::new(n, vec![LayerConfig::act_norm()]);
    let flow = wide_flow(&config, 0.0, 0).fitted(x.clone(), None);
    let z = flow.forward(x, None).0;
    let columns = to_host(z.transpose());
    for (d, column) in columns.chunks(4).enumerate() {
        let mean = column.iter().sum::<f64>() / 4.0;
        let variance = column.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / 4.0;
        let expected = if d == 1 { 0.0 } else { 1.0 };
        assert!(mean.abs() < 1e-12 && (variance - expected).abs() < 1e-12, "column {d}: {mean} {variance}");
    }
}

#[test]
fn the_start_is_the_identity() {
    for (name, config) in constructors(4) {
        let fixed = ["permutation", "linear", "dequantization", "Hartley", "Haar", "Glow", "scales"];
        if fixed.iter().any(|kind| name.contains(kind)) {
            continue;
        }
        let flow = wide_flow(&config, 0.0, 0);
        let x = points(4);
        let (z, ladj) = flow.forward(x.clone(), contexts(&config, 7, DType::F64).as_ref());
        // Reversals between two autoregressive layers leave one.
        let z = if name.contains("autoregressive") { z.flip([1]) } else { z };
        assert!(to_host((z - x).abs().max())[0] < 1e-9, "{name}");
        assert!(to_host(ladj).iter().all(|ladj| ladj.abs() < 1e-9), "{name}");
    }
}

#[test]
fn weights_survive_saving_under_their_names() {
    let config = glow(4);
    let init = |seed| {
        let flow = config.init(&Device::flex(), &mut Noise::new(7, "init")).unwrap();
        perturbed(flow, 0.3, Noise::new(seed, "stir"))
    };
    let (saved, mut loaded) = (init(0), init(1));
    let mut store = SafetensorsStore::from_bytes(None).skip_enum_variants(true);
    saved.save_into(&mut store).unwrap();
    let bytes = store.get_bytes().unwrap();
    let mut reader = SafetensorsStore::from_bytes(Some(bytes)).skip_enum_variants(true);
    let mut names = loaded.load_from(&mut reader).unwrap().applied;
    names.sort();
    let expected = ["0.parameters", "1.log_scale", "1.weight", "2.conditioner.layers.0.bias"];
    for (name, expected) in names.iter().zip(expected) {
        assert_eq!(name, &format!("layers.{expected}"));
    }
    let x = Noise::new(0, "points").normal([3, 4], &Device::flex());
    assert_eq!(to_host(loaded.forward(x.clone(), None).0), to_host(saved.forward(x, None).0));
}
