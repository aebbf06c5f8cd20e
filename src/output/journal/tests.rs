use std::io::IoSliceMut;
use std::io::Read as _;
use std::os::unix::net;
use std::time::Duration;

use rustix::net::RecvAncillaryBuffer;
use rustix::net::RecvAncillaryMessage;
use rustix::net::RecvFlags;

use super::*;
use crate::output::OutputSpec;
use crate::output::testing::compile;
use crate::output::testing::start;

/// An entry as journald gets it: the datagram, or the file that came with it, and its seals.
fn receive(socket: &net::UnixDatagram) -> (Vec<u8>, Option<SealFlags>) {
    let mut bytes = vec![0; 1 << 20];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(&mut bytes)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = rustix::net::recvmsg(socket, &mut slices, &mut control, flags).unwrap();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(mut files) = message {
            assert_eq!(received.bytes, 0);
            let mut file = std::fs::File::from(files.next().unwrap());
            let seals = rustix::fs::fcntl_get_seals(&file).unwrap();
            io::Seek::rewind(&mut file).unwrap();
            let mut all = Vec::new();
            file.read_to_end(&mut all).unwrap();
            return (all, Some(seals));
        }
    }
    bytes.truncate(received.bytes);
    (bytes, None)
}

#[test]
fn what_it_takes() {
    let OutputSpec::Journal(spec) = compile(&[("type", NAME)]).unwrap() else {
        panic!("no omjournal");
    };
    assert_eq!((&*spec.template, &*spec.socket), (DEFAULT_TEMPLATE, SOCKET));
    let refused = compile(&[("type", NAME), ("socket", "")]).unwrap_err();
    assert_eq!(refused, ["no socket to send to"]);
}

#[tokio::test]
async fn small_entries_are_datagrams_and_large_ones_are_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let socket = net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let action = start(&[("type", NAME), ("socket", path.to_str().unwrap())]);
    let large = format!("MESSAGE={}\n", "x".repeat(4 << 20));
    action.push(&["MESSAGE=one\n", &large, "MESSAGE=three\n"]).await;
    action.delivered().await;
    assert_eq!(receive(&socket), (b"MESSAGE=one\n".to_vec(), None));
    let (bytes, seals) = receive(&socket);
    assert_eq!(bytes.len(), large.len());
    assert!(bytes == large.as_bytes());
    assert!(seals.unwrap().contains(SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW));
    assert_eq!(receive(&socket), (b"MESSAGE=three\n".to_vec(), None));
    assert_eq!((action.stats.delivered.get(), action.stats.dropped_unsendable.get()), (3, 0));
    action.end().await;
}

#[tokio::test]
async fn a_journald_that_is_started_anew_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let action = start(&[
        ("type", NAME),
        ("socket", path.to_str().unwrap()),
        ("action.resumeInterval", "0"),
    ]);
    for round in ["MESSAGE=1\n", "MESSAGE=2\n"] {
        let socket = net::UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        action.push(&[round]).await;
        action.delivered().await;
        assert_eq!(receive(&socket), (round.as_bytes().to_vec(), None));
        drop(socket);
        std::fs::remove_file(&path).unwrap();
    }
    action.end().await;
}
