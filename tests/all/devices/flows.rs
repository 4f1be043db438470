//! Flows on every device: densities, their slopes and the way back, against double precision on `flex`.

use burn::{prelude::*, tensor::DType, tensor::FloatDType};
use gibbs_backend::Noise;
use gibbs_core::{Bijection, LogProb, math::to_host, params::cast};
use gibbs_flow::{Flow, FlowConfig, LayerConfig, MafConfig, Permute, RealNvpConfig, Univariate};
use gibbs_testkit::perturbed;

use super::devices;
use crate::support::assert_close;

const WIDTH: usize = 6;
const POINTS: usize = 40;

fn configs() -> Vec<(&'static str, FlowConfig)> {
    let spline = Univariate::spline();
    let linear = vec![LayerConfig::act_norm(), LayerConfig::linear(Permute::Reverse)];
    vec![
        ("NICE", RealNvpConfig::new(WIDTH, 3, vec![8].into()).flow_with(Univariate::Additive)),
        ("Real NVP", RealNvpConfig::new(WIDTH, 3, vec![8].into()).flow()),
        ("spline couplings", RealNvpConfig::new(WIDTH, 3, vec![8].into()).flow_with(spline)),
        ("MAF", MafConfig::new(WIDTH, 2, vec![8].into()).flow()),
        ("spline IAF", MafConfig::new(WIDTH, 2, vec![8].into()).inverse_flow_with(spline)),
        ("linear", FlowConfig::new(WIDTH, linear)),
    ]
}

/// The flow with all parameters moved: drawn on the host, so equal on all devices.
fn flow(config: &FlowConfig, device: &Device, dtype: FloatDType) -> Flow {
    let flow = config.init(device, &mut Noise::new(0, "init")).unwrap();
    perturbed(cast(flow, dtype), 0.1, Noise::new(0, "stir"))
}

/// `ln p` of points, its slope there, and the points after a round trip.
fn measured(config: &FlowConfig, device: &Device, dtype: FloatDType) -> [Vec<f64>; 3] {
    let flow = flow(config, device, dtype);
    let x = Noise::new(0, "points").normal([POINTS, WIDTH], (device, DType::from(dtype)));
    let z = flow.forward(x.clone(), None).0;
    let back = flow.inverse(z, None).0;
    let log_prob = flow.log_prob(x.clone());
    let at = x.autodiff().require_grad();
    let gradients = flow.train().log_prob(at.clone()).sum().backward();
    [to_host(log_prob), to_host(at.grad(&gradients).unwrap()), to_host(back)]
}

#[test]
fn densities_slopes_and_inverses_are_the_same_on_every_device() {
    for (flow, config) in configs() {
        let expected = measured(&config, &Device::flex(), FloatDType::F64);
        for (name, device) in devices() {
            let found = measured(&config, &device, FloatDType::F32);
            // Some layers of sums of some ten terms in single precision; steep splines make more of the rounding, on the way back
            // and in slopes, which hold their second derivatives.
            let all = [("density", 1e-4), ("slope", 1e-3), ("round trip", 1e-3)];
            for ((what, tolerance), (found, expected)) in all.iter().zip(found.iter().zip(&expected)) {
                assert_close(found, expected, *tolerance, &format!("{what} of {flow} on {name}"));
            }
        }
    }
}
