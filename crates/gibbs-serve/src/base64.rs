//! Arrays in JSON: bytes and little-endian `f32` in base64 (RFC 4648), a quarter of the size of decimal numbers.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Bytes: pixels from 0 to 255, or flags.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

/// Real numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Floats(pub(crate) Vec<f32>);

impl Bytes {
    /// Pixels of an image.
    pub(crate) fn of_image(image: &[f32]) -> Self {
        Self(image.iter().map(|x| (255.0 * x.clamp(0.0, 1.0)).round() as u8).collect())
    }

    /// The image of pixels.
    pub(crate) fn image(&self) -> Vec<f32> {
        self.0.iter().map(|byte| f32::from(*byte) / 255.0).collect()
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(|error| D::Error::custom(format!("base64: {error}")))
    }
}

impl Serialize for Floats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes(self.0.iter().flat_map(|x| x.to_le_bytes()).collect()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Floats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Bytes(bytes) = Bytes::deserialize(deserializer)?;
        let (words, rest) = bytes.as_chunks::<4>();
        let numbers: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        if !rest.is_empty() || numbers.iter().any(|x| !x.is_finite()) {
            return Err(D::Error::custom("give finite numbers of four bytes each"));
        }
        Ok(Self(numbers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_come_back_as_they_were() {
        let floats = Floats(vec![0.0, -1.5, 1e30]);
        let text = serde_json::to_string(&floats).unwrap();
        assert_eq!(serde_json::from_str::<Floats>(&text).unwrap(), floats);
        let bytes = Bytes((0..=255).collect());
        let text = serde_json::to_string(&bytes).unwrap();
        assert_eq!(serde_json::from_str::<Bytes>(&text).unwrap(), bytes);
        assert_eq!(Bytes::of_image(&bytes.image()), bytes);
    }

    #[test]
    fn what_is_no_array_is_refused() {
        for text in [r#""AAA""#, r#""AACAfw==""#, r#""*""#, "1", r#""AAAAAAA=""#] {
            assert!(serde_json::from_str::<Floats>(text).is_err(), "{text}");
        }
    }
}
