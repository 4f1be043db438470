use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Bool, DType, Device, Float, Int, Tensor, TensorData};
use gibbs_backend::Noise;

use super::*;

fn example() -> State {
    let mut state = State::new();
    state.put_data("a", TensorData::new(vec![1.0_f32, f32::NAN, -0.0, 1e-45], [2, 2]));
    state.put_data("b", TensorData::new(vec![0.1_f64, f64::NEG_INFINITY], [2]));
    state.put_data("empty", TensorData::new(Vec::<f32>::new(), [0, 3]));
    state.put_bytes("blob", vec![0, 255, 7]);
    state.put("loop", &serde_json::json!({"step": u64::MAX, "rate": 0.1, "name": "x"})).unwrap();
    state
}

#[test]
fn everything_comes_back_bit_by_bit() {
    let state = example();
    let bytes = state.to_bytes().unwrap();
    assert_eq!(bytes, state.to_bytes().unwrap());
    let back = State::from_bytes(&bytes).unwrap();
    for name in ["a", "b", "empty"] {
        let (expected, found) = (state.data(name).unwrap(), back.data(name).unwrap());
        assert_eq!(found.as_bytes(), expected.as_bytes());
        assert_eq!((found.shape(), found.dtype()), (expected.shape(), expected.dtype()));
    }
    assert_eq!(back.bytes("blob").unwrap(), [0, 255, 7]);
    assert_eq!(back.values, state.values);
    assert_eq!(back.to_bytes().unwrap(), bytes);
}

#[test]
fn tensors_of_all_kinds_come_back_on_the_device() {
    let device = Device::flex();
    let mut state = State::new();
    let floats = Tensor::<2>::from_data([[1.5_f32, -2.5]], &device);
    let doubles = Tensor::<1>::from_data(TensorData::from([0.1_f64]), (&device, DType::F64));
    let ints = Tensor::<1, Int>::from_data([3, -4], &device);
    let bools = Tensor::<1, Bool>::from_data([true, false], &device);
    state.put_tensor("floats", &floats);
    state.put_tensor("doubles", &doubles);
    state.put_tensor("ints", &ints);
    state.put_tensor("bools", &bools);
    let back = State::from_bytes(&state.to_bytes().unwrap()).unwrap();
    assert_eq!(back.tensor::<2, Float>("floats", &device).unwrap().into_data(), floats.into_data());
    let found: Tensor<1> = back.tensor("doubles", &device).unwrap();
    assert_eq!((found.dtype(), found.into_data()), (DType::F64, doubles.into_data()));
    assert_eq!(back.tensor::<1, Int>("ints", &device).unwrap().into_data(), ints.into_data());
    assert_eq!(back.tensor::<1, Bool>("bools", &device).unwrap().into_data(), bools.into_data());
    let error = back.tensor::<1, Int>("floats", &device).unwrap_err().to_string();
    assert_eq!(error, "`floats` in the checkpoint: a tensor of the shape [1, 2], expected rank 1");
}

#[test]
fn any_damage_is_noticed() {
    let bytes = example().to_bytes().unwrap();
    for length in 0..bytes.len() {
        assert!(matches!(State::from_bytes(&bytes[..length]), Err(StateError::Damaged(_))), "{length}");
    }
    let mut unnoticed = Vec::new();
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1 << bit;
            if let Ok(state) = State::from_bytes(&damaged) {
                // A space of the header's padding may become another white space; nothing else may pass.
                assert_eq!(state.to_bytes().unwrap(), bytes, "byte {position} bit {bit}");
                unnoticed.push(position);
            }
        }
    }
    assert!(unnoticed.len() < 64, "{unnoticed:?}");
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(State::from_bytes(&longer), Err(StateError::Damaged(_))));
}

#[test]
fn a_damaged_file_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.safetensors");
    example().save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &damaged).unwrap();
    assert_eq!(
        State::load(&path).unwrap_err().to_string(),
        format!(
            "the checkpoint {} is damaged (the checksum does not match): restore it, or start again with --overwrite",
            path.display()
        )
    );
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(State::load(&path), Err(StateError::DamagedFile { .. })));
    std::fs::write(
        &path,
        safetensors::serialize(Vec::<(&str, safetensors::tensor::TensorView)>::new(), None).unwrap(),
    )
    .unwrap();
    let foreign = State::load(&path).unwrap_err().to_string();
    assert!(foreign.contains("not a checkpoint of this program"), "{foreign}");
    let absent = State::load(folder.path().join("absent")).unwrap_err().to_string();
    assert!(absent.starts_with("cannot read the checkpoint"), "{absent}");
}

#[test]
fn names_that_are_missing_are_listed() {
    let state = example();
    assert_eq!(
        state.data("c").unwrap_err().to_string(),
        "the checkpoint has no tensor `c`; it has: a, b, empty"
    );
    assert_eq!(
        state.bytes("best").unwrap_err().to_string(),
        "the checkpoint has no bytes `best`; it has: blob"
    );
    assert_eq!(
        state.get::<u8>("step").unwrap_err().to_string(),
        "the checkpoint has no value `step`; it has: loop"
    );
    let error = state.get::<Vec<u8>>("loop").unwrap_err().to_string();
    assert_eq!(error, "`loop` in the checkpoint: invalid type: map, expected a sequence");
}

#[test]
fn states_nest() {
    let mut outer = State::new();
    outer.put("a", &1).unwrap();
    outer.absorb("inner", example());
    assert!(outer.contains("inner") && outer.contains("inner/blob") && !outer.contains("inn"));
    let inner = outer.release("inner");
    assert_eq!(inner.to_bytes().unwrap(), example().to_bytes().unwrap());
    assert!(!outer.contains("inner"));
    assert_eq!(outer.get::<u8>("a").unwrap(), 1);
}

#[test]
fn noise_goes_on_where_it_was() {
    let device = Device::flex();
    let mut noise = Noise::new(7, "chains");
    let _ = noise.uniform([3, 5], &device);
    let mut state = State::new();
    state.put("noise", &noise).unwrap();
    let mut back: Noise = State::from_bytes(&state.to_bytes().unwrap()).unwrap().get("noise").unwrap();
    assert_eq!(back, noise);
    assert_eq!(back.normal([9], &device).into_data(), noise.normal([9], &device).into_data());
}

fn linear(device: &Device, seed: u64) -> Linear {
    let mut noise = Noise::new(seed, "init");
    let mut linear = LinearConfig::new(3, 2).init(device);
    linear.weight = Param::from_tensor(noise.normal([3, 2], device));
    linear.bias = Some(Param::from_tensor(noise.normal([2], device)));
    linear
}

fn train(
    model: Linear,
    optimizer: &mut ModuleOptimizer,
    steps: std::ops::Range<u64>,
    device: &Device,
) -> Linear {
    steps.fold(model, |model, step| {
        let x: Tensor<2> = Noise::new(step, "data").normal([8, 3], device);
        let loss = model.forward(x).square().mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        optimizer.step(0.05, model, gradients)
    })
}

fn values(model: &Linear) -> Vec<u8> {
    let mut bytes = model.weight.val().into_data().as_bytes().to_vec();
    bytes.extend(model.bias.as_ref().unwrap().val().into_data().as_bytes());
    bytes
}

#[test]
fn a_module_and_its_optimizer_go_on_bit_by_bit() {
    let device = Device::flex().autodiff();
    let makers: [&dyn Fn() -> ModuleOptimizer; 3] = [
        &|| placed(AdamConfig::new().build(), &Device::flex().autodiff()),
        &|| placed(SgdConfig::new().with_momentum(Some(MomentumConfig::new())).build(), &Device::flex()),
        &|| AdamConfig::new().init(),
    ];
    for make in makers {
        let mut optimizer = make();
        let model = train(linear(&device, 0), &mut optimizer, 0..5, &device);
        let mut state = State::new();
        state.put_module("model", &model).unwrap();
        state.put_optimizer("optimizer", &optimizer).unwrap();
        let expected = values(&train(model, &mut optimizer, 5..10, &device));

        let state = State::from_bytes(&state.to_bytes().unwrap()).unwrap();
        assert_eq!(state.not_finite(), None);
        let model = state.module("model", linear(&device, 99)).unwrap();
        assert!(model.weight.is_require_grad());
        let mut optimizer = state.optimizer("optimizer", make()).unwrap();
        assert_eq!(values(&train(model.clone(), &mut optimizer, 5..10, &device)), expected);

        let forgetful = values(&train(model, &mut make(), 5..10, &device));
        assert_ne!(forgetful, expected, "the optimizer's state has no effect");
    }
}

#[test]
fn a_module_of_another_shape_or_structure_is_refused() {
    let device = Device::flex();
    let mut state = State::new();
    state.put_module("model", &linear(&device, 0)).unwrap();
    let wider = LinearConfig::new(4, 2).init(&device);
    assert_eq!(
        state.module("model", wider).unwrap_err().to_string(),
        "`model` in the checkpoint does not fit this run: tensor `weight` has the shape [3, 2] where the model has [4, 2]"
    );
    let without_bias = LinearConfig::new(3, 2).with_bias(false).init(&device);
    assert_eq!(
        state.module("model", without_bias.clone()).unwrap_err().to_string(),
        "`model` in the checkpoint does not fit this run: tensors that the model does not have: bias"
    );
    let mut state = State::new();
    state.put_module("model", &without_bias).unwrap();
    assert_eq!(
        state.module("model", linear(&device, 0)).unwrap_err().to_string(),
        "`model` in the checkpoint does not fit this run: missing tensors: bias; there are: weight"
    );
}

#[test]
fn a_parameter_that_is_not_finite_shows() {
    let device = Device::flex();
    for bad in [f32::NAN, f32::INFINITY] {
        let mut model = linear(&device, 0);
        model.bias = Some(Param::from_tensor(Tensor::from_floats([0.0, bad], &device)));
        let mut inner = State::new();
        inner.put_module("model", &model).unwrap();
        assert_eq!(inner.not_finite(), Some("model.bias"));
        let mut outer = State::new();
        outer.absorb("task", inner);
        assert_eq!(outer.not_finite(), Some("task/model.bias"));
    }
}

#[derive(Module, Debug)]
enum Side {
    One(Linear),
    Other(Linear),
}

#[derive(Module, Debug)]
struct Nested {
    side: Side,
    layers: Vec<Linear>,
    steps: Param<Tensor<1, Int>>,
}

#[test]
fn variants_are_no_part_of_a_path() {
    let device = Device::flex();
    let nested = |seed| Nested {
        side: Side::One(linear(&device, seed)),
        layers: vec![linear(&device, seed + 1)],
        steps: Param::initialized(burn::module::ParamId::new(), Tensor::from_data([seed as i64], &device)),
    };
    let mut state = State::new();
    state.put_module("model", &nested(0)).unwrap();
    let names: Vec<&String> = state.tensors.keys().collect();
    assert_eq!(
        names,
        [
            "model.layers.0.bias",
            "model.layers.0.weight",
            "model.side.bias",
            "model.side.weight",
            "model.steps"
        ]
    );
    let mut other = nested(50);
    other.side = Side::Other(linear(&device, 60));
    let back = state.module("model", other).unwrap();
    let mut again = State::new();
    again.put_module("model", &back).unwrap();
    assert_eq!(again.to_bytes().unwrap(), state.to_bytes().unwrap());
}
