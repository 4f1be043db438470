//! The logged metrics of a run as server-sent events: those in the file first, then each as it is logged.

use std::{
    convert::Infallible,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::PathBuf,
    time::Duration,
};

use axum::response::sse::Event;
use futures_util::{Stream, stream};
use gibbs_runs::{Run, RunState};

/// Time between two looks into the file.
const EVERY: Duration = Duration::from_millis(250);
/// Looks into the file for one look at the state of the run.
const STATE_EVERY: usize = 4;
/// The most bytes of an event.
const PIECE: u64 = 1 << 18;

/// The end of a file that grows.
struct Tail {
    path: PathBuf,
    offset: u64,
}

/// What a look into the file found.
#[derive(Debug, PartialEq)]
enum Seen {
    /// Whole lines, as one text.
    Lines(String),
    /// Nothing new.
    Nothing,
    /// Another file, or a shorter one: all lines so far are void.
    Restart,
}

impl Tail {
    /// Reads the whole lines that are new. A line that is not yet complete waits for the next look.
    fn look(&mut self) -> io::Result<Seen> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(self.restart_or_nothing()),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        if length < self.offset {
            return Ok(self.restart_or_nothing());
        }
        if length == self.offset {
            return Ok(Seen::Nothing);
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.take(PIECE).read_to_end(&mut bytes)?;
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
            // A line without an end, longer than any that training writes, is left out.
            self.offset += if bytes.len() as u64 == PIECE { PIECE } else { 0 };
            return Ok(Seen::Nothing);
        };
        self.offset += end as u64 + 1;
        Ok(Seen::Lines(String::from_utf8_lossy(&bytes[..end]).into_owned()))
    }

    fn restart_or_nothing(&mut self) -> Seen {
        match std::mem::take(&mut self.offset) {
            0 => Seen::Nothing,
            _ => Seen::Restart,
        }
    }
}

/// What a stream of events remembers.
struct Following {
    run: Run,
    tail: Tail,
    state: Option<RunState>,
    looks: usize,
    is_over: bool,
}

impl Following {
    /// The next event, if there is one now.
    fn look(&mut self) -> Option<Event> {
        match self.tail.look() {
            Ok(Seen::Lines(lines)) => return Some(Event::default().event("lines").data(as_list(&lines))),
            Ok(Seen::Restart) => return Some(Event::default().event("restart").data("{}")),
            Ok(Seen::Nothing) => {}
            Err(_) => self.is_over = true,
        }
        self.looks += 1;
        if self.looks % STATE_EVERY == 1 {
            let state = Run::read(self.run.folder()).ok().map(|run| run.state().clone());
            if state != self.state {
                let name = state.as_ref().map_or("gone", RunState::name);
                self.state = state;
                return Some(Event::default().event("state").data(name));
            }
            // The lines before the end were seen before the state was.
            self.is_over |= self.state != Some(RunState::Running);
        }
        None
    }
}

/// Lines of JSON as a JSON array. Lines that are no JSON are left out.
fn as_list(lines: &str) -> String {
    let is_json = |line: &&str| serde_json::from_str::<serde_json::Value>(line).is_ok();
    format!("[{}]", lines.lines().filter(is_json).collect::<Vec<_>>().join(","))
}

/// The events of a run: `lines` (an array of what was logged), `restart` (forget all lines), `state` (a word), and `end`
/// once the run does not train any more.
pub(crate) fn events(run: Run) -> impl Stream<Item = Result<Event, Infallible>> {
    let tail = Tail { path: run.folder().join("metrics.jsonl"), offset: 0 };
    let start = Following { run, tail, state: None, looks: 0, is_over: false };
    stream::unfold(Some(start), |following| async move {
        let mut following = following?;
        loop {
            let (event, rest) =
                tokio::task::spawn_blocking(move || (following.look(), following)).await.ok()?;
            following = rest;
            if let Some(event) = event {
                return Some((Ok(event), Some(following)));
            }
            if following.is_over {
                return Some((Ok(Event::default().event("end").data("{}")), None));
            }
            tokio::time::sleep(EVERY).await;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_come_once_and_a_shorter_file_begins_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut tail = Tail { path: path.clone(), offset: 0 };
        let lines = |text: &str| Seen::Lines(text.into());
        assert_eq!(tail.look().unwrap(), Seen::Nothing);
        std::fs::write(&path, "a\nb\nhal").unwrap();
        assert_eq!(tail.look().unwrap(), lines("a\nb"));
        assert_eq!(tail.look().unwrap(), Seen::Nothing);
        std::fs::write(&path, "a\nb\nhalf\n").unwrap();
        assert_eq!(tail.look().unwrap(), lines("half"));
        std::fs::write(&path, "c\n").unwrap();
        assert_eq!(tail.look().unwrap(), Seen::Restart);
        assert_eq!(tail.look().unwrap(), lines("c"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(tail.look().unwrap(), Seen::Restart);
    }

    #[test]
    fn lines_that_are_no_json_are_left_out() {
        assert_eq!(as_list("{\"a\":1}\nnonsense\n2"), "[{\"a\":1},2]");
    }
}
