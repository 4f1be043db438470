//! The cached sampler of a PixelCNN: it computes each convolution once at each site.
//!
//! ```text
//! before the first site of a row:   the vertical stack of the whole row, from the row before it and the cached bands of maps
//! at each site:                     the horizontal stack, from the sites and maps to the left in the row
//! ```

use burn::prelude::*;
use gibbs_core::nn::{Affine, Residual, project_context};

use super::{FromAbove, PixelCnn, maps::Band};
use crate::sampling::{
    Ancestral, AncestralSampler, Observed, Rows, SamplerState, dot, function, host, placed, placed_context,
};

/// An affine map on the host.
struct Map {
    /// `[in, out]`, row by row.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Map {
    fn new(layer: &Affine) -> Self {
        Self { weight: host(layer.weight.val()), bias: host(layer.bias.val()) }
    }

    /// Adds `x·W + b`.
    fn add(&self, x: &[f32], sums: &mut [f32]) {
        const LANES: usize = 16;
        let width = sums.len();
        sums.iter_mut().zip(&self.bias).for_each(|(sum, bias)| *sum += bias);
        for (part, sums) in sums.chunks_mut(LANES).enumerate() {
            let rows = self.weight[part * LANES..].chunks(width);
            match <&mut [f32; LANES]>::try_from(&mut *sums) {
                // A constant length keeps the sums in registers.
                Ok(sums) => add_rows(x, rows, sums),
                Err(_) => add_rows(x, rows, sums),
            }
        }
    }
}

/// Adds `Σ_k x_k·row_k` to the sums, which may be shorter than the rows.
#[inline(always)]
fn add_rows<'a, S: AsMut<[f32]> + ?Sized>(x: &[f32], rows: impl Iterator<Item = &'a [f32]>, sums: &mut S) {
    let sums = sums.as_mut();
    for (x, row) in x.iter().zip(rows) {
        sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += x * weight);
    }
}

/// The horizontal part of a block.
struct Horizontal {
    reduce: Map,
    convolve: Map,
    expand: Map,
}

struct PixelCnnSampler<'a> {
    model: &'a PixelCnn,
    left: Map,
    blocks: Vec<Horizontal>,
    /// `O`, one output after the other.
    output: Vec<f32>,
    output_bias: Vec<f32>,
    direct: Option<Rows>,
}

impl Ancestral for PixelCnn {
    fn sampler(&self, _: usize) -> Box<dyn AncestralSampler + '_> {
        let horizontal = |residual: &Residual| Horizontal {
            reduce: Map::new(&residual.reduce),
            convolve: Map::new(&residual.convolve),
            expand: Map::new(&residual.expand),
        };
        Box::new(PixelCnnSampler {
            left: Map::new(&self.left),
            blocks: self.blocks.iter().map(|block| horizontal(&block.horizontal)).collect(),
            output: host(self.output.val().transpose()),
            output_bias: host(self.output_bias.val()),
            direct: self.direct.as_ref().map(|direct| Rows::new(direct.val())),
            model: self,
        })
    }
}

impl AncestralSampler for PixelCnnSampler<'_> {
    fn start(&self, n: usize, context: &[f32]) -> Box<dyn SamplerState + '_> {
        let config = &self.model.config;
        let context = placed_context(n, context, &self.model.output_bias.val());
        let map = |channels| RowMap::new(n, config.columns, config.half_kernel, channels);
        let mut state = PixelCnnState {
            sampler: self,
            n,
            projected: project_context(n, context.as_ref(), &self.model.context),
            bands: vec![Band::default(); config.depth],
            sites: map(config.n_inputs()),
            from_above: Vec::new(),
            joining: Vec::new(),
            maps: self.blocks.iter().map(|_| map(config.bottleneck())).collect(),
            features: vec![0.0; n * config.n_hidden],
            sums: self.output_bias.repeat(n),
        };
        state.next_row();
        state.next_site(0);
        Box::new(state)
    }
}

/// A map of the row so far, `[n, k + C, channels]` row by row, with `k` columns of zeros before the first.
struct RowMap {
    values: Vec<f32>,
    n_columns: usize,
    half: usize,
    channels: usize,
}

impl RowMap {
    fn new(n: usize, columns: usize, half: usize, channels: usize) -> Self {
        let n_columns = half + columns;
        Self { values: vec![0.0; n * n_columns * channels], n_columns, half, channels }
    }

    /// Columns `column-k … column-k+count-1` of an example.
    fn window(&self, example: usize, column: usize, count: usize) -> &[f32] {
        let first = (example * self.n_columns + column) * self.channels;
        &self.values[first..first + count * self.channels]
    }

    /// One column of an example.
    fn at(&mut self, example: usize, column: usize) -> &mut [f32] {
        let first = (example * self.n_columns + column + self.half) * self.channels;
        &mut self.values[first..first + self.channels]
    }
}

struct PixelCnnState<'a> {
    sampler: &'a PixelCnnSampler<'a>,
    n: usize,
    projected: Option<Tensor<2>>,
    bands: Vec<Band>,
    /// Inputs of the sites of this row; before its first site, those of the row above.
    sites: RowMap,
    /// `v [n, C, d]` of the row.
    from_above: Vec<f32>,
    /// `u·G [n, C, m]` of the row, for each block.
    joining: Vec<Vec<f32>>,
    /// `f(h·A')` of the row, for each block.
    maps: Vec<RowMap>,
    /// `f(v + h) [n, d]` of the site.
    features: Vec<f32>,
    /// Biases and direct connections from the sites so far, `[n, D·P]`.
    sums: Vec<f32>,
}

impl PixelCnnState<'_> {
    /// The vertical stack of the next row.
    fn next_row(&mut self) {
        let (model, columns) = (self.sampler.model, self.sampler.model.config.columns);
        let (sites, channels) = (&self.sites, self.sites.channels);
        let above = (0..self.n).flat_map(|i| sites.window(i, sites.half, columns));
        let shape = [self.n, 1, columns, channels];
        let above = placed(above.copied().collect(), shape, &model.output_bias.val());
        let FromAbove { v, joining } = model.vertical(above, self.projected.as_ref(), Some(&mut self.bands));
        self.from_above = host(v);
        self.joining = joining.into_iter().map(host).collect();
    }

    /// The horizontal stack of the next site.
    fn next_site(&mut self, position: usize) {
        let config = &self.sampler.model.config;
        let (column, k, d) = (position % config.columns, config.half_kernel, config.n_hidden);
        let of = |i: usize, channels: usize| {
            let site = i * config.columns + column;
            site * channels..(site + 1) * channels
        };
        let activate = |values: &mut [f32]| {
            values.iter_mut().for_each(|value| *value = function(config.activation, *value));
        };
        let mut w = vec![0.0; config.bottleneck()];
        for (i, h) in self.features.chunks_exact_mut(d).enumerate() {
            h.fill(0.0);
            self.sampler.left.add(self.sites.window(i, column, k), h);
            for ((block, map), joining) in self.sampler.blocks.iter().zip(&mut self.maps).zip(&self.joining) {
                let t = map.at(i, column);
                t.fill(0.0);
                block.reduce.add(h, t);
                activate(t);
                w.copy_from_slice(&joining[of(i, map.channels)]);
                block.convolve.add(map.window(i, column, k + 1), &mut w);
                activate(&mut w);
                block.expand.add(&w, h);
            }
            let v = &self.from_above[of(i, d)];
            h.iter_mut().zip(v).for_each(|(h, v)| *h += v);
            activate(h);
        }
    }
}

impl SamplerState for PixelCnnState<'_> {
    fn parameters(&mut self, position: usize, parameters: &mut [f32]) {
        let config = &self.sampler.model.config;
        let per = config.output.n_parameters();
        let (first, width) = (position * per, self.sampler.output_bias.len());
        for (i, parameters) in parameters.chunks_exact_mut(per).enumerate() {
            let features = &self.features[i * config.n_hidden..(i + 1) * config.n_hidden];
            let outputs = self.sampler.output.chunks_exact(config.n_hidden);
            let sums = &self.sums[i * width + first..];
            for ((parameter, output), sum) in parameters.iter_mut().zip(outputs).zip(sums) {
                *parameter = dot(output, features) + sum;
            }
        }
    }

    fn observe(&mut self, observed: &Observed) {
        let config = &self.sampler.model.config;
        let (n_inputs, position) = (observed.n_inputs(), observed.position);
        for (i, inputs) in observed.inputs.chunks_exact(n_inputs).enumerate() {
            let site = self.sites.at(i, position % config.columns);
            site[..n_inputs].copy_from_slice(inputs);
            site[n_inputs] = 1.0;
        }
        if let Some(direct) = &self.sampler.direct {
            let later = (position + 1) * config.output.n_parameters();
            for (i, j, input) in observed.nonzero() {
                direct.add(position * n_inputs + j, later, input, &mut self.sums, i);
            }
        }
        let next = position + 1;
        if next == config.n_visible() {
            return;
        }
        if next.is_multiple_of(config.columns) {
            self.next_row();
        }
        self.next_site(next);
    }
}
