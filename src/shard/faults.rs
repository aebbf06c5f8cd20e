//! What goes wrong in rules is said, but not for every message.

use std::mem::Discriminant;
use std::mem::discriminant;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::base::clock;
use crate::base::reporter::Level;
use crate::base::reporter::Reporter;
use crate::rules::Fault;

/// Faults of one kind are said once in this time, with how many there were meanwhile.
const PAUSE: Duration = Duration::from_secs(30);

/// When each kind of fault was said last, and how many were not said since.
#[derive(Debug)]
pub(super) struct Faults {
    reporter: Arc<dyn Reporter>,
    said: Vec<(Discriminant<Fault<'static>>, Instant, u64)>,
}

impl Faults {
    pub(super) const fn new(reporter: Arc<dyn Reporter>) -> Self {
        Self { reporter, said: Vec::new() }
    }

    pub(super) fn say(&mut self, fault: Fault<'_>) {
        let kind = kind(fault);
        let now = clock::monotonic();
        let known = self.said.iter_mut().find(|(known, ..)| *known == kind);
        let mut text = fault.to_string();
        match known {
            Some((_, last, unsaid)) if now.duration_since(*last) < PAUSE => {
                *unsaid += 1;
                return;
            }
            Some((_, last, unsaid)) => {
                if *unsaid > 0 {
                    text = format!("{text} (and {unsaid} times since it was said last)");
                }
                (*last, *unsaid) = (now, 0);
            }
            None => self.said.push((kind, now, 0)),
        }
        self.reporter.say(Level::Error, text);
    }
}

const fn kind(fault: Fault<'_>) -> Discriminant<Fault<'static>> {
    discriminant(&match fault {
        Fault::NoRuleset(_) => Fault::NoRuleset(b""),
        Fault::TooManyCalls(_) => Fault::TooManyCalls(b""),
        Fault::TooManyRounds => Fault::TooManyRounds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::reporter::Said;

    #[test]
    fn each_kind_is_said_once_in_a_while() {
        let said = Arc::new(Said::default());
        let mut faults = Faults::new(said.clone());
        for name in [b"a", b"b"] {
            faults.say(Fault::NoRuleset(name));
            faults.say(Fault::TooManyRounds);
        }
        assert_eq!(said.0.lock().unwrap().len(), 2);
        faults.said[0].1 -= PAUSE;
        faults.say(Fault::NoRuleset(b"c"));
        let last = said.0.lock().unwrap().pop().unwrap();
        assert!(last.contains("'c'") && last.contains("(and 1 times"), "{last}");
    }
}
