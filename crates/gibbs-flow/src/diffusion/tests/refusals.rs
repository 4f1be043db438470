//! Settings out of range are named, and configurations read as they are written.

use super::*;
use crate::{
    ContinuousFlowConfig,
    continuous::{FieldConfig, ImageFieldConfig, MlpFieldConfig},
};

fn config(field: FieldConfig) -> DiffusionConfig {
    DiffusionConfig {
        flow: ContinuousFlowConfig { field, solver: Solver::new(Method::Tsitouras), trace: Trace::Exact },
        parametrization: usual(DiffusionSchedule::new(ScheduleKind::Cosine)),
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let schedule = DiffusionSchedule::new(ScheduleKind::Linear);
    let cases = [
        (schedule.with_sigma_min(0.0), "sigma_min = 0: must be above 0"),
        (schedule.with_alpha_min(0.7), "alpha_min = 0.7"),
        (schedule.with_beta_min(-1.0), "beta_min = -1"),
        (schedule.with_beta_max(0.05), "beta_max = 0.05: must be finite and above beta_min"),
        (schedule.with_beta_max(1.0), "beta_max = 1: must leave less than half"),
        (schedule.with_sigma_min(f64::NAN), "sigma_min = NaN"),
    ];
    for (schedule, expected) in cases {
        let found = schedule.validate().unwrap_err().to_string();
        assert!(found.contains(expected), "{found}");
        let found = usual(schedule).validate().unwrap_err().to_string();
        assert!(found.starts_with("schedule."), "{found}");
    }
    let sampler = DiffusionSampler::new();
    for (sampler, expected) in [
        (sampler.with_steps(0), "steps = 0"),
        (sampler.with_eta(1.5), "eta = 1.5: must lie in [0, 1]"),
        (sampler.with_correction_size(0.0), "correction_size = 0"),
    ] {
        assert!(sampler.validate().unwrap_err().to_string().contains(expected));
    }
    assert!(Bound::new().with_steps(Some(0)).validate().is_err());
    assert!(Bound::new().with_evaluations(0).validate().is_err());
    let found = DenoisingLoss::new().with_context_dropout(1.0).validate().unwrap_err().to_string();
    assert!(found.contains("context_dropout = 1"), "{found}");
    let masses = ImageFieldConfig::new(4, 4, [2, 2]).with_point_masses(vec![0.0]);
    let found = config(FieldConfig::Image(masses)).validate().unwrap_err().to_string();
    assert!(found.contains("point_masses = [0.0]: must be empty unless"), "{found}");
}

#[test]
fn configurations_read_as_they_are_written() {
    let config = config(FieldConfig::Mlp(MlpFieldConfig::new(2, vec![4].into())));
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<DiffusionConfig>(&text).unwrap(), config, "{text}");
    let model = config.init(&Device::flex(), &mut Noise::new(0, "init")).unwrap();
    assert_eq!(model.parametrization(), config.parametrization);
}
