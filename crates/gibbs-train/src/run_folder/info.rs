//! `run.json`: program, device and times of a run.

use std::time::{Instant, SystemTime};

use gibbs_backend::parallel::current_num_threads;
use serde::{Deserialize, Serialize};

use super::clock::utc;

/// The program, the device and the request of a run. The caller provides them; [`Machine::here`] knows the processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// Version of the program.
    pub version: String,
    /// Commit that the program was built from; `null` if it is not known.
    pub commit: Option<String>,
    /// Version of the compiler.
    pub compiler: Option<String>,
    /// Features that the program was built with.
    pub features: Vec<String>,
    /// Name of the backend.
    pub backend: String,
    /// Description of the device.
    pub device: String,
    /// Name of the processor; `null` where the system does not report it.
    pub processor: Option<String>,
    /// Number of threads that compute.
    pub threads: Option<usize>,
    /// The command line. The first entry is the program.
    pub command: Vec<String>,
    /// The preset that the settings started from; `null` if it is not known.
    pub preset: Option<String>,
    /// The settings that differ from the preset, one line each. A resumed run adds those that it was given.
    pub changes: Vec<String>,
    /// What the run learns from, such as the name of a data set.
    pub source: Option<String>,
}

impl Machine {
    /// The processor of this computer and the number of threads that compute on it; nothing else is known.
    pub fn here() -> Self {
        Self { processor: processor(), threads: Some(current_num_threads()), ..Self::default() }
    }
}

/// The content of `run.json`. A session is one process that works on the run. A resumed run keeps its start time and adds the
/// seconds of its sessions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunInfo {
    /// Program and device of the present session.
    #[serde(flatten)]
    pub machine: Machine,
    /// Start of the first session, UTC.
    pub start: String,
    /// End of the run, UTC. `null` while it runs and after it was killed.
    pub end: Option<String>,
    /// Wall-clock seconds of all sessions. A killed session counts up to its last checkpoint.
    pub wall_seconds: f64,
    /// Largest resident memory of any session, in bytes. `null` where the system does not report it.
    pub peak_memory_bytes: Option<u64>,
    /// Number of times that the run was resumed.
    pub resumed: u32,
    #[serde(skip)]
    session: Option<Session>,
}

#[derive(Clone, Copy, Debug)]
struct Session {
    began: Instant,
    seconds_before: f64,
}

impl RunInfo {
    pub(super) fn begin(mut machine: Machine, previous: Option<Self>) -> Self {
        if let Some(previous) = &previous {
            let mut changes = previous.machine.changes.clone();
            changes.extend(
                machine.changes.into_iter().filter(|change| !previous.machine.changes.contains(change)),
            );
            machine.changes = changes;
        }
        let seconds_before = previous.as_ref().map_or(0.0, |info| info.wall_seconds);
        Self {
            machine,
            start: previous.as_ref().map_or_else(|| utc(SystemTime::now()), |info| info.start.clone()),
            end: None,
            wall_seconds: seconds_before,
            peak_memory_bytes: previous.as_ref().and_then(|info| info.peak_memory_bytes),
            resumed: previous.map_or(0, |info| info.resumed + 1),
            session: Some(Session { began: Instant::now(), seconds_before }),
        }
    }

    pub(super) fn update(&mut self) {
        if let Some(session) = self.session {
            self.wall_seconds = session.seconds_before + session.began.elapsed().as_secs_f64();
        }
        self.peak_memory_bytes = self.peak_memory_bytes.max(peak_memory_bytes());
    }

    pub(super) fn finish(&mut self) {
        self.end = Some(utc(SystemTime::now()));
    }
}

/// Largest resident memory of this process so far, in bytes. Linux reports it as `VmHWM` in `/proc/self/status`; `None` on
/// other systems.
pub fn peak_memory_bytes() -> Option<u64> {
    high_water_mark(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// Name of the processor. Linux reports it as `model name` in `/proc/cpuinfo`; `None` on other systems.
fn processor() -> Option<String> {
    model_name(&std::fs::read_to_string("/proc/cpuinfo").ok()?)
}

fn model_name(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_string())
}

fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_in_bytes() {
        assert_eq!(high_water_mark("Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t 1 kB\n"), Some(1234 * 1024));
        assert_eq!(high_water_mark("Name:\tx\n"), None);
    }

    #[test]
    fn the_processor_has_its_name() {
        assert_eq!(
            model_name("processor\t: 0\nmodel name\t: Some CPU 3000\nflags\t: a b\n").unwrap(),
            "Some CPU 3000"
        );
        assert_eq!(model_name("processor: 0\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_a_plausible_peak() {
        let peak = peak_memory_bytes().unwrap();
        assert!((1 << 20..1 << 40).contains(&peak), "{peak}");
    }

    #[test]
    fn sessions_add_up() {
        let of = |change: &str| Machine { changes: vec![change.into()], ..Machine::here() };
        let mut first = RunInfo::begin(of("a"), None);
        first.update();
        first.wall_seconds = 100.0;
        first.peak_memory_bytes = Some(u64::MAX);
        let text = serde_json::to_string(&first).unwrap();
        let mut second = RunInfo::begin(of("b"), Some(serde_json::from_str(&text).unwrap()));
        second.update();
        second.finish();
        assert!(second.wall_seconds >= 100.0 && second.wall_seconds < 110.0);
        assert_eq!((second.resumed, second.peak_memory_bytes), (1, Some(u64::MAX)));
        assert_eq!(second.start, first.start);
        assert_eq!(second.machine.changes, ["a", "b"]);
        assert!(second.end.is_some_and(|end| end >= second.start));
    }
}
