//! The common part of all minimizations by line searches.

use burn::module::Module;
use burn::optim::GradientsParams;

use super::LineSearch;
use super::directions::Direction;
use super::line_search::Trial;

/// The summary of a minimization.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Minimized {
    /// The loss before. If it is not finite, the module did not change.
    pub loss_before: f64,
    /// The loss after. It is never higher than before.
    pub loss: f64,
    /// Number of evaluations of loss and gradient, with the evaluation at the start.
    pub evaluations: usize,
    /// Number of line searches that lowered the loss. If it is smaller than requested, no further decrease was possible within
    /// rounding errors.
    pub searches: usize,
}

/// The step that led to a point.
pub(crate) struct Step {
    /// The direction of the line, and the length of the step on it.
    pub(crate) direction: Direction,
    pub(crate) step: f64,
    /// Gradient and slope at the start of the step.
    pub(crate) gradient: Direction,
    pub(crate) slope: f64,
}

/// The rule for the next direction. The first direction is always that of steepest descent.
pub(crate) trait Rule {
    /// The direction at a point with this gradient, after the step `last`.
    fn direction(&mut self, gradient: &Direction, last: &Step) -> Direction;

    /// The first trial step on a direction with this slope.
    fn first_step(&self, slope: f64, last: &Step) -> f64;

    /// Removes all stored steps.
    fn restart(&mut self) {}
}

/// Parameters without autodiff, with their loss and gradient.
#[derive(Clone)]
struct Point<M> {
    module: M,
    loss: f64,
    gradient: Direction,
}

/// The loss as a function of the parameters.
struct Surface<F> {
    evaluate: F,
    autodiff: bool,
    evaluations: usize,
}

impl<F> Surface<F> {
    fn at<M: Module>(&mut self, module: M) -> Point<M>
    where
        F: FnMut(&M) -> (f64, GradientsParams),
    {
        self.evaluations += 1;
        let (loss, gradients) =
            if self.autodiff { (self.evaluate)(&module.clone().train()) } else { (self.evaluate)(&module) };
        let gradient = Direction::of_gradients(&module, &gradients);
        Point { module, loss, gradient }
    }
}

/// Does up to `searches` line searches from `module` in the directions of `rule`.
///
/// If a search finds no lower point, the next one uses steepest descent. If steepest descent finds no lower point either, the
/// minimization ends.
pub(crate) fn minimize<M: Module>(
    searches: usize,
    line_search: &LineSearch,
    mut rule: impl Rule,
    module: M,
    evaluate: impl FnMut(&M) -> (f64, GradientsParams),
) -> (M, Minimized) {
    let autodiff = module.devices().iter().any(|device| device.is_autodiff());
    let mut surface = Surface { evaluate, autodiff, evaluations: 0 };
    let mut point = surface.at(if autodiff { module.valid() } else { module });
    let mut done = Minimized { loss_before: point.loss, loss: point.loss, evaluations: 0, searches: 0 };
    let mut last: Option<Step> = None;
    while done.searches < searches && point.loss.is_finite() {
        let (direction, slope, first) = match &last {
            None => {
                let norm = point.gradient.norm();
                (point.gradient.clone().scaled(-1.0), -norm * norm, norm.recip().min(1.0))
            }
            Some(last) => {
                let direction = rule.direction(&point.gradient, last);
                let slope = point.gradient.dot(&direction);
                (direction, slope, rule.first_step(slope, last))
            }
        };
        let resolution = point.gradient.epsilon() * point.loss.abs();
        let start = Trial { step: 0.0, loss: point.loss, slope, point: point.clone() };
        let found = if slope < 0.0 && first.is_finite() {
            line_search.search(start, first, resolution, |step| {
                let point = surface.at(direction.moved(point.module.clone(), step));
                Trial { step, loss: point.loss, slope: point.gradient.dot(&direction), point }
            })
        } else {
            start
        };
        if found.step > 0.0 {
            let gradient = std::mem::replace(&mut point, found.point).gradient;
            last = Some(Step { direction, step: found.step, gradient, slope });
            done.searches += 1;
        } else if last.take().is_some() {
            rule.restart();
        } else {
            break;
        }
    }
    let Point { module, loss, .. } = point;
    let done = Minimized { loss, evaluations: surface.evaluations, ..done };
    (if autodiff { module.train() } else { module }, done)
}
