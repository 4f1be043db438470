//! One pair of axes and the layers between them.

use crate::axis::{Axis, Padding};
use crate::color_bar::Scale;
use crate::frame::Frame;
use crate::scene::Scene;
use crate::thumbnails::n_classes;
use crate::{Color, HeatMap, Histogram, ReportError, Series, Thumbnails};

#[derive(Clone, Debug)]
enum Layer {
    Series(Series),
    HeatMap(HeatMap),
    Histogram(Histogram),
    Thumbnails(Thumbnails),
}

/// A horizontal line at a reference value.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) value: f64,
    pub(crate) label: String,
}

/// An entry of the legend.
pub(crate) struct Entry<'a> {
    pub(crate) text: String,
    pub(crate) color: Color,
    series: Option<&'a Series>,
}

impl Entry<'_> {
    pub(crate) fn draw_swatch(&self, scene: &mut Scene, (x, y): (f64, f64)) {
        match self.series {
            Some(series) => series.swatch(scene, (x, y), self.color),
            None => scene.rect([x - 9.0, y - 5.0, 18.0, 10.0], self.color, 0.5),
        }
    }
}

/// Curves, dots, maps or histograms with one pair of axes.
///
/// Layers are painted in the order in which they are added, with three exceptions: maps come first, bands come before
/// lines, and thumbnails come last.
#[must_use]
#[derive(Clone, Debug)]
pub struct Panel {
    pub(crate) title: String,
    pub(crate) x: Option<Axis>,
    pub(crate) y: Axis,
    pub(crate) equal: bool,
    pub(crate) references: Vec<Reference>,
    pub(crate) bar_label: String,
    /// A panel in a grid of plots has narrow margins. The flags tell whether it has numbers along x and along y.
    pub(crate) compact: Option<[bool; 2]>,
    layers: Vec<Layer>,
}

impl Panel {
    /// An empty panel with this y axis. Its x axis is that of the figure unless [`x_axis`](Self::x_axis) is set.
    pub fn new(y: Axis) -> Self {
        Self {
            title: String::new(),
            x: None,
            y,
            equal: false,
            references: Vec::new(),
            bar_label: String::new(),
            compact: None,
            layers: Vec::new(),
        }
    }

    /// A title above the panel.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Gives this panel an x axis of its own.
    pub fn x_axis(mut self, axis: Axis) -> Self {
        self.x = Some(axis);
        self
    }

    /// Draws a unit of x as long as a unit of y (linear axes only).
    pub fn equal(mut self) -> Self {
        self.equal = true;
        self
    }

    /// Adds a curve.
    pub fn series(mut self, series: Series) -> Self {
        self.layers.push(Layer::Series(series));
        self
    }

    /// Adds a map of numbers. The panel gets a color bar at its right.
    pub fn heat_map(mut self, map: HeatMap) -> Self {
        self.layers.push(Layer::HeatMap(map));
        self
    }

    /// Adds a histogram.
    pub fn histogram(mut self, histogram: Histogram) -> Self {
        self.layers.push(Layer::Histogram(histogram));
        self
    }

    /// Adds dots `(x[i], y[i])` in the color of their class: one series for each class, with its number as name.
    ///
    /// # Panics
    /// If `x`, `y` and `labels` differ in length.
    pub fn classes<T: Copy + Into<f64>>(self, x: &[T], y: &[T], labels: &[u16]) -> Self {
        const RADIUS: f64 = 1.6;
        assert!(
            x.len() == labels.len() && y.len() == labels.len(),
            "classes: {} x, {} y and {} labels",
            x.len(),
            y.len(),
            labels.len()
        );
        let count = n_classes(labels);
        (0..count).fold(self, |panel, class| {
            let of_class = |values: &[T]| -> Vec<f64> {
                let chosen = values.iter().zip(labels).filter(|&(_, &label)| usize::from(label) == class);
                chosen.map(|(&value, _)| value.into()).collect()
            };
            let (x, y) = (of_class(x), of_class(y));
            if x.is_empty() {
                return panel;
            }
            let color = Color::of_class(class, count);
            panel.series(Series::new(class.to_string(), &x, &y).dots(RADIUS).color(color))
        })
    }

    /// Adds images at points.
    pub fn thumbnails(mut self, thumbnails: Thumbnails) -> Self {
        self.layers.push(Layer::Thumbnails(thumbnails));
        self
    }

    /// Adds a dashed horizontal line with a label, for example a published value. The y range includes it.
    pub fn reference(mut self, value: f64, label: impl Into<String>) -> Self {
        self.references.push(Reference { value, label: label.into() });
        self
    }

    pub(crate) fn check(&self) -> Result<(), ReportError> {
        self.layers.iter().try_for_each(|layer| match layer {
            Layer::Series(series) => series.check(),
            Layer::HeatMap(map) => map.check(),
            Layer::Histogram(_) => Ok(()),
            Layer::Thumbnails(thumbnails) => thumbnails.check(),
        })
    }

    /// The numbers that the x axis and the y axis should include.
    pub(crate) fn values(&self) -> [Vec<f64>; 2] {
        let mut x = Vec::new();
        let mut y: Vec<f64> = self.references.iter().map(|reference| reference.value).collect();
        for layer in &self.layers {
            match layer {
                Layer::Series(series) => {
                    x.extend(series.x_values());
                    y.extend(series.y_values());
                }
                Layer::HeatMap(map) => {
                    x.extend([map.x.0, map.x.1]);
                    y.extend([map.y.0, map.y.1]);
                }
                Layer::Histogram(histogram) => {
                    x.extend(histogram.range());
                    y.push(0.0);
                    y.extend(histogram.density());
                }
                Layer::Thumbnails(thumbnails) => {
                    x.extend(thumbnails.x_values());
                    y.extend(thumbnails.y_values());
                }
            }
        }
        [x, y]
    }

    /// Room between the data and the ends of the x axis and of the y axis: none at the edges of maps and histograms.
    pub(crate) fn padding(&self) -> [Padding; 2] {
        let any = |of: fn(&Layer) -> bool| self.layers.iter().any(of);
        let (maps, edges) = (any(|layer| matches!(layer, Layer::HeatMap(_))), self.has_edges());
        let only_lines = !any(|layer| !matches!(layer, Layer::Series(series) if series.is_line()));
        let x = if edges { 0.0 } else { [0.04, 0.02][usize::from(only_lines)] };
        let (low, high) = (if edges { 0.0 } else { 0.06 }, if maps { 0.0 } else { 0.06 });
        [Padding { low: x, high: x }, Padding { low, high }]
    }

    pub(crate) fn has_edges(&self) -> bool {
        self.layers.iter().any(|layer| matches!(layer, Layer::HeatMap(_) | Layer::Histogram(_)))
    }

    /// A compact panel without data. It shows its legend and no axes.
    pub(crate) fn is_blank(&self) -> bool {
        self.compact.is_some() && self.values()[0].is_empty()
    }

    pub(crate) fn color_scale(&self) -> Option<Scale> {
        self.layers
            .iter()
            .find_map(|layer| if let Layer::HeatMap(map) = layer { Some(map.scale()) } else { None })
    }

    /// The label of the color bar.
    pub fn color_label(mut self, label: impl Into<String>) -> Self {
        self.bar_label = label.into();
        self
    }

    /// The layers with a color of the palette.
    fn colored(&self) -> Vec<(&Layer, Color)> {
        let has_color = |layer: &&Layer| matches!(layer, Layer::Series(_) | Layer::Histogram(_));
        let layers: Vec<&Layer> = self.layers.iter().filter(has_color).collect();
        let count = layers.len();
        let color = |i: usize, layer: &Layer| match layer {
            Layer::Series(series) => series.color_or(Color::of_class(i, count)),
            _ => Color::of_class(i, count),
        };
        layers.into_iter().enumerate().map(|(i, layer)| (layer, color(i, layer))).collect()
    }

    pub(crate) fn legend(&self, x: &Axis) -> Vec<Entry<'_>> {
        let entries = self.colored().into_iter().filter_map(|(layer, color)| match layer {
            Layer::Series(series) => {
                Some(Entry { text: series.legend(x, &self.y), color, series: Some(series) })
            }
            Layer::Histogram(histogram) => Some(Entry { text: histogram.legend(), color, series: None }),
            Layer::HeatMap(_) | Layer::Thumbnails(_) => None,
        });
        entries.filter(|entry| !entry.text.is_empty()).collect()
    }

    pub(crate) fn draw_below(&self, scene: &mut Scene, frame: &Frame) {
        for layer in &self.layers {
            if let Layer::HeatMap(map) = layer {
                map.draw(scene, frame);
            }
        }
        for (layer, color) in self.colored() {
            if let Layer::Series(series) = layer {
                series.draw_band(scene, frame, color);
            }
        }
    }

    pub(crate) fn draw_above(&self, scene: &mut Scene, frame: &Frame) {
        for (layer, color) in self.colored() {
            match layer {
                Layer::Series(series) => series.draw(scene, frame, color),
                Layer::Histogram(histogram) => histogram.draw(scene, frame, color),
                Layer::HeatMap(_) | Layer::Thumbnails(_) => {}
            }
        }
        for layer in &self.layers {
            if let Layer::Thumbnails(thumbnails) = layer {
                thumbnails.draw(scene, frame);
            }
        }
    }

    /// All drawn points. Labels avoid them.
    pub(crate) fn places(&self, frame: &Frame) -> Vec<(f64, f64)> {
        let series = self.layers.iter().filter_map(|layer| match layer {
            Layer::Series(series) => Some(series.places(frame)),
            _ => None,
        });
        series.flatten().filter(|(x, y)| x.is_finite() && y.is_finite()).collect()
    }

    /// The curves that have a single point, with its value as text.
    pub(crate) fn single_points(&self, frame: &Frame) -> Vec<((f64, f64), String)> {
        let single = |layer: &Layer| match layer {
            Layer::Series(series) => series.single_point(frame),
            _ => None,
        };
        self.layers.iter().filter_map(single).collect()
    }
}
