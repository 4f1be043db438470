//! Tables of metrics, and a page with text, tables and pictures.

use crate::{ReportError, format_value, write_atomic};
use std::fmt::Write as _;
use std::path::Path;

/// One metric as text.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    name: String,
    value: String,
    kind: String,
    unit: String,
}

/// A list of metrics: name, value ± standard error, unit, and kind of estimate.
///
/// [`format_value`] writes the values: the error decides the number of decimals. `to_string` gives plain lines for a
/// terminal.
///
/// ```
/// use gibbs_report::MetricsTable;
/// let mut metrics = MetricsTable::new();
/// metrics.add("log_prob", -95.2341, 0.5, "asymptotic", "nats").add("log_z", 451.28, 0.0, "exact", "nats");
/// assert_eq!(metrics.to_string(), "log_prob -95.2 ± 0.5 nats, asymptotic\nlog_z 451.280 nats, exact\n");
/// assert!(metrics.to_markdown().contains("| `log_prob` | -95.2 ± 0.5 | nats | asymptotic |"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricsTable {
    rows: Vec<Row>,
}

impl MetricsTable {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a metric. `std_err` is 0 for an exact value. `kind` is the relation to the true value (exact, unbiased, lower
    /// bound, upper bound, asymptotic). `unit` and `kind` may be empty.
    pub fn add(&mut self, name: &str, value: f64, std_err: f64, kind: &str, unit: &str) -> &mut Self {
        let value = format_value(value, std_err);
        self.rows.push(Row { name: name.into(), value, kind: kind.replace('_', " "), unit: unit.into() });
        self
    }

    /// The table in Markdown.
    pub fn to_markdown(&self) -> String {
        let escaped = |text: &str| text.replace('|', "\\|").replace(['\n', '\r'], " ");
        let mut table = String::from("| metric | value | unit | kind |\n|---|---:|---|---|\n");
        for row in &self.rows {
            let name = escaped(&row.name).replace('`', "'");
            let _ = writeln!(
                table,
                "| `{name}` | {} | {} | {} |",
                row.value,
                escaped(&row.unit),
                escaped(&row.kind)
            );
        }
        table
    }

    /// The table in HTML.
    pub fn to_html(&self) -> String {
        let mut table =
            String::from("<table>\n<tr><th>metric</th><th>value</th><th>unit</th><th>kind</th></tr>\n");
        for row in &self.rows {
            let _ = writeln!(
                table,
                "<tr><td><code>{}</code></td><td class=\"value\">{}</td><td>{}</td><td>{}</td></tr>",
                escape_html(&row.name),
                row.value,
                escape_html(&row.unit),
                escape_html(&row.kind)
            );
        }
        table.push_str("</table>\n");
        table
    }
}

impl std::fmt::Display for MetricsTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for row in &self.rows {
            let unit = if row.unit.is_empty() { String::new() } else { format!(" {}", row.unit) };
            let kind = if row.kind.is_empty() { String::new() } else { format!(", {}", row.kind) };
            writeln!(f, "{} {}{unit}{kind}", row.name, row.value)?;
        }
        Ok(())
    }
}

enum Block {
    Text(String),
    Metrics(MetricsTable),
    Picture { file: String, caption: String },
}

/// A page about a run: text, tables, and pictures in the same folder.
///
/// ```
/// use gibbs_report::{MetricsTable, Report};
/// let mut metrics = MetricsTable::new();
/// metrics.add("log_z", 451.28, 0.12, "asymptotic", "nats");
/// let report = Report::new("rbm on digits").metrics(metrics).picture("samples.png", "Chains after 1000 steps");
/// assert!(report.to_markdown().contains("![Chains after 1000 steps](samples.png)"));
/// ```
#[must_use]
pub struct Report {
    title: String,
    blocks: Vec<Block>,
}

impl Report {
    /// An empty page with a title.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), blocks: Vec::new() }
    }

    /// Adds a paragraph.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Text(text.into()));
        self
    }

    /// Adds a table.
    pub fn metrics(mut self, metrics: MetricsTable) -> Self {
        self.blocks.push(Block::Metrics(metrics));
        self
    }

    /// Adds a picture. `file` is its name in the folder of the page.
    pub fn picture(mut self, file: impl Into<String>, caption: impl Into<String>) -> Self {
        self.blocks.push(Block::Picture { file: file.into(), caption: caption.into() });
        self
    }

    /// The page in Markdown. Text is not escaped.
    pub fn to_markdown(&self) -> String {
        let blocks = self.blocks.iter().map(|block| match block {
            Block::Text(text) => format!("\n{}\n", text.trim_end()),
            Block::Metrics(metrics) => format!("\n{}", metrics.to_markdown()),
            Block::Picture { file, caption } => format!("\n![{caption}]({file})\n"),
        });
        format!("# {}\n{}", self.title, blocks.collect::<String>())
    }

    /// The page as an HTML document. It refers to the pictures in its folder and to nothing else.
    pub fn to_html(&self) -> String {
        let blocks = self.blocks.iter().map(|block| match block {
            Block::Text(text) => format!("<p>{}</p>\n", escape_html(text)),
            Block::Metrics(metrics) => metrics.to_html(),
            Block::Picture { file, caption } => {
                let (file, caption) = (escape_html(file), escape_html(caption));
                format!("<figure><img src=\"{file}\" alt=\"{caption}\"><figcaption>{caption}</figcaption></figure>\n")
            }
        });
        let title = escape_html(&self.title);
        let style = "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}\
                     table{border-collapse:collapse}td,th{padding:.2em 1em .2em 0;text-align:left;border-bottom:1px solid #ddd}\
                     td.value{text-align:right}img{max-width:100%}figure{margin:1.5em 0}figcaption{color:#666}";
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>{style}</style>\n\
             <h1>{title}</h1>\n{}</html>\n",
            blocks.collect::<String>()
        )
    }

    /// Writes the page atomically: as HTML if the name ends in `.html`, else as Markdown.
    ///
    /// # Errors
    /// [`ReportError::Write`] if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ReportError> {
        let path = path.as_ref();
        let is_html = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("html"));
        let page = if is_html { self.to_html() } else { self.to_markdown() };
        write_atomic(path, page.as_bytes())
    }
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> MetricsTable {
        let mut metrics = MetricsTable::new();
        metrics.add("log_prob", -86.3412, 0.0487, "lower_bound", "nats").add("a|b<c>", f64::NAN, 0.0, "", "");
        metrics
    }

    #[test]
    fn every_format_has_the_same_content() {
        assert_eq!(metrics().to_string(), "log_prob -86.34 ± 0.05 nats, lower bound\na|b<c> NaN\n");
        assert!(metrics().to_markdown().contains("| `a\\|b<c>` | NaN |  |  |\n"));
        assert!(metrics().to_html().contains("<code>a|b&lt;c&gt;</code></td><td class=\"value\">NaN</td>"));
    }

    #[test]
    fn the_name_decides_the_format_of_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let report =
            Report::new("A & B").text("One <paragraph>.").metrics(metrics()).picture("a.png", "\"A\"");
        for (name, start) in
            [("report.md", "# A & B\n\nOne <paragraph>.\n\n| metric"), ("report.html", "<!DOCTYPE html>")]
        {
            let path = folder.path().join(name);
            report.save(&path).unwrap();
            assert!(std::fs::read_to_string(path).unwrap().starts_with(start));
        }
        assert!(
            report.to_html().contains("One &lt;paragraph&gt;.")
                && report.to_html().contains("alt=\"&quot;A&quot;\"")
        );
    }
}
