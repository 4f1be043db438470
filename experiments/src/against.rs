//! The benchmark next to other programs: their times are read from JSON lines of the same form.

use std::{fs, path::PathBuf};

use anyhow::Result;
use gibbs_report::{Table, format_number};
use serde::Deserialize;

use crate::usage::usage;

/// A line of a file of times; several lines of a case are variants of it.
#[derive(Deserialize)]
struct Timed {
    case: String,
    /// Median milliseconds of a step; absent where a case did not run.
    ms_per_step: Option<f64>,
}

/// The times of another program.
struct Peer {
    name: String,
    lines: Vec<Timed>,
}

impl Peer {
    /// The time of the fastest variant of a case.
    fn best(&self, case: &str) -> Option<f64> {
        let times = self.lines.iter().filter(|line| line.case == case).filter_map(|line| line.ms_per_step);
        times.filter(|time| time.is_finite()).min_by(f64::total_cmp)
    }
}

/// Files of JSON lines with the times of other programs.
pub struct Peers(Vec<Peer>);

impl Peers {
    /// Reads the files. A program is named after its file.
    ///
    /// # Errors
    /// A file that cannot be read, or a line that is no JSON object with a `case`.
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        let peers = paths.iter().map(|path| {
            let refused = |reason: String| usage(format!("--against {}: {reason}", path.display()));
            let text = fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            let lines = lines.map(|(i, line)| {
                serde_json::from_str(line).map_err(|error| refused(format!("line {}: {error}", i + 1)))
            });
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            Ok(Peer { name, lines: lines.collect::<Result<_>>()? })
        });
        Ok(Self(peers.collect::<Result<_>>()?))
    }

    /// Milliseconds of a step of each case, ours and theirs, and how many times as long the fastest of them takes: above 1 ours is
    /// faster.
    pub fn table(&self, ours: &[(&str, f64)]) -> Table {
        let names = self.0.iter().map(|peer| peer.name.as_str());
        let header = ["case", "ours, ms"].into_iter().chain(names).chain(["best of them / ours"]);
        let mut table = Table::new(header).right(1).right(self.0.len() + 2);
        for k in 0..self.0.len() {
            table = table.right(k + 2);
        }
        for &(case, own) in ours {
            let times: Vec<Option<f64>> = self.0.iter().map(|peer| peer.best(case)).collect();
            let best = times.iter().flatten().copied().min_by(f64::total_cmp);
            let text = |time: &Option<f64>| time.map_or("-".into(), format_number);
            let ratio = best.map_or("-".into(), |best| format!("{:.2}", best / own));
            let cells =
                [case.into(), format_number(own)].into_iter().chain(times.iter().map(text)).chain([ratio]);
            table = table.row(cells);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_variant_of_the_fastest_program_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("jax.jsonl"), folder.path().join("torch.jsonl"));
        let lines = "{\"case\": \"x\", \"ms_per_step\": 3.0}\n\n{\"case\": \"x\", \"ms_per_step\": 2.0, \"rng\": \"y\"}\n";
        fs::write(&a, lines).unwrap();
        fs::write(&b, "{\"case\": \"x\", \"ms_per_step\": 2.5}\n{\"case\": \"z\"}\n").unwrap();
        let table = Peers::read(&[a.clone(), b]).unwrap().table(&[("x", 1.0), ("z", 4.0)]).to_markdown();
        assert!(table.contains("| x | 1 | 2 | 2.50000 | 2.00 |"), "{table}");
        assert!(table.contains("| z | 4 | - | - | - |"), "{table}");
        fs::write(&a, "{\"case\": \"x\"}\n{}\n").unwrap();
        let error = Peers::read(&[a]).err().unwrap().to_string();
        assert!(error.contains("jax.jsonl: line 2: missing field `case`"), "{error}");
    }
}
