//! Curves and dots, with error bars or bands.

use crate::axis::Axis;
use crate::frame::Frame;
use crate::scene::Scene;
use crate::{Color, ReportError, format_number};

/// Width of lines in pixels.
const LINE: f64 = 1.8;
/// A line with at most this many points also shows them as dots.
const FEW: usize = 25;
/// With more points than this, error bars would touch; a band replaces them.
const CROWD: usize = 60;

/// The form of lower and upper bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bounds {
    Band,
    Bars,
}

/// A named curve.
///
/// The curve has a gap where x or y is NaN or infinite. The legend counts the missing points. A curve with a single point
/// is drawn as a marker with its value.
///
/// ```
/// use gibbs_report::Series;
/// let epochs = [1.0, 2.0, 3.0];
/// let series = Series::new("AIS", &epochs, &[-99.0f32, -92.0, -90.5]).band(&[-99.5f32, -92.2, -90.6], &[-98.6, -91.9, -90.4]);
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct Series {
    pub(crate) name: String,
    x: Vec<f64>,
    y: Vec<f64>,
    bounds: Option<(Bounds, Vec<f64>, Vec<f64>)>,
    line: bool,
    dots: Option<f64>,
    color: Option<Color>,
}

fn to_f64<T: Copy + Into<f64>>(values: &[T]) -> Vec<f64> {
    values.iter().map(|&value| value.into()).collect()
}

impl Series {
    /// A line through the points `(x[i], y[i])`, with dots if there are few. Without a name it has no entry in the legend.
    pub fn new<X: Copy + Into<f64>, Y: Copy + Into<f64>>(name: impl Into<String>, x: &[X], y: &[Y]) -> Self {
        Self {
            name: name.into(),
            x: to_f64(x),
            y: to_f64(y),
            bounds: None,
            line: true,
            dots: None,
            color: None,
        }
    }

    /// Draws dots of this radius in pixels instead of a line, as in a scatter plot.
    pub fn dots(mut self, radius: f64) -> Self {
        (self.line, self.dots) = (false, Some(radius));
        self
    }

    /// Shades the region between a lower and an upper bound for each point.
    pub fn band<T: Copy + Into<f64>>(mut self, lower: &[T], upper: &[T]) -> Self {
        self.bounds = Some((Bounds::Band, to_f64(lower), to_f64(upper)));
        self
    }

    /// Draws a vertical bar from lower to upper at each point, or a band if there are more than 60 points.
    pub fn bars<T: Copy + Into<f64>>(mut self, lower: &[T], upper: &[T]) -> Self {
        let form = if self.x.len() > CROWD { Bounds::Band } else { Bounds::Bars };
        self.bounds = Some((form, to_f64(lower), to_f64(upper)));
        self
    }

    /// Draws bars of one standard error above and below.
    pub fn std_err<T: Copy + Into<f64>>(self, std_err: &[T]) -> Self {
        let errors = to_f64(std_err);
        let lower: Vec<f64> = self.y.iter().zip(&errors).map(|(y, e)| y - e).collect();
        let upper: Vec<f64> = self.y.iter().zip(&errors).map(|(y, e)| y + e).collect();
        self.bars(&lower, &upper)
    }

    /// Sets the color. By default it is the next one of the palette.
    pub fn color(mut self, color: Color) -> Self {
        self.color = Some(color);
        self
    }

    pub(crate) fn color_or(&self, palette: Color) -> Color {
        self.color.unwrap_or(palette)
    }

    pub(crate) fn check(&self) -> Result<(), ReportError> {
        let n = self.x.len();
        let wrong = |what: &str, found| {
            Err(ReportError::shape(format!("{what} of series `{}`", self.name), n, found))
        };
        if self.y.len() != n {
            return wrong("y", self.y.len());
        }
        match &self.bounds {
            Some((_, lower, _)) if lower.len() != n => wrong("lower bounds", lower.len()),
            Some((_, _, upper)) if upper.len() != n => wrong("upper bounds", upper.len()),
            _ => Ok(()),
        }
    }

    pub(crate) fn x_values(&self) -> impl Iterator<Item = f64> {
        self.x.iter().copied()
    }

    pub(crate) fn y_values(&self) -> impl Iterator<Item = f64> {
        let (lower, upper) = self.bounds.as_ref().map_or((&[][..], &[][..]), |(_, l, u)| (l, u));
        self.y.iter().chain(lower).chain(upper).copied()
    }

    pub(crate) fn is_line(&self) -> bool {
        self.line
    }

    /// The name, and how many points the axes cannot show.
    pub(crate) fn legend(&self, x: &Axis, y: &Axis) -> String {
        let missing = self.x.iter().zip(&self.y).filter(|&(&a, &b)| !x.shows(a) || !y.shows(b)).count();
        match missing {
            _ if self.name.is_empty() => String::new(),
            0 => self.name.clone(),
            _ => format!("{} ({missing} of {} not shown)", self.name, self.y.len()),
        }
    }

    /// Draws the band. It lies behind the lines.
    pub(crate) fn draw_band(&self, scene: &mut Scene, frame: &Frame, color: Color) {
        let Some((Bounds::Band, lower, upper)) = &self.bounds else { return };
        let mut run: Vec<[(f64, f64); 2]> = Vec::new();
        let mut close = |run: &mut Vec<[(f64, f64); 2]>| {
            if run.len() > 1 {
                let outline = run.iter().map(|pair| pair[1]).chain(run.iter().rev().map(|pair| pair[0]));
                scene.polygon(outline.map(|point| frame.clamped(point)).collect(), color, 0.22);
            }
            run.clear();
        };
        for i in 0..self.x.len() {
            let ends = [frame.place(self.x[i], lower[i]), frame.place(self.x[i], upper[i])];
            if ends.iter().all(|(x, y)| x.is_finite() && y.is_finite()) {
                run.push(ends);
            } else {
                close(&mut run);
            }
        }
        close(&mut run);
    }

    /// Draws error bars, line and dots.
    pub(crate) fn draw(&self, scene: &mut Scene, frame: &Frame, color: Color) {
        if let Some((Bounds::Bars, lower, upper)) = &self.bounds {
            for i in 0..self.x.len() {
                error_bar(
                    scene,
                    frame,
                    frame.place(self.x[i], lower[i]),
                    frame.place(self.x[i], upper[i]),
                    color,
                );
            }
        }
        let points = self.places(frame);
        let runs = runs(&points);
        if self.line {
            for run in &runs {
                for piece in frame.cut(&thinned(run, frame.width)) {
                    scene.line(piece, LINE, color);
                }
            }
        }
        let few = points.len() <= FEW;
        let radius = self.dots.unwrap_or(if self.single_point(frame).is_some() { 4.0 } else { 2.4 });
        let alpha = if self.line || few { 1.0 } else { 0.65 };
        for run in &runs {
            if !self.line || few || run.len() == 1 {
                for &point in run.iter().filter(|&&point| frame.holds(point)) {
                    scene.disc(point, radius, color, alpha);
                }
            }
        }
    }

    /// The place and the value of the point of a line that has only one.
    pub(crate) fn single_point(&self, frame: &Frame) -> Option<((f64, f64), String)> {
        let is_shown = |&(_, point): &(f64, (f64, f64))| frame.holds(point);
        let mut shown = self.y.iter().copied().zip(self.places(frame)).filter(is_shown);
        let (value, place) = shown.next().filter(|_| self.line)?;
        let text = format_number(value);
        let zeros = if text.contains('.') && !text.contains('e') { &['0'][..] } else { &[] };
        let text = text.trim_end_matches(zeros).trim_end_matches('.').to_owned();
        shown.next().is_none().then_some((place, text))
    }

    /// The places of all points. Labels avoid them.
    pub(crate) fn places(&self, frame: &Frame) -> Vec<(f64, f64)> {
        self.x.iter().zip(&self.y).map(|(&x, &y)| frame.place(x, y)).collect()
    }

    /// Draws the symbol in the legend around `(x, y)`.
    pub(crate) fn swatch(&self, scene: &mut Scene, (x, y): (f64, f64), color: Color) {
        if matches!(self.bounds, Some((Bounds::Band, ..))) {
            scene.rect([x - 10.0, y - 5.0, 20.0, 10.0], color, 0.22);
        }
        if matches!(self.bounds, Some((Bounds::Bars, ..))) {
            scene.line(vec![(x, y - 5.0), (x, y + 5.0)], 1.2, color);
        }
        if self.line {
            scene.line(vec![(x - 10.0, y), (x + 10.0, y)], 2.0, color);
        } else {
            scene.disc((x, y), 4.0, color, 1.0);
        }
    }
}

fn error_bar(scene: &mut Scene, frame: &Frame, low: (f64, f64), high: (f64, f64), color: Color) {
    for piece in frame.cut(&[low, high]) {
        scene.line(piece, 1.2, color);
    }
    for end in [low, high] {
        if frame.holds(end) {
            scene.line(vec![(end.0 - 3.5, end.1), (end.0 + 3.5, end.1)], 1.2, color);
        }
    }
}

/// The parts without gaps.
fn runs(points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
    points
        .split(|(x, y)| !x.is_finite() || !y.is_finite())
        .filter(|run| !run.is_empty())
        .map(<[_]>::to_vec)
        .collect()
}

/// If there are many more points than pixels: the first, lowest, highest and last point in each column of pixels. The
/// drawn line is the same.
fn thinned(run: &[(f64, f64)], width: f64) -> Vec<(f64, f64)> {
    if (run.len() as f64) < 8.0 * width {
        return run.to_vec();
    }
    let column = |point: &(f64, f64)| point.0.floor();
    let mut kept = Vec::new();
    for group in run.chunk_by(|a, b| column(a) == column(b)) {
        let by_y = |a: &usize, b: &usize| group[*a].1.total_cmp(&group[*b].1);
        let mut picks: Vec<usize> = vec![0, group.len() - 1];
        picks.extend((0..group.len()).min_by(by_y));
        picks.extend((0..group.len()).max_by(by_y));
        picks.sort_unstable();
        picks.dedup();
        kept.extend(picks.into_iter().map(|i| group[i]));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_split_a_line() {
        let nan = f64::NAN;
        let found = runs(&[(0.0, nan), (1.0, 1.0), (2.0, 2.0), (3.0, nan), (nan, 1.0), (5.0, 5.0)]);
        assert_eq!(found, [vec![(1.0, 1.0), (2.0, 2.0)], vec![(5.0, 5.0)]]);
        assert!(runs(&[]).is_empty());
    }

    #[test]
    fn thinning_keeps_the_extremes() {
        let many: Vec<(f64, f64)> =
            (0..100_000).map(|i| (f64::from(i) / 1000.0, f64::from(i % 977))).collect();
        let few = thinned(&many, 100.0);
        assert!(few.len() <= 400 && few.len() > 200, "{}", few.len());
        let range = |points: &[(f64, f64)]| {
            points.iter().fold((f64::MAX, f64::MIN), |(l, h), p| (l.min(p.1), h.max(p.1)))
        };
        assert_eq!(range(&few), range(&many));
        assert_eq!((few[0], few[few.len() - 1]), (many[0], many[99_999]));
    }

    #[test]
    fn lengths_that_do_not_fit_are_errors() {
        let series = Series::new("a", &[1.0, 2.0], &[1.0]);
        assert!(series.check().unwrap_err().to_string().contains("y of series `a`: 1 values, expected 2"));
        let series = Series::new("a", &[1.0], &[1.0]).band(&[0.0], &[2.0, 3.0]);
        assert!(series.check().unwrap_err().to_string().contains("upper bounds"));
    }
}
