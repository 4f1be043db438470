//! Draws from a model as pictures, arrays and tables.

use std::path::Path;

use anyhow::Result;
use gibbs_data::{Kind, npy};
use gibbs_report::ImageGrid;
use gibbs_train::atomic;

use crate::{
    config::RunConfig,
    data::DataConfig,
    pictures::scatter,
    usage::{OrUsage, usage},
};

/// Draws from a model, each of the shape of an example.
pub struct Draws<'a> {
    /// Shape of an example.
    pub shape: Vec<usize>,
    /// The data of the run, if it has any.
    pub data: Option<&'a DataConfig>,
    /// Levels in \[0, 1\] that a picture shows, `[n, width]`.
    pub shown: &'a [f32],
    /// Values that an array or a table holds, `[n, width]`.
    pub values: &'a [f32],
}

impl<M, T> RunConfig<M, T> {
    /// `n` draws of the shape of the examples.
    pub fn draws<'a>(&'a self, n: usize, shown: &'a [f32], values: &'a [f32]) -> Draws<'a> {
        let width = values.len() / n.max(1);
        let data = self.data.as_ref();
        let shape =
            data.map(|data| data.shape.clone()).filter(|shape| shape.iter().product::<usize>() == width);
        Draws { shape: shape.unwrap_or_else(|| vec![width]), data, shown, values }
    }

    /// Rows and columns of examples of this width as pictures; a row of a table is a single row.
    pub fn picture_shape(&self, width: usize) -> (usize, usize) {
        let data = self.data.as_ref();
        let shape = data.and_then(|data| picture_shape(&data.shape, data.read.kind));
        shape.filter(|(rows, columns)| rows * columns == width).unwrap_or((1, width))
    }
}

impl Draws<'_> {
    /// Writes the draws: a picture (`.png`), an array `[n, shape]` (`.npy`), or a table with a row for each draw (`.csv`).
    ///
    /// A picture is a grid of images where examples are images. Draws of bits in one row are the rows of one image, other draws
    /// are points in their first two columns. Arrays are f32; they and tables are f64 where the data have an offset, which is
    /// added again.
    ///
    /// # Errors
    /// A name with another ending, or a file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("png") => self.write_picture(path),
            Some("npy") => {
                let shape = [&[self.n()], &self.shape[..]].concat();
                match self.with_offset() {
                    Some(values) => Ok(npy::write(path, &values, &shape)?),
                    None => Ok(npy::write(path, self.values, &shape)?),
                }
            }
            Some("csv") => Ok(atomic::write(path, &self.table().or_usage()?)?),
            _ => Err(usage(format!("--out {}: the name must end in .png, .npy or .csv", path.display()))),
        }
    }

    fn width(&self) -> usize {
        self.shape.iter().product::<usize>().max(1)
    }

    fn n(&self) -> usize {
        self.values.len() / self.width()
    }

    fn kind(&self) -> Option<Kind> {
        self.data.and_then(|data| data.read.kind)
    }

    fn write_picture(&self, path: &Path) -> Result<()> {
        let grid = match picture_shape(&self.shape, self.kind()) {
            Some((rows, columns)) => ImageGrid::new(rows, columns).render(self.shown)?,
            // The states of a table of bits: one row each.
            None if self.kind() != Some(Kind::Real) && self.data.is_some() => {
                ImageGrid::new(self.n(), self.width()).render(self.shown)?
            }
            None => return Ok(scatter(&[("", self.values)], self.width()).save(path)?),
        };
        Ok(atomic::write(path, &grid.to_png()?)?)
    }

    /// The values in the coordinates of the files, where the data have an offset.
    fn with_offset(&self) -> Option<Vec<f64>> {
        let offset = self.data?.read.offset.as_ref()?;
        let add = |(i, &x): (usize, &f32)| f64::from(x) + offset[i % offset.len()];
        Some(self.values.iter().enumerate().map(add).collect())
    }

    /// A table with a header: the names of the columns, or `x0`, `x1` and so on.
    fn table(&self) -> Result<Vec<u8>> {
        let width = self.width();
        let names = self.data.and_then(|data| data.columns.clone());
        let names = names.filter(|names| names.len() == width);
        let names = names.unwrap_or_else(|| (0..width).map(|k| format!("x{k}")).collect());
        let fields: Vec<String> = match self.with_offset() {
            Some(values) => values.iter().map(f64::to_string).collect(),
            None => self.values.iter().map(f32::to_string).collect(),
        };
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&names)?;
        fields.chunks(width).try_for_each(|row| writer.write_record(row))?;
        Ok(writer.into_inner()?)
    }
}

/// Rows and columns of an example as an image: its last axis, and all axes before it. Axes of size 1 do not count. Gray values in
/// one row are a square if their number is one. `None`: a row of a table.
pub fn picture_shape(shape: &[usize], kind: Option<Kind>) -> Option<(usize, usize)> {
    let axes: Vec<usize> = shape.iter().copied().filter(|size| *size > 1).collect();
    match axes[..] {
        [ref rows @ .., columns] if !rows.is_empty() => Some((rows.iter().product(), columns)),
        [width] if matches!(kind, Some(Kind::Gray | Kind::UnitGray)) => {
            let side = width.isqrt();
            (side * side == width).then_some((side, side))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use gibbs_data::{Binarization, ReadConfig};

    use super::*;

    fn data(shape: &[usize], offset: Option<Vec<f64>>, columns: Option<Vec<String>>) -> DataConfig {
        let read = ReadConfig { offset, kind: Some(Kind::Real), ..ReadConfig::default() };
        let (name, binarization) = ("file".to_owned(), Binarization::None);
        DataConfig { name, binarization, shape: shape.to_vec(), columns, read }
    }

    #[test]
    fn images_are_what_has_two_axes() {
        assert_eq!(picture_shape(&[6, 9], None), Some((6, 9)));
        assert_eq!(picture_shape(&[6, 9, 1], Some(Kind::Binary)), Some((6, 9)));
        assert_eq!(picture_shape(&[2, 3, 4], None), Some((6, 4)));
        assert_eq!(picture_shape(&[49], Some(Kind::Real)), None);
        assert_eq!(picture_shape(&[54, 1], Some(Kind::Binary)), None);
        assert_eq!(picture_shape(&[784], Some(Kind::Gray)), Some((28, 28)));
        assert_eq!(picture_shape(&[785], Some(Kind::Gray)), None);
    }

    #[test]
    fn what_is_written_reads_back_in_the_coordinates_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let offset = vec![1.7e9, 0.0];
        let names = vec!["time, s".to_owned(), "y".to_owned()];
        let data = data(&[2], Some(offset.clone()), Some(names.clone()));
        let values = [0.125f32, 1.0, -3.5, 2.5, 7.0, -0.1];
        let draws = Draws { shape: vec![2], data: Some(&data), shown: &values, values: &values };
        let expected: Vec<f64> =
            values.iter().enumerate().map(|(i, x)| f64::from(*x) + offset[i % 2]).collect();
        let (array, table) = (folder.path().join("draws.npy"), folder.path().join("draws.csv"));
        draws.write(&array).unwrap();
        let npy::Npy { shape, values: found } = npy::read(&array).unwrap();
        assert_eq!((shape, found), (vec![3, 2], npy::Array::F64(expected)));
        draws.write(&table).unwrap();
        let read = ReadConfig { offset: Some(offset), whole: true, ..ReadConfig::default() };
        let set = read.read(&table).unwrap().test;
        assert_eq!((set.columns().unwrap(), set.values(&[0, 1, 2])), (&names[..], values.to_vec()));
        draws.write(&folder.path().join("draws.png")).unwrap();
        assert!(draws.write(&folder.path().join("draws.jpg")).is_err());
    }
}
