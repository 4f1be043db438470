use gibbs_backend::Noise;
use gibbs_core::Kind;
use gibbs_testkit::SIGMAS;

use super::*;

/// A stationary series `x_t = a x_{t-1} + √(1 - a²) ξ_t`: `Γ(t) = a^t`, `τ = (1 + a) / 2(1 - a)`.
fn autoregressive(a: f64, n: usize, noise: &mut Noise) -> Vec<f64> {
    let mut x = noise.next_normal();
    let mut normal = vec![0.0; n];
    noise.fill_normal_f64(&mut normal);
    normal
        .into_iter()
        .map(|xi| {
            x = a * x + (1.0 - a * a).sqrt() * xi;
            x
        })
        .collect()
}

#[test]
fn autocorrelation_times_are_those_of_the_closed_form() {
    let mut noise = Noise::new(1, "series");
    for a in [-0.5, 0.0, 0.5, 0.8, 0.95] {
        let expected = 0.5 * (1.0 + a) / (1.0 - a);
        let split: Vec<Vec<f64>> = (0..10).map(|_| autoregressive(a, 10_000, &mut noise)).collect();
        for chains in [vec![autoregressive(a, 100_000, &mut noise)], split] {
            let average = TimeAverage::mean(&chains);
            let time = &average.time;
            // What the window leaves out.
            let cut = f64::abs(a).powi(average.window as i32) / (1.0 - a);
            assert!((time.value - expected).abs() < SIGMAS * time.std_err + cut, "{a}: {average:?}");
            assert!(time.std_err < 0.1 * expected);
            let std_err = (2.0 * time.value / 1e5).sqrt();
            assert!((average.estimate.std_err / std_err - 1.0).abs() < 0.05, "{average:?}");
            assert!(average.estimate.value.abs() < SIGMAS * average.estimate.std_err);
        }
    }
}

/// Over many runs `(value - truth)² / error²` has the mean 1: of a mean, and of a function of means.
#[test]
fn errors_are_the_spread_of_repeated_runs() {
    let mut noise = Noise::new(2, "series");
    let (runs, a) = (400, 0.7);
    let (mut mean, mut ratio) = (0.0, 0.0);
    for _ in 0..runs {
        let x = autoregressive(a, 3000, &mut noise);
        let y = autoregressive(0.3, 3000, &mut noise);
        let average = TimeAverage::mean(std::slice::from_ref(&x)).estimate;
        mean += (average.value / average.std_err).powi(2) / f64::from(runs);
        // ⟨x + 2⟩ / ⟨y + 3⟩ = 2/3.
        let [top, bottom] = [(&x, 2.0), (&y, 3.0)].map(|(s, c)| c + s.iter().sum::<f64>() / s.len() as f64);
        let linear = x.iter().zip(&y).map(|(x, y)| x / bottom - top / bottom.powi(2) * y).collect();
        let average = TimeAverage::function(top / bottom, &[linear]).estimate;
        ratio += ((average.value - 2.0 / 3.0) / average.std_err).powi(2) / f64::from(runs);
    }
    // The error of the mean of χ² with one degree of freedom, and a relative error of `error²` of √(2(2W + 1)/N) < 0.15,
    // of which 0.15² remains in the mean of its inverse.
    let bound = SIGMAS * (2.0 / f64::from(runs)).sqrt() + 0.03;
    assert!((mean - 1.0).abs() < bound && (ratio - 1.0).abs() < bound, "{mean} {ratio}");
}

/// Chains of fewer than 100 autocorrelation times are marked, and what is not marked has the right error.
#[test]
fn short_chains_are_marked() {
    let mut noise = Noise::new(3, "series");
    let (runs, a) = (300, 0.95);
    let time = 0.5 * (1.0 + a) / (1.0 - a);
    let (mut kept, mut covered) = (0u32, 0u32);
    for length in [5.0, 20.0, 100.0, 400.0, 2000.0] {
        let mut marked = 0;
        for _ in 0..runs {
            let series = autoregressive(a, (length * time) as usize, &mut noise);
            let estimate = TimeAverage::mean(&[series]).estimate;
            match estimate.unreliable {
                Some(_) => marked += 1,
                None => {
                    kept += 1;
                    covered += u32::from(estimate.value.abs() < 3.0 * estimate.std_err);
                }
            }
        }
        let part = f64::from(marked) / f64::from(runs);
        assert!(part > 0.95 || length > 20.0, "{part} of chains of {length} times are marked");
        assert!(part < 0.05 || length < 400.0, "{part} of chains of {length} times are marked");
    }
    // 99.7 % of normal variables, less what the error of the error takes.
    assert!(f64::from(covered) > 0.97 * f64::from(kept), "{covered} of {kept}");
}

/// One chain of 64 that keeps to another part of the distribution is found, and the error covers what it does to the mean. Chains of one
/// distribution are not marked.
#[test]
fn chains_that_disagree_are_marked() {
    let mut noise = Noise::new(4, "series");
    let a = 0.5;
    for _ in 0..100 {
        let mut chains: Vec<Vec<f64>> = (0..64).map(|_| autoregressive(a, 200, &mut noise)).collect();
        let agreed = TimeAverage::mean(&chains);
        assert_eq!(agreed.estimate.unreliable, None);
        chains[0].iter_mut().for_each(|x| *x += 2.0);
        let average = TimeAverage::mean(&chains);
        let reason = average.estimate.unreliable.unwrap();
        assert!(reason.contains("scatter"), "{reason}");
        assert!(average.time.unreliable.is_some());
        assert!(average.estimate.std_err > 1.3 * agreed.estimate.std_err);
        assert!(average.estimate.value.abs() < SIGMAS * average.estimate.std_err);
    }
}

#[test]
fn constants_are_certain_and_what_cannot_be_told_is_nan() {
    let constant = TimeAverage::mean(&[vec![2.0; 10], vec![2.0; 5]]);
    assert_eq!((constant.estimate.value, constant.estimate.std_err), (2.0, 0.0));
    assert_eq!((constant.time.value, constant.estimate.samples), (0.5, Some(15)));
    assert_eq!((constant.estimate.kind, &constant.estimate.unreliable), (Kind::Asymptotic, &None));
    let single = TimeAverage::mean(&[vec![2.0]]);
    assert_eq!(single.estimate.value, 2.0);
    assert!(single.estimate.std_err.is_nan() && single.estimate.unreliable.is_some());
    let alternating = TimeAverage::mean(&[vec![1.5, 0.5]]);
    assert_eq!(alternating.estimate.value, 1.0);
    assert!(alternating.estimate.std_err.is_nan() && alternating.time.value.is_nan(), "{alternating:?}");
    assert!(alternating.estimate.unreliable.is_some() && alternating.time.unreliable.is_some());
    assert!(TimeAverage::mean(&[vec![1.0, f64::NAN, 2.0]]).estimate.value.is_nan());
    assert!(TimeAverage::mean(&[]).estimate.value.is_nan());
}
