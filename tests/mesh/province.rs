//! The province: real units, one form, and how its nodes get their certificates.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, LazyLock};

use hopluu_form::{EnteredAt, Form, OverUnits, ValueKind};
use hopluu_model::tree::{TreeManifest, UnitTree, load_snapshots};
use hopluu_model::{Date, OfficeId, UnitId};
use hopluu_tests::repository;

/// Hà Giang.
const PROVINCE: &str = "02";

/// Đồng Văn, Mèo Vạc and Bắc Quang: 19 + 18 + 23 communes.
pub(crate) const DISTRICTS: [&str; 3] = ["026", "027", "034"];

/// One report that is asked for: which form and period, and the last day of its window, whose tree counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) form: &'static str,
    pub(crate) period: &'static str,
    pub(crate) last_day: Date,
}

impl Round {
    pub(crate) fn form(&self) -> &'static Arc<Form> {
        form(self.form)
    }
}

/// One of the two forms here.
pub(crate) fn form(name: &str) -> &'static Arc<Form> {
    let is_flood = name == FLOOD_FORM;
    if is_flood { &FLOOD } else { &ANNEX }
}

const ANNEX_FORM: &str = "pcmd-review";
const FLOOD_FORM: &str = "flood-quick";

/// The half-year that is being reported on.
pub(crate) const THIS_HALF: Round = Round {
    form: ANNEX_FORM,
    period: "2024-H2",
    last_day: TREE_DAY,
};

/// The one before, which some are late with.
pub(crate) const LAST_HALF: Round = Round {
    period: "2024-H1",
    last_day: jiff::civil::date(2024, 6, 14),
    ..THIS_HALF
};

/// A quick report on the flood of a September day, which has a form of its own.
pub(crate) const A_FLOOD: Round = Round {
    form: FLOOD_FORM,
    period: "x20240910-yagi",
    last_day: jiff::civil::date(2024, 9, 10),
};

/// The day by whose tree the nodes are set up.
pub(crate) const TREE_DAY: Date = jiff::civil::date(2024, 12, 14);

/// Who may have a node in a commune besides its main one.
pub(crate) const OFFICES: [&str; 4] = ["police", "health", "culture", "labour"];

/// The units of the province, and everything that the shipped tables tell of them.
pub(crate) static TREE: LazyLock<UnitTree> = LazyLock::new(|| {
    let folder = repository().join("config/units");
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let manifest = read("tree.toml").expect("the manifest is shipped");
    let manifest = TreeManifest::parse(&manifest).expect("the shipped manifest is right");
    let tree = load_snapshots(&manifest, &read).expect("the shipped tables are right");
    tree.restrict(&[unit(&tree, PROVINCE)])
});

/// The districts that the form is assigned to.
pub(crate) fn districts() -> Vec<UnitId> {
    DISTRICTS.iter().map(|code| unit(&TREE, code)).collect()
}

/// The forms as they are shipped.
static ANNEX: LazyLock<Arc<Form>> = LazyLock::new(|| shipped(ANNEX_FORM));
static FLOOD: LazyLock<Arc<Form>> = LazyLock::new(|| shipped(FLOOD_FORM));

fn shipped(form: &str) -> Arc<Form> {
    let path = repository().join(format!("config/forms/{form}.toml"));
    let text = fs::read_to_string(path).expect("the form is shipped");
    Arc::new(Form::parse(&text).expect("the shipped form is right"))
}

fn unit(tree: &UnitTree, code: &str) -> UnitId {
    tree.resolve(code, Some(TREE_DAY))
        .expect("the shipped tables have it")
}

/// One place for a node: where in the tree, and under whom.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub(crate) name: String,
    pub(crate) unit: UnitId,
    pub(crate) office: Option<OfficeId>,
    /// The node that issues its certificate, and that it dials.
    pub(crate) above: Option<usize>,
    pub(crate) level: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Province,
    District,
    Commune,
    Office,
}

/// All nodes, superiors first: the province, 3 districts, 60 communes, some offices.
pub(crate) fn seats(offices: usize) -> Vec<Seat> {
    let tree = &*TREE;
    let seat = |unit: UnitId, above, level| Seat {
        name: unit.code.to_string(),
        unit,
        office: None,
        above,
        level,
    };
    let mut seats = vec![seat(unit(tree, PROVINCE), None, Level::Province)];
    for district in districts() {
        seats.push(seat(district, Some(0), Level::District));
    }
    for above in 1..=DISTRICTS.len() {
        let district = seats[above].unit.clone();
        let communes = tree.children(&district, TREE_DAY).into_iter().cloned();
        seats.extend(communes.map(|unit| seat(unit, Some(above), Level::Commune)));
    }
    assert_eq!(seats.len(), 1 + 3 + 60, "the districts have 60 communes");
    // Three in one commune, as in a real one that has its own machines; the rest in the next.
    for at in 0..offices {
        let above = 1 + DISTRICTS.len() + at / 3;
        let office: OfficeId = OFFICES[at % OFFICES.len()].parse().expect("a plain name");
        let unit = seats[above].unit.clone();
        seats.push(Seat {
            name: format!("{}-{office}", unit.code),
            unit,
            office: Some(office),
            above: Some(above),
            level: Level::Office,
        });
    }
    seats
}

/// The lines that work writes in, by form and who may, with the values they take.
pub(crate) static CODES: LazyLock<Codes> = LazyLock::new(|| {
    let mut codes = Codes::new();
    for form in [&*ANNEX, &*FLOOD] {
        for (line, value) in form.value_lines() {
            let is_plain = matches!(value.entered, ValueKind::Count | ValueKind::YesNo);
            if !is_plain || value.by_office {
                continue;
            }
            let entry = (line.code.to_string(), value.entered);
            let mut take = |is_reporting| {
                let key = (form.id().to_string(), is_reporting);
                codes.entry(key).or_default().push(entry.clone());
            };
            if value.entered_at != EnteredAt::Above {
                take(true);
            }
            if value.entered_at != EnteredAt::Reporting {
                take(false);
            }
        }
    }
    codes
});

type Codes = BTreeMap<(String, bool), Vec<(String, ValueKind)>>;

/// Counts of a form that are simply added up, by code; and whether units above add their own part.
pub(crate) fn sums(form: &Form) -> Vec<(String, bool)> {
    let lines = form.value_lines().filter_map(|(line, value)| {
        let has_own = match value.over_units {
            OverUnits::Sum => false,
            OverUnits::SumPlusOwn => true,
            _ => return None,
        };
        let is_plain = value.entered == ValueKind::Count && !value.by_office;
        is_plain.then(|| (line.code.to_string(), has_own))
    });
    lines.collect()
}
