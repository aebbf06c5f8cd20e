//! The fuzz target `template`: any text is compiled, and any message rendered, without a panic,
//! within bounds, and to the same bytes as by the twin.

use std::sync::Arc;

use bstr::ByteSlice;

use crate::base::clock::LocalZone;
use crate::base::clock::Wall;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::span::Span;
use crate::config;
use crate::config::ast::StmtKind;
use crate::message::Arrival;
use crate::message::Batch;
use crate::message::GlobalVariables;
use crate::message::InputInfo;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::Property;
use crate::message::Source;
use crate::message::Variable;
use crate::message::Variables;
use crate::message::View;
use crate::message::json;
use crate::message::json::Case;
use crate::parse;
use crate::parse::ParseSettings;
use crate::parse::frame::Frame;
use crate::template::Escape;
use crate::template::Options;
use crate::template::Template;
use crate::template::compile;
use crate::template::field::Field;
use crate::template::field::Format;
use crate::template::render::Op;
use crate::template::text::Escapes;
use crate::template::twin;

/// Wider fields than this are not rendered: they are what was asked for, and take their time.
const WIDTHS_MAX: usize = 1 << 16;
/// More templates of a configuration are not rendered.
const TEMPLATES_MAX: usize = 16;
/// What is rendered if the input holds no message.
const MESSAGE: &[u8] =
    b"<34>1 2003-10-11T22:14:15.003Z h a/b 8 ID [x@1 n=\"1\"] @cee: {\"a\":[1,\"\"]}";

/// `input` is a digit that says what the template is, its text, NUL, and a message.
///
/// | digit | text |
/// |---|---|
/// | 0 | of a `$template` line |
/// | 1 | of `template(type="string")` |
/// | 2 | a configuration with templates |
/// | 3, 4, 5, 6 | as 1, with `option.sql`, `stdsql`, `json`, `jsonf` |
/// | 7 | none: all built-in templates |
pub fn fuzz_template(input: &[u8]) {
    let Some((form, rest)) = input.split_first() else { return };
    let (text, message) = rest.split_once_str(b"\0").unwrap_or((rest, MESSAGE));
    let templates = templates(*form, text);
    if templates.is_empty() {
        return;
    }
    let batch = batch(message);
    let variables = variables(&batch);
    let view = View { variables: &variables, ..batch.view(&batch.messages[0]) };
    for template in templates.iter().take(TEMPLATES_MAX) {
        check(template, &view);
    }
}

fn templates(form: u8, text: &[u8]) -> Vec<Template> {
    let mut diags = Diagnostics::default();
    let escape = match form % 8 {
        3 => Escape::Sql,
        4 => Escape::StdSql,
        5 => Escape::Json,
        _ => Escape::None,
    };
    let options = Options { escape, object: form % 8 == 6, case_sensitive: false };
    let escapes = if form.is_multiple_of(8) { Escapes::Legacy } else { Escapes::Done };
    match form % 8 {
        2 => {
            let config = config::parse_sealed("fuzz.conf", text);
            let objects = config.statements.iter().filter_map(|statement| match &statement.kind {
                StmtKind::Object(object) => Some(object),
                _ => None,
            });
            objects.filter_map(|object| Template::compile(object, &mut diags)).collect()
        }
        7 => Template::builtin_names().filter_map(Template::builtin).collect(),
        _ => {
            let made = compile::string("t", text, escapes, &options, Loc::default(), &mut diags);
            made.into_iter().collect()
        }
    }
}

/// The message as an input parses it.
fn batch(message: &[u8]) -> Batch {
    let input = InputInfo { name: "imtcp".into(), hostname: Arc::from("relay") };
    let mut batch = Batch::new(Arc::new(input));
    let mut zone = LocalZone::of(jiff::tz::TimeZone::fixed(jiff::tz::offset(9)));
    batch.arrival = Arrival::at(Wall { secs: 1_795_323_600, micros: 123_456 }, &mut zone);
    batch.sources.push(Arc::new(Source::new(Some([10, 0, 3, 7].into()), None)));
    batch.data.extend_from_slice(message);
    let frame = Frame { span: Span::new(0, message.len()), truncated: false };
    let settings = ParseSettings::default();
    let message = parse::message(&mut batch.data, frame, &settings, &batch.arrival);
    batch.messages.push(message);
    batch
}

/// `$!` and `$.` as `mmjsonparse` leaves them, if the text is JSON.
fn variables(batch: &Batch) -> Variables {
    let text = batch.messages[0].msg.of(&batch.data).trim_start();
    let text = text.strip_prefix(b"@cee:").unwrap_or(text);
    let global = Arc::new(GlobalVariables::default());
    let mut variables = Variables::new(global, Case::Insensitive);
    if let Some(tree) = json::parse(text, Case::Insensitive) {
        for root in [b"!".as_slice(), b"."] {
            if let Some(root) = Variable::parse(root) {
                // What is no object cannot be a tree; then there is none.
                _ = variables.set(&root, tree.clone());
            }
        }
    }
    variables
}

fn check(template: &Template, view: &View<'_>) {
    let (ops, options) = &template.made_of;
    let fields = ops.iter().filter_map(|op| match op {
        Op::Field(field) => Some(&**field),
        _ => None,
    });
    let widths: usize = fields.clone().map(Field::width).fold(0, usize::saturating_add);
    if widths > WIDTHS_MAX {
        return;
    }
    let mut out = b"before".to_vec();
    template.render(*view, &mut out);
    let out = out.strip_prefix(b"before").expect("what was there stays");
    for field in fields.clone().filter(|field| field.format == Format::JsonStrict) {
        always_json(field, view);
    }
    // A variable or a property as JSON holds some bytes of the message twice, each escaped; a
    // format escapes what has been escaped, and so does the template.
    let value = 4096 + 32 * view.batch.data.len();
    let most = |op: &Op| match op {
        Op::Text(text) => text.len(),
        Op::Field(field) => 12 * (value + field.width()) + field.name.len() + 8,
        _ => 2 * value,
    };
    let most: usize = 4 + ops.iter().map(|op| most(op) + 2).sum::<usize>();
    assert!(out.len() <= most, "{} bytes, not up to {most}", out.len());
    let timeless = template.properties().all(|property| property != Property::Uptime);
    if timeless {
        let plain = twin::render(ops, options, view);
        assert_eq!(out.as_bstr(), plain.as_bstr(), "{ops:?}");
        behind_a_head(template, view);
    }
}

/// What messages that are folded begin with may be made of any of them.
fn behind_a_head(template: &Template, view: &View<'_>) {
    let mut message = *view.message;
    message.flags.clear(MessageFlags::VERBATIM);
    let (msg, raw) = (message.hostname, message.tag);
    let other = Message { msg, raw, ..message };
    let [mut head, mut out, mut plain] = [const { Vec::new() }; 3];
    template.render_head(View { message: &other, ..*view }, &mut head);
    let view = View { message: &message, ..*view };
    template.render_behind(&head, view, &mut out);
    template.render(view, &mut plain);
    assert_eq!(out.as_bstr(), plain.as_bstr(), "behind {:?}", head.as_bstr());
}

/// `json-strict` is the inside of a JSON string, which holds what was there.
fn always_json(field: &Field, view: &View<'_>) {
    let (mut strict, mut plain) = (vec![b'"'], Vec::new());
    field.write(view, &mut strict);
    strict.push(b'"');
    Field { format: Format::Plain, ..field.clone() }.write(view, &mut plain);
    let read: String = serde_json::from_slice(&strict).expect("valid JSON");
    assert_eq!(read, String::from_utf8_lossy(&plain));
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn pieces(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<u8>> {
        let piece = prop::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec());
        let noise = vec(any::<u8>(), 0..4);
        vec(prop_oneof![9 => piece, 1 => noise], 0..most).prop_map(|pieces| pieces.concat())
    }

    const TEMPLATE: &[&str] = &[
        "%",
        "%",
        "%msg%",
        "%pri%",
        " ",
        "<%pri%>1 ",
        "%timestamp:::date-rfc3339%",
        "%hostname%",
        "<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% %APP-NAME% %PROCID% %MSGID% \
         %STRUCTURED-DATA% %msg%",
        "<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% %APP-NAME% %PROCID% %MSGID% ",
        "%structured-data%",
        "%rawmsg:::json%",
        "%msg:::jsonf%",
        "%rawmsg:::json-strict%",
        "%rawmsg:::sd-value%",
        "%syslogtag:1:32%",
        "%msg:F,32:2%",
        "%msg:R,ERE,1,FIELD:([0-9]*)--end%",
        "%$!%",
        "%$!a!b:::jsonfr%",
        "%msg:2:9:fixed-width,uppercase%",
        "%rawmsg:::csv,drop-cc%",
        "%msg:::jsonr,escape-cc%",
        "%programname:::secpath-replace%",
        "%jsonmesg%",
        "%timegenerated:::date-iso-week%",
        "%$now-utc%",
        "\\n",
        "\\65",
        "\"",
        "\n",
        ":",
        ",",
        "name=",
    ];
    const MESSAGE: &[&str] = &[
        "<13>1 ",
        "<190>",
        "<0>",
        "<",
        "2003-10-11T22:14:15.003Z ",
        "2026-11-22T11:22:33+09:00 ",
        "Nov 22 11:22:33 ",
        "Nov  2 11:22:33 2026 ",
        "host ",
        "- ",
        "app[12]: ",
        "a/b: ",
        "[x n=\"]",
        "[x@1 n=\"1\"] ",
        "@cee: {\"a\":{\"b\":1.5}}",
        "\"",
        "\\",
        "\\u",
        "/",
        "\t",
        "\u{7f}",
        "\u{d55c}\u{ae00}",
        "\u{feff}",
        "a long text without anything to escape in it ",
        "\n",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]

        #[test]
        fn as_by_the_plainest_code(
            form in b'0'..=b'7',
            template in pieces(TEMPLATE, 9),
            message in pieces(MESSAGE, 9),
        ) {
            fuzz_template(&[&[form], &*template, b"\0", &message].concat());
        }
    }

    /// What fuzzing found worth keeping runs with the other tests.
    #[test]
    fn fuzz_corpus() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/template");
        let mut inputs = 0;
        for file in fs::read_dir(folder).unwrap() {
            let input = fs::read(file.unwrap().path()).unwrap();
            fuzz_template(&input);
            // The same text as something else.
            for form in b'0'..=b'6' {
                fuzz_template(&[&[form], &input[1..]].concat());
            }
            inputs += 1;
        }
        assert!(inputs > 10, "the corpus was not found");
    }
}
