//! Reports in and out as JSON lines, in any number.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::path::Path;

use hopluu_api::shape::ImportAnswer;
use hopluu_api::{Client, ImportSummary, Lines, Problem};
use tokio::io::BufReader;

use super::read::query;
use crate::args::{ExportArgs, ImportArgs};
use crate::cmd::input::is_standard_input;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::progress::with_progress;
use crate::text;

/// Bytes that the input is read ahead.
const READ_AHEAD_BYTES: usize = 64 << 10;

/// Brings saves in. Lines that are refused are named and stop nothing; if there are any, it failed.
pub(super) async fn import(args: &ImportArgs, context: &Context) -> Result<Exit, Failure> {
    let input = open(&args.file).map_err(|error| text::fail::file(&args.file, &error))?;
    let mut input = BufReader::with_capacity(READ_AHEAD_BYTES, tokio::fs::File::from_std(input));
    let answered = Cell::new(0);
    let words = text::working("nhập", "importing");
    let importing = context.ask(async |client: &Client| {
        client
            .import(&mut input, |answer| {
                answered.set(answered.get() + 1);
                tell(answer, context);
            })
            .await
    });
    let summary: ImportSummary = with_progress(context, &words, &answered, importing).await?;
    if !context.is_json {
        context.print(text::imported(summary.saved, summary.refused).in_lang(context.lang))?;
    }
    Ok(if summary.refused == 0 {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn open(path: &Path) -> io::Result<File> {
    if is_standard_input(path) {
        Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
    } else {
        File::open(path)
    }
}

/// Every answer as JSON, or the refused ones in words.
fn tell(answer: &ImportAnswer, context: &Context) {
    if context.is_json {
        let line = serde_json::to_string(answer).expect("an answer is plain JSON");
        // Whoever left does not need the rest; the saves go on.
        let _nobody_reads = context.print(&line);
    } else if let Some(problem) = &answer.error {
        let lines = text::fail::lines(problem, context.lang);
        // Where standard error is closed the summary and the exit code still say it.
        let _nobody_listens = writeln!(
            io::stderr(),
            "\r{}",
            text::import_line(answer.line, context.lang, &lines)
        );
    }
}

/// Writes reports out. A figure that is unsettled here has a line of its own, which no import takes.
pub(super) async fn export(args: ExportArgs, context: &Context) -> Result<Exit, Failure> {
    let query = query(args.filter);
    let written = Cell::new(0);
    let words = text::working("xuất", "exporting");
    let client = context.client().await?;
    let exporting = async {
        let mut export = client.export(&query).await?;
        let lines = &mut export.lines;
        let unsettled = match &args.output {
            Some(path) => {
                let file = File::create_new(path).map_err(|e| text::fail::file(path, &e))?;
                let unwritten = |error: io::Error| text::fail::file(path, &error);
                let mut out = BufWriter::new(file);
                let unsettled = copy(lines, &mut out, &written, &unwritten).await?;
                out.flush()
                    .and_then(|()| out.get_ref().sync_all())
                    .map_err(unwritten)?;
                unsettled
            }
            None => {
                let unwritten = |error: io::Error| text::fail::output(&error);
                copy(lines, &mut io::stdout(), &written, &unwritten).await?
            }
        };
        Ok::<_, Failure>((unsettled, export.withdrawn))
    };
    let exported = with_progress(context, &words, &written, exporting).await;
    client.close().await;
    let (unsettled, withdrawn) = exported?;
    if !context.is_json {
        context.note(&text::exported(written.get(), unsettled));
        if withdrawn > 0 {
            context.note(&text::not_exported(withdrawn));
        }
    }
    Ok(if unsettled == 0 {
        Exit::Done
    } else {
        Exit::Findings
    })
}

/// Copies lines and counts them; answers how many are about unsettled figures.
async fn copy(
    lines: &mut Lines,
    out: &mut impl Write,
    written: &Cell<u64>,
    unwritten: &impl Fn(io::Error) -> Failure,
) -> Result<u64, Failure> {
    let mut unsettled = 0;
    while let Some(mut line) = lines.next().await? {
        // The node ends the stream with its refusal where a report cannot be read.
        if line.starts_with(br#"{"code":"#)
            && let Ok(problem) = serde_json::from_slice::<Problem>(&line)
        {
            return Err(problem.into());
        }
        if line.starts_with(br#"{"unsettled":"#) {
            unsettled += 1;
        } else {
            written.set(written.get() + 1);
        }
        line.push(b'\n');
        out.write_all(&line).map_err(unwritten)?;
    }
    Ok(unsettled)
}
