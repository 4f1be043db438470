use super::*;

/// Multiples of 1/8 that add up exactly in f32, whatever the order.
fn eighths(count: usize) -> Vec<f32> {
    (0..count).map(|i| (((i * 2_654_435_761) >> 7) & 63) as f32 / 8.0 - 4.0).collect()
}

fn bits(count: usize, ones_in_16: usize) -> Vec<f32> {
    (0..count).map(|i| f32::from((((i * 40_503) >> 5) & 15) < ones_in_16)).collect()
}

fn by_rows(values: &[f32], rows: usize, columns: usize) -> Matrix<'_> {
    Matrix { values, rows, columns, row_stride: columns, column_stride: 1 }
}

fn naive(x: Matrix, w: Matrix) -> Vec<f32> {
    let at = |a: Matrix, r: usize, c: usize| a.values[r * a.row_stride + c * a.column_stride];
    let element = |r, c| (0..w.rows).map(|k| at(x, r, k) * at(w, k, c)).sum();
    (0..x.rows).flat_map(|r| (0..w.columns).map(move |c| (r, c))).map(|(r, c)| element(r, c)).collect()
}

#[test]
fn exact_sums_for_every_group_and_layout() {
    for (n, k, m) in [(1, 1, 1), (3, 7, 65), (33, 113, 64), (40, 341, 130), (70, 48, 9), (300, 17, 70)] {
        for ones in [0, 3, 8, 16] {
            let (x, w) = (bits(n * k, ones), eighths(k * m));
            for x in [by_rows(&x, n, k), by_rows(&x, k, n).transposed()] {
                for w in [by_rows(&w, k, m), by_rows(&w, m, k).transposed()] {
                    let expected = naive(x, w);
                    assert_eq!(product(x, w), expected);
                    assert_eq!(binary_product::<1>(x, w), expected);
                    assert_eq!(binary_product::<2>(x, w), expected);
                    assert_eq!(binary_product::<3>(x, w), expected);
                    assert_eq!(binary_product::<4>(x, w), expected);
                }
            }
        }
    }
}

#[test]
fn a_factor_of_any_value() {
    let (n, k, m) = (37, 230, 71);
    let (x, w) = (eighths(n * k), eighths(k * m));
    let (x, w) = (by_rows(&x, n, k), by_rows(&w, k, m));
    assert_eq!(product(x, w), naive(x, w));
}

#[test]
fn nothing_to_add() {
    assert_eq!(product(by_rows(&[], 3, 0), by_rows(&[], 0, 2)), [0.0; 6]);
    assert!(product(by_rows(&[], 0, 4), by_rows(&[1.0; 8], 4, 2)).is_empty());
    assert!(product(by_rows(&[1.0; 8], 2, 4), by_rows(&[], 4, 0)).is_empty());
}

#[test]
fn survey_counts_zeros_ones_and_others() {
    let about = |values: &[f32]| {
        let both = [by_rows(values, 2, 2), by_rows(values, 2, 2).transposed()].map(survey);
        assert!(both[0].nonzeros == both[1].nonzeros && both[0].binary == both[1].binary);
        (both[0].nonzeros, both[0].binary)
    };
    assert_eq!(about(&[0.0, -0.0, 1.0, 0.0]), (1, true));
    assert_eq!(about(&[0.0, -1.0, 1.0, 0.0]), (2, false));
    assert_eq!(about(&[f32::NAN, 0.0, 0.0, 0.0]), (1, false));
}
