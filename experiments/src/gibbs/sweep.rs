//! `gibbs sweep`: makes the runs of a plan, several at a time.

use std::{
    collections::VecDeque,
    env, fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use gibbs_runs::{
    Run, curves,
    plan::{Plan, PlannedRun},
    report::duration,
    sweep::{Need, Shard, command, need},
};
use gibbs_train::{run_folder::has_locks, training::StopFlag};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::{
    output::note,
    usage::{INTERRUPTED, OrUsage, usage},
};

/// Time between two looks at the runs.
const LOOK: Duration = Duration::from_millis(200);
/// Time between two looks at runs of other processes.
const WAIT: Duration = Duration::from_secs(2);
/// How long interrupted runs may take for their checkpoints. A run waits 10 seconds for its step.
const PATIENCE: Duration = Duration::from_secs(15);

/// Flags of `gibbs sweep`.
#[derive(Args, Debug)]
pub(super) struct Sweep {
    /// The plan: a TOML file with runs, their settings and seeds
    plan: PathBuf,
    /// Runs at a time; they share the cores
    #[arg(long, default_value_t = 1, value_name = "N")]
    jobs: usize,
    /// Only the I-th of N parts of the runs; in a job array of Slurm its task and number of tasks if not given
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Folder for the runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    dir: PathBuf,
}

/// A run that a process of this sweep makes.
struct Active {
    run: PlannedRun,
    child: Child,
    begun: Instant,
    looked: Option<Instant>,
    bar: ProgressBar,
}

/// How the runs have ended.
#[derive(Default)]
struct Ends {
    done: usize,
    before: usize,
    failed: Vec<String>,
}

pub(super) fn sweep(args: &Sweep) -> Result<ExitCode> {
    let plan = Plan::read(&args.plan).or_usage()?;
    let slurm = || Shard::of_slurm(|name| env::var(name).ok());
    let shard = args.shard.or_else(slurm).unwrap_or(Shard::ALL);
    if args.jobs == 0 {
        return Err(usage("--jobs 0: at least one run at a time"));
    }
    fs::create_dir_all(&args.dir).with_context(|| format!("--dir {}", args.dir.display()))?;
    if !has_locks(&args.dir).with_context(|| format!("--dir {}", args.dir.display()))? {
        return Err(usage(format!(
            "--dir {}: this file system has no locks, so processes cannot share it; give a folder on another one",
            args.dir.display()
        )));
    }
    let stop = StopFlag::new();
    let handler = stop.clone();
    ctrlc::set_handler(move || handler.request())?;
    let runs = shard.of(plan.runs());
    let minutes = plan
        .minutes()
        .map_or(String::new(), |minutes| format!("; the plan says {minutes:.0} minutes in all"));
    let (n, dir, jobs) = (runs.len(), args.dir.display(), args.jobs);
    note(format!("{}: {n} runs in {dir}, {jobs} at a time{minutes}", plan.title));
    Sweeper::new(args, stop).run(runs)
}

/// The processes of a sweep and its screen.
struct Sweeper<'a> {
    args: &'a Sweep,
    stop: StopFlag,
    screen: MultiProgress,
    active: Vec<Active>,
    ends: Ends,
}

impl<'a> Sweeper<'a> {
    fn new(args: &'a Sweep, stop: StopFlag) -> Self {
        Self { args, stop, screen: MultiProgress::new(), active: Vec::new(), ends: Ends::default() }
    }

    fn folder(&self, run: &PlannedRun) -> PathBuf {
        self.args.dir.join(&run.folder)
    }

    /// A line above the bars.
    fn say(&self, line: String) {
        self.screen.suspend(|| note(line));
    }

    fn run(mut self, runs: Vec<PlannedRun>) -> Result<ExitCode> {
        let mut open: VecDeque<PlannedRun> = runs.into();
        let mut waited: Option<Instant> = None;
        while !(open.is_empty() && self.active.is_empty()) {
            if self.stop.is_requested() {
                return self.interrupted();
            }
            self.reap()?;
            // Each open run is looked at once; those of other processes are put back.
            let is_time = waited.is_none_or(|at| at.elapsed() >= WAIT);
            for _ in 0..if is_time { open.len() } else { 0 } {
                if self.active.len() >= self.args.jobs {
                    break;
                }
                let Some(run) = open.pop_front() else { break };
                match need(&run, &self.folder(&run)) {
                    Ok(Need::Nothing) => self.ends.before += 1,
                    Ok(Need::Wait) => open.push_back(run),
                    Ok(need) => self.spawn(run, &need)?,
                    Err(error) => self.fail(&run, &error.to_string()),
                }
            }
            let is_blocked = self.active.len() < self.args.jobs && !open.is_empty();
            waited =
                if is_blocked { waited.filter(|_| !is_time).or_else(|| Some(Instant::now())) } else { None };
            thread::sleep(LOOK);
        }
        let Ends { done, before, failed } = &self.ends;
        note(format!("{done} runs made, {before} were there, {} failed", failed.len()));
        match failed.first() {
            None => Ok(ExitCode::SUCCESS),
            Some(first) => Err(anyhow!("{} runs failed, the first one: {first}", failed.len())),
        }
    }

    /// Starts or resumes a run in a process of its own.
    fn spawn(&mut self, run: PlannedRun, need: &Need) -> Result<()> {
        let folder = self.folder(&run);
        let log = fs::File::create(self.log(&run)).with_context(|| self.log(&run).display().to_string())?;
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let mut process = Command::new(env::current_exe()?);
        // A terminal sends Ctrl-C to its whole group. The sweep alone receives it, and passes it on.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut process, 0);
        let child = process
            .args(command(&run, &folder, need))
            .env("RAYON_NUM_THREADS", cores.div_ceil(self.args.jobs).to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", run.folder))?;
        let bar = self.screen.add(ProgressBar::new(1));
        let style = ProgressStyle::with_template("{prefix} {bar:20} {elapsed} {wide_msg}")?;
        bar.set_style(style);
        bar.set_prefix(run.folder.clone());
        if !io::stderr().is_terminal() {
            let word = if *need == Need::Resume { "resumed" } else { "started" };
            note(format!("{word} {}", run.folder));
        }
        self.active.push(Active { run, child, begun: Instant::now(), looked: None, bar });
        Ok(())
    }

    /// The file that takes what a run says.
    fn log(&self, run: &PlannedRun) -> PathBuf {
        self.args.dir.join(format!("{}.log", run.folder))
    }

    /// Looks at the processes: shows how far they are, and takes those that have ended.
    fn reap(&mut self) -> Result<()> {
        let mut still = Vec::new();
        for mut active in std::mem::take(&mut self.active) {
            let Some(status) = active.child.try_wait()? else {
                if active.looked.is_none_or(|at| at.elapsed() >= Duration::from_secs(1)) {
                    show(&active.bar, &self.folder(&active.run));
                    active.looked = Some(Instant::now());
                }
                still.push(active);
                continue;
            };
            active.bar.finish_and_clear();
            let folder = self.folder(&active.run);
            match need(&active.run, &folder) {
                Ok(Need::Nothing) => {
                    self.ends.done += 1;
                    let metric = Run::read(&folder).ok().and_then(|run| {
                        let main = run.metrics().first()?;
                        Some(format!(": {} {} {}", main.name, main.text(), main.unit))
                    });
                    let seconds = duration(active.begun.elapsed().as_secs_f64());
                    self.say(format!(
                        "done {} in {seconds}{}",
                        active.run.folder,
                        metric.unwrap_or_default()
                    ));
                    // The log of a run that went well says nothing that its folder does not.
                    let _ = fs::remove_file(self.log(&active.run));
                }
                // Another process was faster.
                Ok(Need::Wait) => self.ends.before += 1,
                _ => {
                    let log = fs::read_to_string(self.log(&active.run)).unwrap_or_default();
                    let last = log.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no message");
                    let message = format!("{last} ({status}; {})", self.log(&active.run).display());
                    self.fail(&active.run, &message);
                }
            }
        }
        self.active = still;
        Ok(())
    }

    fn fail(&mut self, run: &PlannedRun, reason: &str) {
        self.say(format!("failed {}: {reason}", run.folder));
        self.ends.failed.push(format!("{}: {reason}", run.folder));
    }

    /// Ends the processes, after time for their checkpoints.
    fn interrupted(mut self) -> Result<ExitCode> {
        let begun = Instant::now();
        #[cfg(unix)]
        for active in &self.active {
            use rustix::process::{Pid, Signal, kill_process};
            // A process that has just ended needs no signal.
            let _ = kill_process(Pid::from_child(&active.child), Signal::TERM);
        }
        while begun.elapsed() < PATIENCE
            && self.active.iter_mut().any(|active| matches!(active.child.try_wait(), Ok(None)))
        {
            thread::sleep(LOOK);
        }
        for active in &mut self.active {
            // A run that was killed goes on from its last checkpoint.
            let _ = active.child.kill();
            active.bar.finish_and_clear();
        }
        note("interrupted: the same command goes on from here");
        Ok(ExitCode::from(INTERRUPTED))
    }
}

/// Shows on a bar how far the run in a folder is: its epoch, and the metrics that it logged last.
fn show(bar: &ProgressBar, folder: &Path) {
    let Ok(run) = Run::read(folder) else { return };
    let Ok((epoch, metrics)) = curves::last(folder) else { return };
    if let Some(epochs) = run.config()["train"]["epochs"].as_u64() {
        bar.set_length(epochs.max(1));
        bar.set_position(epoch.min(epochs));
    }
    let metrics = metrics.iter().take(3).map(|(name, value)| format!("{name} {value:.4}"));
    bar.set_message(metrics.collect::<Vec<_>>().join("  "));
}
