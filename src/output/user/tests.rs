use std::fs;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use rustix::pty;
use rustix::termios;

use super::*;
use crate::base::clock;
use crate::output::OutputSpec;
use crate::output::testing::Driven;
use crate::output::testing::compile;
use crate::output::testing::until;
use crate::queue::Framing;

/// A pty whose other end shows what was written, as it was written.
struct Pty {
    screen: File,
    /// Held open: a pty without a terminal is hung up.
    _terminal: File,
    line: String,
}

impl Pty {
    fn new() -> Self {
        let flags = pty::OpenptFlags::RDWR | pty::OpenptFlags::NOCTTY;
        let screen = pty::openpt(flags).unwrap();
        pty::grantpt(&screen).unwrap();
        pty::unlockpt(&screen).unwrap();
        let path = pty::ptsname(&screen, Vec::new()).unwrap().into_string().unwrap();
        let terminal = File::options().read(true).write(true).open(&path).unwrap();
        let mut raw = termios::tcgetattr(&terminal).unwrap();
        raw.make_raw();
        termios::tcsetattr(&terminal, termios::OptionalActions::Now, &raw).unwrap();
        rustix::io::ioctl_fionbio(&screen, true).unwrap();
        let line = path.strip_prefix("/dev/").unwrap().to_owned();
        Self { screen: screen.into(), _terminal: terminal, line }
    }

    /// Waits for `text` on the screen.
    async fn shown(&mut self, text: &str) {
        let mut bytes = Vec::new();
        for _ in 0..1000 {
            bytes.extend(self.read());
            if bytes.len() >= text.len() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(String::from_utf8_lossy(&bytes), text);
    }

    /// Whatever is there.
    fn read(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 64 << 10];
        match self.screen.read(&mut bytes) {
            Ok(n) => bytes.truncate(n),
            Err(e) => {
                assert_eq!(e.kind(), std::io::ErrorKind::WouldBlock);
                bytes.clear();
            }
        }
        bytes
    }
}

fn users(text: &str) -> Users {
    let OutputSpec::User(spec) = compile(&[("type", NAME), ("users", text)]).unwrap() else {
        panic!("no omusrmsg");
    };
    spec.users
}

/// An action that finds its users in `folder`.
fn start(text: &str, folder: &Path) -> (Driven, tokio::task::JoinHandle<()>) {
    let (driven, task) = Driven::new(Framing::NONE);
    let mut desk = Desk::new(users(text), driven.stats.clone());
    (desk.utmp, desk.sessions) = (folder.join("utmp"), folder.join("sessions"));
    let OutputSpec::User(spec) = compile(&[("type", NAME), ("users", text)]).unwrap() else {
        panic!("no omusrmsg");
    };
    let running = tokio::spawn(async move {
        let health = Health::new(&task, &spec.common);
        run_with(desk, &health, &task).await;
    });
    (driven, running)
}

#[test]
fn who_and_how() {
    let spec = |users: &str| {
        let spec = compile(&[("type", NAME), ("users", users)]);
        spec.map(|spec| (spec.template().unwrap().to_owned(), spec.target("")))
    };
    let named = |target: &str| Ok((" StdUsrMsgFmt".to_owned(), format!("terminals:{target}")));
    assert_eq!(spec("*"), Ok((" WallFmt".to_owned(), "terminals:*".to_owned())));
    assert_eq!(spec(" root , mary"), named("mary,root"));
    // rsyslogd looks for a user called '*'.
    assert_eq!(spec("root,*"), named("*,root"));
    assert_eq!(spec(" , "), Err(vec!["no user to write to".to_owned()]));
    assert_eq!(compile(&[("type", NAME)]), Err(vec!["parameter 'users' must be given".to_owned()]));
}

#[tokio::test]
async fn named_users_and_everybody() {
    let dir = tempfile::tempdir().unwrap();
    let (mut root, mut mary) = (Pty::new(), Pty::new());
    let utmp = [
        logins::record(7, &root.line, "root"),
        logins::record(7, &root.line, "root"),
        logins::record(7, &mary.line, "mary"),
        logins::record(7, "pts/nothing", "root"),
        logins::record(7, "null/../../etc/hostname", "root"),
    ];
    fs::write(dir.path().join("utmp"), utmp.concat()).unwrap();
    for (users, to_mary) in [("root,eve", false), ("*", true)] {
        let (driven, running) = start(users, dir.path());
        driven.push(&[" t: one\n\r", " t: two\n\r"]).await;
        driven.delivered().await;
        // Once, though there are two logins at this terminal.
        root.shown(" t: one\n\r t: two\n\r").await;
        if to_mary {
            mary.shown(" t: one\n\r t: two\n\r").await;
        }
        assert_eq!((driven.stats.delivered.get(), driven.stats.failures.get()), (2, 1));
        drop(driven);
        running.await.unwrap();
    }
    // The first action wrote nothing to her.
    assert!(mary.read().is_empty());
}

/// Nobody reads one of the terminals: the other one gets everything, soon.
#[tokio::test]
async fn a_stopped_terminal_delays_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (stopped, mut read) = (Pty::new(), Pty::new());
    let utmp = [logins::record(7, &stopped.line, "a"), logins::record(7, &read.line, "b")];
    fs::write(dir.path().join("utmp"), utmp.concat()).unwrap();
    let (driven, running) = start("*", dir.path());
    let begun = clock::monotonic();
    let text = "x".repeat(1000);
    for round in 1..=60 {
        driven.push(&[&text]).await;
        read.shown(&text).await;
        until(|| driven.stats.delivered.get() == round).await;
        if driven.stats.terminals_skipped.get() >= 3 {
            break;
        }
    }
    assert!(driven.stats.terminals_skipped.get() >= 3, "it never filled");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(driven.stats.suspended.get(), 0);
    drop(driven);
    running.await.unwrap();
}

#[tokio::test]
async fn nowhere_to_look_is_said_once() {
    let dir = tempfile::tempdir().unwrap();
    let (driven, running) = start("*", dir.path());
    for _ in 0..3 {
        driven.push(&["one"]).await;
        driven.delivered().await;
    }
    let said = driven.said.all();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("finds no terminals: neither"), "{said:?}");
    drop(driven);
    running.await.unwrap();
}
