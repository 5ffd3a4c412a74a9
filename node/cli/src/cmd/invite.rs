//! `invite`: a ticket for a new node.

use hopluu_api::shape::TicketRequest;
use qrcode::EcLevel;

use super::bundle::codes::Code;
use super::bundle::files::write_whole;
use crate::args::InviteArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::{show, text};

pub(super) async fn run(args: InviteArgs, context: &Context) -> Result<Exit, Failure> {
    let qr = args.qr;
    let request = TicketRequest {
        unit: args.unit,
        office: args.office,
        addresses: args.address,
        hours: args.hours,
    };
    let invited = context
        .ask(async |client| client.invite(&request).await)
        .await?;
    // The ticket alone on standard output: it is piped into a file or a picture.
    context.answer(&invited, |invited| invited.ticket.clone())?;
    if let Some(path) = &qr {
        let code = Code::of(invited.ticket.as_bytes(), EcLevel::M);
        let code = code.ok_or_else(text::bundle::no_room_on_paper)?;
        write_whole(path, &code.png())?;
    }
    if !context.is_json {
        context.note(&text::ticket_ends(&show::time(
            invited.expires,
            context.lang,
        )));
    }
    Ok(Exit::Done)
}
