//! Functions of regular expressions.

use crate::base::posix::Expression;
use crate::rules::call::Answer;
use crate::rules::call::Invocation;
use crate::rules::call::Routine;
use crate::rules::call::Takes;
use crate::rules::ir::Varies;

/// Groups that rsyslog has room for, the whole match among them.
const GROUPS: usize = 50;

/// `re_extract(text, regex, match, submatch, otherwise)`, rsyslog's.
#[derive(Debug)]
pub(super) struct Extract {
    pub(super) regex: Expression,
}

impl Routine for Extract {
    fn takes(&self) -> &[Takes] {
        &[Takes::Text, Takes::Number, Takes::Number, Takes::Text]
    }

    fn run(&self, call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
        // rsyslog counts matches up in a number of 16 bits until it is the wanted one.
        let number = usize::try_from(call.number(1) & 0xFFFF).unwrap_or_default();
        let group = usize::try_from(call.number(2)).ok().filter(|group| *group < GROUPS);
        let found = group.and_then(|group| self.regex.nth(call.text(0), number, group).flatten());
        out.extend_from_slice(found.unwrap_or_else(|| call.text(3)));
        Answer::Text
    }

    fn varies(&self) -> Varies {
        Varies::Never
    }
}
