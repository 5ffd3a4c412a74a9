//! Attachments: one in, one out.

use data_encoding::BASE64;
use hopluu_engine::view::{AttachmentPart, AttachmentView, Saved, Selector};
use hyper::Method;

use super::wire::with_query;
use super::{Client, ClientError};
use crate::shape::{AttachQuery, PartQuery, PartView};

impl Client {
    /// Names a file in a report and hands its bytes over.
    ///
    /// # Errors
    /// When the node refuses it, or does not answer.
    pub async fn attach(
        &self,
        asked: &AttachQuery,
        content: Vec<u8>,
    ) -> Result<Saved, ClientError> {
        let path = with_query("/v1/attachments", asked);
        self.ask(Method::POST, &path, Some(content), Self::long())
            .await
    }

    /// The attachments of a report.
    ///
    /// # Errors
    /// When the node refuses, or does not answer.
    pub async fn attachments(&self, asked: &Selector) -> Result<Vec<AttachmentView>, ClientError> {
        self.get("/v1/attachments", asked).await
    }

    /// A stretch of an attachment.
    ///
    /// # Errors
    /// When there is no such attachment, it is not all here, or the node does not answer.
    pub async fn attachment_part(&self, asked: &PartQuery) -> Result<AttachmentPart, ClientError> {
        let part: PartView = self.get("/v1/attachments/part", asked).await?;
        let content = BASE64.decode(part.content.as_bytes());
        let foreign = |error: data_encoding::DecodeError| ClientError::Foreign {
            detail: error.to_string(),
        };
        Ok(AttachmentPart {
            hash: part.hash,
            name: part.name,
            bytes: part.bytes,
            next: part.next,
            content: content.map_err(foreign)?,
        })
    }
}
