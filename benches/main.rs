//! `cargo bench`: one file per topic.

mod frame;
mod lookup;
mod parse;
mod render;
mod rules;
mod shard;

criterion::criterion_group!(lookup_benches, lookup::bench);
criterion::criterion_group!(render_benches, render::bench);
criterion::criterion_group!(rules_benches, rules::bench);
criterion::criterion_group!(shard_benches, shard::bench);
criterion::criterion_main!(
    frame::benches,
    lookup_benches,
    parse::benches,
    render_benches,
    rules_benches,
    shard_benches
);
