//! Configurations without a flow, and misuse.

use gibbs_core::{Bijection, ConditionalLogProb, LogProb, Sample};

use super::*;

fn message(config: FlowConfig) -> String {
    config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap_err().to_string()
}

#[test]
fn what_makes_no_flow_is_named() {
    let couplings = RealNvpConfig::new(4, 2, vec![8].into());
    let cases = [
        (RealNvpConfig::new(1, 2, vec![8].into()).flow(), "nothing is left to condition on"),
        (RealNvpConfig::new(4, 2, vec![8, 0].into()).flow(), "[2, 8, 0, 4]"),
        (couplings.flow_with(Univariate::Spline { bins: 0, bound: 1.0 }), "bins = 0: must be from 2 to 64"),
        (couplings.with_mask(CouplingMask::Checkerboard { rows: 3, columns: 3 }).flow(), "3 by 3 pixels"),
        (RealNvpConfig::new(4, 1, vec![8].into()).flow(), "layers = 1: no layer changes variable 0 (from 0)"),
    ];
    for (config, expected) in cases {
        let found = message(config);
        assert!(found.contains(expected), "{found}");
    }
    let layer = |layer| message(FlowConfig::new(3, vec![layer]));
    assert!(
        layer(LayerConfig::Logit(LogitConfig::new(0.5)))
            .contains("margin = 0.5: must be at least 0 and below 0.5")
    );
    assert!(
        layer(LayerConfig::Dequantization(DequantizationConfig::new(1)))
            .contains("levels = 1: must be from 2 to 256")
    );
    let order = Permute::Given(vec![0, 2, 2]);
    assert!(layer(LayerConfig::permutation(order)).contains("[0, 2, 2]: must name each of 0 to 2 once"));
    let order = Permute::Squeeze { rows: 1, columns: 3 };
    assert!(layer(LayerConfig::permutation(order)).contains("1 by 3: sites cannot be squeezed"));
    let order = Permute::Squeeze { rows: 2, columns: 2 };
    assert!(
        layer(LayerConfig::permutation(order))
            .contains("variables = 3: must be a whole number of channels of 2 by 2 sites")
    );
    let all_go_on = LayerConfig::FactorOut(FactorOutConfig::new(3, Vec::new()));
    assert!(layer(all_go_on).contains("n_variables = 3: must be at least 1 and below 3"));
    assert!(message(FlowConfig::new(0, vec![LayerConfig::act_norm()])).contains("n_visible = 0"));
    assert!(message(FlowConfig::new(3, Vec::new())).contains("number of layers = 0: must be at least 1"));
}

#[test]
fn a_variable_that_moves_between_couplings_is_touched() {
    let coupling = |keeps: &[bool]| {
        let mask = CouplingMask::Given { keeps: keeps.to_vec() };
        LayerConfig::Coupling(CouplingConfig::new(mask, ConditionerConfig::mlp(vec![4])))
    };
    let changes_second = coupling(&[true, false]);
    let reversal = LayerConfig::permutation(Permute::Reverse);
    let init = |layers: Vec<LayerConfig>| {
        FlowConfig::new(2, layers).init(&Device::flex(), &mut Noise::new(0, "init"))
    };
    assert!(init(vec![changes_second.clone(), reversal, changes_second.clone()]).is_ok());
    assert!(init(vec![LayerConfig::act_norm(), changes_second.clone()]).is_ok());
    let twice = init(vec![changes_second.clone(), changes_second]);
    assert!(twice.unwrap_err().to_string().contains("layers = 2: no layer changes variable 0"));
}

#[test]
fn convolutions_and_scales_that_do_not_fit_are_named() {
    let network = ConvolutionalConfig::new(2, 3);
    let coupling = |network: ConvolutionalConfig| {
        let config = CouplingConfig::new(CouplingMask::Half, ConditionerConfig::Convolutional(network));
        message(FlowConfig::new(6, vec![LayerConfig::Coupling(config)]))
    };
    assert!(coupling(network.clone().with_width(0)).contains("width = 0: must be at least 1"));
    assert!(coupling(network.clone().with_bottleneck(0)).contains("bottleneck = 0"));
    assert!(coupling(ConvolutionalConfig::new(4, 3)).contains("variables = 6: must be a whole number"));
    let around = network.clone().with_periodic(true).with_half_kernel(3);
    assert!(coupling(around).contains("half_kernel = 3: must be at most"));
    assert!(coupling(network.clone()).contains("layers = 1: no layer changes variable 0"));

    let scales = |side: usize, widths: Vec<usize>, couplings: [usize; 2]| {
        scales(&ConvolutionalConfig::new(side, side), 1, widths, couplings).with_act_norm(false)
    };
    let refused = |config: MultiScaleConfig| config.flow().unwrap_err().to_string();
    assert!(refused(scales(28, vec![4; 3], [3, 3])).contains("7 by 7: sites cannot be squeezed"));
    assert!(refused(scales(28, Vec::new(), [3, 3])).contains("(number of scales) = 0"));
    // Without channel couplings the checkerboard alone changes half of the sites.
    let half = scales(4, vec![4], [1, 0]);
    assert!(message(half.flow().unwrap()).contains("no layer changes variable 0 (from 0)"));
    // What is factored out at the first scale is changed there, what goes on at the second.
    let once = scales(4, vec![4; 2], [2, 0]);
    assert!(once.flow().unwrap().init(&Device::flex(), &mut Noise::new(0, "init")).is_ok());
}

#[test]
fn random_orders_follow_from_the_seed_alone() {
    let config =
        FlowConfig::new(20, vec![LayerConfig::act_norm(), LayerConfig::permutation(Permute::Random)]);
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
    let config = RealNvpConfig::new(4, 2, vec![8].into()).with_n_context(n_context).flow();
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
