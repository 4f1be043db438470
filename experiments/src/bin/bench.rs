//! Times the hot steps, one JSON object a line.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use experiments::{
    bench::{CASES, run},
    cli::Shared,
    experiment,
    output::print,
    usage::{self, usage},
};

/// Times the hot steps; prints one JSON object a line.
#[derive(Parser)]
#[command(version, about)]
struct Args {
    /// Only cases whose names start with one of these
    #[arg(value_name = "CASE-PREFIX")]
    prefixes: Vec<String>,
    #[command(flatten)]
    shared: Shared,
}

fn main() -> ExitCode {
    match bench(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => usage::report(&error),
    }
}

fn bench(args: &Args) -> Result<()> {
    let (backend, device) = experiment::device(&args.shared)?;
    let begins = |case: &str, prefix: &String| case.starts_with(prefix.as_str());
    if let Some(prefix) =
        args.prefixes.iter().find(|prefix| !CASES.iter().any(|(case, _)| begins(case, prefix)))
    {
        let known: Vec<_> = CASES.iter().map(|(case, _)| *case).collect();
        return Err(usage(format!("no case starts with {prefix}: there are {}", known.join(", "))));
    }
    let wanted =
        |case: &str| args.prefixes.is_empty() || args.prefixes.iter().any(|prefix| begins(case, prefix));
    let cases = CASES.iter().filter(|(case, _)| wanted(case));
    for (case, setup) in cases {
        print(serde_json::to_string(&run(case, *setup, &backend, &device)?)?)?;
    }
    Ok(())
}
