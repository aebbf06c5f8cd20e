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
/// What a message is, but for its time: the files have that of arrival alone.
const FIELDS: &str = "<%pri%> %hostname% %syslogtag% %programname% |%msg%|\\n";
/// As PLURA's configurations once had it: a line end inside of the object, nothing escaped.
const OLD: &str = "{\\\"ceelog\\\":{\\\"timegenerated\\\":\\\"%timegenerated:::date-rfc3339%\\\",\
    \\\"programname\\\":\\\"%programname%\\\",\\\"hostname\\\":\\\"%hostname%\\\",\
    \\\"syslogtag\\\":\\\"%syslogtag%\\\",\\\"pri\\\":\\\"%pri%\\\",\\\"msg\\\":\\n\\\"%msg%\\\"}}\\n";

/// The node's relay: what comes by UDP goes to a ceelog file, and its fields to another.
fn node(dir: &Path, port: u16) -> Daemon {
    let at = dir.display();
    let config = format!(
        "global(localHostname=\"node\")\nmodule(load=\"imudp\")\n\
         input(type=\"imudp\" address=\"127.0.0.1\" port=\"{port}\")\n\
         include(file=\"{PLURA}/ceelog/77-plura.conf\")\n\
         template(name=\"fields\" type=\"string\" string=\"{FIELDS}\")\n\
         template(name=\"old\" type=\"string\" string=\"{OLD}\")\n\
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
    let port = free_port();
    let node = node(dir, port);
    assert!(wait_for(SOON, || udp_listens(port)));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for sample in &samples {
        socket.send_to(sample, ("127.0.0.1", port)).unwrap();
    }
    assert!(wait_for(SOON, || lines(&dir.join("sent")).len() == samples.len()));
    assert!(node.stop().status.success());
    samples.len()
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

/// What is no ceelog line is kept, as the next parser reads it.
#[test]
fn other_lines_are_kept() {
    let dir = TempDir::new().unwrap();
    let frames = [&b"{\"ceelog\":{\"msg\":\"cut of"[..], b"<13>host tag: plain"];
    let read = read_back(dir.path(), &frames.map(<[u8]>::to_vec));
    assert!(read[0].contains("{\"ceelog\":{\"msg\":\"cut"), "{read:?}");
    assert!(read[1].contains(" tag: tag | plain|"), "{read:?}");
}
