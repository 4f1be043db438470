//! Settings to start from. They depend on the width of the data and on the kind of the network.

use gibbs_core::{
    nn::{Activation, Widths},
    ode::{Method, Solver},
    preprocess::PreprocessorConfig,
};
use gibbs_flow::{
    ContinuousFlowConfig, DiffusionConfig,
    continuous::{FieldConfig, FieldKind, ImageFieldConfig, MlpFieldConfig, Probe, TimeInput, Trace},
    diffusion::{
        Bound, Coordinates, DenoisingLoss, DiffusionSchedule, Parametrization, Prediction, ScheduleKind,
        Weighting,
    },
};

use super::{DiffusionExperiment, DiffusionModel, DiffusionTrain, encoding, without_target};
use crate::{
    columns::ColumnSettings,
    conditions::ContextUnits,
    flow::{FlowModel, LEVEL_NOISE, LEVELS, Length, black_and_white, training},
    prelude::*,
    preprocessed::{FEW_COLUMNS, is_whitened},
    system::continuous_of,
    variational::Symmetrization,
};

/// Columns of the plane.
const PLANE: usize = 2;

/// Pictures whose densities are measured: minutes on 2 cores. A smoke test measures fewer.
const MEASURED_PICTURES: usize = 2000;
const TINY_PICTURES: usize = 100;

/// Cosines in the time that a network receives.
const FREQUENCIES: usize = 4;

/// The most steps of a solve: ten times those of a rough field.
const SOLVER_STEPS: usize = 1000;

/// Standard deviation of a level: none, but for the rounding of f32.
const LEVEL_STD: f64 = 1e-6;

/// Noise that remains in binary digits, as a part of their distance: five standard deviations from either digit to the middle, and the
/// decoder loses less than 1e-6 nats.
const BIT_NOISE: f64 = 0.1;

/// Sizes and lengths that suit a network.
struct Recipe {
    n_hidden: Widths,
    /// Number of Fourier features of the inputs.
    fourier: usize,
    steps: usize,
    batch_size: usize,
    rate: f64,
}

impl Recipe {
    fn of(kind: FieldKind, width: usize, channels: usize) -> Self {
        let both = |widths: usize| Widths::from(vec![widths, widths]);
        let (n_hidden, fourier, steps, batch_size, rate) = match kind {
            // A rate that falls as the width grows (Yang et al., "Tensor programs V", 2022, arXiv:2203.03466).
            FieldKind::Image => (both(1024), 0, 10_000, 64, 4e-3 * (32.0 / channels.max(1) as f64).min(1.0)),
            // Large batches: most of what is learned is noise.
            _ if width <= PLANE => (both(256), 64, 12_000, 1024, 8e-3),
            _ if width <= FEW_COLUMNS => (both(256), 0, 10_000, 128, 5e-3),
            _ => (both(1024), 0, 4000, 128, 2e-3),
        };
        Self { n_hidden, fourier, steps, batch_size, rate }
    }
}

pub(super) fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<DiffusionExperiment>> {
    if continuous_of(request).is_some() {
        refuse!("--model: diffusion learns from data; take cnf or realnvp for a Hamiltonian");
    }
    let (width, is_tiny) = (info.width, request.preset == Preset::Tiny);
    let is_picture = info.can_be_halved_twice() && width > FEW_COLUMNS;
    let default = if is_picture { FieldKind::Image } else { FieldKind::Mlp };
    let kind = request.or("model.kind", default);
    let preprocessing = match info.is_grey() {
        true => PreprocessorConfig::Signed,
        false => ColumnSettings::of(request, info)?.preprocessing(info)?,
    };
    let preprocessing = request.or("model.preprocessing", preprocessing);
    let channels = request.or("model.channels", request.by_preset([[4, 8], [32, 64], [128, 256]]));
    let recipe = Recipe::of(kind, width, channels[0]);
    let context = ContextUnits::of_preset(request, info);
    let n_context = context.as_ref().map_or(0, ContextUnits::width);
    let n_hidden = if is_tiny { vec![16, 16].into() } else { recipe.n_hidden };
    let n_hidden = request.or("model.n_hidden", n_hidden);
    let (is_image, is_signed) =
        (kind == FieldKind::Image, matches!(preprocessing, PreprocessorConfig::Signed));
    let analog_bits = request.or("model.analog_bits", false);
    let levels = request.or("model.levels", ((is_image || analog_bits) && is_signed).then_some(LEVELS));
    // Validation refuses levels that cannot be encoded.
    let encoding = encoding(levels, analog_bits).ok().flatten();
    let per_pixel = encoding.map_or(1, |levels| levels.per_value());
    let field = match kind {
        FieldKind::Mlp => FieldConfig::Mlp(
            MlpFieldConfig::new(width * per_pixel, n_hidden.clone())
                .with_activation(Activation::Silu)
                .with_time(TimeInput::Gated)
                .with_frequencies(FREQUENCIES)
                .with_n_context(n_context)
                .with_fourier_features(recipe.fourier)
                .with_fourier_scale(3.0),
        ),
        FieldKind::Image => {
            let [rows, columns] = info.rows_and_columns().ok_or_else(|| {
                usage!("model.kind = image: the examples are no pictures; take model.kind=mlp")
            })?;
            let (ends, cell_std) = black_and_white(levels.unwrap_or(LEVELS));
            let masses = match (is_signed, analog_bits) {
                (false, _) => Vec::new(),
                (true, false) => ends.to_vec(),
                (true, true) => vec![-1.0, 1.0],
            };
            FieldConfig::Image(
                ImageFieldConfig::new(rows, columns, channels)
                    .with_per_pixel(per_pixel)
                    .with_n_context(n_context)
                    .with_blocks(request.by_preset([[1, 1], [1, 2], [2, 4]]))
                    .with_point_masses(masses)
                    .with_point_std(if levels.is_some() { LEVEL_STD } else { cell_std })
                    .with_frequencies(FREQUENCIES),
            )
        }
        FieldKind::Potential | FieldKind::Lattice => {
            refuse!("model.kind: diffusion has the networks mlp and image")
        }
    };
    let is_cheap = !is_image && (n_hidden.list().len() <= 2 || width <= 4);
    let (schedule, prediction, coordinates) = match is_image {
        true => (ScheduleKind::Straight, Prediction::StraightVelocity, Coordinates::Straight),
        false => (ScheduleKind::Cosine, Prediction::Velocity, Coordinates::LogSnr),
    };
    let schedule = DiffusionSchedule::new(request.or("model.schedule.kind", schedule));
    let schedule = match encoding {
        Some(levels) => {
            let part = if analog_bits { BIT_NOISE } else { LEVEL_NOISE };
            schedule.with_sigma_min(part * levels.of_variable().spacing)
        }
        None => schedule,
    };
    let diffusion = DiffusionConfig {
        flow: ContinuousFlowConfig {
            field,
            solver: Solver::new(Method::DormandPrince).with_tolerance(1e-4).with_max_steps(SOLVER_STEPS),
            trace: if is_cheap { Trace::Exact } else { Trace::Hutchinson(Probe::Rademacher) },
        },
        parametrization: Parametrization::new(schedule, prediction, coordinates),
    };
    let measured = if is_tiny { TINY_PICTURES } else { MEASURED_PICTURES };
    let model = FlowModel {
        flow: DiffusionModel {
            diffusion,
            levels,
            analog_bits,
            bound: Bound::new(),
            measured: is_image.then_some(measured),
        },
        whitened: is_whitened(&preprocessing, width) && !is_image,
        base: None,
        context,
        preprocessing,
        symmetry: Symmetrization::None,
        system: None,
    };
    let weighting = if is_image { Weighting::Simple } else { Weighting::Likelihood };
    let family = DiffusionTrain {
        loss: DenoisingLoss::new().with_weighting(weighting),
        without_target: without_target(),
    };
    let length = Length {
        steps: request.by_preset([100, recipe.steps, 200_000]),
        batch_size: recipe.batch_size,
        rate: recipe.rate,
        // Half the range of the log-SNR, about 11, multiplies the loss with the likelihood weighting.
        clip: if is_image { 1.0 } else { 10.0 },
        weight_decay: 0.0,
    };
    let mut train = training(request, info, length, (true, false), family);
    // The loss of a validation is noisy, and falls most when the rate does: at the end.
    train.run.patience = None;
    Ok(Settings { binarization: Binarization::None, model, train })
}
