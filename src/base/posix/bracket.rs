//! Bracket expressions. A backslash is a literal in them.

use crate::base::posix::Fault;
use crate::base::posix::parse::Parser;
use crate::base::posix::tree::ByteSet;
use crate::base::posix::tree::Tree;

/// One thing between the brackets.
enum Element {
    Byte(u8),
    /// `[=b=]` is the byte alone in the C locale, but no end of a range.
    Equivalent(u8),
    Class(ByteSet),
}

/// Reads one; its `[` is read already, and its `]` is when this returns.
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<Tree, Fault> {
    let negated = parser.rest.first() == Some(&b'^');
    parser.rest = &parser.rest[usize::from(negated)..];
    let mut set = ByteSet::default();
    let mut first = true;
    loop {
        match parser.rest {
            [] => return Err(unmatched()),
            [b']', rest @ ..] if !first => {
                parser.rest = rest;
                break;
            }
            // A hyphen stands for itself in the first and in the last place only.
            [b'-', next, ..] if !first && *next != b']' && !parser.rest.starts_with(b"---") => {
                return Err(bad_range());
            }
            _ => {}
        }
        first = false;
        let low = element(parser)?;
        let high = match (&low, parser.rest) {
            (Element::Byte(_), [b'-', next, ..]) if *next != b']' => {
                parser.rest = &parser.rest[1..];
                Some(element(parser)?)
            }
            (Element::Byte(_), [b'-']) => return Err(unmatched()),
            _ => None,
        };
        match (low, high) {
            (Element::Byte(low), Some(Element::Byte(high))) if low <= high => {
                (low..=high).for_each(|byte| set.insert(byte));
            }
            (_, Some(_)) => return Err(bad_range()),
            (Element::Byte(byte) | Element::Equivalent(byte), None) => set.insert(byte),
            (Element::Class(class), None) => set.join(&class),
        }
    }
    let set = if negated { ByteSet::of(|byte| !set.contains(byte)) } else { set };
    Ok(parser.unfolded(&set))
}

fn unmatched() -> Fault {
    Fault::of("unmatched [")
}

fn bad_range() -> Fault {
    Fault::of("invalid range end")
}

fn element(parser: &mut Parser<'_>) -> Result<Element, Fault> {
    let (kind, inside) = match parser.rest {
        [b'[', kind @ (b'.' | b'=' | b':'), inside @ ..] => (*kind, inside),
        // Three hyphens are one.
        [b'-', b'-', b'-', rest @ ..] => {
            parser.rest = rest;
            return Ok(Element::Byte(b'-'));
        }
        [byte, rest @ ..] => {
            parser.rest = rest;
            return Ok(Element::Byte(parser.folded(*byte)));
        }
        [] => return Err(unmatched()),
    };
    let end = memchr::memmem::find(inside, &[kind, b']']).ok_or_else(unmatched)?;
    let (name, rest) = (&inside[..end], &inside[end + 2..]);
    parser.rest = rest;
    match (kind, name) {
        (b':', name) => class(name, parser.any_case).map(Element::Class),
        (b'=', [byte]) => Ok(Element::Equivalent(parser.folded(*byte))),
        (_, [byte]) => Ok(Element::Byte(parser.folded(*byte))),
        _ => Err(Fault::of("invalid collation element")),
    }
}

fn class(name: &[u8], any_case: bool) -> Result<ByteSet, Fault> {
    let is: fn(u8) -> bool = match name {
        b"lower" | b"upper" if any_case => |byte| byte.is_ascii_alphabetic(),
        b"alnum" => |byte| byte.is_ascii_alphanumeric(),
        b"alpha" => |byte| byte.is_ascii_alphabetic(),
        b"blank" => |byte| byte == b' ' || byte == b'\t',
        b"cntrl" => |byte| byte.is_ascii_control(),
        b"digit" => |byte| byte.is_ascii_digit(),
        b"graph" => |byte| byte.is_ascii_graphic(),
        b"lower" => |byte| byte.is_ascii_lowercase(),
        b"print" => |byte| byte.is_ascii_graphic() || byte == b' ',
        b"punct" => |byte| byte.is_ascii_punctuation(),
        b"space" => |byte| byte.is_ascii_whitespace() || byte == 0x0B,
        b"upper" => |byte| byte.is_ascii_uppercase(),
        b"xdigit" => |byte| byte.is_ascii_hexdigit(),
        _ => {
            let name = String::from_utf8_lossy(name);
            return Err(Fault::of(&format!("invalid character class name '{name}'")));
        }
    };
    Ok(ByteSet::of(is))
}
