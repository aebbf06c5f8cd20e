//! `$template name,"text",options`.

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Param;
use crate::config::legacy::action::object;
use crate::config::legacy::action::param;
use crate::config::text::Source;

/// Options behind the text, and what they are in `template()`. There is no `jsonf`.
const OPTIONS: [(&str, &str); 4] = [
    ("casesensitive", "option.caseSensitive"),
    ("json", "option.json"),
    ("sql", "option.sql"),
    ("stdsql", "option.stdsql"),
];
/// Those of which the last one holds (seen from rsyslogd 8.2302; `template()` takes only one).
const ESCAPES: [&str; 3] = ["option.json", "option.sql", "option.stdsql"];

/// Reads the part behind `$template`. The text is kept with its escapes: whoever compiles a
/// template undoes them, as it does for `template(string=…)`.
pub(super) fn parse(
    source: &Source,
    start: usize,
    end: usize,
    loc: Loc,
    diags: &mut Diagnostics,
) -> Option<Object> {
    let text = &source.text[..end];
    let blanks =
        |at: usize| at + text[at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let Some(comma) = memchr::memchr(b',', &text[start..]).map(|length| start + length) else {
        let help = "write: $template name,\"text\"";
        diags.push(Diagnostic::error(loc, "a ',' is missing behind the name").help(help));
        return None;
    };
    let name = text[start..comma].trim_ascii();
    let name_loc = source.loc(start, start + name.len());
    if name.is_empty() {
        diags.push(Diagnostic::error(loc, "this template has no name"));
        return None;
    }
    let mut params = vec![param("name", name, name_loc)];
    let open = blanks(comma + 1);
    if text.get(open) == Some(&b'=') {
        let plugin = text[open + 1..].trim_ascii();
        let length = plugin.iter().take_while(|b| !b.is_ascii_whitespace()).count();
        let behind = plugin[length..].trim_ascii();
        if !behind.is_empty() && !behind.starts_with(b"#") {
            let message = format!("'{}' stands behind the template", bstr::BStr::new(behind));
            let help = "write: $template name,=PLUGIN";
            diags.push(Diagnostic::error(source.loc(end - behind.len(), end), message).help(help));
        }
        let place = source.loc(open + 1, end);
        params.push(param("type", "plugin", place));
        params.push(param("plugin", &plugin[..length], place));
        return Some(object(ObjectKind::Template, loc, params));
    }
    if text.get(open) != Some(&b'"') {
        let place = source.loc(open.min(end - 1), end);
        let help = "write: $template name,\"text\"";
        diags.push(Diagnostic::error(place, "the template's text is not quoted").help(help));
        return None;
    }
    // rsyslog takes a text without its closing quote up to the end of the line.
    let close = closing_quote(text, open + 1);
    let body = &text[open + 1..close.unwrap_or(end)];
    let place = match close {
        Some(close) => source.loc(open, close + 1),
        None => source.loc(open + 1, end),
    };
    params.push(param("type", "string", place));
    params.push(param("string", body, place));
    match close {
        Some(close) => options(source, close + 1, end, &mut params, diags),
        // With an odd number of percent signs the quote is there, and part of a property.
        None if memchr::memchr_iter(b'%', body).count() % 2 == 1 && body.ends_with(b"\"") => {}
        None => diags.push(
            Diagnostic::warning(source.loc(open, open + 1), "the template's text is not closed")
                .help("it ends with the line; write a quote there"),
        ),
    }
    Some(object(ObjectKind::Template, loc, params))
}

/// The quote that ends the text: not one behind a backslash, nor one inside of `%…%`.
fn closing_quote(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += memchr::memchr3(b'"', b'\\', b'%', text.get(at..)?)?;
        match text[at] {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => {
                // A regular expression ends with `--end`, and may hold percent signs before it.
                let property = text.get(at + 1..)?;
                let first = memchr::memchr(b'%', property)?;
                let regex = property[..first].windows(2).any(|w| w.eq_ignore_ascii_case(b":R"));
                let end = regex.then(|| memchr::memmem::find(property, b"--end")).flatten();
                let length = match end {
                    Some(regex) => regex + memchr::memchr(b'%', &property[regex..])?,
                    None => first,
                };
                at += length + 2;
            }
        }
    }
}

/// `,sql,casesensitive`. Seen from rsyslogd 8.2302: an option is all that stands before the next
/// comma, so that blanks behind it and comments make it another one. At the end of the line blanks
/// do not count.
fn options(
    source: &Source,
    start: usize,
    end: usize,
    params: &mut Vec<Param>,
    diags: &mut Diagnostics,
) {
    let text = &source.text[..end];
    let mut at = start;
    loop {
        at += text[at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        match text.get(at) {
            None | Some(b'#') => return,
            Some(b',') => {
                at += 1;
                at += text[at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
                let behind = &text[at..];
                let word = match memchr::memchr(b',', behind) {
                    Some(comma) => &behind[..comma],
                    None => behind.trim_ascii_end(),
                };
                let place = source.loc(at, at + word.len());
                let known = OPTIONS.iter().find(|(k, _)| word.eq_ignore_ascii_case(k.as_bytes()));
                match known {
                    Some((_, name)) => {
                        if ESCAPES.contains(name) {
                            params.retain(|given| !ESCAPES.contains(&given.name.text.as_str()));
                        }
                        params.push(param(name, "on", place));
                    }
                    // `,,` and a comma at the end.
                    None if word.is_empty() => {}
                    None => {
                        let shown = bstr::BStr::new(word);
                        let message = format!("unknown template option '{shown}'");
                        let help = "options: sql stdsql json casesensitive, nothing behind them";
                        diags.push(Diagnostic::warning(place, message).help(help));
                    }
                }
                at += word.len();
            }
            Some(_) => {
                let shown = bstr::BStr::new(text[at..].trim_ascii());
                let message = format!("'{shown}' stands behind the template");
                let help = "only ',option' or a comment may stand here";
                diags.push(Diagnostic::error(source.loc(at, end), message).help(help));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ast::Value;

    fn read(text: &str) -> (Option<Vec<(String, String)>>, Vec<String>) {
        let source = Source::new(0, text.as_bytes());
        let mut diags = Diagnostics::default();
        let found = parse(&source, 0, text.len(), Loc::default(), &mut diags);
        let params = found.map(|object| {
            let text = |value: &Value| match value {
                Value::Str(text) => text.to_string(),
                Value::Array(_) => unreachable!("templates hold no arrays"),
            };
            object.params.iter().map(|p| (p.name.text.clone(), text(&p.value))).collect()
        });
        (params, diags.all.into_iter().map(|d| d.message).collect())
    }

    fn string(text: &str) -> String {
        read(text).0.unwrap()[2].1.clone()
    }

    #[test]
    fn text_and_options() {
        let (params, complaints) = read(r#"T, "%msg%\n",json, casesensitive"#);
        let params = params.unwrap();
        assert_eq!(params[0], ("name".into(), "T".into()));
        assert_eq!(params[2], ("string".into(), r"%msg%\n".into()));
        assert_eq!(params[3], ("option.json".into(), "on".into()));
        assert_eq!(params[4], ("option.caseSensitive".into(), "on".into()));
        assert!(complaints.is_empty());
        assert_eq!(read("T,=RSYSLOG_FileFormat").0.unwrap()[2].1, "RSYSLOG_FileFormat");
    }

    #[test]
    fn the_last_escape_holds() {
        let (params, complaints) = read(r#"T,"x",SQL,json,JsonF,caseSensitive,stdSQL"#);
        let names: Vec<_> = params.unwrap()[3..].iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(names, ["option.caseSensitive", "option.stdsql"]);
        assert_eq!(complaints, ["unknown template option 'JsonF'"]);
        let (params, complaints) = read(r#"T,"x", sql , ,json # why"#);
        assert_eq!(params.unwrap().len(), 3);
        let unknown = ["unknown template option 'sql '", "unknown template option 'json # why'"];
        assert_eq!(complaints, unknown);
        let (params, complaints) = read("T,\"x\" ,json\t # why");
        assert_eq!((params.unwrap().len(), complaints.len()), (3, 1));
        assert!(read("T,\"x\" # why").1.is_empty());
    }

    #[test]
    fn quotes_inside_of_the_text() {
        assert_eq!(
            string(r#"T,"a\"b%msg:R,ERE,1,FIELD:x"%y--end%c""#),
            r#"a\"b%msg:R,ERE,1,FIELD:x"%y--end%c"#
        );
        assert_eq!(string(r#"T,"100%% \\""#), r"100%% \\");
        let (params, complaints) = read(r"T,%msg%");
        assert!(params.is_none());
        assert_eq!(complaints, ["the template's text is not quoted"]);
        let (params, complaints) = read(r#"T,"%msg%\$"#);
        assert_eq!(params.unwrap()[2].1, r"%msg%\$");
        assert_eq!(complaints, ["the template's text is not closed"]);
        assert_eq!(read(r#"T,"x")"#).1, ["')' stands behind the template"]);
    }
}
