//! Exact draws follow the density of their model: a Markov chain that keeps this density leaves them where they are.

use burn::prelude::*;
use gibbs_backend::Noise;
use gibbs_core::{
    math::to_host,
    two_sample::{TwoSample, median_distance, two_sample_test},
};

use super::{Model, models};

/// Draws of each kind, steps of the chain, and random exchanges of a test: the least p-value is 0.0005.
const DRAWS: usize = 250;
const STEPS: usize = 15;
const EXCHANGES: usize = 1999;

/// Probability that a step proposes to change a column, and the part of the difference of two examples that it proposes.
const CHANGED: f64 = 0.3;
const PART: f64 = 0.7;

/// Metropolis steps from `x [n, D]` by the score of a model. A column of whole numbers is replaced by that of an example, whose values are
/// equally likely; a real column is moved by a part of the difference of two examples. Both proposals are symmetric.
fn chain(model: &dyn Model, x: Tensor<2>, noise: &mut Noise) -> Tensor<2> {
    let [n, width] = x.dims();
    let device = x.device();
    let examples = to_host(model.examples(200, noise));
    let is_whole: Vec<bool> =
        (0..width).map(|d| examples.iter().skip(d).step_by(width).all(|x| x.fract() == 0.0)).collect();
    let tensor = |values: &[f64]| -> Tensor<2> {
        let values: Vec<f32> = values.iter().map(|x| *x as f32).collect();
        Tensor::from_data(TensorData::new(values, [n, width]), &device)
    };
    let (mut at, mut score) = (to_host(x.clone()), model.score(x));
    for _ in 0..STEPS {
        let [one, other] = [(); 2].map(|()| to_host(model.examples(n, noise)));
        let proposed: Vec<f64> = (0..n * width)
            .map(|i| match (noise.next_uniform() < CHANGED, is_whole[i % width]) {
                (false, _) => at[i],
                (true, true) => one[i],
                (true, false) => at[i] + PART * (one[i] - other[i]),
            })
            .collect();
        let scores = model.score(tensor(&proposed));
        for (row, new) in scores.iter().enumerate() {
            if noise.next_uniform().ln() < new - score[row] {
                score[row] = *new;
                at[row * width..(row + 1) * width].copy_from_slice(&proposed[row * width..(row + 1) * width]);
            }
        }
    }
    tensor(&at)
}

fn compared(x: &Tensor<2>, y: &Tensor<2>) -> TwoSample {
    two_sample_test(x, y, median_distance(x, y), EXCHANGES, &mut Noise::new(0, "exchanges"))
}

/// The chain of the model itself keeps its draws. That of a model with other weights moves them: the test would notice.
#[test]
fn exact_draws_follow_the_density_of_their_model() {
    let (mut tested, mut noticed) = (0, 0);
    for (name, init) in models() {
        let (model, other) = (init(0), init(1));
        let Some(generative) = model.generative().filter(|generative| generative.is_exact()) else {
            continue;
        };
        let [start, fresh] = ["start", "fresh"].map(|name| generative.draw(DRAWS, &mut Noise::new(0, name)));
        let kept = compared(&chain(&*model, start.clone(), &mut Noise::new(0, "chain")), &fresh);
        assert!(kept.p_value > 1e-3, "{name}: {kept:?}");
        let moved = compared(&chain(&*other, start, &mut Noise::new(0, "chain")), &fresh);
        tested += 1;
        noticed += usize::from(moved.p_value <= 1e-3);
    }
    assert!(tested > 20 && 2 * noticed > tested, "{noticed} of {tested} other models are noticed");
}
