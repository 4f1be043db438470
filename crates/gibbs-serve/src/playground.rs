//! What a person can do with a trained model. A model offers those of the traits that it can; the pages show one panel for
//! each.
//!
//! Images are `[rows · columns]` numbers from 0 (black) to 1 (white), row by row. Whatever is drawn depends on the [`Dice`]
//! alone, so that a model needs no state of its own.

/// The error of a model that cannot do what it was asked for: one sentence for the person at the page.
pub type PlayError = Box<dyn std::error::Error + Send + Sync>;

/// What decides all that is random in a call: a seed, and the number of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dice {
    /// Seed of the sequence of calls.
    pub seed: u64,
    /// Number of the call.
    pub call: u64,
}

/// A model to play with.
pub trait Playground: Send + Sync {
    /// Rows and columns of the images that the model knows; `None` if it knows no images.
    fn shape(&self) -> Option<(usize, usize)> {
        None
    }

    /// Images to begin with.
    fn examples(&self) -> Vec<Vec<f32>> {
        Vec::new()
    }

    /// The model as a Markov chain of images.
    fn chain(&self) -> Option<&dyn Chain> {
        None
    }

    /// The model as an associative memory.
    fn recall(&self) -> Option<&dyn Recall> {
        None
    }

    /// The model as one that completes images.
    fn complete(&self) -> Option<&dyn Complete> {
        None
    }

    /// The model as one that compresses images and restores them.
    fn reconstruct(&self) -> Option<&dyn Reconstruct> {
        None
    }

    /// The model as a classifier of images.
    fn classify(&self) -> Option<&dyn Classify> {
        None
    }

    /// The model as one with latent variables.
    fn latent(&self) -> Option<&dyn Latent> {
        None
    }

    /// The model as a flow of points in the plane.
    fn paths(&self) -> Option<&dyn Paths> {
        None
    }

    /// The model as a lattice of spins with a temperature.
    fn lattice(&self) -> Option<&dyn Lattice> {
        None
    }
}

/// A Markov chain whose state shows as an image.
pub trait Chain {
    /// Name of [`Frame::energy`], with its unit.
    fn energy_name(&self) -> &'static str {
        "free energy (nats)"
    }

    /// Numbers of a state.
    fn width(&self) -> usize;

    /// The state of an image.
    ///
    /// # Errors
    /// [`PlayError`].
    fn start(&self, image: &[f32], dice: Dice) -> Result<Vec<f32>, PlayError>;

    /// The state `steps` steps later.
    ///
    /// # Errors
    /// [`PlayError`].
    fn step(&self, state: &[f32], steps: usize, dice: Dice) -> Result<Frame, PlayError>;
}

/// A state of a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The state, from which the next step goes on.
    pub state: Vec<f32>,
    /// The image to show.
    pub image: Vec<f32>,
    /// The energy of the state.
    pub energy: f64,
}

/// A memory that recalls a stored image step by step.
pub trait Recall {
    /// Images and energies from the start to the end of the recall.
    ///
    /// # Errors
    /// [`PlayError`].
    fn recall(&self, image: &[f32], dice: Dice) -> Result<Vec<(Vec<f32>, f64)>, PlayError>;
}

/// A model that draws the unknown part of an image, given the rest.
pub trait Complete {
    /// How the unknown part is drawn, in one sentence.
    fn how(&self) -> &'static str;

    /// `n` completions of an image; `known` says for each pixel whether it is to be kept.
    ///
    /// # Errors
    /// [`PlayError`], such as for pixels from which the model cannot go on.
    fn complete(
        &self,
        image: &[f32],
        known: &[bool],
        n: usize,
        dice: Dice,
    ) -> Result<Vec<Vec<f32>>, PlayError>;
}

/// A model that compresses an image to a code.
pub trait Reconstruct {
    /// The code of an image, and the image that is restored from it.
    ///
    /// # Errors
    /// [`PlayError`].
    fn reconstruct(&self, image: &[f32]) -> Result<(Vec<f32>, Vec<f32>), PlayError>;
}

/// A classifier.
pub trait Classify {
    /// Names of the classes.
    fn classes(&self) -> Vec<String>;

    /// The probability of each class, given an image.
    ///
    /// # Errors
    /// [`PlayError`].
    fn classify(&self, image: &[f32]) -> Result<Vec<f32>, PlayError>;
}

/// A model with latent variables that are decoded to images.
pub trait Latent {
    /// Number of latent variables.
    fn width(&self) -> usize;

    /// Whether the latent variables are standard normal. Nearly all of their mass is then at one distance from the origin, and
    /// one walks along arcs instead of lines.
    fn is_normal(&self) -> bool;

    /// The latent variables of an image.
    ///
    /// # Errors
    /// [`PlayError`].
    fn encode(&self, image: &[f32]) -> Result<Vec<f32>, PlayError>;

    /// The images of latent variables.
    ///
    /// # Errors
    /// [`PlayError`].
    fn decode(&self, latent: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, PlayError>;

    /// Latent variables of an image that the model might draw.
    ///
    /// # Errors
    /// [`PlayError`].
    fn draw(&self, dice: Dice) -> Result<Vec<f32>, PlayError>;
}

/// A flow that carries points of a normal distribution in the plane to those of the model.
pub trait Paths {
    /// What the parts of a path are called: `time` of a continuous flow, `layer` of a discrete one.
    fn parts(&self) -> &'static str;

    /// `n` points at several times from the start to the end.
    ///
    /// # Errors
    /// [`PlayError`].
    fn paths(&self, n: usize, dice: Dice) -> Result<Vec<Vec<[f32; 2]>>, PlayError>;
}

/// Spins on a square lattice.
pub trait Lattice {
    /// Lengths of the lattice that can be chosen.
    fn lengths(&self) -> Vec<usize>;

    /// Lowest and highest temperature.
    fn temperatures(&self) -> (f64, f64);

    /// The temperature of the phase transition of the infinite lattice.
    fn critical_temperature(&self) -> f64;

    /// Energy of a spin and absolute magnetization of the infinite lattice at a temperature.
    ///
    /// # Errors
    /// [`PlayError`].
    fn exact(&self, temperature: f64) -> Result<(f64, f64), PlayError>;

    /// The spins `[length · length]`, ±1, after some sweeps at a temperature.
    ///
    /// # Errors
    /// [`PlayError`].
    fn sweep(
        &self,
        spins: Vec<i8>,
        length: usize,
        temperature: f64,
        sweeps: usize,
        dice: Dice,
    ) -> Result<Spins, PlayError>;
}

/// A configuration of a lattice.
#[derive(Clone, Debug, PartialEq)]
pub struct Spins {
    /// ±1, row by row.
    pub spins: Vec<i8>,
    /// Energy of a spin, in units of the coupling.
    pub energy: f64,
    /// Mean of the spins.
    pub magnetization: f64,
}
