//! Requests to a model, in JSON: what it can do, and doing it. All numbers of a request are checked here, so that a model
//! receives what it can work with.

use axum::http::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    answer::Refusal,
    base64::{Bytes, Floats},
    playground::{Chain, Dice, Latent, PlayError, Playground},
};

/// The most steps of a chain in one request.
const MOST_STEPS: usize = 1000;
/// The most completions in one request.
const MOST_COMPLETIONS: usize = 16;
/// The most images of a walk.
const MOST_STATIONS: usize = 64;
/// The most points of a flow.
const MOST_POINTS: usize = 4000;

/// What a model can do.
pub(crate) fn abilities(model: &dyn Playground) -> Value {
    json!({
        "shape": model.shape(),
        "examples": model.examples().iter().map(|image| Bytes::of_image(image)).collect::<Vec<_>>(),
        "chain": model.chain().map(|chain| json!({ "energy": chain.energy_name() })),
        "recall": model.recall().map(|_| json!({})),
        "complete": model.complete().map(|complete| json!({ "how": complete.how(), "most": MOST_COMPLETIONS })),
        "reconstruct": model.reconstruct().map(|_| json!({})),
        "classify": model.classify().map(|classify| json!({ "classes": classify.classes() })),
        "latent": model.latent().map(|latent| json!({ "width": latent.width(), "normal": latent.is_normal() })),
        "paths": model.paths().map(|paths| json!({ "parts": paths.parts(), "most": MOST_POINTS })),
        "lattice": model.lattice().map(|lattice| json!({
            "lengths": lattice.lengths(),
            "temperatures": lattice.temperatures(),
            "critical": lattice.critical_temperature(),
        })),
    })
}

/// Does what a request asks of a model.
///
/// # Errors
/// 404 for what the model cannot do; 400 for a request that makes no sense; 422 with the reason of the model.
pub(crate) fn act(model: &dyn Playground, action: &str, body: &[u8]) -> Result<Value, Refusal> {
    match action {
        "chain" => chain(model, able(model.chain())?, read(body)?),
        "recall" => recall(model, read(body)?),
        "complete" => complete(model, read(body)?),
        "reconstruct" => reconstruct(model, read(body)?),
        "classify" => classify(model, read(body)?),
        "walk" => walk(model, able(model.latent())?, read(body)?),
        "paths" => paths(model, read(body)?),
        "sweep" => sweep(model, read(body)?),
        _ => Err(Refusal::missing(
            "a model does chain, recall, complete, reconstruct, classify, walk, paths and sweep",
        )),
    }
}

fn able<T>(ability: Option<T>) -> Result<T, Refusal> {
    ability.ok_or_else(|| Refusal::missing("this model cannot do that"))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::bad(error.to_string()))
}

/// The reason of a model for not doing something.
fn reason(error: PlayError) -> Refusal {
    Refusal(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
}

fn within(name: &str, value: usize, most: usize) -> Result<usize, Refusal> {
    match (1..=most).contains(&value) {
        true => Ok(value),
        false => Err(Refusal::bad(format!("{name} = {value}: give 1 to {most}"))),
    }
}

/// The image of a request, of the size of the model's.
fn image(model: &dyn Playground, bytes: &Bytes) -> Result<Vec<f32>, Refusal> {
    let (rows, columns) = able(model.shape())?;
    match bytes.0.len() == rows * columns {
        true => Ok(bytes.image()),
        false => {
            Err(Refusal::bad(format!("an image has {rows}·{columns} bytes, this one has {}", bytes.0.len())))
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainRequest {
    image: Option<Bytes>,
    state: Option<Floats>,
    steps: usize,
    seed: u64,
    call: u64,
}

fn chain(model: &dyn Playground, chain: &dyn Chain, request: ChainRequest) -> Result<Value, Refusal> {
    let dice = Dice { seed: request.seed, call: request.call };
    let steps = within("steps", request.steps, MOST_STEPS)?;
    let state = match (&request.image, request.state) {
        (Some(drawn), None) => chain.start(&image(model, drawn)?, dice).map_err(reason)?,
        (None, Some(Floats(state))) if state.len() == chain.width() => state,
        (None, Some(_)) => return Err(Refusal::bad(format!("a state has {} numbers", chain.width()))),
        _ => return Err(Refusal::bad("give an image or a state")),
    };
    let frame = chain.step(&state, steps, dice).map_err(reason)?;
    Ok(
        json!({ "state": Floats(frame.state), "image": Bytes::of_image(&frame.image), "energy": number(frame.energy) }),
    )
}

/// A number; NaN and infinity are `null` in JSON.
fn number(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecallRequest {
    image: Bytes,
    seed: u64,
}

fn recall(model: &dyn Playground, request: RecallRequest) -> Result<Value, Refusal> {
    let recall = able(model.recall())?;
    let dice = Dice { seed: request.seed, call: 0 };
    let path = recall.recall(&image(model, &request.image)?, dice).map_err(reason)?;
    let (images, energies): (Vec<Bytes>, Vec<Option<f64>>) =
        path.into_iter().map(|(image, energy)| (Bytes::of_image(&image), number(energy))).unzip();
    Ok(json!({ "images": images, "energies": energies }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompleteRequest {
    image: Bytes,
    /// A byte for each pixel: 0 where it is unknown.
    known: Bytes,
    n: usize,
    seed: u64,
}

fn complete(model: &dyn Playground, request: CompleteRequest) -> Result<Value, Refusal> {
    let complete = able(model.complete())?;
    let drawn = image(model, &request.image)?;
    let known: Vec<bool> = request.known.0.iter().map(|byte| *byte > 0).collect();
    if known.len() != drawn.len() {
        return Err(Refusal::bad("known has a byte for each pixel"));
    }
    let n = within("n", request.n, MOST_COMPLETIONS)?;
    let dice = Dice { seed: request.seed, call: 0 };
    let mut images = complete.complete(&drawn, &known, n, dice).map_err(reason)?;
    // A model of bits knows gray pixels as bits; they are shown as they were drawn.
    for image in &mut images {
        let pixels = image.iter_mut().zip(drawn.iter().zip(&known));
        pixels.filter(|(_, (_, known))| **known).for_each(|(pixel, (drawn, _))| *pixel = *drawn);
    }
    Ok(json!({ "images": images.iter().map(|image| Bytes::of_image(image)).collect::<Vec<_>>() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageRequest {
    image: Bytes,
}

fn reconstruct(model: &dyn Playground, request: ImageRequest) -> Result<Value, Refusal> {
    let (code, restored) =
        able(model.reconstruct())?.reconstruct(&image(model, &request.image)?).map_err(reason)?;
    Ok(json!({ "code": Floats(code), "image": Bytes::of_image(&restored) }))
}

fn classify(model: &dyn Playground, request: ImageRequest) -> Result<Value, Refusal> {
    let probs = able(model.classify())?.classify(&image(model, &request.image)?).map_err(reason)?;
    Ok(json!({ "probs": Floats(probs) }))
}

/// An end of a walk: an image, or one that the model draws.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum End {
    Image(Bytes),
    Seed(u64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WalkRequest {
    from: End,
    to: End,
    stations: usize,
}

fn walk(model: &dyn Playground, latent: &dyn Latent, request: WalkRequest) -> Result<Value, Refusal> {
    let stations = within("stations", request.stations, MOST_STATIONS)?;
    let end = |end: &End| match end {
        End::Image(drawn) => latent.encode(&image(model, drawn)?).map_err(reason),
        End::Seed(seed) => latent.draw(Dice { seed: *seed, call: 0 }).map_err(reason),
    };
    let (from, to) = (end(&request.from)?, end(&request.to)?);
    let at = |k: usize| {
        let part = k as f32 / (stations - 1).max(1) as f32;
        between(&from, &to, part, latent.is_normal())
    };
    let images = latent.decode(&(0..stations).map(at).collect::<Vec<_>>()).map_err(reason)?;
    Ok(json!({ "images": images.iter().map(|image| Bytes::of_image(image)).collect::<Vec<_>>() }))
}

/// The point at a part of the way: along the line, or along the arc on which the distance to the origin changes evenly
/// (spherical interpolation; Shoemake, SIGGRAPH 1985, doi:10.1145/325334.325242).
fn between(from: &[f32], to: &[f32], part: f32, along_arc: bool) -> Vec<f32> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let lengths = [dot(from, from).sqrt(), dot(to, to).sqrt()];
    let angle = (dot(from, to) / (lengths[0] * lengths[1])).clamp(-1.0, 1.0).acos();
    let is_arc = along_arc && angle.is_finite() && angle.sin() > f32::EPSILON.sqrt();
    let (a, b) = match is_arc {
        true => {
            let length = (1.0 - part) * lengths[0] + part * lengths[1];
            let scale = length / angle.sin();
            (((1.0 - part) * angle).sin() * scale / lengths[0], (part * angle).sin() * scale / lengths[1])
        }
        false => (1.0 - part, part),
    };
    from.iter().zip(to).map(|(x, y)| a * x + b * y).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PathsRequest {
    n: usize,
    seed: u64,
}

fn paths(model: &dyn Playground, request: PathsRequest) -> Result<Value, Refusal> {
    let n = within("n", request.n, MOST_POINTS)?;
    let frames = able(model.paths())?.paths(n, Dice { seed: request.seed, call: 0 }).map_err(reason)?;
    let frames: Vec<Floats> = frames.into_iter().map(|points| Floats(points.concat())).collect();
    Ok(json!({ "frames": frames }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SweepRequest {
    length: usize,
    /// A byte for each spin: 0 for -1. Without it all spins are up.
    spins: Option<Bytes>,
    temperature: f64,
    sweeps: usize,
    seed: u64,
    call: u64,
}

fn sweep(model: &dyn Playground, request: SweepRequest) -> Result<Value, Refusal> {
    let lattice = able(model.lattice())?;
    let SweepRequest { length, temperature, seed, call, .. } = request;
    if !lattice.lengths().contains(&length) {
        return Err(Refusal::bad(format!("length = {length}: give one of {:?}", lattice.lengths())));
    }
    let (low, high) = lattice.temperatures();
    if !(low..=high).contains(&temperature) {
        return Err(Refusal::bad(format!("temperature = {temperature}: give {low} to {high}")));
    }
    let sweeps = within("sweeps", request.sweeps, MOST_STEPS)?;
    let spins: Vec<i8> = match request.spins {
        None => vec![1; length * length],
        Some(Bytes(bytes)) if bytes.len() == length * length => {
            bytes.into_iter().map(|byte| if byte > 0 { 1 } else { -1 }).collect()
        }
        Some(_) => return Err(Refusal::bad(format!("spins has {length}·{length} bytes"))),
    };
    let spins = lattice.sweep(spins, length, temperature, sweeps, Dice { seed, call }).map_err(reason)?;
    let (energy, magnetization) = lattice.exact(temperature).map_err(reason)?;
    Ok(json!({
        "spins": Bytes(spins.spins.iter().map(|spin| u8::from(*spin > 0)).collect()),
        "energy": number(spins.energy),
        "magnetization": number(spins.magnetization),
        "exact": { "energy": number(energy), "magnetization": number(magnetization) },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walks_end_where_they_should_and_arcs_keep_the_distance() {
        let (from, to) = (vec![1.0, 0.0, 0.0], vec![0.0, 0.0, 2.0]);
        for along_arc in [false, true] {
            for (part, end) in [(0.0, &from), (1.0, &to)] {
                let there = between(&from, &to, part, along_arc);
                assert!(there.iter().zip(end).all(|(a, b)| (a - b).abs() < 1e-6), "{there:?}");
            }
        }
        let middle = between(&from, &to, 0.5, true);
        let length = middle.iter().map(|x| x * x).sum::<f32>().sqrt();
        assert!((length - 1.5).abs() < 1e-6, "{length}");
        // Parallel ends have no arc, and zero has no direction.
        assert_eq!(between(&[1.0, 0.0], &[3.0, 0.0], 0.5, true), [2.0, 0.0]);
        assert_eq!(between(&[0.0, 0.0], &[2.0, 0.0], 0.5, true), [1.0, 0.0]);
    }
}
