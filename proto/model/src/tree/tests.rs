use super::*;

mod bounds;
mod events;
mod loading;
mod national;
mod random;
mod wording;

fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

fn id(text: &str) -> UnitId {
    text.parse().expect("a unit")
}

fn ids(texts: &[&str]) -> Vec<UnitId> {
    texts.iter().copied().map(id).collect()
}

fn levels() -> Vec<Level> {
    let level = |(id, vi): (&str, &str)| Level {
        id: id.to_owned(),
        vi: vi.to_owned(),
        en: id.to_owned(),
    };
    let all = [
        ("province", "tỉnh"),
        ("district", "huyện"),
        ("commune", "xã"),
    ];
    all.into_iter().map(level).collect()
}

/// A unit of the first snapshot, named after its code.
fn old(code: &str, level: &str, parent: &str) -> Unit {
    let since = day("2024-05-01");
    let unit = |code: &str| UnitId {
        code: code.parse().expect("a code"),
        since,
    };
    let parents = (!parent.is_empty()).then(|| ParentSpan {
        from: since,
        unit: unit(parent),
    });
    Unit {
        id: unit(code),
        name: format!("Đơn vị {code}"),
        level: level.to_owned(),
        kind: "xa".to_owned(),
        open_past: true,
        ended: None,
        former: Vec::new(),
        parents: parents.into_iter().collect(),
        successors: Vec::new(),
    }
}

/// Two provinces, three districts, five communes.
fn small() -> UnitTree {
    let units = vec![
        old("01", "province", ""),
        old("02", "province", ""),
        old("101", "district", "01"),
        old("102", "district", "01"),
        old("201", "district", "02"),
        old("10101", "commune", "101"),
        old("10102", "commune", "101"),
        old("10201", "commune", "102"),
        old("20101", "commune", "201"),
        old("20102", "commune", "201"),
    ];
    UnitTree::new(levels(), units).expect("a sound tree")
}
