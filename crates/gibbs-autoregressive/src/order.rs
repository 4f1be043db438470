//! The order in which variables are conditioned on each other.

use gibbs_backend::Noise;
use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// An order of variables, as a configuration names it: `"natural"`, `"random"`, or a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderConfig {
    /// 0, 1, 2, …
    #[default]
    Natural,
    /// Drawn from the noise of the configuration.
    Random,
    /// The variables, first to last.
    #[serde(untagged)]
    Given(Vec<usize>),
}

impl OrderConfig {
    /// The order of `n` variables.
    ///
    /// # Errors
    /// A list that does not name each of `0..n` once.
    pub fn order(&self, n: usize, noise: &mut Noise) -> Result<Order, ConfigError> {
        match self {
            Self::Natural => Ok(Order::natural(n)),
            Self::Random => Ok(Order { variables: noise.permutation(n) }),
            Self::Given(list) if list.len() != n => {
                Err(ConfigError::OrderLength { expected: n, found: list.len() })
            }
            Self::Given(list) => Order::new(list.clone()),
        }
    }
}

/// A permutation: the variable at each position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    variables: Vec<usize>,
}

impl Order {
    /// The order in which the variables are listed.
    ///
    /// # Errors
    /// A list that is no permutation, with its first entry that is out of range or a repetition.
    pub fn new(variables: Vec<usize>) -> Result<Self, ConfigError> {
        let n = variables.len();
        let mut seen = vec![None; n];
        for (position, &value) in variables.iter().enumerate() {
            let problem = match seen.get(value) {
                None => format!("and there are only the variables 0 to {}", n - 1),
                Some(Some(before)) => format!("which stands at entry {before} already"),
                Some(None) => {
                    seen[value] = Some(position);
                    continue;
                }
            };
            return Err(ConfigError::NoPermutation { position, value, problem });
        }
        Ok(Self { variables })
    }

    /// 0, 1, 2, …
    pub fn natural(n: usize) -> Self {
        Self { variables: (0..n).collect() }
    }

    /// An order that begins with the variables of which `known` is true and goes on with the others, both in the order
    /// of `self`. It is for completing examples of which these variables are given.
    ///
    /// # Panics
    /// If `known` is not as long as the order.
    pub fn starting_with(&self, known: &[bool]) -> Self {
        assert_eq!(known.len(), self.len(), "one flag for each variable");
        let (first, rest): (Vec<_>, Vec<_>) = self.variables.iter().partition(|&&variable| known[variable]);
        Self { variables: [first, rest].concat() }
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
        let mut positions = vec![0; self.len()];
        self.variables.iter().enumerate().for_each(|(position, &variable)| positions[variable] = position);
        positions
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
        assert_eq!(read("[2, 0, 1]"), OrderConfig::Given(vec![2, 0, 1]));
        for order in [OrderConfig::Natural, OrderConfig::Random, OrderConfig::Given(vec![1, 0])] {
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
            OrderConfig::Given(list.to_vec()).order(n, &mut Noise::new(0, "")).unwrap_err().to_string()
        };
        assert!(message(&[0, 1], 3).contains("2 entries for 3 variables"));
        assert!(message(&[0, 3, 1], 3).contains("entry 1 is 3, and there are only the variables 0 to 2"));
        assert!(message(&[2, 0, 2], 3).contains("entry 2 is 2, which stands at entry 0 already"));
    }

    #[test]
    fn known_variables_come_first() {
        let order = Order::new(vec![3, 1, 0, 2]).unwrap();
        let known = order.starting_with(&[true, false, false, true]);
        assert_eq!(known.variables(), [3, 0, 1, 2]);
    }
}
