use super::functions::{Exp, LogSigmoid, Map, Sigmoid, Silu, Softplus, Tanh};
use super::real::{Number, Real};
use super::*;

/// The arguments of a sweep: one in about a thousand of all bit patterns, and the special ones.
fn sweep() -> Vec<f32> {
    const STEP: usize = 1021;
    let special = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MIN_POSITIVE, 1e-45, -1e-45];
    (0..=u32::MAX).step_by(STEP).map(f32::from_bits).chain(special).collect()
}

struct Values<'a, F>(&'a [f32], &'a mut [f32], std::marker::PhantomData<F>);

impl<F: Map> Kernel for Values<'_, F> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (y, &x) in self.1.iter_mut().zip(self.0) {
            *y = f32::lower::<I>(F::value(x.lift::<I>()));
        }
    }
}

/// The distance in units in the last place of the f32 numbers around the truth.
fn ulps(value: f32, truth: f64) -> f64 {
    // A result beyond the largest number counts as the power of two that follows it.
    let value =
        if value.is_infinite() { f64::from(value.signum()) * 2f64.powi(128) } else { f64::from(value) };
    let truth = truth.clamp(-(2f64.powi(128)), 2f64.powi(128));
    let exponent = if truth == 0.0 { -126 } else { (truth.abs().log2().floor() as i32).clamp(-126, 127) };
    (value - truth).abs() / 2f64.powi(exponent - 23)
}

fn worst<F: Map>(name: &str, most: f64) {
    let x = sweep();
    for fused in [false, true] {
        let mut y = vec![0.0; x.len()];
        let kernel = Values::<F>(&x, &mut y, std::marker::PhantomData);
        if fused {
            run(kernel)
        } else {
            kernel.run::<Separate>()
        }
        let mut largest = (0.0, 0.0);
        for (&x, &y) in x.iter().zip(&y) {
            let truth = F::value(f64::from(x));
            assert_eq!(y.is_nan(), truth.is_nan(), "{name}({x}) = {y}");
            let error = ulps(y, truth);
            if error > largest.0 {
                largest = (error, x);
            }
        }
        assert!(largest.0 <= most, "{name}({}) is {} ulp off", largest.1, largest.0);
    }
}

#[test]
fn sigmoid_within_two_ulp() {
    worst::<Sigmoid>("sigmoid", 2.0);
}

#[test]
fn tanh_within_two_ulp() {
    worst::<Tanh>("tanh", 2.0);
}

#[test]
fn softplus_within_two_ulp() {
    worst::<Softplus>("softplus", 2.0);
}

#[test]
fn log_sigmoid_within_two_ulp() {
    worst::<LogSigmoid>("log_sigmoid", 2.0);
}

#[test]
fn exp_within_two_ulp() {
    worst::<Exp>("exp", 2.0);
}

#[test]
fn silu_within_three_ulp() {
    worst::<Silu>("silu", 3.0);
}

#[test]
fn logarithm_within_two_ulp_of_normal_numbers() {
    struct Logarithms<'a>(&'a [f32], &'a mut [f32]);

    impl Kernel for Logarithms<'_> {
        #[inline(always)]
        fn run<I: Isa>(self) {
            for (y, &x) in self.1.iter_mut().zip(self.0) {
                *y = f32::lower::<I>(x.lift::<I>().ln());
            }
        }
    }

    let near_one = (-1000..1000).map(|steps| f32::from_bits(1f32.to_bits().wrapping_add_signed(steps)));
    let x: Vec<f32> = sweep().into_iter().filter(|x| x.is_normal() && *x > 0.0).chain(near_one).collect();
    for fused in [false, true] {
        let mut y = vec![0.0; x.len()];
        if fused {
            run(Logarithms(&x, &mut y))
        } else {
            Logarithms(&x, &mut y).run::<Separate>()
        }
        for (&x, &y) in x.iter().zip(&y) {
            let error = ulps(y, f64::from(x).ln());
            assert!(error <= 2.0, "ln({x}) is {error} ulp off");
        }
    }
    let mut y = [0.0];
    run(Logarithms(&[f32::NAN], &mut y));
    assert!(y[0].is_nan());
}
