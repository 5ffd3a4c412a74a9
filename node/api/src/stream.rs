//! Bodies that are made while they are read, without a task of their own: whoever reads the body drives
//! what makes it, and dropping the one drops the other.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::limits::PIECES_WAITING_MAX;

/// The content type of JSON lines.
pub(crate) const NDJSON: &str = "application/x-ndjson";

/// Where the maker of a body puts its pieces.
#[derive(Debug)]
pub(crate) struct Pieces(mpsc::Sender<Bytes>);

impl Pieces {
    /// Puts one line and waits while the reader is slow; false once nobody reads any more.
    pub(crate) async fn line<T: Serialize>(&mut self, line: &T) -> bool {
        let mut bytes = serde_json::to_vec(line).expect("the shapes of the API are plain JSON");
        bytes.push(b'\n');
        self.0.send(bytes.into()).await.is_ok()
    }
}

/// An answer of JSON lines, made by `make`.
pub(crate) fn ndjson<F, M>(make: M) -> Response
where
    F: Future<Output = ()> + Send + 'static,
    M: FnOnce(Pieces) -> F,
{
    let (tx, pieces) = mpsc::channel(PIECES_WAITING_MAX);
    let maker: Maker = Box::pin(make(Pieces(tx)));
    let mut response = Response::new(Body::new(Made {
        maker: Some(maker),
        pieces,
    }));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(NDJSON));
    response
}

type Maker = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Made {
    /// None once it is done.
    maker: Option<Maker>,
    pieces: mpsc::Receiver<Bytes>,
}

impl HttpBody for Made {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(maker) = self.maker.as_mut()
            && maker.as_mut().poll(context).is_ready()
        {
            self.maker = None;
        }
        self.pieces
            .poll_recv(context)
            .map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// A body whose pieces are sent from elsewhere.
#[derive(Debug)]
pub(crate) struct Sent(mpsc::Receiver<Bytes>);

impl Sent {
    /// The body, and where its pieces go; it ends when the sender is dropped.
    pub(crate) fn new() -> (mpsc::Sender<Bytes>, Self) {
        let (tx, rx) = mpsc::channel(PIECES_WAITING_MAX);
        (tx, Self(rx))
    }
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .poll_recv(context)
            .map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// A body's bytes, cut into lines.
#[derive(Debug)]
pub(crate) struct LineReader<B> {
    body: B,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were looked at and hold no end of line.
    searched: usize,
    line_bytes_max: usize,
    is_ended: bool,
}

/// Why a line cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError<E> {
    #[error("a line is longer than {most} bytes")]
    TooLong { most: usize },
    #[error("the stream broke off")]
    Broken(#[source] E),
}

impl<B> LineReader<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    pub(crate) fn new(body: B, line_bytes_max: usize) -> Self {
        Self {
            body,
            buffer: Vec::new(),
            searched: 0,
            line_bytes_max,
            is_ended: false,
        }
    }

    /// The next line without its end; none after the last. May be dropped halfway: what was read stays.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, LineError<B::Error>> {
        loop {
            let fresh = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(self.searched + at + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > self.line_bytes_max {
                return Err(LineError::TooLong {
                    most: self.line_bytes_max,
                });
            }
            if self.is_ended {
                self.searched = 0;
                let last = std::mem::take(&mut self.buffer);
                return Ok((!last.is_empty()).then_some(last));
            }
            match http_body_util::BodyExt::frame(&mut self.body).await {
                None => self.is_ended = true,
                Some(Err(error)) => return Err(LineError::Broken(error)),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.buffer.extend_from_slice(&bytes);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_cut_wherever_the_pieces_end() {
        let (tx, body) = Sent::new();
        for piece in ["a", "b\nc\n", "\nd", "e"] {
            tx.send(Bytes::from(piece)).await.unwrap();
        }
        drop(tx);
        let mut lines = LineReader::new(body, 10);
        for expected in ["ab", "c", "", "de"] {
            assert_eq!(lines.next().await.unwrap().unwrap(), expected.as_bytes());
        }
        assert!(lines.next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_line_has_a_bound() {
        let (tx, body) = Sent::new();
        tx.send(Bytes::from("0123456789x")).await.unwrap();
        let mut lines = LineReader::new(body, 10);
        assert!(matches!(
            lines.next().await,
            Err(LineError::TooLong { most: 10 })
        ));
    }
}
