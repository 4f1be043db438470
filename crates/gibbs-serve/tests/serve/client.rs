//! Requests over a plain socket, so that anything can be sent.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    time::Duration,
};

use gibbs_serve::Server;
use serde_json::Value;
use tempfile::TempDir;

use crate::zoo::Fake;

/// A server on a free port with a folder of runs.
pub(crate) struct Served {
    pub(crate) port: u16,
    pub(crate) token: String,
    pub(crate) folder: TempDir,
}

/// The status, the head, and the body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

impl Served {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("runs");
        std::fs::create_dir(&root).unwrap();
        let server = Server::bind(&root, 0, Fake).unwrap();
        let address = server.address();
        let (host, token) = address.split_once("/?token=").unwrap();
        let port = host.rsplit_once(':').unwrap().1.parse().unwrap();
        let token = token.to_string();
        // It ends with the process.
        std::thread::spawn(move || server.run().unwrap());
        Self { port, token, folder }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("runs")
    }

    /// Writes a run.
    pub(crate) fn add_run(&self, name: &str) -> PathBuf {
        let folder = self.root().join(name);
        write_run(&folder);
        folder
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// The bytes of a request with the cookie and the host of the server.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nCookie: gibbs-{0}={}\r\nContent-Length: {}\r\n\
             {headers}Connection: close\r\n\r\n",
            self.port,
            self.token,
            body.len()
        );
        [head.as_bytes(), body].concat()
    }

    /// Sends bytes and reads the answer to the end.
    pub(crate) fn send(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        // A server that refuses a long body closes the connection before all of it is sent.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let mut piece = [0; 8192];
        loop {
            match stream.read(&mut piece) {
                Ok(0) | Err(_) => break,
                Ok(n) => answer.extend_from_slice(&piece[..n]),
            }
        }
        parsed(&answer)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(&self.request("GET", path, "", b""))
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        self.send(&self.request("POST", path, "Content-Type: application/json\r\n", body.as_bytes()))
    }
}

pub(crate) fn write_run(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let config = r#"{"experiment": "fake", "data": {"name": "digits"}, "train": {"epochs": 3}, "seed": 7}"#;
    std::fs::write(folder.join("config.json"), config).unwrap();
    std::fs::write(folder.join("model.safetensors"), [0]).unwrap();
}

fn parsed(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let mut body = answer.get(end + 4..).unwrap_or_default().to_vec();
    if head.contains("transfer-encoding: chunked") {
        body = unchunked(&body);
    }
    Answer { status, head, body }
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&body[..end]).ok().and_then(|hex| usize::from_str_radix(hex, 16).ok());
        let Some(size) = size.filter(|size| *size > 0 && end + 2 + size <= body.len()) else { break };
        whole.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = body.get(end + 4 + size..).unwrap_or_default();
    }
    whole
}
