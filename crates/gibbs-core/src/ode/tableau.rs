//! Coefficients of the methods.

use serde::{Deserialize, Serialize};

use super::{
    State,
    dense::{Dense, dormand_prince, tsitouras},
    step::Step,
};

/// The methods by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Euler 1768: one evaluation a step, order 1.
    Euler,
    /// The midpoint rule of Runge, Math. Ann. 46:167 (1895), doi:10.1007/BF01446807: two evaluations, order 2.
    Midpoint,
    /// Kutta, Z. Math. Phys. 46:435 (1901), "the" Runge-Kutta method: four evaluations, order 4.
    Rk4,
    /// Dormand & Prince, J. Comput. Appl. Math. 6:19 (1980), doi:10.1016/0771-050X(80)90013-3, RK5(4)7M: order 5 with an
    /// error estimate of order 4; six evaluations, as the last one is the first of the next step.
    DormandPrince,
    /// Tsitouras, Comput. Math. Appl. 62:770 (2011), doi:10.1016/j.camwa.2011.06.002: as [`DormandPrince`](Self::DormandPrince)
    /// with smaller error constants.
    Tsitouras,
}

/// A method as numbers.
#[derive(Clone, Copy, Debug)]
pub struct Tableau {
    /// Order of the method: the error of a whole solve falls as its power of the step.
    pub order: usize,
    /// Times of the stages as parts of the step.
    pub c: &'static [f64],
    /// Weights of the stages before each stage; the i-th row has i numbers.
    pub a: &'static [&'static [f64]],
    /// Weights of the stages in the result.
    pub b: &'static [f64],
    /// Weights of the stages in the error estimate: `b` less the weights of the embedded method, whose order is one less.
    pub error: Option<&'static [f64]>,
    pub(super) dense: Dense,
}

impl Method {
    /// Its name, as configurations write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Euler => "euler",
            Self::Midpoint => "midpoint",
            Self::Rk4 => "rk4",
            Self::DormandPrince => "dormand_prince",
            Self::Tsitouras => "tsitouras",
        }
    }

    /// Its coefficients.
    pub fn tableau(self) -> Tableau {
        match self {
            Self::Euler => EULER,
            Self::Midpoint => MIDPOINT,
            Self::Rk4 => RK4,
            Self::DormandPrince => DORMAND_PRINCE,
            Self::Tsitouras => TSITOURAS,
        }
    }
}

impl Tableau {
    /// Number of stages.
    pub fn stages(&self) -> usize {
        self.b.len()
    }

    /// Whether the last stage is the first one of the next step.
    pub fn first_same_as_last(&self) -> bool {
        self.c.last() == Some(&1.0) && self.a.last() == Some(&&self.b[..self.b.len() - 1])
    }

    /// The step of length `h` from `before` at `t`, where the rate is `rate`.
    pub fn step(
        &self,
        equation: &impl Fn(f64, &State) -> State,
        t: f64,
        h: f64,
        before: State,
        rate: State,
    ) -> Step {
        let mut stages = vec![rate];
        let weighted = |weights: &[f64], stages: &[State]| {
            let terms: Vec<(f64, &State)> = weights.iter().map(|w| h * w).zip(stages).collect();
            before.plus(&terms)
        };
        for (c, a) in self.c.iter().zip(self.a).skip(1) {
            let at = weighted(a, &stages);
            stages.push(equation(t + c * h, &at));
        }
        let after = weighted(self.b, &stages);
        let error = self
            .error
            .and_then(|weights| State::sum(&weights.iter().map(|w| h * w).zip(&stages).collect::<Vec<_>>()));
        Step { t, h, before, after, error, stages }
    }

    /// The solution at the part `theta` of `step`, from 0 to 1, given the rate at its end.
    pub fn between(&self, step: &Step, rate_after: &State, theta: f64) -> State {
        self.dense.state(step, rate_after, theta)
    }
}

const EULER: Tableau =
    Tableau { order: 1, c: &[0.0], a: &[&[]], b: &[1.0], error: None, dense: Dense::Hermite };

const MIDPOINT: Tableau = Tableau {
    order: 2,
    c: &[0.0, 0.5],
    a: &[&[], &[0.5]],
    b: &[0.0, 1.0],
    error: None,
    dense: Dense::Hermite,
};

const RK4: Tableau = Tableau {
    order: 4,
    c: &[0.0, 0.5, 0.5, 1.0],
    a: &[&[], &[0.5], &[0.0, 0.5], &[0.0, 0.0, 1.0]],
    b: &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
    error: None,
    dense: Dense::Hermite,
};

/// Dormand & Prince (1980), table 2.
const DORMAND_PRINCE: Tableau = Tableau {
    order: 5,
    c: &[0.0, 1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0],
    a: &[
        &[],
        &[1.0 / 5.0],
        &[3.0 / 40.0, 9.0 / 40.0],
        &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
        &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
        &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
        &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
    ],
    b: &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0, 0.0],
    error: Some(&[
        35.0 / 384.0 - 5179.0 / 57600.0,
        0.0,
        500.0 / 1113.0 - 7571.0 / 16695.0,
        125.0 / 192.0 - 393.0 / 640.0,
        -2187.0 / 6784.0 + 92097.0 / 339200.0,
        11.0 / 84.0 - 187.0 / 2100.0,
        -1.0 / 40.0,
    ]),
    dense: Dense::Weights(dormand_prince),
};

/// Tsitouras (2011), table 1; the error weights are those of its section 3.
const TSITOURAS: Tableau = Tableau {
    order: 5,
    c: &[0.0, 0.161, 0.327, 0.9, 0.980_025_540_904_509_7, 1.0, 1.0],
    a: &[
        &[],
        &[0.161],
        &[-0.008_480_655_492_356_99, 0.335_480_655_492_357],
        &[2.897_153_057_105_493_5, -6.359_448_489_975_075, 4.362_295_432_869_581_5],
        &[5.325_864_828_439_257, -11.748_883_564_062_828, 7.495_539_342_889_836_5, -0.092_495_066_361_755_25],
        &[
            5.861_455_442_946_42,
            -12.920_969_317_847_11,
            8.159_367_898_576_159,
            -0.071_584_973_281_401,
            -0.028_269_050_394_068_383,
        ],
        &[
            0.096_460_766_818_065_23,
            0.01,
            0.479_889_650_414_499_6,
            1.379_008_574_103_742,
            -3.290_069_515_436_081,
            2.324_710_524_099_774,
        ],
    ],
    b: &[
        0.096_460_766_818_065_23,
        0.01,
        0.479_889_650_414_499_6,
        1.379_008_574_103_742,
        -3.290_069_515_436_081,
        2.324_710_524_099_774,
        0.0,
    ],
    error: Some(&[
        -0.001_780_011_052_225_771_4,
        -0.000_816_434_459_656_746_9,
        0.007_880_878_010_261_995,
        -0.144_711_007_173_262_9,
        0.582_357_165_452_555_2,
        -0.458_082_105_929_186_97,
        1.0 / 66.0,
    ]),
    dense: Dense::Weights(tsitouras),
};
