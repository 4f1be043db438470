//! The commands `encode` and `decode`: examples to their latent variables and back.

use gibbs_data::{Kind, ReadConfig, npy};

use super::{Applied, device, family::names, load_run, load_with_source};
use crate::{
    cli::{Decode, Encode},
    output::{note, print_json},
    plane,
    prelude::*,
    preprocessed::blocks,
    source::{classes, require_labels, rows},
    usage::require_extension,
};

/// Files in a run folder that the commands write by default.
pub(super) const FILES: [&str; 2] = ["latent.npy", "decoded.npy"];

/// Rows that are computed at once.
const BLOCK: usize = 1000;
/// The most images in a picture.
const MOST_IMAGES: usize = 400;

/// A model with latent variables: hidden units, codes, or points of the base.
pub trait Latent {
    /// Number of latent variables in each layer, from the data on; one layer if they are not layered.
    fn widths(&self) -> Vec<usize>;

    /// Number of classes on which the map is conditioned, 0 for none.
    fn n_classes(&self) -> usize {
        0
    }

    /// Examples `x [n, width]` as the latent variables of a layer (from 0) `[n, latent]`, given one-hot classes if there are any.
    ///
    /// # Errors
    /// An equation that cannot be solved.
    fn encode(&self, examples: Batch, layer: usize) -> Result<Tensor<2>>;

    /// The reverse of [`encode`](Self::encode), or its nearest to a reverse.
    ///
    /// # Errors
    /// An equation that cannot be solved.
    fn decode(&self, latent: Batch, layer: usize) -> Result<Tensor<2>>;
}

/// The index of a layer that is counted from 1 on the command line; the last layer if none is given.
fn layer(asked: Option<usize>, model: &dyn Latent) -> Result<usize> {
    let n = model.widths().len();
    match asked.unwrap_or(n) {
        layer if (1..=n).contains(&layer) => Ok(layer - 1),
        layer => Err(usage!("--layer {layer}: the model has the layers 1 to {n}")),
    }
}

/// A trained model as one with latent variables.
fn latent_of<E: Trained>(model: &E) -> Result<&dyn Latent> {
    let latent = E::LATENT.ok_or_else(|| {
        let others = names(|family| family.has_latent);
        usage!("{} has no latent variables to encode to; these families have: {others}", E::NAME)
    })?;
    Ok(latent(model))
}

/// Writes the latent variables of examples.
pub(super) fn encode<E: Trained>(args: &Encode, shared: &Shared) -> Result<()> {
    let out = args.out.clone().unwrap_or_else(|| args.examples.run_dir.join(FILES[0]));
    require_extension(&out, "npy")?;
    args.plane.iter().try_for_each(|picture| require_extension(picture, "png"))?;
    let (_, device) = device(shared)?;
    let Applied { model, source, part, .. } = load_with_source::<E>(&args.examples, shared)?;
    let model = latent_of(&model)?;
    let layer = layer(args.layer, model)?;
    let (mut values, mut labels) = (Vec::new(), Some(Vec::new()));
    for set in part.of(source.data()?) {
        labels = labels.zip(set.labels()).map(|(labels, of_set)| [labels.as_slice(), of_set].concat());
        for batch in blocks(set, &rows(set), BLOCK, model.n_classes(), &device) {
            values.extend(host(model.encode(batch, layer)?));
        }
    }
    let width = model.widths()[layer];
    npy::write(&out, &values, &[values.len() / width, width])?;
    note(format_args!("wrote {}", out.display()));
    if let Some(picture) = &args.plane {
        let work = Work::new("drawing", false);
        let accuracy = plane::draw(&values, width, labels.as_deref(), picture, &work)?;
        note(format_args!("wrote {}", picture.display()));
        accuracy.iter().try_for_each(|accuracy| print_json(accuracy, false))?;
    }
    Ok(())
}

/// Writes the examples of latent variables.
pub(super) fn decode<E: Trained>(args: &Decode, shared: &Shared) -> Result<()> {
    let (_, device) = device(shared)?;
    let (_, trained) = load_run::<E>(&args.run_dir, &device)?;
    let model = latent_of(&trained)?;
    let layer = layer(args.layer, model)?;
    let read = ReadConfig {
        whole: true,
        kind: Some(Kind::Real),
        offset: Some(Vec::new()),
        labels: args.labels.clone(),
        ..ReadConfig::default()
    };
    let latent = read.read(&args.latent).or_usage()?.train;
    let width = model.widths()[layer];
    require!(
        latent.width() == width,
        "{}: rows of {} numbers where layer {} of {} has {width}",
        args.latent.display(),
        latent.width(),
        layer + 1,
        args.run_dir.display()
    );
    let n_classes = model.n_classes();
    let of_class = match (args.class, &args.labels) {
        (None, None) if n_classes > 0 => {
            refuse!("the model is conditioned on classes: give --class K or --labels FILE");
        }
        (None, Some(_)) => {
            require_labels([&latent], n_classes, "model.n_classes")?;
            None
        }
        (class, _) => classes(latent.len(), class, n_classes, &device)?,
    };
    let mut values = Vec::new();
    for (k, batch) in blocks(&latent, &rows(&latent), BLOCK, n_classes, &device).enumerate() {
        let n = batch.x.dims()[0];
        let context =
            of_class.clone().map(|context| context.narrow(0, k * BLOCK, n)).or(batch.context.clone());
        values.extend(host(model.decode(Batch { context, ..batch }, layer)?));
    }
    let out = args.out.clone().unwrap_or_else(|| args.run_dir.join(FILES[1]));
    write(&out, &values, &trained.look())?;
    note(format_args!("wrote {}", out.display()));
    Ok(())
}

/// Writes examples; of a picture the first ones that it has room for.
fn write(out: &Path, values: &[f32], look: &Look) -> Result<()> {
    let width = look.width();
    let n = values.len() / width;
    let is_picture = look.image().is_some() && out.extension().is_some_and(|extension| extension == "png");
    let shown = if is_picture { n.min(MOST_IMAGES) } else { n };
    if shown < n {
        note(format_args!("the picture shows the first {shown} of {n}; write a .npy file for all of them"));
    }
    let values = &values[..shown * width];
    look.write(out, "decoded", values, values)
}
