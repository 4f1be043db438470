//! Properties of couplings on lattices and images.

use gibbs_core::{Bijection, math::to_host};
use gibbs_testkit::check_bijection;

use super::*;

/// Two couplings with a checkerboard over `rows` by `columns` sites.
fn checkerboards(network: ConvolutionalConfig) -> FlowConfig {
    let mask = CouplingMask::Checkerboard { rows: network.rows, columns: network.columns };
    let coupling = |flipped| {
        let network = ConditionerConfig::Convolutional(network.clone());
        LayerConfig::Coupling(CouplingConfig::new(mask.clone(), network).with_flipped(flipped))
    };
    FlowConfig::new(network.rows * network.columns, vec![coupling(false), coupling(true)])
}

fn small(rows: usize, columns: usize) -> ConvolutionalConfig {
    ConvolutionalConfig::new(rows, columns).with_width(4).with_bottleneck(3).with_activation(Activation::Tanh)
}

#[test]
fn a_squeeze_takes_squares_apart_and_makes_channels_of_checkerboards() {
    let order =
        |rows, columns, n| Permute::Squeeze { rows, columns }.order(n, &mut Noise::new(0, "order")).unwrap();
    assert_eq!(order(2, 4, 8), [0, 2, 1, 3, 4, 6, 5, 7]);
    // The channels of a corner stand side by side.
    assert_eq!(order(2, 2, 8), [0, 4, 1, 5, 2, 6, 3, 7]);
    let (rows, columns) = (4, 6);
    for (place, variable) in order(rows, columns, 24).into_iter().enumerate() {
        let (corner, is_even) = (place / 6, (variable / columns + variable % columns) % 2 == 0);
        assert_eq!(is_even, corner == 0 || corner == 3, "variable {variable} in channel {corner}");
    }
}

/// A translation that leaves the checkerboard as it is, on a periodic lattice: of the result then, and else not.
#[test]
fn periodic_couplings_move_with_the_field() {
    let (rows, columns) = (4, 6);
    let moved = |x: &[f64]| -> Vec<f64> {
        let from = |r: usize, c: usize| (r + rows - 1) % rows * columns + (c + columns - 1) % columns;
        (0..rows * columns).map(|v| x[from(v / columns, v % columns)]).collect()
    };
    let x = to_host(Noise::new(0, "x").normal([1, 24], (&Device::flex(), DType::F64)));
    let change = |network: ConvolutionalConfig| {
        let flow = wide_flow(&checkerboards(network), 0.5, 0);
        let z = |x: &[f64]| to_host(flow.forward(wide(x.to_vec(), [1, 24]), None).0);
        let pairs = z(&moved(&x)).into_iter().zip(moved(&z(&x))).map(|(a, b)| (a - b).abs());
        pairs.fold(0.0, f64::max)
    };
    let network = small(rows, columns);
    assert!(change(network.clone().with_periodic(true)) < 1e-12);
    assert!(change(network.clone()) > 1e-3);
    assert!(change(network.with_periodic(true).with_positions(true)) > 1e-3);
}

/// With one block and windows of half-width 1 the first coupling sees two sites far, and the second two further.
#[test]
fn a_coupling_sees_as_far_as_its_windows() {
    let flow = wide_flow(&checkerboards(small(1, 12).with_blocks(1)), 0.5, 0);
    let z = |x: &[f64]| to_host(flow.forward(wide(x.to_vec(), [1, 12]), None).0);
    let x: Vec<f64> = (0..12).map(|i| (f64::from(i)).sin()).collect();
    let mut far = x.clone();
    far[11] += 1.0;
    let seen: Vec<usize> = (0..12).filter(|&i| z(&x)[i] != z(&far)[i]).collect();
    // Site 11 is changed by what the first coupling keeps, then kept: sites 10 and, as kept ones are even, no farther.
    assert_eq!(seen, [10, 11]);
    far = x.clone();
    far[10] += 1.0;
    let seen: Vec<usize> = (0..12).filter(|&i| z(&x)[i] != z(&far)[i]).collect();
    // Even sites change the odd ones up to 9, and these the even ones up to 8.
    assert_eq!(seen, [8, 9, 10, 11]);
}

#[test]
fn couplings_at_two_scales_invert_and_know_their_jacobian() {
    let scales = scales(&small(4, 4).with_positions(true), 1, vec![4, 4], [3, 3]).with_n_context(C);
    for map in [Univariate::Additive, Univariate::affine(), Univariate::spline()] {
        let config = scales.clone().flow_with(map).unwrap();
        let x = Noise::new(1, "points").normal([4, 16], (&Device::flex(), DType::F64)) * 1.3;
        let context = contexts(&config, 4, DType::F64);
        check_bijection(&wide_flow(&config, 0.3, 3), x, context.as_ref(), 1e-9);
    }
}

/// With squares of four sites, and where rows or columns are odd without.
#[test]
fn fields_on_a_lattice_come_back_and_begin_with_their_variances() {
    for (rows, columns) in [(4, 4), (3, 4)] {
        let config = LatticeConfig::new(rows, columns).with_n_layers(2).with_n_hidden(Widths::One(6));
        let config = config.with_width(4).with_bottleneck(3).flow().unwrap();
        let n = rows * columns;
        let x = Noise::new(1, "points").normal([4, n], (&Device::flex(), DType::F64)) * 1.3;
        check_bijection(&wide_flow(&config, 0.1, 3), x, None, 1e-9);

        // A field whose mean has the standard deviation 3 and the mean 5, and whose other modes have 0.5.
        let noise = &mut Noise::new(2, "fields");
        let options = (&Device::flex(), DType::F64);
        let mean = noise.normal([500, 1], options) * 3.0 + 5.0;
        let white = noise.normal([500, n], options) * 0.5;
        let x = white.clone() - white.mean_dim(1) + mean;
        let z = wide_flow(&config, 0.0, 0).fitted(x.clone(), None).forward(x, None).0;
        let columns = to_host(z.transpose());
        for column in columns.chunks(500) {
            let (mean, variance) = gibbs_core::math::mean_and_variance(column);
            assert!(mean.abs() < 1e-9 && (variance * 499.0 / 500.0 - 1.0).abs() < 1e-9, "{mean} {variance}");
        }
    }
    assert!(
        LatticeConfig::new(1, 1)
            .flow()
            .unwrap_err()
            .to_string()
            .contains("rows and columns = 1: must be at least 2")
    );
    assert!(
        LatticeConfig::new(4, 4).with_n_layers(0).flow().unwrap_err().to_string().contains("n_layers = 0")
    );
}

#[test]
fn factored_variables_stay_as_they_are() {
    let network = small(8, 8);
    let scales = scales(&network, 1, vec![4, 4], [2, 1]);
    let config = scales.flow().unwrap();
    let flow = wide_flow(&config, 0.3, 0);
    let x = Noise::new(0, "x").normal([3, 64], (&Device::flex(), DType::F64));
    let z = flow.forward(x.clone(), None).0;
    assert!(to_host((flow.inverse(z.clone(), None).0 - x.clone()).abs().max())[0] < 1e-10);

    let mut other = flow.clone();
    let coarser = other.layers.pop();
    let Some(Layer::FactorOut(coarser)) = coarser else { panic!("{coarser:?}") };
    assert_eq!(coarser.inner.n_variables(), 32);
    let at_fine_scale = other.forward(x, None).0;
    assert_eq!(to_host(at_fine_scale.clone().narrow(1, 32, 32)), to_host(z.clone().narrow(1, 32, 32)));
    let gone_on = coarser.inner.forward(at_fine_scale.narrow(1, 0, 32), None).0;
    assert_eq!(to_host(gone_on), to_host(z.narrow(1, 0, 32)));
}

#[test]
fn normalizations_within_scales_are_fitted() {
    let scales = scales(&small(4, 4), 1, vec![4, 4], [1, 1]);
    let flow = scales.flow().unwrap().init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    let x = Noise::new(0, "x").normal([500, 16], &Device::flex()) * 3.0 + 7.0;
    let flow = flow.fitted(x.clone(), None);
    let z = to_host(flow.forward(x, None).0.transpose());
    for (d, column) in z.chunks(500).enumerate() {
        let mean = column.iter().sum::<f64>() / 500.0;
        let variance = column.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / 500.0;
        assert!(mean.abs() < 1e-4 && (variance - 1.0).abs() < 1e-3, "column {d}: {mean} {variance}");
    }
}
