//! How examples and draws are shown and written: images, fields, rows of bits, points of a table.

use gibbs_data::{Kind, npy};
use gibbs_report::{ColorMap, Histogram, Picture, pair_plot};
use gibbs_train::atomic;

use crate::{
    pictures::{DOT, column, range},
    prelude::*,
};

/// The least side of an image that comes as a flat row of bits.
const FLAT_SIDE: usize = 16;
/// The most columns of a table that are compared pair by pair.
const MOST_COLUMNS: usize = 8;
/// The most rows of pixels, the width of a set of them, and the most pixels of the screen for each.
const MOST_ROWS: usize = 400;
const ROW_WIDTH: usize = 400;
const MOST_SCALE: usize = 10;
/// Bins of the histogram of a single column.
const BINS: usize = 40;
/// Height of a panel of points of the plane.
const PLANE_HEIGHT: u32 = 380;

/// How examples are shown and written.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Shape of an example.
    pub shape: Vec<usize>,
    /// Names of its columns.
    pub names: Vec<String>,
    /// What is added to each column again when values are written, in the coordinates of the files.
    pub offset: Option<Vec<f64>>,
    style: Style,
}

#[derive(Clone, Debug, PartialEq)]
enum Style {
    /// Gray images with rows and columns; values in \[0, 1\].
    Images((usize, usize)),
    /// Fields on a lattice with rows and columns, with the name of the field.
    Fields((usize, usize), String),
    /// Rows of gray pixels; values in \[0, 1\].
    Rows,
    /// Points of a table.
    Points,
}

impl Look {
    /// The look of examples of this shape, whose values are of a kind. Images and fields have their last axis and all axes before
    /// it as columns and rows; axes of size 1 do not count. Gray values in one row are an image if their number is a square; bits
    /// in one row if it is a large one.
    pub fn of(shape: &[usize], kind: Kind) -> Self {
        let width = shape.iter().product::<usize>();
        let axes: Vec<usize> = shape.iter().copied().filter(|size| *size > 1).collect();
        let side = width.isqrt();
        let least_side = if kind == Kind::Binary { FLAT_SIDE } else { 2 };
        let style = match axes[..] {
            [_, .., columns] if kind == Kind::Real => {
                Style::Fields((width / columns, columns), "value".into())
            }
            [_, .., columns] => Style::Images((width / columns, columns)),
            _ if kind == Kind::Real => Style::Points,
            _ if side * side == width && side >= least_side => Style::Images((side, side)),
            _ => Style::Rows,
        };
        let names = (0..width).map(|k| format!("x{k}")).collect();
        Self { shape: shape.to_vec(), names, offset: None, style }
    }

    /// The same look, with the name of the field if examples are fields.
    #[must_use]
    pub fn of_field(mut self, name: &str) -> Self {
        if let Style::Fields(_, field) = &mut self.style {
            *field = name.into();
        }
        self
    }

    /// Rows and columns of the gray image that an example is, if it is one.
    pub fn image(&self) -> Option<(usize, usize)> {
        if let Style::Images(shape) = self.style { Some(shape) } else { None }
    }

    /// Rows and columns of the image or field that an example is, if it is one.
    pub fn pixels(&self) -> Option<(usize, usize)> {
        match self.style {
            Style::Images(shape) | Style::Fields(shape, _) => Some(shape),
            Style::Rows | Style::Points => None,
        }
    }

    /// Whether examples are points of a table.
    pub fn is_of_points(&self) -> bool {
        self.style == Style::Points
    }

    /// Draws examples. Of images and fields only the last set is shown; points and rows of all sets are shown together or next
    /// to each other, with the names of the sets.
    ///
    /// # Errors
    /// Values that do not fit the look.
    pub fn picture(&self, title: &str, sets: &[(&str, &[f32])]) -> Result<Picture> {
        let last = sets.last().map_or(&[][..], |(_, values)| values);
        match &self.style {
            Style::Images((rows, columns)) => {
                Ok(ImageGrid::new(*rows, *columns).title(title).render(last)?)
            }
            Style::Fields(shape, _) => Ok(self.grid(*shape, last).title(title).render(last)?),
            Style::Rows => {
                let width = self.width();
                let n = sets.iter().map(|(_, values)| values.len() / width).fold(MOST_ROWS, usize::min);
                let first: Vec<&[f32]> = sets.iter().map(|(_, values)| &values[..n * width]).collect();
                let grid =
                    ImageGrid::new(n, width).scale((ROW_WIDTH / width).clamp(1, MOST_SCALE)).title(title);
                Ok(grid.column_labels(sets.iter().map(|(name, _)| name)).render_columns(&first)?)
            }
            Style::Points => Ok(points(&self.names, sets)?.title(title).to_picture()?),
        }
    }

    /// An empty grid of gray images, or of fields in colors that suit all `values`.
    pub fn grid(&self, (rows, columns): (usize, usize), values: &[f32]) -> ImageGrid {
        let grid = ImageGrid::new(rows, columns);
        let Style::Fields(_, name) = &self.style else { return grid };
        let largest = values.iter().fold(f32::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
        grid.color_bar(name).range(-largest, largest).color_map(ColorMap::CoolWarm)
    }

    /// Writes completed examples as [`write`](Self::write) does. A picture of images shows what was `given` next to each.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_completed(
        &self,
        path: &Path,
        title: &str,
        given: &[f32],
        shown: &[f32],
        values: &[f32],
    ) -> Result<()> {
        let is_picture = path.extension().is_some_and(|extension| extension == "png");
        let Some((rows, columns)) = self.image().filter(|_| is_picture) else {
            return self.write(path, title, shown, values);
        };
        let width = rows * columns;
        let pairs: Vec<f32> = given
            .chunks(width)
            .zip(shown.chunks(width))
            .flat_map(|(given, drawn)| [given, drawn])
            .flatten()
            .copied()
            .collect();
        let side = ((given.len() / width) as f64 / 2.0).sqrt().ceil() as usize;
        let grid = ImageGrid::new(rows, columns).title(title).columns(2 * side);
        let grid = grid.column_labels((0..side).flat_map(|_| ["given", "drawn"]));
        let grid = (1..side).fold(grid, |grid, k| grid.separator_after(2 * k));
        Ok(atomic::write(path, &grid.render(&pairs)?.to_png()?)?)
    }

    /// Writes examples: a picture (`.png`) of what is `shown` of them, an array (`.npy`) or a table (`.csv`) of their `values`.
    /// Arrays are f32, f64 with an offset.
    ///
    /// # Errors
    /// A name with another ending, or a file that cannot be written.
    pub fn write(&self, path: &Path, title: &str, shown: &[f32], values: &[f32]) -> Result<()> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("png") => Ok(atomic::write(path, &self.picture(title, &[("", shown)])?.to_png()?)?),
            Some("npy") => {
                let shape = [&[values.len() / self.width()], self.shape.as_slice()].concat();
                match self.with_offset(values) {
                    Some(values) => Ok(npy::write(path, &values, &shape)?),
                    None => Ok(npy::write(path, values, &shape)?),
                }
            }
            Some("csv") => Ok(atomic::write(path, &self.table(values)?)?),
            _ => Err(usage!("--out {}: the name must end in .png, .npy or .csv", path.display())),
        }
    }

    /// Values of an example.
    pub fn width(&self) -> usize {
        self.shape.iter().product::<usize>().max(1)
    }

    fn with_offset(&self, values: &[f32]) -> Option<Vec<f64>> {
        let offset = self.offset.as_ref()?;
        let add = |(i, &x): (usize, &f32)| f64::from(x) + offset[i % offset.len()];
        Some(values.iter().enumerate().map(add).collect())
    }

    /// A table with the names of the columns above the values.
    fn table(&self, values: &[f32]) -> Result<Vec<u8>> {
        let fields: Vec<String> = match self.with_offset(values) {
            Some(values) => values.iter().map(f64::to_string).collect(),
            None => values.iter().map(f32::to_string).collect(),
        };
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.names)?;
        fields.chunks(self.width()).try_for_each(|row| writer.write_record(row))?;
        Ok(writer.into_inner()?)
    }
}

/// The title of draws that do not depend on each other.
pub fn independent_draws(n: usize) -> String {
    format!("{n} independent draws")
}

/// Points of tables: a histogram of one column, the plane of two, all pairs of more, up to eight.
fn points(names: &[String], sets: &[(&str, &[f32])]) -> Result<Figure> {
    match names {
        [name] => {
            let all: Vec<f32> = sets.iter().flat_map(|(_, values)| values.iter().copied()).collect();
            let (low, high) = range(all);
            let panel = sets.iter().fold(Panel::new(Axis::new("density")), |panel, (set, values)| {
                panel.histogram(Histogram::over(*set, values, BINS, (low, high)))
            });
            Ok(Figure::new(Axis::new(name)).panel(panel))
        }
        [x, y] => {
            let all: Vec<f32> = sets.iter().flat_map(|(_, values)| values.iter().copied()).collect();
            let [of_x, of_y] = [0, 1].map(|k| range(column(&all, 2, k)));
            let figure = Figure::new(Axis::new(x).range(of_x.0, of_x.1)).columns(sets.len());
            Ok(sets.iter().fold(figure.panel_height(PLANE_HEIGHT), |figure, (set, values)| {
                let dots = Series::new("", &column(values, 2, 0), &column(values, 2, 1)).dots(DOT);
                figure.panel(Panel::new(Axis::new(y).range(of_y.0, of_y.1)).title(*set).series(dots))
            }))
        }
        _ => {
            let (width, shown) = (names.len(), names.len().min(MOST_COLUMNS));
            let first =
                |values: &[f32]| values.chunks(width).flat_map(|row| &row[..shown]).copied().collect();
            let first: Vec<(&str, Vec<f32>)> =
                sets.iter().map(|(set, values)| (*set, first(values))).collect();
            let sets: Vec<(&str, &[f32])> =
                first.iter().map(|(set, values)| (*set, values.as_slice())).collect();
            Ok(pair_plot(&names[..shown], &sets)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use gibbs_data::ReadConfig;

    use super::*;

    #[test]
    fn the_shape_and_the_kind_decide_how_examples_look() {
        let style = |shape: &[usize], kind| Look::of(shape, kind).style;
        assert_eq!(style(&[28, 20], Kind::Gray), Style::Images((28, 20)));
        assert_eq!(style(&[6, 9, 1], Kind::Binary), Style::Images((6, 9)));
        assert_eq!(style(&[4, 4, 4], Kind::Binary), Style::Images((16, 4)));
        assert_eq!(style(&[784], Kind::Gray), Style::Images((28, 28)));
        assert_eq!(style(&[784], Kind::Binary), Style::Images((28, 28)));
        assert_eq!(style(&[785], Kind::Gray), Style::Rows);
        assert_eq!(style(&[49], Kind::Binary), Style::Rows);
        assert_eq!(style(&[54, 1], Kind::Binary), Style::Rows);
        assert_eq!(style(&[1, 112], Kind::Binary), Style::Rows);
        assert_eq!(style(&[6, 6], Kind::Real), Style::Fields((6, 6), "value".into()));
        assert_eq!(style(&[784], Kind::Real), Style::Points);
    }

    #[test]
    fn arrays_have_the_shape_of_the_examples() {
        let folder = tempfile::tempdir().unwrap();
        for shape in [vec![49], vec![1, 54], vec![54, 1], vec![5, 4, 1]] {
            let values = vec![0.5; 3 * shape.iter().product::<usize>()];
            let path = folder.path().join("draws.npy");
            Look::of(&shape, Kind::Gray).write(&path, "", &values, &values).unwrap();
            assert_eq!(npy::read(&path).unwrap().shape, [&[3], shape.as_slice()].concat());
        }
    }

    #[test]
    fn what_is_written_reads_back_in_the_coordinates_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let offset = vec![1.7e9, 0.0];
        let names = vec!["time, s".to_owned(), "y".to_owned()];
        let look = Look { names: names.clone(), offset: Some(offset.clone()), ..Look::of(&[2], Kind::Real) };
        let values = [0.125f32, 1.0, -3.5, 2.5, 7.0, -0.1];
        let expected: Vec<f64> =
            values.iter().enumerate().map(|(i, x)| f64::from(*x) + offset[i % 2]).collect();
        let (array, table) = (folder.path().join("draws.npy"), folder.path().join("draws.csv"));
        look.write(&array, "", &values, &values).unwrap();
        let npy::Npy { shape, values: found } = npy::read(&array).unwrap();
        assert_eq!((shape, found), (vec![3, 2], npy::Array::F64(expected)));
        look.write(&table, "", &values, &values).unwrap();
        let read = ReadConfig { offset: Some(offset), whole: true, ..ReadConfig::default() };
        let set = read.read(&table).unwrap().test;
        assert_eq!((set.columns().unwrap(), set.values(&[0, 1, 2])), (&names[..], values.to_vec()));
        assert!(look.write(&folder.path().join("draws.jpg"), "", &values, &values).is_err());
    }

    /// Tables of one column, two, three, and more than are compared; bits; fields.
    #[test]
    fn every_look_can_be_drawn() {
        let values: Vec<f32> = (0..1200).map(|i| (i * i % 101) as f32 / 101.0).collect();
        let tables = [1, 2, 3, 12].map(|width| (vec![width], Kind::Real));
        for (shape, kind) in tables.into_iter().chain([(vec![12], Kind::Binary), (vec![3, 4], Kind::Real)]) {
            let picture = Look::of(&shape, kind)
                .picture("draws", &[("test data", &values), ("draws", &values)])
                .unwrap();
            assert!(picture.width() > 50 && picture.height() > 50, "{shape:?}");
        }
    }
}
