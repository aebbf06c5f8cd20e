use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::base::num::len32;
use crate::output::Fallback;
use crate::output::OutputSpec;
use crate::output::file::Compression;
use crate::output::testing::Action;
use crate::output::testing::Driven;
use crate::output::testing::chunk;
use crate::output::testing::compile;
use crate::output::testing::start;
use crate::output::testing::until;
use crate::queue::Chunk;
use crate::queue::Instead;
use crate::queue::Run;
use crate::queue::Runs;
use crate::queue::Taken;
use crate::queue::bounded;

fn omfile(path: &Path, more: &[(&str, &str)]) -> Action {
    let fixed = [("type", "omfile"), ("file", path.to_str().unwrap())];
    start(&[&fixed[..], more].concat())
}

fn omfile_dynamic(more: &[(&str, &str)]) -> Action {
    start(&[&[("type", "omfile"), ("dynaFile", "names")][..], more].concat())
}

#[tokio::test]
async fn appends_and_makes_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/log");
    for round in 1..=2 {
        let modes = [("fileCreateMode", "0600"), ("dirCreateMode", "0750"), ("sync", "on")];
        let action = omfile(&path, &modes);
        action.push(&["one\n", "two\n"]).await;
        action.delivered().await;
        assert_eq!(action.stats.delivered.get(), 2);
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n".repeat(round));
        action.end().await;
    }
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let parent = fs::metadata(dir.path().join("a")).unwrap();
    assert_eq!(parent.permissions().mode() & 0o777, 0o750);
}

#[tokio::test]
async fn sighup_follows_a_rotated_file() {
    let dir = tempfile::tempdir().unwrap();
    let (path, old) = (dir.path().join("log"), dir.path().join("log.1"));
    let action = omfile(&path, &[]);
    action.push(&["before\n"]).await;
    action.delivered().await;
    fs::rename(&path, &old).unwrap();
    action.push(&["still\n"]).await;
    action.delivered().await;
    action.control.reopen();
    action.push(&["after\n"]).await;
    action.delivered().await;
    assert_eq!(fs::read_to_string(&old).unwrap(), "before\nstill\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "after\n");
    action.end().await;
}

/// `/dev/full` takes nothing; the action waits, says so once, and delivers after the operator has
/// made room (here: another file under the same name, and a SIGHUP).
#[tokio::test]
async fn a_full_disk_holds_messages_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let action = omfile(&path, &[]);
    action.push(&["one\n", "two\n"]).await;
    until(|| action.stats.failures.get() >= 2).await;
    assert_eq!(action.said.all().len(), 1);
    assert!(action.said.all()[0].contains("No space left"));
    assert_eq!(action.stats.delivered.get(), 0);
    fs::remove_file(&path).unwrap();
    action.control.reopen();
    action.delivered().await;
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    until(|| action.said.all().len() == 2).await;
    assert!(action.said.all()[1].contains("resumed"));
    action.end().await;
}

#[tokio::test]
async fn a_missing_directory_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("later/log");
    let action = omfile(&path, &[("createDirs", "off")]);
    action.push(&["patient\n"]).await;
    until(|| action.stats.failures.get() >= 1).await;
    fs::create_dir(path.parent().unwrap()).unwrap();
    action.delivered().await;
    assert_eq!(fs::read_to_string(&path).unwrap(), "patient\n");
    action.end().await;
}

#[tokio::test]
async fn dynamic_names_get_their_messages_with_few_files_open() {
    let dir = tempfile::tempdir().unwrap();
    let name = |i: usize| format!("{}/host-{i}/log", dir.path().display());
    let names: Vec<String> = (0..7).map(name).collect();
    let action = omfile_dynamic(&[("dynaFileCacheSize", "2")]);
    let mut expected = vec![String::new(); names.len()];
    for round in 0..5 {
        let lines: Vec<(usize, String)> =
            (0..40).map(|i| (i * i * (round + 1) % 7, format!("{round} {i}\n"))).collect();
        let chunk: Vec<(&str, &str)> =
            lines.iter().map(|(to, line)| (names[*to].as_str(), line.as_str())).collect();
        action.push_named(&chunk).await;
        for (to, line) in &lines {
            expected[*to] += line;
        }
    }
    action.delivered().await;
    assert_eq!(action.stats.delivered.get(), 200);
    for (name, text) in names.iter().zip(expected).filter(|(_, text)| !text.is_empty()) {
        assert_eq!(fs::read_to_string(name).unwrap(), text);
    }
    let open = fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|fd| fs::read_link(fd.unwrap().path()).ok())
        .filter(|to| to.starts_with(dir.path()))
        .count();
    assert_eq!(open, 2);
    action.end().await;
}

#[tokio::test]
async fn unusable_dynamic_names_cost_only_their_own_messages() {
    let dir = tempfile::tempdir().unwrap();
    let good = format!("{}/good", dir.path().display());
    let long = format!("{}/{}", dir.path().display(), "n".repeat(300));
    let nul = format!("{}/a\0b", dir.path().display());
    let below = format!("{good}/is-a-file");
    let folder = dir.path().display().to_string();
    let action = omfile_dynamic(&[]);
    for _ in 0..2 {
        action
            .push_named(&[
                (&good, "1\n"),
                (&long, "lost\n"),
                (&long, "lost\n"),
                (&nul, "lost\n"),
                (&good, "2\n"),
                (&below, "lost\n"),
                (&folder, "lost\n"),
                ("", "lost\n"),
                (&good, "3\n"),
            ])
            .await;
    }
    action.delivered().await;
    assert_eq!(fs::read_to_string(&good).unwrap(), "1\n2\n3\n1\n2\n3\n");
    assert_eq!(action.stats.dropped_unsendable.get(), 12);
    assert_eq!(action.stats.delivered.get(), 6);
    // Said by the task, which may come to it after the thread has delivered.
    until(|| action.said.all().len() >= 5).await;
    assert_eq!(action.said.all().len(), 5, "each name once: {:?}", action.said.all());
    action.end().await;
}

#[tokio::test]
async fn gzip_can_be_read_after_each_batch_and_after_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.gz");
    let action = omfile(&path, &[("zipLevel", "6")]);
    action.push(&["one\n", "two\n"]).await;
    action.delivered().await;
    let mut readable = String::new();
    // The end is missing as yet, so that reading ends with an error, behind the data.
    let unfinished =
        flate2::read::GzDecoder::new(fs::File::open(&path).unwrap()).read_to_string(&mut readable);
    assert!(unfinished.is_err());
    assert_eq!(readable, "one\ntwo\n");
    action.control.reopen();
    action.push(&["three\n"]).await;
    action.end().await;
    let mut all = String::new();
    flate2::read::MultiGzDecoder::new(fs::File::open(&path).unwrap())
        .read_to_string(&mut all)
        .unwrap();
    assert_eq!(all, "one\ntwo\nthree\n");
}

#[tokio::test]
async fn new_files_get_the_owner_that_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let (own_user, own_group) = {
        let metadata = fs::metadata(dir.path()).unwrap();
        (metadata.uid(), metadata.gid())
    };
    // Only root may give files away; for others the configured owner is their own.
    let (user, group) = if own_user == 0 { (12_345, 54_321) } else { (own_user, own_group) };
    let (user_text, group_text) = (user.to_string(), group.to_string());
    let action = omfile(&path, &[("fileOwnerNum", &user_text), ("fileGroupNum", &group_text)]);
    action.push(&["mine\n"]).await;
    action.delivered().await;
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (user, group));
    action.end().await;
}

#[test]
fn what_cannot_be_done_is_refused() {
    let refused = |params: &[(&str, &str)]| {
        let params = [&[("type", "omfile")][..], params].concat();
        compile(&params).unwrap_err()[0].clone()
    };
    assert!(refused(&[]).contains("'file' or 'dynaFile'"));
    assert!(refused(&[("file", "|/dev/xconsole")]).contains("is a named pipe"));
    assert!(refused(&[("file", "/x"), ("cry.provider", "gcry")]).contains("not supported"));
    assert!(refused(&[("file", "/x"), ("closeTimeout", "0")]).contains("1 or more"));
    assert!(refused(&[("file", "/x"), ("fileCreateMode", "644")]).contains("octal"));
    assert!(refused(&[("file", "/x"), ("sync", "yes")]).contains("\"on\" or \"off\""));
    let spec = compile(&[("type", "omfile"), ("dynaFile", "n"), ("file", "/x")]).unwrap();
    assert_eq!((spec.dyna_file(), spec.template()), (Some("n"), Some("RSYSLOG_FileFormat")));
}

/// What only waits for its file, which takes nothing, is not called delivered because the message
/// behind it went to another action, or was given up.
#[tokio::test]
async fn what_waits_for_a_file_is_not_delivered_by_what_is_behind_it() {
    for fallback in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let large = "x".repeat(20_000);
        let texts = ["one\n", &large];
        let mut named = chunk(&texts);
        for (i, name) in [path.to_str().unwrap(), "/dev/full"].into_iter().enumerate() {
            named.runs.push(Run { name: name.as_bytes(), first: len32(i) });
        }
        named.instead = Some(Box::new(Instead { chunk: chunk(&texts), of: vec![0, 1] }));
        let spec = compile(&[
            ("type", "omfile"),
            ("dynaFile", "names"),
            ("action.resumeInterval", "0"),
            ("action.resumeRetryCount", if fallback { "-1" } else { "0" }),
        ]);
        let (driven, mut task) = Driven::new(spec.as_ref().unwrap().framing());
        let (queue, next) = bounded(1 << 20);
        task.fallback = fallback.then(|| Fallback { queue, stats: std::sync::Arc::default() });
        driven.queue.push(&mut named).await;
        let stats = driven.stats.clone();
        let running = tokio::spawn(spec.unwrap().run(task));
        let counts =
            || (stats.delivered.get(), stats.handed_over.get(), stats.dropped_retries.get());
        if fallback {
            until(|| stats.handed_over.get() == 1).await;
            assert_eq!((counts(), driven.queue.gauge().depth().1), ((0, 1, 0), 1));
            let mut taken = Taken::default();
            assert!(next.take(&mut taken).await);
            assert_eq!(taken.front().unwrap().bytes, large.as_bytes());
            fs::remove_file(&path).unwrap();
            driven.control.reopen();
            driven.delivered().await;
            assert_eq!((counts(), fs::read_to_string(&path).unwrap()), ((1, 1, 0), "one\n".into()));
        } else {
            driven.delivered().await;
            assert_eq!(counts(), (0, 0, 2));
        }
        drop(driven);
        running.await.unwrap();
    }
}

/// A compressor has what its file did not take; at a SIGHUP it is written to the next file.
#[tokio::test]
async fn what_a_compressor_could_not_write_goes_to_the_next_file() {
    let dir = tempfile::tempdir().unwrap();
    for robust in [false, true] {
        let path = dir.path().join(robust.to_string());
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        let file = [("type", "omfile"), ("file", path.to_str().unwrap())];
        let OutputSpec::File(mut spec) = compile(&file).unwrap() else { panic!("no omfile") };
        // It takes bytes and writes none; of gzip the head goes to the file at once.
        spec.compression = Some(Compression::Zstd { level: 3, workers: 0 });
        spec.robust = robust;
        let spec = OutputSpec::File(spec);
        let (driven, task) = Driven::new(spec.framing());
        let running = tokio::spawn(spec.run(task));
        driven.push(&["one\n", "two\n"]).await;
        until(|| driven.stats.failures.get() >= 1).await;
        assert_eq!(driven.stats.delivered.get(), 0);
        fs::remove_file(&path).unwrap();
        driven.control.reopen();
        driven.delivered().await;
        driven.push(&["three\n"]).await;
        driven.delivered().await;
        let stats = driven.stats.clone();
        drop(driven);
        running.await.unwrap();
        let text = zstd::decode_all(fs::File::open(&path).unwrap()).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!((stats.delivered.get(), &*text), (3, "one\ntwo\nthree\n"));
    }
}

/// Another action takes over what is left of a chunk, and has no room for the one behind it: that
/// begins with its own first name.
#[tokio::test]
async fn what_is_not_taken_over_goes_to_its_own_file() {
    let dir = tempfile::tempdir().unwrap();
    let name = |name: &str| format!("{}/{name}", dir.path().display());
    let named = |messages: &[(&str, &str)]| {
        let texts: Vec<_> = messages.iter().map(|(_, text)| *text).collect();
        let mut runs = Runs::default();
        for (i, (name, _)) in messages.iter().enumerate() {
            runs.push(Run { name: name.as_bytes(), first: len32(i) });
        }
        Chunk {
            runs,
            instead: Some(Box::new(Instead {
                chunk: chunk(&texts),
                of: (0..len32(texts.len())).collect(),
            })),
            ..chunk(&texts)
        }
    };
    let spec = compile(&[
        ("type", "omfile"),
        ("dynaFile", "names"),
        ("action.resumeInterval", "0"),
        ("action.resumeRetryCount", "-1"),
    ]);
    let (driven, mut task) = Driven::new(spec.as_ref().unwrap().framing());
    // Room for one.
    let (queue, next) = bounded(1);
    task.fallback = Some(Fallback { queue, stats: std::sync::Arc::default() });
    let large = "x".repeat(20_000);
    driven.queue.push(&mut named(&[(&name("a"), "one\n"), ("/dev/full", &large)])).await;
    driven.queue.push(&mut named(&[(&name("b"), "two\n")])).await;
    let running = tokio::spawn(spec.unwrap().run(task));
    driven.delivered().await;
    assert_eq!(fs::read_to_string(name("a")).unwrap(), "one\n");
    assert_eq!(fs::read_to_string(name("b")).unwrap(), "two\n");
    let mut taken = Taken::default();
    assert!(next.take(&mut taken).await);
    assert_eq!(taken.front().unwrap().bytes, large.as_bytes());
    assert_eq!((driven.stats.delivered.get(), driven.stats.handed_over.get()), (2, 1));
    drop(driven);
    running.await.unwrap();
}

mod twin {
    use std::collections::BTreeMap;
    use std::fs;
    use std::panic::AssertUnwindSafe;
    use std::sync::Arc;
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::ProptestConfig;
    use proptest::prelude::any;
    use proptest::prelude::prop_assert;
    use proptest::prelude::prop_assert_eq;
    use proptest::proptest;

    use crate::base::num::count;
    use crate::base::num::len32;
    use crate::output::OutputSpec;
    use crate::output::OutputStats;
    use crate::output::file::FileSpec;
    use crate::output::file::Next;
    use crate::output::file::desk::Desk;
    use crate::output::testing::chunk;
    use crate::output::testing::compile;
    use crate::queue::Chunk;

    fn spec(cache: usize) -> FileSpec {
        let cache = cache.to_string();
        let params = [("type", "omfile"), ("dynaFile", "n"), ("dynaFileCacheSize", &cache)];
        match compile(&params).unwrap() {
            OutputSpec::File(spec) => *spec,
            other => panic!("{other:?}"),
        }
    }

    /// What is written next begins a line of its own.
    #[test]
    fn a_panic_ends_the_line_that_was_begun() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        for gathered in [false, true] {
            let name = path.to_str().unwrap();
            let target = if gathered { ("dynaFile", "n") } else { ("file", name) };
            let OutputSpec::File(spec) = compile(&[("type", "omfile"), target]).unwrap() else {
                panic!("no omfile")
            };
            let mut desk = Desk::new(*spec, Arc::new(OutputStats::default()));
            let named = |texts: &[&str]| {
                let mut chunk = chunk(texts);
                chunk.runs.go_on(0, |to| to.extend_from_slice(name.as_bytes()));
                chunk
            };
            desk.pending.chunks.push_back(named(&["whole\n"]));
            assert_eq!(desk.step(Next::Flush).failure, None);
            // As a disk leaves it that has no more room.
            desk.pending.chunks.push_back(named(&["one\n", "two\n"]));
            let slot = desk.files.find(name.as_bytes()).unwrap().0;
            let open = desk.files.get_mut(slot).unwrap();
            if gathered {
                open.buffer.extend_from_slice(b"one\ntwo\n");
                open.done = 6;
            } else {
                desk.pending.offset = 6;
            }
            let text = fs::read(&path).unwrap();
            fs::write(&path, [&text[..], b"one\ntw"].concat()).unwrap();
            let panic = std::panic::catch_unwind(AssertUnwindSafe(move || {
                let _desk = desk;
                panic!("a fault")
            }));
            assert!(panic.is_err());
            assert_eq!(fs::read_to_string(&path).unwrap(), "whole\none\ntw\n");
            fs::remove_file(&path).unwrap();
        }
    }

    /// What `closeTimeout` is for: descriptors are given back, and the next message has a new one.
    #[tokio::test]
    async fn idle_files_are_closed() {
        let dir = tempfile::tempdir().unwrap();
        let name = |file: &str| dir.path().join(file).display().to_string();
        let stats = Arc::new(OutputStats::default());
        let idle = Duration::from_millis(300);
        let mut desk = Desk::new(FileSpec { close_after: Some(idle), ..spec(10) }, stats.clone());
        let write = |desk: &mut Desk, file: &str| {
            let mut chunk = chunk(&["line\n"]);
            chunk.runs.go_on(0, |to| to.extend_from_slice(name(file).as_bytes()));
            desk.pending.chunks.push_back(chunk);
            assert_eq!(desk.step(Next::Flush).failure, None);
        };
        let open = || {
            let all = fs::read_dir("/proc/self/fd").unwrap();
            let mut all: Vec<_> = all
                .filter_map(|fd| fs::read_link(fd.unwrap().path()).ok())
                .filter(|to| to.starts_with(dir.path()))
                .map(|to| to.file_name().unwrap().to_str().unwrap().to_owned())
                .collect();
            all.sort();
            all
        };
        write(&mut desk, "a");
        write(&mut desk, "b");
        desk.step(Next::CloseIdle);
        assert_eq!(open(), ["a", "b"]);
        tokio::time::sleep(idle).await;
        write(&mut desk, "b");
        desk.step(Next::CloseIdle);
        assert_eq!((open(), stats.cache.timed_out.get()), (vec!["b".to_owned()], 1));
        assert!(desk.may_have_idle());
        write(&mut desk, "a");
        assert_eq!(fs::read_to_string(name("a")).unwrap(), "line\n".repeat(2));
        assert_eq!((open().len(), stats.opened.get()), (2, 3));
    }

    fn lines(names: &BTreeMap<String, Vec<u8>>) -> u64 {
        let texts = names.keys().filter_map(|name| fs::read(name).ok());
        count(texts.map(|text| memchr::memchr_iter(b'\n', &text).count()).sum())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Messages that gather for their files against messages that are appended one by one. Each
        /// is its file, its length, whether its chunk ends behind it, and whether what waits is
        /// flushed then.
        #[test]
        fn each_file_has_its_messages_in_order(
            // Few names, and as many as wait for more.
            spread in 1_u8..=255,
            cache in 1_usize..300,
            made in vec((any::<u8>(), 0_usize..40_000, 0..20, any::<bool>()), 1..1000),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let stats = Arc::new(OutputStats::default());
            let mut desk = Desk::new(spec(cache), stats.clone());
            let mut twin: BTreeMap<String, Vec<u8>> = BTreeMap::new();
            let (mut chunk, mut delivered) = (Chunk::default(), 0);
            for (number, &(file, length, last, flush)) in made.iter().enumerate() {
                let name = format!("{}/{}", dir.path().display(), file % spread);
                // Most are short.
                let length = if length % 16 == 0 { length } else { length % 300 };
                let text = format!("{number} {}\n", "x".repeat(length));
                chunk.runs.go_on(len32(chunk.len()), |to| to.extend_from_slice(name.as_bytes()));
                chunk.bytes.extend_from_slice(text.as_bytes());
                chunk.end_message();
                twin.entry(name).or_default().extend_from_slice(text.as_bytes());
                if last == 0 {
                    desk.pending.chunks.push_back(std::mem::take(&mut chunk));
                    let done = desk.step(if flush { Next::Flush } else { Next::Write });
                    prop_assert_eq!(done.failure, None);
                    let before = std::mem::replace(&mut delivered, stats.delivered.get());
                    // What is called delivered is in its file.
                    prop_assert!(delivered == before || lines(&twin) >= delivered);
                }
            }
            desk.pending.chunks.push_back(chunk);
            prop_assert_eq!(desk.step(Next::Flush).failure, None);
            desk.step(Next::End);
            prop_assert_eq!(stats.delivered.get(), count(made.len()));
            let cache = &stats.cache;
            prop_assert_eq!(cache.requests.get(), count(made.len()));
            for (name, text) in twin {
                prop_assert!(fs::read(&name).unwrap() == text, "{} differs", name);
            }
        }
    }
}
