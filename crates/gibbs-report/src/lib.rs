#![doc = include_str!("../README.md")]

mod axis;
mod color;
mod color_bar;
mod error;
mod figure;
mod file;
mod filters;
mod font;
mod format;
mod frame;
mod grid;
#[cfg(test)]
mod grid_tests;
mod labels;
mod layout;
#[cfg(test)]
mod layout_tests;
mod legend;
mod marks;
mod page;
mod pairs;
mod panel;
mod picture;
mod render;
mod scene;
mod series;
mod table;
mod thumbnails;
mod ticks;

pub use axis::Axis;
pub use color::{Color, ColorMap};
pub use error::ReportError;
pub use figure::Figure;
pub use file::write_atomic;
pub use filters::{FilterGrid, FilterOrder, WeightScale};
pub use format::{format_number, format_value};
pub use grid::ImageGrid;
pub use marks::{HeatMap, Histogram};
pub use page::Page;
pub use pairs::pair_plot;
pub use panel::Panel;
pub use picture::Picture;
pub use series::Series;
pub use table::Table;
pub use thumbnails::Thumbnails;
