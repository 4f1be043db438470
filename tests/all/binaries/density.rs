//! Densities that programs write, summed over the plane.

use std::path::Path;

use gibbs_backend::Noise;
use gibbs_data::npy;

use super::{evaluation::doubles, family::Family};

/// Points around a parabola, within about 5 of the origin, times `scale` and moved by `shift`, in `bent.npy`.
pub(super) fn bent(folder: &Path, scale: f64, shift: f64) {
    let (n, mut noise) = (1000, Noise::new(0, "bent"));
    let points: Vec<f64> = (0..n)
        .flat_map(|_| {
            let x = noise.next_normal();
            [x, 0.5 * x * x + 0.3 * noise.next_normal()]
        })
        .map(|x| scale * x + shift)
        .collect();
    npy::write(&folder.join("bent.npy"), &points, &[n, 2]).unwrap();
}

/// The integral of the density that `eval` writes, by the midpoint rule on `cells` between `low` and `high` along both axes.
pub(super) fn mass(family: &Family, folder: &Path, [low, high]: [f64; 2], cells: usize) -> f64 {
    let step = (high - low) / cells as f64;
    let at = |i: usize| low + (i as f64 + 0.5) * step;
    let grid: Vec<f64> = (0..cells * cells).flat_map(|i| [at(i / cells), at(i % cells)]).collect();
    npy::write(&folder.join("grid.npy"), &grid, &[cells * cells, 2]).unwrap();
    let flags = ["run", "--data", "grid.npy", "--split", "all", "--per-example", "density.npy"];
    family.eval(folder, &flags);
    doubles(&folder.join("density.npy")).iter().map(|log_prob| log_prob.exp()).sum::<f64>() * step * step
}
