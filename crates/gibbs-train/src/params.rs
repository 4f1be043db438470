//! The parameters of a module by their field paths, out of it and into it.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Bool, DType, Device, Float, Int, Shape, Tensor, TensorData, kind::Basic};
use thiserror::Error;

/// Tensors that do not fit a module.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParamsError {
    /// Parameters that the source does not have.
    #[error("missing tensors: {}; there are: {}", .missing.join(", "), .found.join(", "))]
    Missing {
        /// Field paths of the parameters without a tensor.
        missing: Vec<String>,
        /// Names of the tensors that are there.
        found: Vec<String>,
    },

    /// Tensors that the module does not have.
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

    /// A tensor of a kind that cannot become the module's.
    #[error("tensor `{name}` holds {found:?} values where the model has {expected}")]
    Kind {
        /// The field path.
        name: String,
        /// What the module holds: float, int or bool.
        expected: &'static str,
        /// Type of the values in the source.
        found: DType,
    },
}

/// One parameter read out of a module.
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) id: ParamId,
    pub(crate) data: TensorData,
}

/// What a parameter is to become.
pub(crate) struct Source {
    /// The identity to take over; `None` keeps the module's own.
    pub(crate) id: Option<ParamId>,
    pub(crate) data: TensorData,
}

/// Which type the values have after loading.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Precision {
    /// That of the source, bit by bit.
    Source,
    /// That of the module.
    Module,
}

/// All parameters of a module in the order of its fields, each as it is saved (see burn's `Param::save_mapper`).
/// Variants of enums are no part of a path.
pub(crate) fn collect<M: Module>(module: &M) -> Vec<Entry> {
    let mut collector = Collector::default();
    module.visit(&mut collector);
    collector.entries
}

/// Puts tensors in the place of all parameters of a module.
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
