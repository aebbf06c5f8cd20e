//! What a lookup costs in a table of a million networks, and what reading the table costs.

use std::fmt::Write;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use bongsu::lookup::Table;
use criterion::Criterion;

const ROWS: u32 = 1_000_000;

/// Numbers without an order, the same in each run.
fn scattered(n: u32) -> u32 {
    n.wrapping_mul(0x9e37_79b1).rotate_left(15).wrapping_mul(0x85eb_ca77)
}

fn v4(n: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(scattered(n))
}

/// In `2000::/3`, where networks are.
fn v6(n: u32) -> Ipv6Addr {
    let high = (u128::from(scattered(n)) << 32) | u128::from(scattered(!n));
    Ipv6Addr::from_bits((1 << 125) | (high << 61))
}

/// A table of networks of many lengths, a thousand tenants and as many objects.
fn table(prefix: impl Fn(u32) -> String, object: bool) -> String {
    let mut text = String::from(r#"{"version":1,"nomatch":"none","type":"cidr","table":["#);
    for n in 0..ROWS {
        let comma = if n == 0 { "" } else { "," };
        let (prefix, tenant) = (prefix(n), n % 1000);
        let value = match object {
            true => format!(r#"{{"tenant":"tenant-{tenant}","zone":"kr-{}"}}"#, tenant % 7),
            false => format!("\"tenant-{tenant}\""),
        };
        // Writing to a text does not fail.
        _ = write!(text, "{comma}\n{{\"index\":\"{prefix}\",\"value\":{value}}}");
    }
    text + "]}"
}

pub(crate) fn bench(c: &mut Criterion) {
    let four = table(|n| format!("{}/{}", v4(n), 16 + n % 17), false);
    let six = table(|n| format!("{}/{}", v6(n), 32 + n % 33), true);
    let tables = [("ipv4", &four), ("ipv6, objects", &six)];
    for (name, text) in tables {
        let mut group = c.benchmark_group("lookup/read a million networks");
        group.sample_size(10);
        group.bench_function(name, |b| b.iter(|| Table::parse(text.as_bytes(), false).is_ok()));
    }
    let mut group = c.benchmark_group("lookup/among a million networks");
    let addresses = |address: &dyn Fn(u32) -> String| (0..65_536).map(address).collect::<Vec<_>>();
    let four_keys = addresses(&|n| v4(n.wrapping_mul(15)).to_string());
    let six_keys = addresses(&|n| v6(n.wrapping_mul(15)).to_string());
    for ((name, text), keys) in tables.into_iter().zip([four_keys, six_keys]) {
        let Ok(table) = Table::parse(text.as_bytes(), false) else { continue };
        let mut at = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                at = (at + 1) % keys.len();
                black_box(table.get(keys[at].as_bytes()));
            });
        });
    }
}
