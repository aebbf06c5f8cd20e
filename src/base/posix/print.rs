//! An expression in the syntax of the `regex` crate, which tells fast whether and where a match
//! begins, and where a text can be taken in one way only, all of it.

use std::fmt::Write as _;

use crate::base::posix::tree::Anchor;
use crate::base::posix::tree::ByteSet;
use crate::base::posix::tree::Tree;

/// Groups are groups of the same number. Instead of a back reference there is anything: what is
/// found then is where a match may begin.
pub(super) fn print(tree: Option<&Tree>) -> String {
    let mut out = String::new();
    if let Some(tree) = tree {
        write(tree, &mut out);
    }
    out
}

fn write(tree: &Tree, out: &mut String) {
    match tree {
        Tree::Bytes(set) => bytes(set, out),
        Tree::Anchor(anchor) => out.push_str(match anchor {
            Anchor::Start => "^",
            Anchor::End => "$",
            Anchor::WordEdge => "\\b",
            Anchor::NoWordEdge => "\\B",
            Anchor::WordStart => "\\<",
            Anchor::WordEnd => "\\>",
        }),
        Tree::Group(_, inner) => {
            out.push('(');
            if let Some(inner) = inner {
                write(inner, out);
            }
            out.push(')');
        }
        Tree::Back(_) => out.push_str(".*"),
        Tree::Join(parts) => {
            for part in parts {
                let loose = matches!(part, Tree::Or(_));
                out.push_str(if loose { "(?:" } else { "" });
                write(part, out);
                out.push_str(if loose { ")" } else { "" });
            }
        }
        Tree::Or(branches) => {
            for (at, branch) in branches.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "|" });
                if let Some(branch) = branch {
                    write(branch, out);
                }
            }
        }
        Tree::Repeat(inner, low, high) => {
            // In a group of its own, because `a+?` is `(a+)?` in POSIX and no lazy repetition.
            out.push_str("(?:");
            write(inner, out);
            out.push(')');
            match (low, high) {
                (0, None) => out.push('*'),
                (1, None) => out.push('+'),
                (0, Some(1)) => out.push('?'),
                (low, None) => _ = write!(out, "{{{low},}}"),
                (low, Some(high)) => _ = write!(out, "{{{low},{high}}}"),
            }
        }
    }
}

fn bytes(set: &ByteSet, out: &mut String) {
    let runs = set.runs();
    match *runs {
        [(0, 255)] => out.push('.'),
        [(first, last)] if first == last => byte(first, out),
        [] => out.push_str("[^\\x00-\\xFF]"),
        _ => {
            out.push('[');
            for (first, last) in runs {
                byte(first, out);
                if last > first {
                    out.push('-');
                    byte(last, out);
                }
            }
            out.push(']');
        }
    }
}

fn byte(byte: u8, out: &mut String) {
    if byte.is_ascii_alphanumeric() || byte == b' ' {
        out.push(char::from(byte));
    } else {
        _ = write!(out, "\\x{byte:02X}");
    }
}
