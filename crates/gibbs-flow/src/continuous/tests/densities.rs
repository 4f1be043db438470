//! Flows are bijections, their densities integrate to one, and draws follow them.

use burn::{
    module::Param,
    store::{ModuleSnapshot, SafetensorsStore},
};
use gibbs_core::{Bijection, LogProb, Sample, math::to_host};
use gibbs_testkit::{check_bijection, check_follows, check_normalized};

use super::*;

fn tight_flow(field: Field) -> ContinuousFlow {
    ContinuousFlow::new(field, tight(), Trace::Exact).unwrap()
}

#[test]
fn every_flow_inverts_and_tells_its_jacobian() {
    for index in [1, 4, 6, 8, 10, 11, 15] {
        let (_, config) = constructors().remove(index);
        let flow = tight_flow(wide_field(&config, 0.3, 1));
        let context = contexts(&flow.field, 3);
        check_bijection(&flow, normal("x", [3, 4]) * 1.5, context.as_ref(), 1e-7);
    }
    check_bijection(&tight_flow(symmetric()), normal("x", [3, 4]), None, 1e-7);
}

/// Fields of few variables.
fn fields(n: usize) -> Vec<(&'static str, FieldConfig)> {
    let mlp = MlpFieldConfig::new(n, vec![8, 8].into());
    vec![
        ("concatenated", FieldConfig::Mlp(mlp.clone())),
        ("gated", FieldConfig::Mlp(mlp.with_time(TimeInput::Gated).with_frequencies(1))),
        ("potential", FieldConfig::Potential(PotentialConfig::new(n, vec![16].into()))),
        ("separable", FieldConfig::Potential(PotentialConfig::new(n, vec![8].into()).with_separable(3))),
    ]
}

/// Midpoints of `cells` cells of `[-half, half]`.
fn midpoints(half: f64, cells: usize) -> Vec<f64> {
    (0..cells).map(|i| half * ((2 * i + 1) as f64 / cells as f64 - 1.0)).collect()
}

fn rows(values: Vec<f64>, width: usize) -> Tensor<2> {
    let shape = [values.len() / width, width];
    Tensor::from_data(TensorData::new(values, shape), (&Device::flex(), DType::F64))
}

fn plane(axis: &[f64]) -> Tensor<2> {
    rows(axis.iter().flat_map(|&x| axis.iter().flat_map(move |&y| [x, y])).collect(), 2)
}

/// The density is smooth, so that the midpoint rule converges faster than any power of the cell; the solver's error is what
/// remains.
#[test]
fn densities_integrate_to_one() {
    let solver = Solver::new(Method::DormandPrince).with_tolerance(1e-7);
    for n in [1, 2] {
        let (half, cells) = (12.0, if n == 1 { 2000 } else { 150 });
        let axis = midpoints(half, cells);
        let x = if n == 1 { rows(axis, 1) } else { plane(&axis) };
        let log_cell = n as f64 * (2.0 * half / cells as f64).ln();
        for (name, config) in fields(n) {
            let flow = ContinuousFlow::new(wide_field(&config, 0.4, 1), solver, Trace::Exact).unwrap();
            let (log_prob, evaluations) = flow.try_log_prob(x.clone(), None, None).unwrap();
            let log_prob = to_host(log_prob);
            let spread = log_prob.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b));
            assert!(spread.is_finite() && evaluations > 6, "{name}");
            check_normalized(&log_prob.iter().map(|l| l + log_cell).collect::<Vec<_>>(), 1e-5);
        }
    }
}

#[test]
fn draws_follow_the_density() {
    let (half, coarse, fine) = (6.0, 20, 6);
    let cells = coarse * fine;
    let solver = Solver::new(Method::Tsitouras).with_tolerance(1e-6);
    for (name, config) in fields(2) {
        let flow = ContinuousFlow::new(wide_field(&config, 0.3, 4), solver, Trace::Exact).unwrap();
        let log_prob = to_host(flow.log_prob(plane(&midpoints(half, cells))));
        let mut mass = vec![0.0; coarse * coarse];
        for (i, log_prob) in log_prob.into_iter().enumerate() {
            mass[i / cells / fine * coarse + i % cells / fine] += log_prob.exp();
        }
        let total: f64 = mass.iter().sum();
        let inside = total * (2.0 * half / cells as f64).powi(2);
        assert!((inside - 1.0).abs() < 2e-3, "{name}: {inside}");
        mass.iter_mut().for_each(|p| *p /= total);
        let x = to_host(flow.sample(10_000, &mut Noise::new(0, "sample")));
        let cell = |x: f64| (((x + half) / (2.0 * half) * coarse as f64) as usize).min(coarse - 1);
        let draws: Vec<usize> = x.chunks(2).map(|x| cell(x[0]) * coarse + cell(x[1])).collect();
        check_follows(&draws, &mass);
    }
}

#[test]
fn symmetric_potentials_make_symmetric_densities() {
    let flow = ContinuousFlow::new(symmetric(), Solver::fixed(Method::Rk4, 10), Trace::Exact).unwrap();
    let x = normal("x", [5, 4]);
    let log_prob = |flow: &ContinuousFlow, x: Tensor<2>| to_host(flow.log_prob(x));
    let truth = log_prob(&flow, x.clone());
    for g in group().elements() {
        for (a, b) in truth.iter().zip(log_prob(&flow, g.apply(x.clone()))) {
            assert!((a - b).abs() < 1e-10, "{g:?}: {a} {b}");
        }
    }
    let config = FieldConfig::Potential(PotentialConfig::new(4, vec![9].into()).with_timed(true));
    let plain = ContinuousFlow::new(wide_field(&config, 0.4, 5), flow.solver(), Trace::Exact).unwrap();
    let image = group().elements()[1].apply(x.clone());
    assert!((log_prob(&plain, x)[0] - log_prob(&plain, image)[0]).abs() > 1e-3);
}

#[test]
fn estimated_densities_are_right_on_average_and_functions_of_their_points() {
    let (_, config) = constructors().remove(1);
    let field = wide_field(&config, 0.4, 2);
    let solver = Solver::fixed(Method::Rk4, 8);
    let n = 2000;
    let x = normal("x", [1, 4]).expand([n, 4]);
    let exact = ContinuousFlow::new(field.clone(), solver, Trace::Exact).unwrap();
    let flow = ContinuousFlow::new(field, solver, Trace::Hutchinson(Probe::Rademacher)).unwrap();
    let truth = to_host(exact.log_prob(x.clone()))[0];
    let noise = &mut Noise::new(0, "direction");
    let estimates = to_host(flow.try_log_prob(x.clone(), None, Some(noise)).unwrap().0);
    gibbs_testkit::check_mean(&estimates, truth);
    assert_eq!(to_host(flow.log_prob(x.clone())), to_host(flow.log_prob(x)));
}

#[test]
fn a_flow_at_rest_is_the_identity_and_the_base() {
    let config = FieldConfig::Mlp(MlpFieldConfig::new(3, vec![5, 5].into()));
    let flow = tight_flow(wide_field(&config, 0.0, 0));
    let x = normal("x", [4, 3]);
    let (z, ladj) = flow.forward(x.clone(), None);
    assert!(to_host(z).iter().zip(to_host(x)).all(|(z, x)| (z - x).abs() < 1e-12));
    assert!(to_host(ladj).iter().all(|ladj| ladj.abs() < 1e-12));
}

/// A separable potential alone moves each variable for itself: the density is the product of those of single variables.
#[test]
fn a_separable_potential_makes_independent_variables() {
    let config = PotentialConfig::new(2, vec![1].into()).with_separable(3).with_output_gain(0.0);
    let Field::Potential(mut potential) = wide_field(&FieldConfig::Potential(config), 0.0, 0) else {
        panic!("a potential")
    };
    let units = potential.separable.take().expect("units of each variable");
    let units = perturbed(units, 0.4, Noise::new(2, "stir"));
    let single = |i: usize| {
        let config = FieldConfig::Potential(PotentialConfig::new(1, vec![1].into()).with_separable(3));
        let Field::Potential(mut potential) = wide_field(&config, 0.0, 0) else { panic!("a potential") };
        potential.weight = potential.weight.map(|weight| weight * 0.0);
        let column = |of: Param<Tensor<2>>| of.map(|values| values.narrow(1, i, 1));
        potential.separable = Some(Separable {
            weight: column(units.weight.clone()),
            slope: column(units.slope.clone()),
            bias: column(units.bias.clone()),
            drift: None,
        });
        tight_flow(Field::Potential(potential))
    };
    potential.weight = potential.weight.map(|weight| weight * 0.0);
    potential.separable = Some(units.clone());
    let x = normal("x", [4, 2]);
    let joint = to_host(tight_flow(Field::Potential(potential)).log_prob(x.clone()));
    let base = to_host(single(0).log_prob(x.clone().narrow(1, 0, 1)));
    let other = to_host(single(1).log_prob(x.narrow(1, 1, 1)));
    for (joint, (a, b)) in joint.iter().zip(base.iter().zip(&other)) {
        assert!((joint - a - b).abs() < 1e-8, "{joint} instead of {a} + {b}");
    }
}

#[test]
fn points_on_the_way_begin_with_the_base_and_end_with_draws() {
    let (_, config) = constructors().remove(1);
    let flow = ContinuousFlow::new(wide_field(&config, 0.4, 2), Solver::fixed(Method::Rk4, 10), Trace::Exact);
    let flow = flow.unwrap();
    let z = normal("z", [4, 4]);
    let way = flow.points(z.clone(), None, [0.0, 1.0], &[0.0, 0.37, 1.0]).unwrap();
    assert_eq!(to_host(way[0].clone()), to_host(z.clone()));
    let end = to_host(flow.inverse(z, None).0);
    assert!(to_host(way[2].clone()).iter().zip(&end).all(|(a, b)| (a - b).abs() < 1e-12));
    // From the middle, the rest of the way.
    let rest = flow.path(way[1].clone(), None, [0.37, 1.0], false, None).unwrap().end;
    assert!(to_host(rest).iter().zip(&end).all(|(a, b)| (a - b).abs() < 1e-5));
}

#[test]
fn weights_survive_saving_under_their_names() {
    let gated = MlpFieldConfig::new(3, vec![4, 5].into()).with_time(TimeInput::Gated);
    let init = |seed| {
        let field =
            FieldConfig::Mlp(gated.clone()).init(&Device::flex(), &mut Noise::new(seed, "init")).unwrap();
        let flow = ContinuousFlow::new(field, Solver::fixed(Method::Rk4, 4), Trace::Exact).unwrap();
        perturbed(flow, 0.3, Noise::new(seed, "stir"))
    };
    let (saved, mut loaded) = (init(0), init(1));
    let mut store = SafetensorsStore::from_bytes(None).skip_enum_variants(true);
    saved.save_into(&mut store).unwrap();
    let bytes = store.get_bytes().unwrap();
    let mut reader = SafetensorsStore::from_bytes(Some(bytes)).skip_enum_variants(true);
    let mut names = loaded.load_from(&mut reader).unwrap().applied;
    names.sort();
    let expected = [
        "gates.0.network.layers.0.bias",
        "gates.0.network.layers.0.weight",
        "gates.1.network.layers.0.bias",
        "gates.1.network.layers.0.weight",
        "network.layers.0.bias",
        "network.layers.0.weight",
    ];
    for (name, expected) in names.iter().zip(expected) {
        assert_eq!(name, &format!("field.{expected}"));
    }
    let x = Noise::new(0, "points").normal([3, 3], &Device::flex());
    assert_eq!(to_host(loaded.log_prob(x.clone())), to_host(saved.log_prob(x)));
}
