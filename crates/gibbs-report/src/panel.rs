//! One pair of axes and what is drawn between them.

use crate::axis::{Axis, Padding, Span};
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

/// A horizontal line at a number to compare with.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) value: f64,
    pub(crate) label: String,
}

/// A named entry of the legend.
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

/// Curves, dots, maps or histograms between one pair of axes.
///
/// What is added first is painted first, except that maps lie below everything, bands below lines and
/// thumbnails above all.
#[derive(Clone, Debug)]
pub struct Panel {
    pub(crate) title: String,
    pub(crate) x: Option<Axis>,
    pub(crate) y: Axis,
    pub(crate) equal: bool,
    pub(crate) references: Vec<Reference>,
    pub(crate) bar_label: String,
    layers: Vec<Layer>,
}

impl Panel {
    /// An empty panel with this y axis. Its x axis is that of the figure unless [`x_axis`](Self::x_axis) gives it an own one.
    pub fn new(y: Axis) -> Self {
        Self {
            title: String::new(),
            x: None,
            y,
            equal: false,
            references: Vec::new(),
            bar_label: String::new(),
            layers: Vec::new(),
        }
    }

    /// A title above the panel.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// An x axis of this panel alone.
    #[must_use]
    pub fn x_axis(mut self, axis: Axis) -> Self {
        self.x = Some(axis);
        self
    }

    /// Draws a unit of x as long as a unit of y, by showing more of one of them (linear axes only).
    #[must_use]
    pub fn equal(mut self) -> Self {
        self.equal = true;
        self
    }

    /// Adds a curve.
    #[must_use]
    pub fn series(mut self, series: Series) -> Self {
        self.layers.push(Layer::Series(series));
        self
    }

    /// Adds a map of numbers; a color bar stands at the right of the panel.
    #[must_use]
    pub fn heat_map(mut self, map: HeatMap) -> Self {
        self.layers.push(Layer::HeatMap(map));
        self
    }

    /// Adds a histogram.
    #[must_use]
    pub fn histogram(mut self, histogram: Histogram) -> Self {
        self.layers.push(Layer::Histogram(histogram));
        self
    }

    /// Adds dots `(x[i], y[i])` in the color of their class, one series for each class that occurs, named by its number.
    ///
    /// # Panics
    /// If there is not one label for each point.
    #[must_use]
    pub fn classes<T: Copy + Into<f64>>(self, x: &[T], y: &[T], labels: &[u8]) -> Self {
        const RADIUS: f64 = 1.6;
        assert!(x.len() == labels.len() && y.len() == labels.len(), "a label for each point");
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
    #[must_use]
    pub fn thumbnails(mut self, thumbnails: Thumbnails) -> Self {
        self.layers.push(Layer::Thumbnails(thumbnails));
        self
    }

    /// Adds a dashed horizontal line with a label, such as a published value. The y range includes it.
    #[must_use]
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

    pub(crate) fn x_values(&self) -> Vec<f64> {
        let mut values = Vec::new();
        for layer in &self.layers {
            match layer {
                Layer::Series(series) => values.extend(series.x_values()),
                Layer::HeatMap(map) => values.extend([map.x.0, map.x.1]),
                Layer::Histogram(histogram) => values.extend(histogram.range()),
                Layer::Thumbnails(thumbnails) => values.extend(thumbnails.x_values()),
            }
        }
        values
    }

    /// Room beside the data along x: none for maps and histograms, which have edges of their own.
    pub(crate) fn x_padding(&self) -> Padding {
        let room = if self.has_edges() {
            0.0
        } else if self.layers.iter().all(|layer| matches!(layer, Layer::Series(series) if series.is_line())) {
            0.02
        } else {
            0.04
        };
        Padding { low: room, high: room }
    }

    pub(crate) fn has_edges(&self) -> bool {
        self.layers.iter().any(|layer| matches!(layer, Layer::HeatMap(_) | Layer::Histogram(_)))
    }

    pub(crate) fn y_span(&self) -> Span {
        let mut values: Vec<f64> = self.references.iter().map(|reference| reference.value).collect();
        let mut padding = Padding { low: 0.06, high: 0.06 };
        for layer in &self.layers {
            match layer {
                Layer::Series(series) => values.extend(series.y_values()),
                Layer::HeatMap(map) => {
                    values.extend([map.y.0, map.y.1]);
                    padding = Padding { low: 0.0, high: 0.0 };
                }
                Layer::Histogram(histogram) => {
                    values.push(0.0);
                    values.extend(histogram.density());
                    padding.low = 0.0;
                }
                Layer::Thumbnails(thumbnails) => values.extend(thumbnails.y_values()),
            }
        }
        self.y.span(values, padding)
    }

    pub(crate) fn color_scale(&self) -> Option<Scale> {
        self.layers
            .iter()
            .find_map(|layer| if let Layer::HeatMap(map) = layer { Some(map.scale()) } else { None })
    }

    /// Text beside the color bar.
    #[must_use]
    pub fn color_label(mut self, label: impl Into<String>) -> Self {
        self.bar_label = label.into();
        self
    }

    /// Layers with a color each.
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

    /// All drawn points, for finding room for labels.
    pub(crate) fn places(&self, frame: &Frame) -> Vec<(f64, f64)> {
        let series = self.layers.iter().filter_map(|layer| match layer {
            Layer::Series(series) => Some(series.places(frame)),
            _ => None,
        });
        series.flatten().filter(|(x, y)| x.is_finite() && y.is_finite()).collect()
    }
}
