//! `status`: the node as a whole.

use hopluu_engine::view::{DiskState, PeerView, StatusView};
use hopluu_form::Lang;

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::table::{Align, Table};
use crate::{show, text};

pub(super) async fn run(context: &Context) -> Result<Exit, Failure> {
    let status = context.ask(async |client| client.status().await).await?;
    context.answer(&status, |status| page(status, context.lang))?;
    Ok(Exit::Done)
}

fn page(status: &StatusView, lang: Lang) -> String {
    let mut facts = Table::pairs();
    let mut fact = |name: &str, value: String| facts.row([name.to_owned(), value]);
    let owner = match &status.office {
        Some(office) => format!("{} / {office}", show::unit(&status.unit_name, &status.unit)),
        None => show::unit(&status.unit_name, &status.unit),
    };
    fact(text::unit(lang), owner);
    fact(text::node(lang), status.node.short());
    fact(text::root(lang), status.root.short());
    let listen = status
        .listen
        .clone()
        .unwrap_or_else(|| text::none(lang).to_owned());
    fact(text::listen(lang), listen);
    fact(text::documents(lang), status.documents.to_string());
    fact(text::journal(lang), status.journal.0.to_string());
    fact(text::epoch(lang), status.epoch.short());
    if status.parked > 0 {
        fact(text::parked(lang), status.parked.to_string());
    }
    fact(text::disk(lang), disk(status.disk, lang).to_owned());
    fact(
        text::certificate_ends(lang),
        show::time(status.certificate_ends, lang),
    );
    fact(text::version(lang), status.version.clone());
    let mut page = facts.text();
    if !status.peers.is_empty() {
        page.push('\n');
        page.push_str(&peers(&status.peers, lang));
    }
    page
}

fn disk(state: DiskState, lang: Lang) -> &'static str {
    match state {
        DiskState::Good => text::word(lang, "tốt", "good"),
        DiskState::Full => text::word(lang, "ĐẦY, chỉ xem được", "FULL, reading only"),
        DiskState::Failing => text::word(lang, "HỎNG, chỉ xem được", "FAILING, reading only"),
    }
}

fn peers(peers: &[PeerView], lang: Lang) -> String {
    let mut table = Table::new([
        (text::unit(lang), Align::Left),
        (text::office(lang), Align::Left),
        (text::node(lang), Align::Left),
        (text::link(lang), Align::Left),
        (text::owed(lang), Align::Right),
        (text::heard(lang), Align::Left),
        (text::refused(lang), Align::Right),
        (text::remark(lang), Align::Left),
    ]);
    for peer in peers {
        let link = if peer.is_linked {
            text::linked(lang)
        } else {
            text::not_linked(lang)
        };
        let heard = peer.heard.map(|at| show::time(at, lang));
        table.row([
            peer.unit.to_string(),
            peer.office
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            peer.node.short(),
            link.to_owned(),
            peer.owed.to_string(),
            heard.unwrap_or_else(|| text::never(lang).to_owned()),
            peer.refused.to_string(),
            peer.remark.clone().unwrap_or_default(),
        ]);
    }
    table.text()
}
