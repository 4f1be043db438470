//! PNG files as examples.

use std::fs;
use std::path::{Path, PathBuf};

use image::ImageFormat;

use crate::content::{Content, Labels};
use crate::{Array, DataError, Dataset};

/// The gray values of a PNG file as bytes, row by row, and its `[rows, columns]`. Colors become their luminance. Transparency
/// is ignored.
///
/// # Errors
///
/// [`DataError::Io`] if the file cannot be read, [`DataError::Malformed`] if it is not a PNG file.
pub fn read(path: &Path) -> Result<(Vec<u8>, [usize; 2]), DataError> {
    let bytes = fs::read(path).map_err(DataError::io("read", path))?;
    let image = image::load_from_memory_with_format(&bytes, ImageFormat::Png).map_err(|error| {
        DataError::Malformed { path: path.to_path_buf(), format: "PNG", reason: error.to_string() }
    })?;
    let gray = image.to_luma8();
    let (columns, rows) = gray.dimensions();
    Ok((gray.into_raw(), [rows as usize, columns as usize]))
}

/// One example of gray bytes for each PNG file, in their order.
///
/// # Errors
///
/// Those of [`read`]; [`DataError::Shape`] if the pictures differ in size, [`DataError::Empty`] without files.
pub fn images(name: &str, paths: &[PathBuf]) -> Result<Dataset, DataError> {
    let (bytes, shape) = read_all(paths)?;
    Dataset::from_bytes_as(false, name, bytes, &shape)
}

/// The PNG files of a folder as examples, in the order of their names. Without any, its folders are the classes, in the order of
/// their names.
///
/// # Errors
///
/// [`DataError::NoPictures`] for a folder without PNG files, [`DataError::Shape`] if they differ in size.
pub(crate) fn folder(path: &Path) -> Result<Content, DataError> {
    let name = path.display().to_string();
    let (pictures, folders) = entries(path)?;
    let mut labels = None;
    let mut paths = pictures;
    if paths.is_empty() {
        let mut words = Vec::new();
        for folder in folders {
            let class = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let (pictures, _) = entries(&folder)?;
            words.extend(pictures.iter().map(|_| class.clone()));
            paths.extend(pictures);
        }
        labels = Some(Labels::Words(words));
    }
    if paths.is_empty() {
        return Err(DataError::NoPictures { path: path.to_path_buf() });
    }
    let (bytes, [rows, columns]) = read_all(&paths)?;
    let content = Content::of_array(name, &[paths.len(), rows, columns], Array::U8(bytes));
    Ok(Content { labels, is_gray: true, ..content })
}

/// The PNG files and the folders in a folder, in the order of their names.
fn entries(path: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DataError> {
    let (mut pictures, mut folders) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(path).map_err(DataError::io("read", path))? {
        let entry = entry.map_err(DataError::io("read", path))?.path();
        if entry.is_dir() {
            folders.push(entry);
        } else if entry.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png")) {
            pictures.push(entry);
        }
    }
    pictures.sort_unstable();
    folders.sort_unstable();
    Ok((pictures, folders))
}

/// The gray values of PNG files of one size, one after the other.
fn read_all(paths: &[PathBuf]) -> Result<(Vec<u8>, [usize; 2]), DataError> {
    let mut shape = None;
    let mut bytes = Vec::new();
    for path in paths {
        let (values, found) = read(path)?;
        let [rows, columns] = *shape.get_or_insert(found);
        if found != [rows, columns] {
            return Err(DataError::Shape {
                name: path.display().to_string(),
                found: found.into(),
                expected: format!("{rows}x{columns}, the size of {},", paths[0].display()),
            });
        }
        bytes.extend(values);
    }
    Ok((bytes, shape.unwrap_or([0, 0])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, [rows, columns]: [u32; 2], value: impl Fn(u32, u32) -> u8) -> PathBuf {
        image::GrayImage::from_fn(columns, rows, |x, y| image::Luma([value(y, x)])).save(path).unwrap();
        path.to_path_buf()
    }

    #[test]
    fn pictures_are_examples_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let first = write(&folder.path().join("a.png"), [2, 3], |row, column| (100 * row + column) as u8);
        let second = write(&folder.path().join("b.png"), [2, 3], |_, _| 255);
        let set = images("pictures", &[first.clone(), second]).unwrap();
        assert_eq!((set.len(), set.shape()), (2, &[2, 3][..]));
        let expected = [0, 1, 2, 100, 101, 102].map(|byte| byte as f32 / 255.0);
        assert_eq!(set.values(&[0]), expected);
        assert_eq!(set.values(&[1]), [1.0; 6]);

        let large = write(&folder.path().join("c.png"), [3, 3], |_, _| 0);
        let message = images("pictures", &[first.clone(), large]).unwrap_err().to_string();
        assert!(message.contains("c.png: shape [3, 3] where 2x3, the size of"), "{message}");
        assert!(matches!(images("pictures", &[]), Err(DataError::Empty { .. })));
        fs::write(&first, b"\x89PNG\r\n\x1a\n").unwrap();
        assert!(matches!(read(&first), Err(DataError::Malformed { format: "PNG", .. })));
        assert!(matches!(read(&folder.path().join("none.png")), Err(DataError::Io { .. })));
    }
}
