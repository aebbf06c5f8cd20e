//! Traps of the old `$Directives`.

use crate::base::diag::Severity::Warning;
use crate::engine::lint::Findings;
use crate::engine::lint::Lint;
use crate::engine::lint::Survey;

pub(super) static LINTS: &[&Lint] = &[&DIRECTIVE_UNBOUND];

static DIRECTIVE_UNBOUND: Lint = Lint {
    id: "directive-unbound",
    severity: Warning,
    what: "A `$Action…` directive is not read by any action.",
    why: "It is for the next action that is written as a line (`*.* @@host`). An action() does not \
          look at it: the queue or the retries that it asks for do not exist.",
    help: "write it as a parameter: action(… queue.type=\"LinkedList\" …)",
};

/// Names that are listed; others are counted.
const NAMES_MAX: usize = 3;

pub(super) fn look(survey: &Survey<'_>, found: &mut Findings<'_>) {
    // Several of them, one behind the other, are lost for one reason.
    for group in survey.config.unbound.chunk_by(|one, next| one.spent == next.spent) {
        let [first, ..] = group else { continue };
        let shown = group.iter().take(NAMES_MAX);
        let mut names: Vec<_> = shown.map(|unbound| survey.text_at(unbound.directive)).collect();
        if group.len() > NAMES_MAX {
            names.push(format!("and {} more", group.len() - NAMES_MAX));
        }
        let names = names.join(" ");
        let text = match first.spent {
            Some(action) => {
                let line = found.line(&DIRECTIVE_UNBOUND, first.directive, action);
                format!("the action() of {line} does not read {names}")
            }
            None => format!("no action follows that would read {names}"),
        };
        found.add(&DIRECTIVE_UNBOUND, first.directive, text);
    }
}
