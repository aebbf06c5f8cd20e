//! What the service manager is told: that the relay is ready, reloads, stops, and lives
//! (`sd_notify(3)`). Nothing happens where there is none.

use std::time::Duration;

use sd_notify::NotifyState;

/// All inputs listen.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The configuration is being read again; [`ready`] follows.
pub fn reloading() {
    let mut states = vec![NotifyState::Reloading];
    states.extend(NotifyState::monotonic_usec_now());
    tell(&states);
}

/// The relay drains.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// The relay lives.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// How often it wants to be told that (`WATCHDOG_USEC`).
#[must_use]
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// A manager that does not listen will notice by itself.
fn tell(states: &[NotifyState<'_>]) {
    drop(sd_notify::notify(states));
}
