use gibbs_backend::device;

use super::*;

fn gray(n: usize, width: usize) -> Dataset {
    let bytes = (0..n * width).map(|i| (i * 37 % 256) as u8).collect();
    Dataset::from_bytes("gray", bytes, &[width], Some((0..n).map(|i| (i % 10) as u8).collect())).unwrap()
}

#[test]
fn bytes_are_scaled_and_zeros_and_ones_are_not() {
    let set = Dataset::from_bytes("set", vec![0, 1, 128, 255], &[2], None).unwrap();
    assert_eq!(set.values(&[0, 1]), [0.0, 1.0 / 255.0, 128.0 / 255.0, 1.0]);
    assert!(!set.is_binary());
    let set = Dataset::from_bytes("set", vec![0, 1, 1, 0], &[2], None).unwrap();
    assert_eq!(set.values(&[1, 0]), [1.0, 0.0, 0.0, 1.0]);
    assert!(set.is_binary());
    assert_eq!(set.describe(), "set: 2 examples of 2, zeros and ones");
}

#[test]
fn balanced_rows_are_the_first_ones_of_each_class() {
    let set = |labels: &[u8]| {
        Dataset::from_bytes("set", vec![1; labels.len()], &[1], Some(labels.to_vec())).unwrap()
    };
    let labels = [0, 0, 0, 2, 0, 1, 2, 1];
    assert_eq!(set(&labels).balanced_rows(3), [0, 3, 5]);
    assert_eq!(set(&labels).balanced_rows(6), [0, 1, 3, 5, 6, 7]);
    // Classes that end are left behind.
    assert_eq!(set(&labels).balanced_rows(7), [0, 1, 2, 3, 5, 6, 7]);
    assert_eq!(set(&labels).balanced_rows(100), (0..8).collect::<Vec<_>>());
    assert_eq!(set(&labels).rows(3..7).balanced_rows(3), [0, 1, 2]);
    assert!(Dataset::from_bytes("set", vec![1; 4], &[1], None).unwrap().balanced_rows(2).is_empty());
}

#[test]
fn views_share_the_values() {
    let whole = gray(10, 3);
    let part = whole.rows(4..8).rows(1..3);
    assert_eq!(part.len(), 2);
    assert_eq!(part.values(&[0, 1]), whole.values(&[5, 6]));
    assert_eq!(part.labels(), Some(&[5, 6][..]));
    let (Storage::Gray(a), Storage::Gray(b)) = (&whole.values, &part.values) else { panic!("bytes") };
    assert!(Arc::ptr_eq(a, b));
}

#[test]
fn threshold_takes_bytes_from_128_on() {
    let set = Dataset::from_bytes("set", vec![0, 127, 128, 255], &[4], None).unwrap();
    assert_eq!(set.binarized(Binarization::Threshold, 0).unwrap().values(&[0]), [0.0, 0.0, 1.0, 1.0]);
}

#[test]
fn draws_belong_to_the_example_and_the_epoch() {
    let set = gray(300, 400).binarized(Binarization::Stochastic, 3).unwrap();
    let all: Vec<usize> = (0..300).collect();
    let whole = set.values(&all);
    assert!(whole.iter().all(|&x| x == 0.0 || x == 1.0));
    assert_eq!(set.values(&[7]), whole[7 * 400..8 * 400], "small and large batches agree");
    assert_eq!(set.rows(5..9).values(&[2]), whole[7 * 400..8 * 400], "views agree");
    let other = set.at_epoch(1).values(&all);
    assert_ne!(whole, other);
    let seeded = gray(300, 400).binarized(Binarization::Stochastic, 4).unwrap();
    assert_ne!(whole, seeded.values(&all));

    let fixed = gray(300, 400).binarized(Binarization::Fixed, 3).unwrap();
    assert_eq!(fixed.values(&all), fixed.at_epoch(1).values(&all));
    assert_ne!(fixed.values(&all), whole);
}

#[test]
fn binarized_means_are_the_grey_values() {
    let (n, width) = (4000, 8);
    let bytes = [0, 1, 30, 90, 128, 200, 254, 255].repeat(n);
    let set = Dataset::from_bytes("same", bytes, &[width], None).unwrap();
    let means = set.mean();
    let drawn = set.clone().binarized(Binarization::Fixed, 1).unwrap().mean();
    for (mean, p) in drawn.iter().zip(&means) {
        let std_err = (p * (1.0 - p) / n as f64).sqrt();
        assert!((mean - p).abs() <= 4.0 * std_err, "{mean} for {p}");
    }
    assert_eq!((drawn[0], drawn[7]), (0.0, 1.0));
    assert_eq!(set.binarized(Binarization::Stochastic, 1).unwrap().mean(), means);
}

#[test]
fn dequantized_values_fill_their_cells() {
    let set = Dataset::from_bytes("set", [0, 200, 255, 7].repeat(1000), &[4], None).unwrap();
    let noisy = set.dequantized(0).unwrap();
    let values = noisy.values(&(0..1000).collect::<Vec<_>>());
    let cells: Vec<f32> = values.iter().map(|x| (x * 256.0).floor()).collect();
    assert_eq!(cells, [0.0, 200.0, 255.0, 7.0].repeat(1000));
    assert_ne!(values, noisy.at_epoch(1).values(&(0..1000).collect::<Vec<_>>()));
    let mean: f64 = values.iter().step_by(4).map(|&x| f64::from(x) * 256.0).sum::<f64>() / 1000.0;
    assert!((mean - 0.5).abs() < 4.0 / (12.0f64 * 1000.0).sqrt(), "mean {mean}");
    assert!((noisy.mean()[1] - 200.5 / 256.0).abs() < 1e-7);

    let binary = Dataset::from_bytes("bits", vec![0, 1], &[2], None).unwrap();
    assert!(matches!(binary.dequantized(0), Err(DataError::NotQuantized { .. })));
}

#[test]
fn unfit_data_is_refused() {
    let shaped = |values: Vec<f32>, shape: &[usize]| Dataset::from_f32("set", values, shape, None);
    assert!(matches!(shaped(vec![], &[2]), Err(DataError::Empty { .. })));
    assert!(matches!(shaped(vec![1.0], &[0]), Err(DataError::Empty { .. })));
    assert!(matches!(shaped(vec![1.0; 5], &[2]), Err(DataError::Shape { .. })));
    assert!(matches!(shaped(vec![1.0, 2.0, f32::NAN, 0.0], &[2]), Err(DataError::NotFinite { row: 1, .. })));
    assert!(matches!(
        shaped(vec![1.0, f32::NEG_INFINITY], &[2]),
        Err(DataError::NotFinite { row: 0, value: f64::NEG_INFINITY, .. })
    ));
    let labeled = Dataset::from_bytes("set", vec![0, 1, 2, 3], &[2], Some(vec![1, 2, 3]));
    assert_eq!(
        labeled.unwrap_err().to_string(),
        "set: 3 labels for 2 examples; take the two files of the same set"
    );
    assert!(matches!(
        Dataset::from_bytes_as(true, "set", vec![0, 1, 1, 9], &[2]),
        Err(DataError::NotBinary { row: 1, value: 9, .. })
    ));
}

#[test]
fn binary_models_need_values_in_the_unit_interval() {
    let set = Dataset::from_f32("set", vec![0.0, 1.0, 0.5, 1.5], &[2], None).unwrap();
    for kind in Binarization::ALL {
        let error = set.clone().binarized(kind, 0).unwrap_err();
        assert!(matches!(error, DataError::OutsideUnit { row: 1, value: 1.5, .. }), "{kind}");
    }
    assert!(set.rows(0..1).binarized(Binarization::Fixed, 0).is_ok());
    let negative = Dataset::from_f32("set", vec![-0.1], &[1], None).unwrap();
    assert!(negative.require_unit_interval().is_err());
}

#[test]
fn another_width_than_the_models_is_refused() {
    let set = Dataset::from_bytes("set", vec![0; 12], &[2, 3], None).unwrap();
    assert!(set.require_width(6).is_ok());
    assert_eq!(
        set.require_width(784).unwrap_err().to_string(),
        "set: examples of 6 (2x3) values, but the model has 784; give data of this width"
    );
}

#[test]
fn tensors_hold_the_values_on_the_device() {
    let device = device("flex").unwrap();
    let batch = gray(20, 5).batch(&[3, 11, 3], &device);
    assert_eq!(batch.x.dims(), [3, 5]);
    assert_eq!(batch.x.into_data().try_to_vec::<f32>().unwrap(), gray(20, 5).values(&[3, 11, 3]));
    assert_eq!(batch.labels, Some(vec![3, 1, 3]));
}
