//! The statements of RainerScript that are no objects.

use crate::config::manual;

/// A statement.
#[derive(Debug)]
pub(super) struct Statement {
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    pub doc: &'static str,
    /// The page of rsyslog's documentation.
    pub page: &'static str,
}

const fn statement(
    name: &'static str,
    usage: &'static str,
    doc: &'static str,
    page: &'static str,
) -> Statement {
    Statement { name, usage, doc, page }
}

pub(super) static STATEMENTS: &[Statement] = &[
    statement(
        "if",
        "if EXPRESSION then { … } else { … }",
        "Runs the first block if the expression is true, else the second, if there is one.",
        manual::CONTROL,
    ),
    statement(
        "foreach",
        "foreach ($.element in $!array) do { … }",
        "Runs the block with each element of an array in the variable, or with each member of an \
         object as {\"key\": …, \"value\": …}. The variable is gone afterwards.",
        manual::CONTROL,
    ),
    statement(
        "set",
        "set $!name = EXPRESSION;",
        "Sets a variable of the message ($!), of its way through the rules ($.) or of all \
         messages ($/). An object of that name gets the members of an object added.",
        manual::VARIABLES,
    ),
    statement(
        "reset",
        "reset $!name = EXPRESSION;",
        "Sets a variable, and removes what was there before.",
        manual::VARIABLES,
    ),
    statement(
        "unset",
        "unset $!name;",
        "Removes a variable with all that is in it.",
        manual::VARIABLES,
    ),
    statement(
        "call",
        "call ruleset",
        "Runs a ruleset, and goes on behind it. A stop in there ends the message's way here too, \
         unless the ruleset has a queue of its own: then it gets a copy.",
        manual::CALL,
    ),
    statement(
        "call_indirect",
        "call_indirect EXPRESSION;",
        "Runs the ruleset whose name the expression gives; one that does not exist is complained \
         of, and the message goes on.",
        manual::CALL_INDIRECT,
    ),
    statement(
        "stop",
        "stop",
        "Ends the message's way through the rules. Legacy lines write it as ~.",
        manual::ACTIONS,
    ),
    statement(
        "continue",
        "continue",
        "Does nothing, where a statement has to stand.",
        manual::CONTROL,
    ),
    statement(
        "reload_lookup_table",
        "reload_lookup_table(\"table\", \"value\")",
        "Reads a lookup table anew; others go on with the old one meanwhile. If that fails the old \
         one stays, or each key finds the value, if one is given.",
        manual::LOOKUP_TABLES,
    ),
];

/// The statement called `name`, in any letter case.
pub(super) fn find(name: &str) -> Option<&'static Statement> {
    let name = name.trim_end_matches("()");
    STATEMENTS.iter().find(|statement| statement.name.eq_ignore_ascii_case(name))
}
