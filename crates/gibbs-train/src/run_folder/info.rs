//! `run.json`: program, device and times of a run.

use std::time::{Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::clock::utc;

/// The program and the device of a run. The caller provides them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Version of the program.
    pub version: String,
    /// Name of the backend.
    pub backend: String,
    /// Description of the device.
    pub device: String,
    /// The command line. The first entry is the program.
    pub command: Vec<String>,
    /// The preset that the settings started from; `null` if it is not known.
    #[serde(default)]
    pub preset: Option<String>,
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
    pub(super) fn begin(machine: Machine, previous: Option<Self>) -> Self {
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

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_a_plausible_peak() {
        let peak = peak_memory_bytes().unwrap();
        assert!((1 << 20..1 << 40).contains(&peak), "{peak}");
    }

    #[test]
    fn sessions_add_up() {
        let machine = Machine {
            version: "1".into(),
            backend: "flex".into(),
            device: "cpu".into(),
            command: vec!["x".into()],
            preset: None,
        };
        let mut first = RunInfo::begin(machine.clone(), None);
        first.update();
        first.wall_seconds = 100.0;
        first.peak_memory_bytes = Some(u64::MAX);
        let text = serde_json::to_string(&first).unwrap();
        let mut second = RunInfo::begin(machine, Some(serde_json::from_str(&text).unwrap()));
        second.update();
        second.finish();
        assert!(second.wall_seconds >= 100.0 && second.wall_seconds < 110.0);
        assert_eq!((second.resumed, second.peak_memory_bytes), (1, Some(u64::MAX)));
        assert_eq!(second.start, first.start);
        assert!(second.end.is_some_and(|end| end >= second.start));
    }
}
