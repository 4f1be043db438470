//! Flows and continuous flows by name, and the objectives of continuous flows.

use burn::module::Module;
use gibbs_core::{
    Batch, Objective, Position,
    math::to_host,
    ode::{Method, Solver},
    preprocess::{Preprocessed, PreprocessorConfig},
};
use gibbs_testkit::perturbed;

use super::*;
use crate::continuous::{
    AdjointLikelihood, ContinuousFlowConfig, FieldConfig, MlpFieldConfig, SolvedLikelihood, Trace,
};

const KINDS: [FlowKind; 10] = [
    FlowKind::Nice,
    FlowKind::Realnvp,
    FlowKind::Spline,
    FlowKind::Maf,
    FlowKind::SplineMaf,
    FlowKind::Iaf,
    FlowKind::Image,
    FlowKind::ImageSpline,
    FlowKind::Lattice,
    FlowKind::Hierarchy,
];

#[test]
fn each_kind_is_read_as_written_and_makes_a_flow() {
    for kind in KINDS {
        let of_data = FlowFamilyConfig::of_data(kind, 16, 0, Some([4, 4]));
        let of_hamiltonian = FlowFamilyConfig::of_hamiltonian(kind, &[4, 4], false);
        for mut config in [of_data, of_hamiltonian] {
            if let Some((n_layers, n_hidden)) = config.sizes_mut() {
                (*n_layers, *n_hidden) = (2, Widths::One(5));
            }
            if let Some(image) = config.image_mut() {
                (image.widths, image.bottleneck) = (vec![4, 4], 3);
            }
            let text = serde_json::to_string(&config).unwrap();
            assert!(text.contains(&format!("\"kind\":\"{kind}\"")), "{text}");
            assert_eq!(serde_json::from_str::<FlowFamilyConfig>(&text).unwrap(), config, "{text}");
            assert_eq!((config.kind(), config.n_visible(), config.n_context()), (kind, 16, 0));
            let bins = [(FlowKind::Spline, 16), (FlowKind::SplineMaf, 16), (FlowKind::ImageSpline, 4)];
            let bins = bins.into_iter().find(|(of, _)| *of == kind).map(|(_, bins)| bins);
            let written: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(written["bins"].as_u64(), bins, "{text}");
            let flow = config.flow().unwrap().init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
            assert_eq!(flow.n_variables(), 16);
        }
    }
}

#[test]
fn sizes_that_make_no_flow_are_named() {
    let message = |config: FlowFamilyConfig| config.flow().unwrap_err().to_string();
    let one = FlowFamilyConfig::of_data(FlowKind::Realnvp, 1, 0, None);
    assert_eq!(
        message(one),
        "kind = realnvp: a coupling needs at least 2 columns, the data have 1; take maf or spline_maf"
    );
    let mut none = FlowFamilyConfig::of_data(FlowKind::Maf, 3, 0, None);
    none.sizes_mut().unwrap().1.clone_from(&Widths::Many(vec![8, 0]));
    assert!(message(none).contains("n_hidden = [8, 0]"));
    let image = FlowFamilyConfig::of_data(FlowKind::Image, 15, 0, Some([4, 4]));
    assert!(message(image).contains("image.shape = [4, 4]: must divide the 15 columns"));
}

fn continuous() -> ContinuousFlowConfig {
    ContinuousFlowConfig {
        field: FieldConfig::Mlp(MlpFieldConfig::new(2, vec![8, 8].into())),
        solver: Solver::fixed(Method::Rk4, 40),
        trace: Trace::Exact,
    }
}

#[test]
fn continuous_flows_are_read_as_written() {
    let text = serde_json::to_string(&continuous()).unwrap();
    assert!(text.starts_with("{\"kind\":\"mlp\",\"n_visible\":2,\"n_hidden\":[8,8]"), "{text}");
    assert_eq!(serde_json::from_str::<ContinuousFlowConfig>(&text).unwrap(), continuous());
}

/// Both kinds of likelihood have the same loss and, with accurate solves, the same gradient.
#[test]
fn likelihoods_agree_behind_a_preprocessor() {
    let device = Device::flex();
    let flow = continuous().init(&device, &mut Noise::new(0, "init")).unwrap();
    let model = perturbed(flow, 0.3, Noise::new(1, "weights"));
    let shift =
        PreprocessorConfig::Standardize { shift: vec![1.0, -2.0], scale: vec![2.0, 0.5], tails: None };
    let x: Tensor<2> = Noise::new(2, "x").normal([20, 2], &device);
    let preprocessor = shift.init(2).unwrap().fit_whitening([x.clone()], &device).unwrap();
    let model = Preprocessed { preprocessor, model }.train();
    let solver = continuous().solver;
    let (at, noise) = (Position::new(0, 1, 1), &mut Noise::new(0, "step"));
    let mut solved = SolvedLikelihood { solver, step_jitter: 0.0, kinetic: 0.1, jacobian: 0.0 };
    let mut adjoint = AdjointLikelihood { solver, kinetic: 0.1, jacobian: 0.0 };
    let by_steps = solved.step(&model, Batch::new(x.clone()), &at, &mut noise.clone()).unwrap();
    let mut plain = SolvedLikelihood { kinetic: 0.0, ..solved };
    let without = plain.step(&model, Batch::new(x.clone()), &at, &mut noise.clone()).unwrap();
    noise.next_uniform();
    let by_adjoint = adjoint.step(&model, Batch::new(x), &at, noise).unwrap();
    let loss = |output: gibbs_core::StepOutput| to_host(output.loss.unwrap())[0];
    let bias = model.model.field.clone();
    let crate::continuous::Field::Mlp(field) = bias else { panic!("an MLP") };
    let id = field.network.layers[1].weight.id;
    let gradient = |output: &gibbs_core::StepOutput| to_host(output.gradients.get::<2>(id).unwrap());
    for (a, b) in gradient(&by_steps).into_iter().zip(gradient(&by_adjoint)) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
    assert!((loss(without) - loss(by_adjoint)).abs() < 1e-4);
}
