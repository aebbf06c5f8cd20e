//! Property filters: `:msg, !contains, "value"`.

use bstr::BString;
use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::nearest;
use crate::config::ast::FilterOperation;
use crate::config::ast::PropertyFilter;
use crate::config::ast::Word;
use crate::config::text::Source;

const OPERATIONS: [(&str, FilterOperation); 9] = [
    ("contains", FilterOperation::Contains),
    ("contains_i", FilterOperation::ContainsI),
    ("endswith", FilterOperation::EndsWith),
    ("ereregex", FilterOperation::Ereregex),
    ("isempty", FilterOperation::IsEmpty),
    ("isequal", FilterOperation::IsEqual),
    ("regex", FilterOperation::Regex),
    ("startswith", FilterOperation::StartsWith),
    ("startswith_i", FilterOperation::StartsWithI),
];

/// How a compare operation is written.
pub(in crate::config) fn written(operation: FilterOperation) -> &'static str {
    OPERATIONS.iter().find(|(_, known)| *known == operation).map_or("", |(name, _)| name)
}

/// Reads `start..end` of the text, which has the form of a property filter.
///
/// # Errors
/// The compare operation is not known.
pub(in crate::config) fn parse(
    source: &Source,
    start: usize,
    end: usize,
) -> Result<PropertyFilter, Diagnostic> {
    // The form is given: two commas before the first quote.
    let text = &source.text[start..end];
    let comma = |from: usize| text[from..].find_byte(b',').map_or(text.len(), |at| from + at);
    let first = comma(1);
    let second = comma((first + 1).min(text.len()));
    let word = |from: usize, to: usize| {
        let field = text.get(from..to).unwrap_or_default();
        let from = from + field.iter().take_while(|b| **b == b' ').count();
        let field = field.trim();
        let text = field.to_str_lossy().into_owned();
        Word { text, loc: source.loc(start + from, start + from + field.len()) }
    };
    let mut operation = word(first + 1, second);
    let negated = operation.text.starts_with('!');
    if negated {
        operation.text.remove(0);
        operation.loc.start += 1;
    }
    let known = OPERATIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&operation.text));
    let Some((_, known)) = known else {
        let text = format!("unknown compare operation '{}'", operation.text);
        let near = nearest(&operation.text, OPERATIONS.iter().map(|(name, _)| *name));
        let help = near.map_or_else(
            || "operations: contains isequal isempty startswith regex ereregex".to_owned(),
            |near| format!("did you mean '{near}'?"),
        );
        return Err(Diagnostic::error(operation.loc, text).help(help));
    };
    let quote = text.find_byte(b'"').map_or(text.len(), |at| at + 1);
    let value = unescape(text.get(quote..text.len() - 1).unwrap_or_default());
    Ok(PropertyFilter { property: word(1, first), negated, operation: *known, value })
}

/// A backslash takes the next character as it is; `\n` is an n.
fn unescape(text: &[u8]) -> BString {
    let mut value = BString::from(Vec::with_capacity(text.len()));
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        let byte = if *byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte };
        value.push(*byte);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Result<PropertyFilter, Diagnostic> {
        parse(&Source::new(0, text.as_bytes()), 0, text.len())
    }

    #[test]
    fn parts_are_taken_apart() {
        let found = filter(r#":fromhost-ip , !STARTSWITH, "a\"b\n\\""#).unwrap();
        assert_eq!(found.property.text, "fromhost-ip");
        assert_eq!((found.property.loc.start, found.property.loc.end), (1, 12));
        assert!(found.negated);
        assert_eq!(found.operation, FilterOperation::StartsWith);
        assert_eq!(found.value, r#"a"bn\"#);
    }

    #[test]
    fn unknown_operations_are_named() {
        let wrong = filter(r#":msg, !contain, "x""#).unwrap_err();
        assert_eq!(wrong.message, "unknown compare operation 'contain'");
        assert_eq!((wrong.loc.start, wrong.loc.end), (7, 14));
        assert_eq!(wrong.help.as_deref(), Some("did you mean 'contains'?"));
    }
}
