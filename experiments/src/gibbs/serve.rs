//! `gibbs serve`: a local web app over trained models.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;
use clap::Args;
use gibbs_runs::Run;
use gibbs_serve::{Offer, Playground, Server, Toy, Zoo, playground::PlayError};

use crate::{
    experiment::Family,
    ising::IsingPlayground,
    output::{note, print},
    usage::{OrUsage, one_line, usage},
};

/// Trainings of seconds that make something to play with.
const OFFERS: [Offer; 6] = [
    Offer {
        name: "first-hopfield",
        title: "Hopfield memory",
        about: "Stores digits in one step. Damage one and watch it being recalled. About a second.",
        command: &["hopfield", "train"],
        settings: &["--data", "digits", "--preset", "tiny"],
    },
    Offer {
        name: "first-rbm",
        title: "Restricted Boltzmann machine",
        about: "Learns digits with their labels. Draw one, see the chain dream from it, and what class it is. About a minute.",
        command: &["rbm", "train"],
        settings: &[
            "--data",
            "digits",
            "--preset",
            "tiny",
            "--set",
            "model.n_classes=10",
            "--set",
            "model.n_hidden=128",
            "--set",
            "train.epochs=10",
        ],
    },
    Offer {
        name: "first-autoencoder",
        title: "Autoencoder",
        about: "Compresses digits to a few numbers and walks between them. About a minute.",
        command: &["autoencoder", "train"],
        settings: &["--data", "digits", "--preset", "tiny"],
    },
    Offer {
        name: "first-made",
        title: "Autoregressive model",
        about: "Draws digits pixel by pixel. Hide a part of a drawing and let it complete it. Half a minute.",
        command: &["made", "train"],
        settings: &["--data", "digits", "--preset", "tiny"],
    },
    Offer {
        name: "first-realnvp",
        title: "Normalizing flow of two moons",
        about: "Folds a normal distribution into two moons, layer by layer. Half a minute.",
        command: &["realnvp", "train"],
        settings: &["--data", "moons", "--preset", "tiny"],
    },
    Offer {
        name: "first-cnf",
        title: "Continuous flow of two moons",
        about: "Carries a normal distribution through time into two moons. Half a minute.",
        command: &["cnf", "train"],
        settings: &["--data", "moons", "--preset", "tiny"],
    },
];

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
    let models =
        Families { families, program: std::env::current_exe()?, ising: Arc::new(IsingPlayground::new()?) };
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
    program: PathBuf,
    ising: Arc<IsingPlayground>,
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
        vec![Toy {
            name: "ising",
            title: "Ising lattice",
            about: "A magnet in the computer. Turn the temperature: below the critical one the spins order, above it they do not.",
            playground: self.ising.clone(),
        }]
    }

    fn offers(&self) -> Vec<Offer> {
        OFFERS.to_vec()
    }

    fn program(&self) -> PathBuf {
        self.program.clone()
    }

    fn captions(&self, family: &str) -> Vec<(String, String)> {
        let pictures = self.of(family).map_or(&[] as &[_], |family| family.pictures);
        pictures.iter().map(|(name, caption)| (name.to_string(), caption.to_string())).collect()
    }
}
