use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::base::clock;
use crate::output::OutputSpec;
use crate::output::testing::Action;
use crate::output::testing::compile;
use crate::output::testing::start;
use crate::output::testing::until;

/// A program, and what it was told, in `log`.
struct Stage {
    dir: TempDir,
}

impl Stage {
    fn new(script: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("program");
        let folder = dir.path().display();
        // Written by a child: a file that this process has open to write cannot be run by another
        // thread's child.
        let text = format!("#!/bin/sh\ncd {folder}\n{script}");
        let command = format!("cat > {0} && chmod 755 {0}", path.display());
        let mut shell = std::process::Command::new("/bin/sh");
        let mut shell =
            shell.args(["-c", &command]).stdin(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut shell.stdin.take().unwrap(), text.as_bytes()).unwrap();
        assert!(shell.wait().unwrap().success());
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn start(&self, more: &[(&str, &str)]) -> Action {
        let binary = self.path("program").display().to_string();
        let own = [("type", NAME), ("binary", &binary), ("action.resumeInterval", "0")];
        start(&[&own[..], more].concat())
    }
}

#[test]
fn what_it_takes() {
    let program = |params: &[(&str, &str)]| {
        let spec = compile(&[&[("type", NAME), ("binary", "/bin/x a")][..], params].concat());
        let OutputSpec::Program(spec) = spec.unwrap() else { panic!("no omprog") };
        *spec
    };
    let usual = program(&[]);
    assert_eq!((usual.template.as_str(), usual.confirm), ("RSYSLOG_FileFormat", None));
    assert_eq!((usual.signal_on_close, usual.kill, usual.on_hup), (false, false, None));
    assert_eq!(usual.close_timeout, Duration::from_secs(5));
    let signals = program(&[("signalOnClose", "on"), ("hup.signal", "usr1")]);
    assert_eq!((signals.kill, signals.on_hup), (true, Some(Signal::USR1)));
    assert!(!program(&[("signalOnClose", "on"), ("killUnresponsive", "off")]).kill);
    let confirms = program(&[("confirmMessages", "on"), ("confirmTimeout", "70")]);
    assert_eq!(confirms.confirm, Some(Duration::from_millis(70)));
    let refused = |params: &[(&str, &str)]| compile(params).unwrap_err()[0].clone();
    assert_eq!(refused(&[("type", NAME), ("binary", " ")]), "no program to start");
    assert!(refused(&[("type", NAME)]).contains("'binary' must be given"));
}

#[tokio::test]
async fn a_program_that_ends_is_started_anew() {
    let stage = Stage::new("for i in 1 2; do read -r l; echo \"$$ $l\" >> log; done; exit 3");
    let action = stage.start(&[]);
    for round in 1..=3 {
        action.push(&["one", "two\n"]).await;
        until(|| stage.read("log").lines().count() == 2 * round).await;
        until(|| action.said.all().len() == round).await;
    }
    assert!(action.said.all()[0].contains("exit status: 3"), "{:?}", action.said.all());
    let log = stage.read("log");
    let words: Vec<_> = log.lines().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(words, ["one", "two", "one", "two", "one", "two"]);
    assert_eq!((action.stats.opened.get(), action.stats.delivered.get()), (3, 6));
    action.end().await;
}

/// The messages stay in the queue until the program says OK; what it refuses, or dies of, is sent
/// again, and nothing else is.
#[tokio::test]
async fn what_is_not_confirmed_is_sent_again() {
    let stage = Stage::new(
        "echo OK
         while read -r l; do
           echo \"$l\" >> log
           case $l in
             slow) while [ ! -e go ]; do sleep 0.01; done; echo OK;;
             bad) if [ -e bad ]; then echo OK; else touch bad; echo 'no room'; fi;;
             die) [ -e died ] && echo OK || { touch died; exit 1; };;
             *) echo OK;;
           esac
         done",
    );
    let action = stage.start(&[("confirmMessages", "on"), ("reportFailures", "on")]);
    action.push(&["slow", "one", "bad", "two", "die", "three"]).await;
    until(|| stage.read("log") == "slow\n").await;
    assert_eq!((action.queue.gauge().depth().1, action.stats.delivered.get()), (6, 0));
    fs::write(stage.path("go"), "").unwrap();
    action.delivered().await;
    assert_eq!(stage.read("log"), "slow\none\nbad\nbad\ntwo\ndie\ndie\nthree\n");
    let said = action.said.all();
    assert!(said.iter().any(|text| text.contains("returned: no room")), "{said:?}");
    assert_eq!((action.stats.delivered.get(), action.stats.opened.get()), (6, 2));
    action.end().await;
}

/// What the program says without being asked confirms nothing that it has not seen.
#[tokio::test]
async fn a_second_answer_is_no_answer_to_the_next_message() {
    let stage = Stage::new(
        "printf 'OK\\nOK\\n'
         while read -r l; do
           echo \"$l\" >> log
           case $l in
             bad) if [ -e bad ]; then echo OK; else touch bad; echo 'no room'; fi;;
             *) printf 'OK\\nOK\\n';;
           esac
         done",
    );
    let action = stage.start(&[("confirmMessages", "on"), ("reportFailures", "on")]);
    action.push(&["one", "bad", "two", "three"]).await;
    action.delivered().await;
    assert_eq!(stage.read("log"), "one\nbad\nbad\ntwo\nthree\n");
    let said = action.said.all();
    let strays = said.iter().filter(|text| text.contains("without being asked")).count();
    assert_eq!((strays, action.stats.opened.get()), (1, 1), "{said:?}");
    action.end().await;
}

#[tokio::test]
async fn transactions_begin_again_as_a_whole() {
    let stage = Stage::new(
        "echo OK
         while read -r l; do
           echo \"$l\" >> log
           case $l in
             two) if [ -e once ]; then echo DEFER_COMMIT; else touch once; echo no; fi;;
             BEGIN|END) echo OK;;
             *) echo DEFER_COMMIT;;
           esac
         done",
    );
    let action = stage.start(&[
        ("confirmMessages", "on"),
        ("useTransactions", "on"),
        ("beginTransactionMark", "BEGIN"),
        ("commitTransactionMark", "END"),
    ]);
    action.push(&["one", "two", "three"]).await;
    action.delivered().await;
    assert_eq!(stage.read("log"), "BEGIN\none\ntwo\nBEGIN\none\ntwo\nthree\nEND\n");
    action.end().await;
    let stage = Stage::new("cat > log");
    let action = stage.start(&[("useTransactions", "on")]);
    action.push(&["one", "two"]).await;
    action.end().await;
    assert_eq!(stage.read("log"), "BEGIN TRANSACTION\none\ntwo\nCOMMIT TRANSACTION\n");
}

/// One that hangs is killed, and its message is for the next one.
#[tokio::test]
async fn a_program_that_hangs_is_replaced() {
    let stage = Stage::new(
        "trap '' TERM
         echo OK
         while read -r l; do
           echo \"$l\" >> log
           [ -e hung ] || { touch hung; exec sleep 1000; }
           echo OK
         done",
    );
    let action = stage.start(&[
        ("confirmMessages", "on"),
        ("confirmTimeout", "500"),
        ("signalOnClose", "on"),
        ("closeTimeout", "100"),
    ]);
    action.push(&["one", "two"]).await;
    action.delivered().await;
    assert_eq!(stage.read("log"), "one\none\ntwo\n");
    let said = action.said.all();
    assert!(said.iter().any(|text| text.contains("did not confirm within 500ms")), "{said:?}");
    assert!(said.iter().any(|text| text.contains("was killed")), "{said:?}");
    action.end().await;
}

/// One that does not become ready gets no messages.
#[tokio::test]
async fn a_program_that_is_not_ready_gets_nothing() {
    let stage = Stage::new("[ -e good ] || { echo cannot; sleep 9; }; echo OK; exec cat > log");
    let action = stage.start(&[
        ("confirmMessages", "on"),
        ("confirmTimeout", "1000"),
        ("closeTimeout", "0"),
        ("killUnresponsive", "on"),
        ("action.resumeRetryCount", "0"),
    ]);
    action.push(&["one"]).await;
    action.delivered().await;
    assert_eq!(action.stats.dropped_retries.get(), 1);
    assert!(action.said.all()[1].contains("returned: cannot"), "{:?}", action.said.all());
    assert_eq!(stage.read("log"), "");
    action.end().await;
}

/// It fills its pipe: the action waits, and goes on when it reads again.
#[tokio::test]
async fn a_full_pipe_holds_the_action_back() {
    let stage = Stage::new("while [ ! -e go ]; do sleep 0.01; done; exec cat > log");
    let action = stage.start(&[]);
    let lines: Vec<_> = (0..300).map(|i| format!("{i} {}\n", "x".repeat(1000))).collect();
    action.push(&lines).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((action.queue.gauge().depth().1, action.stats.failures.get()), (300, 0));
    fs::write(stage.path("go"), "").unwrap();
    action.delivered().await;
    action.end().await;
    assert_eq!(stage.read("log"), lines.concat());
}

#[tokio::test]
async fn output_signals_and_the_end() {
    let stage = Stage::new(
        "exec 3<&0
         trap 'echo hup' USR1
         trap 'echo term' TERM
         echo \"args: $# $1 $2\"
         echo errors >&2
         { while read -r l; do echo \"got $l\"; done; } <&3 &
         until wait $!; do :; done
         echo end",
    );
    let output = stage.path("output").display().to_string();
    let binary = format!("{} a \"b c\"", stage.path("program").display());
    let action = start(&[
        ("type", NAME),
        ("binary", &binary),
        ("output", &output),
        ("fileCreateMode", "0640"),
        ("hup.signal", "USR1"),
        ("signalOnClose", "on"),
    ]);
    action.push(&["one"]).await;
    until(|| stage.read("output").ends_with("got one\n")).await;
    assert_eq!(stage.read("output"), "args: 2 a \"b c\"\nerrors\ngot one\n");
    assert_eq!(fs::metadata(&output).unwrap().permissions().mode() & 0o777, 0o640);
    // As logrotate does it.
    fs::rename(&output, stage.path("output.1")).unwrap();
    action.control.reopen();
    until(|| stage.read("output") == "hup\n").await;
    action.end().await;
    until(|| stage.read("output") == "hup\nterm\nend\n").await;
}

/// What does not end is left to itself, or killed.
#[tokio::test]
async fn the_end_is_not_waited_for_for_ever() {
    for (kill, word) in [("on", "was killed"), ("off", "left to itself")] {
        let stage = Stage::new("read -r l; echo $$ > log; exec sleep 3");
        let action = stage.start(&[("closeTimeout", "100"), ("killUnresponsive", kill)]);
        action.push(&["one"]).await;
        until(|| !stage.read("log").is_empty()).await;
        let said = action.said.clone();
        let begun = clock::monotonic();
        action.end().await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert!(said.all()[0].contains(word), "{:?}", said.all());
        let pid = stage.read("log").trim().to_owned();
        assert_eq!(fs::exists(format!("/proc/{pid}")).unwrap(), kill == "off");
    }
}

/// More than is read at once: the runtime goes down as soon as the action has ended.
#[tokio::test]
async fn last_words_are_written_down() {
    let stage = Stage::new("while read -r l; do :; done; seq 1 10000");
    let output = stage.path("output").display().to_string();
    let action = stage.start(&[("output", &output)]);
    action.push(&["one"]).await;
    action.delivered().await;
    action.end().await;
    assert_eq!(stage.read("output").lines().count(), 10_000);
}

/// A stop whose time is up does not leave a program behind that is to be killed.
#[tokio::test]
async fn one_that_is_cut_off_is_killed() {
    for (kill, seconds) in [("on", 60), ("off", 2)] {
        let stage = Stage::new(&format!("echo $$ > log; exec sleep {seconds}"));
        let action = stage.start(&[("killUnresponsive", kill)]);
        action.push(&["one"]).await;
        until(|| !stage.read("log").is_empty()).await;
        let process = format!("/proc/{}", stage.read("log").trim());
        action.cut().await;
        if kill == "on" {
            until(|| !fs::exists(&process).unwrap()).await;
        } else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert!(fs::exists(&process).unwrap());
        }
    }
}

#[tokio::test]
async fn no_program() {
    let action = start(&[
        ("type", NAME),
        ("binary", "/nonexistent/program x"),
        ("action.resumeRetryCount", "0"),
    ]);
    action.push(&["one"]).await;
    action.delivered().await;
    let said = action.said.all();
    assert!(said[0].contains("cannot start /nonexistent/program: No such file"), "{said:?}");
    assert_eq!(action.stats.dropped_retries.get(), 1);
    action.end().await;
}
