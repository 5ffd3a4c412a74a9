//! The units that the small world is about.

use std::sync::Arc;

use hopluu_model::tree::{Level, ParentSpan, Unit};
use hopluu_model::{Date, UnitId, UnitTree};

pub(crate) fn unit(code: &str) -> UnitId {
    format!("{code}@2024-05-01").parse().unwrap()
}

/// Two provinces; under the first two districts; the first of them has three communes, the second
/// one. `moved` puts a commune of the first district below the second from 2025 on.
pub(crate) fn tree(moved: Option<&str>) -> Arc<UnitTree> {
    let since: Date = "2024-05-01".parse().unwrap();
    let later: Date = "2025-01-01".parse().unwrap();
    let make = |(code, level, parent): (&str, &str, &str)| {
        let mut parents = Vec::new();
        if !parent.is_empty() {
            parents.push(ParentSpan {
                from: since,
                unit: unit(parent),
            });
        }
        if moved == Some(code) {
            parents.push(ParentSpan {
                from: later,
                unit: unit("102"),
            });
        }
        Unit {
            id: unit(code),
            name: format!("Đơn vị {code}"),
            level: level.to_owned(),
            kind: level.to_owned(),
            open_past: true,
            ended: None,
            former: Vec::new(),
            parents,
            successors: Vec::new(),
        }
    };
    let units = [
        ("01", "province", ""),
        ("02", "province", ""),
        ("101", "district", "01"),
        ("102", "district", "01"),
        ("10101", "commune", "101"),
        ("10102", "commune", "101"),
        ("10103", "commune", "101"),
        ("10201", "commune", "102"),
    ];
    let level = |id: &str| Level {
        id: id.to_owned(),
        vi: id.to_owned(),
        en: id.to_owned(),
    };
    let levels = ["province", "district", "commune"].map(level).to_vec();
    Arc::new(UnitTree::new(levels, units.map(make).to_vec()).unwrap())
}
