//! What is measured, apart from how: criterion takes times, `--instructions` counts instructions
//! (see `instructions.rs`).

use criterion::Criterion;
use criterion::Throughput;

/// One row of the results.
pub(crate) struct Case {
    /// What comes behind the name of its group.
    pub(crate) name: String,
    /// How many messages one round is.
    pub(crate) messages: u64,
    pub(crate) round: Box<dyn FnMut()>,
}

impl Case {
    pub(crate) fn new(
        name: impl Into<String>,
        messages: usize,
        round: impl FnMut() + 'static,
    ) -> Self {
        Self { name: name.into(), messages: messages as u64, round: Box::new(round) }
    }
}

/// Takes the time of each case. Throughput in elements is messages; 10 Melem/s is 100 ns a message.
pub(crate) fn measure(criterion: &mut Criterion, group: &str, cases: Vec<Case>) {
    let mut group = criterion.benchmark_group(group);
    for mut case in cases {
        group.throughput(Throughput::Elements(case.messages));
        group.bench_function(case.name, |bencher| bencher.iter(&mut case.round));
    }
    group.finish();
}
