//! The solution between the ends of a step.

use super::{State, step::Step};

/// How a method fills its steps.
#[derive(Clone, Copy, Debug)]
pub(super) enum Dense {
    /// The cubic with the states and rates of both ends: an error of the fourth power of the step.
    Hermite,
    /// `y(t + θh) = y + h Σ_i b_i(θ) k_i` with polynomials `b_i` of degree 4: an error of the fifth power.
    Weights(fn(f64) -> [f64; 7]),
}

impl Dense {
    /// The state at the part `theta` of a step after which the rate is `rate_after`.
    pub(super) fn state(self, step: &Step, rate_after: &State, theta: f64) -> State {
        match self {
            Self::Hermite => {
                let rest = 1.0 - theta;
                // The basis of Hermite: the change of the state, and what the rates add to it.
                let along = theta * theta * (3.0 - 2.0 * theta);
                let (first, last) = (theta * rest * rest * step.h, -theta * theta * rest * step.h);
                let start = State::sum(&[(1.0 - along, &step.before), (along, &step.after)]);
                start
                    .unwrap_or_else(|| step.before.clone())
                    .plus(&[(first, &step.stages[0]), (last, rate_after)])
            }
            Self::Weights(weights) => {
                let weights = weights(theta).map(|weight| step.h * weight);
                step.before.plus(&weights.into_iter().zip(&step.stages).collect::<Vec<_>>())
            }
        }
    }
}

/// The continuous extension of order 4 by Shampine, Math. Comp. 46:135 (1986), in the form of the code DOPRI5 of Hairer, Nørsett &
/// Wanner (1993), section II.6: `θ·y' + …` with the last term `θ²(1 - θ)²·h Σ_i d_i k_i`.
pub(super) fn dormand_prince(theta: f64) -> [f64; 7] {
    const B: [f64; 7] =
        [35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0, 0.0];
    const D: [f64; 7] = [
        -12_715_105_075.0 / 11_282_082_432.0,
        0.0,
        87_487_479_700.0 / 32_700_410_799.0,
        -10_690_763_975.0 / 1_880_347_072.0,
        701_980_252_875.0 / 199_316_789_632.0,
        -1_453_857_185.0 / 822_651_844.0,
        69_997_945.0 / 29_380_423.0,
    ];
    let rest = 1.0 - theta;
    let along = theta * theta * (3.0 - 2.0 * theta);
    let (first, last, bump) = (theta * rest * rest, -theta * theta * rest, (theta * rest).powi(2));
    std::array::from_fn(|i| {
        let ends = match i {
            0 => first,
            6 => last,
            _ => 0.0,
        };
        along * B[i] + ends + bump * D[i]
    })
}

/// The continuous extension of order 4 of Tsitouras (2011), section 3.
pub(super) fn tsitouras(theta: f64) -> [f64; 7] {
    let (t, t2) = (theta, theta * theta);
    [
        -1.053_088_497_729_021_6
            * t
            * (t - 1.329_989_018_975_141)
            * (t2 - 1.436_402_854_171_635_1 * t + 0.713_981_691_707_420_9),
        0.1017 * t2 * (t2 - 2.196_656_833_824_975_4 * t + 1.294_985_250_737_463),
        2.490_627_285_651_253 * t2 * (t2 - 2.385_356_454_720_616_6 * t + 1.578_034_682_080_925),
        -16.548_102_889_244_903 * t2 * (t - 1.217_129_272_955_332_4) * (t - 0.616_204_060_378_000_9),
        47.379_521_962_819_28 * t2 * (t - 1.203_071_208_372_362_6) * (t - 0.658_047_292_653_547_4),
        -34.870_657_861_496_61 * t2 * (t - 1.2) * (t - 2.0 / 3.0),
        2.5 * t2 * (t - 1.0) * (t - 0.6),
    ]
}
