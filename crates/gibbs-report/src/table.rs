//! Tables of measured figures and the one-page report around them.

use crate::{ReportError, format_value, write_atomic};
use std::fmt::Write as _;
use std::path::Path;

/// One measured figure, already in words.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    name: String,
    value: String,
    kind: String,
    unit: String,
}

/// A list of measured figures: name, value ± standard error, unit, and the kind of estimate each one is.
///
/// Written with [`format_value`], so that no figure shows more decimals than its error supports. `to_string` gives plain
/// lines for a terminal.
///
/// ```
/// use gibbs_report::Figures;
/// let mut figures = Figures::new();
/// figures.add("log_prob", -95.2341, 0.5, "asymptotic", "nats").add("log_z", 451.28, 0.0, "exact", "nats");
/// assert_eq!(figures.to_string(), "log_prob −95.2 ± 0.5 nats, asymptotic\nlog_z 451.280 nats, exact\n");
/// assert!(figures.to_markdown().contains("| `log_prob` | −95.2 ± 0.5 | nats | asymptotic |"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    rows: Vec<Row>,
}

impl Figures {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one figure. `std_err` is 0 for an exact value, `kind` says how the value relates to the truth (exact, unbiased,
    /// lower bound, upper bound, asymptotic); `unit` and `kind` may be empty.
    pub fn add(&mut self, name: &str, value: f64, std_err: f64, kind: &str, unit: &str) -> &mut Self {
        let value = format_value(value, std_err);
        self.rows.push(Row { name: name.into(), value, kind: kind.replace('_', " "), unit: unit.into() });
        self
    }

    /// The table in Markdown.
    pub fn to_markdown(&self) -> String {
        let escaped = |text: &str| text.replace('|', "\\|").replace(['\n', '\r'], " ");
        let mut table = String::from("| figure | value | unit | kind |\n|---|---:|---|---|\n");
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
            String::from("<table>\n<tr><th>figure</th><th>value</th><th>unit</th><th>kind</th></tr>\n");
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

impl std::fmt::Display for Figures {
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
    Figures(Figures),
    Picture { file: String, caption: String },
}

/// A page on one run: text, tables and pictures that lie in the same folder.
///
/// ```
/// use gibbs_report::{Figures, Report};
/// let mut figures = Figures::new();
/// figures.add("log_z", 451.28, 0.12, "asymptotic", "nats");
/// let report = Report::new("rbm on digits").figures(figures).picture("samples.png", "Chains after 1000 steps");
/// assert!(report.to_markdown().contains("![Chains after 1000 steps](samples.png)"));
/// ```
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
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(Block::Text(text.into()));
        self
    }

    /// Adds a table.
    #[must_use]
    pub fn figures(mut self, figures: Figures) -> Self {
        self.blocks.push(Block::Figures(figures));
        self
    }

    /// Adds a picture by the name of its file beside the page.
    #[must_use]
    pub fn picture(mut self, file: impl Into<String>, caption: impl Into<String>) -> Self {
        self.blocks.push(Block::Picture { file: file.into(), caption: caption.into() });
        self
    }

    /// The page in Markdown; text is taken as it is.
    pub fn to_markdown(&self) -> String {
        let blocks = self.blocks.iter().map(|block| match block {
            Block::Text(text) => format!("\n{}\n", text.trim_end()),
            Block::Figures(figures) => format!("\n{}", figures.to_markdown()),
            Block::Picture { file, caption } => format!("\n![{caption}]({file})\n"),
        });
        format!("# {}\n{}", self.title, blocks.collect::<String>())
    }

    /// The page as an HTML document that needs nothing but the pictures beside it.
    pub fn to_html(&self) -> String {
        let blocks = self.blocks.iter().map(|block| match block {
            Block::Text(text) => format!("<p>{}</p>\n", escape_html(text)),
            Block::Figures(figures) => figures.to_html(),
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

    /// Writes the page, atomically: as HTML where the name ends in `.html`, else as Markdown.
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

    fn figures() -> Figures {
        let mut figures = Figures::new();
        figures.add("log_prob", -86.3412, 0.0487, "lower_bound", "nats").add("a|b<c>", f64::NAN, 0.0, "", "");
        figures
    }

    #[test]
    fn every_form_says_the_same() {
        assert_eq!(figures().to_string(), "log_prob −86.34 ± 0.05 nats, lower bound\na|b<c> NaN\n");
        assert!(figures().to_markdown().contains("| `a\\|b<c>` | NaN |  |  |\n"));
        assert!(figures().to_html().contains("<code>a|b&lt;c&gt;</code></td><td class=\"value\">NaN</td>"));
    }

    #[test]
    fn the_name_decides_the_form_of_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let report =
            Report::new("A & B").text("One <paragraph>.").figures(figures()).picture("a.png", "\"A\"");
        for (name, start) in
            [("report.md", "# A & B\n\nOne <paragraph>.\n\n| figure"), ("report.html", "<!DOCTYPE html>")]
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
