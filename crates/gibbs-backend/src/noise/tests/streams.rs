//! Streams: what they depend on, and what not.

use super::*;

#[test]
fn fnv_of_known_texts() {
    assert_eq!(fnv1a(""), 0xcbf2_9ce4_8422_2325);
    assert_eq!(fnv1a("a"), 0xaf63_dc4c_8601_ec8c);
    assert_eq!(fnv1a("foobar"), 0x8594_4171_f739_67e8);
}

/// A change of these values changes every run of every model. They were computed by a separate Philox in Python.
#[test]
fn the_streams_are_pinned() {
    let mut stream = Noise::new(1, "chains");
    assert_eq!([(); 3].map(|()| stream.next_u32()), PINNED);
    assert_eq!(stream.clone().at(0).next_u64(), u64::from(PINNED[1]) << 32 | u64::from(PINNED[0]));
    assert_eq!(stream.position(), 3);
}

const PINNED: [u32; 3] = [0xa19c_4047, 0xa3cf_90a7, 0x36f4_c772];

#[test]
fn a_draw_does_not_depend_on_how_it_is_split() {
    fn check<T: PartialEq + Copy + Default + std::fmt::Debug>(fill: fn(&mut Noise, &mut [T])) {
        let (mut whole, mut parts) = (noise("split"), noise("split"));
        let mut expected = vec![T::default(); LONG];
        fill(&mut whole, &mut expected);
        let mut rest = LONG;
        for length in (1..).map(|k| 37 * k * k + 1) {
            let mut part = vec![T::default(); length.min(rest)];
            fill(&mut parts, &mut part);
            assert_eq!(part, expected[LONG - rest..][..part.len()]);
            rest -= part.len();
            if rest == 0 {
                break;
            }
        }
        assert_eq!(whole, parts);
    }
    check(Noise::fill_uniform);
    check(Noise::fill_uniform_f64);
    check(Noise::fill_normal);
    check(Noise::fill_normal_f64);
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let draw = || (noise("threads").uniform_vec(LONG), noise("threads").normal_vec(LONG));
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    assert_eq!(pool(1).install(draw), pool(3).install(draw));
}

#[test]
fn every_word_is_the_one_at_its_position() {
    let mut all = vec![0.0; 1200];
    noise("words").fill_uniform_f64(&mut all);
    for start in (0..9).chain([500, 511, 512, 513]) {
        for length in [0, 1, 3, 4, 5, 17, 509, 512, 600] {
            let mut part = vec![0.0; length];
            noise("words").at(start as u64).fill_uniform_f64(&mut part);
            assert_eq!(part, all[start..start + length], "{start} {length}");
        }
        assert_eq!(noise("words").at(start as u64).next_uniform(), all[start]);
    }
}

#[test]
fn the_state_survives_serialization() {
    let mut before = noise("checkpoint");
    before.uniform_vec(7);
    let text = serde_json::to_string(&before).unwrap();
    assert_eq!(text, r#"{"seed":20240229,"stream":"checkpoint","position":7}"#);
    let mut after: Noise = serde_json::from_str(&text).unwrap();
    assert_eq!(before.normal_vec(9), after.normal_vec(9));
}

#[test]
fn streams_are_uncorrelated() {
    let n = 100_000;
    let deviations =
        |mut noise: Noise| -> Vec<f64> { noise.normal_vec(n).into_iter().map(f64::from).collect() };
    let base = deviations(noise("a"));
    let others = [
        noise("b"),
        noise("a").child("0"),
        noise("a").child("1"),
        Noise::new(20_240_228, "a"),
        noise("a").at(1),
        noise("a").at(n as u64),
    ];
    for other in others {
        let name = format!("{other:?}");
        let sum: f64 = base.iter().zip(deviations(other)).map(|(x, y)| x * y).sum();
        assert!(sum.abs() < 4.5 * (n as f64).sqrt(), "{name}: {sum}");
    }
}

#[test]
fn bits_are_those_of_single_words() {
    let mut stream = noise("bits").at(1);
    let mut bits = [0; 1000];
    stream.fill_u64(&mut bits);
    let mut single = noise("bits").at(1);
    assert!(bits.iter().all(|word| *word == single.next_u64()));
    assert_eq!(stream, single);
}
