//! `gibbs serve`: a local web app over trained models.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use gibbs_runs::Run;
use gibbs_serve::{Offer, Playground, Server, Toy, Zoo, playground::PlayError};

use crate::{
    experiment::Family,
    output::{note, print},
    usage::{OrUsage, one_line, usage},
};

/// Flags of `gibbs serve`.
#[derive(Args, Debug)]
pub(super) struct Serve {
    /// Folder of the runs
    #[arg(default_value = "runs")]
    dir: PathBuf,
    /// Port on this machine; 0 takes any free one
    #[arg(long, default_value_t = 8642, value_name = "P")]
    port: u16,
}

/// Serves until Ctrl-C.
///
/// # Errors
/// A port that is taken.
pub(super) fn serve(args: &Serve, families: &'static [&'static Family]) -> Result<()> {
    if args.dir.exists() && !args.dir.is_dir() {
        return Err(usage(format!("{} is a file: name the folder of your runs", args.dir.display())));
    }
    let toys = families.iter().map(|family| (family.toys)()).collect::<Result<Vec<_>>>()?.concat();
    let models = Families { families, toys, program: std::env::current_exe()? };
    let server = match Server::bind(&args.dir, args.port, models) {
        Err(error) if error.is_bad_input() => return Err(error).or_usage(),
        server => server?,
    };
    note("open this address in a browser; Ctrl-C ends");
    print(server.address())?;
    Ok(server.run()?)
}

/// The families as the server sees them.
struct Families {
    families: &'static [&'static Family],
    toys: Vec<Toy>,
    program: PathBuf,
}

impl Families {
    fn of(&self, name: &str) -> Option<&'static Family> {
        self.families.iter().copied().find(|family| family.name == name)
    }
}

impl Zoo for Families {
    fn open(&self, run: &Run) -> Result<Box<dyn Playground>, PlayError> {
        let family = self.of(run.family()).ok_or_else(|| format!("{}: no such family", run.family()))?;
        let device = gibbs_backend::device("flex")?;
        let model = (family.playground)(run.folder(), &device).map_err(|error| one_line(&error))?;
        model.ok_or_else(|| format!("a run of {} has nothing to play with", run.family()).into())
    }

    fn toys(&self) -> Vec<Toy> {
        self.toys.clone()
    }

    fn offers(&self) -> Vec<Offer> {
        self.families.iter().flat_map(|family| family.offers).cloned().collect()
    }

    fn program(&self) -> PathBuf {
        self.program.clone()
    }

    fn captions(&self, family: &str) -> Vec<(String, String)> {
        let pictures = self.of(family).map_or(&[] as &[_], |family| family.pictures);
        pictures.iter().map(|(name, caption)| (name.to_string(), caption.to_string())).collect()
    }
}
