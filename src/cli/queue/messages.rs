//! The messages in a queue, one by one; `bongsu queue export`.

use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

use crate::cli::queue::ExportArgs;
use crate::cli::queue::described;
use crate::disk::Item;
use crate::disk::View;
use crate::queue::Chunk;
use crate::queue::record;

/// The messages of a chunk.
pub(super) fn of(chunk: &Chunk) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    chunk.ends.iter().map(move |end| {
        let message = &chunk.bytes[start..*end as usize];
        start = *end as usize;
        message
    })
}

/// Shows `visit` the chunks of a queue with their positions; says on standard error what is
/// damaged, and whether anything is.
#[expect(clippy::print_stderr, reason = "what went wrong is for the operator")]
pub(super) fn each_chunk(
    view: &View,
    all: bool,
    visit: &mut dyn FnMut(u64, &Chunk) -> io::Result<()>,
) -> io::Result<bool> {
    let mut chunk = Chunk::default();
    let mut is_damaged = false;
    view.walk(&mut |item| {
        match item {
            Item::Record { is_delivered: true, .. } if !all => {}
            Item::Record { position, bytes, .. } => {
                std::mem::swap(&mut chunk.bytes, bytes);
                if record::decode(&mut chunk).is_err() {
                    is_damaged = true;
                    eprintln!("bongsu: record {} holds no messages", position.number());
                    return Ok(());
                }
                visit(position.number(), &chunk)?;
            }
            Item::Damage(damage) => {
                is_damaged = true;
                eprintln!("bongsu: {}", described(&damage));
            }
        }
        Ok(())
    })?;
    Ok(is_damaged)
}

/// One line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    record: u64,
    /// What is no UTF-8 is replaced.
    message: std::borrow::Cow<'a, str>,
}

pub(super) fn export(args: &ExportArgs) -> io::Result<ExitCode> {
    let view = args.place.view(&args.place.name()?)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let is_damaged = each_chunk(&view, args.all, &mut |record, chunk| {
        if args.raw {
            return out.write_all(&chunk.bytes);
        }
        of(chunk).try_for_each(|message| {
            let message = message.strip_suffix(b"\n").unwrap_or(message);
            if args.json {
                let message = String::from_utf8_lossy(message);
                serde_json::to_writer(&mut out, &Line { record, message })?;
            } else {
                out.write_all(message)?;
            }
            out.write_all(b"\n")
        })
    })?;
    out.flush()?;
    Ok(if is_damaged { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
