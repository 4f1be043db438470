//! The conditionals of a PixelCNN one after the other, each convolution computed once at each site.
//!
//! ```text
//! before the first site of a row:   the vertical stack of the whole row, from the row before it and the kept bands of maps
//! at each site:                     the horizontal stack, from the sites and maps to the left in the row
//! ```

use burn::{prelude::*, tensor::DType};
use gibbs_core::nn::{Affine, Residual};

use super::{FromAbove, PixelCnn, maps::Band};
use crate::{
    Autoregressive,
    autoregressive::told,
    sampling::{Recursion, Walk, dot, function, host},
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
                // A known length keeps the sums in registers.
                Ok(sums) => add_rows(x, rows, sums),
                Err(_) => add_rows(x, rows, sums),
            }
        }
    }
}

/// Adds `Σ_k x_k·row_k`, as far as the sums go.
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

/// The recursion.
pub(super) struct Scan<'a> {
    model: &'a PixelCnn,
    left: Map,
    blocks: Vec<Horizontal>,
    /// `O`, an output after the other.
    output: Vec<f32>,
    output_bias: Vec<f32>,
    direct: Option<Vec<f32>>,
    dtype: DType,
}

impl<'a> Scan<'a> {
    pub(super) fn new(model: &'a PixelCnn) -> Self {
        let horizontal = |residual: &Residual| Horizontal {
            reduce: Map::new(&residual.reduce),
            convolve: Map::new(&residual.convolve),
            expand: Map::new(&residual.expand),
        };
        Self {
            left: Map::new(&model.left),
            blocks: model.blocks.iter().map(|block| horizontal(&block.horizontal)).collect(),
            output: host(model.output.val().transpose()),
            output_bias: host(model.output_bias.val()),
            direct: model.direct.as_ref().map(|direct| host(direct.val())),
            dtype: model.output_bias.val().dtype(),
            model,
        }
    }

    fn tensor<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), (&Autoregressive::device(self.model), self.dtype))
    }
}

impl Recursion for Scan<'_> {
    fn start(&self, n: usize, context: &[f32]) -> Box<dyn Walk + '_> {
        let config = &self.model.config;
        let context = (config.n_context > 0).then(|| self.tensor(context.to_vec(), [n, config.n_context]));
        let map = |channels| RowMap::new(n, config.columns, config.half_kernel, channels);
        let mut walk = ScanWalk {
            scan: self,
            n,
            told: told(n, context, &self.model.context),
            bands: vec![Band::default(); config.depth],
            sites: map(config.n_inputs()),
            from_above: Vec::new(),
            joining: Vec::new(),
            maps: self.blocks.iter().map(|_| map(config.bottleneck())).collect(),
            features: vec![0.0; n * config.width],
            sums: self.output_bias.repeat(n),
            position: 0,
        };
        walk.next_row();
        walk.next_site();
        Box::new(walk)
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

/// Some examples on their way through the sites.
struct ScanWalk<'a> {
    scan: &'a Scan<'a>,
    n: usize,
    told: Option<Tensor<2>>,
    bands: Vec<Band>,
    /// Inputs of the sites of this row, and before its first site still those of the row above.
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
    position: usize,
}

impl ScanWalk<'_> {
    /// The vertical stack for the row that begins.
    fn next_row(&mut self) {
        let (model, columns) = (self.scan.model, self.scan.model.config.columns);
        let (sites, channels) = (&self.sites, self.sites.channels);
        let above = (0..self.n).flat_map(|i| sites.window(i, sites.half, columns));
        let above = self.scan.tensor(above.copied().collect(), [self.n, 1, columns, channels]);
        let FromAbove { v, joining } = model.vertical(above, self.told.clone(), Some(&mut self.bands));
        self.from_above = host(v);
        self.joining = joining.into_iter().map(host).collect();
    }

    /// The horizontal stack for the site whose turn it is.
    fn next_site(&mut self) {
        let config = &self.scan.model.config;
        let (column, k, d) = (self.position % config.columns, config.half_kernel, config.width);
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
            self.scan.left.add(self.sites.window(i, column, k), h);
            for ((block, map), joining) in self.scan.blocks.iter().zip(&mut self.maps).zip(&self.joining) {
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

impl Walk for ScanWalk<'_> {
    fn parameters(&mut self, parameters: &mut [f32]) {
        let config = &self.scan.model.config;
        let per = config.conditional.n_parameters();
        let (first, width) = (self.position * per, self.scan.output_bias.len());
        for (i, parameters) in parameters.chunks_exact_mut(per).enumerate() {
            let features = &self.features[i * config.width..(i + 1) * config.width];
            let outputs = self.scan.output.chunks_exact(config.width);
            let sums = &self.sums[i * width + first..];
            for ((parameter, output), sum) in parameters.iter_mut().zip(outputs).zip(sums) {
                *parameter = dot(output, features) + sum;
            }
        }
    }

    fn observe(&mut self, values: &[f32]) {
        let config = &self.scan.model.config;
        let (n_inputs, per) = (config.conditional.n_inputs(), config.conditional.n_parameters());
        let (column, width) = (self.position % config.columns, self.scan.output_bias.len());
        let later = (self.position + 1) * per;
        for (i, &value) in values.iter().enumerate() {
            let site = self.sites.at(i, column);
            config.conditional.encode_value(value, &mut site[..n_inputs]);
            site[n_inputs] = 1.0;
            for (j, &input) in site[..n_inputs].iter().enumerate().filter(|(_, input)| **input != 0.0) {
                let Some(direct) = &self.scan.direct else { break };
                let row = &direct[(self.position * n_inputs + j) * width..][later..width];
                let sums = &mut self.sums[i * width..(i + 1) * width][later..];
                sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += input * weight);
            }
        }
        self.position += 1;
        if self.position == config.n_variables() {
            return;
        }
        if self.position.is_multiple_of(config.columns) {
            self.next_row();
        }
        self.next_site();
    }
}
