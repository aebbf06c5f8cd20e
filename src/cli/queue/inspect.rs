//! `bongsu queue inspect`, `bongsu queue verify`

use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use crate::cli::queue::Place;
use crate::cli::queue::described;
use crate::cli::terminal;
use crate::disk::Item;
use crate::disk::SegmentView;
use crate::disk::StateFound;

/// Says what a queue says of itself, without reading its records.
pub(super) fn inspect(place: &Place) -> io::Result<ExitCode> {
    let mut text = String::new();
    for name in place.names()? {
        let view = place.view(&name)?;
        let segments = view.segments();
        let bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
        _ = writeln!(text, "queue {name}: {} segments, {bytes} bytes", segments.len());
        let state = match (view.state(), view.released()) {
            (StateFound::Whole, Some(position)) => {
                format!("record {} is the next to be delivered", position.number())
            }
            (StateFound::Missing, _) => "there is no state file: all is delivered again".to_owned(),
            _ => "the state file is damaged: all is delivered again".to_owned(),
        };
        _ = writeln!(text, "  {state}");
        segments.iter().for_each(|segment| line(&mut text, segment));
    }
    terminal::write(&text);
    Ok(ExitCode::SUCCESS)
}

fn line(text: &mut String, segment: &SegmentView) {
    let first = segment.first.map_or_else(|| "?".to_owned(), |first| first.number().to_string());
    let (number, bytes) = (segment.number, segment.bytes);
    let holds = match (segment.records, segment.messages, segment.next) {
        (Some(records), Some(messages), Some(next)) => {
            let last = next.number().saturating_sub(1);
            format!("{records} records ({first} to {last}), {messages} messages")
        }
        _ => format!("from record {first} on, not finished"),
    };
    let delivered = if segment.is_delivered { ", delivered" } else { "" };
    _ = writeln!(text, "  segment {number}: {bytes} bytes, {holds}{delivered}");
}

/// Reads every record. Status 1 if something is damaged.
pub(super) fn verify(place: &Place) -> io::Result<ExitCode> {
    let mut text = String::new();
    let mut is_damaged = false;
    for name in place.names()? {
        let view = place.view(&name)?;
        let (mut records, mut messages, mut undelivered, mut damages) = (0_u64, 0_u64, 0_u64, 0);
        if view.state() == StateFound::Broken {
            damages += 1;
            _ = writeln!(text, "{name}: the state file is damaged: all is delivered again");
        }
        view.walk(&mut |item| {
            match item {
                Item::Record { messages: count, is_delivered, .. } => {
                    records += 1;
                    messages += u64::from(count);
                    undelivered += if is_delivered { 0 } else { u64::from(count) };
                }
                Item::Damage(damage) => {
                    damages += 1;
                    _ = writeln!(text, "{name}: {}", described(&damage));
                }
            }
            Ok(())
        })?;
        is_damaged |= damages > 0;
        let found =
            if damages == 0 { "no damage".to_owned() } else { format!("{damages} damages") };
        _ = writeln!(
            text,
            "{name}: {records} records, {messages} messages, {undelivered} not delivered, {found}"
        );
    }
    terminal::write(&text);
    Ok(if is_damaged { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
