//! Requests of people who should not come in, and of programs gone wrong.

use std::io::Write;

use crate::client::{Served, write_run};

#[test]
fn other_hosts_and_other_pages_are_refused() {
    let served = Served::new();
    served.add_run("a");
    let cookie = format!("Cookie: gibbs-{}={}\r\n", served.port, served.token);
    let get = |head: &str| {
        served.send(format!("GET /api/overview HTTP/1.1\r\n{head}Connection: close\r\n\r\n").as_bytes())
    };
    let own = format!("Host: 127.0.0.1:{}\r\n", served.port);
    assert_eq!(get(&format!("{own}{cookie}")).status, 200);
    for host in [
        "Host: evil.example\r\n",
        "Host: 127.0.0.1\r\n",
        "Host: 127.0.0.1:1\r\n",
        "Host: 127.0.0.1.evil.example\r\n",
        "",
    ] {
        let status = get(&format!("{host}{cookie}")).status;
        assert!((400..500).contains(&status), "{host}: {status}");
    }
    let twice = get(&format!("{own}Host: evil.example\r\n{cookie}")).status;
    assert!((400..500).contains(&twice), "{twice}");
    for wrong in ["", "Cookie: gibbs-1=x\r\n", "Authorization: Bearer x\r\n"] {
        assert_eq!(get(&format!("{own}{wrong}")).status, 401, "{wrong}");
    }
    let shorter = format!("Cookie: gibbs-{}={}\r\n", served.port, &served.token[1..]);
    assert_eq!(get(&format!("{own}{shorter}")).status, 401);

    let body = br#"{"image": "AAAAAAAA"}"#;
    let post = |headers: &str| {
        served.send(&served.request("POST", "/api/runs/a/play/classify", headers, body)).status
    };
    let json = "Content-Type: application/json\r\n";
    assert_eq!(post(json), 200);
    assert_eq!(post(&format!("{json}Origin: http://127.0.0.1:{}\r\n", served.port)), 200);
    assert_eq!(post(&format!("{json}Origin: http://evil.example\r\n")), 403);
    assert_eq!(post(&format!("{json}Origin: null\r\n")), 403);
    assert_eq!(post(&format!("{json}Sec-Fetch-Site: cross-site\r\n")), 403);
    assert_eq!(post("Content-Type: text/plain\r\n"), 415);
    assert_eq!(post(""), 415);
}

#[test]
fn no_path_leads_out_of_the_folder() {
    let served = Served::new();
    let run = served.add_run("a");
    std::fs::write(run.join("samples.png"), b"PNG").unwrap();
    let secret = served.folder.path().join("secret.png");
    std::fs::write(&secret, b"SECRET").unwrap();
    write_run(&served.folder.path().join("outside"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&secret, run.join("link.png")).unwrap();
        std::os::unix::fs::symlink(&secret, run.join("report.html")).unwrap();
        std::os::unix::fs::symlink(served.folder.path().join("outside"), served.root().join("linked"))
            .unwrap();
    }
    let up = [
        "..",
        "%2e%2e",
        "..%2f..",
        "%2e%2e%2f",
        "..%5c",
        "....//",
        "%252e%252e",
        "\u{2025}",
        "/",
        "%00",
        "a%00",
    ];
    for part in up {
        for path in [
            format!("/api/runs/{part}/files/secret.png"),
            format!("/api/runs/a/files/{part}/secret.png"),
            format!("/api/runs/a/files/{part}%2fsecret.png"),
            format!("/api/runs/a%2f{part}/files/samples.png"),
            format!("/api/runs/{part}"),
            format!("/api/runs/{part}%2foutside"),
            format!("/api/runs/{part}/events"),
            format!("/api/runs/{part}/play"),
            format!("/assets/{part}/Cargo.toml"),
            format!("/assets/{part}%2fsrc%2flib.rs"),
        ] {
            let answer = served.get(&path);
            assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
            assert!(!answer.text().contains("SECRET"), "{path}");
        }
    }
    let absolute = secret.to_string_lossy().replace('/', "%2f");
    for path in [
        format!("/api/runs/a/files/{absolute}"),
        "/api/runs/a/files/link.png".into(),
        "/api/runs/a/files/report.html".into(),
        "/api/runs/linked".into(),
        "/api/runs/outside".into(),
        "/api/runs/a/files/config.json".into(),
        "/api/runs/a/files/model.safetensors".into(),
    ] {
        assert_eq!(served.get(&path).status, 404, "{path}");
    }
    assert_eq!(served.get("/api/runs/a/files/samples.png").body, b"PNG");
}

#[test]
fn huge_bodies_are_refused() {
    let served = Served::new();
    served.add_run("a");
    let huge = format!("{{\"image\": \"{}\"}}", "A".repeat(1 << 20));
    // The answer may be lost where the server closes before all is sent.
    let status = served.post("/api/runs/a/play/classify", &huge).status;
    assert!(status == 413 || status == 0, "{status}");
    let mut stream = served.connect();
    let head = served.request(
        "POST",
        "/api/train",
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n",
        b"",
    );
    let _ = stream.write_all(&head);
    for _ in 0..64 {
        let _ = stream.write_all(format!("10000\r\n{}\r\n", "A".repeat(0x10000)).as_bytes());
    }
    let deep = "[".repeat(100_000);
    assert_eq!(served.post("/api/runs/a/play/classify", &deep).status, 400);
    assert_eq!(served.post("/api/train", &deep).status, 400);
    assert_eq!(served.get("/api/overview").status, 200);
}

#[test]
fn what_makes_no_sense_is_a_bad_request() {
    let served = Served::new();
    served.add_run("a");
    let white = "////////";
    let cases = [
        ("classify", "".to_string()),
        ("classify", "null".into()),
        ("classify", "{".into()),
        ("classify", r#"{"image": 1}"#.into()),
        ("classify", r#"{"image": "AAAA"}"#.into()),
        ("classify", r#"{"image": "***"}"#.into()),
        ("classify", format!(r#"{{"image": "{white}", "more": 1}}"#)),
        ("chain", format!(r#"{{"image": "{white}", "steps": 0, "seed": 1, "call": 0}}"#)),
        ("chain", format!(r#"{{"image": "{white}", "steps": 1e9, "seed": 1, "call": 0}}"#)),
        ("chain", format!(r#"{{"image": "{white}", "steps": 100000, "seed": 1, "call": 0}}"#)),
        ("chain", format!(r#"{{"image": "{white}", "steps": 1, "seed": -1, "call": 0}}"#)),
        ("chain", r#"{"state": "AADAfw==", "steps": 1, "seed": 1, "call": 0}"#.into()),
        ("chain", r#"{"state": "AAAAAA==", "steps": 1, "seed": 1, "call": 0}"#.into()),
        ("chain", r#"{"steps": 1, "seed": 1, "call": 0}"#.into()),
        ("complete", format!(r#"{{"image": "{white}", "known": "AAAA", "n": 1, "seed": 1}}"#)),
        ("complete", format!(r#"{{"image": "{white}", "known": "AAAAAAAA", "n": 1000, "seed": 1}}"#)),
        ("walk", r#"{"from": {"seed": 1}, "to": {"seed": 2}, "stations": 4000}"#.into()),
        ("walk", r#"{"from": {"file": "/etc/passwd"}, "to": {"seed": 2}, "stations": 4}"#.into()),
        ("paths", r#"{"n": 1000000000, "seed": 1}"#.into()),
        ("sweep", r#"{"length": 7, "temperature": 1.0, "sweeps": 1, "seed": 1, "call": 0}"#.into()),
        ("sweep", r#"{"length": 2, "temperature": 0.0, "sweeps": 1, "seed": 1, "call": 0}"#.into()),
        ("sweep", r#"{"length": 2, "temperature": 1e400, "sweeps": 1, "seed": 1, "call": 0}"#.into()),
        (
            "sweep",
            r#"{"length": 2, "spins": "AA==", "temperature": 1.0, "sweeps": 1, "seed": 1, "call": 0}"#.into(),
        ),
    ];
    for (action, body) in cases {
        let answer = served.post(&format!("/api/runs/a/play/{action}"), &body);
        assert_eq!(answer.status, 400, "{action} {body}: {}", answer.text());
        assert!(answer.json()["error"].is_string());
    }
    let refused = format!(r#"{{"image": "{white}", "known": "AAAAAAAA", "n": 1, "seed": 1}}"#);
    let refused = served.post("/api/runs/a/play/complete", &refused);
    assert_eq!(
        (refused.status, refused.json()["error"].as_str()),
        (422, Some("the first pixel must be known"))
    );
    assert_eq!(served.post("/api/runs/a/play/dance", "{}").status, 404);
    assert_eq!(served.post("/api/runs/b/play/classify", "{}").status, 404);
    assert_eq!(served.get("/api/runs/a/play/classify").status, 405);
}

/// A sequence that is random enough to break parsers (Marsaglia's xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// Valid requests with bytes that are changed, cut out and doubled: 600 of them.
#[test]
fn fuzzed_requests_never_break_the_server() {
    let served = Served::new();
    served.add_run("a");
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let bodies = [
        ("chain", r#"{"image": "AAAAAAAA", "steps": 1, "seed": 1, "call": 0}"#),
        ("complete", r#"{"image": "AAAAAAAA", "known": "AQEBAAAA", "n": 2, "seed": 1}"#),
        ("walk", r#"{"from": {"image": "AAAAAAAA"}, "to": {"seed": 1}, "stations": 3}"#),
        (
            "sweep",
            r#"{"length": 2, "spins": "AAAAAA==", "temperature": 1.0, "sweeps": 1, "seed": 1, "call": 0}"#,
        ),
        ("paths", r#"{"n": 2, "seed": 1}"#),
    ];
    for round in 0..600 {
        let (action, body) = bodies[round % bodies.len()];
        let in_body = round % 3 != 0;
        let path = format!("/api/runs/a/play/{action}");
        let mut text = if in_body { body.as_bytes().to_vec() } else { path.clone().into_bytes() };
        for _ in 0..=random.below(4) {
            let at = random.below(text.len());
            match random.below(3) {
                0 => text[at] = random.below(256) as u8,
                1 => drop(text.remove(at)),
                _ => text.insert(at, text[random.below(text.len())]),
            }
        }
        let json = "Content-Type: application/json\r\n";
        let request = match in_body {
            true => served.request("POST", &path, json, &text),
            false => {
                let start = [b"POST ".as_slice(), &text].concat();
                let rest = served.request("POST", "", json, body.as_bytes());
                [start, rest[5..].to_vec()].concat()
            }
        };
        let status = served.send(&request).status;
        assert!((200..500).contains(&status), "{status}: {}", String::from_utf8_lossy(&text));
    }
    assert_eq!(served.get("/api/overview").status, 200);
}
