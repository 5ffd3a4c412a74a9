//! One exchange of parcels over one connection, from either end.

use std::collections::VecDeque;
use std::sync::Arc;

use hopluu_model::{ErrorChain, NodeId};
use hopluu_net::{CloseCode, Link, LinkEvent, LinkHandle};
use hopluu_sync::parcel::{Answer, Exchange, Heard, Offer, Outcome, ParcelError};
use hopluu_sync::{Account, Said, Spent};
use tokio::time::{sleep, timeout};

use super::Stock;
use crate::error::CommandError;
use crate::handle::Handle;
use crate::limits::{PARCEL_EXCHANGE_MAX, PARCEL_PAUSE, PARCEL_SILENCE};
use crate::net::gone;
use crate::node::now;

/// Which end this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It calls a neighbour.
    Calling,
    /// It calls its superior, beside a link: what that has to carry comes first.
    Below,
    /// It was called.
    Called,
}

/// Why an exchange ended before both sides had said all.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the other side is gone")]
    Gone,
    #[error("the other side says nothing")]
    Silent,
    #[error(transparent)]
    Rule(#[from] ParcelError),
    #[error(transparent)]
    Stopping(#[from] CommandError),
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    /// Parcels that arrived with whom they were for.
    pub(super) arrived: usize,
    /// Whether both sides have said all.
    pub(super) is_whole: bool,
}

/// Gives and takes what there is.
pub(super) async fn run(handle: &Handle, stock: &Arc<Stock>, link: Link, end: End) -> Ended {
    let peer = link.handle().peer().node;
    let (exchange, first) = Exchange::begin(stock.offers(peer));
    let mut talk = Talk {
        handle,
        stock,
        peer,
        link,
        exchange,
        out: VecDeque::from([first]),
        arrived: 0,
        account: Account::default(),
        spent: Spent::default(),
    };
    let ended = timeout(PARCEL_EXCHANGE_MAX, talk.run(end)).await;
    let code = match &ended {
        Ok(Ok(())) | Err(_) => CloseCode::ENDED,
        Ok(Err(_)) => CloseCode::DROPPED,
    };
    if let Ok(Err(error)) = &ended {
        tracing::debug!(peer = %peer.short(), error = %ErrorChain(error), "parcels broke off");
    }
    talk.link.handle().finish(code, "");
    // The last word leaves before the link is let go of.
    let _told = timeout(PARCEL_SILENCE, talk.closed()).await;
    talk.put_down();
    let place = talk.link.handle().peer().clone();
    // Without the loop nobody keeps accounts.
    let _stopping = handle.parcels_spent(place, talk.spent).await;
    Ended {
        arrived: talk.arrived,
        is_whole: matches!(ended, Ok(Ok(()))),
    }
}

struct Talk<'a> {
    handle: &'a Handle,
    stock: &'a Arc<Stock>,
    peer: NodeId,
    link: Link,
    exchange: Exchange,
    /// What is still to be said, in order: at most one parcel, and a word for each that came.
    out: VecDeque<Vec<u8>>,
    arrived: usize,
    account: Account,
    spent: Spent,
}

/// Sends one piece, to a superior when its link has nothing else to carry.
async fn send(
    link: LinkHandle,
    bytes: Vec<u8>,
    beside: Option<(&Handle, NodeId)>,
) -> Result<(), Broken> {
    if let Some((handle, superior)) = beside {
        while !handle.parcels_may_go(superior).await? {
            sleep(PARCEL_PAUSE).await;
        }
    }
    link.send_last(bytes).await.map_err(|_| Broken::Gone)
}

impl Talk<'_> {
    /// Until both have said all. Reads and writes at once: two that only wrote would wait for each other.
    async fn run(&mut self, end: End) -> Result<(), Broken> {
        let beside = (end == End::Below).then_some((self.handle, self.peer));
        let mut sending = None;
        loop {
            self.give_next().await;
            if sending.is_none() {
                let next = self.out.pop_front();
                sending = next.map(|bytes| Box::pin(send(self.link.handle(), bytes, beside)));
            }
            let is_over = self.exchange.is_over() && sending.is_none();
            if is_over && end != End::Called {
                return Ok(());
            }
            let event = match &mut sending {
                Some(going) => tokio::select! {
                    event = timeout(PARCEL_SILENCE, self.link.next()) => event,
                    sent = going => {
                        sent?;
                        sending = None;
                        continue;
                    }
                },
                None => timeout(PARCEL_SILENCE, self.link.next()).await,
            };
            match event {
                Ok(Some(LinkEvent::Received(bytes))) => self.receive(&bytes).await?,
                // Whoever was called is told that all is said by the end of the link.
                Ok(Some(LinkEvent::Closed(_)) | None) if is_over => return Ok(()),
                Ok(Some(LinkEvent::Closed(_)) | None) => return Err(Broken::Gone),
                Err(_elapsed) => return Err(Broken::Silent),
            }
        }
    }

    async fn closed(&mut self) {
        while let Some(event) = self.link.next().await {
            if matches!(event, LinkEvent::Closed(_)) {
                return;
            }
        }
    }

    /// One parcel at a time: the next is read when the last has left.
    async fn give_next(&mut self) {
        if !self.out.is_empty() {
            return;
        }
        if let Some(offer) = self.exchange.to_give() {
            let stock = Arc::clone(self.stock);
            let read = tokio::task::spawn_blocking(move || stock.read(offer.id)).await;
            let bytes = read.ok().flatten();
            self.out.extend(self.exchange.give(bytes.as_deref()));
        }
    }

    /// Puts down what has gone since the last time.
    fn put_down(&mut self) {
        let (up, down) = gone(&self.link.handle().meter());
        let said = Said::of_parcels(up.stream, down.stream);
        self.spent.add(&self.account.put_down(up, down, &said));
    }

    async fn receive(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.put_down();
        self.exchange.receive(bytes);
        while let Some(heard) = self.exchange.heard()? {
            match heard {
                Heard::Offered(offers) => {
                    let answers = self.answers(&offers);
                    let said = self.exchange.answer(&answers);
                    self.out.push_back(said);
                }
                Heard::Answered(answered) => {
                    for (offer, answer) in answered {
                        if matches!(answer, Answer::Kept | Answer::Delivered) {
                            let is_delivered = answer == Answer::Delivered;
                            self.handed(offer, is_delivered);
                        }
                    }
                }
                Heard::Parcel(offer, bytes) => {
                    let outcome = self.take(offer, bytes).await?;
                    let said = self.exchange.outcome(outcome);
                    self.out.push_back(said);
                }
                Heard::Outcome(offer, Outcome::Refused) => self.stock.declined(offer.id, self.peer),
                Heard::Outcome(offer, outcome) => {
                    self.handed(offer, outcome == Outcome::Delivered);
                }
                Heard::Gone(_) => {}
            }
        }
        Ok(())
    }

    /// What is wanted of all that is offered, as much as there is room for together.
    fn answers(&self, offers: &[Offer]) -> Vec<Answer> {
        let answers = offers.iter();
        answers
            .map(|offer| self.stock.answer(offer, self.peer))
            .collect()
    }

    fn handed(&mut self, offer: Offer, is_delivered: bool) {
        self.arrived += usize::from(is_delivered && offer.to == self.peer);
        self.stock.handed(offer.id, self.peer, is_delivered);
    }

    /// What came is taken in if it is for this node, and kept otherwise; either is on disk before it is said.
    async fn take(&self, offer: Offer, bytes: Vec<u8>) -> Result<Outcome, Broken> {
        if !self.stock.is_mine(&offer) {
            let (stock, peer) = (Arc::clone(self.stock), self.peer);
            let keep = move || stock.keep(&offer, &bytes, peer, now());
            let kept = tokio::task::spawn_blocking(keep).await;
            return Ok(kept.unwrap_or(Outcome::Refused));
        }
        if !self.stock.is_sound(&offer, &bytes) {
            self.handle.parcel_refused(self.peer, "damaged").await;
            return Ok(Outcome::Refused);
        }
        match self.handle.parcel_import(bytes).await {
            Ok(is_answered) => {
                self.stock.done(offer.id);
                if is_answered {
                    self.stock.came.notify_one();
                }
                Ok(Outcome::Delivered)
            }
            Err(CommandError::Stopping) => Err(Broken::Stopping(CommandError::Stopping)),
            Err(error) => {
                tracing::warn!(peer = %self.peer.short(), error = %ErrorChain(&error), "parcel refused");
                self.handle.parcel_refused(self.peer, error.code()).await;
                Ok(Outcome::Refused)
            }
        }
    }
}
