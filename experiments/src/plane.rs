//! Latent variables in the plane, by t-SNE and by principal components, and how well their classes stay together there. Two latent
//! variables are a plane themselves.

use gibbs_autoencoder::{Pca, TsneConfig, tsne::neighbor_accuracy};

use crate::{
    pictures::{DOT, range},
    prelude::*,
    source::spread,
};

/// Points at most; t-SNE sums over all pairs of them.
const POINTS: usize = 5000;
/// Neighbors that vote on the class of a point.
const NEIGHBORS: usize = 10;
/// Neighbors of t-SNE, fewer for few points.
const PERPLEXITY: f64 = 30.0;
/// Height of a panel.
const HEIGHT: u32 = 760;

/// Draws latent variables `[n, width]`, row by row, in the plane. Returns how many of the points have the class of their neighbors:
/// among all latent variables; and, if there are more than two, in the plane of t-SNE and in that of the first two principal
/// components.
///
/// # Errors
/// Too few points or latent variables, a file that cannot be written.
pub fn draw(
    latent: &[f32],
    width: usize,
    labels: Option<&[u16]>,
    out: &Path,
    work: &Work,
) -> Result<Option<Value>> {
    let n = latent.len() / width;
    require!(width > 1, "--plane: the model has a single latent variable, which needs no plane");
    require!(n > 10, "--plane: {n} examples are too few; give at least 11");
    let rows = spread(n, POINTS);
    let values: Vec<f32> =
        rows.iter().flat_map(|&i| latent[i * width..(i + 1) * width].iter().copied()).collect();
    let n = rows.len();
    let x: Tensor<2> = Tensor::from_data(TensorData::new(values, [n, width]), &Device::default());
    let planes = match width {
        2 => Vec::new(),
        _ => vec![
            ("t-SNE", "neighbor_accuracy_tsne", by_tsne(&x, work)?),
            (
                "two principal components",
                "neighbor_accuracy_pca",
                Pca::fit([x.clone()], 2).or_usage_at("--plane")?.encode(x.clone()),
            ),
        ],
    };
    let labels: Option<Vec<u16>> = labels.map(|labels| rows.iter().map(|&i| labels[i]).collect());
    let panel = |title: &str, points: &Tensor<2>| {
        let (x, y): (Vec<f32>, Vec<f32>) = host(points.clone()).chunks(2).map(|p| (p[0], p[1])).unzip();
        let [(left, right), (low, high)] = [&x, &y].map(|values| range(values.clone()));
        let panel =
            Panel::new(Axis::new("").range(low, high)).x_axis(Axis::new("").range(left, right)).title(title);
        match &labels {
            Some(labels) => panel.classes(&x, &y, labels),
            None => panel.series(Series::new("", &x, &y).dots(DOT)),
        }
    };
    let panels = match planes.is_empty() {
        true => vec![panel("two latent variables", &x)],
        false => planes.iter().map(|(title, _, points)| panel(title, points)).collect(),
    };
    let figure = Figure::new(Axis::new("")).panel_height(HEIGHT);
    panels.into_iter().fold(figure, Figure::panel).save(out)?;
    Ok(labels.map(|labels| {
        let accuracy = |x: &Tensor<2>| neighbor_accuracy(x.clone(), &labels, NEIGHBORS);
        let mut found = json!({ "points": n, "neighbors": NEIGHBORS, "neighbor_accuracy": accuracy(&x) });
        for (_, name, points) in &planes {
            found[name] = json!(accuracy(points));
        }
        found
    }))
}

/// Points `[n, 2]` of t-SNE for `x [n, width]`.
fn by_tsne(x: &Tensor<2>, work: &Work) -> Result<Tensor<2>> {
    let n = x.dims()[0];
    let tsne = TsneConfig { perplexity: PERPLEXITY.min((n - 1) as f64 / 4.0), ..TsneConfig::default() };
    work.begin("t-SNE", tsne.iterations);
    let points = tsne.embed(x.clone(), || work.advance(1)).or_usage_at("--plane")?;
    let points: Vec<f32> = points.iter().flatten().map(|&x| x as f32).collect();
    Ok(Tensor::from_data(TensorData::new(points, [n, 2]), &x.device()))
}
