//! `cargo bench`: one file per topic. What has been measured is in `record/`.

mod cases;
mod frame;
mod instructions;
mod lookup;
mod parse;
mod render;
mod rules;
mod shard;

use criterion::Criterion;

fn main() {
    if instructions::run(&[("parse", parse::cases), ("render", render::cases)]) {
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    frame::frame(&mut criterion);
    lookup::bench(&mut criterion);
    cases::measure(&mut criterion, "parse", parse::cases());
    cases::measure(&mut criterion, "render", render::cases());
    rules::bench(&mut criterion);
    shard::bench(&mut criterion);
    criterion.final_summary();
}
