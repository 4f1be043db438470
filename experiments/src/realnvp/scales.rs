//! Hierarchies of flows: weights for another number of scales, and what the latents of each scale do to a field.

use std::collections::BTreeMap;

use gibbs_flow::{
    Flow, HierarchyConfig,
    wavelets::{daubechies, mean_response},
};
use gibbs_report::{ColorMap, Picture};

use super::RealNvp;
use crate::{
    flow::{FlowFamily, FlowRun},
    pictures::slices,
    prelude::*,
};

/// What the names of the weights of a scale begin with, before its number.
const LEVELS: &str = "layers.0.levels.";

/// Points of the base at which derivatives are averaged, and the step of their differences.
const POINTS: usize = 256;
const STEP: f64 = 0.1;

/// Pixels along a field, at least.
const SIDE: usize = 96;

/// The weights of a hierarchy from those of one that may have more or fewer scales.
pub(super) fn imported(hierarchy: &HierarchyConfig, bytes: &[u8]) -> Result<Vec<u8>> {
    let tensors = weights::tensors_of(bytes)?;
    let mut of_scale: BTreeMap<usize, Vec<(&str, &TensorData)>> = BTreeMap::new();
    for (name, data) in &tensors {
        let scale = name.strip_prefix(LEVELS).and_then(|rest| rest.split_once('.'));
        if let Some((Ok(scale), rest)) = scale.map(|(scale, rest)| (scale.parse(), rest)) {
            of_scale.entry(scale).or_default().push((rest, data));
        }
    }
    let n_scales = of_scale.len();
    if n_scales == 0 {
        return Ok(bytes.to_vec());
    }
    let scale = |scale: usize| {
        let found = of_scale.get(&hierarchy.scale_to_start_from(scale, n_scales)).into_iter().flatten();
        found.map(move |(rest, data)| (format!("{LEVELS}{scale}.{rest}"), (*data).clone()))
    };
    let start: BTreeMap<String, TensorData> = (0..hierarchy.scales().len()).flat_map(scale).collect();
    Ok(weights::serialize(&start)?)
}

/// The mean change of a field with one latent of each scale, the first difference in the middle, from the finest scale to the coarsest,
/// and with the coarsest latent. Below it the Haar wavelets with which a hierarchy begins, and Daubechies' wavelets with four
/// coefficients.
pub(super) fn responses(
    config: &FlowRun<RealNvp>,
    flow: &Flow,
    hierarchy: &HierarchyConfig,
    device: &Device,
) -> Result<Picture> {
    let lattice = [hierarchy.rows, hierarchy.columns];
    let start = RealNvp::init(config, false, device)?;
    let z = Noise::new(config.seed, "responses").normal([POINTS, lattice[0] * lattice[1]], device);
    let response = |flow: &Flow, z: &Tensor<2>, latent: usize| mean_response(flow, z.clone(), latent, STEP);
    let (mut labels, [mut learned, mut haar, mut wavelets]) = (Vec::new(), [const { Vec::new() }; 3]);
    let mut add = |label: String, latent: usize, wavelet: Vec<f64>| {
        labels.push(label);
        let change = response(flow, &z, latent);
        haar.extend(of_largest_one(&response(&start, &z.clone().narrow(0, 0, 1), latent), &change));
        wavelets.extend(of_largest_one(&wavelet, &change));
        learned.extend(of_largest_one(&change, &change));
    };
    for (index, scale) in hierarchy.scales().iter().enumerate() {
        let Some([rows, columns]) = scale.left() else { continue };
        let (middle, halvings) = ([rows / 2, columns / 2], index + 1);
        let is_halved = lattice.iter().all(|&length| length == 1 || length >> halvings > 0);
        let wavelet = match is_halved {
            true => daubechies(lattice, halvings, middle),
            false => vec![0.0; lattice[0] * lattice[1]],
        };
        let latent = rows * columns + middle[0] * columns + middle[1];
        add(format!("{} × {}", scale.rows, scale.columns), latent, wavelet);
    }
    let constant = vec![1.0; lattice[0] * lattice[1]];
    add("coarsest".into(), 0, constant);
    let grid = ImageGrid::new(lattice[0], lattice[1])
        .title("change of the field with one latent of each scale")
        .scale(SIDE.div_ceil(lattice[0].max(lattice[1])))
        .color_map(ColorMap::CoolWarm)
        .range(-1.0, 1.0)
        .row_labels(["learned", "Haar", "Daubechies"])
        .column_labels(labels);
    Ok(grid.render_rows(&slices(&[learned, haar, wavelets]))?)
}

/// The values over the largest of their magnitudes, with the sign that makes them more like `other`.
fn of_largest_one(values: &[f64], other: &[f64]) -> Vec<f32> {
    let largest = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    let product: f64 = values.iter().zip(other).map(|(a, b)| a * b).sum();
    let unit = if largest == 0.0 { 1.0 } else { largest.copysign(product) };
    values.iter().map(|value| (value / unit) as f32).collect()
}
