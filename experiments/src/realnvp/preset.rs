//! Settings to start from.

use gibbs_core::preprocess::PreprocessorConfig;
use gibbs_flow::{FlowFamilyConfig, FlowKind, ImageConfig};
use gibbs_physics::system::ContinuousKind;

use super::RealNvpExperiment;
use crate::{
    base,
    columns::ColumnSettings,
    conditions::ContextUnits,
    flow::{FlowModel, Length, training},
    prelude::*,
    preprocessed::{self, FEW_COLUMNS, is_whitened},
    system::continuous_of,
    variational::{Symmetrization, VariationalTrain},
};

/// Steps of a run on a Hamiltonian: a minute for densities of the plane, eight for 16×16 dual fields. A hierarchy takes more.
const TARGET_STEPS: usize = 4000;
const HIERARCHY_STEPS: usize = 5000;

/// Steps of a convolutional flow of images: ten minutes on 2 cores for 28×28 pixels.
const IMAGE_STEPS: usize = 4000;

pub(super) fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<RealNvpExperiment>> {
    let system = continuous_of(request);
    let has_data = system.is_none();
    let is_chain = system.as_ref().is_some_and(|system| system.kind == ContinuousKind::HarmonicChain);
    let is_narrow = info.width <= FEW_COLUMNS;
    let is_table = has_data && !info.is_grey();
    let default = match has_data {
        true if is_table && info.width <= base::MOST_COLUMNS => FlowKind::of_table(info.width),
        true if !is_table && info.can_be_halved_twice() => FlowKind::ImageSpline,
        true => FlowKind::of_data(info.width),
        false => FlowKind::of_hamiltonian(&info.shape, is_chain),
    };
    let kind = request.or("model.kind", default);
    let context = ContextUnits::of_preset(request, info);
    let n_context = context.as_ref().map_or(0, ContextUnits::width);
    let mut flow = match has_data {
        true => FlowFamilyConfig::of_data(kind, info.width, n_context, info.rows_and_columns()),
        false => FlowFamilyConfig::of_hamiltonian(kind, &info.shape, is_chain),
    };
    if let Some((n_layers, n_hidden)) = flow.sizes_mut() {
        if request.preset == Preset::Tiny {
            (*n_layers, *n_hidden) = (2, 16.into());
        } else if kind == FlowKind::SplineMaf && is_table && !is_narrow {
            // The splines of all columns are the outputs of each network.
            (*n_layers, *n_hidden) = (3, vec![128, 128].into());
        }
    }
    if let Some(image) = flow.image_mut() {
        let (widths, bottleneck, blocks, [checkerboards, stripes]) = match request.preset {
            Preset::Tiny => (vec![8, 8], 8, 1, [2, 1]),
            Preset::Default => (vec![32, 48], 32, 2, [2, 2]),
            // Published are those for pictures of 32 by 32 sites (Dinh et al. 2017, section 4.1), for a GPU.
            Preset::Paper => (vec![64, 128], 64, 8, [3, 3]),
        };
        *image = ImageConfig { widths, bottleneck, blocks, checkerboards, stripes, ..image.clone() };
    }
    let preprocessing = match has_data {
        false => PreprocessorConfig::Identity,
        true if is_table => with_circles(&mut flow, request, info)?,
        true if kind.has_box() => {
            preprocessed::standardized_logit(info, kind.margin(), request.or("seed", 0))?
        }
        true => PreprocessorConfig::Logit { margin: kind.margin() },
    };
    let base = base::choose(request, info, &preprocessing, flow.n_context());
    let (default_steps, rate) = match (has_data, base) {
        (true, Some(_)) => (base::STEPS, 1e-3),
        (true, None) if kind.is_of_images() => (IMAGE_STEPS, 2e-3),
        (true, None) => (if is_narrow { 8000 } else { 2000 }, 2e-3),
        (false, _) if kind == FlowKind::Hierarchy => (HIERARCHY_STEPS, 3e-3),
        (false, _) => (TARGET_STEPS, 3e-3),
    };
    let length = Length {
        steps: request.by_preset([100, default_steps, 20_000]),
        batch_size: match has_data {
            true if kind.is_of_images() => 64,
            true => 256,
            false => 128,
        },
        rate,
        clip: 10.0,
        weight_decay: 0.0,
    };
    // A hierarchy, whose small flows follow one another, spreads to infinity at high temperatures.
    let annealing = if kind == FlowKind::Hierarchy { 0.0 } else { 0.2 };
    let family = VariationalTrain::new(request, annealing, Symmetrization::Reversal);
    let train = training(request, info, length, (has_data, base.is_some()), family);
    let model = FlowModel {
        whitened: base.is_none()
            && flow.angles_mut().is_none_or(|(angles, _)| angles.is_empty())
            && is_whitened(&request.or("model.preprocessing", preprocessing.clone()), info.width)
            && !kind.is_of_images(),
        base,
        context,
        symmetry: if has_data { Symmetrization::None } else { Symmetrization::of_shape(&info.shape) },
        flow,
        preprocessing,
        system,
    };
    Ok(Settings { binarization: Binarization::None, model, train })
}

/// The preprocessing of a table, with its periodic columns on the circles of the splines of a flow.
fn with_circles(
    flow: &mut FlowFamilyConfig,
    request: &Request,
    info: &SourceInfo,
) -> Result<PreprocessorConfig> {
    let columns = ColumnSettings::of(request, info)?;
    let preprocessing = columns.preprocessing(info)?;
    if columns.periodic.is_empty() {
        return Ok(preprocessing);
    }
    let kind = flow.kind();
    let Some((angles, bound)) = flow.angles_mut() else {
        columns.require_no_circles(&format!("model.kind={kind}"))?;
        return Ok(preprocessing);
    };
    let Some(data) = info.data else {
        *angles = request.or("model.angles", Vec::new());
        return Ok(preprocessing);
    };
    let circles = columns.circles(&data.train)?;
    *angles = circles.iter().map(|(column, _)| *column).collect();
    Ok(preprocessing.with_circles(info.width, &circles, request.or("model.bound", bound)))
}
