//! `sample`.

use std::path::Path;

use gibbs_data::npy::{self, Array};
use tempfile::{TempDir, tempdir};

use super::{FAMILIES, RBM, bytes};

fn trained() -> TempDir {
    let folder = tempdir().unwrap();
    RBM.train(folder.path(), "run", &[]);
    folder
}

/// As many draws as there are bars and stripes.
fn draws(folder: &Path, further: &[&str]) -> Vec<f32> {
    let flags = ["sample", "run", "-n", "30", "--sweeps", "20", "--out", "draws.npy"];
    let outcome = RBM.run(folder, flags.iter().chain(further)).succeeds();
    assert_eq!(outcome.stdout, "");
    let file = npy::read(&folder.join("draws.npy")).unwrap();
    assert_eq!(file.shape, [30, 4, 4]);
    let Array::F32(values) = file.values else { panic!("{:?}", file.values) };
    values
}

/// Width and height in the header of a PNG file.
fn png_size(bytes: &[u8]) -> [u32; 2] {
    assert_eq!(&bytes[..16], b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    [16, 20].map(|at| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()))
}

#[test]
fn draws_of_every_family_follow_the_seed() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        family.train(folder.path(), "run", &[]);
        let draw = |seed: &str| {
            let flags = ["run", "-n", "30", "--out", "draws.npy", "--seed", seed];
            let outcome = family.sample(folder.path(), &flags).succeeds();
            assert_eq!(outcome.stdout, "");
            let file = npy::read(&folder.path().join("draws.npy")).unwrap();
            assert_eq!(file.shape, [30, 4, 4], "{}", family.name);
            let Array::F32(values) = file.values else { panic!("{:?}", file.values) };
            assert!(values.iter().all(|x| (0.0..=1.0).contains(x)), "{}: {values:?}", family.name);
            values
        };
        let first = draw("1");
        assert_eq!(draw("1"), first, "{}", family.name);
        assert_ne!(draw("2"), first, "{}: the seed does not matter", family.name);
    }
}

#[test]
fn draws_are_states_and_follow_the_seed() {
    let folder = trained();
    let first = draws(folder.path(), &["--seed", "1"]);
    assert!(first.iter().all(|&x| x == 0.0 || x == 1.0), "{first:?}");
    assert!(first.contains(&0.0) && first.contains(&1.0));
    assert_eq!(draws(folder.path(), &["--seed", "1"]), first);
    assert_ne!(draws(folder.path(), &["--seed", "2"]), first);
}

#[test]
fn chains_start_where_they_are_told() {
    let folder = trained();
    let starts = ["annealed", "noise", "data"].map(|start| draws(folder.path(), &["--start", start]));
    assert!(starts[0] != starts[1] && starts[1] != starts[2] && starts[0] != starts[2]);
}

#[test]
fn the_given_half_of_a_picture_stays() {
    let folder = trained();
    let data = gibbs_data::bars::bars_and_stripes(4).unwrap().test;
    type Given = fn(usize) -> bool;
    let halves: [(&str, Given); 4] = [
        ("upper", |pixel| pixel < 8),
        ("lower", |pixel| pixel >= 8),
        ("left", |pixel| pixel % 4 < 2),
        ("right", |pixel| pixel % 4 >= 2),
    ];
    for (half, given) in halves {
        let completed = draws(folder.path(), &["--given", half]);
        let mut changed = 0;
        for (row, picture) in completed.chunks(16).enumerate() {
            let differs = |pixel: &usize| picture[*pixel] != data.values(&[row])[*pixel];
            let (kept, drawn): (Vec<usize>, Vec<usize>) = (0..16).partition(|pixel| given(*pixel));
            assert!(!kept.iter().any(differs), "{half} half of example {row}: {picture:?}");
            changed += drawn.iter().filter(|pixel| differs(pixel)).count();
        }
        assert!(changed > 0, "the half that is not {half} is not drawn");
    }
}

#[test]
fn pictures_grow_with_the_number_of_draws() {
    for family in FAMILIES {
        let folder = tempdir().unwrap();
        family.train(folder.path(), "run", &[]);
        let picture = |n: &str, out: &str| {
            family.sample(folder.path(), &["run", "-n", n, "--out", out]).succeeds();
            png_size(&bytes(folder.path(), out))
        };
        let [few, many] = [picture("4", "few.png"), picture("400", "many.png")];
        assert!(few[0] >= 8 && few[1] >= 8, "{few:?}");
        assert!(many[0] > few[0] && many[1] > few[1], "{few:?} {many:?}");
        let outcome = family.sample(folder.path(), &["run", "-n", "4"]).succeeds();
        assert!(outcome.stderr.contains("run/samples.png"), "{}", outcome.stderr);
        assert_eq!(png_size(&bytes(folder.path(), "run/samples.png"))[0], few[0]);
    }
}
