//! The values of a table, each kept once, however many keys lead to it.

use crate::lookup::Answer;
use crate::lookup::texts::Index;
use crate::lookup::texts::Texts;
use crate::message::json::Style;
use crate::message::json::Value;
use crate::message::json::print;

/// The number of the value for keys that are not there.
pub(super) const NO_MATCH: u32 = 0;

/// Values by number.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// Of JSON values as they print.
    texts: Texts,
    /// By number, as far as there are any; null stands for those that are texts.
    json: Vec<Value>,
    no_match: Vec<u8>,
    no_match_json: Option<Value>,
}

impl Values {
    /// One value for all keys.
    pub(super) fn only(no_match: &[u8]) -> Self {
        Self { no_match: no_match.into(), ..Self::default() }
    }

    #[inline]
    pub(super) fn get(&self, number: u32) -> Answer<'_> {
        if number == NO_MATCH {
            return match &self.no_match_json {
                Some(value) => Answer::Json(value),
                None => Answer::Text(&self.no_match),
            };
        }
        match self.json.get(number as usize) {
            None | Some(Value::Null) => Answer::Text(self.texts.get(number)),
            Some(value) => Answer::Json(value),
        }
    }
}

/// Collects the values of a table that is being read.
#[derive(Debug)]
pub(super) struct Interner {
    values: Values,
    texts: Index,
    json: Index,
    printed: Vec<u8>,
}

impl Interner {
    pub(super) fn new() -> Self {
        let mut values = Values::default();
        // The place of NO_MATCH.
        values.texts.push(b"");
        Self { values, texts: Index::default(), json: Index::default(), printed: Vec::new() }
    }

    /// The number of a text.
    pub(super) fn text(&mut self, text: &[u8]) -> u32 {
        intern(text, &mut self.texts, &mut self.values.texts)
    }

    /// The number of a value that stays what it is; equal ones have one number.
    pub(super) fn json(&mut self, value: Value) -> u32 {
        self.printed.clear();
        print(&value, Style::Plain, &mut self.printed);
        let number = intern(&self.printed, &mut self.json, &mut self.values.texts);
        let (at, json) = (number as usize, &mut self.values.json);
        if json.len() <= at {
            json.resize(at + 1, Value::Null);
            json[at] = value;
        }
        number
    }

    /// All of them, and what is said where no key is.
    pub(super) fn finish(mut self, no_match: &[u8], json: Option<Value>) -> Values {
        self.values.texts.shrink();
        self.values.json.shrink_to_fit();
        Values { no_match: no_match.into(), no_match_json: json, ..self.values }
    }
}

fn intern(text: &[u8], index: &mut Index, texts: &mut Texts) -> u32 {
    if let Some(number) = index.find(text, texts) {
        return number;
    }
    let number = texts.push(text);
    index.insert(number, texts);
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_number() {
        let mut interner = Interner::new();
        let list = || Value::Array(vec![Value::Int(1)]);
        let a = interner.text(b"a");
        let b = interner.text(b"[1]");
        let c = interner.json(list());
        assert_eq!((interner.text(b"a"), interner.json(list())), (a, c));
        assert!(a != b && b != c && a != NO_MATCH);
        let values = interner.finish(b"none", None);
        assert_eq!(values.get(a), Answer::Text(b"a"));
        assert_eq!(values.get(b), Answer::Text(b"[1]"));
        assert_eq!(values.get(c), Answer::Json(&list()));
        assert_eq!(values.get(NO_MATCH), Answer::Text(b"none"));
    }
}
