//! Tables that rsyslogd does not have, and networks against a slow twin.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use proptest::prelude::*;

use super::Answer;
use super::Table;
use crate::message::json::Style;
use crate::message::json::print;

fn csv(text: &str) -> Table {
    Table::parse(text.as_bytes(), true).unwrap_or_else(|flaw| panic!("{}", flaw.words("t", "f")))
}

fn json(text: &str) -> Table {
    Table::parse(text.as_bytes(), false).unwrap_or_else(|flaw| panic!("{}", flaw.words("t", "f")))
}

fn answer(table: &Table, key: &str) -> String {
    match table.get(key.as_bytes()) {
        Answer::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Answer::Json(value) => {
            let mut text = Vec::new();
            print(value, Style::Plain, &mut text);
            String::from_utf8(text).unwrap()
        }
    }
}

fn remarks(table: &Table) -> Vec<String> {
    table.remarks().words("t").map(|(text, _)| text).collect()
}

fn flaw(text: &str, csv: bool) -> String {
    Table::parse(text.as_bytes(), csv).unwrap_err().words("t", "f")
}

#[test]
fn the_smallest_network_answers() {
    let table = json(
        r#"{"version":1,"nomatch":"none","type":"cidr","table":[
        {"index":"0.0.0.0/0","value":"any"}, {"index":"10.0.0.0/8","value":"ten"},
        {"index":"10.1.0.0/16","value":{"tenant":"a","zone":1}},
        {"index":"10.1.2.3","value":"one"}, {"index":"255.255.255.255/32","value":"last"},
        {"index":"2001:db8::/32","value":"doc"}, {"index":"2001:db8:0:0:8000::/65","value":"half"},
        {"index":"::ffff:192.168.0.0/112","value":"mapped"},
        {"index":"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128","value":["x"]}]}"#,
    );
    for (key, wanted) in [
        ("9.255.255.255", "any"),
        ("10.0.0.0", "ten"),
        ("10.1.2.2", r#"{"tenant":"a","zone":1}"#),
        ("10.1.2.3", "one"),
        ("::ffff:10.1.2.3", "one"),
        ("10.2.0.0", "ten"),
        ("255.255.255.255", "last"),
        ("192.168.255.1", "mapped"),
        ("2001:db8::1", "doc"),
        ("2001:db8::8000:0:0:1", "half"),
        ("2001:DB8::1%eth0", "doc"),
        ("2001:db9::", "none"),
        ("::", "none"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "[\"x\"]"),
        ("", "none"),
        ("host", "none"),
        ("10.0.0.0/8", "none"),
        ("010.0.0.1", "none"),
    ] {
        assert_eq!(answer(&table, key), wanted, "{key}");
    }
    assert_eq!(table.get_number(0x0a01_0203), Answer::Text(b"one"));
    assert_eq!(table.get_number(-1), Answer::Text(b"none"));
    assert!(remarks(&table).is_empty());
}

#[test]
fn odd_networks_are_remarked() {
    let table = csv("10.1.2.3/8,a\n10.0.0.0/8,b\n::1/0,c\n");
    assert_eq!((answer(&table, "10.0.0.1"), answer(&table, "ff::")), ("b".into(), "c".into()));
    let said = remarks(&table).join("\n");
    for part in [
        "'10.1.2.3/8'",
        "10.0.0.0/8 is taken (line 1)",
        "::/0 is taken (line 3)",
        "1 networks again",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(table.len(), 2);
}

#[test]
fn csv_has_columns_or_values() {
    let plain = csv("\u{feff}# networks\n10.0.0.0/8 ,\"a, \"\"b\"\"\"\r\n\r\n*,none\n");
    assert_eq!(
        (answer(&plain, "10.1.1.1"), answer(&plain, "x")),
        ("a, \"b\"".into(), "none".into())
    );
    let columns = csv("prefix,tenant,zone\n10.0.0.0/8,bank,\n::/0,shop,kr-1\n*,none,\n");
    assert_eq!(answer(&columns, "10.1.1.1"), r#"{"tenant":"bank"}"#);
    assert_eq!(answer(&columns, "::1"), r#"{"tenant":"shop","zone":"kr-1"}"#);
    assert_eq!(answer(&columns, "11.0.0.0"), r#"{"tenant":"none"}"#);
    let texts = csv("Key,Value\nweb-1,front\nweb-2,back\n");
    assert_eq!(["web-1", "web-2", "web"].map(|key| answer(&texts, key)), ["front", "back", ""]);
    let hosts = csv("web-1,front\n10.0.0.0/8,text\n");
    assert_eq!(["web-1", "10.0.0.0/8"].map(|key| answer(&hosts, key)), ["front", "text"]);
    assert!(csv("").is_empty());
    // A file may have the ending without the form.
    assert_eq!(answer(&csv(" {\"version\":1,\"table\":[{\"index\":1,\"value\":2}]}"), "1"), "2");
}

#[test]
fn expressions_are_tried_in_order() {
    let table = json(
        r#"{"version":1,"nomatch":"no","type":"regex","table":[
        {"regex":"^error","tag":"err"},{"regex":"^error.*crit","tag":"crit"},
        {"regex":"w(arn|ait)","value":"w"}]}"#,
    );
    let keys = ["error1", "errorcritical", "a warning", "info"];
    assert_eq!(keys.map(|key| answer(&table, key)), ["err", "err", "w", "no"]);
}

#[test]
fn flaws_have_places() {
    let rows = |rows: &str| format!("{{\"version\":1,\"type\":\"cidr\",\n\"table\":[\n{rows}]}}");
    for (text, csv, wanted) in [
        (
            rows("{\"index\":\"10.0.0.0/33\",\"value\":1}"),
            false,
            "length is none (line 3, column 1)",
        ),
        (
            rows("{\"index\":\"ten\",\"value\":1}"),
            false,
            "no address or network (line 3, column 1)",
        ),
        (rows("{\"index\":\"::/0\",\"value\":1},\n {\"index\":"), false, "(line 4, column 11)"),
        (rows("{\"index\":\"::/0\"}"), false, "without 'value' field (line 3, column 1)"),
        (
            "{\"version\":1,\"type\":\"regex\",\"table\":[{\"regex\":\"(\",\"tag\":1}]}".into(),
            false,
            "bad expression '('",
        ),
        ("10.0.0.0/8,a\nx,b\n".into(), true, "'x', which is no address or network (line 2)"),
        ("prefix,a\n::/0,b,c\n".into(), true, "3 fields where 2 are due (line 2)"),
        ("a,b\n1,2,3\n".into(), true, "(line 2)"),
        ("prefix,a,A\n".into(), true, "has the column 'A' twice (line 1)"),
    ] {
        let said = flaw(&text, csv);
        assert!(said.ends_with(wanted) || said.contains(wanted), "{text}: {said}");
    }
}

#[test]
fn thousands_of_hosts_in_a_few_networks() {
    // A default, a network over many others, and hosts side by side where two networks meet; of
    // every third host the networks around it answer.
    let rack = (10_u32 << 24) + (7 << 16);
    let hosts = rack - 3000;
    let doc = 0x2001_0db8_u128 << 96;
    let mut text = String::from("0.0.0.0/0,any\n10.0.0.0/8,ten\n10.7.0.0/16,rack\n");
    text += "::/0,six\n2001:db8::/32,doc\n2001:db8::/64,rack6\n";
    for n in (0..6000_u32).filter(|n| n % 3 > 0) {
        let (four, six) =
            (Ipv4Addr::from_bits(hosts + n), Ipv6Addr::from_bits(doc + u128::from(n)));
        text += &format!("{four},h{n}\n{six},s{n}\n::ffff:{}/128,m{n}\n", Ipv4Addr::from_bits(n));
    }
    let table = csv(&text);
    for n in 0..6000_u32 {
        let around = if hosts + n < rack { "ten" } else { "rack" };
        let wanted = |host: char, around: &str| match n % 3 {
            0 => around.to_owned(),
            _ => format!("{host}{n}"),
        };
        let four = Ipv4Addr::from_bits(hosts + n).to_string();
        assert_eq!(answer(&table, &four), wanted('h', around), "{four}");
        let mapped = Ipv4Addr::from_bits(n).to_string();
        assert_eq!(answer(&table, &mapped), wanted('m', "any"), "{mapped}");
        let six = Ipv6Addr::from_bits(doc + u128::from(n)).to_string();
        assert_eq!(answer(&table, &six), wanted('s', "rack6"), "{six}");
    }
    for (key, wanted) in [
        ("10.0.0.0", "ten"),
        ("10.6.0.0", "ten"),
        ("10.7.255.255", "rack"),
        ("10.8.0.0", "ten"),
        ("10.255.255.255", "ten"),
        ("9.255.255.255", "any"),
        ("11.0.0.0", "any"),
        ("255.255.255.255", "any"),
        ("2001:db8::ffff:ffff:ffff:ffff", "rack6"),
        ("2001:db8:0:1::", "doc"),
        ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "doc"),
        ("2001:db9::", "six"),
        ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "six"),
        ("::", "six"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "six"),
    ] {
        assert_eq!(answer(&table, key), wanted, "{key}");
    }
}

/// An address near others: few bits decide.
fn addresses() -> impl Strategy<Value = IpAddr> {
    let four = (0_u32..8, 0_u32..4, 0_u32..4).prop_map(|(a, b, c)| {
        let bits = a << 29 | b << 15 | c;
        IpAddr::V4(bits.into())
    });
    let six = (0_u128..8, 0_u128..4, 0_u128..4)
        .prop_map(|(a, b, c)| IpAddr::V6((a << 125 | b << 63 | c).into()));
    prop_oneof![four, six]
}

/// The bits of an address, and how many there are.
fn bits(address: IpAddr) -> (u128, u8) {
    match address.to_canonical() {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    }
}

/// Whether the first `length` bits of two addresses of one family are the same.
fn within(address: IpAddr, network: IpAddr, length: u8) -> bool {
    let ((a, whole), (b, other)) = (bits(address), bits(network));
    whole == other && (0..length).all(|n| (a ^ b) >> (whole - 1 - n) & 1 == 0)
}

proptest! {
    #[test]
    fn networks_answer_as_a_list_does(
        rows in proptest::collection::vec((addresses(), 0_u8..=128), 0..40),
        keys in proptest::collection::vec(addresses(), 1..20),
    ) {
        let shortened = |(network, length): (IpAddr, u8)| (network, length.min(bits(network).1));
        let rows: Vec<_> = rows.into_iter().map(shortened).collect();
        let text: String = rows
            .iter()
            .enumerate()
            .map(|(n, (network, length))| format!("{network}/{length},{n}\n"))
            .collect();
        let table = csv(&format!("prefix,value\n{text}*,none\n"));
        for key in keys.into_iter().chain(rows.iter().map(|(network, _)| *network)) {
            let holding = rows.iter().enumerate().filter(|(_, row)| within(key, row.0, row.1));
            // Of two of one length, the later.
            let wanted = holding.max_by_key(|(n, row)| (row.1, *n));
            let wanted = wanted.map_or_else(|| "none".to_owned(), |(n, _)| n.to_string());
            prop_assert_eq!(answer(&table, &key.to_string()), wanted, "{}", key);
        }
    }

    #[test]
    fn any_bytes_end(text in proptest::collection::vec(any::<u8>(), 0..80), csv in any::<bool>()) {
        if let Ok(table) = Table::parse(&text, csv) {
            prop_assert!(table.len() <= text.len());
        }
    }
}
