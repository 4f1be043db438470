//! Synthetic handwritten digits: 28×28 gray images with labels.
//!
//! ```text
//! skeleton: strokes as splines, several shapes for each class       skeletons.rs
//!   -> random knots, smooth displacement, slant, aspect, rotation   hand.rs
//!   -> largest side of 20 pixels                                    hand.rs
//!   -> distance to the stroke, anti-aliasing, rounding to bytes,
//!      center of mass at the center                                 pen.rs, also for the curves
//! ```
//!
//! Image `i` depends only on the seed and on `i`, not on the number of threads. Its computation uses `+ - * /` and square
//! roots, whose results IEEE 754 defines to the last bit. The bytes of the set are therefore the same on every computer.
//!
//! The normalization (20×20 box, center of mass at the center of 28×28) is that of MNIST: LeCun, Bottou, Bengio and
//! Haffner, *Gradient-based learning applied to document recognition*, Proc. IEEE 86 (1998), doi:10.1109/5.726791. The
//! displacement field is similar to the elastic distortions of Simard, Steinkraus and Platt, *Best practices for
//! convolutional neural networks applied to visual document analysis*, ICDAR 2003, doi:10.1109/ICDAR.2003.1227801.

mod hand;
mod skeletons;

use gibbs_backend::Noise;
use rayon::prelude::*;

use crate::draws::Draws;
use crate::{DataError, Dataset, Splits, pen};

/// Rows and columns of an image.
pub const SIDE: usize = pen::SIDE;
/// Pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;

/// `n` images, `[n, 28, 28]` bytes row-major, and their labels 0 to 9. The classes are equally likely.
///
/// With a larger `n` the first images are the same.
pub fn generate(n: usize, seed: u64) -> (Vec<u8>, Vec<u8>) {
    let noise = Noise::new(seed, "digits");
    let mut images = vec![0; n * PIXELS];
    let mut labels = vec![0; n];
    images.par_chunks_mut(PIXELS).zip(&mut labels).enumerate().for_each(|(index, (image, label))| {
        let mut draws = Draws::new(&noise, index, hand::DRAWS);
        let class = draws.below(10);
        *label = class as u8;
        pen::draw_centered(hand::write(class, &mut draws), image);
    });
    (images, labels)
}

/// The built-in set: 50000 training, 10000 validation and 10000 test images, as for MNIST.
///
/// # Errors
///
/// None. The type is that of the other sets.
pub fn splits() -> Result<Splits, DataError> {
    let (images, labels) = generate(70_000, 0);
    let whole = Dataset::from_bytes("digits", images, &[SIDE, SIDE], Some(labels))?;
    Ok(Splits::at(&whole, 50_000, 60_000))
}

#[cfg(test)]
mod tests;
