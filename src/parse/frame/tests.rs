use std::fmt;

use bstr::ByteSlice;
use proptest::collection::vec;
use proptest::prelude::*;

use super::Decoder;
use super::Frame;
use super::FrameEvents;
use super::FrameSettings;
use super::naive::Naive;

/// What a decoder made of a stream.
#[derive(Default, PartialEq)]
struct Outcome {
    messages: Vec<(Vec<u8>, bool)>,
    events: FrameEvents,
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = self.messages.iter().map(|(text, cut)| (text.as_bstr(), cut));
        f.debug_list().entries(texts).finish()?;
        self.events.fmt(f)
    }
}

/// Runs the decoder as an input does: the tail of one read stands before the next.
fn fast(settings: &FrameSettings, reads: &[Vec<u8>]) -> Outcome {
    let mut decoder = Decoder::default();
    let mut outcome = Outcome::default();
    let mut tail = Vec::new();
    let mut frames: Vec<Frame> = Vec::new();
    for read in reads {
        let mut data = [tail, read.clone()].concat();
        let received = data.len();
        let events = &mut outcome.events;
        let at = decoder.decode(settings, &mut data, 0, received, &mut frames, events);
        for frame in frames.drain(..) {
            assert!(frame.span.end as usize <= at, "a frame is consumed");
            outcome.messages.push((frame.span.of(&data).to_vec(), frame.truncated));
        }
        tail = data.split_off(at);
        assert!(tail.len() <= settings.tail_max(), "the tail is bounded");
    }
    let received = tail.len();
    decoder.finish(settings, &mut tail, 0, received, &mut frames, &mut outcome.events);
    for frame in frames {
        outcome.messages.push((frame.span.of(&tail).to_vec(), frame.truncated));
    }
    outcome
}

fn naive(settings: &FrameSettings, reads: &[Vec<u8>]) -> Outcome {
    let mut decoder = Naive::default();
    for read in reads {
        decoder.decode(settings, read);
    }
    decoder.finish(settings);
    Outcome { messages: decoder.messages, events: decoder.events }
}

/// Streams made of what framing looks at.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => vec(prop::sample::select(b"0123456789 \n<>\0ab".to_vec()), 1..12),
        2 => vec(prop::sample::select(b"x\n<".to_vec()), 1..60),
        2 => (0_usize..40, vec(any::<u8>(), 0..40))
            .prop_map(|(count, text)| [format!("{count} <").into_bytes(), text].concat()),
        1 => Just(b"<13>message\n".to_vec()),
        1 => Just(b"000012 <13>hello wor\n".to_vec()),
        1 => Just(b"99999999999 <13>hello\n".to_vec()),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// The stream, and where it is cut into reads.
fn reads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    (stream(), vec(1_usize..20, 0..40)).prop_map(|(mut stream, cuts)| {
        let mut reads = Vec::new();
        for cut in cuts {
            if cut < stream.len() {
                let rest = stream.split_off(cut);
                reads.push(std::mem::replace(&mut stream, rest));
            }
        }
        reads.push(stream);
        reads
    })
}

fn settings() -> impl Strategy<Value = FrameSettings> {
    let extra = prop_oneof![Just(None), Just(Some(0)), Just(Some(b'a')), Just(Some(b' '))];
    let regex = prop_oneof![4 => Just(None), 1 => Just(Some("^<[0-9]*>")), 1 => Just(Some("ab"))];
    let switches = any::<[bool; 7]>();
    let sizes = (1_usize..30, 1_usize..60);
    (switches, extra, regex, sizes).prop_map(|(on, extra_delimiter, regex, (max, frame_max))| {
        FrameSettings {
            octet_counting: on[0],
            lf_delimiter: on[1],
            extra_delimiter,
            message_bytes_max: max,
            frame_bytes_max: frame_max,
            discard_truncated: on[2],
            discard_truncated_octets: on[3],
            cisco_asa: on[4],
            multi_line: on[5],
            regex: regex.map(|regex| regex::bytes::Regex::new(regex).unwrap()),
            strict: on[6],
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn as_byte_by_byte(settings in settings(), reads in reads()) {
        prop_assert_eq!(fast(&settings, &reads), naive(&settings, &reads));
    }

    /// Where one read ends and the next begins is chance (`multiLine` alone looks at it).
    #[test]
    fn reads_do_not_matter(settings in settings(), reads in reads()) {
        let settings = FrameSettings { multi_line: false, ..settings };
        prop_assert_eq!(fast(&settings, &reads), fast(&settings, &[reads.concat()]));
    }
}

fn texts(settings: &FrameSettings, stream: &[u8]) -> Vec<String> {
    let outcome = fast(settings, &[stream.to_vec()]);
    outcome.messages.into_iter().map(|(text, _)| String::from_utf8(text).unwrap()).collect()
}

#[test]
fn strict_counts_have_a_space_and_an_angle_bracket() {
    let strict = FrameSettings { strict: true, ..FrameSettings::default() };
    assert_eq!(texts(&strict, b"5 <13>a5 <13>b"), ["<13>a", "<13>b"]);
    assert_eq!(texts(&strict, b"2026-11-22 x\n5 <13>a"), ["2026-11-22 x", "<13>a"]);
    assert_eq!(texts(&strict, b"5 apples\n0 <13>a\n"), ["5 apples", "0 <13>a"]);
    assert_eq!(texts(&strict, b"200001 <13>a\n12"), ["200001 <13>a", "12"]);
}

#[test]
fn what_goes_wrong_is_counted() {
    let settings = FrameSettings { message_bytes_max: 8, ..FrameSettings::default() };
    // 0, `3-`, too large, too long by two bytes of which one is lost, unfinished.
    let stream = b"0 a\n3-abc\n200001 b\nabcdefghij\n20 <13>";
    let outcome = fast(&settings, &[stream.to_vec()]);
    let expected = FrameEvents {
        bad_count: 1,
        count_too_large: 1,
        delimiter_not_space: 1,
        oversize: 1,
        incomplete: 1,
        empty: 1,
        discarded_bytes: 5,
    };
    assert_eq!(outcome.events, expected, "{:?}", outcome.messages);
}

/// An idle connection is this and its socket.
#[test]
fn a_decoder_is_small() {
    assert!(size_of::<Decoder>() <= 16);
}
