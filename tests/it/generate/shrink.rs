//! A difference among thousands of messages, made small enough to read.

use std::time::Duration;
use std::time::Instant;

use crate::generate::bench::Setup;
use crate::generate::message::Kind;
use crate::generate::message::Sent;
use crate::oracle::text;

/// Runs of both programs that one difference may cost.
const RUNS: usize = 100;
/// Time that one difference may cost.
const PATIENCE: Duration = Duration::from_secs(12);
/// What a message that was cut may take for a count swallows even the last one.
const RUN: Duration = Duration::from_secs(2);
/// Messages around the first difference that are tried alone at once, few and more.
const NEAR: [usize; 3] = [3, 40, 400];

/// The difference in template `number` as a file for `tests/oracle/cases`.
pub(crate) fn explain(
    setup: &Setup,
    number: usize,
    outputs: [&[u8]; 2],
    programs: [&str; 2],
) -> String {
    let template = setup.templates[number].clone();
    let messages = setup.messages.iter().filter(|(kind, _)| *kind == template.kind).cloned();
    let messages = messages.collect();
    let setup = Setup {
        switches: setup.switches.clone(),
        rules: setup.rules,
        templates: vec![template],
        messages,
        patience: RUN,
    };
    let mut shrinker = Shrinker { best: setup, programs, runs: RUNS, since: Instant::now() };
    let [theirs, ours] = outputs;
    let equal = theirs.iter().zip(ours).take_while(|(a, b)| a == b).count();
    shrinker.near(theirs[..equal].iter().filter(|byte| **byte == b'\n').count());
    shrinker.fewer_messages();
    shrinker.smaller_template();
    shrinker.shorter_messages();
    shrinker.case()
}

struct Shrinker<'p> {
    best: Setup,
    programs: [&'p str; 2],
    /// How many runs are left.
    runs: usize,
    since: Instant,
}

impl Shrinker<'_> {
    fn spent(&self) -> bool {
        self.runs == 0 || self.since.elapsed() > PATIENCE
    }

    /// Takes `smaller` if it still differs.
    fn keep(&mut self, smaller: Setup) -> bool {
        if self.spent() {
            return false;
        }
        self.runs -= 1;
        let differs = smaller.run_both(self.programs).is_ok_and(|[a, b]| a != b);
        if differs {
            self.best = smaller;
        }
        differs
    }

    /// Most often a line is a message.
    fn near(&mut self, line: usize) {
        for near in NEAR {
            let mut smaller = self.best.clone();
            let last = smaller.messages.len().min(line + near);
            smaller.messages = smaller.messages[line.saturating_sub(near).min(last)..last].to_vec();
            if self.keep(smaller) {
                return;
            }
        }
    }

    /// Leaves out runs of messages, half of them at first, one at last.
    fn fewer_messages(&mut self) {
        let mut size = self.best.messages.len().div_ceil(2);
        while size > 0 && !self.spent() {
            let mut from = 0;
            while !self.spent() && from < self.best.messages.len() && self.best.messages.len() > 1 {
                let mut smaller = self.best.clone();
                let to = (from + size).min(smaller.messages.len());
                drop(smaller.messages.drain(from..to));
                if !self.keep(smaller) {
                    from += size;
                }
            }
            size /= 2;
        }
    }

    fn smaller_template(&mut self) {
        for part in (0..self.best.templates[0].parts.len()).rev() {
            let mut smaller = self.best.clone();
            drop(smaller.templates[0].parts.remove(part));
            self.keep(smaller);
        }
        for switch in (0..self.best.switches.len()).rev() {
            let mut smaller = self.best.clone();
            smaller.switches.remove(switch);
            self.keep(smaller);
        }
    }

    /// Leaves out bytes, half of them at first.
    fn shorter_messages(&mut self) {
        for number in 0..self.best.messages.len() {
            let mut size = self.best.messages[number].1.message.len().div_ceil(2);
            while size > 0 && !self.spent() {
                let mut from = 0;
                while !self.spent() && from < self.best.messages[number].1.message.len() {
                    let mut smaller = self.best.clone();
                    let Sent { message, .. } = &mut smaller.messages[number].1;
                    let to = (from + size).min(message.len());
                    drop(message.drain(from..to));
                    if !self.keep(smaller) {
                        from += size;
                    }
                }
                size /= 2;
            }
        }
    }

    fn case(&self) -> String {
        let kind = self.best.templates[0].kind;
        let input = if kind == Kind::Datagram { "udp" } else { "tcp" };
        let rules = if kind == Kind::Json { self.best.rules } else { "" };
        let stream = text::encode_stream(&self.best.stream(kind));
        let mut case = format!(
            "# What a generated template made of a generated message.\n-- conf --\n{}\
             module(load=\"im{input}\")\nmodule(load=\"mmjsonparse\")\n\
             input(type=\"im{input}\" address=\"127.0.0.1\" port=\"@IN@\")\n{rules}\n\
             action(type=\"omfile\" file=\"@DIR@/out.log\" template=\"t0\")\n-- {input} --\n{stream}",
            self.best.definitions()
        );
        match self.best.run_both(self.programs) {
            Ok([theirs, ours]) => {
                let [theirs, ours] = [theirs, ours].map(|o| text::encode_stream(&o[0]));
                case.push_str(&format!("-- expect file out.log --\n{theirs}(bongsu)\n{ours}"));
            }
            Err(why) => case.push_str(&why),
        }
        case
    }
}
