//! The families of models, as the tests that hold for all of them run them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use serde_json::Value;

use super::command::{Outcome, command};

/// What the tests know of a family.
pub(crate) struct Family {
    /// Name of the executable.
    pub(crate) name: &'static str,
    /// Data of such a run, none where it learns a system.
    pub(crate) data: Option<&'static str>,
    /// Settings of a run of a fraction of a second, 30 steps an epoch on the 4x4 bars and stripes, through every stage
    /// that such data allow.
    pub(crate) short: &'static [&'static str],
    /// Epochs of each stage of such a run.
    pub(crate) stages: &'static [usize],
    /// Metrics on every line of metrics of the first stage.
    pub(crate) logged: &'static str,
    /// Metrics that `eval` prints, and their kinds.
    pub(crate) metrics: &'static [(&'static str, &'static str)],
    /// Pictures that a run draws.
    pub(crate) pictures: &'static [&'static str],
    /// A tensor of the weights, and one setting that gives it another shape: `[before, after]` of both.
    pub(crate) resized: Resized,
    /// Flags that make `sample` short.
    pub(crate) few_sweeps: &'static [&'static str],
    /// Settings, each of which makes another run, and the key that differs.
    pub(crate) others: &'static [(&'static str, &'static str)],
}

/// How a setting changes the shape of a tensor.
pub(crate) struct Resized {
    /// Setting with the value that `short` does not have.
    pub(crate) setting: &'static str,
    /// Name of the tensor.
    pub(crate) tensor: &'static str,
    /// Its shape in a short run, and with the setting.
    pub(crate) shapes: [&'static str; 2],
}

/// Restricted Boltzmann machine.
pub(crate) const RBM: Family = Family {
    name: "rbm",
    data: Some("bars-and-stripes"),
    short: &["train.batch_size=100", "train.epochs=2", "model.n_hidden=16"],
    stages: &[2],
    logged: "reconstruction_error",
    metrics: &[
        ("log_prob", "exact"),
        ("log_z", "exact"),
        ("log_z_tap", "asymptotic"),
        ("reconstruction_error", "exact"),
        ("free_energy_gap", "exact"),
    ],
    pictures: &["samples.png", "chains.png", "inpainting.png", "filters.png", "curves.png"],
    resized: Resized { setting: "model.n_hidden=13", tensor: "weight", shapes: ["[16, 16]", "[16, 13]"] },
    few_sweeps: &["--sweeps", "2"],
    others: &[("model.n_hidden=5", "n_hidden"), ("train.batch_size=50", "batch_size"), ("seed=9", "seed")],
};

/// Deep belief network.
pub(crate) const DBN: Family = Family {
    name: "dbn",
    data: Some("bars-and-stripes"),
    short: &[
        "train.batch_size=100",
        "train.epochs=1",
        "model.n_hidden=[12, 8]",
        "train.upward=samples",
        "train.up_down.epochs=1",
        "train.classifier.epochs=0",
        "train.bound_draws=3",
    ],
    stages: &[1, 1, 1],
    logged: "reconstruction_error",
    metrics: &[
        ("log_prob", "lower_bound"),
        ("log_prob_importance_weighted", "lower_bound"),
        ("log_z", "exact"),
    ],
    pictures: &["samples.png", "filters.png", "curves.png"],
    resized: Resized {
        setting: "model.n_hidden=[12, 9]",
        tensor: "layers.1.weight",
        shapes: ["[12, 8]", "[12, 9]"],
    },
    few_sweeps: &["--sweeps", "2"],
    others: &[
        ("model.n_hidden=[12]", "n_hidden"),
        ("train.batch_size=50", "batch_size"),
        ("train.up_down.epochs=2", "up_down.epochs"),
        ("seed=9", "seed"),
    ],
};

/// Deep Boltzmann machine.
pub(crate) const DBM: Family = Family {
    name: "dbm",
    data: Some("bars-and-stripes"),
    short: &[
        "train.batch_size=100",
        "train.epochs=1",
        "model.n_hidden=[12, 8]",
        "train.pretraining.epochs=[1, 1]",
    ],
    stages: &[1, 1, 1],
    logged: "reconstruction_error",
    metrics: &[("log_prob", "exact"), ("log_prob_bound", "lower_bound"), ("log_z", "exact")],
    pictures: &["samples.png", "inpainting.png", "filters.png", "filters-2.png", "curves.png"],
    resized: Resized {
        setting: "model.n_hidden=[12, 9]",
        tensor: "layers.1.weight",
        shapes: ["[12, 8]", "[12, 9]"],
    },
    few_sweeps: &["--sweeps", "2"],
    others: &[
        ("model.n_hidden=[12, 7]", "n_hidden"),
        ("train.batch_size=50", "batch_size"),
        ("train.contrastive.sweeps=2", "contrastive.sweeps"),
        ("seed=9", "seed"),
    ],
};

/// Variational autoencoder.
pub(crate) const VAE: Family = Family {
    name: "vae",
    data: Some("bars-and-stripes"),
    short: &["train.batch_size=100", "train.epochs=2", "model.n_hidden=[16]", "model.n_latent=4"],
    stages: &[2],
    logged: "loss",
    metrics: &[
        ("log_prob_importance_weighted", "lower_bound"),
        ("log_prob_bound", "lower_bound"),
        ("rate", "unbiased"),
        ("distortion", "unbiased"),
        ("active_units", "exact"),
        ("log_prob_annealed", "lower_bound"),
        ("log_prob_upper", "asymptotic"),
        ("annealing_gap", "upper_bound"),
    ],
    pictures: &["samples.png", "reconstructions.png", "walks.png", "curves.png"],
    resized: Resized {
        setting: "model.n_hidden=[13]",
        tensor: "encoder.layers.0.weight",
        shapes: ["[16, 16]", "[16, 13]"],
    },
    few_sweeps: &[],
    others: &[
        ("model.n_latent=3", "n_latent"),
        ("train.batch_size=50", "batch_size"),
        ("train.n_samples=2", "n_samples"),
        ("seed=9", "seed"),
    ],
};

/// General Boltzmann machine.
pub(crate) const BM: Family = Family {
    name: "bm",
    data: Some("bars-and-stripes"),
    short: &["train.batch_size=100", "train.epochs=2", "model.n_hidden=3"],
    stages: &[2],
    logged: "largest_coupling",
    metrics: &[("log_prob", "exact"), ("log_z", "exact")],
    pictures: &["samples.png", "couplings.png", "curves.png"],
    resized: Resized { setting: "model.n_hidden=2", tensor: "couplings", shapes: ["[19, 19]", "[18, 18]"] },
    few_sweeps: &["--sweeps", "2"],
    others: &[
        ("model.n_hidden=1", "n_hidden"),
        ("train.batch_size=50", "batch_size"),
        ("train.learning.free_sweeps=2", "learning.free_sweeps"),
        ("seed=9", "seed"),
    ],
};

/// Deep autoencoder.
pub(crate) const AUTOENCODER: Family = Family {
    name: "autoencoder",
    data: Some("bars-and-stripes"),
    short: &[
        "train.batch_size=100",
        "train.epochs=1",
        "train.pretraining.epochs=1",
        "model.n_hidden=[12]",
        "model.n_code=4",
        "train.baseline=false",
        "train.logistic_pca_passes=0",
    ],
    stages: &[1, 1, 1],
    logged: "reconstruction_error",
    metrics: &[("squared_error", "exact"), ("cross_entropy", "exact"), ("pca_squared_error", "exact")],
    pictures: &["samples.png", "reconstructions.png", "curves.png"],
    resized: Resized {
        setting: "model.n_code=5",
        tensor: "encoder.1.weight",
        shapes: ["[12, 4]", "[12, 5]"],
    },
    few_sweeps: &[],
    others: &[
        ("model.n_code=3", "n_code"),
        ("train.optimizer.kind=lbfgs", "optimizer"),
        ("train.batch_size=50", "batch_size"),
        ("train.pretraining.epochs=2", "pretraining.epochs"),
        ("seed=9", "seed"),
    ],
};

/// Autoregressive models.
pub(crate) const MADE: Family = Family {
    name: "made",
    data: Some("bars-and-stripes"),
    short: &[
        "train.batch_size=100",
        "train.epochs=2",
        "model.kind=made",
        "model.n_hidden=16",
        "train.learning_rate=0.01",
    ],
    stages: &[2],
    logged: "loss",
    metrics: &[("log_prob", "exact")],
    pictures: &["samples.png", "inpainting.png", "curves.png"],
    resized: Resized {
        setting: "model.n_hidden=13",
        tensor: "layers.0.weight",
        shapes: ["[16, 16]", "[16, 13]"],
    },
    few_sweeps: &[],
    others: &[
        ("model.n_hidden=5", "n_hidden"),
        ("model.n_masks=2", "n_masks"),
        ("train.batch_size=50", "batch_size"),
        ("seed=9", "seed"),
    ],
};

/// Variational autoregressive networks, here as distributions of given spins.
pub(crate) const VAN: Family = Family {
    name: "van",
    data: Some("bars-and-stripes"),
    short: &["train.batch_size=100", "train.epochs=2", "model.n_hidden=16", "train.learning_rate=0.01"],
    stages: &[2],
    logged: "loss",
    metrics: &[("log_prob", "exact")],
    pictures: &["samples.png", "curves.png"],
    resized: Resized {
        setting: "model.n_hidden=13",
        tensor: "layers.0.weight",
        shapes: ["[16, 16]", "[16, 13]"],
    },
    few_sweeps: &[],
    others: &[
        ("model.n_hidden=5", "n_hidden"),
        ("train.symmetry=reversal", "symmetry"),
        ("train.batch_size=50", "batch_size"),
        ("seed=9", "seed"),
    ],
};

/// Variational autoregressive networks of a spin system.
pub(crate) const SPINS: Family = Family {
    data: None,
    short: &["model.system.lattice=3x4", "train.batch_size=100", "model.n_hidden=16"],
    ..VAN
};

/// Normalizing flows, which need other data than the families do that all tests run.
pub(crate) const REALNVP: Family = Family {
    name: "realnvp",
    data: Some("moons"),
    short: &["train.steps=60", "model.n_hidden=16", "model.n_layers=2"],
    stages: &[1],
    logged: "loss",
    metrics: &[("log_prob", "exact"), ("log_prob_true", "exact")],
    pictures: &["samples.png", "density.png", "curves.png"],
    resized: Resized {
        setting: "model.n_hidden=13",
        tensor: "layers.0.conditioner.layers.0.weight",
        shapes: ["[1, 16]", "[1, 13]"],
    },
    few_sweeps: &[],
    others: &[("model.n_hidden=5", "n_hidden"), ("seed=9", "seed")],
};

/// Continuous flow: as a normalizing flow on points in the plane.
pub(crate) const CNF: Family = Family {
    name: "cnf",
    data: Some("moons"),
    short: &["train.steps=40", "model.n_hidden=[8, 8]", "train.solver.steps=3"],
    stages: &[1],
    logged: "loss",
    metrics: &[("log_prob", "exact"), ("log_prob_true", "exact"), ("nfe", "exact")],
    pictures: &["samples.png", "density.png", "flow.png", "curves.png"],
    resized: Resized {
        setting: "model.n_hidden=[9, 8]",
        tensor: "field.network.layers.0.weight",
        shapes: ["[2, 8]", "[2, 9]"],
    },
    few_sweeps: &[],
    others: &[("model.n_hidden=[5, 5]", "n_hidden"), ("seed=9", "seed")],
};

/// Diffusion model of points in the plane.
pub(crate) const DIFFUSION: Family = Family {
    name: "diffusion",
    data: Some("moons"),
    short: &["train.steps=40", "model.n_hidden=[8, 8]", "model.solver.tolerance=1e-3"],
    stages: &[1],
    logged: "loss",
    metrics: &[
        ("log_prob", "exact"),
        ("log_prob_true", "exact"),
        ("nfe", "exact"),
        ("log_prob_bound", "lower_bound"),
    ],
    pictures: &["samples.png", "density.png", "flow.png", "curves.png"],
    resized: Resized {
        setting: "model.n_hidden=[9, 8]",
        tensor: "field.network.layers.0.weight",
        shapes: ["[2, 8]", "[2, 9]"],
    },
    few_sweeps: &[],
    others: &[("model.n_hidden=[5, 5]", "n_hidden"), ("seed=9", "seed")],
};

/// Stochastic normalizing flow of two wells.
pub(crate) const SNF: Family = Family {
    name: "snf",
    data: None,
    short: &[
        "train.steps=60",
        "train.samples=500",
        "train.valid_samples=200",
        "model.n_hidden=16",
        "model.n_layers=2",
    ],
    stages: &[1],
    logged: "loss",
    metrics: &[
        ("free_energy_per_site", "upper_bound"),
        ("free_energy_corrected", "asymptotic"),
        ("free_energy_exact", "exact"),
        ("free_energy_difference", "asymptotic"),
    ],
    pictures: &["samples.png", "profile.png", "curves.png"],
    resized: Resized {
        setting: "model.n_hidden=13",
        tensor: "flow.layers.0.conditioner.layers.0.weight",
        shapes: ["[1, 16]", "[1, 13]"],
    },
    few_sweeps: &[],
    others: &[
        ("model.n_hidden=5", "n_hidden"),
        ("model.stochastic.steps=3", "stochastic.steps"),
        ("train.batch_size=50", "batch_size"),
        ("seed=9", "seed"),
    ],
};

/// Canonical transformation of two oscillators.
pub(crate) const CANONICAL: Family = Family {
    name: "canonical",
    data: None,
    short: &[
        "model.system.n=2",
        "train.steps=100",
        "train.learning_rate=0.05",
        "train.samples=500",
        "train.valid_samples=200",
        "model.n_hidden=16",
        "model.n_layers=1",
    ],
    stages: &[1],
    logged: "free_energy",
    metrics: &[
        ("free_energy_per_site", "upper_bound"),
        ("free_energy_corrected", "asymptotic"),
        ("free_energy_exact", "exact"),
    ],
    pictures: &["samples.png", "modes.png", "curves.png"],
    resized: Resized {
        setting: "model.n_hidden=13",
        tensor: "chain.layers.0.layers.0.weight",
        shapes: ["[1, 16]", "[1, 13]"],
    },
    few_sweeps: &[],
    others: &[("model.n_hidden=5", "n_hidden"), ("train.batch_size=50", "batch_size"), ("seed=9", "seed")],
};

/// Those that learn images.
pub(crate) const FAMILIES: [&Family; 8] = [&RBM, &DBN, &DBM, &BM, &AUTOENCODER, &VAE, &MADE, &VAN];

/// Those with tests of their own alone.
const OTHERS: [&str; 2] = ["hopfield", "ising"];

/// The families of [`FAMILIES`], the flows, and those of Hamiltonians.
pub(crate) fn all() -> impl Iterator<Item = &'static Family> {
    FAMILIES.into_iter().chain([&REALNVP, &CNF, &DIFFUSION, &SPINS, &SNF, &CANONICAL])
}

/// A family as the programs know it.
pub(crate) fn registered(name: &str) -> &'static experiments::experiment::Family {
    experiments::FAMILIES.iter().copied().find(|family| family.name == name).unwrap()
}

#[test]
fn every_family_of_the_programs_is_tested() {
    let tested: BTreeSet<&str> = all().map(|family| family.name).chain(OTHERS).collect();
    assert_eq!(tested, experiments::FAMILIES.iter().map(|family| family.name).collect());
}

impl Family {
    /// Runs the executable to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(
        &self,
        folder: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Outcome {
        command(self.name, folder, arguments).output().unwrap().into()
    }

    /// Flags of a short run.
    pub(crate) fn short(&self) -> Vec<&'static str> {
        let data = self.data.into_iter().flat_map(|data| ["--data", data]);
        data.chain(["--preset", "tiny"]).chain(set(self.short)).collect()
    }

    /// Arguments of a short run in `name`, with further ones.
    pub(crate) fn arguments<'a>(&self, name: &'a str, further: &[&'a str]) -> Vec<&'a str> {
        ["train", name].into_iter().chain(self.short()).chain(further.iter().copied()).collect()
    }

    /// Steps of a short run.
    pub(crate) fn steps(&self) -> usize {
        30 * self.stages.iter().sum::<usize>()
    }

    /// A short run, silent on stderr.
    #[track_caller]
    pub(crate) fn train(&self, folder: &Path, name: &str, further: &[&str]) -> Outcome {
        self.run(folder, [&self.arguments(name, further)[..], &["--quiet"]].concat()).succeeds()
    }

    /// What `eval` prints.
    #[track_caller]
    pub(crate) fn eval(&self, folder: &Path, arguments: &[&str]) -> Value {
        let outcome = self.run(folder, [&["eval"], arguments].concat()).succeeds();
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// `sample` with few sweeps.
    pub(crate) fn sample(&self, folder: &Path, arguments: &[&str]) -> Outcome {
        self.run(folder, [&["sample"], arguments, self.few_sweeps].concat())
    }
}

/// The flags that make these settings.
pub(crate) fn set<'a>(settings: &[&'a str]) -> Vec<&'a str> {
    settings.iter().flat_map(|&setting| ["--set", setting]).collect()
}
