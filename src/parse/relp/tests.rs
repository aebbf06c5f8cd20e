use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::parse::relp::naive::Owned;
use crate::parse::relp::naive::decoded;
use crate::parse::relp::naive::fuzz_relp;

const LIMITS: FrameLimits = FrameLimits { data_bytes_max: 20, abort: false };

fn syslog(txnr: u32, data: &[u8], truncated: bool) -> Owned {
    Owned { txnr, command: Command::Syslog, data: data.to_vec(), truncated }
}

/// What of a stream was taken, and what stopped it.
fn read(stream: &[u8]) -> (Vec<Owned>, Option<Fault>) {
    decoded(LIMITS, stream, stream.len())
}

/// Each verdict was seen from rsyslogd 8.2302: it answered, or ended the session.
#[test]
fn frames_as_librelp_reads_them() {
    let good: [(&[u8], Owned); 5] = [
        (b"2 syslog 3 abc\n", syslog(2, b"abc", false)),
        (b"002 syslog 000000003 abc\n", syslog(2, b"abc", false)),
        (b"999999999 syslog 0\n", syslog(999_999_999, b"", false)),
        (b"2 syslog 5 a\nb\0c\n", syslog(2, b"a\nb\0c", false)),
        (b"2 syslog 30 abcdefghijklmnopqrstuvwxyzabcd\n", syslog(2, b"abcdefghijklmnopqrst", true)),
    ];
    for (stream, frame) in good {
        assert_eq!(read(stream), (vec![frame], None), "{:?}", stream.escape_ascii().to_string());
    }
    let bad: [(&[u8], Fault); 13] = [
        (b"GET / HTTP/1.0\r\n", Fault::Txnr),
        (b"1x open 0\n", Fault::Txnr),
        (b"1000000000 open 1 x\n", Fault::Txnr),
        (b"2  syslog 3 abc\n", Fault::Command),
        (b"2 a1b 1 x\n", Fault::Command),
        (b"2 a-b 1 x\n", Fault::Command),
        (b"2 abcdefghijklmnopqrstuvwxyzabcdefg 1 x\n", Fault::Command),
        (b"2 syslog 0000000003 abc\n", Fault::Length),
        (b"2 syslog 0 \n", Fault::Length),
        (b"2 syslog 3\nabc\n", Fault::Length),
        (b"2 syslog\n", Fault::Command),
        (b"2 syslog 3 abcX3 syslog 3 abc\n", Fault::Trailer),
        (b"2 syslog x\n", Fault::Length),
    ];
    for (stream, fault) in bad {
        assert_eq!(read(stream), (vec![], Some(fault)), "{}", stream.escape_ascii());
    }
    let abort = FrameLimits { abort: true, ..LIMITS };
    assert_eq!(decoded(abort, b"2 syslog 21 ", 99).1, Some(Fault::TooLong));
}

/// A session: what is said, and where it ends.
fn talk(stream: &[u8]) -> (String, Option<Ending>) {
    let (mut decoder, mut server) = (Decoder::default(), Server::default());
    let limits = FrameLimits { data_bytes_max: 1000, abort: false };
    let (mut data, mut at, mut out) = (stream.to_vec(), 0, Vec::new());
    let mut ending = None;
    while let Ok(Some(frame)) = decoder.frame(limits, &mut data, &mut at, stream.len()) {
        match server.take(&frame, stream, &mut out) {
            Step::Message => write_ok(&mut out, frame.txnr),
            Step::Answered => {}
            Step::Over(how) => {
                ending = Some(how);
                break;
            }
        }
    }
    (String::from_utf8(out).unwrap(), ending)
}

fn opened(rest: &str) -> String {
    format!("1 open 30 relp_version=0\ncommands=syslog\n{rest}")
}

#[test]
fn a_session_from_open_to_close() {
    let (said, ending) = talk(opened("2 syslog 3 <1>\n3 syslog 0\n4 close 0\n").as_bytes());
    let (hello, rest) = said.split_once("commands=syslog\n").unwrap();
    assert!(hello.starts_with("1 rsp ") && hello.contains(" 200 OK\nrelp_version=0\n"), "{hello}");
    assert_eq!(rest, "2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 0\n0 serverclose 0\n");
    assert_eq!(ending, Some(Ending::Closed));
}

/// As rsyslogd 8.2302 does: which of these end a session, and which numbers are answered by 500.
#[test]
fn what_a_client_may_not_do() {
    let refused: [(&str, &str); 7] = [
        ("5 open 30 relp_version=0\ncommands=syslog\n", "0 serverclose 0\n"),
        ("1 open 14 relp_version=0\n", "not offered"),
        ("1 open 33 relp_version=abc\ncommands=syslog \n", "no number"),
        ("1 open 31 relp_version=\ncommands=eventlog\n", "no number"),
        ("1 open 5 hello\n", "not offered"),
        ("1 foo 1 x\n", "0 serverclose 0\n"),
        ("0 syslog 3 <1>\n", "0 serverclose 0\n"),
    ];
    for (stream, word) in refused {
        let (said, ending) = talk(stream.as_bytes());
        assert!(matches!(ending, Some(Ending::Refused(_))), "{stream}");
        assert!(said.contains(word) && said.ends_with("0 serverclose 0\n"), "{stream}: {said}");
        assert_eq!(said.starts_with("1 rsp"), said.contains(" 500 "), "{stream}: {said}");
    }
    for rest in ["3 syslog 3 <1>\n", "1 syslog 3 <1>\n", "2 foo 1 x\n", "2 starttls 0\n"] {
        let (said, ending) = talk(opened(rest).as_bytes());
        assert!(matches!(ending, Some(Ending::Refused(_))), "{rest}");
        assert!(said.ends_with("\n0 serverclose 0\n") && !said.contains("\n2 rsp"), "{said}");
    }
    let (said, ending) = talk(opened("2 open 15 commands=syslog\n").as_bytes());
    assert!(said.contains("\n2 rsp 31 500 the session is open already\n"), "{said}");
    assert!(matches!(ending, Some(Ending::Refused(_))));
    // Too early, and no reason to end.
    let early = talk(b"1 syslog 3 <1>\n2 open 15 commands=syslog\n3 syslog 3 <1>\n");
    assert!(early.0.starts_with("1 rsp ") && early.0.contains("500 command disabled"));
    assert!(early.0.ends_with("\n3 rsp 6 200 OK\n") && early.1.is_none(), "{early:?}");
    // Versions that nobody knows yet are taken: what counts is what is offered.
    assert!(talk(b"1 open 32 relp_version=2\ncommands=x,syslog\n").1.is_none());
    assert_eq!(talk(b"1 close 0\n"), ("1 rsp 0\n0 serverclose 0\n".into(), Some(Ending::Closed)));
    let hint = talk(opened("0 serverclose 0\n").as_bytes());
    assert!(hint.0.ends_with("commands=syslog\n") && hint.1 == Some(Ending::Closed));
}

#[test]
fn numbers_go_round() {
    assert_eq!((next(1), next(TXNR_MAX)), (2, 1));
    assert_eq!((after(1, 0), after(TXNR_MAX, 1), after(TXNR_MAX - 1, 3)), (1, 1, 2));
    let mut frame = b"000000000 syslog 0\n".to_vec();
    let mut counter = Counter::at(TXNR_MAX - 1);
    for expected in [TXNR_MAX - 1, TXNR_MAX, 1, 2] {
        counter.patch(&mut frame);
        assert_eq!(read(&frame).0[0].txnr, expected);
        counter.step();
    }
}

#[test]
fn answers_have_codes() {
    for (data, expected) in [
        (&b"200 OK"[..], Some(200)),
        (b"500 no", Some(500)),
        (b"200", Some(200)),
        (b"2000", None),
        (b"20", None),
        (b"", None),
        (b"OK", None),
    ] {
        assert_eq!(code(data), expected);
    }
    let mut out = Vec::new();
    write_ok(&mut out, 1_234_567);
    write_ok(&mut out, 0);
    assert_eq!(out, b"1234567 rsp 6 200 OK\n0 rsp 6 200 OK\n");
}

fn near_frame() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"1 "[..],
        b"2 ",
        b"123456789 ",
        b"0",
        b" ",
        b"\n",
        b"syslog ",
        b"syslog",
        b"open ",
        b"rsp ",
        b"close ",
        b"x",
        b"3 abc\n",
        b"12 ",
        b"0\n",
        b"25 ",
        b"abcdefghijklmnopqrstuvwxyzabcdefg",
        b"2 syslog 3 abc\n",
        b"3 syslog 45 abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrs\n",
        b"1 open 15 commands=syslog\n",
    ]);
    let noise = vec(any::<u8>(), 0..4);
    vec(prop_oneof![9 => piece.prop_map(<[u8]>::to_vec), 1 => noise], 0..12)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn any_reads_give_the_frames_of_the_twin(
        bits in any::<u8>(),
        read in 0_u8..40,
        stream in near_frame(),
    ) {
        fuzz_relp(&[vec![bits, read], stream].concat());
    }

    #[test]
    fn what_is_framed_is_read(messages in vec(vec(any::<u8>(), 0..40), 0..9), read in 1_usize..60) {
        let limits = FrameLimits { data_bytes_max: 64, abort: true };
        let mut stream = Vec::new();
        for (txnr, message) in (7..).zip(&messages) {
            let start = stream.len();
            stream.extend_from_slice(message);
            frame_syslog(&mut stream, start);
            Counter::at(txnr).patch(&mut stream[start..]);
        }
        let expected = (7..).zip(&messages).map(|(n, m)| syslog(n, m, false)).collect::<Vec<_>>();
        prop_assert_eq!(decoded(limits, &stream, read), (expected, None));
    }
}

/// What fuzzing found worth keeping runs with the other tests.
#[test]
fn fuzz_corpus() {
    let folder = format!("{}/fuzz/corpus/relp", env!("CARGO_MANIFEST_DIR"));
    let mut inputs = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        fuzz_relp(&std::fs::read(file.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs > 5, "the corpus was not found");
}
