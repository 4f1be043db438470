//! Settings to start from. They depend on the width of the data, on the kind of the field, and on the objective.

use gibbs_core::{
    nn::{Activation, Widths},
    ode::{Method, Solver},
    preprocess::PreprocessorConfig,
};
use gibbs_data::plane::Plane;
use gibbs_flow::{
    ContinuousFlowConfig, FlowMatching,
    continuous::{
        FieldConfig, FieldKind, ImageFieldConfig, LatticeFieldConfig, MlpFieldConfig, PotentialConfig, Probe,
        TimeInput, Trace,
    },
};

use super::{CnfExperiment, CnfModel, CnfTrain, Training};
use crate::{
    base,
    columns::ColumnSettings,
    conditions::ContextUnits,
    flow::{FlowModel, LEVEL_NOISE, LEVELS, Length, black_and_white, training},
    prelude::*,
    preprocessed::{FEW_COLUMNS, is_whitened},
    system::continuous_of,
    variational::{Symmetrization, VariationalTrain},
};

/// Columns of the plane.
const PLANE: usize = 2;

/// Pictures whose densities are measured: a minute or two on 2 cores, with an error of 0.01 bits per dimension on MNIST.
const MEASURED_PICTURES: usize = 2000;
/// Pictures whose densities are measured by a smoke test: seconds.
const TINY_PICTURES: usize = 100;

/// Units of each logit in a potential: the density of the logits of a dark pixel falls off at once on one side and slowly on the
/// other, which no Gaussian does.
const SEPARABLE: usize = 8;

/// Cosines in the time that a field receives.
const FREQUENCIES: usize = 4;

/// The most steps of a solve with step control: ten times those of a rough field.
const SOLVER_STEPS: usize = 1000;

/// The same where each step is stored for the backward pass.
const STORED_STEPS: usize = 200;

/// Widths and weight decay for a table of fewer than 10,000 rows. By validation examples of the 1281 rows of wine-red, in nats less
/// error: 0.63 for widths of 64 without decay, 0.64 and 0.75 with 0.1 and 0.3; 0.58 for 128 without decay, 0.91 with 0.1.
const FEW_ROWS: ([usize; 2], f64) = ([128, 128], 0.1);

/// Distance that logits keep from 0 and 1 (Papamakarios et al. 2017).
const MARGIN: f64 = 1e-6;

/// Sizes and lengths that suit a flow.
struct Recipe {
    n_hidden: Widths,
    /// Number of Fourier features of the inputs, and the standard deviation of their frequencies.
    fourier: (usize, f64),
    steps: usize,
    batch_size: usize,
    rate: f64,
    /// Steps of the solver in training.
    solver_steps: usize,
    /// Fraction of the run over which a Hamiltonian is annealed.
    annealing: f64,
}

impl Recipe {
    /// For a flow of data with `width` columns.
    fn of_data(kind: FieldKind, width: usize, objective: Training, is_logit: bool, channels: usize) -> Self {
        let by_matching = objective == Training::Matching;
        let both = |widths: usize| Widths::from(vec![widths, widths]);
        let (none, wide_steps) = ((0, 1.0), if by_matching { 4000 } else { 6000 });
        let (n_hidden, fourier, steps, batch_size, rate, solver_steps) = match kind {
            // Convolutions learn more from small batches at a large rate: the loss on other digits is 0.234 after 77,000 in batches of
            // 128 at 2e-3, 0.219 after as many in batches of 64, 0.215 after 51,000 of them at 4e-3. Wide ones need a rate that falls
            // as the width grows (Yang et al., "Tensor programs V", 2022, arXiv:2203.03466).
            FieldKind::Image => {
                let rate = 4e-3 * (32.0 / channels.max(1) as f64).min(1.0);
                (both(1024), none, if by_matching { 10_000 } else { 6000 }, 64, rate, 8)
            }
            // Behind a whitening the flow is nearly straight, so few steps are enough: an accurate solver agrees.
            FieldKind::Potential if is_logit => (512.into(), none, 4000, 128, 1e-2, 4),
            FieldKind::Potential if width <= FEW_COLUMNS => (256.into(), none, wide_steps, 128, 5e-3, 8),
            FieldKind::Potential => (512.into(), none, wide_steps, 128, 2e-3, 8),
            // Large batches: most of the regression target is noise.
            _ if width <= PLANE && by_matching => (both(256), (64, 3.0), 8000, 1024, 8e-3, 8),
            _ if width <= PLANE => (both(64), (16, 2.0), 1500, 256, 5e-3, 8),
            _ if width <= FEW_COLUMNS && by_matching => (both(256), none, 10_000, 128, 5e-3, 8),
            _ if width <= FEW_COLUMNS => (both(64), none, 6000, 128, 5e-3, 8),
            _ => (both(1024), none, wide_steps, 128, 2e-3, 8),
        };
        Self { n_hidden, fourier, steps, batch_size, rate, solver_steps, annealing: 0.0 }
    }

    /// For a flow that learns a Hamiltonian.
    fn of_target(kind: FieldKind, is_lattice: bool) -> Self {
        let (n_hidden, steps, batch_size, rate, annealing) = match (kind, is_lattice) {
            (FieldKind::Potential, true) => (512.into(), 1000, 128, 2e-3, 0.2),
            (FieldKind::Potential, false) => (64.into(), 1000, 128, 2e-3, 0.2),
            // Kernels are learned mode by mode at a large rate.
            (FieldKind::Lattice, _) => (vec![64, 64].into(), 500, 64, 2e-2, 0.0),
            _ => (vec![64, 64].into(), 1000, 128, 2e-3, 0.2),
        };
        // The bound falls below the exact value where the grid of times is coarse.
        Self { n_hidden, fourier: (0, 1.0), steps, batch_size, rate, solver_steps: 16, annealing }
    }
}

/// The kind of field for a source.
fn default_kind(info: &SourceInfo, has_data: bool) -> FieldKind {
    match (has_data, info.width) {
        (true, width) if info.can_be_halved_twice() && width > FEW_COLUMNS => FieldKind::Image,
        (true, _) => FieldKind::Mlp,
        (false, _) if info.shape.len() > 1 => FieldKind::Lattice,
        (false, width) if width > PLANE => FieldKind::Potential,
        (false, _) => FieldKind::Mlp,
    }
}

pub(super) fn preset(request: &Request, info: &SourceInfo) -> Result<Settings<CnfExperiment>> {
    let system = continuous_of(request);
    let (has_data, width) = (system.is_none(), info.width);
    let is_tiny = request.preset == Preset::Tiny;
    let kind = request.or("model.kind", default_kind(info, has_data));
    // A potential has the published coordinates; paths of flow matching are straight, and logits of black and white far away.
    let preprocessing = match (has_data, kind) {
        (false, _) => PreprocessorConfig::Identity,
        (true, FieldKind::Potential) if info.is_grey() => PreprocessorConfig::Logit { margin: MARGIN },
        (true, _) if info.is_grey() => PreprocessorConfig::Signed,
        (true, _) => ColumnSettings::of(request, info)?.preprocessing(info)?,
    };
    let preprocessing = request.or("model.preprocessing", preprocessing);
    let is_logit = kind == FieldKind::Potential && preprocessing.is_logit();
    let by_likelihood = width <= FEW_COLUMNS || is_logit;
    let objective =
        request.or("train.objective", if by_likelihood { Training::Likelihood } else { Training::Matching });
    let channels = request.or("model.channels", request.by_preset([[4, 8], [32, 64], [128, 256]]));
    let recipe = match has_data {
        true => Recipe::of_data(kind, width, objective, is_logit, channels[0]),
        false => Recipe::of_target(kind, info.shape.len() > 1),
    };
    let is_matching = has_data && objective == Training::Matching;
    let context = ContextUnits::of_preset(request, info);
    let n_context = context.as_ref().map_or(0, ContextUnits::width);
    if n_context > 0 && !matches!(kind, FieldKind::Mlp | FieldKind::Image) {
        refuse!("data.context: fields of this model.kind have no context; take model.kind=mlp");
    }
    let base = match has_data && kind == FieldKind::Mlp && !is_matching {
        true => base::choose(request, info, &preprocessing, n_context),
        false => None,
    };
    let are_few = base.is_some() && info.has_few() && (PLANE + 1..=FEW_COLUMNS).contains(&width);
    let n_hidden = match is_tiny {
        true => vec![16, 16].into(),
        false if are_few => FEW_ROWS.0.to_vec().into(),
        false => recipe.n_hidden,
    };
    let n_hidden = request.or("model.n_hidden", n_hidden);
    // Weights of a run without the setting were trained without it.
    let has_levels = request.is_training()
        && is_matching
        && kind == FieldKind::Image
        && preprocessing == PreprocessorConfig::Signed;
    let levels = request.or("model.levels", has_levels.then_some(LEVELS));
    let level_noise = request.or("model.level_noise", LEVEL_NOISE);
    let n_separable = if is_logit { SEPARABLE } else { 0 };
    let field = match kind {
        FieldKind::Mlp => FieldConfig::Mlp(
            MlpFieldConfig::new(width, n_hidden.clone())
                .with_activation(if is_matching { Activation::Silu } else { Activation::Tanh })
                .with_time(TimeInput::Gated)
                .with_frequencies(FREQUENCIES)
                .with_n_context(n_context)
                .with_fourier_features(recipe.fourier.0)
                .with_fourier_scale(recipe.fourier.1),
        ),
        FieldKind::Potential => FieldConfig::Potential(
            PotentialConfig::new(width, n_hidden.clone()).with_timed(true).with_separable(n_separable),
        ),
        FieldKind::Image => {
            let [rows, columns] = info.rows_and_columns().ok_or_else(|| {
                usage!("model.kind = image: the examples are no pictures; take model.kind=mlp")
            })?;
            let is_signed = preprocessing == PreprocessorConfig::Signed;
            let (ends, cell_std) = black_and_white(levels.unwrap_or(LEVELS));
            let std = levels.map_or(cell_std, |count| level_noise * 2.0 / count.max(2) as f64);
            FieldConfig::Image(
                ImageFieldConfig::new(rows, columns, channels)
                    .with_n_context(n_context)
                    .with_blocks(request.by_preset([[1, 1], [1, 2], [2, 4]]))
                    .with_point_masses(if is_signed { ends.to_vec() } else { Vec::new() })
                    .with_point_std(std)
                    .with_frequencies(FREQUENCIES),
            )
        }
        FieldKind::Lattice => {
            let [features, channels, frequencies] = if is_tiny { [2, 1, 2] } else { [8, 2, 4] };
            FieldConfig::Lattice(
                LatticeFieldConfig::new(info.shape.clone())
                    .with_features(features)
                    .with_channels(channels)
                    .with_frequencies(frequencies),
            )
        }
    };
    let n_layers = n_hidden.list().len();
    let is_cheap = match kind {
        FieldKind::Mlp => n_layers <= 2 || width <= 4,
        FieldKind::Potential => n_layers == 1 || width <= 4,
        FieldKind::Image => false,
        FieldKind::Lattice => true,
    };
    let pictures = if is_tiny { TINY_PICTURES } else { MEASURED_PICTURES };
    let model = FlowModel {
        flow: CnfModel {
            flow: ContinuousFlowConfig {
                field,
                solver: Solver::new(Method::DormandPrince).with_tolerance(1e-4).with_max_steps(SOLVER_STEPS),
                trace: if is_cheap { Trace::Exact } else { Trace::Hutchinson(Probe::Rademacher) },
            },
            invariance: match kind {
                FieldKind::Potential => Symmetrization::Reversal,
                _ => Symmetrization::None,
            },
            levels,
            level_noise,
            measured: (kind == FieldKind::Image).then_some(pictures),
        },
        whitened: is_logit
            || base.is_none() && is_whitened(&preprocessing, width) && kind != FieldKind::Image,
        base,
        context,
        preprocessing,
        symmetry: Symmetrization::None,
        system,
    };
    let is_plane = Plane::ALL.iter().any(|plane| plane.name() == request.or("data.name", String::new()));
    let method = request.or("train.solver.method", Method::Rk4);
    let solver = match method {
        Method::Euler | Method::Midpoint | Method::Rk4 => {
            Solver::new(method).with_steps(Some(recipe.solver_steps))
        }
        _ => Solver::new(method).with_max_steps(match (objective, kind) {
            (Training::Likelihood, FieldKind::Image) => STORED_STEPS / 10,
            (Training::Likelihood, _) => STORED_STEPS,
            _ => SOLVER_STEPS,
        }),
    };
    let family = CnfTrain {
        objective,
        matching: FlowMatching::new().with_time_power(if is_plane { 2.0 } else { 1.0 }),
        solver,
        // One grid of times for all batches has errors that the field learns: with `train.step_jitter=0` the loss of `cnf train
        // --data checkerboard --set train.batch_size=128 --set train.steps=6000` falls below the entropy of the data after about
        // 1500 steps, and the density with it.
        step_jitter: 0.5,
        kinetic: 0.0,
        jacobian: 0.0,
        variational: VariationalTrain::new(request, recipe.annealing, Symmetrization::None),
    };
    let Recipe { batch_size, rate, .. } = recipe;
    let length = Length {
        steps: request.by_preset([100, recipe.steps, 200_000]),
        batch_size,
        rate,
        clip: 1.0,
        weight_decay: if are_few { FEW_ROWS.1 } else { 0.0 },
    };
    let train = training(request, info, length, (has_data, model.base.is_some()), family);
    Ok(Settings { binarization: Binarization::None, model, train })
}
