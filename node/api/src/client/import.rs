//! An import: lines go out while answers come in.

use hyper::body::Bytes;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};
use tokio::sync::mpsc;

use super::{Client, ClientError};
use crate::shape::ImportAnswer;
use crate::stream::Sent;

/// What came of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportSummary {
    /// Lines whose save is on disk there, or brought nothing new.
    pub saved: u64,
    /// Lines that were refused.
    pub refused: u64,
}

impl Client {
    /// Sends saves line by line; `answered` hears every answer, in the order of the lines. How many are
    /// under way at once is the node's affair: the input is read only as fast as it takes it.
    ///
    /// # Errors
    /// When the input cannot be read or the connection breaks; what was answered until then is saved.
    pub async fn import<R>(
        &self,
        input: &mut R,
        mut answered: impl FnMut(&ImportAnswer),
    ) -> Result<ImportSummary, ClientError>
    where
        R: AsyncBufRead + Unpin,
    {
        let (tx, body) = Sent::new();
        let connection = self.dial().await?;
        let receiving = async {
            let mut lines = connection
                .send_lines("/v1/reports/import", body)
                .await?
                .lines();
            let mut summary = ImportSummary::default();
            while let Some(line) = lines.next().await? {
                let answer: ImportAnswer =
                    serde_json::from_slice(&line).map_err(|error| ClientError::Foreign {
                        detail: error.to_string(),
                    })?;
                if answer.error.is_some() {
                    summary.refused += 1;
                } else {
                    summary.saved += 1;
                }
                answered(&answer);
            }
            Ok(summary)
        };
        let (sent, received) = tokio::join!(send(input, tx), receiving);
        sent.map_err(ClientError::Input)?;
        received
    }
}

/// Sends the input in pieces until it ends or nobody takes any more.
async fn send<R>(input: &mut R, tx: mpsc::Sender<Bytes>) -> std::io::Result<()>
where
    R: AsyncBufRead + Unpin,
{
    loop {
        let piece = Bytes::copy_from_slice(input.fill_buf().await?);
        if piece.is_empty() {
            return Ok(());
        }
        input.consume(piece.len());
        if tx.send(piece).await.is_err() {
            return Ok(());
        }
    }
}
