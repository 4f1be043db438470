//! Both ways of training find what is to be found.

use burn::{
    module::Module,
    optim::{GradientsParams, ModuleOptimizer},
};
use gibbs_core::{LogProb, math::to_host, optim::Adam};

use super::*;

/// Two clouds on the first axis, in f32.
fn clouds(n: usize, noise: &mut Noise) -> Tensor<2> {
    let u = noise.normal_vec(2 * n);
    let points: Vec<f32> = u
        .chunks(2)
        .enumerate()
        .flat_map(|(i, u)| [0.3 * u[0] + if i % 2 == 0 { 1.5 } else { -1.5 }, u[1]])
        .collect();
    Tensor::from_data(TensorData::new(points, [n, 2]), &Device::flex())
}

/// The mean log-density of the clouds under themselves, but for the little that they overlap.
fn entropy() -> f64 {
    -(2f64.ln()) - 0.3f64.ln() - 1.0 - std::f64::consts::TAU.ln()
}

fn start() -> ContinuousFlow<MlpField> {
    let config = MlpFieldConfig::new(2, vec![32, 32].into());
    let field = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    ContinuousFlow::new(field, Solver::fixed(Method::Rk4, 8), Trace::Exact).unwrap()
}

/// Mean log-density of fresh points after training by `loss`.
fn trained(
    steps: usize,
    rate: f64,
    loss: impl Fn(&ContinuousFlow<MlpField>, Tensor<2>, &mut Noise) -> Tensor<1>,
) -> f64 {
    let (mut flow, noise) = (start().train(), &mut Noise::new(0, "data"));
    let mut optimizer = ModuleOptimizer::from(Adam::default());
    for step in 0..steps {
        let x = clouds(256, noise).autodiff();
        let gradients = GradientsParams::from_grads(loss(&flow, x, noise).backward(), &flow);
        // To zero along half a cosine.
        let part = step as f64 / steps as f64;
        flow = optimizer.step(rate * 0.5 * (1.0 + (std::f64::consts::PI * part).cos()), flow, gradients);
    }
    let x = clouds(2000, &mut Noise::new(1, "test"));
    to_host(flow.valid().log_prob(x).mean())[0]
}

#[test]
fn likelihood_separates_two_clouds() {
    let found = trained(80, 0.03, |flow, x, _| flow.log_prob(x).mean().neg());
    assert!((entropy() - 0.2..entropy() + 0.1).contains(&found), "{found}, the truth has {}", entropy());
}

#[test]
fn matching_separates_two_clouds() {
    for pairing in [Pairing::Independent, Pairing::OptimalTransport] {
        let matching = FlowMatching::new().with_pairing(pairing);
        let steps = if pairing == Pairing::Independent { 500 } else { 100 };
        let found = trained(steps, 0.01, |flow, x, noise| matching.loss(&flow.field, x, None, noise));
        assert!(
            (entropy() - 0.25..entropy() + 0.1).contains(&found),
            "{pairing:?}: {found}, the truth has {}",
            entropy()
        );
    }
}

/// The field of least loss between a normal base and a single point `m` is `(m - x)/(1 - t)`; its loss is zero.
#[test]
fn the_loss_of_the_true_field_of_a_point_is_zero() {
    use burn::module::{Module, Param};
    #[derive(Module, Debug)]
    struct ToPoint {
        point: Param<Tensor<1>>,
    }
    struct Ready(Tensor<2>);
    impl VelocityField for ToPoint {
        fn n_variables(&self) -> usize {
            self.point.dims()[0]
        }
        fn n_context(&self) -> usize {
            0
        }
        fn velocity<'a>(&'a self, _: Option<&Tensor<2>>) -> Box<dyn Velocity + 'a> {
            Box::new(Ready(self.point.val().unsqueeze()))
        }
    }
    impl Velocity for Ready {
        fn at(&self, t: &Tensor<2>, x: Tensor<2>) -> Tensor<2> {
            (self.0.clone() - x) / (t.clone().neg() + 1.0)
        }
        fn along(&self, t: &Tensor<2>, x: Tensor<2>, direction: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
            (self.at(t, x), -direction.clone() / (t.clone().neg() + 1.0))
        }
    }
    let options = (&Device::flex(), DType::F64);
    let point = Tensor::<1>::from_data([0.4, -1.0, 2.0], options);
    let x = point.clone().unsqueeze::<2>().expand([50, 3]);
    let field = ToPoint { point: Param::from_tensor(point) };
    let loss = FlowMatching::new().loss(&field, x, None, &mut Noise::new(0, "matching"));
    // Times are f32 in the loss: their rounding, over the shortest time left.
    assert!(to_host(loss)[0] < 1e-9);
}

/// With `v = t` and all data at the origin the loss is `E (t + x_0)² = E t² + 1`, where `E t² = 1 - 2/(k + 1) + 1/(2k + 1)`.
#[test]
fn later_times_are_more_frequent() {
    use burn::module::Module;
    #[derive(Module, Debug)]
    struct Clock {
        n_variables: usize,
    }
    impl VelocityField for Clock {
        fn n_variables(&self) -> usize {
            self.n_variables
        }
        fn n_context(&self) -> usize {
            0
        }
        fn velocity<'a>(&'a self, _: Option<&Tensor<2>>) -> Box<dyn Velocity + 'a> {
            Box::new(self.clone())
        }
    }
    impl Velocity for Clock {
        fn at(&self, t: &Tensor<2>, x: Tensor<2>) -> Tensor<2> {
            t.clone().expand(x.dims())
        }
        fn along(&self, t: &Tensor<2>, x: Tensor<2>, _: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
            (self.at(t, x.clone()), x.zeros_like())
        }
    }
    let (n, field) = (20_000, Clock { n_variables: 2 });
    let x = Tensor::<2>::zeros([n, 2], &Device::flex());
    let loss = |late: f64| {
        let matching = FlowMatching::new().with_time_power(late);
        to_host(matching.loss(&field, x.clone(), None, &mut Noise::new(0, "times")))[0]
    };
    for k in [2.0, 5.0] {
        let square = |k: f64| 1.0 - 2.0 / (k + 1.0) + 1.0 / (2.0 * k + 1.0);
        // The same base points in both: what is left of them is 2·(t' - t)·x_0, with |t' - t| < 1.
        let error = 2.0 / ((2 * n) as f64).sqrt();
        let found = loss(k) - loss(1.0);
        assert!((found - square(k) + square(1.0)).abs() < 4.0 * error, "{k}: {found}");
    }
}
