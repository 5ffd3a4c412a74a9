//! What people do: several offices write one report, on several machines, often at the same time.

use hopluu_engine::view::{EditRequest, SaveRequest, Selector};
use hopluu_form::ValueKind;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use crate::log::Broken;
use crate::province::{A_FLOOD, CODES, LAST_HALF, Level, Round, THIS_HALF};
use crate::world::{Happening, World};

/// The words that texts are made of.
const WORDS: [&str; 12] = [
    "tuyên truyền",
    "thôn bản",
    "kiểm tra",
    "phối hợp",
    "đồn biên phòng",
    "trạm y tế",
    "hội phụ nữ",
    "cơ sở",
    "không phát sinh",
    "quý III",
    "mưa lũ",
    "đã xử lý",
];

/// One thing to do.
enum Deed {
    Save(SaveRequest),
    Undo(Round),
    /// Settles what is open, by the value that one of the offices had.
    Settle(Round),
}

/// A node's own report.
pub(crate) fn report(round: Round) -> Selector {
    Selector {
        unit: None,
        form: round.form.to_owned(),
        period: round.period.to_owned(),
        instance: 0,
    }
}

impl World {
    pub(crate) fn work(&mut self, at: usize) -> Result<(), Broken> {
        if self.is_healed {
            return Ok(());
        }
        let next = self.now + self.plan.work_ms.draw(&mut self.rng);
        self.at(next, Happening::Work { node: at });
        if self.nodes[at].core.is_none() {
            return Ok(());
        }
        let deed = self.deed(at);
        self.carry_out(at, &deed)?;
        // Impatient people press twice.
        if matches!(deed, Deed::Save(_)) && self.chance(80) {
            self.carry_out(at, &deed)?;
        }
        self.maybe_power_cut(at, self.plan.power_at_work, 2 * self.plan.fsync_ms.1);
        Ok(())
    }

    fn deed(&mut self, at: usize) -> Deed {
        let level = self.nodes[at].seat.level;
        let round = self.round();
        let edits = match self.rng.random_range(0..100) {
            0..8 => return Deed::Undo(round),
            8..18 => return Deed::Settle(round),
            18..19 if self.plan.large_texts > 0 => {
                self.plan.large_texts -= 1;
                let letters = self.rng.random_range(10_000..33_000);
                vec![self.text(at, round, letters)]
            }
            18..30 => vec![self.text(at, round, 0)],
            30..33 => vec![self.note(round, level)],
            33..34 => vec![EditRequest::ClearAll],
            34..36 if self.plan.withdrawn > 0 && level == Level::Commune => {
                self.plan.withdrawn -= 1;
                let reason = "nhập nhầm kỳ".to_owned();
                vec![EditRequest::Withdraw { reason }]
            }
            _ => {
                let figures = self.rng.random_range(1..=6);
                (0..figures).map(|_| self.figure(round, level)).collect()
            }
        };
        let create = !matches!(
            edits.first(),
            Some(EditRequest::ClearAll | EditRequest::Withdraw { .. })
        );
        Deed::Save(SaveRequest {
            report: report(round),
            office: None,
            edits,
            create,
        })
    }

    /// Which report somebody takes up.
    fn round(&mut self) -> Round {
        if self.plan.flood > 0 && self.chance(self.plan.flood) {
            return A_FLOOD;
        }
        let is_late = self.plan.late > 0 && self.chance(self.plan.late);
        if is_late { LAST_HALF } else { THIS_HALF }
    }

    fn code(&mut self, round: Round, level: Level) -> (String, ValueKind) {
        let is_reporting = matches!(level, Level::Commune | Level::Office);
        let codes = &CODES[&(round.form.to_owned(), is_reporting)];
        let used = self.plan.codes.min(codes.len());
        codes[self.rng.random_range(0..used)].clone()
    }

    fn figure(&mut self, round: Round, level: Level) -> EditRequest {
        let (code, kind) = self.code(round, level);
        let value = match (kind, self.rng.random_range(0..10)) {
            (_, 0) => "blank".to_owned(),
            (ValueKind::YesNo, number) => if number < 6 { "Có" } else { "Không" }.to_owned(),
            (_, 1) => format!("1.{:03}", self.rng.random_range(0..1_000)),
            _ => self.rng.random_range(0..40).to_string(),
        };
        EditRequest::Set {
            code,
            office: None,
            value,
        }
    }

    fn note(&mut self, round: Round, level: Level) -> EditRequest {
        let (code, _) = self.code(round, level);
        EditRequest::Note {
            code,
            office: None,
            text: self.words(4),
        }
    }

    /// A few words, or so many letters that no packing makes small.
    fn text(&mut self, at: usize, round: Round, letters: usize) -> EditRequest {
        let own = self.nodes[at].seat.office.clone();
        let texts: Vec<_> = round
            .form()
            .texts()
            .filter(|(_, office)| own.as_ref().is_none_or(|own| own == *office))
            .collect();
        if texts.is_empty() {
            // An office with no part in this form.
            return EditRequest::ClearAll;
        }
        let (section, office) = texts[self.rng.random_range(0..texts.len())];
        EditRequest::Text {
            section: section.id.to_string(),
            office: Some(office.to_string()),
            text: if letters > 0 {
                self.letters(letters)
            } else {
                self.words(30)
            },
        }
    }

    fn letters(&mut self, count: usize) -> String {
        let rng = &mut self.rng;
        let letters = (0..count).map(|_| rng.random_range('\u{3400}'..'\u{9fff}'));
        letters.collect()
    }

    fn words(&mut self, most: usize) -> String {
        let count = self.rng.random_range(1..=most);
        let words = (0..count).map(|_| WORDS[self.rng.random_range(0..WORDS.len())]);
        words.collect::<Vec<_>>().join(" ")
    }

    fn carry_out(&mut self, at: usize, deed: &Deed) -> Result<(), Broken> {
        self.saves += 1;
        let number = self.saves;
        let what = match deed {
            Deed::Save(save) => json!({"save": number, "edits": save.edits}),
            Deed::Undo(_) => json!({"save": number, "edits": "undo"}),
            Deed::Settle(_) => json!({"save": number, "edits": "settle"}),
        };
        self.log
            .line(self.now, &self.nodes[at].seat.name, "work", &what);
        let choice = StdRng::seed_from_u64(self.rng.random());
        let reply = self.nodes[at].reply(number);
        match deed {
            Deed::Save(save) => self.turn(at, |core, turn| core.report_save(turn, save, reply)),
            Deed::Undo(round) => self.turn(at, |core, turn| {
                core.report_undo(turn, &report(*round), None, reply);
            }),
            Deed::Settle(round) => {
                self.turn(at, |core, turn| match core.report_show(&report(*round)) {
                    Ok(view) => {
                        let save = settling(*round, &view.figures, choice);
                        core.report_save(turn, &save, reply);
                    }
                    Err(error) => reply(Err(error)),
                })
            }
        }
    }
}

/// A save that settles every open figure.
fn settling(
    round: Round,
    figures: &[hopluu_engine::view::FigureView],
    mut choice: StdRng,
) -> SaveRequest {
    let open = figures.iter().filter(|figure| figure.value.is_none());
    let open = open.filter(|figure| figure.candidates.len() > 1);
    let edits = open.map(|figure| {
        let value = choice.random_range(0..figure.candidates.len());
        EditRequest::Settle {
            code: figure.code.to_string(),
            office: None,
            value: figure.candidates[value].value.clone(),
        }
    });
    SaveRequest {
        report: report(round),
        office: None,
        edits: edits.collect(),
        create: false,
    }
}
