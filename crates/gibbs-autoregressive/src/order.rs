//! The order in which variables are conditioned on each other.

use gibbs_backend::Noise;
use gibbs_core::{ConfigError, columns};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An order of variables in a config: `"natural"`, `"random"`, or a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderConfig {
    /// 0, 1, 2, …
    #[default]
    Natural,
    /// A random permutation, drawn from the seed of the model.
    Random,
    /// The variables, first to last.
    #[serde(untagged)]
    List(Vec<usize>),
}

impl OrderConfig {
    /// The order of `n` variables.
    ///
    /// # Errors
    /// If a list does not name each of `0..n` once.
    pub fn order(&self, n: usize, noise: &mut Noise) -> Result<Order, ConfigError> {
        match self {
            Self::Natural => Ok(Order::natural(n)),
            Self::Random => Ok(Order { variables: noise.permutation(n) }),
            Self::List(list) => {
                let reason = || format!("must name each of the {n} variables from 0 once");
                ConfigError::require(list.len() == n, "order", format!("list of {}", list.len()), reason())?;
                Order::new(list.clone())
            }
        }
    }
}

/// No order of a model begins with the known variables.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "the order of the model does not begin with the known variables; a MADE trained in many orders (order = random, \
     n_masks above 1) can start with any"
)]
pub struct EvidenceError;

/// A permutation: the variable at each position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    variables: Vec<usize>,
}

impl Order {
    /// The order of a list of variables.
    ///
    /// # Errors
    /// If the list is no permutation: names the first entry that is out of range or a repetition.
    pub fn new(variables: Vec<usize>) -> Result<Self, ConfigError> {
        let n = variables.len();
        let mut seen = vec![None; n];
        for (position, &value) in variables.iter().enumerate() {
            let reason = match seen.get(value) {
                None => format!("no permutation: there are only the variables 0 to {}", n - 1),
                Some(Some(before)) => format!("no permutation: entry {before} is the same"),
                Some(None) => {
                    seen[value] = Some(position);
                    continue;
                }
            };
            return Err(ConfigError::new(format!("order.{position}"), value, reason));
        }
        Ok(Self { variables })
    }

    /// 0, 1, 2, …
    pub fn natural(n: usize) -> Self {
        Self { variables: (0..n).collect() }
    }

    /// An order for completing examples: first the `known` variables, then the others, both in the order of `self`.
    ///
    /// # Panics
    /// If `known` does not have one entry for each variable.
    pub fn starting_with(&self, known: &[bool]) -> Self {
        assert_eq!(known.len(), self.len(), "one flag for each variable");
        let (first, rest): (Vec<_>, Vec<_>) = self.variables.iter().partition(|&&variable| known[variable]);
        Self { variables: [first, rest].concat() }
    }

    /// Whether the `known` variables are the first ones.
    ///
    /// # Panics
    /// If `known` does not have one entry for each variable.
    pub fn begins_with(&self, known: &[bool]) -> bool {
        assert_eq!(known.len(), self.len(), "one flag for each variable");
        self.variables.iter().skip_while(|&&variable| known[variable]).all(|&variable| !known[variable])
    }

    /// Number of variables.
    pub fn len(&self) -> usize {
        self.variables.len()
    }

    /// Whether there are no variables.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty()
    }

    /// The variables, first to last.
    pub fn variables(&self) -> &[usize] {
        &self.variables
    }

    /// The position of each variable.
    pub fn positions(&self) -> Vec<usize> {
        columns::inverse(&self.variables)
    }

    /// The columns of the variables, first to last, if each variable has `per` adjacent columns.
    pub(crate) fn columns(&self, per: usize) -> Vec<usize> {
        self.variables.iter().flat_map(|&variable| variable * per..(variable + 1) * per).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_a_name_or_a_list() {
        let read = |text: &str| serde_json::from_str::<OrderConfig>(text).unwrap();
        assert_eq!(read("\"natural\""), OrderConfig::Natural);
        assert_eq!(read("\"random\""), OrderConfig::Random);
        assert_eq!(read("[2, 0, 1]"), OrderConfig::List(vec![2, 0, 1]));
        for order in [OrderConfig::Natural, OrderConfig::Random, OrderConfig::List(vec![1, 0])] {
            assert_eq!(read(&serde_json::to_string(&order).unwrap()), order);
        }
    }

    #[test]
    fn random_orders_are_permutations_and_follow_from_the_noise() {
        let order = |seed| OrderConfig::Random.order(50, &mut Noise::new(seed, "order")).unwrap();
        let mut sorted = order(0).variables().to_vec();
        sorted.sort();
        assert_eq!(sorted, Order::natural(50).variables());
        assert_eq!(order(0), order(0));
        assert_ne!(order(0), order(1));
        assert!(order(0).positions().iter().enumerate().all(|(v, &p)| order(0).variables()[p] == v));
    }

    #[test]
    fn lists_that_are_no_permutations_are_refused() {
        let message = |list: &[usize], n| {
            OrderConfig::List(list.to_vec()).order(n, &mut Noise::new(0, "")).unwrap_err().to_string()
        };
        assert!(message(&[0, 1], 3).contains("order = list of 2: must name each of the 3 variables"));
        assert!(
            message(&[0, 3, 1], 3)
                .contains("order.1 = 3: no permutation: there are only the variables 0 to 2")
        );
        assert!(message(&[2, 0, 2], 3).contains("order.2 = 2: no permutation: entry 0 is the same"));
    }

    #[test]
    fn known_variables_come_first() {
        let order = Order::new(vec![3, 1, 0, 2]).unwrap();
        let known = order.starting_with(&[true, false, false, true]);
        assert_eq!(known.variables(), [3, 0, 1, 2]);
        assert!(known.begins_with(&[true, false, false, true]) && known.begins_with(&[false; 4]));
        assert!(!known.begins_with(&[false, false, false, true].map(|known: bool| !known)));
    }
}
