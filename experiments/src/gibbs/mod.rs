//! `gibbs`: the command over all families and all runs. It knows families by [`Family`] and runs by their folders.

mod board;
mod compare;
mod list;
mod report;
mod runs;
mod serve;
mod shell;
mod sweep;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, FromArgMatches, Parser, Subcommand};

use crate::{bench, cli::matches_of, download, experiment::Family, log, usage};

/// The command line, without the families.
#[derive(Parser, Debug)]
#[command(name = "gibbs", version, arg_required_else_help = true, subcommand_value_name = "COMMAND")]
struct Cli {
    /// Log for debugging; RUST_LOG says of what, such as trace or experiments=debug, and logs to stderr without a file
    #[arg(long, global = true, value_name = "FILE")]
    log: Option<PathBuf>,
    /// The command.
    #[command(subcommand)]
    command: Command,
}

/// Flags of commands that print.
#[derive(Args, Clone, Debug)]
struct Output {
    /// Print one JSON object on one line instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Every family: what it is for, its data, its command, the publication it follows
    List(list::List),
    /// The runs below a folder: family, data, seed, state, main metric, time
    Runs(runs::Runs),
    /// Runs side by side: settings that differ, metrics with errors, curves over each other
    Compare(compare::Compare),
    /// Write report.html into the folder of a run: one page with everything in it
    Report(report::Report),
    /// A local web app: curves of runs while they train, and their models to play with
    Serve(serve::Serve),
    /// Make the runs of a plan, and go on with those that were interrupted
    Sweep(sweep::Sweep),
    /// Write the table of results: mean and spread over seeds, kind, published value, command, time
    Board(board::Board),
    /// List and download the named data sets
    #[command(arg_required_else_help = true)]
    Data(download::DataArgs),
    /// Time the hot steps; one JSON object a line
    Bench(bench::BenchArgs),
    /// Print what a shell needs to complete commands and flags, or write man pages
    Completions(shell::Completions),
}

/// Two examples for each command.
const EXAMPLES: [(&str, [&str; 2]); 10] = [
    ("list", ["gibbs list", "gibbs list rbm"]),
    ("runs", ["gibbs runs", "gibbs runs runs/sweep --json"]),
    ("compare", ["gibbs compare runs/a runs/b", "gibbs compare runs/a runs/b runs/c --out comparison"]),
    ("report", ["gibbs report runs/rbm-digits-s0", "gibbs report runs/*"]),
    ("serve", ["gibbs serve", "gibbs serve runs/sweep --port 8000"]),
    (
        "sweep",
        [
            "gibbs sweep experiments/plans/quick.toml",
            "gibbs sweep plan.toml --jobs 2 --dir runs/sweep --shard 1/3",
        ],
    ),
    ("board", ["gibbs board", "gibbs board plan.toml --dir runs/sweep --out results.md"]),
    ("data", ["gibbs data list", "gibbs data get mnist"]),
    ("bench", ["gibbs bench", "gibbs bench rbm made"]),
    (
        "completions",
        [
            "gibbs completions bash > ~/.local/share/bash-completion/completions/gibbs",
            "gibbs completions --man man",
        ],
    ),
];

/// The whole command line: the commands over all runs, then the families.
fn command_line(families: &[&Family]) -> clap::Command {
    let mut command = <Cli as clap::CommandFactory>::command()
        .about("Generative models, from the Ising model to flows: train, measure, compare.")
        .after_help("`gibbs FAMILY --help` has the commands of a family, such as `gibbs rbm train`.");
    for (name, examples) in EXAMPLES {
        let examples = examples.map(|example| format!("\n  {example}")).concat();
        command = command.mut_subcommand(name, |command| command.after_help(format!("Examples:{examples}")));
    }
    for family in families {
        let examples =
            family.examples.iter().map(|example| format!("\n  gibbs {example}")).collect::<String>();
        command = command.subcommand((family.command)().after_help(format!("Examples:{examples}")));
    }
    command
}

/// The whole program.
pub fn main(families: &'static [&'static Family]) -> ExitCode {
    run(families).unwrap_or_else(|error| usage::report(&error))
}

fn run(families: &'static [&'static Family]) -> Result<ExitCode> {
    let matches = matches_of(command_line(families))?;
    if let Some((name, matches)) = matches.subcommand()
        && let Some(family) = families.iter().find(|family| family.name == name)
    {
        return (family.run)(matches);
    }
    let cli = Cli::from_arg_matches(&matches)?;
    log::start(cli.log.as_deref())?;
    match cli.command {
        Command::List(args) => list::list(&args, families),
        Command::Runs(args) => runs::runs(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::Report(args) => report::report(&args, families),
        Command::Serve(args) => serve::serve(&args, families),
        Command::Sweep(args) => return sweep::sweep(&args),
        Command::Board(args) => board::board(&args),
        Command::Data(args) => download::run(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Completions(args) => shell::completions(&args, command_line(families)),
    }
    .map(|()| ExitCode::SUCCESS)
}
