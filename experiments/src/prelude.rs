//! What every family is written with. The imports of a file show what only it uses.

pub use std::path::{Path, PathBuf};

pub use anyhow::Result;
pub use burn::prelude::*;
pub use clap::{Args, Subcommand, ValueEnum};
pub use gibbs_backend::Noise;
pub use gibbs_core::{
    Batch, BoxError, ConditionalLogProb, ConfigError, Estimate, Objective, Position, math::to_host,
};
pub use gibbs_data::{Binarization, Dataset, Splits};
pub use gibbs_report::{Axis, Color, Figure, ImageGrid, Panel, Series};
pub use gibbs_train::{
    checkpoint::State,
    learner::{AverageConfig, DataBatches, Learner, LearnerConfig, NoData, OptimizerConfig, StepNoise},
    run_folder::RunFiles,
    schedule::Schedule,
    training::{LoopConfig, Metrics, TrainTask, Validation},
    weights,
};
pub use serde::{Deserialize, Serialize};
pub use serde_json::{Value, json};

pub use crate::{
    cli::{self, Both, NoCommands, NoFlags, OwnCommands, Part, Preset, Shared, Shorthand},
    config::{Length, RunConfig, TrainConfig},
    evaluation::{Evaluation, by_weights, mean},
    experiment::{self, Drawn, Experiment, Latent, Measurement, Settings, Task, Trained},
    look::{Look, independent_draws},
    pictures::{Curves, host, save_figure, save_samples},
    progress::Work,
    request::Request,
    shards::Blocks,
    source::{NoTarget, OwnData, Source, SourceInfo},
    usage::OrUsage,
};
