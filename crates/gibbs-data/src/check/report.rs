//! A check in a few lines.

use std::fmt;

use super::{DataCheck, FAR, Finding};

/// The most columns whose findings are spelled out in one line.
const SHOWN: usize = 4;

/// The most columns of a setting that are spelled out.
const LISTED: usize = 12;

impl fmt::Display for DataCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "data check of {}: {} rows, {} columns", self.name, self.rows, self.columns)?;
        let Some(kinds) = self.kinds else { return f.write_str(" of pictures") };
        let kinds: Vec<String> = [(kinds.real, "real"), (kinds.integer, "integer"), (kinds.binary, "binary")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, kind)| format!("{count} {kind}"))
            .collect();
        write!(f, " ({})", kinds.join(", "))?;
        if self.examined < self.rows {
            write!(f, ", {} rows examined", self.examined)?;
        }
        for group in self.findings.chunk_by(|a, b| a.title() == b.title()) {
            write!(f, "\n  {}: {}", group[0].title(), details(group))?;
            let advice = group[0].advice(group);
            if !advice.is_empty() && !self.is_binary() {
                write!(f, ": {advice}")?;
            }
        }
        Ok(())
    }
}

impl DataCheck {
    fn is_binary(&self) -> bool {
        self.kinds.is_some_and(|kinds| kinds.binary == self.columns)
    }
}

/// The columns of findings of one kind, with what is known about the first of them.
fn details(group: &[Finding]) -> String {
    if let Finding::DuplicateRows { share } = group[0] {
        return format!("{} equal an earlier row", percent(share));
    }
    let shown: Vec<String> = group.iter().take(SHOWN).map(Finding::detail).collect();
    let noun = if group.len() == 1 { "column" } else { "columns" };
    let more = group.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{noun} {}{more}", shown.join(", "))
}

impl Finding {
    fn title(&self) -> &'static str {
        match self {
            Self::Constant { .. } => "constant",
            Self::Repeated { .. } => "repeated",
            Self::Dependent { .. } => "dependent",
            Self::Discrete { .. } => "discrete",
            Self::Piled { .. } => "repeated value",
            Self::Outliers { .. } => "outliers",
            Self::Edge { .. } => "edge",
            Self::DuplicateRows { .. } => "duplicate rows",
        }
    }

    fn detail(&self) -> String {
        let column = self.column();
        match self {
            Self::Constant { value, .. } => format!("{column} ({})", value_of(*value)),
            Self::Repeated { of, .. } => format!("{column} (equals {of})"),
            Self::Dependent { on, .. } => {
                let more = if on.len() > SHOWN { ", …" } else { "" };
                let on = on.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
                format!("{column} (linear in {on}{more})")
            }
            Self::Discrete { distinct, step: Some(step), .. } => {
                format!("{column} ({distinct} values, step {})", number(*step))
            }
            Self::Discrete { distinct, step: None, .. } => format!("{column} ({distinct} values, no step)"),
            Self::Piled { value, share, is_bound, .. } => {
                let which = if *is_bound { ", a bound" } else { "" };
                format!("{column} ({} are {}{which})", percent(*share), value_of(*value))
            }
            Self::Outliers { count, largest, .. } => {
                format!("{column} ({count} beyond {FAR} robust deviations, up to {})", number(*largest))
            }
            Self::Edge { low, high, .. } => {
                let ends: Vec<String> = [low, high].into_iter().flatten().map(|x| value_of(*x)).collect();
                format!("{column} (ends at {})", ends.join(" and "))
            }
            Self::DuplicateRows { .. } => String::new(),
        }
    }

    /// What to do about findings of this kind.
    fn advice(&self, group: &[Self]) -> String {
        let columns = || {
            let listed: Vec<String> =
                group.iter().take(LISTED).map(|finding| json(finding.column())).collect();
            let more = if group.len() > LISTED { ",…" } else { "" };
            format!("[{}{more}]", listed.join(","))
        };
        match self {
            Self::Constant { .. } | Self::Repeated { .. } | Self::Dependent { .. } => {
                format!("data.drop={}", columns())
            }
            Self::Discrete { .. } if group.len() > LISTED => "data.dequantize=true for a density".into(),
            Self::Discrete { .. } => format!("data.dequantize={} for a density", columns()),
            Self::Piled { .. } => format!("a point mass has no density, data.drop={}", columns()),
            Self::Outliers { is_positive: true, column, .. } => {
                format!("data.scale=robust, or data.bounds={{{column:?}:[0,null]}} for logarithms")
            }
            Self::Outliers { .. } => "data.scale=robust".into(),
            Self::Edge { column, low, high } => {
                let [low, high] = [bound(*low, "LOW"), bound(*high, "HIGH")];
                format!("data.bounds={{{column:?}:[{low},{high}]}} with bounds beyond all values")
            }
            Self::DuplicateRows { .. } => "remove copies, or test rows may be known from training".into(),
        }
    }
}

/// A name as a value of a setting: numbers of columns are plain.
fn json(name: &str) -> String {
    if name.parse::<usize>().is_ok() { name.to_owned() } else { format!("{name:?}") }
}

/// The end of an interval near a value: 0 or 1 if it is there, else a placeholder.
fn bound(end: Option<f64>, placeholder: &str) -> String {
    /// Nearness to 0 or 1 of the outermost of some hundred values.
    const NEAR: f64 = 0.01;
    match end {
        None => "null".into(),
        Some(x) if (-NEAR..NEAR).contains(&x) => "0".into(),
        Some(x) if (1.0 - NEAR..1.0 + NEAR).contains(&x) => "1".into(),
        Some(_) => placeholder.into(),
    }
}

/// A number that was counted or computed, with at most four digits.
fn number(x: f64) -> String {
    with_digits(x, 4)
}

/// A value of the data, with the seven digits that f32 holds.
fn value_of(x: f64) -> String {
    with_digits(x, 7)
}

/// Very long numbers are written as powers of ten.
fn with_digits(x: f64, digits: usize) -> String {
    let rounded: f64 = format!("{x:.*e}", digits - 1).parse().unwrap_or(x);
    if rounded == 0.0 || (1e-4..1e7).contains(&rounded.abs()) {
        rounded.to_string()
    } else {
        format!("{rounded:e}")
    }
}

fn percent(share: f64) -> String {
    format!("{}%", number((share * 1000.0).round() / 10.0))
}
