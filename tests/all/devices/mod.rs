//! The same numbers on every backend that is compiled in.
//!
//! `flex` is always there and is held against f64; other backends come with a feature of `experiments`. One that is
//! compiled in but finds no device is skipped with a line that says why, or fails the test where the variable
//! `GIBBS_REQUIRE_DEVICES` is set.

mod binary;
mod boltzmann;
mod continuous;
mod density;
mod elementwise;
mod flows;
mod noise;
mod spins;

use burn::tensor::Device;

/// Name and device of every backend that works here.
fn devices() -> Vec<(&'static str, Device)> {
    let compiled = gibbs_backend::compiled();
    if compiled == ["flex"] {
        println!(
            "skipped on other devices: only flex is compiled in; build with --features experiments/wgpu"
        );
    }
    let is_required = std::env::var_os("GIBBS_REQUIRE_DEVICES").is_some();
    let working = |name| match gibbs_backend::device(name) {
        Ok(device) => Some((name, device)),
        Err(error) if is_required => panic!("{error}"),
        Err(error) => {
            println!("skipped on {name}: {error}");
            None
        }
    };
    let devices: Vec<_> = compiled.into_iter().filter_map(working).collect();
    assert!(devices.iter().any(|(name, _)| *name == "flex"), "flex works everywhere");
    devices
}

#[test]
fn each_device_has_a_number() {
    let numbered = gibbs_backend::devices();
    for (name, _) in devices() {
        let of_backend = numbered.iter().filter(|(number, _)| number.split(':').next() == Some(name));
        assert!(of_backend.clone().count() > 0, "{name} is not among {numbered:?}");
        for (number, what) in of_backend {
            assert!(gibbs_backend::device(number).is_ok() && !what.is_empty(), "{number} {what}");
        }
        let error = gibbs_backend::device(&format!("{name}:99")).unwrap_err().to_string();
        assert!(error.contains(&format!("choose one of {name}:0")), "{error}");
    }
}
