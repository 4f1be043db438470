//! A run in progress: each step, and the log, validation and checkpoint after it.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{
    Best, BoxError, EarlyStopping, LoopConfig, Observer, Outcome, ParameterTooLarge, Position, Record,
    Report, Start, StopFlag, TrainError, TrainTask,
};
use crate::checkpoint::State;
use crate::run_folder::{MetricsFile, RunFolder};

/// The part of the loop in a checkpoint.
#[derive(Serialize, Deserialize)]
struct Progress {
    steps_done: usize,
    steps_per_epoch: usize,
    seconds: f64,
    metrics_length: u64,
    stopping: EarlyStopping,
    best: Option<Best>,
    #[serde(default)]
    start_score: Option<f64>,
    #[serde(default)]
    last_score: Option<f64>,
    /// Number of steps done at the last validation.
    #[serde(default)]
    validated: usize,
}

/// Validated weights: of the best validation with `select_best`, else of the last validation.
struct Kept {
    step: usize,
    weights: Vec<u8>,
}

/// A run in progress.
pub(super) struct Run<'r> {
    config: &'r LoopConfig,
    task: &'r mut dyn TrainTask,
    folder: Option<&'r mut RunFolder>,
    metrics: Option<MetricsFile>,
    progress: Progress,
    kept: Option<Kept>,
    seconds_before: f64,
    began: Instant,
    last_checkpoint: Instant,
    resumed: bool,
}

impl<'r> Run<'r> {
    pub(super) fn start(
        config: &'r LoopConfig,
        task: &'r mut dyn TrainTask,
        folder: Option<&'r mut RunFolder>,
    ) -> Result<Self, TrainError> {
        let steps_per_epoch = task.steps_per_epoch();
        if steps_per_epoch == 0 {
            return Err(TrainError::EmptyEpoch);
        }
        let stopping = EarlyStopping::new(config.patience, config.patience_steps, config.min_delta);
        let mut progress = Progress {
            steps_done: 0,
            steps_per_epoch,
            seconds: 0.0,
            metrics_length: 0,
            stopping,
            best: None,
            start_score: None,
            last_score: None,
            validated: 0,
        };
        let mut kept = None;
        let checkpoint = folder.as_ref().map_or(Ok(None), |folder| folder.read_checkpoint())?;
        let resumed = checkpoint.is_some();
        if let Some(mut state) = checkpoint {
            progress = state.get("loop")?;
            if progress.steps_per_epoch != steps_per_epoch {
                return Err(TrainError::OtherSteps {
                    before: progress.steps_per_epoch,
                    now: steps_per_epoch,
                });
            }
            let (patience, steps) = (config.patience, config.patience_steps);
            progress.stopping = progress.stopping.with_limits(patience, steps, config.min_delta);
            if let Some(best) = progress.best.as_ref().filter(|_| state.contains("best")) {
                kept = Some(Kept { step: best.step, weights: state.bytes("best")?.to_vec() });
            }
            task.load_state(&state.release("task")).map_err(TrainError::Resume)?;
        } else if config.validate_every_epochs > 0 && config.epochs > 0 {
            let last = Position::new(config.epochs * steps_per_epoch - 1, steps_per_epoch, config.epochs);
            let start = task.validate_start(&last);
            let start = start.map_err(|source| TrainError::TrainTask { step: 0, source })?;
            progress.start_score =
                start.and_then(|validation| validation.score).filter(|score| score.is_finite());
        }
        let metrics = folder
            .as_ref()
            .map(|folder| MetricsFile::open(folder.files().metrics(), progress.metrics_length))
            .transpose()?;
        let seconds_before = progress.seconds;
        let now = Instant::now();
        Ok(Self {
            config,
            task,
            folder,
            metrics,
            progress,
            kept,
            seconds_before,
            began: now,
            last_checkpoint: now,
            resumed,
        })
    }

    pub(super) fn describe_start(&self) -> Start {
        Start {
            steps_done: self.progress.steps_done,
            seconds: self.progress.seconds,
            steps_per_epoch: self.progress.steps_per_epoch,
            total_steps: self.total_steps(),
            resumed: self.resumed,
        }
    }

    fn total_steps(&self) -> usize {
        self.config.epochs * self.progress.steps_per_epoch
    }

    fn is_out_of_time(&self) -> bool {
        self.config.max_seconds.is_some_and(|limit| self.progress.seconds >= limit)
    }

    pub(super) fn outcome(&self, stop: &StopFlag) -> Option<Outcome> {
        if self.progress.steps_done >= self.total_steps() {
            Some(Outcome::Finished)
        } else if self.progress.stopping.is_exhausted() {
            Some(Outcome::EarlyStopped)
        } else if self.is_out_of_time() {
            Some(Outcome::OutOfTime)
        } else if stop.is_requested() {
            Some(Outcome::Interrupted)
        } else {
            None
        }
    }

    fn failed(&self) -> impl Fn(BoxError) -> TrainError + use<> {
        let step = self.progress.steps_done;
        move |source| match source.downcast::<ParameterTooLarge>() {
            Ok(source) => TrainError::ParameterTooLarge { source: *source, step },
            Err(source) => TrainError::TrainTask { step, source },
        }
    }

    pub(super) fn advance(&mut self, observers: &mut [Box<dyn Observer + '_>]) -> Result<(), TrainError> {
        let at = Position::new(self.progress.steps_done, self.progress.steps_per_epoch, self.config.epochs);
        self.task.step(&at).map_err(self.failed())?;
        self.progress.steps_done += 1;
        self.progress.seconds = self.seconds_before + self.began.elapsed().as_secs_f64();
        observers.iter_mut().for_each(|observer| observer.on_step(&at));

        let is_last = at.steps_done() == at.total_steps || self.is_out_of_time();
        let every =
            |interval: usize, count: usize| interval > 0 && (count.is_multiple_of(interval) || is_last);
        let since = at.steps_done() - self.progress.validated;
        let is_validated = (at.is_epoch_end() && since >= self.config.validate_every_steps || is_last)
            && every(self.config.validate_every_epochs, at.epoch + 1);
        let is_logged = match self.config.log_every_steps {
            0 => at.is_epoch_end(),
            interval => at.steps_done().is_multiple_of(interval),
        };
        if is_logged || is_validated || is_last {
            self.log(&at, is_validated, observers)?;
        }
        if self.is_checkpoint_due() && !is_last {
            self.checkpoint(observers)?;
        }
        Ok(())
    }

    fn log(
        &mut self,
        at: &Position,
        is_validated: bool,
        observers: &mut [Box<dyn Observer + '_>],
    ) -> Result<(), TrainError> {
        let mut metrics = self.task.take_metrics().map_err(self.failed())?;
        let validation = if is_validated { self.task.validate(at).map_err(self.failed())? } else { None };
        if let Some(validation) = &validation {
            metrics.extend(validation.metrics.clone());
            self.progress.validated = at.steps_done();
        }
        let record =
            Record { step: at.steps_done(), epoch: at.epoch + 1, seconds: self.progress.seconds, metrics };
        if let Some(metrics) = &mut self.metrics {
            metrics.append(&record)?;
        }
        observers.iter_mut().for_each(|observer| observer.on_log(&record));

        let score = validation.as_ref().and_then(|validation| validation.score);
        let bad_score = score.filter(|score| !score.is_finite()).map(|score| ("the validation score", score));
        if let Some((metric, value)) = record.metrics.not_finite().or(bad_score)
            && !self.config.allow_not_finite
        {
            return Err(TrainError::NotFinite { metric: metric.to_string(), value, step: record.step });
        }
        let mut is_best = false;
        if let Some(score) = score {
            is_best = self.progress.stopping.observe(score, record.step);
            self.progress.last_score = Some(score).filter(|score| score.is_finite());
            if is_best {
                self.progress.best = Some(Best { score, step: record.step, metrics: record.metrics.clone() });
            }
        }
        if validation.is_some() {
            if is_best || !self.config.select_best {
                let weights = self.task.weights().map_err(self.failed())?;
                self.kept = Some(Kept { step: record.step, weights });
            }
            observers.iter_mut().for_each(|observer| observer.on_validation(&record, is_best));
        }
        Ok(())
    }

    fn is_checkpoint_due(&self) -> bool {
        let by_time = self.config.checkpoint_every_seconds;
        let by_steps = self.config.checkpoint_every_steps;
        self.folder.is_some()
            && (by_time.is_some_and(|limit| self.last_checkpoint.elapsed().as_secs_f64() >= limit)
                || by_steps.is_some_and(|limit| limit > 0 && self.progress.steps_done.is_multiple_of(limit)))
    }

    /// The present content of `model.safetensors`.
    fn selected_weights(&self) -> Result<Vec<u8>, TrainError> {
        match &self.kept {
            Some(best) if self.config.select_best => Ok(best.weights.clone()),
            _ => self.task.weights().map_err(self.failed()),
        }
    }

    fn checkpoint(&mut self, observers: &mut [Box<dyn Observer + '_>]) -> Result<(), TrainError> {
        if self.folder.is_none() {
            return Ok(());
        }
        let mut own = State::new();
        self.task.save_state(&mut own).map_err(self.failed())?;
        if let Some(parameter) = own.not_finite()
            && !self.config.allow_not_finite
        {
            let step = self.progress.steps_done;
            return Err(TrainError::ParameterNotFinite { parameter: parameter.to_string(), step });
        }
        if let Some(metrics) = &self.metrics {
            self.progress.metrics_length = metrics.durable_length()?;
        }
        let mut state = State::new();
        state.absorb("task", own);
        state.put("loop", &self.progress)?;
        if let Some(best) = self.kept.as_ref().filter(|_| self.config.select_best) {
            state.put_bytes("best", best.weights.as_slice());
        }
        let weights = self.selected_weights()?;
        if let Some(folder) = &mut self.folder {
            folder.write_checkpoint(&state)?;
            folder.write_model(&weights)?;
        }
        self.last_checkpoint = Instant::now();
        let steps_done = self.progress.steps_done;
        observers.iter_mut().for_each(|observer| observer.on_checkpoint(steps_done));
        Ok(())
    }

    /// Ends the run after `error`. If training diverged or a step failed, writes the last good weights to `model.safetensors`.
    pub(super) fn fail(self, error: TrainError) -> TrainError {
        let ends_training = matches!(
            error,
            TrainError::NotFinite { .. }
                | TrainError::ParameterNotFinite { .. }
                | TrainError::ParameterTooLarge { .. }
                | TrainError::TrainTask { .. }
        );
        let (true, Some(folder), Some(kept)) = (ends_training, self.folder, self.kept) else {
            return error;
        };
        match folder.write_model(&kept.weights) {
            Ok(()) => TrainError::Diverged { cause: Box::new(error), kept: kept.step },
            Err(error) => error.into(),
        }
    }

    pub(super) fn finish(
        &mut self,
        outcome: Outcome,
        observers: &mut [Box<dyn Observer + '_>],
    ) -> Result<Report, TrainError> {
        self.checkpoint(observers)?;
        Ok(Report {
            outcome,
            steps_done: self.progress.steps_done,
            seconds: self.progress.seconds,
            weights: self.selected_weights()?,
            steps_per_epoch: self.progress.steps_per_epoch,
            best: self.progress.best.clone(),
            start_score: self.progress.start_score,
            last_score: self.progress.last_score,
        })
    }
}
