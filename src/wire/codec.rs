//! Frames as bytes on a transport, in both forms.
//!
//! ```text
//! JSON     one JSON text                                 {"act":{"ep":0,"at":3,…}}
//! binary   version: u8 · bincode 2 of the frame          numbers as varints, names as they stand
//! ```
//!
//! The length is looked at before anything else. Text and payloads are borrowed from the frame
//! before they are copied, so that no length inside it takes memory for bytes that are not there; a
//! list takes at most a mebibyte before its items are seen. Everything is consumed: what is left
//! over is an error.
//!
//! This is the one place that names `bincode`: whoever replaces it replaces two functions. The
//! crate is unmaintained (RUSTSEC-2025-0141); it is pinned, fuzzed, limited, and given no
//! collections of elements without bytes, which its limit would not count.
//!
//! Clauses: FRAME-1 to FRAME-4.

use super::frame::{Frame, OverLimit};
use super::payload::Form;

/// The first byte of a frame of bytes.
const BINARY_VERSION: u8 = 1;

/// The longest frame that any limit allows, in bytes: 16 MiB.
pub const FRAME_BYTES_LIMIT: usize = 16 << 20;

/// Bytes that are not a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Too many of them.
    #[error("a frame of {bytes} bytes; at most {most} are read")]
    TooLong {
        /// How many there are.
        bytes: usize,
        /// How many there may be.
        most: usize,
    },
    /// Nothing.
    #[error("a frame without bytes")]
    Empty,
    /// A form that is not known here.
    #[error("a frame of version {found}; this is version {BINARY_VERSION}")]
    Version {
        /// The first byte.
        found: u8,
    },
    /// Not what a frame looks like.
    #[error("not a frame: {reason}")]
    Malformed {
        /// What was wrong, and where.
        reason: String,
    },
    /// Bytes behind the frame.
    #[error("{extra} bytes behind the frame")]
    TrailingBytes {
        /// How many.
        extra: usize,
    },
    /// Something of it is longer than it may be.
    #[error(transparent)]
    OverLimit(#[from] OverLimit),
}

impl Form {
    /// The bytes of a frame whose payload, if it has one, is of this form.
    ///
    /// # Panics
    /// If the payload is of the other form.
    #[must_use]
    pub fn encode(self, frame: &Frame) -> Vec<u8> {
        match self {
            Self::Json => serde_json::to_vec(frame).expect("a frame of JSON is JSON"),
            Self::Binary => binary::encode(frame),
        }
    }

    /// The frame that these bytes are, of which there are at most `most`.
    ///
    /// # Errors
    /// A [`FrameError`].
    pub fn decode(self, bytes: &[u8], most: usize) -> Result<Frame, FrameError> {
        let most = most.min(FRAME_BYTES_LIMIT);
        if bytes.len() > most {
            return Err(FrameError::TooLong { bytes: bytes.len(), most });
        }
        if bytes.is_empty() {
            return Err(FrameError::Empty);
        }
        let frame = match self {
            Self::Json => serde_json::from_slice(bytes)
                .map_err(|error| FrameError::Malformed { reason: error.to_string() })?,
            Self::Binary => binary::decode(bytes)?,
        };
        frame.within_limits()?;
        Ok(frame)
    }
}

mod binary {
    use bincode::config::{Configuration, Limit, LittleEndian, Varint};

    use super::{BINARY_VERSION, FRAME_BYTES_LIMIT, Frame, FrameError};

    /// Enough for most frames beside their payload, so that what is written does not grow.
    const USUAL_BYTES: usize = 64;

    const CONFIG: Configuration<LittleEndian, Varint, Limit<FRAME_BYTES_LIMIT>> =
        bincode::config::standard().with_limit::<FRAME_BYTES_LIMIT>();

    pub(super) fn encode(frame: &Frame) -> Vec<u8> {
        let value = match frame {
            Frame::Act { value, .. } | Frame::Msg { value, .. } => value.size(),
            _ => 0,
        };
        let mut bytes = Vec::with_capacity(USUAL_BYTES + value);
        bytes.push(BINARY_VERSION);
        let unlimited = bincode::config::standard();
        bincode::serde::encode_into_std_write(frame, &mut bytes, unlimited)
            .expect("a frame of bytes is bytes");
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Frame, FrameError> {
        let (version, body) = bytes.split_first().ok_or(FrameError::Empty)?;
        if *version != BINARY_VERSION {
            return Err(FrameError::Version { found: *version });
        }
        let (frame, read) = bincode::serde::borrow_decode_from_slice(body, CONFIG)
            .map_err(|error| FrameError::Malformed { reason: error.to_string() })?;
        match body.len() - read {
            0 => Ok(frame),
            extra => Err(FrameError::TrailingBytes { extra }),
        }
    }
}
