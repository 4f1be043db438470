//! Tables as text, Markdown and HTML.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, TableStyle};

use crate::page::escape_html;

/// A table of text: a header and rows of as many cells.
///
/// ```
/// use gibbs_report::Table;
/// let table = Table::new(["metric", "value"]).right(1).row(["log_prob", "-95.2 ± 0.5"]).row(["log_z", "451.28"]);
/// assert_eq!(table.to_text(None), " metric          value\n log_prob  -95.2 ± 0.5\n log_z          451.28");
/// assert_eq!(
///     table.to_markdown(),
///     "| metric | value |\n|---|---:|\n| log_prob | -95.2 ± 0.5 |\n| log_z | 451.28 |\n"
/// );
/// ```
#[must_use]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    right: Vec<usize>,
}

impl Table {
    /// A table without rows.
    pub fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Self {
        let header = header.into_iter().map(Into::into).collect();
        Self { header, rows: Vec::new(), right: Vec::new() }
    }

    /// Aligns a column to the right, as numbers are.
    pub fn right(mut self, column: usize) -> Self {
        self.right.push(column);
        self
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If it has not as many cells as the header.
    pub fn row<S: Into<String>>(mut self, cells: impl IntoIterator<Item = S>) -> Self {
        let cells: Vec<String> = cells.into_iter().map(Into::into).collect();
        assert_eq!(cells.len(), self.header.len(), "a row has as many cells as the header");
        self.rows.push(cells);
        self
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table for a terminal of this width in characters, which cells are wrapped to; as wide as it is without one.
    pub fn to_text(&self, width: Option<u16>) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(TableStyle::new()).set_header(&self.header).add_rows(&self.rows);
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        for &column in &self.right {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_string()).collect();
        lines.join("\n")
    }

    /// The table in Markdown. Cells may hold Markdown; `|` is escaped.
    pub fn to_markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells = cells.iter().map(|cell| cell.replace('|', "\\|").replace(['\n', '\r'], " "));
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let rule = (0..self.header.len()).map(|k| if self.right.contains(&k) { "---:" } else { "---" });
        let mut text = line(&self.header) + &format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
        self.rows.iter().for_each(|row| text += &line(row));
        text
    }

    /// The table in HTML. Cells are plain text.
    pub fn to_html(&self) -> String {
        let cell = |tag: &str, k: usize, text: &str| {
            let class = if self.right.contains(&k) { " class=\"number\"" } else { "" };
            format!("<{tag}{class}>{}</{tag}>", escape_html(text))
        };
        let line = |tag: &str, cells: &[String]| {
            let cells = cells.iter().enumerate().map(|(k, text)| cell(tag, k, text));
            format!("<tr>{}</tr>\n", cells.collect::<String>())
        };
        let mut html =
            format!("<div class=\"table\"><table>\n<thead>\n{}</thead>\n<tbody>\n", line("th", &self.header));
        for row in &self.rows {
            let _ = write!(html, "{}", line("td", row));
        }
        html + "</tbody>\n</table></div>\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_escapes_what_it_must() {
        let table = Table::new(["a|b", "c"]).row(["x<y>", "1\n2"]);
        assert_eq!(table.to_markdown(), "| a\\|b | c |\n|---|---|\n| x<y> | 1 2 |\n");
        assert!(table.to_html().contains("<th>a|b</th>") && table.to_html().contains("<td>x&lt;y&gt;</td>"));
    }

    #[test]
    fn a_narrow_terminal_wraps_cells() {
        let table =
            Table::new(["setting", "value"]).row(["train.learning_rate", "a long text of many words"]);
        assert!(table.to_text(Some(40)).lines().count() > 2);
        assert!(table.to_text(Some(40)).lines().all(|line| line.chars().count() <= 40));
    }

    #[test]
    #[should_panic(expected = "as many cells as the header")]
    fn a_row_of_another_width_is_refused() {
        let _ = Table::new(["a", "b"]).row(["only one"]);
    }
}
