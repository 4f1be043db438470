//! Configurations without a field, solves without an end, and misuse.

use gibbs_core::{LogProb, Sample};

use super::*;

#[test]
fn what_makes_no_field_is_named() {
    let message = |config: FieldConfig| {
        config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap_err().to_string()
    };
    let mlp = MlpFieldConfig::new(4, vec![8].into());
    let lattice = LatticeFieldConfig::new(vec![4, 4]);
    let cases = [
        (FieldConfig::Mlp(MlpFieldConfig::new(0, vec![8].into())), "n_visible = 0"),
        (FieldConfig::Mlp(MlpFieldConfig::new(4, vec![8, 0].into())), "[5, 8, 0, 4]"),
        (FieldConfig::Mlp(MlpFieldConfig::new(4, Vec::new().into())), "n_hidden (number of layers) = 0"),
        (FieldConfig::Mlp(mlp.with_activation(Activation::Relu)), "activation = relu: is not smooth"),
        (
            FieldConfig::Mlp(MlpFieldConfig::new(4, vec![8].into()).with_fourier_scale(0.0)),
            "fourier_scale = 0: must be finite and above 0",
        ),
        (
            FieldConfig::Potential(PotentialConfig::new(4, Vec::new().into())),
            "n_hidden (number of layers) = 0",
        ),
        (FieldConfig::Image(ImageFieldConfig::new(28, 26, [8, 16])), "columns = 26: must be a multiple of 4"),
        (FieldConfig::Image(ImageFieldConfig::new(28, 28, [8, 0])), "channels"),
        (
            FieldConfig::Image(ImageFieldConfig::new(28, 28, [8, 16]).with_point_masses(vec![0.5, f64::NAN])),
            "point_masses = [0.5, NaN]",
        ),
        (FieldConfig::Image(ImageFieldConfig::new(28, 28, [8, 16]).with_point_std(0.0)), "point_std = 0"),
        (FieldConfig::Lattice(LatticeFieldConfig::new(Vec::new())), "number of axes = 0"),
        (FieldConfig::Lattice(LatticeFieldConfig::new(vec![4, 0])), "number of sites = 0"),
        (FieldConfig::Lattice(lattice.clone().with_features(0)), "features = 0"),
        (FieldConfig::Lattice(lattice.clone().with_channels(0)), "channels = 0"),
        (FieldConfig::Lattice(lattice.with_frequencies(0)), "frequencies = 0: must be at least 1"),
    ];
    for (config, expected) in cases {
        let found = message(config);
        assert!(found.contains(expected), "{found}");
    }
    let matching = FlowMatching::new().with_sigma(1.0).validate().unwrap_err().to_string();
    assert!(matching.contains("sigma = 1: must lie in [0, 1)"), "{matching}");
    let matching = FlowMatching::new().with_time_power(0.5).validate().unwrap_err().to_string();
    assert!(matching.contains("time_power = 0.5: must be finite and at least 1"), "{matching}");
    assert!(FlowMatching::new().with_context_dropout(-0.1).validate().is_err());
}

#[test]
fn configurations_read_as_they_are_written() {
    for (name, config) in constructors().into_iter().chain(images()) {
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<FieldConfig>(&text).unwrap(), config, "{name}: {text}");
    }
}

/// Weights of the size of 1e30 overflow in the first step.
#[test]
fn a_field_that_explodes_is_an_error_with_its_time() {
    let config = FieldConfig::Potential(PotentialConfig::new(2, vec![4].into()));
    let field = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    let field = perturbed(field, 1e15, Noise::new(0, "stir"));
    for solver in [Solver::fixed(Method::Rk4, 4), Solver::new(Method::Tsitouras)] {
        let flow = ContinuousFlow::new(field.clone(), solver, Trace::Exact).unwrap();
        let x = Tensor::<2>::ones([3, 2], &Device::flex());
        let error = flow.try_log_prob(x, None, None).unwrap_err().to_string();
        assert!(error.contains("time 1.0"), "{error}");
    }
}

fn flow(n_context: usize) -> ContinuousFlow {
    let config = MlpFieldConfig::new(4, vec![8].into()).with_n_context(n_context);
    let field = FieldConfig::Mlp(config).init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    ContinuousFlow::new(field, Solver::fixed(Method::Rk4, 2), Trace::Exact).unwrap()
}

#[test]
#[should_panic(expected = "points of width 3 for a flow of 4 variables")]
fn points_of_another_width_panic() {
    flow(0).log_prob(Tensor::zeros([2, 3], &Device::flex()));
}

#[test]
#[should_panic(expected = "a context of width 0 for a field that takes one of 2")]
fn a_missing_context_panics() {
    flow(2).sample(5, &mut Noise::new(0, "sample"));
}

#[test]
#[should_panic(expected = "guidance needs a field with a context")]
fn guidance_without_classes_panics() {
    Guided::new(flow(0).field, 2.0);
}
