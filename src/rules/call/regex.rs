//! Functions of regular expressions.

use regex::bytes::Regex;

use crate::rules::call::Answer;
use crate::rules::call::Invocation;
use crate::rules::call::Routine;
use crate::rules::call::Takes;

/// `re_extract(text, regex, match, submatch, otherwise)`, rsyslog's.
#[derive(Debug)]
pub(super) struct Extract {
    pub(super) regex: Regex,
}

impl Routine for Extract {
    fn takes(&self) -> &[Takes] {
        &[Takes::Text, Takes::Number, Takes::Number, Takes::Text]
    }

    fn run(&self, call: &Invocation<'_>, out: &mut Vec<u8>) -> Answer {
        let found = usize::try_from(call.number(1)).ok().and_then(|nth| {
            let captures = self.regex.captures_iter(call.text(0)).nth(nth)?;
            captures.get(usize::try_from(call.number(2)).ok()?)
        });
        out.extend_from_slice(found.map_or_else(|| call.text(3), |found| found.as_bytes()));
        Answer::Text
    }

    fn varies(&self) -> bool {
        false
    }
}
