//! Metrics as an event file of TensorBoard.
//!
//! ```text
//! file    = record record …
//! record  = length (u64), crc(length) (u32), event, crc(event) (u32)          little-endian
//! crc     = (crc32c rotated right by 15 bits) + 0xa282ead8
//! event   = {1: wall time (f64), 2: step, 3: "brain.Event:2" | 5: summary | 7: session} as a protocol buffer
//! summary = {1: {1: name, 2: value (f32)}, 1: {…}, …},   session = {1: 1 (start)}
//! ```
//!
//! References: TFRecord and `event.proto` of TensorFlow, <https://www.tensorflow.org/tutorials/load_data/tfrecord>.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Observer, Record, Start};

/// An observer that writes metrics for TensorBoard.
///
/// A resumed run appends to its file; TensorBoard then drops what was logged after the last checkpoint. The file is a copy of the
/// metrics, so a write that fails ends the copy and not the run.
#[derive(Debug)]
pub struct TensorBoard {
    file: Option<File>,
}

impl TensorBoard {
    /// Opens the file, or begins it. A last record that is not complete is cut off. The name must contain `tfevents`, so that
    /// TensorBoard finds the file.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let whole = fs::read(path).map_or(0, |bytes| whole_records(&bytes));
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(whole as u64)?;
        let mut log = Self { file: Some(file) };
        if whole == 0 {
            log.write(&event(0, &bytes_field(3, b"brain.Event:2")));
        }
        Ok(log)
    }

    fn write(&mut self, event: &[u8]) {
        let is_written = self.file.as_mut().is_some_and(|file| file.write_all(&record(event)).is_ok());
        if !is_written {
            self.file = None;
        }
    }
}

impl Observer for TensorBoard {
    fn on_start(&mut self, start: &Start) {
        self.write(&event(start.steps_done + 1, &bytes_field(7, &[0x08, 1])));
    }

    fn on_log(&mut self, record: &Record) {
        let values = record.metrics.iter().map(|(name, value)| {
            let value = [&[0x15], &(value as f32).to_le_bytes()[..]].concat();
            bytes_field(1, &[bytes_field(1, name.as_bytes()), value].concat())
        });
        let summary: Vec<u8> = values.flatten().collect();
        self.write(&event(record.step, &bytes_field(5, &summary)));
    }
}

/// An event at a step, now.
fn event(step: usize, content: &[u8]) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64());
    [&[0x09], &now.to_le_bytes()[..], &[0x10], &varint(step as u64), content].concat()
}

/// A field of bytes of a protocol buffer.
fn bytes_field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2], &varint(bytes.len() as u64)[..], bytes].concat()
}

/// A number of a protocol buffer: seven bits a byte, the lowest first.
fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn record(event: &[u8]) -> Vec<u8> {
    let length = (event.len() as u64).to_le_bytes();
    [&length[..], &checksum(&length), event, &checksum(event)].concat()
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// Length of the complete records at the beginning of a file.
fn whole_records(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Some(length) = bytes.get(end..end + 8).and_then(|length| length.try_into().ok()) {
        let next = (u64::from_le_bytes(length) as usize).checked_add(end + 16);
        match next.filter(|next| *next <= bytes.len()) {
            Some(next) => end = next,
            None => break,
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;
    use super::*;

    /// The known check value of CRC-32C (RFC 3720, appendix B.4), masked.
    #[test]
    fn checksums_are_masked_castagnoli() {
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        let masked = 0x8a91_36aa_u32.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(checksum(&[0; 32]), masked.to_le_bytes());
    }

    #[test]
    fn numbers_take_seven_bits_a_byte() {
        assert_eq!(varint(1), [1]);
        assert_eq!(varint(300), [0xac, 0x02]);
        assert_eq!(bytes_field(2, b"testing"), b"\x12\x07testing");
    }

    /// The events of a file, without their time: step and content.
    fn events(bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut found = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            assert_eq!(rest[8..12], checksum(&rest[..8]));
            let event = &rest[12..12 + length];
            assert_eq!(rest[12 + length..16 + length], checksum(event));
            assert_eq!((event[0], event[9]), (0x09, 0x10));
            found.push((event[10], event[11..].to_vec()));
            rest = &rest[16 + length..];
        }
        found
    }

    #[test]
    fn a_resumed_run_appends_to_whole_records() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.out.tfevents.run");
        let start = |steps_done| Start {
            steps_done,
            seconds: 0.0,
            steps_per_epoch: 10,
            total_steps: 100,
            resumed: steps_done > 0,
        };
        let at = |step| Record { step, epoch: 1, seconds: 0.0, metrics: Metrics::new().with("loss", 0.5) };
        let mut log = TensorBoard::open(&path).unwrap();
        log.on_start(&start(0));
        log.on_log(&at(3));
        drop(log);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..], &whole[..21]].concat()).unwrap();
        let mut log = TensorBoard::open(&path).unwrap();
        log.on_start(&start(2));
        log.on_log(&at(3));
        drop(log);
        let summary = b"\x2a\x0d\x0a\x0b\x0a\x04loss\x15\x00\x00\x00\x3f".to_vec();
        let session = b"\x3a\x02\x08\x01".to_vec();
        let expected = [
            (0, b"\x1a\x0dbrain.Event:2".to_vec()),
            (1, session.clone()),
            (3, summary.clone()),
            (3, session),
            (3, summary),
        ];
        assert_eq!(events(&fs::read(&path).unwrap()), expected);
    }
}
