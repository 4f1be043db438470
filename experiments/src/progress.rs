//! Progress of a run on stderr: a bar on a terminal, plain lines elsewhere.

use std::{
    fmt::Write as _,
    io::IsTerminal,
    time::{Duration, Instant},
};

use gibbs_train::training::{Observer, Outcome, Position, Record, Report, Start};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::note;

/// Time between two redraws of the bar.
const REDRAW: Duration = Duration::from_millis(100);
/// Time between two plain lines.
const LINE: Duration = Duration::from_secs(10);

/// Shows the metrics named in `shown` with epoch, step, rate and time left.
pub struct Progress {
    shown: &'static [&'static str],
    bar: Option<ProgressBar>,
    last: Option<Instant>,
    pending: u64,
    metrics: Vec<(&'static str, f64)>,
}

impl Progress {
    /// A bar if stderr is a terminal, else lines.
    pub fn new(shown: &'static [&'static str]) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style =
                ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {per_sec} ETA {eta} {msg}");
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { shown, bar, last: None, pending: 0, metrics: Vec::new() }
    }

    fn remember(&mut self, record: &Record) {
        for &name in self.shown {
            let Some(value) = record.metrics.get(name) else { continue };
            match self.metrics.iter_mut().find(|(known, _)| *known == name) {
                Some((_, old)) => *old = value,
                None => self.metrics.push((name, value)),
            }
        }
    }

    fn message(&self) -> String {
        self.metrics.iter().fold(String::new(), |mut message, (name, value)| {
            let gap = if message.is_empty() { "" } else { "  " };
            let _ = write!(message, "{gap}{name} {value:.4}");
            message
        })
    }
}

impl Observer for Progress {
    fn on_start(&mut self, start: &Start) {
        if start.resumed {
            note(format!("resumed at step {} of {}", start.steps_done, start.total_steps));
        }
        if let Some(bar) = &self.bar {
            bar.set_length(start.total_steps as u64);
            bar.set_position(start.steps_done as u64);
            bar.reset_eta();
        }
        self.last = Some(Instant::now());
    }

    fn on_step(&mut self, at: &Position) {
        let Some(bar) = &self.bar else { return };
        self.pending += 1;
        if self.last.is_none_or(|last| last.elapsed() >= REDRAW) {
            bar.set_prefix(format!("epoch {}", at.epoch + 1));
            bar.inc(std::mem::take(&mut self.pending));
            self.last = Some(Instant::now());
        }
    }

    fn on_log(&mut self, record: &Record) {
        self.remember(record);
        match &self.bar {
            Some(bar) => bar.set_message(self.message()),
            None if self.last.is_none_or(|last| last.elapsed() >= LINE) => {
                let (epoch, step, seconds) = (record.epoch, record.step, record.seconds);
                note(format!("epoch {epoch}  step {step}  {seconds:.0} s  {}", self.message()));
                self.last = Some(Instant::now());
            }
            None => {}
        }
    }

    fn on_end(&mut self, report: &Report) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let end = match report.outcome {
            Outcome::Finished => "finished",
            Outcome::EarlyStopped => "stopped early: validation no longer improves",
            Outcome::OutOfTime => "stopped: train.max_seconds is used up",
            Outcome::Interrupted => "interrupted: --resume goes on from here",
        };
        note(format!("{end} after {} steps, {:.1} s  {}", report.steps_done, report.seconds, self.message()));
    }
}
