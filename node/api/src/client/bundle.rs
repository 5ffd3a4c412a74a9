//! Bundles: parts as they are made, and one at a time in.

use data_encoding::BASE64;
use hopluu_engine::BundleRequest;
use hopluu_engine::view::{BundleTaken, BundleView};
use hyper::Method;

use super::{Client, ClientError, Lines};
use crate::limits::{CLIENT_GRACE, LONG_REQUEST_TIME_MAX, REQUEST_TIME_MAX};
use crate::problem::Problem;
use crate::shape::BundlePart;

/// A part, as bytes.
#[derive(Debug)]
pub struct ExportedPart {
    /// What its address says.
    pub bundle: BundleView,
    /// How many entries it holds.
    pub entries: u64,
    /// How many pieces of attachments.
    pub pieces: u64,
    /// The bytes of the file.
    pub bytes: Vec<u8>,
}

/// The parts of an export as they come.
#[derive(Debug)]
pub struct ExportedParts(Lines);

impl ExportedParts {
    /// The next part; none after the last.
    ///
    /// # Errors
    /// When the node ends with a refusal, or the connection breaks off.
    pub async fn next(&mut self) -> Result<Option<ExportedPart>, ClientError> {
        let waited = tokio::time::timeout(LONG_REQUEST_TIME_MAX + CLIENT_GRACE, self.0.next());
        let Some(line) = waited.await.map_err(|_| ClientError::Silent)?? else {
            return Ok(None);
        };
        if let Ok(problem) = serde_json::from_slice::<Problem>(&line) {
            return Err(ClientError::Refused(Box::new(problem)));
        }
        let foreign = |detail: String| ClientError::Foreign { detail };
        let part: BundlePart =
            serde_json::from_slice(&line).map_err(|error| foreign(error.to_string()))?;
        let bytes = BASE64.decode(part.content.as_bytes());
        Ok(Some(ExportedPart {
            bundle: part.bundle,
            entries: part.entries,
            pieces: part.pieces,
            bytes: bytes.map_err(|error| foreign(error.to_string()))?,
        }))
    }
}

impl Client {
    /// Makes bundles.
    ///
    /// # Errors
    /// When the node refuses, or does not answer.
    pub async fn bundle_export(&self, asked: &BundleRequest) -> Result<ExportedParts, ClientError> {
        let body = super::json(asked);
        let answer = async {
            let connection = self.dial().await?;
            let path = "/v1/bundles/export";
            connection.send(Method::POST, path, Some(body)).await
        };
        let answer = tokio::time::timeout(REQUEST_TIME_MAX + CLIENT_GRACE, answer);
        let answer = answer.await.map_err(|_| ClientError::Silent)??;
        Ok(ExportedParts(answer.lines()))
    }

    /// Takes one bundle in.
    ///
    /// # Errors
    /// When the node refuses it, or does not answer.
    pub async fn bundle_import(&self, bytes: Vec<u8>) -> Result<BundleTaken, ClientError> {
        let path = "/v1/bundles/import";
        self.ask(Method::POST, path, Some(bytes), Self::long())
            .await
    }
}
