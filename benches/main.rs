//! `cargo bench`: one file per topic. What has been measured is in `record/`.

mod cases;
mod disk;
mod frame;
mod instructions;
mod lookup;
mod parse;
mod render;
mod rules;
mod shard;

use criterion::Criterion;

fn main() {
    let groups: [instructions::Group; 3] =
        [("parse", parse::cases), ("render", render::cases), ("shard", shard::cases)];
    if instructions::run(&groups) {
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    frame::frame(&mut criterion);
    disk::bench();
    lookup::bench(&mut criterion);
    cases::measure(&mut criterion, "parse", parse::cases());
    cases::measure(&mut criterion, "render", render::cases());
    rules::bench(&mut criterion);
    cases::measure(&mut criterion, "shard", shard::cases());
    criterion.final_summary();
}
