//! Progress on stderr: a bar on a terminal, plain lines elsewhere.

use std::{
    cell::{Cell, RefCell},
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use gibbs_train::training::{Metrics, Observer, Outcome, Position, Record, Report, Start};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::output::note;

/// Time between two redraws of the bar.
const REDRAW: Duration = Duration::from_millis(100);
/// Time between two plain lines.
const LINE: Duration = Duration::from_secs(10);

/// A bar of 20 cells, which leaves room for the metrics on 80 columns; none if stderr is no terminal.
fn bar(template: &str) -> Option<ProgressBar> {
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{}/s", three_digits(state.per_sec()));
    };
    io::stderr().is_terminal().then(|| {
        let style = ProgressStyle::with_template(template).map(|style| style.with_key("rate", rate));
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    })
}

/// A number at least 0 in three digits.
fn three_digits(value: f64) -> String {
    let digits = [100.0, 10.0].iter().filter(|limit| value < **limit).count();
    format!("{value:.digits$}")
}

/// Shows the metrics named in `shown` with epoch, step, rate and time left.
pub struct Progress {
    shown: &'static [&'static str],
    bar: Option<ProgressBar>,
    last: Instant,
    metrics: Metrics,
}

impl Progress {
    /// A bar if stderr is a terminal, else lines.
    pub fn new(shown: &'static [&'static str]) -> Self {
        let bar = bar("{prefix} {bar:20} {pos}/{len} {rate} ETA {eta} {wide_msg}");
        Self { shown, bar, last: Instant::now(), metrics: Metrics::new() }
    }

    fn message(&self) -> String {
        let shown = self.metrics.iter().map(|(name, value)| format!("{name} {value:.4}"));
        shown.collect::<Vec<_>>().join("  ")
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
        self.last = Instant::now();
    }

    fn on_step(&mut self, at: &Position) {
        if let Some(bar) = self.bar.as_ref().filter(|_| self.last.elapsed() >= REDRAW) {
            bar.set_prefix(format!("epoch {}", at.epoch + 1));
            bar.set_position(at.steps_done() as u64);
            self.last = Instant::now();
        }
    }

    fn on_log(&mut self, record: &Record) {
        for &name in self.shown {
            record.metrics.get(name).into_iter().for_each(|value| self.metrics.set(name, value));
        }
        match &self.bar {
            Some(bar) => bar.set_message(self.message()),
            None if self.last.elapsed() >= LINE => {
                let (epoch, step, seconds) = (record.epoch, record.step, record.seconds);
                note(format!("epoch {epoch}  step {step}  {seconds:.0} s  {}", self.message()));
                self.last = Instant::now();
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

/// Work other than training: measuring a model, or drawing its pictures. It shows how far it is, and bounds how long it takes.
///
/// The bound is on an estimate that is counted, not on a clock, so that the same run gives the same numbers on every machine.
pub struct Work {
    name: &'static str,
    is_shown: bool,
    is_bounded: bool,
    bar: Option<ProgressBar>,
    last: Cell<Instant>,
    /// Name of the present part, its pieces, and how many are done.
    part: RefCell<(String, usize, usize)>,
}

impl Work {
    /// Longest time of a measurement, in seconds on 2 cores.
    const BOUND: f64 = 60.0;

    /// Bounded work; `name` is such as "measuring". Shown on stderr unless `is_quiet`.
    pub fn new(name: &'static str, is_quiet: bool) -> Self {
        let bar = bar("{prefix} {spinner} {bar:20} {pos}/{len} {elapsed} {wide_msg}").filter(|_| !is_quiet);
        if let Some(bar) = &bar {
            bar.set_prefix(name);
            bar.enable_steady_tick(REDRAW);
        }
        let (last, part) = (Cell::new(Instant::now()), RefCell::default());
        Self { name, is_shown: !is_quiet, is_bounded: true, bar, last, part }
    }

    /// The same, without a bound: every example is measured.
    #[must_use]
    pub fn unbounded(mut self) -> Self {
        self.is_bounded = false;
        self
    }

    /// Whether the work is to be kept short.
    pub fn is_bounded(&self) -> bool {
        self.is_bounded
    }

    /// How many of `n` examples or draws are taken if each costs `seconds` on 2 cores: all, or as many as a minute allows.
    /// Then stderr says so. `seconds` is counted from sizes, never measured.
    pub fn affordable(&self, what: &str, n: usize, seconds: f64) -> usize {
        let most = ((Self::BOUND / seconds.max(f64::MIN_POSITIVE)) as usize).max(1);
        if !self.is_bounded || n <= most {
            return n;
        }
        self.say(format!("{most} of {n} {what} are taken to keep {} within a minute or so", self.name));
        most
    }

    /// Begins a part of the work, of `n` pieces.
    pub fn begin(&self, part: &str, n: usize) {
        *self.part.borrow_mut() = (part.to_string(), n, 0);
        if let Some(bar) = &self.bar {
            bar.set_length(n as u64);
            bar.set_position(0);
            bar.set_message(part.to_string());
        }
    }

    /// `k` more pieces of the part are done.
    pub fn advance(&self, k: usize) {
        let (part, n, done) = &mut *self.part.borrow_mut();
        *done += k;
        match &self.bar {
            Some(bar) => bar.set_position(*done as u64),
            None if self.is_shown && self.last.get().elapsed() >= LINE => {
                note(format!("{}: {part}, {done} of {n}", self.name));
                self.last.set(Instant::now());
            }
            None => {}
        }
    }

    /// The items of a part of the work. An item is done when the next one is taken.
    pub fn over<T>(&self, part: &str, items: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        let items: Vec<T> = items.into_iter().collect();
        self.begin(part, items.len());
        items.into_iter().enumerate().map(|(done, item)| {
            self.advance(usize::from(done > 0));
            item
        })
    }

    fn say(&self, line: String) {
        match &self.bar {
            Some(bar) => bar.suspend(|| note(line)),
            None if self.is_shown => note(line),
            None => {}
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_three_digits() {
        let rates = [0.0, 0.123, 9.876, 12.34, 123.4, 45678.9].map(three_digits);
        assert_eq!(rates, ["0.00", "0.12", "9.88", "12.3", "123", "45679"]);
    }

    #[test]
    fn bounded_work_takes_what_a_minute_allows() {
        let work = Work::new("measuring", true);
        assert_eq!(work.affordable("examples", 1000, 0.01), 1000);
        assert_eq!(work.affordable("examples", 1000, 0.6), 100);
        assert_eq!(work.affordable("examples", 1000, 1e9), 1);
        assert_eq!(work.unbounded().affordable("examples", 1000, 0.6), 1000);
    }
}
