use super::*;

mod capacity;
mod continuous;
mod dense;
mod dynamics;
mod rules;

/// Rows of a Sylvester matrix: `n` orthogonal patterns for `n` a power of two.
fn orthogonal(n: usize, p: usize) -> Vec<Vec<i8>> {
    (1..=p).map(|mu| (0..n).map(|i| if (mu & i).count_ones() % 2 == 0 { 1 } else { -1 }).collect()).collect()
}

#[test]
fn bad_patterns_are_refused_everywhere() {
    let cases: [(Vec<Vec<i8>>, &str); 4] = [
        (vec![], "a Hopfield network needs at least one pattern"),
        (vec![vec![]], "a system needs at least one spin"),
        (vec![vec![1, 1], vec![1]], "pattern 1 has 1 entries but pattern 0 has 2"),
        (vec![vec![1, 0]], "entry 1 of pattern 0 is 0; patterns are made of -1 and +1"),
    ];
    for (patterns, message) in cases {
        assert_eq!(pseudo_inverse(&patterns).unwrap_err().to_string(), message);
        assert_eq!(storkey(&patterns).unwrap_err().to_string(), message);
        assert_eq!(DenseMemory::new(&patterns, Interaction::Exponential).unwrap_err().to_string(), message);
    }
}

#[test]
fn random_patterns_are_streams_of_spins() {
    let patterns = random_patterns(200, 50, &mut Noise::new(1, "patterns"));
    assert_eq!(pattern_size(&patterns), Ok(200));
    let sum: i32 = patterns.iter().flatten().map(|x| i32::from(*x)).sum();
    assert!(f64::from(sum).abs() < 4.5 * 10_000f64.sqrt(), "{sum}");
    assert_eq!(patterns, random_patterns(200, 50, &mut Noise::new(1, "patterns")));
    assert_eq!(overlap(&[1, -1, 1, 1], &[1, 1, 1, 1]), 0.5);
}
