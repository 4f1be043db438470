//! A family whose models are arithmetic: they can do everything, and exactly.

use std::{path::PathBuf, sync::Arc};

use gibbs_runs::Run;
use gibbs_serve::{
    Offer, Playground, Toy, Zoo,
    playground::{
        Chain, Classify, Complete, Dice, Frame, Latent, Lattice, Paths, PlayError, Recall, Reconstruct, Spins,
    },
};

/// Images of 2 by 3 pixels.
pub(crate) const PIXELS: usize = 6;

pub(crate) struct Fake;

impl Zoo for Fake {
    fn open(&self, run: &Run) -> Result<Box<dyn Playground>, PlayError> {
        match run.family() {
            "fake" => Ok(Box::new(Fake)),
            other => Err(format!("{other} has no playground").into()),
        }
    }

    fn toys(&self) -> Vec<Toy> {
        vec![Toy { name: "spins", title: "Spins", about: "A lattice.", playground: Arc::new(Fake) }]
    }

    /// The shell writes the run: `$0` is the folder.
    fn offers(&self) -> Vec<Offer> {
        const SCRIPT: &str = r#"mkdir "$0" && echo '{"experiment": "fake", "data": {"name": "digits"}, "seed": 0}' > "$0/config.json""#;
        vec![
            Offer { name: "tiny", title: "Tiny", about: "A run.", command: &["-c", SCRIPT], settings: &[] },
            Offer {
                name: "broken",
                title: "Broken",
                about: "No run.",
                command: &["-c", "echo 'error: no room' >&2; exit 2"],
                settings: &[],
            },
        ]
    }

    fn program(&self) -> PathBuf {
        "/bin/sh".into()
    }

    fn captions(&self, _: &str) -> Vec<(String, String)> {
        vec![("samples.png".into(), "What it draws.".into())]
    }
}

impl Playground for Fake {
    fn shape(&self) -> Option<(usize, usize)> {
        Some((2, 3))
    }

    fn examples(&self) -> Vec<Vec<f32>> {
        vec![vec![1.0; PIXELS]]
    }

    fn chain(&self) -> Option<&dyn Chain> {
        Some(self)
    }

    fn recall(&self) -> Option<&dyn Recall> {
        Some(self)
    }

    fn complete(&self) -> Option<&dyn Complete> {
        Some(self)
    }

    fn reconstruct(&self) -> Option<&dyn Reconstruct> {
        Some(self)
    }

    fn classify(&self) -> Option<&dyn Classify> {
        Some(self)
    }

    fn latent(&self) -> Option<&dyn Latent> {
        Some(self)
    }

    fn paths(&self) -> Option<&dyn Paths> {
        Some(self)
    }

    fn lattice(&self) -> Option<&dyn Lattice> {
        Some(self)
    }
}

/// Each step adds the number of the call.
impl Chain for Fake {
    fn width(&self) -> usize {
        PIXELS
    }

    fn start(&self, image: &[f32], _: Dice) -> Result<Vec<f32>, PlayError> {
        Ok(image.to_vec())
    }

    fn step(&self, state: &[f32], steps: usize, dice: Dice) -> Result<Frame, PlayError> {
        let state: Vec<f32> = state.iter().map(|x| x + (steps as u64 * dice.call) as f32).collect();
        let energy = f64::from(state.iter().sum::<f32>());
        Ok(Frame { image: state.clone(), state, energy })
    }
}

impl Recall for Fake {
    fn recall(&self, image: &[f32], _: Dice) -> Result<Vec<(Vec<f32>, f64)>, PlayError> {
        Ok(vec![(image.to_vec(), 2.0), (vec![0.0; PIXELS], 1.0)])
    }
}

/// It cannot draw the first pixel.
impl Complete for Fake {
    fn how(&self) -> &'static str {
        "With ones."
    }

    fn complete(&self, image: &[f32], known: &[bool], n: usize, _: Dice) -> Result<Vec<Vec<f32>>, PlayError> {
        if !known[0] {
            return Err("the first pixel must be known".into());
        }
        let completed = image.iter().zip(known).map(|(x, known)| if *known { *x } else { 1.0 });
        Ok(vec![completed.collect(); n])
    }
}

impl Reconstruct for Fake {
    fn reconstruct(&self, image: &[f32]) -> Result<(Vec<f32>, Vec<f32>), PlayError> {
        Ok((vec![image.iter().sum()], image.to_vec()))
    }
}

impl Classify for Fake {
    fn classes(&self) -> Vec<String> {
        vec!["dark".into(), "light".into()]
    }

    fn classify(&self, image: &[f32]) -> Result<Vec<f32>, PlayError> {
        let light = image.iter().sum::<f32>() / PIXELS as f32;
        Ok(vec![1.0 - light, light])
    }
}

impl Latent for Fake {
    fn width(&self) -> usize {
        PIXELS
    }

    fn is_normal(&self) -> bool {
        false
    }

    fn encode(&self, image: &[f32]) -> Result<Vec<f32>, PlayError> {
        Ok(image.to_vec())
    }

    fn decode(&self, latent: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, PlayError> {
        Ok(latent.to_vec())
    }

    fn draw(&self, dice: Dice) -> Result<Vec<f32>, PlayError> {
        Ok(vec![dice.seed as f32; PIXELS])
    }
}

impl Paths for Fake {
    fn parts(&self) -> &'static str {
        "time"
    }

    fn paths(&self, n: usize, _: Dice) -> Result<Vec<Vec<[f32; 2]>>, PlayError> {
        Ok(vec![vec![[0.0, 1.0]; n], vec![[2.0, 3.0]; n]])
    }
}

/// A sweep turns all spins over.
impl Lattice for Fake {
    fn lengths(&self) -> Vec<usize> {
        vec![2, 200]
    }

    fn temperatures(&self) -> (f64, f64) {
        (0.5, 5.0)
    }

    fn critical_temperature(&self) -> f64 {
        2.0
    }

    fn exact(&self, temperature: f64) -> Result<(f64, f64), PlayError> {
        Ok((-temperature, 0.5))
    }

    fn sweep(&self, spins: Vec<i8>, _: usize, _: f64, sweeps: usize, _: Dice) -> Result<Spins, PlayError> {
        let spins: Vec<i8> =
            spins.into_iter().map(|spin| if sweeps % 2 == 1 { -spin } else { spin }).collect();
        let magnetization =
            f64::from(spins.iter().map(|spin| i32::from(*spin)).sum::<i32>()) / spins.len() as f64;
        Ok(Spins { spins, energy: -2.0, magnetization })
    }
}
