//! Loads a data set by its name, or a file by its path.

use std::path::Path;

use crate::plane::Plane;
use crate::{DataError, Dataset, ReadConfig, Splits, bars, curves, digits, manifest};

/// Names and descriptions of the built-in sets.
pub const BUILT_IN: [(&str, &str); 9] = [
    ("digits", "70000 gray images of 28x28: synthetic handwritten digits, labels"),
    ("curves", "30000 gray images of 28x28: curves through three random points"),
    (
        "bars-and-stripes",
        "30 binary images of 4x4 with equal probabilities (bars-and-stripes-6x6: another side)",
    ),
    ("moons", "70000 points in the plane: two interleaved half circles"),
    ("rings", "70000 points in the plane: three circles"),
    ("checkerboard", "70000 points in the plane: uniform on 8 of 16 squares"),
    ("eight-gaussians", "70000 points in the plane: eight normal distributions on a circle"),
    ("pinwheel", "70000 points in the plane: five arms"),
    ("spirals", "70000 points in the plane: two spiral arms"),
];

/// The names of all sets for [`load`]: the built-in sets, then those with files in the data folder.
pub fn names() -> Vec<String> {
    let built_in = BUILT_IN.iter().map(|(name, _)| (*name).to_owned());
    built_in.chain(manifest::all().into_iter().map(|manifest| manifest.name)).collect()
}

/// The shape of an example of a named set; `None` for files.
pub fn example_shape(name: &str) -> Option<Vec<usize>> {
    match name {
        "digits" | "curves" => Some(vec![28, 28]),
        _ if name.parse::<Plane>().is_ok() => Some(vec![2]),
        _ => match bars_side(name) {
            Some(side) => Some(vec![side, side]),
            None => manifest::find(name).map(|manifest| manifest.shape),
        },
    }
}

/// The data set with the name `spec`, or the file with the path `spec`, in three parts; files as [`ReadConfig::default`] has it.
///
/// - The sets of [`BUILT_IN`] need no files. `bars-and-stripes-6x6` has another side.
/// - `mnist`, `fashion-mnist`, `binarized-mnist`, `frey-faces` are read from `data_dir/NAME/`. Their checksums are verified.
/// - Other texts are paths of `.npy`, `.npz`, `.csv`, `.tsv` or idx files, or folders of PNG files.
///
/// ```
/// use gibbs_data::load;
///
/// let splits = load("bars-and-stripes", "datasets".as_ref())?;
/// assert_eq!(splits.test.len(), 30);
/// assert_eq!(splits.known_density.map(|density| density.entropy()), Some(30f64.ln()));
/// # Ok::<(), gibbs_data::DataError>(())
/// ```
///
/// # Errors
///
/// [`DataError::Unknown`] if `spec` is neither a name nor a file, and the errors of
/// [`Manifest::load`](manifest::Manifest::load) and [`ReadConfig::read`].
pub fn load(spec: &str, data_dir: &Path) -> Result<Splits, DataError> {
    load_as(spec, &ReadConfig::default(), data_dir)
}

/// As [`load`], with files as `read` has it. Named sets do not depend on it.
///
/// # Errors
///
/// Those of [`load`].
pub fn load_as(spec: &str, read: &ReadConfig, data_dir: &Path) -> Result<Splits, DataError> {
    if spec == "digits" {
        return digits::splits();
    }
    if spec == "curves" {
        return curves::splits();
    }
    if let Some(side) = bars_side(spec) {
        return bars::bars_and_stripes(side);
    }
    if let Ok(set) = spec.parse::<Plane>() {
        return set.splits();
    }
    if let Some(manifest) = manifest::find(spec) {
        return manifest.load(data_dir);
    }
    if !Path::new(spec).exists() {
        return Err(DataError::Unknown { spec: spec.to_owned(), known: names() });
    }
    read.read(Path::new(spec))
}

/// The side in `bars-and-stripes` or `bars-and-stripes-NxN`.
fn bars_side(spec: &str) -> Option<usize> {
    let size = spec.strip_prefix("bars-and-stripes")?;
    if size.is_empty() {
        return Some(4);
    }
    let (rows, columns) = size.strip_prefix('-')?.split_once('x')?;
    rows.parse().ok().filter(|_| rows == columns)
}

/// All examples of a file, in its order, as [`ReadConfig::default`] has it: the training part where it has several.
///
/// # Errors
///
/// Those of [`ReadConfig::read`].
pub fn load_file(path: &Path) -> Result<Dataset, DataError> {
    let whole = ReadConfig { whole: true, ..ReadConfig::default() };
    Ok(whole.read(path)?.train)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::tempdir;

    use super::*;
    use crate::npy;

    #[test]
    fn each_name_is_known() {
        let folder = tempdir().unwrap();
        for name in names() {
            match load(&name, folder.path()) {
                Ok(splits) => {
                    assert!(splits.train.len() >= splits.valid.len() && !splits.test.is_empty(), "{name}");
                    assert!(splits.name().starts_with(&name));
                    assert_eq!(example_shape(&name).unwrap(), splits.train.shape());
                }
                Err(error) => {
                    let built_in = BUILT_IN.iter().any(|(built_in, _)| *built_in == name);
                    assert!(!built_in && matches!(error, DataError::Missing { .. }), "{error}");
                }
            }
        }
        assert!(Plane::ALL.iter().all(|set| names().iter().any(|name| name == set.name())));
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = load("mnits", Path::new("datasets")).unwrap_err().to_string();
        assert!(error.contains("'mnits'") && error.contains("digits") && error.contains("mnist"), "{error}");
    }

    #[test]
    fn sides_of_bars_and_stripes() {
        assert_eq!(bars_side("bars-and-stripes"), Some(4));
        assert_eq!(bars_side("bars-and-stripes-6x6"), Some(6));
        for other in ["bars-and-stripes-3x4", "bars-and-stripes-3", "bars-and-stripesx", "bars"] {
            assert_eq!(bars_side(other), None);
        }
        assert!(matches!(
            load("bars-and-stripes-99x99", Path::new("")),
            Err(DataError::BarsSide { side: 99 })
        ));
    }

    #[test]
    fn the_content_decides_the_format() {
        let folder = tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let spec = |name: &str| path(name).display().to_string();

        npy::write(&path("wide.npy"), &[0.5f64; 60], &[20, 3]).unwrap();
        let splits = load(&spec("wide.npy"), Path::new("")).unwrap();
        assert_eq!((splits.train.len(), splits.valid.len(), splits.test.len()), (16, 2, 2));
        assert_eq!(splits.train.values(&[0]), [0.5; 3]);

        npy::write(&path("bits.npy"), &[0u8, 1, 1, 0], &[4]).unwrap();
        let bits = load_file(&path("bits.npy")).unwrap();
        assert!(bits.is_binary());
        assert_eq!((bits.len(), bits.shape()), (4, &[1][..]));
        assert!(matches!(load(&spec("bits.npy"), Path::new("")), Err(DataError::EmptySplit { .. })));

        fs::write(
            path("images-idx3-ubyte"),
            [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..], &[9; 4]].concat(),
        )
        .unwrap();
        let images = load_file(&path("images-idx3-ubyte")).unwrap();
        assert_eq!((images.len(), images.shape()), (2, &[1, 2][..]));

        npy::write(&path("none.npy"), &[] as &[f32], &[0, 28, 28]).unwrap();
        fs::write(path("empty.npy"), []).unwrap();
        for name in ["none.npy", "empty.npy"] {
            assert!(matches!(load_file(&path(name)), Err(DataError::Empty { .. })), "{name}");
        }
        fs::write(path("picture.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        let error = load_file(&path("picture.png")).unwrap_err();
        assert!(matches!(error, DataError::UnknownFormat { .. }), "{error}");
        assert!(matches!(load_file(&path("absent.npy")), Err(DataError::Io { .. })));
        let empty = tempdir().unwrap();
        assert!(matches!(load_file(empty.path()), Err(DataError::NoPictures { .. })));
        npy::write(&path("nan.npy"), &[0.0f32, f32::NAN], &[2, 1]).unwrap();
        assert!(matches!(load_file(&path("nan.npy")), Err(DataError::NotFinite { row: 1, .. })));
    }
}
