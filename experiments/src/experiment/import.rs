//! The command `import`: weights of another program become a run of this one.

use std::{collections::BTreeMap, fs};

use anyhow::Context;
use burn::tensor::DType;
use gibbs_train::run_folder::Existing;
use pytorch_reader::{DType as TorchType, PytorchReader};

use super::{
    device, load_source,
    train::{check_folder, start_folder},
};
use crate::{config, output::note, prelude::*, usage};

/// Writes a run folder with the configuration that the flags describe and the weights of a file, if both fit.
pub(super) fn import<E: Experiment>(
    Both { common: args, family }: &Both<cli::Import, E::TrainArgs>,
    shared: &Shared,
) -> Result<()> {
    let (_, device) = device(shared)?;
    let file = args.file.display();
    require!(args.request.from.is_none(), "--from and {file} both give weights: leave one out");
    let request = Request::new(&args.request, family, Vec::new())?;
    let source = load_source::<E>(&request, None, shared)?;
    let (config, _) = config::resolve::<E>(&request, &source, None)?;
    E::validate(&config, &source)?;
    let bytes = read(&args.file, &args.maps, args.transpose)?;
    E::load(&config, &bytes, &device).map_err(|error| {
        let reason = usage::one_line(&error);
        usage!("{file}: {reason}; --map gives tensors other names, --transpose turns matrices")
    })?;
    check_folder::<E>(&args.run_dir, Existing::Refuse)?;
    let folder = start_folder::<E>(&args.run_dir, Existing::Refuse)?;
    folder.write_config(&config)?;
    folder.write_model(&bytes)?;
    note(format!("wrote {}", args.run_dir.display()));
    Ok(())
}

/// Tensors by name.
type Tensors = BTreeMap<String, TensorData>;

/// `THEIRS=OURS` of a flag: tensors whose names begin with the first path begin with the second instead, or are left out if it is
/// empty.
fn parsed(text: &str) -> Result<(&str, &str)> {
    let pair = text.split_once('=').filter(|(theirs, _)| !theirs.is_empty());
    pair.ok_or_else(|| usage!("--map {text}: give THEIRS=OURS, such as net.0=layers.0"))
}

/// The new name of a tensor, if it begins with the path `theirs`.
fn renamed(name: &str, (theirs, ours): (&str, &str)) -> Option<String> {
    let rest = name.strip_prefix(theirs).filter(|rest| rest.is_empty() || rest.starts_with('.'))?;
    Some(if ours.is_empty() { String::new() } else { format!("{ours}{rest}") })
}

/// The bytes of a `model.safetensors` with the floating-point tensors of a file under new names. `is_transposed` exchanges the
/// two axes of all matrices.
///
/// # Errors
/// A file of another kind, a renaming that is none or that renames nothing, two tensors of one name.
fn read(file: &Path, maps: &[String], is_transposed: bool) -> Result<Vec<u8>> {
    let maps: Vec<_> = maps.iter().map(|text| parsed(text)).collect::<Result<_>>()?;
    let theirs = tensors(file)?;
    let is_unused = |map: &&(&str, &str)| !theirs.keys().any(|name| renamed(name, **map).is_some());
    if let Some((unused, _)) = maps.iter().find(is_unused) {
        let names: Vec<&str> = theirs.keys().map(String::as_str).collect();
        refuse!("--map {unused}=…: {} has {}", file.display(), names.join(", "));
    }
    let mut ours = Tensors::new();
    for (name, data) in theirs {
        let new = maps.iter().find_map(|&map| renamed(&name, map)).unwrap_or_else(|| name.clone());
        if new.is_empty() {
            continue;
        }
        let data = data.convert::<f32>();
        let data = if is_transposed { transposed(data)? } else { data };
        if ours.insert(new.clone(), data).is_some() {
            refuse!("--map: two tensors become {new}, the second one is {name}");
        }
    }
    Ok(weights::serialize(&ours)?)
}

/// The floating-point tensors of a safetensors file, or of a state dict that PyTorch saved.
fn tensors(file: &Path) -> Result<Tensors> {
    let of_file = || file.display().to_string();
    let mut tensors = match file.extension().and_then(|extension| extension.to_str()) {
        Some("safetensors") => weights::tensors_of(&fs::read(file).with_context(of_file).or_usage()?)
            .with_context(of_file)
            .or_usage()?,
        Some("pt" | "pth") => torch_tensors(file).with_context(of_file).or_usage()?,
        _ => {
            refuse!("{}: the name must end in .safetensors, .pt or .pth", file.display());
        }
    };
    // Counters and other whole numbers are no weights.
    tensors.retain(|_, data| data.dtype().is_float());
    match tensors.is_empty() {
        true => Err(usage!("{} holds no weights", file.display())),
        false => Ok(tensors),
    }
}

fn torch_tensors(file: &Path) -> Result<Tensors> {
    let read = |(name, tensor): (String, pytorch_reader::Tensor)| {
        let dtype = match tensor.dtype() {
            TorchType::F64 => DType::F64,
            TorchType::F32 => DType::F32,
            TorchType::F16 => DType::F16,
            TorchType::BF16 => DType::BF16,
            _ => return None,
        };
        let data = |bytes| TensorData::try_from_bytes_vec(bytes, tensor.shape().to_vec(), dtype);
        let data = tensor.read().map_err(anyhow::Error::from).and_then(|bytes| Ok(data(bytes)?));
        Some(data.map(|data| (name, data)))
    };
    PytorchReader::new(file)?.into_tensors().into_iter().filter_map(read).collect()
}

/// A matrix with its axes exchanged; anything else as it is.
fn transposed(data: TensorData) -> Result<TensorData> {
    let &[rows, columns] = &data.shape().to_vec()[..] else { return Ok(data) };
    let values = data.try_to_vec::<f32>().map_err(|error| usage!("{error:?}"))?;
    let column = |j: usize| (0..rows).map(move |i| i * columns + j);
    Ok(TensorData::new(
        (0..columns).flat_map(column).map(|k| values[k]).collect::<Vec<f32>>(),
        [columns, rows],
    ))
}
