//! `bongsu bench fault`: breaks what is around a relay, and counts what is lost and doubled.
//!
//! Each row starts a relay, this program or any that takes rsyslog's flags and configuration,
//! between a sender whose messages are numbered and a collector that misbehaves on order, or
//! between a log and a file. What did not arrive, or arrived twice, is told by the numbers; each
//! row has its bound.

mod acked;
mod cage;
mod collector;
mod logger;
mod outcome;
mod outfile;
mod relay;
mod relp;
mod rows;
mod traffic;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::base::clock::monotonic;
use crate::cli::bench::args::FaultArgs;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::outcome::End;
use crate::cli::bench::fault::rows::ROWS;
use crate::cli::bench::fault::rows::Row;
use crate::cli::bench::fault::rows::Run;
use crate::cli::bench::print_json;

/// Exit status when a bound was not held.
const BROKEN: u8 = 1;

/// Runs the rows that `args` ask for.
///
/// # Errors
/// When there is no such row, or a relay or a socket cannot be had.
pub(super) fn run(args: &FaultArgs) -> Result<ExitCode, BenchError> {
    if args.list {
        for row in ROWS {
            println!("{:>3}  {}", row.number, row.fault);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let program = match &args.relay {
        Some(program) => program.clone(),
        None => std::env::current_exe()
            .map(OsString::from)
            .map_err(|error| BenchError::io("cannot find this program", error))?,
    };
    let mut ends = Vec::new();
    for row in wanted(&args.rows)? {
        eprintln!("row {}: {}", row.number, row.fault);
        let began = monotonic();
        let mut end = (row.run)(&Run {
            row,
            program: &program,
            messages: args.messages,
            times: args.times,
            length: args.seconds,
        })?;
        if let End::Ran(outcome) = &mut end {
            outcome.seconds = began.elapsed().as_secs_f64();
        }
        ends.push(end);
    }
    if args.json {
        print_json(&ends)?;
    } else {
        print!("{}", outcome::table(&ends));
    }
    let held = ends.iter().all(End::within);
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::from(BROKEN) })
}

/// The rows of these numbers; all if none is given.
fn wanted(numbers: &[String]) -> Result<Vec<&'static Row>, BenchError> {
    if numbers.is_empty() {
        return Ok(ROWS.iter().collect());
    }
    let find = |number: &String| {
        let row = ROWS.iter().find(|row| row.number == number);
        row.ok_or_else(|| BenchError::Usage(format!("no row {number}: --list shows them")))
    };
    numbers.iter().map(find).collect()
}
