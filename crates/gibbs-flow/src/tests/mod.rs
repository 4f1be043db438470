//! What every bijection must do, over one list of constructors.

mod angles;
mod bijections;
mod densities;
mod families;
mod hierarchy;
mod latent;
mod lattices;
mod learning;
mod preprocess;
mod refusals;

use burn::{prelude::*, tensor::DType, tensor::FloatDType};
use gibbs_backend::Noise;
use gibbs_core::{
    nn::{Activation, Widths},
    params::cast,
};
use gibbs_testkit::perturbed;

use crate::*;

/// Width of the context of conditional layers.
const C: usize = 2;

/// Every kind of layer and of chain, by name.
fn constructors(n: usize) -> Vec<(String, FlowConfig)> {
    let maps = [
        ("additive", Univariate::Additive),
        ("affine", Univariate::affine()),
        ("spline", Univariate::Spline { bins: 4, bound: 2.0 }),
    ];
    let masks = [
        ("half", CouplingMask::Half),
        ("alternating", CouplingMask::Alternating),
        ("checkerboard", CouplingMask::Checkerboard { rows: 1, columns: n }),
        ("channels", CouplingMask::Channels { channels: n }),
        ("given", CouplingMask::Given { keeps: (0..n).map(|d| d != 1).collect() }),
    ];
    let mut all = Vec::new();
    for (map_name, map) in maps {
        for n_context in [0, C] {
            let given = if n_context > 0 { ", context" } else { "" };
            for (mask_name, mask) in &masks {
                let config = RealNvpConfig::new(n, 2, vec![7].into())
                    .with_mask(mask.clone())
                    .with_n_context(n_context)
                    .with_activation(Activation::Tanh);
                all.push((format!("couplings, {mask_name}, {map_name}{given}"), config.flow_with(map)));
            }
            for (kind, inverse) in [("autoregressive", false), ("inverse autoregressive", true)] {
                let config = MafConfig::new(n, 2, vec![9, 8].into())
                    .with_n_context(n_context)
                    .with_activation(Activation::Silu);
                let flow = if inverse { config.inverse_flow_with(map) } else { config.flow_with(map) };
                all.push((format!("{kind}, {map_name}{given}"), flow));
            }
        }
        all.extend(lattices(n, map_name, map));
        all.push((
            format!("element-wise, {map_name}"),
            FlowConfig::new(n, vec![LayerConfig::elementwise(map)]),
        ));
    }
    let given: Vec<usize> = (0..n).map(|d| (d + 1) % n).collect();
    for order in [Permute::Reverse, Permute::Random, Permute::Given(given)] {
        all.push((
            format!("permutation, {order:?}"),
            FlowConfig::new(n, vec![LayerConfig::permutation(order.clone())]),
        ));
        all.push((format!("linear, {order:?}"), FlowConfig::new(n, vec![LayerConfig::linear(order)])));
    }
    all.push(("autoregressive without hidden units".into(), MafConfig::new(n, 2, Vec::new().into()).flow()));
    let hartley = vec![LayerConfig::hartley(vec![n])];
    all.push(("Hartley".into(), FlowConfig::new(n, hartley)));
    let field = LatticeConfig::new(1, n)
        .with_n_layers(2)
        .with_n_hidden(Widths::One(6))
        .with_width(4)
        .with_bottleneck(3);
    all.push(("fields on a ring, Hartley".into(), field.flow().unwrap()));
    if n.is_multiple_of(2) {
        let hierarchy = HierarchyConfig::new(1, n).with_n_hidden(Widths::One(6));
        let layers = vec![LayerConfig::Hierarchy(hierarchy.with_activation(Activation::Tanh))];
        all.push(("hierarchy from Haar wavelets on a ring".into(), FlowConfig::new(n, layers)));
    }
    all.push(("Glow of points".into(), glow(n)));
    let levels = vec![LayerConfig::Dequantization(DequantizationConfig::new(256))];
    all.push(("dequantization".into(), FlowConfig::new(n, levels)));
    all
}

/// Convolutional couplings over a line of sites, open and periodic, with places and a context; and images at as many scales as
/// the number of variables has squares of four sites.
fn lattices(n: usize, map_name: &str, map: Univariate) -> Vec<(String, FlowConfig)> {
    let line = ConvolutionalConfig::new(1, n)
        .with_width(5)
        .with_bottleneck(3)
        .with_blocks(1)
        .with_activation(Activation::Tanh);
    let coupling = |network: &ConvolutionalConfig, flipped| {
        let mask = CouplingMask::Checkerboard { rows: 1, columns: n };
        let coupling = CouplingConfig::new(mask, ConditionerConfig::Convolutional(network.clone()));
        LayerConfig::Coupling(coupling.with_flipped(flipped).with_map(map))
    };
    let periodic = line.clone().with_periodic(true);
    let cases = [
        ("open", line.clone(), 0),
        ("periodic", periodic, 0),
        ("with places, context", line.clone().with_positions(true), C),
    ];
    let mut all: Vec<(String, FlowConfig)> = cases
        .into_iter()
        .map(|(name, network, n_context)| {
            let layers = vec![coupling(&network, false), coupling(&network, true)];
            let config = FlowConfig::new(n, layers).with_n_context(n_context);
            (format!("convolutional couplings, {name}, {map_name}"), config)
        })
        .collect();
    let side = n.isqrt();
    if side * side == n && side.is_power_of_two() {
        let network = ConvolutionalConfig { rows: side, columns: side, ..line };
        let widths = vec![5; side.ilog2() as usize];
        let scales = scales(&network, 1, widths, [1, 2]);
        for n_context in [0, C] {
            let name = format!("{side} by {side} sites at all scales, {map_name}, context {n_context}");
            all.push((name, scales.clone().with_n_context(n_context).flow_with(map).unwrap()));
        }
    }
    all
}

/// Couplings at several scales with networks of these sizes: numbers of checkerboards and of stripes.
fn scales(
    network: &ConvolutionalConfig,
    channels: usize,
    widths: Vec<usize>,
    couplings: [usize; 2],
) -> MultiScaleConfig {
    let (rows, columns) = (network.rows, network.columns);
    let image = ImageConfig::new([rows, columns], widths)
        .with_bottleneck(network.bottleneck)
        .with_blocks(network.blocks)
        .with_half_kernel(network.half_kernel)
        .with_positions(network.positions)
        .with_checkerboards(couplings[0])
        .with_stripes(couplings[1]);
    MultiScaleConfig::new(rows * columns * channels, image).with_activation(network.activation)
}

/// Normalization, learned permutation, coupling; twice.
fn glow(n: usize) -> FlowConfig {
    let step = |flipped| {
        let coupling =
            CouplingConfig::new(CouplingMask::Half, ConditionerConfig::mlp(vec![8])).with_flipped(flipped);
        [
            LayerConfig::act_norm(),
            LayerConfig::linear(Permute::Random),
            LayerConfig::Coupling(coupling.with_map(Univariate::spline())),
        ]
    };
    FlowConfig::new(n, [step(false), step(true)].concat())
}

/// The flow with all parameters moved, in f64.
fn wide_flow(config: &FlowConfig, std: f64, seed: u64) -> Flow {
    let flow = config.init(&Device::flex(), &mut Noise::new(seed, "init")).unwrap();
    perturbed(cast(flow, FloatDType::F64), std, Noise::new(seed, "stir"))
}

fn wide(values: Vec<f64>, shape: [usize; 2]) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), DType::F64))
}

/// Contexts of `n` points for a flow with contexts.
fn contexts(config: &FlowConfig, n: usize, dtype: DType) -> Option<Tensor<2>> {
    let noise = &mut Noise::new(0, "context");
    (config.n_context > 0).then(|| noise.normal([n, config.n_context], (&Device::flex(), dtype)))
}
