//! Reports as bureaux write them, for counting bytes: 110 figures with notes and eight Vietnamese texts
//! of 1,500 characters, written by four offices in nineteen saves. One number gives one document, byte
//! for byte, on every machine.
//!
//! The words are drawn from a list of 420, more often from its beginning; alone such a text packs to two
//! sevenths, about as real text does. Three sentences in four are set phrases, of which there are 300, and
//! three notes in four one of 80, as in the reports that an office writes year after year.

#![expect(
    clippy::indexing_slicing,
    reason = "every place is drawn within a list of this file"
)]

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use hopluu_doc::{
    Compartment, DocKey, DocKind, Edit, FigureKey, LifecycleEvent, Report, SaveContext, SavedChange,
};
use hopluu_form::Form;
use hopluu_model::{ActorId, OfficeId, Timestamp};
use hopluu_trust::{Seal, Signer};

use super::dice::Dice;

/// Lines with a figure and a note.
pub const FIGURES: usize = 110;
/// Sections of text, two for each office.
pub const TEXTS: usize = 8;
/// Characters of each text, to the end of the sentence that reaches them.
pub const TEXT_CHARS: usize = 1_500;
/// Who writes.
pub const OFFICES: [&str; 4] = ["labour", "police", "health", "culture"];

/// The day on which the first document is begun.
const BEGAN: i64 = 1_735_700_000_000;
const HOUR: i64 = 3_600_000;

static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let words = include_str!("words.txt").split([',', '\n']);
    words
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect()
});

static PHRASES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut dice = Dice(0xface);
    (0..300).map(|_| sentence(&mut dice)).collect()
});

static NOTES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut dice = Dice(0xcafe);
    (0..80).map(|_| note(&mut dice)).collect()
});

static FORM: LazyLock<Arc<Form>> = LazyLock::new(|| {
    Arc::new(Form::parse(&form_text()).expect("the form of the documents is valid"))
});

/// The form that the documents answer.
#[must_use]
pub fn form() -> Arc<Form> {
    Arc::clone(&FORM)
}

fn form_text() -> String {
    let mut text = String::from(
        "id = \"lab-report\"\nversion = \"1.0\"\n[title]\nvi = \"Báo cáo\"\nen = \"Report\"\n\
         [levels]\nreporting = [\"commune\"]\nown_part = [\"district\"]\n\
         [[calendar]]\nperiod = \"half-year\"\ncut_off = 14\ndue = { commune = \"before 20\" }\n\
         [measures]\nperson = { vi = \"Người\", en = \"persons\" }\n",
    );
    for office in OFFICES {
        let _ = writeln!(
            text,
            "[[office]]\nid = \"{office}\"\nvi = \"{office}\"\nen = \"{office}\""
        );
    }
    for line in 0..FIGURES {
        let (code, office) = (code(line), OFFICES[line * OFFICES.len() / FIGURES]);
        let _ = writeln!(
            text,
            "[[line]]\ncode = \"{code}\"\nprinted = \"{code}\"\nvi = \"Số {code}\"\nen = \"Count {code}\"\n\
             entered = \"count\"\nmeasure = \"person\"\nover_units = \"sum\"\nover_time = \"sum\"\n\
             owner = \"{office}\""
        );
    }
    for section in 0..TEXTS {
        let office = OFFICES[section % OFFICES.len()];
        let _ = writeln!(
            text,
            "[[section]]\nid = \"part-{section}\"\nvi = \"Phần {section}\"\nen = \"Part {section}\"\n\
             offices = [\"{office}\"]"
        );
    }
    text
}

/// `I.1.a`, `I.1.b` ... : as long and as alike as codes of a real annex are.
fn code(line: usize) -> String {
    let part = ["I", "II", "III", "IV"][line * OFFICES.len() / FIGURES];
    let letter = char::from(b"abcde"[line % 5]);
    format!("{part}.{}.{letter}", line / 5 + 1)
}

/// A change with the seal of whoever made it.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The change.
    pub saved: SavedChange,
    /// Who vouches for it.
    pub seal: Seal,
}

/// One document with its history.
#[derive(Debug, Clone)]
pub struct Document {
    /// Which document it is.
    pub key: DocKey,
    /// As it stands now.
    pub report: Report,
    /// How it came to be, in order.
    pub changes: Vec<Sealed>,
    dice: Dice,
    at: i64,
    actors: [ActorId; OFFICES.len()],
}

impl Document {
    /// The document of a number, of one commune's many.
    ///
    /// # Panics
    /// When the generator contradicts its own form.
    #[must_use]
    pub fn new(number: u32) -> Self {
        let key = DocKey {
            kind: DocKind::Report,
            unit: "19429@2024-05-01".parse().expect("a unit"),
            form: form().id().clone(),
            major: form().version().major,
            period: "2025-H1".parse().expect("a period"),
            instance: number,
            compartment: Compartment::public(),
        };
        let mut dice = Dice(u64::from(number) << 32 | 0x5eed);
        let mut document = Self {
            report: Report::create(key.clone(), &form()).expect("the form fits its key"),
            key,
            changes: Vec::new(),
            at: BEGAN + i64::from(number) * 7 * HOUR,
            actors: std::array::from_fn(|_| ActorId(dice.draw().to_be_bytes())),
            dice,
        };
        document.write();
        document
    }

    /// Nineteen saves: four by each office, and the steps of the report's life.
    fn write(&mut self) {
        self.save(0, &[Edit::Event(LifecycleEvent::Opened)]);
        for office in 0..OFFICES.len() {
            let lines = (0..FIGURES).filter(|line| line * OFFICES.len() / FIGURES == office);
            let figures: Vec<_> = lines.flat_map(|line| self.figure(line)).collect();
            self.save(office, &figures);
        }
        for round in 0..2 {
            for office in 0..OFFICES.len() {
                let draft = self.text(TEXT_CHARS * 2 / 3);
                self.set_text(office, round, draft);
            }
        }
        for office in 0..OFFICES.len() {
            let edits: Vec<_> = (0..2).map(|round| self.finished(office, round)).collect();
            self.save(office, &edits);
        }
        self.edit(1, 1);
        self.save(0, &[Edit::Event(LifecycleEvent::Submitted)]);
    }

    /// So many saves of one figure each by one office, over some weeks. Two copies of a document on
    /// which different offices do this are what two sides have written apart.
    ///
    /// # Panics
    /// When the generator contradicts its own form.
    pub fn edit(&mut self, office: usize, saves: usize) {
        for _ in 0..saves {
            let line = self.dice.below(FIGURES);
            let value = self.dice.below(2_000).to_string();
            let edit = Edit::SetFigure {
                key: figure_key(line),
                value: value.parse().expect("a count"),
            };
            self.save(office, &[edit]);
        }
    }

    /// A copy in which other actors write on, as after a restart somewhere else.
    #[must_use]
    pub fn apart(&self, side: u64) -> Self {
        let mut copy = self.clone();
        copy.dice = Dice(self.dice.0 ^ side.wrapping_mul(0x9e37_79b9));
        copy.actors = std::array::from_fn(|_| ActorId(copy.dice.draw().to_be_bytes()));
        copy.changes.clear();
        copy
    }

    fn figure(&mut self, line: usize) -> [Edit; 2] {
        let value = match self.dice.below(10) {
            0..=2 => 0,
            3..=7 => self.dice.below(40),
            _ => self.dice.below(3_000),
        };
        let note = if self.dice.below(4) < 3 {
            NOTES[self.dice.below(NOTES.len())].clone()
        } else {
            note(&mut self.dice)
        };
        [
            Edit::SetFigure {
                key: figure_key(line),
                value: value.to_string().parse().expect("a count"),
            },
            Edit::SetNote {
                key: figure_key(line),
                text: note,
            },
        ]
    }

    fn set_text(&mut self, office: usize, round: usize, text: String) {
        self.save(office, &[text_edit(office, round, text)]);
    }

    /// A draft with some words put right, written to its end.
    fn finished(&mut self, office: usize, round: usize) -> Edit {
        let texts = self.report.texts();
        let section = section(office, round);
        let draft = texts.iter().find(|((id, _), _)| id.as_str() == section);
        let draft = draft.map(|(_, text)| text.clone()).expect("it was drafted");
        let mut words: Vec<_> = draft.split(' ').map(str::to_owned).collect();
        for _ in 0..6 {
            let at = self.dice.below(words.len());
            words[at] = words_of(&mut self.dice, 1);
        }
        let rest = self.text(TEXT_CHARS - draft.chars().count());
        text_edit(office, round, format!("{} {rest}", words.join(" ")))
    }

    /// Sentences of at least so many characters together.
    fn text(&mut self, chars: usize) -> String {
        let mut text = String::new();
        while text.chars().count() < chars {
            if !text.is_empty() {
                text.push(if self.dice.below(4) == 0 { '\n' } else { ' ' });
            }
            if self.dice.below(4) < 3 {
                text.push_str(&PHRASES[self.dice.below(PHRASES.len())]);
            } else {
                text.push_str(&sentence(&mut self.dice));
            }
        }
        text
    }

    fn save(&mut self, office: usize, edits: &[Edit]) {
        let hours = 1 + i64::try_from(self.dice.below(30)).expect("a few hours");
        let millis = i64::try_from(self.dice.below(3_600_000)).expect("an hour");
        self.at += hours * HOUR + millis;
        let context = SaveContext {
            actor: self.actors[office],
            at: Timestamp(self.at),
            office: Some(OFFICES[office].parse::<OfficeId>().expect("an office")),
            message: String::new(),
        };
        let saved = self
            .report
            .save(&context, edits)
            .expect("edits of the form");
        // A figure that was set to what it is makes no change.
        let Some(saved) = saved else { return };
        let seal = Seal::sign(
            &signer(office),
            self.key.id(),
            vec![context.actor],
            saved.hash,
            String::new(),
        );
        let seal = seal.expect("one actor");
        self.changes.push(Sealed { saved, seal });
    }
}

fn note(dice: &mut Dice) -> String {
    let count = 2 + dice.below(3);
    words_of(dice, count)
}

fn sentence(dice: &mut Dice) -> String {
    let count = 6 + dice.below(14);
    let words = words_of(dice, count);
    let mut letters = words.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

/// Each the earlier of two throws: a word of the first tenth comes twice as often as on average.
fn words_of(dice: &mut Dice, count: usize) -> String {
    let drawn: Vec<_> = (0..count)
        .map(|_| WORDS[dice.below(WORDS.len()).min(dice.below(WORDS.len()))])
        .collect();
    drawn.join(" ")
}

/// The key of an office.
///
/// # Panics
/// When there are more offices than a byte counts.
#[must_use]
pub fn signer(office: usize) -> Signer {
    let office = u8::try_from(office).expect("a few offices");
    Signer::from_seed(&[office + 1; 32])
}

fn figure_key(line: usize) -> FigureKey {
    FigureKey::whole(code(line).parse().expect("a code"))
}

fn section(office: usize, round: usize) -> String {
    format!("part-{}", office + round * OFFICES.len())
}

fn text_edit(office: usize, round: usize, text: String) -> Edit {
    Edit::SetText {
        section: section(office, round).parse().expect("a section"),
        office: OFFICES[office].parse().expect("an office"),
        text,
    }
}
