//! `clock`: what time it is by what superiors have signed, and an administrator's word of it.

use hopluu_engine::view::{ClockRequest, ClockView};
use hopluu_form::Lang;
use hopluu_model::NodeId;

use crate::args::ClockCommand;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::table::Table;
use crate::{show, text};

pub(super) async fn run(command: ClockCommand, context: &Context) -> Result<Exit, Failure> {
    let clock = match command {
        ClockCommand::Show => {
            context
                .ask(async |client| client.clock_show().await)
                .await?
        }
        ClockCommand::Set(args) => {
            let request = ClockRequest {
                at: args.day,
                before: args.before,
            };
            context
                .ask(async |client| client.clock_set(&request).await)
                .await?
        }
    };
    context.answer(&clock, |clock| page(clock, context.lang))?;
    Ok(Exit::Done)
}

fn page(clock: &ClockView, lang: Lang) -> String {
    let words = text::clock::words(lang);
    let mut facts = Table::pairs();
    let mut fact = |name: &str, value: String| facts.row([name.to_owned(), value]);
    fact(words.clock, show::time(clock.clock, lang));
    let evidence = clock.evidence.map(|at| show::time(at, lang));
    let evidence = evidence.unwrap_or_else(|| text::none(lang).to_owned());
    fact(text::clock::evidence(lang), evidence);
    if let Some(word) = &clock.word {
        let by = if word.is_root { words.root } else { words.here };
        fact(by, show::time(word.at, lang));
        if let Some(before) = word.before {
            fact(words.before, show::time(before, lang));
        }
    }
    for claim in &clock.claims {
        let unit = claim.unit.as_ref().map(ToString::to_string);
        let by = unit.unwrap_or_else(|| NodeId::short(&claim.node));
        let unheard = if claim.counts { "" } else { words.unheard };
        fact(&by, format!("{}{unheard}", show::time(claim.at, lang)));
    }
    facts.text()
}
