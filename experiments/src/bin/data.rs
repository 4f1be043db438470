//! Lists and downloads the named data sets.

use std::process::ExitCode;

use clap::Parser;
use experiments::{
    download::{DataArgs, run},
    usage,
};

/// Lists and downloads the named data sets.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Args {
    #[command(flatten)]
    data: DataArgs,
}

fn main() -> ExitCode {
    match run(&Args::parse().data) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => usage::report(&error),
    }
}
