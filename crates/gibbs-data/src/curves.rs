//! Curves through three random points: 28×28 gray images with six parameters.
//!
//! ```text
//! P₀, P₁, P₂  uniform on [4, 24)²                                     six coordinates, in pixels
//! c(t) = (1-t)(1-2t)·P₀ + 4t(1-t)·P₁ + t(2t-1)·P₂,  0 ≤ t ≤ 1         the parabola with c(0) = P₀, c(½) = P₁, c(1) = P₂
//! ```
//!
//! The pen is round and has a constant width and softness, so that only the six coordinates vary. Six code units can
//! therefore describe an image. An exchange of P₀ and P₂ does not change the image. Between the points the parabola leaves
//! their square by at most an eighth of its side (`max_t Σ|ℓᵢ(t)| = 5/4`). With the width of the pen this is inside the
//! image: no curve is cut off.
//!
//! The set is similar to the "curves" of G. Hinton and R. Salakhutdinov, *Reducing the dimensionality of data with neural
//! networks*, Science 313 (2006), doi:10.1126/science.1127647, supporting online material: images of curves generated from
//! three randomly chosen points in two dimensions, 20000 for training and 10000 for test, for autoencoders
//! 784-400-200-100-50-25-6. The paper does not define the curve and the pen. Errors on the two sets are therefore similar
//! but not equal.
//!
//! Image `i` depends only on the seed and on `i`, not on the number of threads. Its computation uses `+ - * /` and square
//! roots, whose results IEEE 754 defines to the last bit. The bytes of the set are therefore the same on every computer.

use gibbs_backend::Noise;
use rayon::prelude::*;

use crate::draws::Draws;
use crate::pen::{self, Nib, Path, SIDE};
use crate::{DataError, Dataset, Splits};

/// Pixels of an image.
const PIXELS: usize = SIDE * SIDE;
/// Uniform draws of one image.
const DRAWS: usize = 6;
/// Distance between the square of the points and the edges of the image, in pixels.
const INSET: f32 = 4.0;
/// Straight pieces of a drawn curve. Their distance from the curve is at most 0.02 pixels.
const PIECES: usize = 40;
/// Half the width of the stroke and of its soft edge, in pixels.
const RADIUS: f32 = 0.75;
const SOFTNESS: f32 = 0.75;

/// `n` images, `[n, 28, 28]` bytes row-major. With a larger `n` the first images are the same.
pub fn generate(n: usize, seed: u64) -> Vec<u8> {
    let noise = Noise::new(seed, "curves");
    let mut images = vec![0; n * PIXELS];
    images.par_chunks_mut(PIXELS).enumerate().for_each(|(index, image)| {
        let strokes = vec![parabola(points(&noise, index))];
        pen::draw(&Path { strokes, softness: SOFTNESS, ink: 1.0 }, image);
    });
    images
}

/// The built-in set: 18000 training, 2000 validation and 10000 test images.
///
/// # Errors
///
/// None. The type is that of the other sets.
pub fn splits() -> Result<Splits, DataError> {
    let whole = Dataset::from_bytes("curves", generate(30_000, 0), &[SIDE, SIDE], None)?;
    Ok(Splits::at(&whole, 18_000, 20_000))
}

/// The three points of image `index`, in pixels from the upper left corner.
fn points(noise: &Noise, index: usize) -> [[f32; 2]; 3] {
    let mut draws = Draws::new(noise, index, DRAWS);
    [(); 3].map(|()| [(); 2].map(|()| INSET + (SIDE as f32 - 2.0 * INSET) * draws.uniform()))
}

/// The path of the pen through the points.
fn parabola([a, b, c]: [[f32; 2]; 3]) -> Vec<Nib> {
    let at = |k: usize| {
        let t = k as f32 / PIECES as f32;
        let weights = [(1.0 - t) * (1.0 - 2.0 * t), 4.0 * t * (1.0 - t), t * (2.0 * t - 1.0)];
        let [x, y] = [0, 1].map(|j| weights[0] * a[j] + weights[1] * b[j] + weights[2] * c[j]);
        Nib { x, y, radius: RADIUS }
    };
    (0..=PIECES).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_passes_through_its_points_and_stays_on_the_paper() {
        let noise = Noise::new(3, "curves");
        // The two curves that leave the square furthest, upward and to the left, among others.
        let (low, high) = (INSET, SIDE as f32 - INSET);
        let extremes = [[[low, high], [low, low], [high, low]], [[low, low], [high, high], [high, low]]];
        for points in (0..2000).map(|index| points(&noise, index)).chain(extremes) {
            let path = parabola(points);
            for (point, k) in points.into_iter().zip([0, PIECES / 2, PIECES]) {
                assert_eq!(point, [path[k].x, path[k].y]);
            }
            for nib in path {
                let room = RADIUS + SOFTNESS;
                for place in [nib.x, nib.y] {
                    assert!((room..=SIDE as f32 - room).contains(&place), "{points:?} reach {place}");
                }
            }
        }
    }

    /// Moments of 6·4000 uniform draws; six standard errors of mean `s/√12n`, of covariances `s²/12√n`.
    #[test]
    fn the_points_are_uniform_and_independent() {
        const N: usize = 4000;
        let noise = Noise::new(1, "curves");
        let (side, n) = (f64::from(SIDE as f32 - 2.0 * INSET), N as f64);
        let rows: Vec<[f64; 6]> = (0..N)
            .map(|index| {
                let flat = points(&noise, index).concat();
                std::array::from_fn(|j| (f64::from(flat[j] - INSET)) / side - 0.5)
            })
            .collect();
        assert!(rows.iter().flatten().all(|x| (-0.5..0.5).contains(x)));
        for i in 0..6 {
            let mean = rows.iter().map(|row| row[i]).sum::<f64>() / n;
            assert!(mean.abs() < 6.0 * (1.0 / 12.0 / n).sqrt(), "mean of coordinate {i}: {mean}");
            for j in 0..=i {
                let product = rows.iter().map(|row| row[i] * row[j]).sum::<f64>() / n;
                let truth = if i == j { 1.0 / 12.0 } else { 0.0 };
                let covariance = product - truth;
                assert!(covariance.abs() < 6.0 / 12.0 / n.sqrt(), "covariance of {i} and {j}: {covariance}");
            }
        }
    }

    #[test]
    fn every_image_has_ink_and_none_is_cut_off() {
        let images = generate(3000, 2);
        for image in images.chunks(PIXELS) {
            // Some pixel's center is within √½ of the curve, where the soft edge has passed its middle.
            let darkest = image.iter().max().unwrap();
            assert!(*darkest > 127, "the darkest pixel is {darkest}");
            // A pen of this width leaves at least a dot, and at most a band along the longest curve.
            let mass: f64 = image.iter().map(|&byte| f64::from(byte) / 255.0).sum();
            assert!((1.0..110.0).contains(&mass), "ink of {mass} pixels");
        }
        let total: f64 = images.iter().map(|&byte| f64::from(byte) / 255.0).sum();
        let mean = total / images.len() as f64;
        assert!((0.03..0.06).contains(&mean), "mean pixel {mean}");
    }

    #[test]
    fn the_images_are_the_same_everywhere() {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(generate(2000, 0));
        assert_eq!(
            crate::manifest::hex(&digest),
            "f0a8155fe8842f7ecd995a209d2fcc16f6ae07fe3dfaa43ef77104aa1e90fbb1"
        );
    }

    #[test]
    fn an_image_depends_on_its_index_alone() {
        let many = generate(300, 4);
        let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let few = single.install(|| generate(120, 4));
        assert_eq!(few, many[..120 * PIXELS]);
        assert_ne!(generate(120, 5), few);
    }
}
