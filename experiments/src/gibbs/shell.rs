//! `gibbs completions`: habits of the shell.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Command};
use clap_complete::Shell;

use crate::{
    output::{note, print},
    usage::usage,
};

/// Flags of `gibbs completions`.
#[derive(Args, Debug)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum, required_unless_present = "man")]
    shell: Option<Shell>,
    /// Write man pages into this folder
    #[arg(long, value_name = "DIR")]
    man: Option<PathBuf>,
}

pub(super) fn completions(args: &Completions, mut command: Command) -> Result<()> {
    if let Some(folder) = &args.man {
        fs::create_dir_all(folder).with_context(|| format!("--man {}", folder.display()))?;
        clap_mangen::generate_to(command.clone(), folder)
            .with_context(|| format!("--man {}", folder.display()))?;
        note(format!("wrote man pages into {}", folder.display()));
    }
    if let Some(shell) = args.shell {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, "gibbs", &mut script);
        let script = String::from_utf8(script).map_err(|error| usage(error.to_string()))?;
        print(script.trim_end())?;
    }
    Ok(())
}
