//! Ctrl-C and SIGTERM: what was measured so far is reported, and a relay that was started is ended.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;

use tokio::runtime::Builder;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

use crate::cli::bench::error::BenchError;

/// Whether the user wants no more.
#[derive(Clone, Debug, Default)]
pub(super) struct Interrupt {
    raised: Arc<AtomicBool>,
}

impl Interrupt {
    /// Watches for signals from now on, until the process ends.
    ///
    /// # Errors
    /// When there are no descriptors left to do so.
    pub(super) fn watch() -> Result<Self, BenchError> {
        let interrupt = Self::default();
        let raised = Arc::clone(&interrupt.raised);
        let wait = async move {
            let mut end = signal(SignalKind::terminate())?;
            let mut stop = signal(SignalKind::interrupt())?;
            tokio::select! {
                _ = end.recv() => {}
                _ = stop.recv() => {}
            }
            raised.store(true, Ordering::Relaxed);
            io::Result::Ok(())
        };
        let runtime = Builder::new_current_thread()
            .enable_io()
            .build()
            .map_err(|source| BenchError::io("cannot watch for signals", source))?;
        // Without handlers the signals do what they always do.
        thread::spawn(move || runtime.block_on(wait).unwrap_or_default());
        Ok(interrupt)
    }

    pub(super) fn raised(&self) -> bool {
        self.raised.load(Ordering::Relaxed)
    }
}
