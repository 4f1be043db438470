//! Lists and downloads the named data sets.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use experiments::{download, output::print, usage};

/// Lists and downloads the named data sets.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// Folder of the named data sets
    #[arg(long, global = true, env = "GIBBS_DATA_DIR", value_name = "DIR", default_value = "datasets")]
    data_dir: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Say which sets there are and which are in place
    List,
    /// Download a set, verify its checksums and put it into the data folder
    Get {
        /// Name of the set, such as mnist
        name: String,
    },
}

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match &args.command {
        Command::List => download::list(&args.data_dir).iter().try_for_each(print),
        Command::Get { name } => download::get(name, &args.data_dir),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => usage::report(&error),
    }
}
