//! What the pages ask for, answered exactly.

use std::{
    fs::OpenOptions,
    io::{BufRead, BufReader, Write},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::client::Served;

/// Base64 of one byte, 255, for each of 6 pixels.
const WHITE: &str = "////////";
/// Zeros.
const BLACK: &str = "AAAAAAAA";

#[test]
fn the_token_of_the_address_becomes_a_cookie() {
    let served = Served::new();
    let plain = |path: &str| {
        served.send(
            format!("GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", served.port)
                .as_bytes(),
        )
    };
    let page = plain(&format!("/?token={}", served.token));
    assert_eq!(page.status, 200);
    assert!(page.head.contains(&format!(
        "set-cookie: gibbs-{}={}; path=/; httponly; samesite=strict",
        served.port, served.token
    )));
    assert!(page.head.contains("content-security-policy: default-src 'self'"));
    assert!(page.text().contains("<title>Gibbs</title>"));
    assert_eq!(plain("/").status, 401);
    assert_eq!(served.get("/").status, 200);
}

#[test]
fn every_file_that_the_pages_name_is_there() {
    let served = Served::new();
    let mut names = vec!["main.js".to_string(), "style.css".into(), "icon.svg".into()];
    let mut seen = 0;
    while seen < names.len() {
        let file = served.get(&format!("/assets/{}", names[seen]));
        assert_eq!(file.status, 200, "{}", names[seen]);
        let text = file.text();
        let imports =
            text.lines().filter(|line| line.starts_with("import")).filter_map(|line| line.split('"').nth(1));
        for name in imports.map(|path| path.trim_start_matches("./").to_string()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        seen += 1;
    }
    assert!(seen > 10, "{names:?}");
    assert_eq!(served.get("/assets/other.js").status, 404);
}

#[test]
fn runs_are_listed_with_their_pictures_and_reports() {
    let served = Served::new();
    assert_eq!(served.get("/api/overview").json()["runs"], json!([]));
    let folder = served.add_run("sweep/a b");
    std::fs::write(folder.join("samples.png"), b"PNG").unwrap();
    std::fs::write(folder.join("other.png"), b"PNG").unwrap();
    std::fs::write(folder.join("report.html"), "<p>report</p>").unwrap();
    std::fs::write(folder.join("notes.txt"), "secret").unwrap();
    let wait = Instant::now();
    let listed = loop {
        let listed = served.get("/api/overview").json();
        if listed["runs"] != json!([]) || wait.elapsed() > Duration::from_secs(10) {
            break listed;
        }
    };
    assert_eq!(listed["runs"][0]["id"], "sweep/a b");
    assert_eq!(listed["runs"][0]["seed"], 7);
    assert_eq!(listed["toys"][0]["name"], "spins");
    let run = served.get("/api/runs/sweep%2Fa%20b").json();
    assert_eq!(run["epochs"], 3);
    assert_eq!(run["state"], "weights");
    let pictures =
        json!([{"name": "samples.png", "caption": "What it draws."}, {"name": "other.png", "caption": null}]);
    assert_eq!(run["pictures"], pictures);
    let file = |name: &str| served.get(&format!("/api/runs/sweep%2Fa%20b/files/{name}"));
    assert_eq!(file("samples.png").body, b"PNG");
    let report = file("report.html");
    assert_eq!(report.text(), "<p>report</p>");
    assert!(report.head.contains("sandbox"));
    assert_eq!(file("notes.txt").status, 404);
    assert_eq!(served.get("/run/sweep%2Fa%20b").status, 200);
}

#[test]
fn a_model_does_what_it_can() {
    let served = Served::new();
    served.add_run("a");
    let able = served.get("/api/runs/a/play").json();
    assert_eq!(able["shape"], json!([2, 3]));
    assert_eq!(able["examples"], json!([WHITE]));
    assert_eq!(able["classify"]["classes"], json!(["dark", "light"]));
    let act = |action: &str, request: Value| {
        let answer = served.post(&format!("/api/runs/a/play/{action}"), &request.to_string());
        assert_eq!(answer.status, 200, "{action}: {}", answer.text());
        answer.json()
    };
    let first = act("chain", json!({"image": BLACK, "steps": 1, "seed": 1, "call": 0}));
    assert_eq!(first["image"], BLACK);
    let second = act("chain", json!({"state": first["state"], "steps": 2, "seed": 1, "call": 1}));
    assert_eq!((second["image"].as_str(), second["energy"].as_f64()), (Some(WHITE), Some(12.0)));
    let path = act("recall", json!({"image": WHITE, "seed": 1}));
    assert_eq!(path, json!({"images": [WHITE, BLACK], "energies": [2.0, 1.0]}));
    let completed = act("complete", json!({"image": BLACK, "known": "AQEBAAAA", "n": 2, "seed": 1}));
    assert_eq!(completed["images"], json!(["AAAA////", "AAAA////"]));
    assert_eq!(act("reconstruct", json!({"image": WHITE}))["image"], WHITE);
    let walk = act("walk", json!({"from": {"image": BLACK}, "to": {"seed": 1}, "stations": 3}));
    assert_eq!(walk["images"], json!([BLACK, "gICAgICA", WHITE]));
    let frames = act("paths", json!({"n": 2, "seed": 1}))["frames"].as_array().unwrap().len();
    assert_eq!(frames, 2);
    let sweep = json!({"length": 2, "temperature": 1.0, "sweeps": 1, "seed": 1, "call": 0});
    let spins = served.post("/api/toys/spins/play/sweep", &sweep.to_string()).json();
    assert_eq!((spins["spins"].as_str(), spins["magnetization"].as_f64()), (Some("AAAAAA=="), Some(-1.0)));
}

#[test]
fn events_follow_what_a_run_logs() {
    let served = Served::new();
    let folder = served.add_run("a");
    // The lock of a run that trains.
    let lock = std::fs::File::create(folder.join(".lock")).unwrap();
    lock.lock().unwrap();
    let path = folder.join("metrics.jsonl");
    std::fs::write(&path, "{\"step\":1,\"loss\":2.0}\n").unwrap();
    let mut stream = served.connect();
    stream.write_all(&served.request("GET", "/api/runs/a/events", "", b"")).unwrap();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let mut next = |wanted: &str| lines.find(|line| line.starts_with(wanted)).unwrap();
    assert_eq!(next("data: ["), "data: [{\"step\":1,\"loss\":2.0}]");
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    for step in 2..5 {
        writeln!(file, "{{\"step\":{step}}}").unwrap();
        assert_eq!(next("data: ["), format!("data: [{{\"step\":{step}}}]"));
    }
    drop(lock);
    next("event: end");
}

#[test]
fn offers_train_in_a_new_folder_and_say_what_fails() {
    let served = Served::new();
    let begin = |offer: &str| served.post("/api/train", &json!({"offer": offer}).to_string());
    let state_of = |id: &str| {
        let wait = Instant::now();
        loop {
            let run = served.get(&format!("/api/runs/{id}")).json();
            if run["state"] != "starting" || wait.elapsed() > Duration::from_secs(20) {
                break run;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    assert_eq!(begin("tiny").json()["id"], "tiny");
    assert_eq!(state_of("tiny")["family"], "fake");
    assert_eq!(begin("broken").json()["id"], "broken");
    let failed = state_of("broken");
    assert_eq!((failed["state"].as_str(), failed["damage"].as_str()), (Some("failed"), Some("no room")));
    assert_eq!(begin("tiny").json()["id"], "tiny-2");
    assert_eq!(begin("other").status, 400);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let served = Served::new();
    let error = gibbs_serve::Server::bind(served.root(), served.port, crate::zoo::Fake).err().unwrap();
    assert!(error.is_bad_input());
    assert!(
        error.to_string().contains(&format!("port {}", served.port)) && error.to_string().contains("--port")
    );
}
