use super::*;

const FLOOD: &str = include_str!("../../../../config/forms/flood-quick.toml");

#[test]
fn a_form_is_shown_whole_and_can_be_read_back() {
    let form = Form::parse(FLOOD).unwrap();
    let view = FormView::from(&form);
    let json = serde_json::to_string(&view).unwrap();
    assert_eq!(serde_json::from_str::<FormView>(&json).unwrap(), view);
    assert_eq!(Form::parse(&view.source).unwrap(), form);
    let cells = view.lines.iter().filter(|line| line.cell.is_some()).count();
    assert_eq!(cells, form.value_lines().count());
    let dead = view
        .lines
        .iter()
        .find(|line| line.code.as_str() == "N.dead")
        .unwrap();
    expect_test::expect![[r#"
        {
          "code": "N.dead",
          "parent": "N",
          "printed": "-",
          "label": {
            "vi": "Người chết",
            "en": "Dead"
          },
          "cell": {
            "entered": "count",
            "measure": {
              "vi": "Người",
              "en": "persons"
            },
            "over_units": "sum",
            "over_time": "none",
            "offices": [
              "military",
              "police",
              "health",
              "commune_pc"
            ],
            "by_office": false
          },
          "open_cell": false
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(dead).unwrap());
}

#[test]
fn the_words_of_cells_are_those_of_the_form_file() {
    for text in [
        FLOOD,
        include_str!("../../../../config/forms/pcmd-review.toml"),
    ] {
        for line in FormView::from(&Form::parse(text).unwrap()).lines {
            let Some(cell) = line.cell else { continue };
            for (key, word) in [
                ("entered", &cell.entered),
                ("over_units", &cell.over_units),
                ("over_time", &cell.over_time),
            ] {
                assert!(
                    text.contains(&format!("{key} = \"{word}\"")),
                    "{key} {word}"
                );
            }
        }
    }
}

#[test]
fn a_stream_begins_with_a_line_that_is_no_event() {
    let ready = WatchLine::Mark(WatchMark::Ready);
    assert_eq!(
        serde_json::to_string(&ready).unwrap(),
        r#"{"event":"ready"}"#
    );
    assert_eq!(
        serde_json::from_str::<WatchLine>(r#"{"event":"ready"}"#).unwrap(),
        ready
    );
    let missed = r#"{"event":"missed","events":3}"#;
    let line: WatchLine = serde_json::from_str(missed).unwrap();
    assert_eq!(line, WatchLine::Event(WatchEvent::Missed { events: 3 }));
    assert_eq!(serde_json::to_string(&line).unwrap(), missed);
}
