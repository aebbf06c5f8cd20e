//! From imfile's parameters to what its thread needs.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::posix::Expression;
use crate::base::posix::Syntax;
use crate::config::manual;
use crate::config::param::Params;
use crate::config::wording::LEFT_OUT;
use crate::input::file::NAME;
use crate::input::file::pattern::Paths;
use crate::input::file::reader::FileReader;
use crate::input::file::split::Mode;
use crate::input::file::split::Rules;
use crate::input::local::Local;
use crate::input::local::LocalInput;
use crate::input::local::Reader;
use crate::input::local::Surroundings;
use crate::input::priority;
use crate::message::Pri;
use crate::parse::ParseSettings;

/// How long the next part of a container's line may take.
const PARTS_TIMEOUT: Duration = Duration::from_secs(30);

/// An imfile input.
#[derive(Clone, Debug)]
pub(super) struct FileSpec {
    /// `file=` as it is written.
    pub(super) pattern: String,
    pub(super) paths: Vec<Paths>,
    /// Whose positions these are: input and ruleset.
    pub(super) key: String,
    /// Empty with [`Mode::Cri`]: the container's name is it.
    pub(super) tag: String,
    pub(super) pri: Pri,
    pub(super) rules: Rules,
    /// `$!metadata` is set: not where nobody could tell.
    pub(super) metadata: bool,
    /// So are those that [`Mode::Cri`] knows.
    pub(super) variables: bool,
    pub(super) needs_parse: bool,
    /// Where positions are kept.
    pub(super) folder: Option<PathBuf>,
    pub(super) state_file: Option<String>,
    pub(super) polls: bool,
    pub(super) polling_interval: Duration,
    /// How often what cannot be watched is looked at.
    pub(super) fallback_interval: Duration,
    /// Directories to watch at most; 0: no limit of the user's.
    pub(super) watches_max: usize,
    pub(super) read_timeout: Option<Duration>,
    pub(super) timeout_granularity: Duration,
    pub(super) sorts: bool,
    pub(super) fresh_start_tail: bool,
    /// Seconds; 0: no age is too old.
    pub(super) ignore_older_than: u64,
    pub(super) says_not_found: bool,
    pub(super) says_oversize: bool,
    pub(super) forgets_deleted: bool,
    pub(super) forgets_moved: bool,
    pub(super) lines_per_minute: u64,
    pub(super) bytes_per_minute: u64,
    /// After each message.
    pub(super) delay: Duration,
}

impl FileSpec {
    /// Reads checked parameters; `None` (complained of) if there is nothing to run.
    pub(super) fn compile(
        module: &Params,
        params: &Params,
        around: &Surroundings,
        diags: &mut Diagnostics,
    ) -> Option<Self> {
        let pattern = params.str("file")?.to_owned();
        let paths = match Paths::read(&pattern) {
            Ok(paths) => paths,
            Err(why) => {
                let text = format!("'{pattern}' {why}");
                let help = format!("name a file, or files with wildcards; {LEFT_OUT}");
                diags.push(Diagnostic::error(params.loc("file"), text).help(help));
                return None;
            }
        };
        let cri = params.str("format") == Some("cri");
        let tag = match params.str("tag") {
            Some(tag) => tag.to_owned(),
            None if cri => String::new(),
            None => {
                let complaint = Diagnostic::error(params.loc, "parameter 'tag' must be given")
                    .help("add tag=\"…\"")
                    .term(manual::parameter("modules/imfile", "tag"));
                params.missing(&["tag"], complaint, diags);
                return None;
            }
        };
        let seconds = |at: &Params, name| at.size(name).map(seconds);
        let mode = mode(params, diags)?;
        let timeout = seconds(params, "readTimeout").or_else(|| seconds(module, "readTimeout"));
        let limit = |name| params.size(name).and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let folder = module.str("statefile.directory").map(PathBuf::from);
        let fallback = seconds(module, "inotifyFallbackInterval").filter(|every| !every.is_zero());
        let forgets_moved = params.bool("deleteStateOnFileMove");
        let forgets_moved = forgets_moved.or_else(|| module.bool("deleteStateOnFileMove"));
        Some(Self {
            key: format!("{pattern} {tag} {}", params.str("ruleset").unwrap_or_default()),
            pattern,
            paths,
            tag,
            pri: priority::of(params, diags),
            read_timeout: match mode {
                Mode::Start(_) => timeout,
                Mode::Cri => timeout.or(Some(PARTS_TIMEOUT)),
                _ => None,
            }
            .filter(|timeout| !timeout.is_zero()),
            variables: around.reads_variables,
            rules: rules(mode, params, around),
            metadata: around.reads_variables && params.bool("addMetadata").unwrap_or(true),
            needs_parse: params.bool("needParse").unwrap_or(false),
            folder: folder.or_else(|| around.work_directory.clone()),
            state_file: params.str("stateFile").map(str::to_owned),
            polls: module.str("mode") == Some("polling"),
            polling_interval: seconds(module, "pollingInterval").unwrap_or(Duration::from_secs(10)),
            fallback_interval: fallback.unwrap_or(Duration::from_secs(60)),
            watches_max: module.size("maxiNotifyWatches").unwrap_or(0),
            timeout_granularity: seconds(module, "timeoutGranularity")
                .unwrap_or(Duration::from_secs(1)),
            sorts: module.bool("sortFiles").unwrap_or(false),
            fresh_start_tail: params.bool("freshStartTail").unwrap_or(false),
            ignore_older_than: limit("ignoreOlderThan"),
            says_not_found: params.bool("fileNotFoundError").unwrap_or(true),
            says_oversize: params.bool("msgDiscardingError").unwrap_or(true),
            forgets_deleted: params.bool("deleteStateOnFileDelete").unwrap_or(true),
            forgets_moved: forgets_moved.unwrap_or(false),
            lines_per_minute: limit("maxLinesPerMinute"),
            bytes_per_minute: limit("maxBytesPerMinute"),
            delay: Duration::from_micros(limit("delay.message")),
        })
    }

    /// `format="cri"`
    pub(super) const fn is_cri(&self) -> bool {
        matches!(self.rules.mode, Mode::Cri)
    }

    /// Whether a message that is too long becomes several.
    pub(super) const fn splits_oversize(&self) -> bool {
        matches!(self.rules.mode, Mode::Start(_) | Mode::End(_)) && !self.rules.discard
    }
}

fn seconds(n: usize) -> Duration {
    Duration::from_secs(u64::try_from(n).unwrap_or(u64::MAX))
}

/// What makes lines into messages; `None` if more than one thing is to do that, or none can.
fn mode(params: &Params, diags: &mut Diagnostics) -> Option<Mode> {
    let read_mode = params.int("readMode").unwrap_or(0);
    let given = ["startmsg.regex", "endmsg.regex"].into_iter().filter(|name| params.has(name));
    let given = given.chain((read_mode != 0).then_some("readMode"));
    let cri = params.str("format") == Some("cri");
    let given: Vec<_> = given.chain(cri.then_some("format")).collect();
    if let [_, second, ..] = given.as_slice() {
        let text = format!("'{}' and '{second}' cannot both say what a message is", given[0]);
        let help = format!("keep one of them; {LEFT_OUT}");
        diags.push(Diagnostic::error(params.loc(second), text).help(help));
        return None;
    }
    let mut regex = |name: &str| {
        let text = params.bytes(name)?;
        let result = Expression::new(text, Syntax::Extended, false);
        let complain = |fault: crate::base::posix::Fault| {
            let text = format!("'{name}' is no regular expression: {}", fault.why);
            diags.push(Diagnostic::error(params.loc(name), text).help(LEFT_OUT));
        };
        result.map_err(complain).ok()
    };
    match given.first() {
        Some(&"startmsg.regex") => regex("startmsg.regex").map(Mode::Start),
        Some(&"endmsg.regex") => regex("endmsg.regex").map(Mode::End),
        Some(&"format") => Some(Mode::Cri),
        _ => Some(match read_mode {
            0 => Mode::Lines,
            1 => Mode::Paragraphs,
            2 => Mode::Indented,
            other => {
                let text = format!("'readMode' is 0, 1 or 2; 0 is taken for {other}");
                diags.push(Diagnostic::warning(params.loc("readMode"), text));
                Mode::Lines
            }
        }),
    }
}

fn rules(mode: Mode, params: &Params, around: &Surroundings) -> Rules {
    let escapes = params.bool("escapeLF").unwrap_or(true);
    let line_end: &[u8] = match (escapes, params.bytes("escapeLF.replacement"), &mode) {
        (false, _, _) => b"\n",
        (true, Some(text), _) => text,
        (true, None, Mode::Start(_) | Mode::End(_)) => b"\\n",
        (true, None, _) => b"#012",
    };
    Rules {
        line_end: line_end.into(),
        keeps_last_end: !escapes,
        mode,
        trim: params.size("trimLineOverBytes").unwrap_or(0),
        max: around.message_bytes_max,
        cee: params.bool("addCeeTag").unwrap_or(false),
        discard: params.bool("discardTruncatedMsg").unwrap_or(false),
    }
}

impl Local for FileSpec {
    fn module(&self) -> &'static str {
        NAME
    }

    fn label(&self) -> String {
        format!("{NAME}({})", self.pattern)
    }

    /// rsyslog looks for no host name: what stands behind the time is the tag.
    fn adjust(&self, parse: &mut ParseSettings) {
        parse.hostname_in_header = false;
    }

    fn sums_up(&self) -> bool {
        true
    }

    fn open(&self, _: &Arc<LocalInput>) -> io::Result<Box<dyn Reader>> {
        Ok(Box::new(FileReader::new(Arc::new(self.clone()))))
    }
}
