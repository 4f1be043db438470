//! Minimization by line searches: what its methods share.

use burn::module::Module;
use burn::optim::GradientsParams;

use super::LineSearch;
use super::directions::Direction;
use super::line_search::Trial;

/// What a minimization did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Minimized {
    /// The loss before; if it is not finite, nothing was changed.
    pub loss_before: f64,
    /// The loss after, never higher than before.
    pub loss: f64,
    /// Evaluations of loss and gradient, the first one included.
    pub evaluations: usize,
    /// Line searches that lowered the loss. Fewer than asked for mean that no descent was left to rounding.
    pub searches: usize,
}

/// The step that led to a point.
pub(crate) struct Step {
    /// The line, and how far along it.
    pub(crate) direction: Direction,
    pub(crate) step: f64,
    /// Gradient and slope where the step began.
    pub(crate) gradient: Direction,
    pub(crate) slope: f64,
}

/// How the next direction follows from the last step. The first one is always that of steepest descent.
pub(crate) trait Rule {
    /// The direction from a point with this gradient.
    fn direction(&mut self, gradient: &Direction, last: &Step) -> Direction;

    /// The step to try first along a direction with this slope.
    fn first_step(&self, slope: f64, last: &Step) -> f64;

    /// Forgets all steps.
    fn restart(&mut self) {}
}

/// Parameters, without autodiff, with the loss and its gradient there.
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

/// Up to `searches` line searches from `module` along the directions of `rule`.
///
/// A direction that does not descend, or along which no lower point is found, is followed by one of steepest descent; if that
/// fails too, the minimization ends.
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
