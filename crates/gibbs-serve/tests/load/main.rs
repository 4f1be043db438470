//! Many clients at once, in a process of its own, whose memory is measured.

#[cfg(test)]
#[path = "../serve/client.rs"]
mod client;
#[cfg(test)]
#[path = "../serve/zoo.rs"]
mod zoo;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use crate::client::Served;

const CLIENTS: usize = 50;
/// Memory that a server may take between the first round of requests and the last one: buffers of connections and of threads
/// that the allocator keeps.
const ROOM: u64 = 16 << 20;

/// Seconds of requests: `GIBBS_LOAD_SECONDS`, else a few.
fn seconds() -> u64 {
    std::env::var("GIBBS_LOAD_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(3)
}

/// Bytes of this process, the server among it, that are in memory.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? << 10)
}

#[test]
fn fifty_clients_do_not_make_the_server_grow() {
    let served = Served::new();
    let folder = served.add_run("a");
    std::fs::write(folder.join("metrics.jsonl"), "{\"step\":1,\"loss\":2.0}\n".repeat(100)).unwrap();
    let body = r#"{"image": "AAAAAAAA", "steps": 1, "seed": 1, "call": 0}"#;
    let count = AtomicUsize::new(0);
    let clients = |until: Instant| {
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (served, count) = (&served, &count);
                scope.spawn(move || {
                    while Instant::now() < until {
                        let answer = match client % 4 {
                            0 => served.get("/api/runs/a"),
                            1 => served.get("/api/runs/a/events"),
                            2 => served.get("/api/runs/a/play"),
                            _ => served.post("/api/runs/a/play/chain", body),
                        };
                        assert_eq!(answer.status, 200, "{}: {}", answer.head, answer.text());
                        assert!(client % 4 == 1 || answer.json()["error"].is_null());
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
    };
    clients(Instant::now() + Duration::from_secs(seconds().min(10)));
    let before = resident();
    clients(Instant::now() + Duration::from_secs(seconds()));
    let after = resident();
    if let (Some(before), Some(after)) = (before, after) {
        let requests = count.load(Ordering::Relaxed);
        assert!(after < before + ROOM, "{before} bytes grew to {after} in {requests} requests");
    }
}
