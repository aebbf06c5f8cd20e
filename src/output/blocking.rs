//! Calls that may hang (a full disk, a dead mount, a stopped terminal) run on a thread of their
//! own, so that nothing else waits with them.

/// Runs `work` with `state` on a thread that may block, and hands the state back with the result.
/// `None` if the runtime is going down.
pub(super) async fn on_thread<S, R>(
    mut state: S,
    work: impl FnOnce(&mut S) -> R + Send + 'static,
) -> Option<(S, R)>
where
    S: Send + 'static,
    R: Send + 'static,
{
    let thread = tokio::task::spawn_blocking(move || {
        let result = work(&mut state);
        (state, result)
    });
    match thread.await {
        Ok(done) => Some(done),
        Err(e) => match e.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => None,
        },
    }
}
