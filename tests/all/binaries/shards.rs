//! Measurements that several processes share.

use std::path::Path;

use tempfile::tempdir;

use super::{
    command::{Outcome, command},
    set,
};

fn eval(family: &str, folder: &Path, flags: &[&str]) -> Outcome {
    command(family, folder, [&["eval", "run"], flags].concat()).output().unwrap().into()
}

/// Whatever the number of shards, the metrics are those of one process, to the bit.
#[test]
fn any_number_of_shards_makes_the_same_metrics() {
    let rbm = [
        "model.n_hidden=21",
        "train.epochs=1",
        "train.evaluation.chains=3100",
        "train.evaluation.temperatures=100",
        "train.evaluation.burn_in=20",
    ];
    let dbn = [&rbm[1..], &["model.n_hidden=[22,21]", "train.up_down.epochs=0", "train.classifier.epochs=0"]]
        .concat();
    let spins = ["train.epochs=1", "train.samples=1200", "model.n_hidden=8"];
    let flow = ["train.steps=20", "train.samples=1200", "model.n_hidden=8"];
    let dbm = [&rbm[1..], &["model.n_hidden=[21,22]", "model.measured=10"]].concat();
    let runs: [(&str, &[&str], &[&str]); 6] = [
        ("rbm", &["--data", "bars-and-stripes-5x5"], &rbm),
        ("dbn", &["--data", "bars-and-stripes-5x5"], &dbn),
        ("dbm", &["--data", "bars-and-stripes-5x5"], &dbm),
        ("van", &["--model", "ising", "--lattice", "3x3"], &spins),
        ("realnvp", &["--model", "harmonic-chain", "--particles", "4"], &flow),
        ("cnf", &["--model", "harmonic-chain", "--particles", "4"], &flow),
    ];
    for (family, flags, settings) in runs {
        let folder = tempdir().unwrap();
        let train = ["train", "run", "--preset", "tiny", "--quiet"];
        let arguments = [&train[..], flags, &set(settings)[..]].concat();
        Outcome::from(command(family, folder.path(), arguments).output().unwrap()).succeeds();
        let alone = eval(family, folder.path(), &[]).succeeds().stdout;
        for shards in [&["1/1"][..], &["2/2", "1/2"], &["3/3", "1/3", "2/3"]] {
            eval(family, folder.path(), &["--merge"]).refuses(&["blocks", "are missing: 0, 1", "--shard"]);
            for shard in shards {
                let printed = eval(family, folder.path(), &["--shard", shard]).succeeds();
                assert!(printed.stdout.is_empty(), "{}", printed.stdout);
            }
            assert_eq!(
                eval(family, folder.path(), &["--merge"]).succeeds().stdout,
                alone,
                "{family}, {shards:?}"
            );
            std::fs::remove_dir_all(folder.path().join("run/blocks")).unwrap();
        }
    }
}

#[test]
fn a_measurement_without_chains_or_draws_has_no_shards() {
    let folder = tempdir().unwrap();
    let arguments = [
        &["train", "run", "--preset", "tiny", "--quiet", "--data", "bars-and-stripes"][..],
        &set(&["train.epochs=1"]),
    ]
    .concat();
    Outcome::from(command("rbm", folder.path(), arguments).output().unwrap()).succeeds();
    eval("rbm", folder.path(), &["--shard", "1/2"]).refuses(&["no estimate by chains or draws"]);
    eval("rbm", folder.path(), &["--merge"]).refuses(&["no estimate by chains or draws"]);
    let wrong = eval("rbm", folder.path(), &["--shard", "3/2"]);
    assert!(wrong.code == Some(2) && wrong.stderr.contains("1 <= I <= N"), "{wrong:?}");
}
