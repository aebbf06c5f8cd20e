//! The log on a disk: records of 128 KiB, a sync each 10 ms, and reading them back; how long a
//! backlog takes to open. Not a part of a bare `cargo bench`: it writes gigabytes.
//!
//! `BONGSU_BENCH_DISK=DIR cargo bench -- disk`, on the disk that is meant; with
//! `BONGSU_BENCH_DISK_GB=8` so many gigabytes are left for the opening.
#![expect(clippy::print_stdout, clippy::disallowed_macros, reason = "a report")]

use std::io::IoSlice;
use std::path::PathBuf;
use std::time::Duration;

use bongsu::base::clock;
use bongsu::disk::Log;
use bongsu::disk::Options;
use bongsu::disk::System;

const RECORD: usize = 128 << 10;
/// Bytes of a message of the mixed corpus.
const MESSAGE: f64 = 226.0;

fn rate(what: &str, bytes: u64, took: Duration) {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let per_second = bytes as f64 / took.as_secs_f64();
    let (mb, messages) = (per_second / 1e6, per_second / MESSAGE / 1e6);
    println!("disk/{what}: {mb:.0} MB/s, {messages:.2} million messages/s of 226 bytes");
}

pub(crate) fn bench() {
    let Some(directory) = std::env::var_os("BONGSU_BENCH_DISK").map(PathBuf::from) else { return };
    let gigabytes = std::env::var("BONGSU_BENCH_DISK_GB").ok().and_then(|text| text.parse().ok());
    let bytes_wanted = gigabytes.unwrap_or(2_u64) << 30;
    for segment_bytes in [1 << 20, 16 << 20, 64 << 20] {
        let (directory, name) = (directory.clone(), "bench".to_owned());
        let options = Options { directory, name, segment_bytes, bytes_max: None };
        let label = format!("segments of {} MiB", segment_bytes >> 20);
        let opened = Log::open(System, options.clone());
        let Ok((mut log, _)) = opened else { panic!("{opened:?}") };
        let content = vec![b'x'; RECORD];
        let goal = if segment_bytes == 1 << 20 { bytes_wanted / 8 } else { bytes_wanted };
        let start = clock::monotonic();
        let mut synced = start;
        let mut bytes = 0;
        while bytes < goal {
            log.append(&[IoSlice::new(&content)], 580).expect("room on the disk");
            bytes += RECORD as u64;
            if synced.elapsed() >= Duration::from_millis(10) {
                log.sync().expect("a disk");
                synced = clock::monotonic();
            }
        }
        log.sync().expect("a disk");
        rate(&format!("append, {label}"), bytes, start.elapsed());
        drop(log);
        let start = clock::monotonic();
        let (mut log, recovery) = Log::open(System, options).expect("a log");
        let (segments, took) = (recovery.segments, start.elapsed());
        println!("disk/open {} MB in {segments} {label}: {took:?}", bytes / 1_000_000);
        let start = clock::monotonic();
        let mut buffer = Vec::new();
        while let Some((position, _)) = log.read(&mut buffer).expect("a log") {
            log.release(position).expect("a disk");
        }
        rate(&format!("read and release, {label}"), bytes, start.elapsed());
        log.close().expect("a disk");
    }
}
