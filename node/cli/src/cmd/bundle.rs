//! `bundle`: what has no link is carried by hand.

pub(super) mod codes;
pub(super) mod files;
mod paper;

use std::cell::Cell;
use std::path::Path;

use hopluu_api::Problem;
use hopluu_engine::view::{BundleTaken, BundleView, Selector};
use hopluu_engine::{BundleError, BundleRequest, CommandError, Receivers, inspect};
use serde::Serialize;

pub(super) use self::files::write_whole;
use self::files::{Found, Target};
use crate::args::{BundleCommand, BundleExportArgs, BundleFilesArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::progress::with_progress;
use crate::text;

pub(super) async fn run(command: BundleCommand, context: &Context) -> Result<Exit, Failure> {
    match command {
        BundleCommand::Export(args) => match &args.qr {
            Some(dir) => paper::export(&args, dir, context).await,
            None => export(&args, context).await,
        },
        BundleCommand::Inspect(args) => look(&args, context),
        BundleCommand::Import(args) => import(&args, context).await,
    }
}

/// A file that was written.
#[derive(Debug, Serialize)]
struct Written {
    file: String,
    /// The page that it is printed on.
    page: Option<String>,
    entries: u64,
    pieces: u64,
    bundle: BundleView,
}

/// What became of a file that was given. A photo may hold several bundles, and has a row for each.
#[derive(Debug, Serialize)]
struct Row<T> {
    file: String,
    #[serde(flatten)]
    result: RowResult<T>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum RowResult<T> {
    Bundle(T),
    Error(Problem),
}

fn request(args: &BundleExportArgs) -> BundleRequest {
    let to = match &args.to {
        Some(unit) => Receivers::Unit {
            unit: unit.clone(),
            office: args.office.clone(),
        },
        None => Receivers::Line,
    };
    let report = match args.report.as_deref() {
        Some([form, period]) => Some(Selector {
            unit: None,
            form: form.clone(),
            period: period.clone(),
            instance: 0,
        }),
        _ => None,
    };
    BundleRequest {
        to,
        size_max: args.size_max,
        parts_max: None,
        report,
        anew: false,
        attachments: args.attachments,
    }
}

async fn export(args: &BundleExportArgs, context: &Context) -> Result<Exit, Failure> {
    let request = request(args);
    let mut target = Target::of(args.out.as_deref(), args.all);
    let count = Cell::new(0);
    let words = text::working("lập gói", "making bundles");
    let client = context.client().await?;
    let writing = async {
        let mut parts = client.bundle_export(&request).await?;
        let mut written = Vec::new();
        while let Some(part) = parts.next().await? {
            let file = target.write(&part.bundle, &part.bytes)?;
            count.set(count.get() + 1);
            written.push(Written {
                file: file.display().to_string(),
                page: None,
                entries: part.entries,
                pieces: part.pieces,
                bundle: part.bundle,
            });
        }
        Ok::<_, Failure>(written)
    };
    let written = with_progress(context, &words, &count, writing).await;
    client.close().await;
    let written = written?;
    tell(&written, context)?;
    if !context.is_json {
        context.note(&text::bundle::carry());
    }
    Ok(Exit::Done)
}

fn tell(written: &[Written], context: &Context) -> Result<(), Failure> {
    context.answer(&written, |written| {
        let lines = written.iter().map(|one| {
            let words = text::bundle::written(&one.file, one.entries, one.pieces);
            let address = text::bundle::address(&one.bundle, context.lang);
            format!("{}, {address}\n", words.in_lang(context.lang))
        });
        lines.collect()
    })
}

/// Reads addresses only, and needs no node: whoever carries a file may look at it.
fn look(args: &BundleFilesArgs, context: &Context) -> Result<Exit, Failure> {
    let mut rows = Rows::default();
    for file in &args.files {
        for found in files::read(file) {
            let seen = found.and_then(|found| inspect(&found.bytes).map_err(refused));
            rows.push(file, seen);
        }
    }
    let answer = context.answer(&rows.rows, |rows| {
        page(rows, context, |bundle| {
            let is_certified = bundle.root.is_some();
            let certified = text::bundle::certified(is_certified);
            format!(
                "{}\n  {}, {}",
                text::bundle::address(bundle, context.lang),
                certified.in_lang(context.lang),
                bundle.id
            )
        })
    });
    rows.end(answer, context)
}

fn refused(error: hopluu_engine::EnvelopeError) -> Failure {
    CommandError::from(BundleError::from(error)).into()
}

/// Takes in what was given, the parts that belong together in their order. One that is refused stops
/// no other.
async fn import(args: &BundleFilesArgs, context: &Context) -> Result<Exit, Failure> {
    let mut rows = Rows::default();
    let mut bundles: Vec<(&Path, Found, BundleView)> = Vec::new();
    for file in &args.files {
        for found in files::read(file) {
            let seen = found.and_then(|found| {
                let view = inspect(&found.bytes).map_err(refused)?;
                Ok((found, view))
            });
            match seen {
                Ok((found, view)) => bundles.push((file, found, view)),
                Err(failure) => rows.push(file, Err(failure)),
            }
        }
    }
    bundles.sort_by_key(|(_, _, view)| (view.made, view.set.clone(), view.part));
    if !bundles.is_empty() {
        let count = Cell::new(0);
        let words = text::working("nhận gói", "taking bundles in");
        let client = context.client().await?;
        let taking = async {
            for (file, found, _) in bundles {
                let taken = client.bundle_import(found.bytes).await;
                count.set(count.get() + 1);
                rows.push(file, taken.map_err(Failure::from));
            }
        };
        with_progress(context, &words, &count, taking).await;
        client.close().await;
    }
    let answer = context.answer(&rows.rows, |rows| {
        page(rows, context, |taken: &BundleTaken| {
            let mut lines = vec![
                text::bundle::address(&taken.bundle, context.lang),
                text::bundle::taken(taken, context.lang),
            ];
            for (why, entries) in &taken.refused_why {
                lines.push(format!(
                    "{}: {entries}",
                    text::refused_why(context.lang, *why)
                ));
            }
            let files = taken.files.iter();
            lines.extend(files.map(|file| text::bundle::file(file, context.lang)));
            let remarks = taken.remarks.iter();
            lines.extend(
                remarks.map(|remark| text::bundle::remark(*remark, context.lang).to_owned()),
            );
            lines.join("\n  ")
        })
    });
    let is_odd =
        |taken: &BundleTaken| taken.waiting > 0 || taken.refused > 0 || !taken.remarks.is_empty();
    let has_findings = rows
        .rows
        .iter()
        .any(|row| matches!(&row.result, RowResult::Bundle(taken) if is_odd(taken)));
    let exit = rows.end(answer, context)?;
    Ok(match exit {
        Exit::Done if has_findings => Exit::Findings,
        exit => exit,
    })
}

fn page<T>(rows: &[Row<T>], context: &Context, line: impl Fn(&T) -> String) -> String {
    let lines = rows.iter().map(|row| match &row.result {
        RowResult::Bundle(bundle) => format!("{}: {}\n", row.file, line(bundle)),
        RowResult::Error(problem) => {
            let lines = text::fail::lines(problem, context.lang);
            format!("{}: {}\n", row.file, lines.replace('\n', "\n  "))
        }
    });
    lines.collect()
}

/// What became of all that was given, and the first that went wrong.
#[derive(Debug)]
struct Rows<T> {
    rows: Vec<Row<T>>,
    failure: Option<Failure>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            failure: None,
        }
    }
}

impl<T> Rows<T> {
    fn push(&mut self, file: &Path, result: Result<T, Failure>) {
        let result = match result {
            Ok(bundle) => RowResult::Bundle(bundle),
            Err(failure) => {
                let problem = failure.problem().cloned();
                self.failure.get_or_insert(failure);
                let Some(problem) = problem else { return };
                RowResult::Error(problem)
            }
        };
        self.rows.push(Row {
            file: file.display().to_string(),
            result,
        });
    }

    /// Whatever else was done: if one went wrong, the command did.
    fn end(self, answered: Result<(), Failure>, context: &Context) -> Result<Exit, Failure> {
        answered?;
        let Some(failure) = self.failure else {
            return Ok(Exit::Done);
        };
        context.report(&failure);
        Ok(failure.exit())
    }
}
