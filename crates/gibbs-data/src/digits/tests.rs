use super::*;

/// Softmax regression by stochastic gradient descent with momentum: weights `[10, PIXELS + 1]`, the bias last.
fn fit(images: &[u8], labels: &[u8], passes: usize) -> Vec<f32> {
    const INPUTS: usize = PIXELS + 1;
    let mut weights = vec![0.0f32; 10 * INPUTS];
    let mut velocity = weights.clone();
    for pass in 0..passes {
        let rate = 0.1 / (1.0 + pass as f32) / 100.0;
        for (images, labels) in images.chunks(100 * PIXELS).zip(labels.chunks(100)) {
            velocity.iter_mut().for_each(|v| *v *= 0.9);
            for (image, &label) in images.chunks(PIXELS).zip(labels) {
                let scores = scores(&weights, image);
                let largest = scores.iter().fold(f32::MIN, |a, &b| a.max(b));
                let total: f32 = scores.iter().map(|score| (score - largest).exp()).sum();
                for (class, score) in scores.iter().enumerate() {
                    let truth = f32::from(u8::from(class == usize::from(label)));
                    let step = rate * ((score - largest).exp() / total - truth);
                    let row = &mut velocity[class * INPUTS..(class + 1) * INPUTS];
                    row.iter_mut().zip(image).for_each(|(v, &x)| *v -= step / 255.0 * f32::from(x));
                    row[PIXELS] -= step;
                }
            }
            weights.iter_mut().zip(&velocity).for_each(|(w, v)| *w += v);
        }
    }
    weights
}

fn scores(weights: &[f32], image: &[u8]) -> [f32; 10] {
    std::array::from_fn(|class| {
        let row = &weights[class * (PIXELS + 1)..(class + 1) * (PIXELS + 1)];
        let sum: f32 = row.iter().zip(image).map(|(w, &x)| w * f32::from(x)).sum();
        sum / 255.0 + row[PIXELS]
    })
}

#[test]
fn a_linear_classifier_finds_them_neither_trivial_nor_noise() {
    let (images, labels) = generate(7000, 1);
    let (train, test) = images.split_at(6000 * PIXELS);
    let weights = fit(train, &labels[..6000], 6);
    let hits = test.chunks(PIXELS).zip(&labels[6000..]).filter(|(image, label)| {
        let scores = scores(&weights, image);
        scores.iter().all(|&score| score <= scores[usize::from(**label)])
    });
    let accuracy = hits.count() as f64 / 1000.0;
    assert!((0.80..0.97).contains(&accuracy), "accuracy {accuracy}");
}

#[test]
fn they_look_like_mnist_in_numbers() {
    let (images, labels) = generate(4000, 2);
    let mean = |bytes: &mut dyn Iterator<Item = u8>| {
        let (sum, n) = bytes.fold((0.0, 0), |(sum, n), byte| (sum + f64::from(byte) / 255.0, n + 1));
        sum / f64::from(n)
    };
    let pixel = mean(&mut images.iter().copied());
    assert!((0.12..0.14).contains(&pixel), "mean pixel {pixel}");
    let edge = |i: usize| !(2..SIDE - 2).contains(&i);
    let border = images.iter().enumerate().filter(|(i, _)| edge(i % SIDE) || edge(i / SIDE % SIDE));
    let border = mean(&mut border.map(|(_, &byte)| byte));
    assert!(border < 0.01, "mean pixel of the border {border}");
    for class in 0..10 {
        let count = labels.iter().filter(|&&label| label == class).count();
        assert!((320..480).contains(&count), "{count} of class {class}");
    }
    for image in images.chunks(PIXELS) {
        let mass: f64 = image.iter().map(|&byte| f64::from(byte)).sum();
        assert!(mass > 255.0 * 20.0, "an image is all but empty");
        let center = |coordinate: fn(usize) -> usize| {
            let moment = image.iter().enumerate().map(|(i, &byte)| coordinate(i) as f64 * f64::from(byte));
            moment.sum::<f64>() / mass
        };
        let (x, y) = (center(|i| i % SIDE), center(|i| i / SIDE));
        assert!((x - 13.5).abs() < 0.5 && (y - 13.5).abs() < 0.5, "center of mass {x}, {y}");
    }
}

#[test]
fn the_images_are_the_same_everywhere() {
    use sha2::{Digest, Sha256};
    let (images, labels) = generate(2000, 0);
    let digest = Sha256::new().chain_update(&images).chain_update(&labels).finalize();
    assert_eq!(
        crate::manifest::hex(&digest),
        "334a170795c809e2c5ce8321f204a05b49dc6295f6e6383edbae6d45a667aaa7"
    );
}

#[test]
fn an_image_depends_on_its_index_alone() {
    let (many, labels) = generate(300, 4);
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let (few, few_labels) = single.install(|| generate(120, 4));
    assert_eq!(few, many[..120 * PIXELS]);
    assert_eq!(few_labels, labels[..120]);
    assert_ne!(generate(120, 5).0, few);
}

#[test]
fn no_shape_draws_more_than_its_window() {
    use std::collections::HashSet;
    for shape in skeletons::SHAPES.iter().flat_map(|shapes| shapes.iter()) {
        let knots: HashSet<_> = shape
            .0
            .iter()
            .flat_map(|stroke| stroke.iter())
            .map(|(x, y)| (x.to_bits(), y.to_bits()))
            .collect();
        assert!(hand::draws_for(knots.len()) <= hand::DRAWS);
    }
}
