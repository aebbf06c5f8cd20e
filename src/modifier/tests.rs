//! What holds for all modifiers, whatever a message holds; and what differs each time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use proptest::prelude::*;
use serde_json::json;

use super::MODULES;
use super::Modifier;
use super::golden::compile;
use super::sequence::Counters;
use crate::base::span::Span;
use crate::message::Batch;
use crate::message::Draft;
use crate::message::InputInfo;
use crate::message::Message;
use crate::message::MessageFlags;
use crate::message::Variable;
use crate::message::Variables;

fn modifier(params: &serde_json::Value) -> Modifier {
    compile(params, &mut Counters::default()).unwrap()
}

/// `msg`, `rawmsg` and `$!` of a message with a header of three bytes.
fn applied(modifier: &Modifier, msg: &[u8]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let input = InputInfo { name: "imtcp".into(), hostname: Arc::from("vm") };
    let mut batch = Batch::new(Arc::new(input));
    batch.data.extend_from_slice(b"\xfe<0>");
    batch.data.extend_from_slice(msg);
    let end = batch.data.len();
    batch.data.extend_from_slice(b".1.1.1\xfe\"]");
    let msg = Span::new(4, end);
    let mut message =
        Message { raw: Span::new(1, end), msg, structured_data: msg, ..Message::default() };
    message.flags.set(MessageFlags::PROTOCOL_1);
    message.flags.set(MessageFlags::HOSTNAME);
    batch.messages.push(message);
    let mut variables = Variables::default();
    let mut draft = Draft::new(&mut batch, 0, &mut variables);
    modifier.apply(&mut draft);
    let (raw, msg) =
        (draft.bytes(draft.message.raw).to_vec(), draft.bytes(draft.message.msg).to_vec());
    let mut tree = Vec::new();
    variables.with(&Variable::parse(b"!").unwrap(), |value| {
        value.inspect(|value| value.write_text(&mut tree));
    });
    (msg, raw, tree)
}

fn all() -> Vec<Modifier> {
    [
        json!({"type": "mmanon"}),
        json!({"type": "mmanon", "mode": "simple", "ipv4.bits": "32", "ipv6.bits": "1", "embeddedIpv4.bits": "1"}),
        json!({"type": "mmanon", "mode": "random", "ipv6.anonMode": "random", "embeddedIpv4.anonMode": "random"}),
        json!({"type": "mmanon", "mode": "random-consistent", "ipv6.anonMode": "random-consistent", "ipv6.bits": "128", "embeddedIpv4.anonMode": "random-consistent"}),
        json!({"type": "mmfields"}),
        json!({"type": "mmfields", "separator": ":"}),
        json!({"type": "mmjsonparse"}),
        json!({"type": "mmjsonparse", "cookie": "", "useRawMsg": "on"}),
        json!({"type": "mmjsonparse", "mode": "find-json"}),
        json!({"type": "mmjsonparse", "cookie": "", "hexEscapes": "on"}),
        json!({"type": "mmjsontransform", "input": "$!", "output": "$.o"}),
        json!({"type": "mmleefparse", "delimiter": ","}),
        json!({"type": "mmleefparse", "cookie": "", "useRawMsg": "off", "searchWindow": "9999"}),
        json!({"type": "mmpstrucdata"}),
        json!({"type": "mmrm1stspace"}),
        json!({"type": "mmsequence"}),
        json!({"type": "mmsequence", "mode": "random", "from": "5", "to": "5"}),
        json!({"type": "mmtaghostname", "tag": "t", "forceLocalHostname": "on"}),
        json!({"type": "mmutf8fix"}),
        json!({"type": "mmutf8fix", "mode": "controlcharacters"}),
    ]
    .iter()
    .map(modifier)
    .collect()
}

/// Any bytes, and what the modules look for.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    static PARTS: &[&str] = &[
        "1", "255", "256", ".", ":", "::", "1.2.3.4", "ffff", "@cee:", "{\"a\":", "}", "[a",
        " b=\"", "\\", "\"", "]", ",", " ", "한", "00000",
    ];
    let part = prop_oneof![
        3 => proptest::sample::select(PARTS).prop_map(|part| part.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    proptest::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn what_comes_out_is_bounded_and_the_header_stays(text in texts()) {
        for modifier in all() {
            let (msg, raw, tree) = applied(&modifier, &text);
            prop_assert!(raw.starts_with(b"<0>") && raw.ends_with(&msg));
            prop_assert_eq!(raw.len(), msg.len() + 3);
            // `::` becomes up to 39 bytes, a byte in a text or field at most 6 and its name.
            prop_assert!(msg.len() <= 20 * text.len() + 40 && tree.len() <= 24 * text.len() + 64);
        }
    }

    #[test]
    fn utf8_is_left_and_all_else_becomes_it(text in texts()) {
        let fix = modifier(&json!({"type": "mmutf8fix", "replacementChar": "?"}));
        let (fixed, _, _) = applied(&fix, &text);
        prop_assert!(std::str::from_utf8(&fixed).is_ok());
        prop_assert_eq!(fixed.len(), text.len());
        prop_assert_eq!(std::str::from_utf8(&text).is_ok(), fixed == text);
    }

    #[test]
    fn no_complete_address_keeps_its_last_octets(octets: [u8; 4]) {
        let [a, b, c, d] = octets;
        let text = format!("from {a}.{b}.{c}.{d} on");
        let (msg, _, _) = applied(&modifier(&json!({"type": "mmanon"})), text.as_bytes());
        prop_assert_eq!(msg, format!("from {a}.{b}.0.0 on").into_bytes());
    }
}

#[test]
fn random_addresses_differ_unless_they_are_consistent() {
    let texts = ["10.1.2.3", "2001:db8::1:2", "::ffff:10.1.2.3"];
    for (mode, varieties) in [("random", 20), ("random-consistent", 1)] {
        let anon = modifier(&json!({
            "type": "mmanon", "ipv4.mode": mode, "ipv6.anonMode": mode, "embeddedIpv4.anonMode": mode,
        }));
        for text in texts {
            let seen: BTreeSet<_> =
                (0..20).map(|_| applied(&anon.clone(), text.as_bytes()).0).collect();
            assert!(seen.len() <= varieties && seen.len() + 2 >= varieties, "{mode} {text}");
            assert!(seen.iter().all(|seen| *seen != text.as_bytes()), "{mode} {text}");
        }
        let (first, _, _) = applied(&anon, b"10.1.2.3");
        assert!(first.starts_with(b"10.1."));
        let (others, _, _) = applied(&anon, b"10.1.2.4");
        assert_ne!(first, others);
    }
}

#[test]
fn random_numbers_stay_between_their_limits() {
    let number = |modifier: &Modifier| {
        let tree = String::from_utf8(applied(modifier, b"x").2).unwrap();
        tree.rsplit(' ').nth(1).unwrap().parse::<i64>().unwrap()
    };
    let dice = modifier(&json!({"type": "mmsequence", "mode": "random", "from": "1", "to": "7"}));
    let seen: BTreeSet<_> = (0..500).map(|_| number(&dice)).collect();
    assert_eq!(seen, (1..7).collect());
    let none = modifier(&json!({"type": "mmsequence", "mode": "random", "from": "9", "to": "7"}));
    assert_eq!(number(&none), 9);
}

#[test]
fn find_json_counts_what_it_finds() {
    let finder = modifier(&json!({
        "type": "mmjsonparse", "mode": "find-json", "max_scan_bytes": "8", "allow_trailing": "off",
    }));
    for text in [&b"{}"[..], b"{} x", b"{x} {y}", b"plain", b"12345678{}", b"{\"a\":1,\"b\":2}"] {
        applied(&finder.clone(), text);
    }
    let Modifier::Json(json) = &finder else { panic!("{finder:?}") };
    let counted = json.scans().unwrap().map(|(name, n)| format!("{name}={n}")).join(" ");
    assert_eq!(counted, "scan.attempted=6 scan.found=2 scan.failed=1 scan.truncated=2");
    let Modifier::Json(cookie) = modifier(&json!({"type": "mmjsonparse"})) else { panic!() };
    assert!(cookie.scans().is_none());
}

/// As nginx writes what a client sent, and JSON does not know.
#[test]
fn bytes_in_hex_are_bytes() {
    let parse = |hex: &str| {
        let json = modifier(&json!({"type": "mmjsonparse", "cookie": "", "hexEscapes": hex}));
        let text = br#"{"a": "\xED\x95\x9c \x22\x0A\\x41", "b": "x\n"}"#;
        String::from_utf8(applied(&json, text).2).unwrap()
    };
    assert_eq!(parse("on"), r#"{ "a": "한 \"\n\\x41", "b": "x\n" }"#);
    assert!(parse("off").starts_with("{ \"msg\": "), "{}", parse("off"));
    let broken = modifier(&json!({"type": "mmjsonparse", "cookie": "", "hexEscapes": "on"}));
    for text in ["{\"a\": \"\\x+f\"}", "{\"a\": \"\\xf\"}", "\\x", "\\"] {
        assert!(applied(&broken, text.as_bytes()).2.starts_with(b"{ \"msg\": "), "{text}");
    }
    // What is no JSON is kept as it came.
    let (_, _, tree) = applied(&broken, br" run C:\x41pps");
    assert_eq!(String::from_utf8(tree).unwrap(), r#"{ "msg": "run C:\\x41pps" }"#);
}

#[test]
fn a_clone_goes_on_counting() {
    let counter = modifier(&json!({"type": "mmsequence"}));
    let other = counter.clone();
    let trees = [&counter, &other, &counter].map(|counter| applied(counter, b"x").2);
    let wanted = [0, 1, 2].map(|n| format!("{{ \"mmsequence\": {n} }}").into_bytes());
    assert_eq!(trees, wanted);
}

/// A quadratic search takes minutes.
#[test]
#[expect(clippy::disallowed_methods, reason = "it is this machine's time that matters")]
fn hostile_messages_take_linear_time() {
    let start = Instant::now();
    for part in [
        "1", "0", "1.", "1.1", ":", "1:", "f", "::1.", ",", "a,", "\"", "\\", "[", " ", "{", "{}",
        "{\"", "a=,", "|",
    ] {
        let text = part.repeat((1 << 15) / part.len());
        for modifier in all() {
            applied(&modifier, text.as_bytes());
        }
        let behind = format!("{}999.1.1.1", "0".repeat(1 << 15));
        applied(&modifier(&json!({"type": "mmanon"})), behind.as_bytes());
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn names_of_modules_are_their_own() {
    let names: BTreeSet<_> = MODULES.iter().map(|module| module.name).collect();
    assert_eq!(names.len(), MODULES.len());
    assert!(all().len() > names.len());
}
