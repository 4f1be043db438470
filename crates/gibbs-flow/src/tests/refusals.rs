//! Configurations without a flow, and misuse.

use gibbs_core::{Bijection, ConditionalLogProb, LogProb, Sample};

use super::*;

fn message(config: FlowConfig) -> String {
    config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap_err().to_string()
}

#[test]
fn what_makes_no_flow_is_named() {
    let couplings = RealNvpConfig::new(4, 2, vec![8]);
    let cases = [
        (RealNvpConfig::new(1, 2, vec![8]), "nothing is left to condition on"),
        (RealNvpConfig::new(4, 2, vec![8, 0]), "[2, 8, 0, 4]"),
        (
            couplings.clone().with_map(Univariate::Spline { bins: 0, bound: 1.0 }),
            "bins = 0 must be from 2 to 64",
        ),
        (couplings.with_mask(CouplingMask::Checkerboard { rows: 3, columns: 3 }), "3 by 3 pixels"),
        (RealNvpConfig::new(4, 1, vec![8]), "variable 0 (from 0) passes all 1 layers unchanged"),
    ];
    for (config, expected) in cases {
        let found = message(config.flow());
        assert!(found.contains(expected), "{found}");
    }
    let layer = |layer| message(FlowConfig::new(3, vec![layer]));
    assert!(
        layer(LayerConfig::Logit { margin: 0.5 }).contains("margin = 0.5 must be at least 0 and below 0.5")
    );
    assert!(layer(LayerConfig::Dequantization { levels: 1 }).contains("levels = 1 must be from 2 to 256"));
    let order = Permute::Given(vec![0, 2, 2]);
    assert!(layer(LayerConfig::Permutation { order }).contains("[0, 2, 2] must name each of 0 to 2 once"));
    let order = Permute::Squeeze { rows: 1, columns: 3 };
    assert!(layer(LayerConfig::Permutation { order }).contains("1 by 3 sites cannot be squeezed"));
    let order = Permute::Squeeze { rows: 2, columns: 2 };
    assert!(
        layer(LayerConfig::Permutation { order })
            .contains("3 variables are no whole number of channels of 2")
    );
    let all_go_on = LayerConfig::FactorOut { n_variables: 3, layers: Vec::new() };
    assert!(layer(all_go_on).contains("variables that go on = 3 must be at least 1 and fewer"));
    assert!(message(FlowConfig::new(0, vec![LayerConfig::act_norm()])).contains("n_variables = 0"));
    assert!(message(FlowConfig::new(3, Vec::new())).contains("number of layers = 0 must be at least 1"));
}

#[test]
fn a_variable_that_moves_between_couplings_is_touched() {
    let coupling = |keeps: &[bool]| {
        LayerConfig::Coupling(CouplingConfig::new(CouplingMask::Given { keeps: keeps.to_vec() }, vec![4]))
    };
    let changes_second = coupling(&[true, false]);
    let reversal = LayerConfig::Permutation { order: Permute::Reverse };
    let init = |layers: Vec<LayerConfig>| {
        FlowConfig::new(2, layers).init(&Device::flex(), &mut Noise::new(0, "init"))
    };
    assert!(init(vec![changes_second.clone(), reversal, changes_second.clone()]).is_ok());
    assert!(init(vec![LayerConfig::act_norm(), changes_second.clone()]).is_ok());
    let twice = init(vec![changes_second.clone(), changes_second]);
    assert_eq!(twice.unwrap_err(), ConfigError::Untouched { variable: 0, n_layers: 2 });
}

#[test]
fn convolutions_and_scales_that_do_not_fit_are_named() {
    let network = ConvolutionalConfig::new(2, 3);
    let coupling = |network: ConvolutionalConfig| {
        let config = ConvolutionalCouplingConfig::new(CouplingMask::Half, network);
        message(FlowConfig::new(6, vec![LayerConfig::ConvolutionalCoupling(config)]))
    };
    assert!(coupling(network.clone().with_width(0)).contains("width = 0 must be at least 1"));
    assert!(coupling(network.clone().with_bottleneck(0)).contains("bottleneck = 0"));
    assert!(coupling(ConvolutionalConfig::new(4, 3)).contains("6 variables are no whole number"));
    let around = network.clone().with_periodic(true).with_half_kernel(3);
    assert!(coupling(around).contains("half_kernel = 3 must be at most rows and columns"));
    assert!(coupling(network.clone()).contains("variable 0 (from 0) passes all 1 layers unchanged"));

    let scales =
        |side: usize, widths: Vec<usize>| MultiScaleConfig::new(ConvolutionalConfig::new(side, side), widths);
    let refused = |config: MultiScaleConfig| config.flow().unwrap_err().to_string();
    assert!(refused(scales(28, vec![4; 3])).contains("7 by 7 sites cannot be squeezed"));
    assert!(refused(scales(28, Vec::new())).contains("number of scales = 0"));
    // Without channel couplings the checkerboard alone changes half of the sites.
    let half = scales(4, vec![4]).with_checkerboards(1).with_stripes(0).with_act_norm(false);
    assert!(message(half.flow().unwrap()).contains("variable 0 (from 0) passes"));
    // What is factored out at the first scale is changed there, what goes on at the second.
    let once = scales(4, vec![4; 2]).with_checkerboards(2).with_stripes(0).with_act_norm(false);
    assert!(once.flow().unwrap().init(&Device::flex(), &mut Noise::new(0, "init")).is_ok());
}

#[test]
fn random_orders_follow_from_the_seed_alone() {
    let config = FlowConfig::new(
        20,
        vec![LayerConfig::act_norm(), LayerConfig::Permutation { order: Permute::Random }],
    );
    let z = |noise: &mut Noise| {
        let flow = config.init(&Device::flex(), noise).unwrap();
        let x = Tensor::<1, Int>::arange(0..20, &Device::flex()).float().unsqueeze();
        gibbs_core::math::to_host(flow.forward(x, None).0)
    };
    assert_eq!(z(&mut Noise::new(1, "init")), z(&mut Noise::new(1, "other")));
    assert_ne!(z(&mut Noise::new(1, "init")), z(&mut Noise::new(2, "init")));
}

#[test]
fn configurations_read_as_they_are_written() {
    for (name, config) in constructors(4) {
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<FlowConfig>(&text).unwrap(), config, "{name}: {text}");
    }
}

fn flow(n_context: usize) -> Flow {
    let config = RealNvpConfig::new(4, 2, vec![8]).with_n_context(n_context).flow();
    config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap()
}

#[test]
#[should_panic(expected = "points of width 3 for a flow of 4 variables")]
fn points_of_another_width_panic() {
    flow(0).log_prob(Tensor::zeros([2, 3], &Device::flex()));
}

#[test]
#[should_panic(expected = "the context of 5 points in a flow with contexts of width 2")]
fn a_missing_context_panics() {
    flow(2).sample(5, &mut Noise::new(0, "sample"));
}

#[test]
#[should_panic(expected = "the context of 2 points in a flow with contexts of width 0")]
fn a_context_without_a_place_panics() {
    let x = Tensor::zeros([2, 4], &Device::flex());
    flow(0).log_prob_given(x.clone(), Some(&x));
}
