//! PLURA's ceelog files as an input: syslog to a file by PLURA's own template, and from its lines
//! the same messages again.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::BONGSU;
use crate::support::process::Daemon;
use crate::support::process::start;
use crate::support::tcp_listens;
use crate::support::udp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(10);
const PLURA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/config/plura");
const NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/plura/node.conf");
/// What a message is, but for its time: the files have that of arrival alone.
const FIELDS: &str = "<%pri%> %hostname% %syslogtag% %programname% |%msg%|\\n";
/// As PLURA's configurations once had it: a line end inside of the object, nothing escaped.
const OLD: &str = "{\\\"ceelog\\\":{\\\"timegenerated\\\":\\\"%timegenerated:::date-rfc3339%\\\",\
    \\\"programname\\\":\\\"%programname%\\\",\\\"hostname\\\":\\\"%hostname%\\\",\
    \\\"syslogtag\\\":\\\"%syslogtag%\\\",\\\"pri\\\":\\\"%pri%\\\",\\\"msg\\\":\\n\\\"%msg%\\\"}}\\n";

/// The forms of a ceelog line, by the files that have them: PLURA's templates as they are
/// published, ours, the one of old, and one that escapes nothing.
const FORMS: [&str; 4] = ["ceelog.log", "ours.log", "old.log", "plain.log"];

/// The node's relay: what comes by UDP goes to ceelog files, and its fields to another.
fn node(dir: &Path, port: u16) -> Daemon {
    let (at, plain) = (dir.display(), OLD.replace(":\\n", ":"));
    let ours = fs::read_to_string(NODE).unwrap();
    let ours = ours.lines().find(|line| line.starts_with("template(name=\"Ceelog\"")).unwrap();
    let config = format!(
        "global(localHostname=\"node\")\nmodule(load=\"imudp\")\n\
         input(type=\"imudp\" address=\"127.0.0.1\" port=\"{port}\")\n\
         include(file=\"{PLURA}/ceelog/77-plura.conf\")\n\
         template(name=\"fields\" type=\"string\" string=\"{FIELDS}\")\n\
         template(name=\"old\" type=\"string\" string=\"{OLD}\")\n\
         template(name=\"plain\" type=\"string\" string=\"{plain}\")\n{ours}\n\
         action(type=\"omfile\" file=\"{at}/ours.log\" template=\"Ceelog\")\n\
         action(type=\"omfile\" file=\"{at}/plain.log\" template=\"plain\")\n\
         action(type=\"omfile\" file=\"{at}/ceelog.log\" template=\"CEETemplate\")\n\
         action(type=\"omfile\" file=\"{at}/old.log\" template=\"old\")\n\
         action(type=\"omfile\" file=\"{at}/sent\" template=\"fields\")\n"
    );
    start(BONGSU, dir, &config, &[])
}

/// The relay that reads ceelog lines: frames of any kind, by the count of their bytes.
fn reader(dir: &Path, port: u16) -> Daemon {
    let at = dir.display();
    let config = format!(
        "global(localHostname=\"reader\")\nmodule(load=\"imtcp\")\nmodule(load=\"pmceelog\")\n\
         template(name=\"fields\" type=\"string\" string=\"{FIELDS}\")\n\
         ruleset(name=\"ceelog\" parser=[\"bongsu.ceelog\", \"rsyslog.rfc3164\"]) {{\n\
           action(type=\"omfile\" file=\"{at}/read\" template=\"fields\")\n}}\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\" ruleset=\"ceelog\")\n"
    );
    start(BONGSU, dir, &config, &[])
}

fn lines(file: &Path) -> Vec<String> {
    let bytes = fs::read(file).unwrap_or_default();
    String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
}

/// PLURA's samples, into the files of `dir`: how many there are.
fn write_ceelog(dir: &Path) -> usize {
    let samples = fs::read(format!("{PLURA}/samples.log")).unwrap();
    let samples: Vec<_> = samples.split(|b| *b == b'\n').filter(|line| !line.is_empty()).collect();
    write(dir, &samples);
    samples.len()
}

fn write(dir: &Path, samples: &[&[u8]]) {
    let port = free_port();
    let node = node(dir, port);
    assert!(wait_for(SOON, || udp_listens(port)));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for (sent, sample) in samples.iter().enumerate() {
        socket.send_to(sample, ("127.0.0.1", port)).unwrap();
        if sent % 50 == 49 {
            assert!(wait_for(SOON, || lines(&dir.join("sent")).len() > sent));
        }
    }
    assert!(wait_for(SOON, || lines(&dir.join("sent")).len() == samples.len()));
    assert!(node.stop().status.success());
}

/// What the reader makes of `frames`, of which there are as many as `sent` lines.
fn read_back(dir: &Path, frames: &[Vec<u8>]) -> Vec<String> {
    let port = free_port();
    let reader = reader(dir, port);
    assert!(wait_for(SOON, || tcp_listens(port)));
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    for frame in frames {
        stream.write_all(format!("{} ", frame.len()).as_bytes()).unwrap();
        stream.write_all(frame).unwrap();
    }
    drop(stream);
    assert!(wait_for(SOON, || lines(&dir.join("read")).len() == frames.len()));
    assert!(reader.stop().status.success());
    lines(&dir.join("read"))
}

#[test]
fn what_went_to_a_ceelog_file_comes_back_as_it_was() {
    let dir = TempDir::new().unwrap();
    let count = write_ceelog(dir.path());
    let text = fs::read(dir.path().join("ceelog.log")).unwrap();
    let frames: Vec<_> = text.split(|b| *b == b'\n').filter(|l| !l.is_empty()).collect();
    assert_eq!(frames.len(), count);
    let frames: Vec<_> = frames.into_iter().map(<[u8]>::to_vec).collect();
    let sent = lines(&dir.path().join("sent"));
    for (read, sent) in read_back(dir.path(), &frames).iter().zip(&sent) {
        assert_eq!(read, sent);
    }
}

/// Each object over two lines, as a line end inside of it makes them.
#[test]
fn so_does_the_form_of_old() {
    let dir = TempDir::new().unwrap();
    let count = write_ceelog(dir.path());
    let text = fs::read_to_string(dir.path().join("old.log")).unwrap();
    let frames: Vec<_> = text.split_inclusive("\"}}\n").map(str::trim_end).collect();
    assert_eq!(frames.len(), count);
    assert!(frames.iter().all(|frame| frame.lines().count() == 2));
    let frames: Vec<_> = frames.into_iter().map(|frame| frame.as_bytes().to_vec()).collect();
    let sent = lines(&dir.path().join("sent"));
    for (read, sent) in read_back(dir.path(), &frames).iter().zip(&sent) {
        assert_eq!(read, sent);
    }
}

/// Texts with each byte there is, and with what a ceelog line is made of in any order.
fn odd_texts() -> Vec<Vec<u8>> {
    const PIECES: [&str; 17] = [
        "\"",
        "\\",
        ",",
        "}",
        "}}",
        "\"}}",
        ":",
        "\"msg\":",
        "\"x\":\"",
        "\",\"b\":\"c",
        "\",\"pri\":\"0",
        "\",\"pri-text\":\"0",
        "u0041",
        "#012",
        " ",
        "{\"ceelog\":{",
        "é",
    ];
    let bytes =
        (0..=255_u8).map(|byte| [b"a", &[byte][..], b"b \"", &[byte], b"\" ", &[byte]].concat());
    let mut state = 7_u64;
    let mut next = move |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let made = (0..600).map(|_| {
        let text: String = (0..=next(6)).map(|_| PIECES[next(PIECES.len())]).collect();
        format!("a{text}").into_bytes()
    });
    bytes.chain(made.collect::<Vec<_>>()).collect()
}

/// Whatever is in a text, it comes back from each form. What nobody escaped and looks escaped is
/// another text: a backslash in the last form.
#[test]
fn every_odd_text_comes_back_from_each_form() {
    let dir = TempDir::new().unwrap();
    let texts = odd_texts();
    let samples: Vec<_> = texts
        .iter()
        .map(|text| [b"<13>Oct 11 22:14:15 host tag[1]: ", &text[..]].concat())
        .collect();
    write(dir.path(), &samples.iter().map(|sample| &sample[..]).collect::<Vec<_>>());
    let sent = lines(&dir.path().join("sent"));
    for form in FORMS {
        let bytes = fs::read(dir.path().join(form)).unwrap();
        let mut frames: Vec<Vec<u8>> = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match frames.last_mut() {
                Some(last) if last.ends_with(b"\"msg\":\n") => last.extend_from_slice(line),
                _ => frames.push(line.to_vec()),
            }
        }
        frames.iter_mut().for_each(|frame| frame.truncate(frame.trim_ascii_end().len()));
        assert_eq!(frames.len(), samples.len(), "{form}");
        fs::remove_file(dir.path().join("read")).ok();
        let read = read_back(dir.path(), &frames);
        let differ: Vec<_> = read
            .iter()
            .zip(&sent)
            .filter(|(read, sent)| read != sent && !(form == "plain.log" && sent.contains('\\')))
            .collect();
        let (first, many) = (&differ[..differ.len().min(5)], differ.len());
        assert!(differ.is_empty(), "{form}: {many} differ, as {first:#?}");
    }
}

/// What is no ceelog line is kept, as the next parser reads it.
#[test]
fn other_lines_are_kept() {
    let dir = TempDir::new().unwrap();
    let frames = [&b"{\"ceelog\":{\"msg\":\"cut of"[..], b"<13>host tag: plain"];
    let read = read_back(dir.path(), &frames.map(<[u8]>::to_vec));
    assert!(read[0].contains("{\"ceelog\":{\"msg\":\"cut"), "{read:?}");
    assert!(read[1].contains(" tag: tag | plain|"), "{read:?}");
}
