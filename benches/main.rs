//! `cargo bench`: one file per topic.

mod frame;
mod parse;

criterion::criterion_main!(frame::benches, parse::benches);
