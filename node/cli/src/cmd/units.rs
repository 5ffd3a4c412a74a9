//! `units`: the tree.

use hopluu_api::shape::UnitQuery;
use hopluu_engine::view::{UnitName, UnitView};
use hopluu_form::Lang;
use hopluu_model::tree::TreeEvent;

use crate::args::{AddUnitsArgs, UnitArgs};
use crate::cmd::input::read_given;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::limits::INPUT_BYTES_MAX;
use crate::table::Table;
use crate::{show, text};

pub(super) async fn show(args: UnitArgs, context: &Context) -> Result<Exit, Failure> {
    let query = query(args);
    let unit = context
        .ask(async |client| client.unit_show(&query).await)
        .await?;
    context.answer(&unit, |unit| page(unit, context.lang))?;
    Ok(Exit::Done)
}

pub(super) async fn tree(args: UnitArgs, context: &Context) -> Result<Exit, Failure> {
    let query = query(args);
    let units = context
        .ask(async |client| client.unit_tree(&query).await)
        .await?;
    context.answer(&units, |units| branches(units))?;
    Ok(Exit::Done)
}

fn query(args: UnitArgs) -> UnitQuery {
    UnitQuery {
        unit: args.unit,
        on: args.on,
    }
}

/// Hands down every event of the file, in its order, and stops at the first that is refused.
pub(super) async fn add(args: &AddUnitsArgs, context: &Context) -> Result<Exit, Failure> {
    let source = read_given(&args.file, INPUT_BYTES_MAX)?;
    let events = events(&source)?;
    context
        .ask(async |client| {
            for event in &events {
                client.units_add(event).await?;
            }
            Ok(())
        })
        .await?;
    context.answer(&serde_json::json!({ "added": events.len() }), |_| {
        text::units_added(events.len())
            .in_lang(context.lang)
            .to_owned()
    })?;
    Ok(Exit::Done)
}

/// All events are understood before the first is handed down.
fn events(source: &str) -> Result<Vec<TreeEvent>, Failure> {
    let lines = source
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| text::fail::event(at + 1, &error))
        })
        .collect()
}

fn page(unit: &UnitView, lang: Lang) -> String {
    let mut facts = Table::pairs();
    let mut fact = |name: &str, value: String| facts.row([name.to_owned(), value]);
    fact(text::unit(lang), format!("{} {}", unit.unit, unit.name));
    fact(
        text::level(lang),
        text::word_of(&unit.level_vi, &unit.level_en, lang).to_owned(),
    );
    let path: Vec<_> = unit.path.iter().map(ToString::to_string).collect();
    fact(text::path(lang), path.join(" › "));
    if let Some(ended) = unit.ended {
        fact(text::ended(lang), ended.to_string());
    }
    if !unit.successors.is_empty() {
        fact(text::successors(lang), names(&unit.successors));
    }
    if !unit.children.is_empty() {
        fact(text::children(lang), names(&unit.children));
    }
    facts.text()
}

fn names(units: &[UnitName]) -> String {
    let names: Vec<_> = units
        .iter()
        .map(|unit| format!("{} {}", unit.unit, unit.name))
        .collect();
    names.join("\n")
}

/// One unit a line, indented by its depth below the first.
fn branches(units: &[UnitView]) -> String {
    let top = units.first().map_or(0, |unit| unit.path.len());
    let mut text = String::new();
    for unit in units {
        let depth = unit.path.len().saturating_sub(top);
        text.push_str(&"  ".repeat(depth));
        text.push_str(&show::unit(&unit.name, &unit.unit));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_before_any_is_handed_down() {
        let good = r#"{"renamed":{"unit":"45@2024-05-01","on":"2027-01-01","name":"Tỉnh X","kind":"tinh"}}"#;
        assert_eq!(events(&format!("{good}\n\n{good}\n")).unwrap().len(), 2);
        let error = events(&format!("{good}\n{{}}")).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.problem().unwrap().message.en.contains("line 2"));
    }
}
