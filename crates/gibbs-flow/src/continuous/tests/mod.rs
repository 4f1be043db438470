//! What every velocity field and its flow must do, over one list of constructors.

mod adjoint;
mod densities;
mod derivatives;
mod lattice;
mod learning;
mod linear;
mod point_masses;
mod refusals;

use std::sync::Arc;

use burn::{
    prelude::*,
    tensor::{DType, FloatDType},
};
use gibbs_backend::Noise;
use gibbs_core::{
    nn::Activation,
    params::cast,
    symmetry::{Symmetry, SymmetryGroup},
};
use gibbs_testkit::perturbed;

use super::*;
use crate::ode::{Method, Solver};

/// Width of the context of conditional fields.
const C: usize = 2;

/// Every kind of field of four variables, by name.
fn constructors() -> Vec<(String, FieldConfig)> {
    let mut all = Vec::new();
    for time in [TimeInput::Concatenated, TimeInput::Gated] {
        for (hidden, activation, frequencies, n_context) in [
            (vec![7], Activation::Tanh, 0, 0),
            (vec![7, 6], Activation::Tanh, 0, 0),
            (vec![7, 6], Activation::Softplus, 2, C),
            (vec![5, 6, 7], Activation::Silu, 1, 0),
            (vec![6, 5, 6], Activation::Sigmoid, 0, C),
        ] {
            let config = MlpFieldConfig::new(4, hidden.clone().into())
                .with_activation(activation)
                .with_time(time)
                .with_frequencies(frequencies)
                .with_n_context(n_context);
            all.push((
                format!("{time:?} {hidden:?} {activation} context {n_context}"),
                FieldConfig::Mlp(config),
            ));
        }
    }
    for (hidden, time, n_context) in [
        (vec![7], TimeInput::Gated, 0),
        (vec![7, 6], TimeInput::Concatenated, C),
        (vec![5, 6, 7], TimeInput::Gated, C),
    ] {
        let config = MlpFieldConfig::new(4, hidden.clone().into())
            .with_activation(Activation::Tanh)
            .with_time(time)
            .with_n_context(n_context)
            .with_fourier_features(3)
            .with_fourier_scale(0.7);
        all.push((format!("{time:?} {hidden:?} Fourier features"), FieldConfig::Mlp(config)));
    }
    for (hidden, timed, activation) in [
        (vec![9], false, Activation::Softplus),
        (vec![8, 7], true, Activation::Tanh),
        (vec![6, 5, 6], true, Activation::Silu),
        (vec![9], true, Activation::Sigmoid),
    ] {
        let config =
            PotentialConfig::new(4, hidden.clone().into()).with_timed(timed).with_activation(activation);
        all.push((format!("potential {hidden:?} {activation}"), FieldConfig::Potential(config)));
    }
    for (hidden, timed, separable) in [(vec![9], false, 1), (vec![8, 7], true, 3)] {
        let config =
            PotentialConfig::new(4, hidden.clone().into()).with_timed(timed).with_separable(separable);
        let name = format!("potential {hidden:?}, {separable} units of each variable");
        all.push((name, FieldConfig::Potential(config)));
    }
    for lengths in [vec![4], vec![2, 2]] {
        let config = LatticeFieldConfig::new(lengths.clone()).with_features(3).with_frequencies(2);
        all.push((format!("lattice {lengths:?}"), FieldConfig::Lattice(config)));
    }
    all
}

/// Small fields of images of 4 by 8 pixels, without and with values that pixels often have.
fn images() -> Vec<(String, FieldConfig)> {
    let plain = ImageFieldConfig::new(4, 8, [3, 4]).with_embedding(5).with_frequencies(1).with_n_context(C);
    let masses = plain.clone().with_point_masses(vec![-0.9, 0.2]).with_point_std(0.1);
    let colors = masses.clone().with_per_pixel(2);
    [("image", plain), ("image with point masses", masses), ("image of two numbers a pixel", colors)]
        .map(|(name, config)| (name.into(), FieldConfig::Image(config)))
        .into()
}

/// Cyclic shifts of four variables, and the change of all signs.
fn group() -> Arc<SymmetryGroup> {
    let shift = Symmetry::permutation(vec![1, 2, 3, 0]);
    Arc::new(SymmetryGroup::generated_by(4, &[shift, Symmetry::negation(4)]))
}

/// The field with all parameters moved, in f64.
fn wide_field(config: &FieldConfig, std: f64, seed: u64) -> Field {
    let field = config.init(&Device::flex(), &mut Noise::new(seed, "init")).unwrap();
    perturbed(cast(field, FloatDType::F64), std, Noise::new(seed, "stir"))
}

/// A symmetric potential of four variables.
fn symmetric() -> Field {
    let config = PotentialConfig::new(4, vec![9].into()).with_timed(true).with_separable(2);
    let config = FieldConfig::Potential(config);
    match wide_field(&config, 0.4, 5) {
        Field::Potential(potential) => Field::Potential(potential.symmetrized(group())),
        other => other,
    }
}

fn normal(name: &str, shape: [usize; 2]) -> Tensor<2> {
    Noise::new(0, name).normal(shape, (&Device::flex(), DType::F64))
}

/// Contexts of `n` points for a field with contexts.
fn contexts<V: VelocityField>(field: &V, n: usize) -> Option<Tensor<2>> {
    (field.n_context() > 0).then(|| normal("context", [n, field.n_context()]))
}

/// A solver whose error is far below that of every test, for f64.
fn tight() -> Solver {
    Solver::new(Method::Tsitouras).with_tolerance(1e-10)
}
