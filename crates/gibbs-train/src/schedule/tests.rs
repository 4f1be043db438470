use super::*;
use crate::config::Resolver;
use serde_json::json;

fn parse(value: serde_json::Value) -> Result<Schedule, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[test]
fn ends_and_middle_of_each_kind() {
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
    for schedule in
        [Schedule::linear(0.1, 0.001), Schedule::exponential(0.1, 0.001), Schedule::cosine(0.1, 0.001)]
    {
        assert_eq!(schedule.at(0, 201), 0.1);
        assert_eq!(schedule.at(200, 201), 0.001);
        assert_eq!(schedule.at(10_000, 201), 0.001);
        let values: Vec<f64> = (0..201).map(|step| schedule.at(step, 201)).collect();
        assert!(values.windows(2).all(|pair| pair[0] > pair[1]), "{schedule:?}");
    }
    near(Schedule::linear(0.1, 0.001).at(100, 201), 0.0505);
    near(Schedule::exponential(0.1, 0.001).at(100, 201), 0.01);
    near(Schedule::cosine(0.1, 0.001).at(100, 201), 0.0505);
    near(Schedule::cosine(1.0, 0.0).at(50, 201), 0.5 + 0.5_f64.sqrt() / 2.0);
}

#[test]
fn warmup_rises_in_equal_steps_to_the_first_value() {
    for schedule in [Schedule::constant(0.8), Schedule::linear(0.8, 0.0), Schedule::cosine(0.8, 0.0)] {
        let schedule = schedule.with_warmup(3);
        let values: Vec<f64> = (0..4).map(|step| schedule.at(step, 100)).collect();
        assert_eq!(values, [0.2, 0.4, 0.6000000000000001, 0.8], "{schedule:?}");
    }
    assert_eq!(Schedule::linear(0.8, 0.2).with_warmup(3).at(99, 100), 0.2);
}

#[test]
fn a_change_over_given_steps_stays_afterwards() {
    let momentum = Schedule::linear(0.5, 0.9).over(5);
    let values: Vec<f64> = (0..7).map(|step| (momentum.at(step, 1000) * 1e6).round() / 1e6).collect();
    assert_eq!(values, [0.5, 0.6, 0.7, 0.8, 0.9, 0.9, 0.9]);
}

#[test]
fn runs_of_no_or_one_step_do_not_divide_by_zero() {
    for schedule in [Schedule::linear(0.1, 0.2), Schedule::exponential(0.1, 0.2), Schedule::cosine(0.1, 0.2)]
    {
        for total in [0, 1, 2] {
            assert_eq!(schedule.at(0, total), 0.1);
            assert_eq!(schedule.at(1, total), 0.2);
        }
        assert!(schedule.clone().with_warmup(10).at(3, 5).is_finite());
        assert!(schedule.over(0).at(7, 9).is_finite());
    }
}

#[test]
fn pieces_jump_or_join() {
    let points = vec![(0, 0.5), (10, 0.9), (20, 0.0)];
    let jumps = Schedule::Piecewise { points: points.clone(), linear: false };
    let joins = Schedule::Piecewise { points, linear: true };
    assert_eq!([0, 9, 10, 19, 20, 99].map(|step| jumps.at(step, 50)), [0.5, 0.5, 0.9, 0.9, 0.0, 0.0]);
    assert_eq!([0, 5, 10, 15, 20, 99].map(|step| joins.at(step, 50)), [0.5, 0.7, 0.9, 0.45, 0.0, 0.0]);
}

#[test]
fn json_goes_both_ways() {
    let all = [
        json!(0.01),
        json!({"kind": "constant", "value": 0.01, "warmup_steps": 5}),
        json!({"kind": "linear", "from": 0.5, "to": 0.9, "steps": 30, "warmup_steps": 0}),
        json!({"kind": "exponential", "from": 0.5, "to": 0.9, "steps": null, "warmup_steps": 2}),
        json!({"kind": "cosine", "from": 0.5, "to": 0.0, "steps": null, "warmup_steps": 0}),
        json!({"kind": "piecewise", "points": [[0, 0.5], [7, 0.9]], "linear": false}),
    ];
    for value in all {
        assert_eq!(serde_json::to_value(parse(value.clone()).unwrap()).unwrap(), value);
    }
    assert_eq!(parse(json!(1)), Ok(Schedule::constant(1.0)));
    assert_eq!(parse(json!({"kind": "cosine", "from": 1, "to": 0})), Ok(Schedule::cosine(1.0, 0.0)));
}

#[test]
fn nonsense_is_refused() {
    for (value, message) in [
        (
            json!("fast"),
            "invalid type: string \"fast\", expected a number or a schedule such as {\"kind\":\"linear\",\"from\":0.1,\"to\":0.01}",
        ),
        (json!({"kind": "linear", "from": 1}), "missing field `to`"),
        (
            json!({"kind": "linear", "from": 1, "to": 2, "warmup": 3}),
            "unknown field `warmup`, expected one of `from`, `to`, `steps`, `warmup_steps`",
        ),
        (
            json!({"kind": "sine", "from": 1, "to": 2}),
            "unknown variant `sine`, expected one of `constant`, `linear`, `exponential`, `cosine`, `piecewise`",
        ),
        (
            json!({"kind": "exponential", "from": 1, "to": 0}),
            "an exponential schedule goes from 1 to 0; both must be above 0 (or use the kind \"linear\")",
        ),
        (
            json!({"kind": "piecewise", "points": [[1, 2.0]]}),
            "a piecewise schedule needs points with rising steps, the first at step 0; its steps are [1]",
        ),
        (
            json!({"kind": "piecewise", "points": []}),
            "a piecewise schedule needs points with rising steps, the first at step 0; its steps are []",
        ),
    ] {
        assert_eq!(parse(value), Err(message.to_string()));
    }
    assert_eq!(Schedule::constant(f64::NAN).validate(), Err(ScheduleError::NotFinite("NaN".into())));
}

#[test]
fn settings_turn_any_schedule_into_any_other() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Train {
        learning_rate: Schedule,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Config {
        train: Train,
    }
    let all = [
        Schedule::constant(0.1),
        Schedule::constant(0.1).with_warmup(9),
        Schedule::linear(0.1, 0.2),
        Schedule::cosine(0.1, 0.2).with_warmup(3),
        Schedule::Piecewise { points: vec![(0, 1.0)], linear: true },
    ];
    for from in &all {
        let preset = Config { train: Train { learning_rate: from.clone() } };
        for to in &all {
            let setting = format!("train.learning_rate={}", serde_json::to_string(to).unwrap());
            let resolved =
                Resolver::over(&preset).unwrap().setting(&setting).unwrap().resolve::<Config>().unwrap();
            assert_eq!(&resolved.config.train.learning_rate, to);
            assert_eq!(resolved.changes.is_empty(), from == to, "{from:?} {to:?}");
        }
    }
    let preset = Config { train: Train { learning_rate: Schedule::cosine(0.1, 0.2) } };
    let resolve = |settings: &[&str]| {
        Resolver::over(&preset)
            .unwrap()
            .settings(settings)
            .unwrap()
            .resolve::<Config>()
            .map(|r| r.config.train.learning_rate)
    };
    assert_eq!(resolve(&["train.learning_rate.to=0.3"]).unwrap(), Schedule::cosine(0.1, 0.3));
    assert_eq!(
        resolve(&["train.learning_rate.kind=constant", "train.learning_rate.value=3"]).unwrap(),
        Schedule::constant(3.0)
    );
    assert_eq!(
        resolve(&["train.learning_rate.kind=constant"]).unwrap_err().to_string(),
        "setting `train.learning_rate` = {\"kind\":\"constant\"}: the field `value` is missing; `train` has: learning_rate"
    );
}
