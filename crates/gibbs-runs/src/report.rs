//! The page about a run: `report.html`.

use std::{fs, path::Path};

use gibbs_report::{Page, ReportError, Table};
use serde_json::Value;
use thiserror::Error;

use crate::{
    Run, RunState,
    curves::{self, CurvesError},
};

/// Name of the page in the folder of a run.
pub const FILE: &str = "report.html";

/// The error of a page that cannot be made.
#[derive(Debug, Error)]
pub enum PageError {
    /// The logged metrics cannot be read.
    #[error(transparent)]
    Curves(#[from] CurvesError),
    /// The curves cannot be drawn, or the page cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
}

/// A number of seconds as people say it: `48 s`, `3 min 20 s`, `2 h 5 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..120 => format!("{whole} s"),
        120..7200 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

/// A number of bytes in MiB or GiB.
fn memory(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 1024.0 { format!("{mebibytes:.0} MiB") } else { format!("{:.1} GiB", mebibytes / 1024.0) }
}

/// A page with everything that the folder of a run holds. `pictures` are names of files and what to see there, in the order of the
/// page; a file that is not there is left out.
///
/// # Errors
/// [`PageError`].
pub fn page(run: &Run, pictures: &[(&str, &str)]) -> Result<Page, PageError> {
    let title = format!("{} on {}", run.family(), run.source());
    let mut page = Page::new(title).text(&introduction(run));
    if let RunState::Damaged(reason) = run.state() {
        page = page.warning(&format!("This run is damaged: {reason}."));
    }
    // The table of metrics repeats those that name an unreliable one.
    let is_of_a_metric = |warning: &str| {
        let mut unreliable = run.metrics().iter().filter(|metric| metric.unreliable.is_some());
        unreliable.any(|metric| warning.starts_with(&format!("{} is unreliable: ", metric.name)))
    };
    for warning in run.warnings().into_iter().filter(|warning| !is_of_a_metric(warning)) {
        page = page.warning(warning);
    }
    page = metrics(page, run);
    let mut has_pictures = false;
    for (name, caption) in pictures {
        let Ok(png) = fs::read(run.folder().join(name)) else { continue };
        if !has_pictures {
            page = page.heading("Pictures");
            has_pictures = true;
        }
        page = page.png(&png, &name.replace(".png", "").replace(['-', '_'], " "), caption);
    }
    page = training(page, run)?;
    Ok(provenance(page, run))
}

/// What was trained on what, in one paragraph.
fn introduction(run: &Run) -> String {
    let state = match run.state() {
        RunState::Done => "Finished".to_string(),
        RunState::Running => "Still running: the page shows what there is so far".to_string(),
        RunState::Interrupted => "Interrupted: --resume goes on with it".to_string(),
        RunState::Weights => "Weights that were made elsewhere".to_string(),
        RunState::Damaged(_) => "Damaged".to_string(),
    };
    let seed = run.seed().map_or(String::new(), |seed| format!(", seed {seed}"));
    let seconds = run.seconds().map_or(String::new(), |seconds| format!(" after {}", duration(seconds)));
    let mut text = format!("{state}{seconds}{seed}.");
    let shape: Vec<String> =
        run.config()["data"]["shape"].as_array().into_iter().flatten().map(Value::to_string).collect();
    if !shape.is_empty() {
        text += &format!(" Each example has {} values.", shape.join("×"));
    }
    if let Some(kind) = run.config()["model"]["kind"].as_str() {
        text += &format!(" Kind of the model: {kind}.");
    }
    let selected = &run.summary()["selected"];
    if let (Some(metric), Some(step)) = (selected["metric"].as_str(), selected["step"].as_u64()) {
        text += &format!(
            " The weights are those of step {step}, which had the best {metric} on the validation data."
        );
    }
    text
}

fn metrics(page: Page, run: &Run) -> Page {
    let Some(main) = run.metrics().first() else { return page };
    let label = |name: &str| name.replace('_', " ");
    let value = format!("{} {}", main.text(), main.unit);
    let split = run.summary()["split"].as_str().unwrap_or("test");
    let name = match run.summary()["n"].as_u64() {
        Some(n) if n > 0 && run.config()["data"].is_object() => {
            format!("{} ({split}, {n} examples)", label(&main.name))
        }
        _ => label(&main.name),
    };
    let mut page = page.number(&name, value.trim(), &main.words());
    let mut table = Table::new(["metric", "value", "unit", "what it says"]).right(1);
    for metric in run.metrics() {
        let notes = metric.notes.iter().map(|(key, value)| format!(" {key}: {value}."));
        let words = metric.words() + &notes.collect::<String>();
        table = table.row([label(&metric.name), metric.text(), metric.unit.clone(), words]);
    }
    page = page.heading("Metrics").table(&table);
    page
}

/// Metrics logged in training.
fn training(page: Page, run: &Run) -> Result<Page, PageError> {
    let curves = curves::read(run.folder())?;
    let Some(figure) = curves::figure(&[("", &curves)]) else { return Ok(page) };
    let page = page.heading("Training");
    Ok(page.svg(
        &figure.to_svg()?,
        "curves of the training",
        "Metrics over the steps of training. Metrics that begin with valid are measured on the validation data.",
    ))
}

/// Settings that differ from the preset; program, device and times.
fn provenance(mut page: Page, run: &Run) -> Page {
    let Some(info) = run.info() else { return page };
    let machine = &info.machine;
    page = page.heading("Settings");
    let preset = machine.preset.as_deref().unwrap_or("unknown");
    page = match machine.changes.is_empty() {
        true => page.text(&format!("All settings are those of the preset {preset}.")),
        false => {
            let changes = machine.changes.iter().map(|change| match change.split_once(" = ") {
                Some((path, value)) => (path.to_string(), value.to_string()),
                None => (change.clone(), String::new()),
            });
            page.text(&format!("What differs from the preset {preset}:")).facts(&changes.collect::<Vec<_>>())
        }
    };
    let dash = || "unknown".to_string();
    let device = match machine.device.is_empty() || machine.device == machine.backend {
        true => machine.backend.clone(),
        false => format!("{} ({})", machine.backend, machine.device),
    };
    let facts = [
        ("command", command_line(&machine.command)),
        ("begun", info.start.clone()),
        ("ended", info.end.clone().unwrap_or_else(|| "not yet".into())),
        ("wall-clock time", duration(info.wall_seconds)),
        ("sessions", (info.resumed + 1).to_string()),
        ("largest memory", info.peak_memory_bytes.map_or_else(dash, memory)),
        ("backend", device),
        ("processor", machine.processor.clone().unwrap_or_else(dash)),
        ("threads", machine.threads.map_or_else(dash, |threads| threads.to_string())),
        ("version", machine.version.clone()),
        ("commit", machine.commit.clone().unwrap_or_else(dash)),
        ("compiler", machine.compiler.clone().unwrap_or_else(dash)),
        ("features", machine.features.join(", ")),
        ("folder", run.folder().display().to_string()),
    ];
    page.heading("Provenance").facts(&facts.map(|(name, value)| (name.to_string(), value)))
}

/// The arguments as a shell takes them; the program by its file name.
pub fn command_line(command: &[String]) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    let quoted = command.iter().enumerate().map(|(i, argument)| match i {
        0 => Path::new(argument)
            .file_name()
            .map_or(argument.clone(), |name| name.to_string_lossy().into_owned()),
        _ if !argument.is_empty() && argument.chars().all(is_plain) => argument.clone(),
        _ => format!("'{}'", argument.replace('\'', "'\\''")),
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_as_people_do() {
        let said = [0.4, 59.6, 119.4, 200.0, 7500.0].map(duration);
        assert_eq!(said, ["0.4 s", "60 s", "119 s", "3 min 20 s", "2 h 5 min"]);
    }

    #[test]
    fn a_command_line_can_be_pasted() {
        let command = ["/a/b/rbm", "train", "my run", "--set", "a=[1,2]", "it's"].map(String::from);
        assert_eq!(command_line(&command), "rbm train 'my run' --set 'a=[1,2]' 'it'\\''s'");
    }
}
