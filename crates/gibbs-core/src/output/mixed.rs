//! Variables with different distributions. Those with the same distribution are computed together.

use super::OutputDistribution;
use crate::{ConfigError, columns::select};
use burn::prelude::*;

/// Variables with the same distribution.
struct Group<'a> {
    distribution: &'a OutputDistribution,
    /// Their indices in the data.
    variables: Vec<usize>,
}

/// The groups, in the order of their first variables.
fn groups(columns: &[OutputDistribution]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (variable, distribution) in columns.iter().enumerate() {
        match groups.iter_mut().find(|group| group.distribution == distribution) {
            Some(group) => group.variables.push(variable),
            None => groups.push(Group { distribution, variables: vec![variable] }),
        }
    }
    groups
}

pub(super) fn validate(columns: &[OutputDistribution], n_visible: usize) -> Result<(), ConfigError> {
    let n = columns.len();
    let reason = format!("must be one distribution for each of the {n_visible} variables");
    ConfigError::require(n == n_visible, "output.columns", n, reason)?;
    columns.iter().try_for_each(|column| match column {
        OutputDistribution::Mixed { .. } => Err(ConfigError::new(
            "output.columns",
            "mixed",
            "the distribution of one variable is never mixed",
        )),
        column => column.validate(1),
    })
}

/// The largest of a number over the variables.
pub(super) fn most(columns: &[OutputDistribution], number: fn(&OutputDistribution) -> usize) -> usize {
    columns.iter().map(number).max().unwrap_or(1)
}

/// Network inputs `[n, D·per]` of examples `x [n, D]`.
pub(super) fn encode(columns: &[OutputDistribution], per: usize, x: Tensor<2>) -> Tensor<2> {
    let of = |group: &Group| group.distribution.encode(select(x.clone(), &group.variables));
    spread(columns, per, of)
}

/// Parameters `[D·per]` of independent variables that fit the data `x [n, D]`.
pub(super) fn marginals(columns: &[OutputDistribution], per: usize, x: Tensor<2>) -> Tensor<1> {
    let of = |group: &Group| group.distribution.marginals(select(x.clone(), &group.variables)).unsqueeze();
    spread(columns, per, of).squeeze_dim(0)
}

/// `Σ_d ln p(x_d; θ_d)` for `parameters [n, D·per]` and `x [n, D]`: `[n]`, nats.
pub(super) fn log_prob(
    columns: &[OutputDistribution],
    per: usize,
    parameters: Tensor<2>,
    x: Tensor<2>,
) -> Tensor<1> {
    let of = |group: &Group| {
        let first = |&variable: &usize| variable * per..variable * per + group.distribution.n_parameters();
        let own: Vec<usize> = group.variables.iter().flat_map(first).collect();
        group.distribution.log_prob(select(parameters.clone(), &own), select(x.clone(), &group.variables))
    };
    let sum = groups(columns).iter().map(of).reduce(|sum, group| sum + group);
    sum.unwrap_or_else(|| panic!("mixed distributions of no variables"))
}

/// Puts the columns `[rows, variables·own]` of each group in their places among `per` for each variable: `[rows, D·per]`. All
/// other columns are zero.
fn spread(columns: &[OutputDistribution], per: usize, of: impl Fn(&Group) -> Tensor<2>) -> Tensor<2> {
    let mut parts = Vec::new();
    let (mut places, mut n) = (vec![None; columns.len() * per], 0);
    for group in groups(columns) {
        let part = of(&group);
        let own = part.dims()[1] / group.variables.len();
        for &variable in &group.variables {
            for place in &mut places[variable * per..variable * per + own] {
                *place = Some(n);
                n += 1;
            }
        }
        parts.push(part);
    }
    parts.push(parts[0].clone().narrow(1, 0, 1).zeros_like());
    let from: Vec<usize> = places.into_iter().map(|place| place.unwrap_or(n)).collect();
    select(Tensor::cat(parts, 1), &from)
}
