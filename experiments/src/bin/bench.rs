//! Times the hot steps, one JSON object a line.

use std::process::ExitCode;

use clap::Parser;
use experiments::{
    bench::{BenchArgs, bench},
    usage,
};

/// Times the hot steps; prints one JSON object a line.
#[derive(Parser)]
#[command(version, about)]
struct Args {
    #[command(flatten)]
    bench: BenchArgs,
}

fn main() -> ExitCode {
    match gibbs_backend::parallel::on_worker(|| bench(&Args::parse().bench)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => usage::report(&error),
    }
}
