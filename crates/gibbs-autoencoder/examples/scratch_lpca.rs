//! Scratch.
#![allow(clippy::unwrap_used, clippy::print_stdout)]
use burn::prelude::*;
use gibbs_autoencoder::{LogisticPcaConfig, Pca, logistic_pca::Fitting};
use gibbs_core::math::to_host;
use gibbs_data::{Batches, load};
use std::time::Instant;
fn main() {
    let args: Vec<f64> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    let (k, ridge, passes, n) = (args[0] as usize, args[1], args[2] as usize, args[3] as usize);
    std::fs::write("/root/scratch/lpca/curves.bin", gibbs_data::curves::generate(128, 0)).unwrap();
    let device = Device::flex();
    let splits = load("mnist", std::env::var_os("GIBBS_DATA_DIR").unwrap().as_ref()).unwrap();
    let sets = |set: &gibbs_data::Dataset| Batches::new(set.clone(), 1000).unwrap().epoch(0);
    let train = sets(&splits.train.rows(0..n));
    let batches = || train.iter(&device).map(|b| b.x);
    let start = Instant::now();
    let pca = Pca::fit(batches(), k).unwrap();
    println!("pca {:?} explained {}", start.elapsed(), pca.explained());
    let mut fitting = Fitting::new(&LogisticPcaConfig::new(k).with_ridge(ridge), batches()).unwrap();
    for pass in 1..=passes {
        let value = fitting.pass(batches);
        println!("{pass} {:.1?} {value:.4}", start.elapsed());
        if [3, 5, 8, 10, 15, 20, 30, 40, 60].contains(&pass) {
            for (name, set) in [("valid", &splits.valid), ("test", &splits.test)] {
                let t = Instant::now();
                let set = sets(&set.rows(0..if pass == passes { 10000 } else { 2000 }));
                let (mut e, mut c, mut m) = (0.0, 0.0, 0);
                for b in set.iter(&device) {
                    let z = fitting.model.encode(b.x.clone());
                    let d: Tensor<2> = b.x.clone() - fitting.model.decode(z.clone());
                    e += to_host(d.square().sum())[0];
                    c += to_host(gibbs_backend::bce_with_logits(fitting.model.logits(z), b.x).sum())[0];
                    m += b.indices.len();
                }
                println!("   {name} se {:.4} ce {:.3} in {:.1?}", e / m as f64, c / m as f64, t.elapsed());
            }
        }
    }
    let dump: Vec<u8> = [to_host(fitting.model.loadings()), to_host(fitting.model.bias())].concat().iter().flat_map(|v| (*v as f32).to_le_bytes()).collect();
    std::fs::write("/root/scratch/lpca/model.bin", dump).unwrap();
}
