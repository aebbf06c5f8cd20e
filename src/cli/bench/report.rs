//! What a bench has to say: a table for people, JSON for programs.

use std::fmt::Write;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::cli::bench::ledger::Ledger;

/// What became of the messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    pub sent: u64,
    /// Duplicates left out, when ids tell them.
    pub received: u64,
    pub lost: u64,
    pub duplicated: u64,
    pub reordered: u64,
    pub corrupted: u64,
    pub foreign: u64,
}

impl Counts {
    pub(super) const fn new(sent: u64, received: u64, ledger: &Ledger) -> Self {
        Self {
            sent,
            received,
            lost: sent.saturating_sub(received),
            duplicated: ledger.duplicated,
            reordered: ledger.reordered,
            corrupted: ledger.corrupted,
            foreign: ledger.foreign,
        }
    }

    /// A line for people, about what a sink found.
    pub(super) fn verdict(&self) -> String {
        format!(
            "{} lost, {} duplicated, {} reordered, {} corrupted, {} without an id\n",
            grouped(self.lost),
            grouped(self.duplicated),
            grouped(self.reordered),
            grouped(self.corrupted),
            grouped(self.foreign),
        )
    }

    fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.corrupted += other.corrupted;
        self.foreign += other.foreign;
    }
}

/// How long messages took, milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Latency {
    pub p50: f64,
    pub p99: f64,
    #[serde(rename = "p99.9")]
    pub p999: f64,
    pub max: f64,
}

impl Latency {
    /// Of a histogram of microseconds; `None` if nothing was recorded.
    pub(super) fn of(micros: &Histogram<u64>) -> Option<Self> {
        let millis = |micros| real(micros) / 1e3;
        let at = |quantile| millis(micros.value_at_quantile(quantile));
        let of =
            || Self { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: millis(micros.max()) };
        (!micros.is_empty()).then(of)
    }
}

/// What the work took, over the measured part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Figures {
    pub seconds: f64,
    pub messages_per_second: f64,
    /// As received, framing left out; 10⁶ bytes.
    pub megabytes_per_second: f64,
    /// User and system time of the relay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_us_per_message: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_rss_mib: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<Latency>,
}

impl Figures {
    /// Throughput alone.
    pub(super) fn throughput(messages: u64, bytes: u64, time: Duration) -> Self {
        let seconds = time.as_secs_f64();
        let per_second = |number: u64| if seconds > 0.0 { real(number) / seconds } else { 0.0 };
        Self {
            seconds,
            messages_per_second: per_second(messages),
            megabytes_per_second: per_second(bytes) / 1e6,
            cpu_seconds: None,
            cpu_us_per_message: None,
            peak_rss_mib: None,
            latency_ms: None,
        }
    }

    /// A line for people, about a sender or a sink alone.
    pub(super) fn summary(&self, verb: &str, messages: u64) -> String {
        format!(
            "{verb} {} messages in {:.3} s: {:.0} msg/s, {:.1} MB/s\n",
            grouped(messages),
            self.seconds,
            self.messages_per_second,
            self.megabytes_per_second,
        )
    }

    /// Each figure's own median.
    fn median(runs: &[Run]) -> Self {
        let of = |figure: &dyn Fn(&Self) -> Option<f64>| {
            median(runs.iter().filter_map(|run| figure(&run.figures)).collect())
        };
        let latency = |part: &dyn Fn(&Latency) -> f64| of(&|run| run.latency_ms.as_ref().map(part));
        Self {
            seconds: of(&|run| Some(run.seconds)).unwrap_or(0.0),
            messages_per_second: of(&|run| Some(run.messages_per_second)).unwrap_or(0.0),
            megabytes_per_second: of(&|run| Some(run.megabytes_per_second)).unwrap_or(0.0),
            cpu_seconds: of(&|run| run.cpu_seconds),
            cpu_us_per_message: of(&|run| run.cpu_us_per_message),
            peak_rss_mib: of(&|run| run.peak_rss_mib),
            latency_ms: latency(&|part| part.p50).map(|p50| Latency {
                p50,
                p99: latency(&|part| part.p99).unwrap_or(0.0),
                p999: latency(&|part| part.p999).unwrap_or(0.0),
                max: latency(&|part| part.max).unwrap_or(0.0),
            }),
        }
    }
}

/// A count as a real number; exact below 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "figures are rounded anyway")]
pub(super) const fn real(number: u64) -> f64 {
    number as f64
}

/// The middle value, or the mean of the two; `None` of nothing.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some(f64::midpoint(values[low], values[high]))
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Run {
    #[serde(flatten)]
    pub counts: Counts,
    #[serde(flatten)]
    pub figures: Figures,
}

/// All runs around one relay.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RelayReport {
    /// `udp`, `tcp` or `octet`.
    pub mode: String,
    pub connections: u32,
    /// Messages a second that were asked for; `null` is flat out.
    pub rate: Option<u64>,
    /// What latencies are counted from: `due` by the schedule, or `written` when flat out.
    pub latency_from: &'static str,
    pub runs: Vec<Run>,
    /// Each figure's own median over the runs.
    pub median: Figures,
    pub total: Counts,
}

impl RelayReport {
    pub(super) fn new(mode: String, connections: u32, rate: Option<u64>, runs: Vec<Run>) -> Self {
        let mut total = Counts::default();
        for run in &runs {
            total.add(&run.counts);
        }
        let latency_from = if rate.is_some() { "due" } else { "written" };
        let median = Figures::median(&runs);
        Self { mode, connections, rate, latency_from, runs, median, total }
    }

    /// The table for people.
    pub(super) fn table(&self) -> String {
        let mut rows = vec![HEADINGS.map(str::to_owned)];
        for (number, run) in (1..).zip(&self.runs) {
            rows.push(row(format!("{number}"), &run.figures, &run.counts));
        }
        if self.runs.len() > 1 {
            rows.push(row("median/total".to_owned(), &self.median, &self.total));
        }
        let mut text = aligned(&rows);
        if self.median.latency_ms.is_some() {
            let from = match self.rate {
                Some(_) => "from when the schedule had a message due to when it arrived",
                None => "from write to arrival, so mostly time in full buffers",
            };
            text.push_str(&format!("latencies in ms, {from}\n"));
        }
        text
    }
}

const COLUMNS: usize = 14;
const HEADINGS: [&str; COLUMNS] = [
    "run", "msg/s", "MB/s", "CPU s", "µs/msg", "RSS MiB", "lost", "dup", "reord", "corrupt", "p50",
    "p99", "p99.9", "max",
];

fn row(name: String, figures: &Figures, counts: &Counts) -> [String; COLUMNS] {
    let optional = |value: Option<f64>, digits| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let latency = figures.latency_ms;
    [
        name,
        format!("{:.0}", figures.messages_per_second),
        format!("{:.1}", figures.megabytes_per_second),
        optional(figures.cpu_seconds, 2),
        optional(figures.cpu_us_per_message, 3),
        optional(figures.peak_rss_mib, 1),
        grouped(counts.lost),
        grouped(counts.duplicated),
        grouped(counts.reordered),
        grouped(counts.corrupted),
        optional(latency.map(|latency| latency.p50), 2),
        optional(latency.map(|latency| latency.p99), 2),
        optional(latency.map(|latency| latency.p999), 2),
        optional(latency.map(|latency| latency.max), 2),
    ]
}

/// Columns aligned to the right, two spaces apart.
fn aligned(rows: &[[String; COLUMNS]]) -> String {
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let width = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
            let gap = if column == 0 { "" } else { "  " };
            write!(text, "{gap}{cell:>width$}").unwrap_or_default();
        }
        text.push('\n');
    }
    text
}

/// A number with a comma every three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rate: u64, lost: u64, p99: f64) -> Run {
        let latency = Latency { p50: 0.1, p99, p999: 2.0, max: 3.0 };
        let mut figures = Figures::throughput(rate, 200 * rate, Duration::from_secs(1));
        figures.latency_ms = Some(latency);
        figures.cpu_us_per_message = Some(0.5);
        let counts = Counts { sent: rate, received: rate - lost, lost, ..Counts::default() };
        Run { counts, figures }
    }

    #[test]
    fn medians_are_of_each_figure_and_counts_add_up() {
        let runs = vec![run(1000, 0, 0.7), run(3000, 2, 0.3), run(2000, 0, 0.5)];
        let report = RelayReport::new("tcp".to_owned(), 4, Some(1), runs);
        assert!((report.median.messages_per_second - 2000.0).abs() < 1e-9);
        assert!((report.median.latency_ms.unwrap().p99 - 0.5).abs() < 1e-9);
        assert_eq!((report.total.sent, report.total.lost), (6000, 2));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn the_table_lines_up_and_json_names_its_units() {
        let runs = vec![run(1_234_567, 1000, 0.7), run(9, 0, 12.25)];
        let report = RelayReport::new("udp".to_owned(), 1, None, runs);
        let table = report.table();
        let widths: Vec<usize> = table.lines().take(4).map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|&width| width == widths[0]), "{table}");
        assert!(table.contains("1,000") && table.contains("12.25"));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["runs"][0]["lost"], 1000);
        assert_eq!(json["median"]["latency_ms"]["p99.9"], 2.0);
        assert_eq!(json["rate"], serde_json::Value::Null);
    }

    #[test]
    fn latencies_come_from_the_histogram() {
        let mut micros = Histogram::new_with_bounds(1, 3_600_000_000, 3).unwrap();
        assert_eq!(Latency::of(&micros), None);
        for value in 1..=1000_u64 {
            micros.record(value * 1000).unwrap();
        }
        let latency = Latency::of(&micros).unwrap();
        for (got, wanted) in
            [(latency.p50, 500.0), (latency.p99, 990.0), (latency.p999, 999.0), (latency.max, 1e3)]
        {
            assert!((got - wanted).abs() < wanted * 2e-3, "{got} {wanted}");
        }
    }

    #[test]
    fn digits_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
