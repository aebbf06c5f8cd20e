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
    read(c);
    let texts: [fn(u32) -> String; 2] = [|n| v4(n).to_string(), |n| v6(n).to_string()];
    for ((family, text), address) in tables.into_iter().zip(texts) {
        let Ok(table) = Table::parse(text.as_bytes(), false) else { continue };
        let mut group = c.benchmark_group(format!("lookup/among a million networks/{family}"));
        for (name, keys) in keys(address) {
            let mut at = 0;
            group.bench_function(name, |b| {
                b.iter(|| {
                    at = (at + 1) % keys.len();
                    black_box(table.get(keys[at].as_bytes()));
                });
            });
        }
        group.finish();
    }
    let mut group = c.benchmark_group("lookup/an address alone, by ip42num()");
    let Ok(table) = Table::parse(four.as_bytes(), false) else { return };
    for (name, numbers) in numbers() {
        let numbers: Vec<i64> = numbers.iter().map(|n| v4(*n).to_bits().into()).collect();
        let mut at = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                at = (at + 1) % numbers.len();
                black_box(table.get_number(numbers[at]));
            });
        });
    }
}

/// Which addresses are asked for, one after the other: 65,536 from all over the table; as many from
/// 10,000 senders; and a million, of which no cache has much.
fn numbers() -> [(&'static str, Vec<u32>); 3] {
    [
        ("65536 keys", (0..65_536).map(|n: u32| n.wrapping_mul(15)).collect()),
        ("10000 senders", (0..65_536).map(|n| scattered(n) % 10_000 * 15).collect()),
        ("a million keys", (0..ROWS).map(|n| scattered(n) % ROWS).collect()),
    ]
}

fn keys(address: fn(u32) -> String) -> [(&'static str, Vec<String>); 3] {
    numbers().map(|(name, numbers)| (name, numbers.into_iter().map(address).collect()))
}

/// One read at a random place of so much memory, which the next read waits for: what a lookup can
/// at best cost where its table is not in the caches.
fn read(c: &mut Criterion) {
    let mut group = c.benchmark_group("lookup/a bare random read");
    for megabytes in [8, 16, 64] {
        let words: u32 = megabytes << 18;
        let memory: Vec<u32> = (0..words).map(|n| scattered(n) & 1).collect();
        let mut at = 0_u32;
        group.bench_function(format!("{megabytes} MB"), |b| {
            b.iter(|| {
                at = at
                    .wrapping_mul(0x915f_77f5)
                    .wrapping_add(memory[(at >> 8) as usize % memory.len()] | 1);
                black_box(at)
            });
        });
    }
}
