//! `status`: the node as a whole.

use hopluu_api::shape::FormQuery;
use hopluu_api::{Client, ClientError};
use hopluu_engine::view::{ParcelsView, PeerView, StatusView};
use hopluu_form::Lang;
use hopluu_model::NodeId;

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::show::Offices;
use crate::table::{Align, Table};
use crate::text::link as words;
use crate::{show, text};

pub(super) async fn run(context: &Context) -> Result<Exit, Failure> {
    let (status, offices) = context
        .ask(async |client| {
            let status = client.status().await?;
            let offices = if context.is_json {
                Offices::default()
            } else {
                offices(&status, client).await?
            };
            Ok((status, offices))
        })
        .await?;
    context.answer(&status, |status| page(status, &offices, context.lang))?;
    Ok(Exit::Done)
}

/// What the offices in sight are called in the forms known here.
async fn offices(status: &StatusView, client: &Client) -> Result<Offices, ClientError> {
    let mut in_sight = status.peers.iter().map(|peer| &peer.office);
    if status.office.is_none() && in_sight.all(Option::is_none) {
        return Ok(Offices::default());
    }
    let mut names = Vec::new();
    for row in client.form_list().await? {
        let query = FormQuery {
            form: row.form.to_string(),
        };
        names.extend(client.form_show(&query).await?.offices);
    }
    Ok(Offices::of(names))
}

fn page(status: &StatusView, offices: &Offices, lang: Lang) -> String {
    let mut facts = Table::pairs();
    let mut fact = |name: &str, value: String| facts.row([name.to_owned(), value]);
    let owner = match &status.office {
        Some(office) => format!(
            "{} / {}",
            show::unit(&status.unit_name, &status.unit),
            offices.name(office, lang)
        ),
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
    for upstream in &status.upstream {
        let state = text::link::called(upstream.state, lang);
        fact(text::calls(lang), format!("{}: {state}", upstream.addr));
    }
    fact(text::documents(lang), status.documents.to_string());
    fact(text::journal(lang), status.journal.0.to_string());
    fact(text::epoch(lang), status.epoch.short());
    if status.parked > 0 {
        fact(text::parked(lang), status.parked.to_string());
    }
    if let Some(held) = &status.parcels {
        parcels(held, lang, &mut fact);
    }
    fact(
        text::disk_word(lang),
        text::disk(lang, status.disk).to_owned(),
    );
    fact(
        text::certificate_ends(lang),
        show::time(status.certificate_ends, lang),
    );
    if status.is_ending {
        fact(text::warning(lang), text::ending(lang).to_owned());
    }
    if let Some(at) = status.evidence {
        fact(text::clock::evidence(lang), show::time(at, lang));
    }
    if let Some(why) = &status.revoked {
        fact(text::revoked(lang), text::rights::revoked_why(lang, why));
    }
    fact(text::version(lang), status.version.clone());
    let mut page = facts.text();
    if !status.peers.is_empty() {
        page.push('\n');
        page.push_str(&peers(&status.peers, offices, lang));
    }
    page
}

/// What is carried for others, and who carries what this node cannot send.
fn parcels(held: &ParcelsView, lang: Lang, fact: &mut impl FnMut(&str, String)) {
    if held.carried > 0 {
        let bytes = words::bytes(held.bytes, lang);
        let oldest = held.oldest.map(|since| show::time(since, lang));
        let parts = [Some(held.carried.to_string()), Some(bytes), oldest];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        fact(words::carried(lang), parts.join(", "));
    }
    if held.own > 0 {
        let nodes: Vec<String> = held.handed_to.iter().map(NodeId::short).collect();
        let nodes = match nodes.is_empty() {
            true => text::none(lang).to_owned(),
            false => nodes.join(", "),
        };
        fact(words::own_parcels(lang), format!("{} -> {nodes}", held.own));
    }
}

fn peers(peers: &[PeerView], offices: &Offices, lang: Lang) -> String {
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
            show::unit(&peer.unit_name, &peer.unit),
            offices.node(peer.office.as_ref(), lang),
            peer.node.short(),
            match peer.via.as_deref() {
                Some("quic") | None => link.to_owned(),
                Some(via) => format!("{link} ({via})"),
            },
            owed(peer, lang),
            heard.unwrap_or_else(|| text::never(lang).to_owned()),
            peer.refused.to_string(),
            remarks(peer, lang),
        ]);
    }
    table.text()
}

/// How many entries, of which classes, and how long they take.
fn owed(peer: &PeerView, lang: Lang) -> String {
    let classes = peer.owed_by_class.iter();
    let classes = classes.map(|owed| {
        let bytes = words::bytes(owed.bytes, lang);
        format!(
            "{} {} ({bytes})",
            words::class(lang, owed.class),
            owed.entries
        )
    });
    let time = peer.seconds.filter(|seconds| *seconds > 0);
    let time = time.map(|seconds| format!("~{}", words::time(seconds, lang)));
    let parts: Vec<String> = classes.chain(time).collect();
    match parts.is_empty() {
        true => peer.owed.to_string(),
        false => parts.join(", "),
    }
}

/// What is unusual, and why entries were refused.
fn remarks(peer: &PeerView, lang: Lang) -> String {
    let remark = peer.remark.map(|remark| text::peer_remark(lang, remark));
    let refused = peer.refused_why.iter().map(|(why, entries)| {
        let why = text::refused_why(lang, *why);
        format!("{} {entries}: {why}", text::refused(lang))
    });
    let there = peer.refused_there.iter().map(|(why, entries)| {
        let why = text::refused_why(lang, *why);
        format!("{} {entries}: {why}", words::refused_there(lang))
    });
    let here = peer
        .closed_here
        .map(|code| (words::closed_here(lang), code));
    let far = peer
        .closed_there
        .map(|code| (words::closed_there(lang), code));
    let closed = here.into_iter().chain(far).filter_map(|(who, code)| {
        let why = words::closed_why(lang, code)?;
        Some(format!("{who}: {why} ({} {code})", words::code(lang)))
    });
    let remarks: Vec<_> = remark
        .map(str::to_owned)
        .into_iter()
        .chain(refused)
        .chain(there)
        .chain(closed)
        .collect();
    remarks.join("; ")
}
