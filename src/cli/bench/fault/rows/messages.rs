//! Messages that the relay cannot stand.

use std::fs;

use crate::base::poison::FILE as QUARANTINE;
use crate::cli::bench::error::BenchError;
use crate::cli::bench::fault::outcome::Bounds;
use crate::cli::bench::fault::outcome::End;
use crate::cli::bench::fault::relay::Site;
use crate::cli::bench::fault::rows::GRACE;
use crate::cli::bench::fault::rows::IDLE;
use crate::cli::bench::fault::rows::PATIENCE;
use crate::cli::bench::fault::rows::Run;
use crate::cli::bench::fault::rows::collector;
use crate::cli::bench::fault::rows::config;
use crate::cli::bench::fault::traffic::Traffic;

/// The one, by its id: the hundredth of the first connection.
const POISON: &str = "bongsu-id=00000:000000000099:";

/// One message makes the relay panic; it is kept, as it came, and all others arrive.
pub(super) fn poison(run: &Run<'_>) -> Result<End, BenchError> {
    let mut site = Site::new(run.program)?;
    if site.is_rsyslogd() || !cfg!(debug_assertions) {
        return Ok(run.skipped("only a debug build of Bongsu panics when it is asked to"));
    }
    site.environment = Some(("BONGSU_TEST_PANIC", format!("template:{POISON}")));
    let collector = collector(false)?;
    site.configure(&config(&site, &[(collector.port(), "")]))?;
    let mut relay = site.start()?;
    let sent = Traffic::start(&site, run.messages, None)?.finish(PATIENCE)?;
    collector.wait(sent.saturating_sub(1), IDLE);
    let mut bounds = Bounds { lost: 1, ..Bounds::exact() };
    let ended = relay.has_ended()?;
    bounds.require(!ended, || "the relay ended".to_owned());
    let kept = fs::read_to_string(site.path(QUARANTINE)).unwrap_or_default();
    let kept = kept.matches(POISON).count();
    bounds.note = format!("{kept} kept in {}", QUARANTINE);
    bounds.require(kept == 1, || "it was not kept".to_owned());
    relay.stop(GRACE)?;
    run.judge(sent, collector, bounds)
}
