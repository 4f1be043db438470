//! A small task with all kinds of state that a checkpoint must hold: an optimizer, shuffled data, noise in each step, a
//! persistent Markov chain, and averages between two logs.

use std::cell::RefCell;
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use burn::module::Param;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use gibbs_backend::Noise;
use serde_json::Value;

use super::*;
use crate::checkpoint::{State, placed};
use crate::run_folder::{Existing, RunFolder};
use crate::weights;

const STEPS: usize = 4;
const EPOCHS: usize = 3;
const TOTAL: usize = STEPS * EPOCHS;

struct Toy {
    model: Linear,
    optimizer: ModuleOptimizer,
    shuffle: Noise,
    noise: Noise,
    order: Vec<usize>,
    chain: Tensor<1>,
    averages: Averages,
    scores: Vec<f64>,
    /// Number of first epochs whose scores cannot be compared with later ones.
    first_stage: usize,
    fail_at: Option<usize>,
    nan_at: Option<usize>,
    nan_weights_at: Option<usize>,
}

impl Toy {
    fn new() -> Self {
        let device = Device::flex().autodiff();
        let mut init = Noise::new(1, "init");
        let mut model = LinearConfig::new(2, 1).with_bias(false).init(&device);
        model.weight = Param::from_tensor(init.normal([2, 1], &device));
        Self {
            model,
            optimizer: placed(AdamConfig::new().build(), &Device::flex()),
            shuffle: Noise::new(1, "shuffle"),
            noise: Noise::new(1, "noise"),
            order: Vec::new(),
            chain: Tensor::zeros([2], &Device::flex()),
            averages: Averages::new(),
            scores: Vec::new(),
            first_stage: 0,
            fail_at: None,
            nan_at: None,
            nan_weights_at: None,
        }
    }
}

impl TrainTask for Toy {
    fn steps_per_epoch(&self) -> usize {
        STEPS
    }

    fn step(&mut self, at: &Position) -> Result<(), BoxError> {
        if self.fail_at == Some(at.step) {
            return Err("the toy broke".into());
        }
        if at.is_epoch_start() {
            self.order = self.shuffle.permutation(STEPS);
        }
        let example = self.order[at.step_in_epoch] as f32;
        self.chain = self.chain.clone() * 0.9 + self.noise.normal([2], &Device::flex());
        let x = Tensor::<1>::from_inner(self.chain.clone()).unsqueeze::<2>() + example;
        let loss = (self.model.forward(x) - example).square().mean();
        self.averages.add("loss", loss.clone());
        self.averages.add_value("example", f64::from(example));
        if self.nan_at == Some(at.step) {
            self.averages.add_value("energy", f64::NAN);
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &self.model);
        self.model = self.optimizer.step(0.1, self.model.clone(), gradients);
        if self.nan_weights_at == Some(at.step) {
            self.model.weight = self.model.weight.clone().map(|weight| weight * f32::NAN);
        }
        Ok(())
    }

    fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
        Ok(self.averages.take())
    }

    fn validate(&mut self, at: &Position) -> Result<Option<Validation>, BoxError> {
        let score = match self.scores.get(at.epoch) {
            Some(score) => *score,
            None => -f64::from(self.model.weight.val().square().sum().into_scalar::<f32>()),
        };
        let metrics = Metrics::new().with("valid_score", score);
        Ok(Some(Validation { metrics, score: (at.epoch >= self.first_stage).then_some(score) }))
    }

    fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
        state.put_module("model", &self.model)?;
        state.put_optimizer("optimizer", &self.optimizer)?;
        state.put("noise", &(&self.shuffle, &self.noise))?;
        state.put("order", &self.order)?;
        state.put_tensor("chain", &self.chain);
        self.averages.save(state, "averages")?;
        Ok(())
    }

    fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
        self.model = state.module("model", self.model.clone())?;
        self.optimizer = state.optimizer("optimizer", placed(AdamConfig::new().build(), &Device::flex()))?;
        (self.shuffle, self.noise) = state.get("noise")?;
        self.order = state.get("order")?;
        self.chain = state.tensor("chain", &Device::flex())?;
        self.averages = Averages::load(state, "averages", &Device::flex())?;
        Ok(())
    }

    fn weights(&self) -> Result<Vec<u8>, BoxError> {
        Ok(weights::to_bytes(&self.model)?)
    }
}

fn config() -> LoopConfig {
    LoopConfig {
        epochs: EPOCHS,
        log_every_steps: 3,
        validate_every_steps: 0,
        patience_steps: 0,
        checkpoint_every_seconds: None,
        ..LoopConfig::default()
    }
}

/// Raises a flag after a number of steps of the run.
struct StopAfter {
    steps: usize,
    flag: StopFlag,
}

impl Observer for StopAfter {
    fn on_start(&mut self, start: &Start) {
        if start.steps_done >= self.steps {
            self.flag.request();
        }
    }

    fn on_step(&mut self, at: &Position) {
        if at.steps_done() >= self.steps {
            self.flag.request();
        }
    }
}

fn run(
    path: &Path,
    config: LoopConfig,
    toy: &mut Toy,
    stop_after: Option<usize>,
) -> Result<Report, TrainError> {
    let mut folder = RunFolder::start(path, Existing::Resume, &[]).unwrap();
    let mut trainer = Trainer::new(config);
    if let Some(steps) = stop_after {
        let flag = StopFlag::new();
        trainer = trainer.stop_on(flag.clone()).observe(StopAfter { steps, flag });
    }
    trainer.run(toy, Some(&mut folder))
}

/// The lines of the metrics without their times. Only the times may differ between runs.
fn metrics(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path.join("metrics.jsonl")).unwrap();
    let line = |line: &str| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        assert!(record.as_object_mut().unwrap().remove("seconds").unwrap().is_number());
        record
    };
    text.lines().map(line).collect()
}

struct Whole {
    report: Report,
    metrics: Vec<Value>,
}

fn uninterrupted(config: LoopConfig) -> Whole {
    let folder = tempfile::tempdir().unwrap();
    let report = run(folder.path(), config, &mut Toy::new(), None).unwrap();
    assert_eq!(std::fs::read(folder.path().join("model.safetensors")).unwrap(), report.weights);
    Whole { report, metrics: metrics(folder.path()) }
}

fn assert_same(whole: &Whole, path: &Path, report: &Report, what: &str) {
    assert_eq!(report.outcome, whole.report.outcome, "{what}");
    assert_eq!(report.steps_done, whole.report.steps_done, "{what}");
    assert_eq!(report.best, whole.report.best, "{what}");
    assert!(report.weights == whole.report.weights, "{what}: the weights differ");
    assert_eq!(std::fs::read(path.join("model.safetensors")).unwrap(), report.weights, "{what}");
    assert_eq!(metrics(path), whole.metrics, "{what}");
}

#[test]
fn a_run_logs_validates_and_selects_as_configured() {
    let whole = uninterrupted(config());
    let steps: Vec<_> = whole.metrics.iter().map(|record| record["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [3, 4, 6, 8, 9, 12]);
    let epochs: Vec<_> = whole.metrics.iter().map(|record| record["epoch"].as_u64().unwrap()).collect();
    assert_eq!(epochs, [1, 1, 2, 2, 3, 3]);
    let validated: Vec<_> = whole.metrics.iter().map(|record| record.get("valid_score").is_some()).collect();
    assert_eq!(validated, [false, true, false, true, false, true]);
    assert!(whole.metrics.iter().all(|record| record["loss"].is_f64()));
    assert_eq!((whole.report.outcome, whole.report.steps_done), (Outcome::Finished, TOTAL));
}

#[test]
fn a_run_interrupted_after_any_step_ends_bit_identical() {
    for select_best in [true, false] {
        let config = LoopConfig { select_best, ..config() };
        let whole = uninterrupted(config.clone());
        for stop in 0..=TOTAL {
            let folder = tempfile::tempdir().unwrap();
            let first = run(folder.path(), config.clone(), &mut Toy::new(), Some(stop)).unwrap();
            let expected = if stop == TOTAL { Outcome::Finished } else { Outcome::Interrupted };
            assert_eq!((first.outcome, first.steps_done), (expected, stop));
            let second = run(folder.path(), config.clone(), &mut Toy::new(), None).unwrap();
            assert!(second.seconds >= first.seconds);
            assert_same(&whole, folder.path(), &second, &format!("stopped after {stop}"));
        }
    }
}

#[test]
fn a_run_interrupted_after_every_step_ends_bit_identical() {
    let whole = uninterrupted(config());
    let folder = tempfile::tempdir().unwrap();
    for stop in 1..TOTAL {
        run(folder.path(), config(), &mut Toy::new(), Some(stop)).unwrap();
    }
    let last = run(folder.path(), config(), &mut Toy::new(), None).unwrap();
    assert_same(&whole, folder.path(), &last, "stopped after every step");
}

#[test]
fn a_run_that_broke_goes_on_from_its_last_checkpoint_bit_identical() {
    let whole = uninterrupted(config());
    for every in [1, 2, 5] {
        for broken in 0..TOTAL {
            let folder = tempfile::tempdir().unwrap();
            let config = LoopConfig { checkpoint_every_steps: Some(every), ..config() };
            let mut toy = Toy { fail_at: Some(broken), ..Toy::new() };
            let error = run(folder.path(), config.clone(), &mut toy, None).unwrap_err();
            let message = error.to_string();
            assert!(message.starts_with(&format!("step {broken}: the toy broke")), "{message}");
            // What a killed process leaves: metrics beyond the checkpoint, half a line, half a checkpoint.
            let lines = folder.path().join("metrics.jsonl");
            let mut text = std::fs::read_to_string(&lines).unwrap();
            text.push_str("{\"step\": 7");
            std::fs::write(&lines, text).unwrap();
            std::fs::write(folder.path().join("checkpoint/.state.safetensors.zzz.tmp"), b"half").unwrap();

            let second = run(folder.path(), config, &mut Toy::new(), None).unwrap();
            assert_same(
                &whole,
                folder.path(),
                &second,
                &format!("broken at {broken}, checkpoints every {every}"),
            );
            assert!(!folder.path().join("checkpoint/.state.safetensors.zzz.tmp").exists());
        }
    }
}

#[test]
fn checkpoints_and_the_folder_change_nothing() {
    let whole = uninterrupted(config());
    let config_often = LoopConfig { checkpoint_every_seconds: Some(0.0), ..config() };
    let often = uninterrupted(config_often);
    assert!(often.report.weights == whole.report.weights);
    assert_eq!(often.metrics, whole.metrics);
    let in_memory = Trainer::new(config()).run(&mut Toy::new(), None).unwrap();
    assert!(in_memory.weights == whole.report.weights);
    assert_eq!(in_memory.best, whole.report.best);
}

#[test]
fn a_finished_run_resumed_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let first = run(folder.path(), config(), &mut Toy::new(), None).unwrap();
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let mut toy = Toy { fail_at: Some(TOTAL), ..Toy::new() };
    let again = run(folder.path(), config(), &mut toy, None).unwrap();
    assert_eq!((again.outcome, &again.best), (Outcome::Finished, &first.best));
    assert_eq!(std::fs::read(folder.path().join("model.safetensors")).unwrap(), first.weights);
    let longer = LoopConfig { epochs: EPOCHS + 1, ..config() };
    assert_eq!(run(folder.path(), longer, &mut Toy::new(), None).unwrap().steps_done, TOTAL + STEPS);
}

#[test]
fn early_stopping_keeps_the_best_weights_over_a_resume() {
    let config = LoopConfig { epochs: 10, patience: Some(2), ..config() };
    let toy = || Toy { scores: vec![-3.0, -1.0, -2.0, -1.5, 0.0], ..Toy::new() };
    let folder = tempfile::tempdir().unwrap();
    let report = run(folder.path(), config.clone(), &mut toy(), None).unwrap();
    assert_eq!((report.outcome, report.steps_done), (Outcome::EarlyStopped, 4 * STEPS));
    let best = report.best.clone().unwrap();
    assert_eq!((best.score, best.step), (-1.0, 2 * STEPS));

    let two_epochs = LoopConfig { epochs: 2, ..config.clone() };
    let other = tempfile::tempdir().unwrap();
    let at_best = run(other.path(), two_epochs, &mut toy(), None).unwrap();
    assert!(report.weights == at_best.weights, "the weights are not those of the best validation");

    for stop in [STEPS, 2 * STEPS, 2 * STEPS + 1, 3 * STEPS] {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), config.clone(), &mut toy(), Some(stop)).unwrap();
        let resumed = run(folder.path(), config.clone(), &mut toy(), None).unwrap();
        assert_eq!((resumed.outcome, resumed.steps_done), (report.outcome, report.steps_done));
        assert_eq!(resumed.best, report.best);
        assert!(resumed.weights == report.weights);
    }
    let again = run(folder.path(), config, &mut toy(), None).unwrap();
    assert_eq!((again.outcome, again.steps_done), (Outcome::EarlyStopped, 4 * STEPS));
}

#[test]
fn a_metric_that_is_not_finite_ends_the_run_and_keeps_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let config = LoopConfig { checkpoint_every_steps: Some(2), ..config() };
    let mut toy = Toy { nan_at: Some(4), ..Toy::new() };
    let error = run(folder.path(), config.clone(), &mut toy, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "energy is NaN at step 6: lower train.learning_rate or clip gradients (train.clip.kind=global_norm), with --resume \
         to go on from the last checkpoint, or train.allow_not_finite=true to continue anyway; model.safetensors holds the \
         weights of step 4"
    );
    assert_eq!(metrics(folder.path()).last().unwrap()["energy"], "NaN");
    let state = State::load(folder.path().join("checkpoint/state.safetensors")).unwrap();
    assert_eq!(state.get::<Value>("loop").unwrap()["steps_done"], 4);

    let going_on = LoopConfig { allow_not_finite: true, ..config };
    let report = run(folder.path(), going_on, &mut Toy { nan_at: Some(4), ..Toy::new() }, None).unwrap();
    assert_eq!(report.outcome, Outcome::Finished);
    assert_eq!(metrics(folder.path()).iter().filter(|record| record["energy"] == "NaN").count(), 1);
}

#[test]
fn a_run_that_diverges_leaves_its_last_good_weights() {
    // Divergence in the third epoch, after the best validation in the first.
    for (select_best, good_epochs) in [(true, 1), (false, 2)] {
        let config = LoopConfig { select_best, checkpoint_every_steps: Some(3), ..config() };
        let scores = vec![-1.0, -2.0];
        let folder = tempfile::tempdir().unwrap();
        let mut toy = Toy { scores: scores.clone(), nan_weights_at: Some(2 * STEPS), ..Toy::new() };
        let error = run(folder.path(), config.clone(), &mut toy, None).unwrap_err();
        assert!(matches!(error, TrainError::Diverged { kept, .. } if kept == good_epochs * STEPS), "{error}");

        let good = tempfile::tempdir().unwrap();
        let short = LoopConfig { epochs: good_epochs, ..config };
        run(good.path(), short, &mut Toy { scores, ..Toy::new() }, None).unwrap();
        let weights = |folder: &Path| std::fs::read(folder.join("model.safetensors")).unwrap();
        assert!(
            weights(folder.path()) == weights(good.path()),
            "other weights than those of {good_epochs} epochs"
        );
    }
}

#[test]
fn parameters_that_are_not_finite_do_not_replace_a_good_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let config = LoopConfig { checkpoint_every_steps: Some(1), log_every_steps: 100, ..config() };
    let mut toy = Toy { nan_weights_at: Some(2), ..Toy::new() };
    let error = run(folder.path(), config, &mut toy, None).unwrap_err();
    assert!(
        error.to_string().starts_with("the parameter model.weight holds NaN or infinite values at step 3:"),
        "{error}"
    );
    let state = State::load(folder.path().join("checkpoint/state.safetensors")).unwrap();
    assert_eq!(state.get::<Value>("loop").unwrap()["steps_done"], 2);
}

#[test]
fn a_score_that_is_not_finite_is_no_best() {
    let scores = vec![f64::NAN, -1.0, f64::NAN];
    let error =
        Trainer::new(config()).run(&mut Toy { scores: scores.clone(), ..Toy::new() }, None).unwrap_err();
    assert!(error.to_string().starts_with("valid_score is NaN at step 4:"), "{error}");
    let config = LoopConfig { allow_not_finite: true, ..config() };
    let report = Trainer::new(config).run(&mut Toy { scores, ..Toy::new() }, None).unwrap();
    assert_eq!(report.best.unwrap().step, 2 * STEPS);
}

#[test]
fn a_checkpoint_of_other_data_is_refused() {
    struct Shorter(Toy);
    impl TrainTask for Shorter {
        fn steps_per_epoch(&self) -> usize {
            STEPS - 1
        }
        fn step(&mut self, at: &Position) -> Result<(), BoxError> {
            self.0.step(at)
        }
        fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
            self.0.take_metrics()
        }
        fn save_state(&self, state: &mut State) -> Result<(), BoxError> {
            self.0.save_state(state)
        }
        fn load_state(&mut self, state: &State) -> Result<(), BoxError> {
            self.0.load_state(state)
        }
        fn weights(&self) -> Result<Vec<u8>, BoxError> {
            self.0.weights()
        }
    }
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), config(), &mut Toy::new(), Some(2)).unwrap();
    let mut run_folder = RunFolder::start(folder.path(), Existing::Resume, &[]).unwrap();
    let error = Trainer::new(config()).run(&mut Shorter(Toy::new()), Some(&mut run_folder)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the checkpoint has 4 steps per epoch, this run has 3: resume with the same data and batch size, or \
         start again with --overwrite"
    );
}

#[test]
fn time_limits_end_a_run_with_a_last_validation() {
    let config = LoopConfig { max_seconds: Some(0.0), ..config() };
    // No time at all: not a single step.
    let report = Trainer::new(config).run(&mut Toy::new(), None).unwrap();
    assert_eq!((report.outcome, report.steps_done), (Outcome::OutOfTime, 0));
    let folder = tempfile::tempdir().unwrap();
    let config = LoopConfig { max_seconds: Some(1e-9), ..self::config() };
    let report = run(folder.path(), config, &mut Toy::new(), None).unwrap();
    assert_eq!((report.outcome, report.steps_done), (Outcome::OutOfTime, 1));
    let lines = metrics(folder.path());
    assert_eq!(lines.len(), 1);
    assert!(lines[0]["valid_score"].is_f64());
}

#[test]
fn lines_and_validations_come_as_often_as_configured() {
    let steps = |config: LoopConfig| -> (Vec<usize>, Vec<usize>) {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), config, &mut Toy::new(), None).unwrap();
        let lines = metrics(folder.path());
        let step = |record: &Value| record["step"].as_u64().unwrap() as usize;
        let validated = lines.iter().filter(|record| record.get("valid_score").is_some()).map(step).collect();
        (lines.iter().map(step).collect(), validated)
    };
    let quiet = LoopConfig { log_every_steps: 0, validate_every_epochs: 0, ..config() };
    assert_eq!(steps(quiet.clone()), (vec![4, 8, 12], vec![]));
    assert_eq!(
        steps(LoopConfig { validate_every_epochs: 2, ..quiet.clone() }),
        (vec![4, 8, 12], vec![8, 12])
    );
    assert_eq!(steps(LoopConfig { log_every_steps: 5, ..quiet.clone() }), (vec![5, 10, 12], vec![]));
    let far_apart = LoopConfig { validate_every_epochs: 1, validate_every_steps: STEPS + 1, ..quiet };
    assert_eq!(steps(far_apart), (vec![4, 8, 12], vec![8, 12]));
}

#[test]
fn a_report_compares_the_end_with_the_start_over_a_resume() {
    // The validation at the start takes the score of the last epoch.
    for (scores, is_worse) in [(vec![-3.0, -2.0, -1.5], false), (vec![-3.0, -4.0, -2.5], false)] {
        let report = Trainer::new(config()).run(&mut Toy { scores, ..Toy::new() }, None).unwrap();
        assert_eq!(report.is_worse_than_start(true), is_worse);
    }
    let folder = tempfile::tempdir().unwrap();
    let toy = || Toy { scores: vec![-3.0, -4.0, -2.5], ..Toy::new() };
    run(folder.path(), config(), &mut toy(), Some(STEPS + 1)).unwrap();
    // The run goes on with other data, so that all of its scores are worse than the one at the start.
    let mut worse = Toy { scores: vec![-9.0, -9.0, -9.0], ..Toy::new() };
    let report = run(folder.path(), config(), &mut worse, None).unwrap();
    assert_eq!((report.start_score, report.last_score), (Some(-2.5), Some(-9.0)));
    assert_eq!(report.best.as_ref().map(|best| (best.score, best.step)), Some((-3.0, STEPS)));
    assert!(report.is_worse_than_start(true) && report.is_worse_than_start(false));
    assert_eq!(report.best.unwrap().metric(), Some(("valid_score", -3.0)));
}

#[test]
fn an_empty_epoch_is_an_error() {
    struct Nothing;
    impl TrainTask for Nothing {
        fn steps_per_epoch(&self) -> usize {
            0
        }
        fn step(&mut self, _: &Position) -> Result<(), BoxError> {
            Ok(())
        }
        fn take_metrics(&mut self) -> Result<Metrics, BoxError> {
            Ok(Metrics::new())
        }
        fn save_state(&self, _: &mut State) -> Result<(), BoxError> {
            Ok(())
        }
        fn load_state(&mut self, _: &State) -> Result<(), BoxError> {
            Ok(())
        }
        fn weights(&self) -> Result<Vec<u8>, BoxError> {
            Ok(Vec::new())
        }
    }
    let error = Trainer::new(config()).run(&mut Nothing, None).unwrap_err();
    assert!(matches!(error, TrainError::EmptyEpoch));
}

#[test]
fn observers_see_everything_in_order() {
    struct Log(Rc<RefCell<Vec<String>>>);
    impl Observer for Log {
        fn on_start(&mut self, start: &Start) {
            self.0.borrow_mut().push(format!(
                "start {} of {} resumed {}",
                start.steps_done, start.total_steps, start.resumed
            ));
        }
        fn on_step(&mut self, at: &Position) {
            self.0.borrow_mut().push(format!("step {}", at.steps_done()));
        }
        fn on_log(&mut self, record: &Record) {
            self.0.borrow_mut().push(format!("log {}", record.step));
        }
        fn on_validation(&mut self, record: &Record, is_best: bool) {
            self.0.borrow_mut().push(format!("validation {} best {is_best}", record.step));
        }
        fn on_checkpoint(&mut self, steps_done: usize) {
            self.0.borrow_mut().push(format!("checkpoint {steps_done}"));
        }
        fn on_end(&mut self, report: &Report) {
            self.0.borrow_mut().push(format!("end {:?}", report.outcome));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let config = LoopConfig { epochs: 1, ..config() };
    run(folder.path(), config.clone(), &mut Toy::new(), Some(2)).unwrap();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let mut run_folder = RunFolder::start(folder.path(), Existing::Resume, &[]).unwrap();
    let mut toy = Toy { scores: vec![-1.0], ..Toy::new() };
    Trainer::new(config).observe(Log(seen.clone())).run(&mut toy, Some(&mut run_folder)).unwrap();
    assert_eq!(
        *seen.borrow(),
        [
            "start 2 of 4 resumed true",
            "step 3",
            "log 3",
            "step 4",
            "log 4",
            "validation 4 best true",
            "checkpoint 4",
            "end Finished"
        ]
    );
}

const KILLED: &str = "GIBBS_TRAIN_TEST_KILLED_RUN";

fn long_config() -> LoopConfig {
    LoopConfig { epochs: 40, checkpoint_every_steps: Some(1), ..config() }
}

/// Not an independent test: if the variable is set, this is the process that the next test kills.
#[test]
fn train_until_killed() {
    let Some(path) = std::env::var_os(KILLED) else { return };
    run(Path::new(&path), long_config(), &mut Toy::new(), None).unwrap();
}

#[test]
fn a_process_killed_at_any_moment_goes_on_bit_identical() {
    let whole = uninterrupted(long_config());
    let folder = tempfile::tempdir().unwrap();
    let metrics_file = folder.path().join("metrics.jsonl");
    let mut kills = 0;
    for round in 0_u64.. {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "training::tests::train_until_killed", "--test-threads=1"])
            .env(KILLED, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // There is a checkpoint after each step, so most kills happen during the write of a checkpoint.
        let length = || std::fs::metadata(&metrics_file).map_or(0, |metadata| metadata.len());
        let before = length();
        while round < 6 && length() == before && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        if round < 6 {
            std::thread::sleep(Duration::from_micros(2300 * round));
            child.kill().unwrap();
        }
        if child.wait().unwrap().success() {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 4, "only {kills} of 6 kills came before the end");
    let last = run(folder.path(), long_config(), &mut Toy::new(), None).unwrap();
    assert_same(&whole, folder.path(), &last, "killed");
}
