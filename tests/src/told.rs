//! What a node tells of itself, as it comes.

use std::time::Instant;

use hopluu_api::Client;
use hopluu_engine::view::WatchEvent;
use tokio::sync::mpsc;

/// More than any bench lets wait: 579 communes with some events each.
const EVENTS_MAX: usize = 16_384;

/// Reads what a node tells, and passes on when something of this kind happened.
///
/// # Errors
/// When the node does not answer.
pub async fn told(
    client: Client,
    is_it: fn(&WatchEvent) -> bool,
) -> anyhow::Result<mpsc::Receiver<Instant>> {
    let mut lines = client.watch().await?;
    let (tx, rx) = mpsc::channel(EVENTS_MAX);
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next().await {
            let at = Instant::now();
            let event = serde_json::from_slice::<WatchEvent>(&line);
            if event.is_ok_and(|event| is_it(&event)) && tx.send(at).await.is_err() {
                return;
            }
        }
    });
    Ok(rx)
}

/// A report has changed.
#[must_use]
pub fn is_change(event: &WatchEvent) -> bool {
    matches!(event, WatchEvent::ReportChanged { .. })
}

/// A total has.
#[must_use]
pub fn is_total(event: &WatchEvent) -> bool {
    matches!(event, WatchEvent::TotalChanged { .. })
}

/// A superior has signed for a report.
#[must_use]
pub fn is_receipt(event: &WatchEvent) -> bool {
    matches!(event, WatchEvent::ReceiptArrived { .. })
}
