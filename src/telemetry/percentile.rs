//! `percentile_stats()`: percentiles of numbers that rules observe (rsyslog "Percentile Stats").

use std::collections::HashMap;
use std::collections::VecDeque;

use crate::base::limits::PERCENTILE_NAMES_MAX;
use crate::base::limits::PERCENTILE_VALUES_MAX;
use crate::base::limits::STATS_NAME_BYTES_MAX;
use crate::base::num::count;
use crate::telemetry::Figure;
use crate::telemetry::continued::Continued;
use crate::telemetry::dynstats::DONE;
use crate::telemetry::dynstats::NO_ROOM;
use crate::telemetry::object::Object;

/// The parameters of a `percentile_stats()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PercentileSettings {
    pub name: String,
    /// Each 1 to 100, in the order of the report.
    pub percentiles: Vec<u8>,
    /// `windowSize`: the last so many values make the percentiles.
    pub window: usize,
    pub delimiter: String,
}

/// The observations of one `percentile_stats()`. Each takes a lock for one look-up.
#[derive(Debug)]
pub struct Percentiles {
    settings: PercentileSettings,
    /// Values that each name keeps: rsyslogd rounds up, and one place of its ring stays empty.
    kept: usize,
    state: Continued<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In the order in which they were made.
    metrics: Vec<(Box<[u8]>, Window)>,
    places: HashMap<Box<[u8]>, usize>,
    /// Values in all windows.
    values: usize,
    added: u64,
    overflows: u64,
}

/// What was observed of one name. It stays in the reports until there is something new.
#[derive(Debug, Default)]
struct Window {
    values: VecDeque<i64>,
    reported: bool,
    min: i64,
    max: i64,
    sum: i64,
    count: u64,
}

impl Percentiles {
    #[must_use]
    pub fn new(settings: PercentileSettings) -> Self {
        let kept = settings.window.saturating_add(1).checked_next_power_of_two();
        let kept = kept.map_or(settings.window, |size| size - 1);
        Self { settings, kept: kept.min(PERCENTILE_VALUES_MAX), state: Continued::default() }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Whether `other` observes in the same way.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.settings == other.settings
    }

    /// Observes on together with `before`, whose place it is to take. To be called before it
    /// observes.
    pub fn go_on_from(&self, before: &Self) {
        self.state.go_on_from(&before.state);
    }

    /// `percentile_observe()`: notes `value`, and returns what the function returns: [`DONE`] or
    /// [`NO_ROOM`]. An empty name is one like any other.
    pub fn observe(&self, metric: &[u8], value: i64) -> i64 {
        let mut state = self.state.lock();
        let state = &mut *state;
        let place = match state.places.get(metric) {
            Some(place) => *place,
            None if state.metrics.len() >= PERCENTILE_NAMES_MAX
                || metric.len() > STATS_NAME_BYTES_MAX =>
            {
                state.overflows += 1;
                return NO_ROOM;
            }
            None => {
                state.added += 1;
                state.places.insert(metric.into(), state.metrics.len());
                state.metrics.push((metric.into(), Window::default()));
                state.metrics.len() - 1
            }
        };
        let window = &mut state.metrics[place].1;
        if std::mem::take(&mut window.reported) {
            state.values -= window.values.len();
            *window = Window::default();
        }
        window.note(value);
        if (window.values.len() >= self.kept || state.values >= PERCENTILE_VALUES_MAX)
            && window.values.pop_front().is_some()
        {
            state.values -= 1;
        }
        if state.values >= PERCENTILE_VALUES_MAX {
            state.overflows += 1;
            return NO_ROOM;
        }
        window.values.push_back(value);
        state.values += 1;
        DONE
    }

    /// What the object `global` says of this bucket.
    #[must_use]
    pub fn operations(&self) -> Vec<Figure> {
        let state = self.state.lock();
        [("new_metric_add", state.added), ("ops_overflow", state.overflows)]
            .map(|(what, n)| Figure::counter(format!("{}.{what}", self.name()).into_bytes(), n))
            .into()
    }

    /// The percentiles of what was observed since the report before, or, where nothing was, what
    /// that one said.
    pub fn report(&self) -> Object {
        let mut state = self.state.lock();
        let mut figures = Vec::new();
        for (name, window) in &mut state.metrics {
            let mut figure = |what: &str, value| {
                let delimiter = self.settings.delimiter.as_bytes();
                let name = [name, delimiter, what.as_bytes()].concat();
                figures.push(Figure::gauge(name, value));
            };
            window.reported = true;
            let sorted = window.values.make_contiguous();
            sorted.sort_unstable();
            for percentile in &self.settings.percentiles {
                figure(&format!("p{percentile}"), at(sorted, *percentile));
            }
            figure("window_min", window.min);
            figure("window_max", window.max);
            figure("window_sum", window.sum);
            figure("window_count", i64::try_from(window.count).unwrap_or(i64::MAX));
        }
        let object = Object::new(self.name().to_owned(), "percentile.bucket", figures);
        Object { nested: true, ..object }
    }
}

impl Window {
    /// Smallest, largest, sum and number are of all values, also of those that the window loses.
    fn note(&mut self, value: i64) {
        self.min = if self.count == 0 { value } else { self.min.min(value) };
        self.max = if self.count == 0 { value } else { self.max.max(value) };
        self.sum = self.sum.saturating_add(value);
        self.count += 1;
    }
}

/// The value at `percentile`: rsyslogd's index is P·N/100 - 1, cut to a whole number, where its
/// documentation rounds up.
fn at(sorted: &[i64], percentile: u8) -> i64 {
    let rank = u64::from(percentile) * count(sorted.len()) / 100;
    let index = usize::try_from(rank.saturating_sub(1)).unwrap_or(0);
    sorted.get(index).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percentiles(percentiles: &[u8], window: usize) -> Percentiles {
        Percentiles::new(PercentileSettings {
            name: "ps".into(),
            percentiles: percentiles.into(),
            window,
            delimiter: "|".into(),
        })
    }

    fn values(percentiles: &Percentiles) -> Vec<i64> {
        percentiles.report().figures.iter().map(|figure| figure.value).collect()
    }

    /// Figures of rsyslogd 8.2302.
    #[test]
    fn the_ranks_are_rsyslogs() {
        let ps = percentiles(&[50, 95, 100, 1, 33], 5);
        for value in [7, 3, 9] {
            assert_eq!(ps.observe(b"v", value), DONE);
        }
        let report = ps.report();
        let names: Vec<_> =
            report.figures.iter().map(|f| String::from_utf8_lossy(&f.name)).collect();
        assert_eq!(
            names,
            [
                "v|p50",
                "v|p95",
                "v|p100",
                "v|p1",
                "v|p33",
                "v|window_min",
                "v|window_max",
                "v|window_sum",
                "v|window_count"
            ]
        );
        assert_eq!(values(&ps), [3, 7, 9, 3, 3, 3, 9, 19, 3], "it stays until there is more");
        (1..=10).for_each(|value| assert_eq!(ps.observe(b"v", value), DONE));
        // Seven of the ten are kept: 4 to 10.
        assert_eq!(values(&ps), [6, 9, 10, 4, 5, 1, 10, 55, 10]);
        ps.observe(b"", 5);
        let operations: Vec<_> = ps.operations().iter().map(|figure| figure.value).collect();
        assert_eq!(operations, [2, 0]);
    }

    #[test]
    fn names_are_bounded() {
        let ps = percentiles(&[50], 1);
        for i in 0..PERCENTILE_NAMES_MAX {
            assert_eq!(ps.observe(i.to_string().as_bytes(), 1), DONE);
        }
        assert_eq!(ps.observe(b"one more", 1), NO_ROOM);
        assert_eq!(ps.observe(b"0", 1), DONE);
        assert_eq!(ps.operations()[1].value, 1);
    }
}
