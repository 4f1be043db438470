//! The conditions of Butcher for every rooted tree, and the orders that are measured.

use super::*;
use crate::ode::{Integrator, Tableau, dense::Dense};

/// A rooted tree, as the trees that hang on its root.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
struct Tree(Vec<Tree>);

impl Tree {
    fn order(&self) -> usize {
        1 + self.0.iter().map(Tree::order).sum::<usize>()
    }

    /// `γ`: the product of the orders of all its subtrees.
    fn density(&self) -> f64 {
        self.order() as f64 * self.0.iter().map(Tree::density).product::<f64>()
    }

    /// The elementary weight of each stage.
    fn weights(&self, tableau: &Tableau) -> Vec<f64> {
        let below: Vec<Vec<f64>> = self.0.iter().map(|tree| tree.weights(tableau)).collect();
        let stage = |a: &&[f64]| {
            below.iter().map(|below| a.iter().zip(below).map(|(a, w)| a * w).sum::<f64>()).product()
        };
        tableau.a.iter().map(stage).collect()
    }
}

/// All trees of an order: those of one less with a leaf grown at each place.
fn trees(order: usize) -> Vec<Tree> {
    fn grown(tree: &Tree) -> Vec<Tree> {
        let mut all = vec![Tree([tree.0.clone(), vec![Tree(Vec::new())]].concat())];
        for (i, below) in tree.0.iter().enumerate() {
            for new in grown(below) {
                let mut children = tree.0.clone();
                children[i] = new;
                all.push(Tree(children));
            }
        }
        all
    }
    fn sorted(tree: &Tree) -> Tree {
        let mut children: Vec<Tree> = tree.0.iter().map(sorted).collect();
        children.sort_by(|a, b| a.partial_cmp(b).expect("trees are ordered"));
        Tree(children)
    }
    if order == 1 {
        return vec![Tree(Vec::new())];
    }
    let mut all: Vec<Tree> = Vec::new();
    for tree in trees(order - 1).iter().flat_map(grown) {
        let tree = sorted(&tree);
        if !all.contains(&tree) {
            all.push(tree);
        }
    }
    all
}

#[test]
fn there_are_as_many_trees_as_there_should_be() {
    assert_eq!([1, 2, 3, 4, 5].map(|order| trees(order).len()), [1, 1, 2, 4, 9]);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn coefficients_meet_the_conditions_of_their_order_and_no_more() {
    for method in ALL {
        let tableau = method.tableau();
        for (c, a) in tableau.c.iter().zip(tableau.a) {
            assert!((a.iter().sum::<f64>() - c).abs() < 1e-14, "{method:?}: a stage at {c}");
        }
        for tree in (1..=tableau.order).flat_map(trees) {
            let off = dot(tableau.b, &tree.weights(&tableau)) - 1.0 / tree.density();
            // Coefficients up to 13 with 16 digits, in products of up to four.
            assert!(off.abs() < 1e-13, "{method:?}, {tree:?}: {off:e}");
        }
        let beyond = trees(tableau.order + 1);
        let misses =
            |tree: &Tree| (dot(tableau.b, &tree.weights(&tableau)) - 1.0 / tree.density()).abs() > 1e-6;
        assert!(beyond.iter().any(misses), "{method:?} is of a higher order");
        let Some(error) = tableau.error else { continue };
        for tree in (1..tableau.order).flat_map(trees) {
            let off = dot(error, &tree.weights(&tableau));
            assert!(off.abs() < 1e-13, "{method:?}, error on {tree:?}: {off:e}");
        }
        let sees = |tree: &Tree| dot(error, &tree.weights(&tableau)).abs() > 1e-6;
        assert!(trees(tableau.order).iter().any(sees), "{method:?} sees no error");
    }
}

#[test]
fn dense_weights_meet_the_conditions_of_order_4() {
    for method in CONTROLLED {
        let tableau = method.tableau();
        let Dense::Weights(weights) = tableau.dense else { panic!("{method:?}") };
        for theta in [0.0, 0.1, 0.35, 0.5, 0.8, 1.0] {
            for tree in (1..=4).flat_map(trees) {
                let truth = f64::powi(theta, tree.order() as i32) / tree.density();
                let off = dot(&weights(theta), &tree.weights(&tableau)) - truth;
                assert!(off.abs() < 1e-13, "{method:?}, {tree:?} at {theta}: {off:e}");
            }
        }
        for (end, b) in weights(1.0).iter().zip(tableau.b) {
            assert!((end - b).abs() < 1e-13, "{method:?}");
        }
    }
}

/// `log₂` of the factor by which an error falls when the steps are halved.
fn measured_order(error: impl Fn(usize) -> f64, steps: usize) -> f64 {
    (error(steps) / error(2 * steps)).log2()
}

#[test]
fn errors_fall_with_the_order_that_is_claimed() {
    for method in ALL {
        let error = |steps| {
            let solver = Solver::fixed(method, steps);
            let end = solver.solve(&curved(), curved_start(), [0.0, 2.0]).expect("a smooth solution").state;
            curved_error(&end, 2.0)
        };
        let (found, claimed) = (measured_order(error, 32), method.tableau().order as f64);
        // Above it by half where the leading error happens to be small, as that of Tsitouras on this equation.
        assert!((claimed - 0.25..claimed + 0.6).contains(&found), "{method:?}: {found}");
    }
}

/// The error of one step at its middle falls as the power one above the order of the interpolation, 3 for the cubic and 4 for
/// the others; a method of a lower order sets the limit itself.
#[test]
fn dense_output_has_its_order() {
    for (method, claimed) in ALL.into_iter().zip([2.0, 3.0, 4.0, 5.0, 5.0]) {
        let error = |steps| {
            let h = 1.0 / steps as f64;
            let equation = curved();
            let mut integrator =
                Integrator::new(&equation, Solver::fixed(method, steps), curved_start(), [0.0, 1.0]);
            let step = integrator.step().expect("finite").expect("a step");
            curved_error(&integrator.between(&step, 0.4), 0.4 * h)
        };
        let found = measured_order(error, 16);
        assert!((found - claimed).abs() < 0.4, "{method:?}: {found}");
    }
}
