//! A flow in Burn's own training loop: batches from a `DataLoader`, steps of its `Learner`, its metrics and checkpoints.

use std::error::Error;

use burn::{
    data::{
        dataloader::{DataLoaderBuilder, batcher::Batcher},
        dataset::InMemDataset,
    },
    module::Module,
    optim::ModuleOptimizer,
    tensor::{Device, ExecutionError, Tensor},
    train::{
        InferenceStep, Learner, SupervisedTraining, TrainOutput, TrainStep,
        metric::{Adaptor, ItemLazy, LossInput, LossMetric},
    },
};
use gibbs_backend::Noise;
use gibbs_core::{LogProb, optim::Adam};
use gibbs_flow::{Flow, RealNvpConfig};

/// A flow that is trained by maximum likelihood.
#[derive(Module, Debug)]
struct Model {
    flow: Flow,
}

/// The mean negative log-likelihood of a batch, nats.
struct Loss(Tensor<1>);

impl ItemLazy for Loss {
    fn sync(self) -> Result<Self, ExecutionError> {
        Ok(self)
    }
}

impl Adaptor<LossInput> for Loss {
    fn adapt(&self) -> LossInput {
        LossInput::new(self.0.clone())
    }
}

impl Model {
    fn loss(&self, x: Tensor<2>) -> Tensor<1> {
        self.flow.log_prob(x).mean().neg()
    }
}

impl TrainStep for Model {
    type Input = Tensor<2>;
    type Output = Loss;

    fn step(&self, x: Tensor<2>) -> TrainOutput<Loss> {
        let loss = self.loss(x);
        TrainOutput::new(self, loss.backward(), Loss(loss.inner()))
    }
}

impl InferenceStep for Model {
    type Input = Tensor<2>;
    type Output = Loss;

    fn step(&self, x: Tensor<2>) -> Loss {
        Loss(self.loss(x))
    }
}

/// Makes matrices of points.
#[derive(Clone)]
struct Points;

impl Batcher<[f32; 2], Tensor<2>> for Points {
    fn batch(&self, points: Vec<[f32; 2]>, device: &Device) -> Tensor<2> {
        Tensor::<1>::from_floats(points.concat().as_slice(), device).reshape([points.len(), 2])
    }
}

/// Points around a parabola.
fn parabola(n: usize, noise: &mut Noise) -> InMemDataset<[f32; 2]> {
    let point = |noise: &mut Noise| {
        let x = noise.next_normal();
        [x as f32, (x * x + 0.3 * noise.next_normal()) as f32]
    };
    InMemDataset::new((0..n).map(|_| point(noise)).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::flex();
    let mut noise = Noise::new(0, "parabola");
    let batches = |n, device: Device, noise: &mut Noise| {
        DataLoaderBuilder::new(Points).batch_size(100).set_device(device).build(parabola(n, noise))
    };
    let train = batches(2000, device.clone().autodiff(), &mut noise);
    let valid = batches(500, device.clone(), &mut noise);

    let flow = RealNvpConfig::new(2, 4, vec![32].into()).flow().init(&device, &mut noise)?;
    let learner = Learner::new(Model { flow }.train(), ModuleOptimizer::from(Adam::default()), 0.01);
    let folder = std::env::temp_dir().join("gibbs-foreign");
    let trained = SupervisedTraining::new(folder, train, valid)
        .metric_train_numeric(LossMetric::new())
        .metric_valid_numeric(LossMetric::new())
        .num_epochs(10)
        .summary()
        .launch(learner)
        .model;

    let origin = Points.batch(vec![[0.0, 0.0]], &device);
    println!("ln p(0, 0) = {:.2} nats", trained.flow.log_prob(origin).mean().into_scalar::<f64>());
    Ok(())
}
