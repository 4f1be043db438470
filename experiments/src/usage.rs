//! From errors to one line on stderr and an exit code.

use std::process::ExitCode;

use gibbs_backend::BackendError;
use gibbs_data::DataError;
use gibbs_train::{
    checkpoint::StateError, config::SettingError, run_folder::RunFolderError, training::TrainError,
    weights::WeightsError,
};
use thiserror::Error;

/// Exit code of wrong usage or bad input.
const BAD_INPUT: u8 = 2;
/// Exit code of anything else.
const FAILED: u8 = 1;
/// Exit code of a run that was interrupted: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

/// An error that the user made and can mend.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Fault(String);

impl Fault {
    /// Wrong usage or bad input, in one line that names the thing, the value and the way out.
    pub fn usage(message: impl Into<String>) -> anyhow::Error {
        Self(message.into()).into()
    }
}

/// Prints the `error:` line and chooses the exit code.
#[allow(clippy::print_stderr, reason = "this is the one place where errors reach the user")]
pub fn report(error: &anyhow::Error) -> ExitCode {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain().map(|cause| cause.to_string().replace('\n', " ")) {
        if !causes.iter().any(|said| said.contains(&cause)) {
            causes.push(cause);
        }
    }
    eprintln!("error: {}", causes.join(": "));
    ExitCode::from(exit_code(error))
}

fn is_bad_checkpoint(error: &StateError) -> bool {
    !matches!(error, StateError::Write(_))
}

fn exit_code(error: &anyhow::Error) -> u8 {
    let bad_input = error.chain().any(|cause| {
        cause.is::<Fault>()
            || cause.is::<BackendError>()
            || cause.is::<SettingError>()
            || cause.is::<DataError>()
            || cause.is::<WeightsError>()
            || cause.is::<gibbs_autoregressive::ConfigError>()
            || cause.is::<gibbs_boltzmann::ConfigError>()
            || cause.is::<gibbs_boltzmann::StackError>()
            || cause.is::<gibbs_core::ConfigError>()
            || cause.is::<gibbs_autoencoder::AutoencoderError>()
            || cause.is::<gibbs_flow::ConfigError>()
            || cause.is::<gibbs_physics::PhysicsError>()
            || cause.is::<gibbs_train::schedule::ScheduleError>()
            || cause.downcast_ref().is_some_and(is_bad_checkpoint)
            || match cause.downcast_ref() {
                // A transparent error hides the one that it stands for.
                Some(TrainError::State(error)) => is_bad_checkpoint(error),
                Some(error) => matches!(error, TrainError::OtherSteps { .. } | TrainError::Resume(_)),
                None => false,
            }
            || cause
                .downcast_ref::<RunFolderError>()
                .is_some_and(|error| !matches!(error, RunFolderError::Io { .. } | RunFolderError::Write(_)))
    });
    if bad_input { BAD_INPUT } else { FAILED }
}
