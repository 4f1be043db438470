//! Where in a run a step is.

/// The place of one step in a run.
///
/// ```
/// use gibbs_train::training::Position;
///
/// let at = Position::new(7, 3, 4);
/// assert_eq!((at.epoch, at.step_in_epoch, at.total_steps), (2, 1, 12));
/// assert!(!at.is_epoch_start() && !at.is_epoch_end());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Index of the step in the run, from 0.
    pub step: usize,
    /// Index of the epoch, from 0.
    pub epoch: usize,
    /// Index of the step in its epoch, from 0.
    pub step_in_epoch: usize,
    /// Steps in an epoch.
    pub steps_per_epoch: usize,
    /// Steps in the whole run.
    pub total_steps: usize,
}

impl Position {
    /// The position of the step of this index, from 0, in a run of `epochs` epochs.
    ///
    /// # Panics
    /// If `steps_per_epoch` is 0.
    pub fn new(step: usize, steps_per_epoch: usize, epochs: usize) -> Self {
        Self {
            step,
            epoch: step / steps_per_epoch,
            step_in_epoch: step % steps_per_epoch,
            steps_per_epoch,
            total_steps: steps_per_epoch * epochs,
        }
    }

    /// Steps done once this one is: its number, counted from 1.
    pub fn steps_done(&self) -> usize {
        self.step + 1
    }

    /// Whether this is the first step of its epoch (the moment to shuffle).
    pub fn is_epoch_start(&self) -> bool {
        self.step_in_epoch == 0
    }

    /// Whether this is the last step of its epoch.
    pub fn is_epoch_end(&self) -> bool {
        self.step_in_epoch + 1 == self.steps_per_epoch
    }
}
