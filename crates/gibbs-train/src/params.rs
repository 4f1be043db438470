//! Reads and replaces the parameters of a module by their field paths.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Bool, DType, Device, Float, FloatDType, Int, Shape, Tensor, TensorData, kind::Basic};
use thiserror::Error;

/// The error of tensors that do not fit a module.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParamsError {
    /// Parameters without a tensor.
    #[error("missing tensors: {}; there are: {}", .missing.join(", "), .found.join(", "))]
    Missing {
        /// Field paths of these parameters.
        missing: Vec<String>,
        /// Names of the existing tensors.
        found: Vec<String>,
    },

    /// Tensors without a parameter in the module.
    #[error("tensors that the model does not have: {}", .0.join(", "))]
    Unexpected(Vec<String>),

    /// A tensor of another shape.
    #[error("tensor `{name}` has the shape {found:?} where the model has {expected:?}")]
    Shape {
        /// The field path.
        name: String,
        /// Shape in the module.
        expected: Vec<usize>,
        /// Shape in the source.
        found: Vec<usize>,
    },

    /// A tensor with values of another kind: float, int or bool.
    #[error("tensor `{name}` holds {found:?} values where the model has {expected}")]
    Kind {
        /// The field path.
        name: String,
        /// The kind in the module: float, int or bool.
        expected: &'static str,
        /// The type of the values in the source.
        found: DType,
    },
}

/// A parameter of a module.
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) id: ParamId,
    pub(crate) data: TensorData,
}

/// The new identity and value of a parameter.
pub(crate) struct Source {
    /// The new identity; `None` keeps the old one.
    pub(crate) id: Option<ParamId>,
    pub(crate) data: TensorData,
}

/// The element type of the parameters after loading.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Precision {
    /// The type of the source: values are copied bit by bit.
    Source,
    /// The type of the module.
    Module,
}

/// All parameters of a module in the order of its fields, in the form in which Burn saves them (`Param::save_mapper`). Names
/// of enum variants are not part of a path.
pub(crate) fn collect<M: Module>(module: &M) -> Vec<Entry> {
    let mut collector = Collector::default();
    module.visit(&mut collector);
    collector.entries
}

/// Replaces all parameters of a module.
pub(crate) fn apply<M: Module>(
    module: M,
    sources: BTreeMap<String, Source>,
    precision: Precision,
) -> Result<M, ParamsError> {
    let names: Vec<String> = sources.keys().cloned().collect();
    let mut loader = Loader { path: Path::default(), sources, precision, missing: Vec::new(), error: None };
    let module = module.map(&mut loader);
    if let Some(error) = loader.error {
        Err(error)
    } else if !loader.missing.is_empty() {
        Err(ParamsError::Missing { missing: loader.missing, found: names })
    } else if !loader.sources.is_empty() {
        Err(ParamsError::Unexpected(loader.sources.into_keys().collect()))
    } else {
        Ok(module)
    }
}

/// The field path and the absolute value of the largest float parameter. Waits for the device once. A NaN may be passed over.
pub(crate) fn largest<M: Module>(module: &M) -> Option<(String, f64)> {
    let mut extremes = Extremes::default();
    module.visit(&mut extremes);
    if extremes.values.is_empty() {
        return None;
    }
    let values: Vec<f32> = Tensor::cat(extremes.values, 0).into_data().iter::<f32>().collect();
    let all = extremes.paths.into_iter().zip(values.into_iter().map(f64::from));
    all.max_by(|a, b| a.1.total_cmp(&b.1))
}

/// The largest absolute value of each float parameter, `[1]`.
#[derive(Default)]
struct Extremes {
    path: Path,
    paths: Vec<String>,
    values: Vec<Tensor<1>>,
}

impl ModuleVisitor for Extremes {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.path.exit(container_type);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val().without_autodiff();
        if value.shape().num_elements() > 0 {
            self.paths.push(self.path.join());
            self.values.push(value.abs().max().cast(FloatDType::F32));
        }
    }
}

#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn enter(&mut self, name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.push(name.to_string());
        }
    }

    fn exit(&mut self, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.pop();
        }
    }

    fn join(&self) -> String {
        self.0.join(".")
    }
}

#[derive(Default)]
struct Collector {
    path: Path,
    entries: Vec<Entry>,
}

impl Collector {
    fn push(&mut self, id: ParamId, data: TensorData) {
        self.entries.push(Entry { path: self.path.join(), id, data });
    }
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.path.exit(container_type);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.push(param.id, param.transform_for_save().val().into_data());
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.push(param.id, param.transform_for_save().val().into_data());
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.push(param.id, param.transform_for_save().val().into_data());
    }
}

struct Loader {
    path: Path,
    sources: BTreeMap<String, Source>,
    precision: Precision,
    missing: Vec<String>,
    error: Option<ParamsError>,
}

impl Loader {
    fn take<const D: usize, K: Basic>(
        &mut self,
        target: Target,
        module_dtype: impl FnOnce() -> DType,
    ) -> Option<(Tensor<D, K>, ParamId)> {
        let name = self.path.join();
        let Some(source) = self.sources.remove(&name) else {
            self.missing.push(name);
            return None;
        };
        let found = source.data.dtype();
        let fits = match target.kind {
            "float" => found.is_float(),
            "bool" => found.is_bool(),
            _ => found.is_int() || found.is_uint(),
        };
        let error = if *source.data.shape() != target.shape {
            Some(ParamsError::Shape {
                name,
                expected: target.shape.to_vec(),
                found: source.data.shape().to_vec(),
            })
        } else if !fits {
            Some(ParamsError::Kind { name, expected: target.kind, found })
        } else {
            None
        };
        if let Some(error) = error {
            self.error.get_or_insert(error);
            return None;
        }
        let dtype = if self.precision == Precision::Source { found } else { module_dtype() };
        Some((Tensor::from_data(source.data, (&target.device, dtype)), source.id.unwrap_or(target.id)))
    }
}

struct Target {
    id: ParamId,
    device: Device,
    shape: Shape,
    kind: &'static str,
}

macro_rules! load {
    ($method:ident, $kind:ty, $name:literal) => {
        fn $method<const D: usize>(&mut self, param: Param<Tensor<D, $kind>>) -> Param<Tensor<D, $kind>> {
            let shape = param.lazy_shape();
            let target = Target { id: param.id, device: param.lazy_device(), shape, kind: $name };
            match self.take(target, || param.val().dtype()) {
                Some((tensor, id)) => param.transform_for_load(tensor, id),
                None => param,
            }
        }
    };
}

impl ModuleMapper for Loader {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.path.exit(container_type);
    }

    load!(map_float, Float, "float");
    load!(map_int, Int, "int");
    load!(map_bool, Bool, "bool");
}
