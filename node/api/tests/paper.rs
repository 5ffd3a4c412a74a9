//! docs/cli.md is the contract: every shape on it is read by the type that makes it, and comes out
//! with the same fields, none more and none less.

use std::fmt::Debug;

use hopluu_api::Problem;
use hopluu_api::shape::{FormView, ImportAnswer, UnsettledLine, WatchLine};
use hopluu_engine::view::{
    BundleTaken, BundleView, ExplainView, FigureView, FormRow, HistoryRow, InviteView, LinkView,
    RecomputeView, ReportRow, ReportView, SaveRequest, Saved, StatusView, TotalView, UnitView,
};
use hopluu_model::tree::TreeEvent;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

const PAPER: &str = include_str!("../../../docs/cli.md");

/// The values in the blocks of JSON behind a place on the paper, up to the next heading.
fn values(place: &str) -> Vec<Value> {
    let text = PAPER.split_once(place).expect(place).1;
    let text = text.split("\n#").next().expect("a text has a first part");
    let report = r#"{"doc":"<32 hex>","unit":"19429@2024-05-01","unit_name":"x","form":"pcmd-review",
        "period":"2016-2020","instance":0}"#;
    let bundle = r#"{"id":"<32 hex>","set":"1a2b3c4d5e6f7081","part":1,"parts":1,"bytes":1893,"made":1795322400000,
        "from":{"node":"<64 hex>","unit":"19429@2024-05-01","office":null},
        "to":{"node":"<64 hex>","unit":"465@2024-05-01","office":null},"root":"<64 hex>"}"#;
    let mut values = Vec::new();
    for block in text.split("```json\n").skip(1) {
        let block = block.split("```").next().expect("a text has a first part");
        let block = block
            .replace("REPORT", report)
            .replace("BUNDLE", bundle)
            .replace("<64 hex>", &"ab".repeat(32))
            .replace("<32 hex>", &"cd".repeat(16));
        let read = serde_json::Deserializer::from_str(&block).into_iter::<Value>();
        values.extend(read.map(|value| value.expect(place)));
    }
    assert!(!values.is_empty(), "{place}");
    values
}

/// Whether a shape is exactly that of its type; what may be left out is only read.
fn holds<T: DeserializeOwned + Serialize + Debug>(place: &str, value: &Value) {
    let read: T = match serde_json::from_value(value.clone()) {
        Ok(read) => read,
        Err(error) => unreachable!("{place}: {error}: {value}"),
    };
    let made = serde_json::to_value(&read).expect("plain JSON");
    assert_eq!(without_nulls(&made), without_nulls(value), "{place}");
    let named: Vec<_> = value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key)
        .collect();
    for key in made.as_object().into_iter().flatten().map(|(key, _)| key) {
        assert!(
            named.contains(&key) || made.get(key).is_some_and(Value::is_null),
            "{place}: `{key}` is not on the paper"
        );
    }
}

/// An absent field and an empty one mean the same to whoever reads.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect(),
        Value::Array(values) => values.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// The value at a place, counted from 0.
fn held<T: DeserializeOwned + Serialize + Debug>(place: &str, at: usize) {
    holds::<T>(place, values(place).get(at).expect(place));
}

#[test]
fn answers_are_as_the_paper_says() {
    held::<Problem>("**A refusal** reads", 0);
    held::<InviteView>("### `invite", 0);
    held::<StatusView>("### `status`", 0);
    held::<Vec<LinkView>>("### `link`", 0);
    held::<Saved>("## Reports\n", 0);
    held::<Vec<ReportRow>>("### `report list", 0);
    held::<ReportView>("### `report show", 0);
    held::<Vec<HistoryRow>>("### `report history", 0);
    held::<TotalView>("### `rollup show", 0);
    held::<ExplainView>("### `rollup explain", 0);
    held::<RecomputeView>("### `rollup recompute", 0);
    held::<Vec<FormRow>>("## Forms\n", 0);
    held::<FormView>("## Forms\n", 1);
    held::<UnitView>("### `units show", 0);
    held::<BundleView>("### `bundle export", 1);
    let imported = values("### `bundle import")[0]
        .pointer("/0/bundle")
        .cloned();
    holds::<BundleTaken>("### `bundle import", &imported.expect("a bundle"));
    let refused = values("### `bundle inspect")[0]
        .pointer("/1/error")
        .cloned();
    holds::<Problem>("### `bundle inspect", &refused.expect("a refusal"));
}

#[test]
fn lines_are_as_the_paper_says() {
    for line in values("### `watch`").iter().take(9) {
        holds::<WatchLine>("### `watch`", line);
    }
    let import = values("### `report import");
    holds::<SaveRequest>("### `report import", &import[0]);
    holds::<ImportAnswer>("### `report import", &import[1]);
    holds::<ImportAnswer>("### `report import", &import[2]);
    held::<UnsettledLine>("### `report export", 0);
    for event in values("### `units add") {
        holds::<TreeEvent>("### `units add", &event);
    }
}

#[test]
fn a_figure_without_a_field_is_noticed() {
    let mut report = values("### `report show")[0].clone();
    let figure = report["figures"][0].take();
    holds::<FigureView>("a figure", &figure);
    let mut wrong = figure;
    wrong
        .as_object_mut()
        .expect("a figure is an object")
        .remove("code");
    assert!(serde_json::from_value::<FigureView>(wrong).is_err());
}
