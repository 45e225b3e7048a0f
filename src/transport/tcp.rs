//! Frames over a connection of bytes: the length of each in four bytes, big endian, then the frame.
//! Clauses: TRAN-1 to TRAN-3.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::ready;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::{Stream, Transport, too_long};

/// How many bytes are held back at most until a flush.
const UNSENT_MAX: usize = 64 << 10;

/// Room for how many there is as soon as one is held back.
const UNSENT_BYTES: usize = 1 << 10;

/// How many bytes are read at once.
const CHUNK: usize = 16 << 10;

/// The length in front of a frame, in bytes.
const LENGTH: usize = 4;

/// A connection of bytes that carries frames. While nothing comes and goes it holds no buffer.
#[derive(Debug)]
pub struct Tcp<S = Stream> {
    stream: S,
    unsent: BytesMut,
    unread: BytesMut,
}

impl<S> Tcp<S> {
    /// Both ends must speak so.
    #[must_use]
    pub fn new(stream: S) -> Self {
        Self { stream, unsent: BytesMut::new(), unread: BytesMut::new() }
    }

    /// The next frame that is here whole.
    fn next(&mut self, most: usize) -> io::Result<Option<Bytes>> {
        let Some(length) = self.unread.first_chunk() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        // TRAN-2: nothing is read or held for one that is too long.
        if length > most {
            return Err(too_long(length, most));
        }
        if self.unread.len() - LENGTH < length {
            return Ok(None);
        }
        self.unread.advance(LENGTH);
        let frame = self.unread.split_to(length).freeze();
        if self.unread.is_empty() {
            self.unread = BytesMut::new();
        }
        Ok(Some(frame))
    }
}

impl<S: AsyncRead + Unpin> Tcp<S> {
    /// Reads what is there; how many bytes that was, none at the end.
    async fn fill(&mut self) -> io::Result<usize> {
        poll_fn(|context| {
            // In the way only while something is read.
            let mut chunk = [std::mem::MaybeUninit::uninit(); CHUNK];
            let mut chunk = ReadBuf::uninit(&mut chunk);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut chunk))?;
            self.unread.extend_from_slice(chunk.filled());
            std::task::Poll::Ready(Ok(chunk.filled().len()))
        })
        .await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for Tcp<S> {
    async fn send(&mut self, frame: Bytes) -> io::Result<()> {
        let length = u32::try_from(frame.len());
        let length = length.map_err(|_| too_long(frame.len(), u32::MAX as usize))?;
        if self.unsent.capacity() == 0 {
            self.unsent.reserve(UNSENT_BYTES.max(LENGTH + frame.len()));
        }
        self.unsent.put_u32(length);
        self.unsent.extend_from_slice(&frame);
        if self.unsent.len() >= UNSENT_MAX {
            self.stream.write_all_buf(&mut self.unsent).await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all_buf(&mut self.unsent).await?;
        self.unsent = BytesMut::new();
        self.stream.flush().await
    }

    async fn receive(&mut self, most: usize) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(frame) = self.next(most)? {
                return Ok(Some(frame));
            }
            if self.fill().await? == 0 {
                return match self.unread.is_empty() {
                    true => Ok(None),
                    false => Err(io::ErrorKind::UnexpectedEof.into()),
                };
            }
        }
    }

    async fn close(&mut self) {
        // Who is gone hears nothing.
        if self.flush().await.is_ok() {
            let _ = self.stream.shutdown().await;
        }
    }

    fn is_text(&self) -> bool {
        false
    }
}
