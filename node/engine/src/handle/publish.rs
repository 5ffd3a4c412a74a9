//! What leaves the reporting line.

use super::{Handle, TotalSelector};
use crate::error::CommandError;
use crate::turn::Reply;
use crate::view::{PublicView, PublishedView};

impl Handle {
    /// A table for the public, masked against all that this node has published of the period before, and noted before it
    /// is given out.
    ///
    /// # Errors
    /// When the selector names none, what was published before gives away what this would hold back, or nothing can be
    /// noted.
    pub async fn publish(
        &self,
        selector: TotalSelector,
        who: String,
    ) -> Result<PublicView, CommandError> {
        // One after the other: each is held against all that have left before it.
        let _alone = self.publishing.lock().await;
        let publishing = self
            .read(move |core, now| core.publishing(&selector, who, now))
            .await?;
        let made = self.aside(move || publishing.run()).await?;
        let noted = self
            .write(move |core, _, reply: Reply<_>| core.note_published(made, reply))
            .await?;
        noted.ok_or(CommandError::Overloaded)
    }

    /// What was published here, the last first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn published(&self) -> Result<Vec<PublishedView>, CommandError> {
        self.read(|core, _| core.published()).await
    }
}
