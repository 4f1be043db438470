use gibbs_backend::Noise;

use super::*;

const ROWS: usize = 2000;

fn normal(name: &str, n: usize) -> Vec<f64> {
    let noise = &mut Noise::new(7, name.to_owned());
    // The sum of twelve uniform numbers is normal up to its fourth cumulant.
    (0..n).map(|_| noise.uniform_vec(12).iter().map(|&u| f64::from(u)).sum::<f64>() - 6.0).collect()
}

fn uniform(name: &str, n: usize) -> Vec<f64> {
    Noise::new(7, name.to_owned()).uniform_vec(n).into_iter().map(f64::from).collect()
}

fn table(columns: &[Vec<f64>]) -> Dataset {
    let rows = (0..columns[0].len()).flat_map(|i| columns.iter().map(move |column| column[i] as f32));
    Dataset::from_f32("table", rows.collect(), &[columns.len()], None).unwrap()
}

fn findings(columns: &[Vec<f64>]) -> Vec<Finding> {
    DataCheck::of(&table(columns)).findings
}

#[test]
fn smooth_columns_have_no_findings() {
    let (a, b) = (normal("a", ROWS), normal("b", ROWS));
    let tails: Vec<f64> = a.iter().map(|x| x * x.abs().sqrt()).collect();
    assert_eq!(findings(&[a.clone(), b, tails]), []);
    let shifted: Vec<f64> = a.iter().map(|x| 1000.0 + x).collect();
    assert_eq!(findings(&[shifted]), []);
}

#[test]
fn repeated_and_dependent_columns_are_named_with_those_they_depend_on() {
    let (a, b, c) = (normal("a", ROWS), normal("b", ROWS), normal("c", ROWS));
    let sum = a.iter().zip(&b).map(|(a, b)| 3.0 * a - b + 10.0).collect();
    let noisy = c.iter().zip(&a).map(|(c, a)| a + 0.01 * c).collect();
    let found = findings(&[a.clone(), b, c, a, sum, noisy]);
    assert_eq!(found[0], Finding::Repeated { column: "3".into(), of: "0".into() });
    let Finding::Dependent { column, on, rest } = &found[1] else { panic!("{found:?}") };
    assert_eq!((column.as_str(), on), ("4", &vec!["0".to_string(), "1".into()]));
    assert!(*rest < 1e-6, "only f32 rounds: {rest}");
    // 0.01·c is a hundredth of the column: it is linear in a and c, exactly.
    let Finding::Dependent { column, on, .. } = &found[2] else { panic!("{found:?}") };
    assert_eq!((column.as_str(), on), ("5", &vec!["0".to_string(), "2".into()]));
    assert_eq!(found.len(), 3);
}

#[test]
fn a_few_extreme_rows_make_no_dependence() {
    let (mut a, mut b) = (normal("a", ROWS), normal("b", ROWS));
    (a[5], b[5]) = (1e7, 1e7);
    let found = findings(&[a, b]);
    assert!(found.iter().all(|finding| matches!(finding, Finding::Outliers { count: 1, .. })), "{found:?}");
    assert_eq!(found.len(), 2);
}

#[test]
fn few_rows_make_no_dependence() {
    let columns: Vec<Vec<f64>> = (0..20).map(|k| normal(&format!("column {k}"), 30)).collect();
    assert_eq!(findings(&columns), []);
}

#[test]
fn kinds_constants_and_steps_are_those_of_the_values() {
    let (a, u) = (normal("a", ROWS), uniform("u", ROWS));
    let counts: Vec<f64> = u.iter().map(|u| (u * 7.0).floor() - 2.0).collect();
    let bits = u.iter().map(|u| f64::from(u8::from(*u > 0.3))).collect();
    let tenths: Vec<f64> = a.iter().map(|x| (x * 10.0).round() / 10.0).collect();
    let data = table(&[a, counts, bits, vec![7.5; ROWS], tenths]);
    let integer = ColumnKind::Integer { low: -2, high: 4 };
    let kinds = kind_of_columns(&data);
    assert_eq!(kinds, [ColumnKind::Real, integer, ColumnKind::Binary, ColumnKind::Real, ColumnKind::Real]);
    assert_eq!(constant_columns(&data), [(3, 7.5)]);
    let check = DataCheck::of(&data);
    assert_eq!(check.kinds, Some(KindCounts { binary: 1, integer: 1, real: 3 }));
    let step = |column: usize| {
        check.findings.iter().find_map(|finding| match finding {
            Finding::Discrete { column: name, step, .. } if *name == column.to_string() => *step,
            _ => None,
        })
    };
    assert_eq!([0, 1, 2, 3, 4].map(step), [None, Some(1.0), Some(1.0), None, Some(0.1)]);
}

#[test]
fn outliers_count_and_those_of_positive_columns_suggest_logarithms() {
    let mut a = normal("a", ROWS);
    a[..8].iter_mut().for_each(|x| *x = 1e4 * (1.0 + x.abs()));
    let lognormal: Vec<f64> = normal("b", ROWS).iter().map(|x| (3.0 * x).exp()).collect();
    let found = findings(&[a, lognormal]);
    let Finding::Outliers { count, largest, is_positive, .. } = &found[0] else { panic!("{found:?}") };
    assert!((*count, *is_positive) == (8, false) && *largest > 1e4);
    assert!(matches!(&found[1], Finding::Outliers { is_positive: true, column, .. } if column == "1"));
}

#[test]
fn point_masses_and_edges_are_found() {
    let (a, u) = (normal("a", ROWS), uniform("u", ROWS));
    let clipped: Vec<f64> = a.iter().map(|x| x.max(-1.0)).collect();
    let waiting: Vec<f64> = u.iter().map(|u| -(1.0 - u).ln()).collect();
    let found = findings(&[clipped, waiting, u]);
    let Finding::Piled { value, share, is_bound: true, .. } = found[0] else { panic!("{found:?}") };
    // Φ(-1) = 0.159.
    assert!(value == -1.0 && (share - 0.159).abs() < 4.0 * (0.159 * 0.841 / ROWS as f64).sqrt());
    assert!(matches!(found[1], Finding::Edge { low: Some(low), high: None, .. } if low < 0.01), "{found:?}");
    assert!(matches!(found[2], Finding::Edge { low: Some(_), high: Some(high), .. } if high > 0.99));
}

#[test]
fn duplicate_rows_are_counted() {
    let mut columns = [normal("a", 400), normal("b", 400)];
    for column in &mut columns {
        let copies = column[..100].to_vec();
        column.extend(copies);
    }
    let found = findings(&columns);
    let Finding::DuplicateRows { share } = found[0] else { panic!("{found:?}") };
    assert!((share - 0.2).abs() < 1e-12 && found.len() == 1);
}

#[test]
fn bits_have_constants_and_duplicates_without_advice_and_pictures_one_line() {
    let bytes = (0..600).map(|i| u8::from(i % 3 == 1 && i % 7 < 3)).collect();
    let bits = DataCheck::of(&Dataset::from_bytes("bits", bytes, &[3], None).unwrap());
    assert_eq!(bits.kinds, Some(KindCounts { binary: 3, integer: 0, real: 0 }));
    let text = bits.to_string();
    assert!(text.contains("constant: columns 0 (0), 2 (0)") && !text.contains("data.drop"), "{text}");
    let gray = (0..36 * 50).map(|i| (i % 251) as u8).collect();
    let pictures = DataCheck::of(&Dataset::from_bytes("gray", gray, &[6, 6], None).unwrap());
    assert_eq!(pictures.to_string(), "data check of gray: 50 rows, 36 columns of pictures");
}

#[test]
fn large_sets_are_sampled_and_lines_stay_short() {
    let columns: Vec<Vec<f64>> =
        (0..30).map(|k| (0..200).map(|i| f64::from((i * (k + 3)) % 11)).collect()).collect();
    let check = DataCheck::of(&table(&columns));
    let text = check.to_string();
    assert!(text.lines().count() <= 7 && text.lines().all(|line| line.len() < 250), "{text}");
    let wide = vec![0.25f32; 10 * VALUES / 4];
    let check = DataCheck::of(&Dataset::from_f32("wide", wide, &[2], None).unwrap());
    assert_eq!((check.rows, check.examined), (5 * VALUES / 4, VALUES / 2));
}

#[test]
fn findings_about_densities_can_be_left_out() {
    let (a, u) = (normal("a", ROWS), uniform("u", ROWS));
    let counts: Vec<f64> = u.iter().map(|u| (u * 7.0).floor()).collect();
    let check = DataCheck::of(&table(&[a.clone(), counts, a]));
    assert_eq!(check.findings.len(), 2);
    let left = check.filtered(|finding| !finding.is_of_density()).findings;
    assert!(matches!(&left[..], [Finding::Repeated { column, .. }] if column == "2"));
}

#[test]
fn columns_have_their_names_and_the_values_of_the_file() {
    let (a, u) = (normal("a", ROWS), uniform("u", ROWS));
    let counts: Vec<f64> = u.iter().map(|u| (u * 7.0).floor()).collect();
    let data = table(&[a, counts, vec![2.5; ROWS]]);
    let names = ["size", "number of rings", "unit"].map(str::to_owned).to_vec();
    let data = data.with_columns(names).with_offset(vec![0.0, 100.0, 1000.0]);
    assert_eq!(kind_of_columns(&data)[1], ColumnKind::Integer { low: 100, high: 106 });
    let text = DataCheck::of(&data).to_string();
    assert!(text.contains("column unit (1002.5)"), "{text}");
    assert!(text.contains(r#"data.dequantize=["number of rings"]"#), "{text}");
}
