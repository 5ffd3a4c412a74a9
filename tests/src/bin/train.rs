//! Trains the dictionary of links (`scripts/dictionary`): from what a link carries of one save of one report,
//! as offices and communes of all kinds make them. The same program gives the same bytes.
//!
//! Texts are the words of the forms themselves: how people write is not known here, and what is known to the
//! tests would only flatter them.

use std::io::Write as _;
use std::sync::Arc;

use hopluu_doc::{
    DocKey, Edit, FigureKey, LifecycleEvent, Member, Report, SaveContext, pack_within,
};
use hopluu_form::{Form, Lang, ValueKind};
use hopluu_model::{ActorId, Period, Place, Timestamp, UnitId};
use hopluu_sync::limits::CHUNK_BYTES;
use hopluu_tests::lab::dice::Dice;
use hopluu_tests::process::{shipped_form, shipped_tree};
use hopluu_trust::{Receipt, Seal, Signer};

/// Bytes of the dictionary: twice as many save five bytes of an edit more and cost every piece the time to load
/// them.
const DICTIONARY_BYTES: usize = 8 << 10;

/// Reports, each with two saves.
const REPORTS: u64 = 3_000;

const BEGAN: i64 = 1_767_200_000_000;

fn main() -> anyhow::Result<()> {
    let forms = ["pcmd-review.toml", "flood-quick.toml"].map(|name| -> anyhow::Result<_> {
        let text = shipped_form(name)?;
        let form = Form::parse(&text).map_err(|errors| anyhow::anyhow!(errors.report(Lang::En)))?;
        Ok(Arc::new(form))
    });
    let forms = forms.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let tree = shipped_tree()?;
    let units: Vec<_> = tree.units().map(|unit| unit.id.clone()).collect();
    let mut samples = Vec::new();
    let mut dice = Dice(7);
    for number in 0..REPORTS {
        let (form, unit) = (dice.pick(&forms), dice.pick(&units));
        samples.extend(written(&mut dice, form, unit, number)?);
    }
    let dictionary = zstd::dict::from_samples(&samples, DICTIONARY_BYTES)?;
    std::io::stdout().write_all(&dictionary)?;
    Ok(())
}

/// What passes over a link of a report that is written in two saves: each with its object, and a receipt.
fn written(
    dice: &mut Dice,
    form: &Arc<Form>,
    unit: &UnitId,
    number: u64,
) -> anyhow::Result<Vec<Vec<u8>>> {
    let periods = [
        "2026-H1",
        "2026-H2",
        "2026-Q3",
        "2026",
        "2025",
        "2021-2025",
        "2026-M07",
    ];
    let period: Period = dice.pick(&periods).parse()?;
    let key = DocKey::report(
        unit.clone(),
        form.id().clone(),
        form.version().major,
        period,
    );
    let mut report = Report::create(key.clone(), form)?;
    let signer = signer_of(dice);
    let actor = ActorId(dice.draw().to_be_bytes());
    let (mut samples, mut at) = (Vec::new(), BEGAN + i64::try_from(number)? * 3_917_123);
    for save in 0..2 {
        at += i64::try_from(dice.below(90_000_000))?;
        let context = SaveContext {
            actor,
            at: Timestamp(at),
            office: None,
            message: String::new(),
        };
        let edits = if save == 0 && dice.below(2) == 0 {
            vec![Edit::Event(LifecycleEvent::Opened)]
        } else {
            figures(dice, form)
        };
        let Some(saved) = report.save(&context, &edits)? else {
            continue;
        };
        let seal = Seal::sign(&signer, key.id(), vec![actor], saved.hash, String::new())?.to_wire();
        let member = Member {
            seal: &seal,
            change: &saved.bytes,
        };
        for (_, packet) in pack_within(&[(actor, member)], CHUNK_BYTES) {
            samples.push(entry(&key, 1, &packet));
        }
        let above = signer_of(dice);
        let receipt = Receipt {
            doc: key.id(),
            heads: vec![saved.hash],
            by: Place {
                node: above.node_id(),
                unit: unit.clone(),
                office: None,
            },
            at: Timestamp(at + 1_000),
        };
        let record = receipt.sign(&above, unit.clone())?;
        samples.push(entry(&key, 3, &record.encode()));
    }
    Ok(samples)
}

/// An entry as a push names it: object, descriptor, kind, body.
fn entry(key: &DocKey, kind: u8, body: &[u8]) -> Vec<u8> {
    let descriptor = key.encode();
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap_or(u8::MAX);
    let mut bytes = vec![1, 0];
    bytes.extend(key.id().0);
    bytes.push(length(&descriptor));
    bytes.extend(&descriptor);
    bytes.extend([kind, 1, length(body)]);
    bytes.extend(body);
    bytes
}

/// One to ten figures next to each other, as they are typed.
fn figures(dice: &mut Dice, form: &Form) -> Vec<Edit> {
    let lines: Vec<_> = form.value_lines().collect();
    let from = dice.below(lines.len());
    let count = 1 + dice.below(10);
    let chosen = lines.iter().skip(from).take(count);
    let edit = |dice: &mut Dice, line: &hopluu_form::Line, value: &hopluu_form::ValueLine| {
        let number = dice.below(2_000);
        let text = match value.entered {
            ValueKind::Count => number.to_string(),
            ValueKind::Decimal { .. } | ValueKind::Money => format!("{number}.5"),
            ValueKind::YesNo => if number.is_multiple_of(2) { "y" } else { "n" }.to_owned(),
            ValueKind::Share => format!("{}/{}", number % 20, number % 20 + 1),
        };
        let key = FigureKey {
            code: line.code.clone(),
            office: value.by_office.then(|| value.owner.clone()),
        };
        let value = text.parse().expect("a scalar in its canonical form");
        Edit::SetFigure { key, value }
    };
    chosen
        .map(|(line, value)| edit(dice, line, value))
        .collect()
}

fn signer_of(dice: &mut Dice) -> Signer {
    let mut seed = [0; 32];
    for part in seed.chunks_mut(8) {
        part.copy_from_slice(&dice.draw().to_le_bytes());
    }
    Signer::from_seed(&seed)
}
