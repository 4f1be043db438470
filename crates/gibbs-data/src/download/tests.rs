use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::{TempDir, tempdir};

use super::*;
use crate::manifest::Format;

/// What the server does with one request.
#[derive(Clone, Copy)]
enum Answer {
    /// Sends what is asked for.
    Whole,
    /// Announces all bytes but closes the connection after this number.
    Cut(usize),
    /// Ignores the range.
    NoRange,
    /// Sends another range than asked for.
    WrongRange,
    /// Answers with a status and no file.
    Status(u16),
    /// Sends the file with its last byte changed.
    Changed,
}
use Answer::*;

/// A server on this computer that gives one answer after the other and records the starts of the requested ranges.
struct Server {
    url: String,
    ranges: Arc<Mutex<Vec<Option<usize>>>>,
}

impl Server {
    fn start(content: &[u8], answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file-ubyte", listener.local_addr().unwrap());
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let (content, answers, record) = (content.to_vec(), answers.to_vec(), ranges.clone());
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let head: Vec<String> = lines
                    .map(|line| line.unwrap().to_lowercase())
                    .take_while(|line| !line.is_empty())
                    .collect();
                let start = head.iter().find_map(|line| {
                    line.strip_prefix("range: bytes=")?.strip_suffix('-')?.parse::<usize>().ok()
                });
                record.lock().unwrap().push(start);
                let _ = stream.write_all(&respond(&content, start, answer));
            }
        });
        Self { url, ranges }
    }

    fn ranges(&self) -> Vec<Option<usize>> {
        self.ranges.lock().unwrap().clone()
    }
}

fn respond(content: &[u8], start: Option<usize>, answer: Answer) -> Vec<u8> {
    let mut content = content.to_vec();
    let start = match answer {
        NoRange => None,
        Changed => {
            *content.last_mut().unwrap() ^= 1;
            start
        }
        _ => start,
    };
    let from = start.unwrap_or(0);
    let status = match (answer, start) {
        (Status(code), _) => format!("{code} No"),
        (_, None) => "200 OK".to_owned(),
        (_, Some(_)) => "206 Partial Content".to_owned(),
    };
    let body: &[u8] = if matches!(answer, Status(_)) { b"" } else { &content[from..] };
    let mut head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    if start.is_some() {
        let start = if matches!(answer, WrongRange) { from + 1 } else { from };
        head += &format!("content-range: bytes {start}-{}/{}\r\n", content.len() - 1, content.len());
    }
    let sent = if let Cut(n) = answer { &body[..n] } else { body };
    [head.as_bytes(), b"\r\n", sent].concat()
}

fn content() -> Vec<u8> {
    (0..100_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn form(urls: &[&str]) -> Form {
    Form {
        name: "file-ubyte".into(),
        format: Format::Idx,
        bytes: Some(content().len() as u64),
        sha256: hex(&Sha256::digest(content())),
        urls: urls.iter().map(|&url| url.to_owned()).collect(),
    }
}

/// The outcome of a fetch from a server with these answers, the ranges asked for, and the folder.
fn fetched(answers: &[Answer], held: Option<&[u8]>) -> (Result<(), DataError>, Vec<Option<usize>>, TempDir) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("file-ubyte");
    if let Some(held) = held {
        fs::write(folder.path().join("file-ubyte.part"), held).unwrap();
    }
    let server = Server::start(&content(), answers);
    let result = fetch(&form(&[&server.url]), &path, &mut |_, _| {});
    if result.is_ok() {
        assert_eq!(fs::read(&path).unwrap(), content());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no part is left");
    } else {
        assert!(!path.exists(), "a file of the final name is whole");
    }
    (result, server.ranges(), folder)
}

#[test]
fn a_whole_transfer_reports_its_progress() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("file-ubyte");
    let server = Server::start(&content(), &[Whole]);
    let mut seen = Vec::new();
    fetch(&form(&[&server.url]), &path, &mut |received, total| seen.push((received, total))).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content());
    assert_eq!(seen.last(), Some(&(100_000, Some(100_000))));
    assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0));
}

#[test]
fn an_interrupted_transfer_goes_on_where_it_stopped() {
    let (result, ranges, _) = fetched(&[Cut(30_000), Cut(20_000), Whole], None);
    result.unwrap();
    assert_eq!(ranges, [None, Some(30_000), Some(50_000)]);
}

#[test]
fn a_later_call_goes_on_too() {
    let (result, _, folder) = fetched(&[Cut(10_000), Cut(10_000), Cut(10_000)], None);
    let error = result.unwrap_err();
    assert!(matches!(error, DataError::Download { .. }), "{error}");
    assert!(error.to_string().contains("after 30000 of 100000 bytes"), "{error}");
    let held = fs::read(folder.path().join("file-ubyte.part")).unwrap();
    let (result, ranges, _) = fetched(&[Whole], Some(&held));
    result.unwrap();
    assert_eq!(ranges, [Some(30_000)]);
}

#[test]
fn a_whole_part_needs_no_transfer() {
    let (result, ranges, _) = fetched(&[], Some(&content()));
    result.unwrap();
    assert!(ranges.is_empty());
}

#[test]
fn servers_without_ranges_begin_again() {
    for answers in [vec![NoRange], vec![WrongRange, Whole], vec![Status(416), Whole]] {
        let (result, ranges, _) = fetched(&answers, Some(&content()[..40_000]));
        result.unwrap();
        assert_eq!(ranges[0], Some(40_000));
        assert!(ranges[1..].iter().all(Option::is_none));
    }
}

#[test]
fn parts_of_another_file_are_thrown_away() {
    let (result, ranges, _) = fetched(&[Whole, Whole], Some(&[7; 40_000]));
    result.unwrap();
    assert_eq!(ranges, [Some(40_000), None]);
    let (result, ranges, _) = fetched(&[Whole], Some(&[7; 200_000]));
    result.unwrap();
    assert_eq!(ranges, [None]);
}

#[test]
fn a_wrong_checksum_leaves_nothing_behind() {
    let (result, _, folder) = fetched(&[Changed], None);
    let error = result.unwrap_err();
    assert!(matches!(error, DataError::Checksum { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_missing_file_is_looked_for_at_the_next_address() {
    let (result, ranges, _) = fetched(&[Status(404)], None);
    let error = result.unwrap_err().to_string();
    assert!(error.contains("http://127.0.0.1") && error.contains("404"), "{error}");
    assert_eq!(ranges.len(), 1, "a 404 is not tried again");

    let folder = tempdir().unwrap();
    let path = folder.path().join("file-ubyte");
    let (gone, good) = (Server::start(&content(), &[Status(404)]), Server::start(&content(), &[Whole]));
    fetch(&form(&[&gone.url, &good.url]), &path, &mut |_, _| {}).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content());
}

#[test]
fn a_server_that_sends_too_much_is_stopped() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("file-ubyte");
    let server = Server::start(&content(), &[Whole]);
    let form = Form { bytes: Some(1000), ..form(&[&server.url]) };
    let error = fetch(&form, &path, &mut |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("more bytes than the file has"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_set_is_downloaded_once() {
    let folder = tempdir().unwrap();
    let server = Server::start(&content(), &[Whole]);
    let mut manifest = manifest::find("frey-faces").unwrap();
    manifest.files[0].forms = vec![form(&[&server.url])];
    let mut seen = Vec::new();
    let mut download = || {
        download_files(&manifest, folder.path(), &mut |progress| seen.push(progress.file.to_owned())).unwrap()
    };
    let paths = download();
    assert_eq!(paths, [folder.path().join("frey-faces/file-ubyte")]);
    assert_eq!(download(), paths);
    assert!(!seen.is_empty());
    assert_eq!(server.ranges().len(), 1);
}

#[test]
fn sets_without_an_address_say_how_to_get_them() {
    let folder = tempdir().unwrap();
    let error = download("frey-faces", folder.path(), |_| {}).unwrap_err();
    assert!(matches!(&error, DataError::NoAddress { .. }), "{error}");
    assert!(error.to_string().contains("datasets/README.md"), "{error}");
    assert!(matches!(download("digits", folder.path(), |_| {}), Err(DataError::NoAddress { .. })));
    let error = download("mnits", folder.path(), |_| {}).unwrap_err().to_string();
    assert!(error.contains("fashion-mnist") && !error.contains("digits"), "{error}");
}
