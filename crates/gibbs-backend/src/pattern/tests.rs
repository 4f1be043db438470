use super::*;

#[test]
fn the_bits_are_those_of_the_function() {
    for [rows, columns] in [[0, 0], [0, 3], [3, 0], [1, 1], [5, 16], [7, 33], [40, 100]] {
        let there = |i: usize, j: usize| (i * 7 + j * 5) % 3 == 1;
        let pattern = Pattern::from_fn(rows, columns, there);
        let elements = (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j)));
        assert!(elements.clone().all(|(i, j)| pattern.contains(i, j) == there(i, j)));
        assert_eq!(pattern.count(), elements.filter(|&(i, j)| there(i, j)).count());
        assert_eq!(pattern.dims(), [rows, columns]);
    }
}

#[test]
#[should_panic(expected = "element (1, 5) is outside the pattern [2, 5]")]
fn elements_outside_panic() {
    Pattern::from_fn(2, 5, |_, _| true).contains(1, 5);
}

#[cfg(feature = "flex")]
#[test]
fn zeros_and_ones_are_made_once_for_each_type() {
    let pattern = Pattern::from_fn(3, 40, |i, j| j % 3 == i);
    for dtype in [DType::F32, DType::F64, DType::F32, DType::F64] {
        let tensor = pattern.tensor::<burn::backend::Flex>(&Default::default(), dtype);
        assert_eq!(tensor.dtype(), dtype);
        let values: Vec<f64> = tensor.into_data().iter::<f64>().collect();
        assert!((0..120).all(|i| values[i] == f64::from(u8::from(pattern.contains(i / 40, i % 40)))));
    }
    assert_eq!(pattern.0.tensors.lock().unwrap().len(), 2);
}

/// Strips lie side by side, runs end to end, and each is what it is said to be; neighbors differ unless they were cut.
#[cfg(feature = "flex")]
#[test]
fn strips_cover_the_matrix_and_tell_the_truth() {
    use strips::{Kind, Strip};

    let staircase = |i: usize, j: usize| i * 3 < j * 2;
    let scattered = |i: usize, j: usize| (i * 40_503 + j * 30_011) % 1009 < 500;
    for pattern in [Pattern::from_fn(200, 700, staircase), Pattern::from_fn(700, 97, scattered)] {
        let [rows, columns] = pattern.dims();
        let check = |strips: &[Strip], [side, length]: [usize; 2], bit: &dyn Fn(usize, usize) -> bool| {
            assert!(strips.iter().flat_map(|strip| strip.range.clone()).eq(0..side));
            for strip in strips {
                assert!(strip.runs.iter().flat_map(|run| run.range.clone()).eq(0..length));
                for run in &strip.runs {
                    let mut bits =
                        strip.range.clone().flat_map(|i| run.range.clone().map(move |j| bit(i, j)));
                    assert!(match run.kind {
                        Kind::Empty => bits.all(|bit| !bit),
                        Kind::Full => bits.all(|bit| bit),
                        Kind::Mixed => run.range.len() <= 256,
                    });
                }
            }
        };
        check(pattern.strips_of_rows(), [rows, columns], &|i, j| pattern.contains(i, j));
        check(pattern.strips_of_columns(), [columns, rows], &|j, i| pattern.contains(i, j));
    }
    // Half of a staircase is skipped, up to the mixed runs.
    let strips = Pattern::from_fn(800, 800, |i, j| i < j);
    let area = |kind: Kind| -> usize {
        let all = strips.strips_of_columns().iter();
        all.flat_map(|strip| strip.runs.iter().map(move |run| (strip.range.len(), run)))
            .filter(|(_, run)| run.kind == kind)
            .map(|(width, run)| width * run.range.len())
            .sum()
    };
    assert!(
        area(Kind::Empty) > 240_000 && area(Kind::Full) > 240_000,
        "{} {}",
        area(Kind::Empty),
        area(Kind::Full)
    );
}
