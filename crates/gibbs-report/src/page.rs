//! A page about a run: one HTML file with everything in it.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{ReportError, Table, write_atomic};
use std::path::Path;

/// A self-contained HTML page: text, tables and pictures, readable on a phone and in print. It loads nothing.
///
/// ```
/// use gibbs_report::{Page, Table};
/// let page = Page::new("rbm on digits")
///     .text("Trained for 30 epochs.")
///     .heading("Metrics")
///     .table(&Table::new(["metric", "value"]).row(["log_z", "451.28 ± 0.12"]));
/// assert!(page.to_html().starts_with("<!DOCTYPE html>"));
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct Page {
    title: String,
    body: String,
}

const STYLE: &str = include_str!("page.css");

impl Page {
    /// A page with a title and nothing else.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), body: String::new() }
    }

    fn push(mut self, html: impl AsRef<str>) -> Self {
        self.body += html.as_ref();
        self.body.push('\n');
        self
    }

    /// Begins a section.
    pub fn heading(self, text: &str) -> Self {
        self.push(format!("<h2>{}</h2>", escape_html(text)))
    }

    /// Adds a paragraph.
    pub fn text(self, text: &str) -> Self {
        self.push(format!("<p>{}</p>", escape_html(text)))
    }

    /// Adds a paragraph that stands out, such as a warning.
    pub fn warning(self, text: &str) -> Self {
        self.push(format!("<p class=\"warning\">{}</p>", escape_html(text)))
    }

    /// Adds a number that stands out: its name, its value, and what it means.
    pub fn number(self, name: &str, value: &str, meaning: &str) -> Self {
        let [name, value, meaning] = [name, value, meaning].map(escape_html);
        self.push(format!(
            "<div class=\"number\"><span>{name}</span><strong>{value}</strong><p>{meaning}</p></div>"
        ))
    }

    /// Adds a table.
    pub fn table(self, table: &Table) -> Self {
        self.push(table.to_html())
    }

    /// Adds names with their values, such as the settings of a run.
    pub fn facts(self, facts: &[(String, String)]) -> Self {
        let pairs = facts
            .iter()
            .map(|(name, value)| format!("<dt>{}</dt><dd>{}</dd>\n", escape_html(name), escape_html(value)));
        self.push(format!("<dl>\n{}</dl>", pairs.collect::<String>()))
    }

    /// Adds a picture by the bytes of its PNG file.
    pub fn png(self, png: &[u8], alternative: &str, caption: &str) -> Self {
        let source = format!("<img src=\"data:image/png;base64,{}\"", STANDARD.encode(png));
        self.figure(&format!("{source} alt=\"{}\">", escape_html(alternative)), caption)
    }

    /// Adds a drawing by the text of its SVG file.
    pub fn svg(self, svg: &str, alternative: &str, caption: &str) -> Self {
        let source = format!("<img src=\"data:image/svg+xml;base64,{}\"", STANDARD.encode(svg));
        self.figure(&format!("{source} alt=\"{}\">", escape_html(alternative)), caption)
    }

    fn figure(self, image: &str, caption: &str) -> Self {
        let caption = match caption.is_empty() {
            true => String::new(),
            false => format!("<figcaption>{}</figcaption>", escape_html(caption)),
        };
        self.push(format!("<figure>{image}{caption}</figure>"))
    }

    /// The document.
    pub fn to_html(&self) -> String {
        let title = escape_html(&self.title);
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{}</main>\n</body>\n</html>\n",
            self.body
        )
    }

    /// Writes the document atomically.
    ///
    /// # Errors
    /// [`ReportError::Write`] if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ReportError> {
        write_atomic(path, self.to_html().as_bytes())
    }
}

/// Text for HTML, in content and in attributes.
pub(crate) fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_everywhere() {
        let bad = "a<b> & \"c\"";
        let page = Page::new(bad)
            .heading(bad)
            .text(bad)
            .warning(bad)
            .number(bad, bad, bad)
            .facts(&[(bad.into(), bad.into())])
            .table(&Table::new([bad]).row([bad]))
            .png(b"png", bad, bad)
            .svg("<svg/>", bad, bad);
        let html = page.to_html();
        assert!(!html.contains(bad) && !html.contains("<b>"));
        assert!(html.contains("src=\"data:image/png;base64,cG5n\" alt=\"a&lt;b&gt; &amp; &quot;c&quot;\""));
    }
}
