//! From omfile's parameters to what its task needs.

use std::path::PathBuf;
use std::time::Duration;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::limits;
use crate::config::param::Params;
use crate::output::Defaults;
use crate::output::common::Common;
use crate::output::file::Compression;
use crate::output::file::Creation;
use crate::output::file::Rotation;
use crate::output::file::beneath;
use crate::queue::Framing;

/// The highest levels of compression.
const GZIP_LEVEL_MAX: i64 = 9;
const ZSTD_LEVEL_MAX: i64 = 22;
/// The longest time that `flushInterval` is taken for, in seconds: what waits is not acknowledged.
const LONGEST_HOLD: u64 = 60;
/// What `ioBufferSize` is taken for, at least and at most; bytes.
const BUFFER: (usize, usize) = (16 << 10, 16 << 20);
/// The most that is gathered for all files of `dynaFile`, in bytes.
pub(super) const GATHERED_MAX: usize = 16 << 20;

/// An omfile action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSpec {
    pub common: Common,
    /// The template, or the module's default.
    pub template: String,
    pub target: FileTarget,
    pub creation: Creation,
    pub compression: Option<Compression>,
    /// End the compressed stream with each flush.
    pub robust: bool,
    /// Flush the compressor after each batch; otherwise after so long.
    pub flush: bool,
    pub flush_interval: Duration,
    /// Bytes that a file gathers before they are written.
    pub buffer: usize,
    /// Wait for the disk after each batch.
    pub sync: bool,
    /// Close a file on which nothing was written for so long.
    pub close_after: Option<Duration>,
    pub rotation: Option<Rotation>,
    pub framing: Framing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileTarget {
    Fixed(PathBuf),
    Dynamic {
        /// The template of the name.
        template: String,
        /// Files that are kept open.
        cache: usize,
        /// Messages of a name that cannot be opened are dropped, instead of waiting for it.
        drop_unusable: bool,
        /// The directory that names stay below, with a slash at its end (empty: the current one);
        /// `None`: a variable of the configuration begins them. See [`FileSpec::confine`].
        within: Option<Vec<u8>>,
    },
}

/// What `module(load="builtin:omfile" …)` sets for all omfile actions.
#[derive(Clone, Debug)]
pub struct FileDefaults {
    pub template: String,
    pub creation: Creation,
    pub drop_unusable: bool,
    /// zstd compresses, with so many threads; otherwise gzip.
    pub zstd: Option<u32>,
}

impl Default for FileDefaults {
    fn default() -> Self {
        Self {
            template: super::DEFAULT_TEMPLATE.to_owned(),
            creation: Creation::default(),
            drop_unusable: true,
            zstd: None,
        }
    }
}

impl FileDefaults {
    /// Takes the module's parameters in.
    pub(in crate::output) fn apply(&mut self, params: &Params, diags: &mut Diagnostics) {
        if let Some(template) = params.str("template") {
            template.clone_into(&mut self.template);
        }
        self.creation = self.creation.with(params, diags);
        self.drop_unusable = params.bool("dynafile.doNotSuspend").unwrap_or(self.drop_unusable);
        let workers = params.size("compression.zstd.workers").and_then(|n| u32::try_from(n).ok());
        let workers = workers.map(|n| n.min(limits::ZSTD_WORKERS_MAX));
        match params.str("compression.driver") {
            Some("zstd") => self.zstd = Some(workers.unwrap_or(0)),
            Some("zlib") => self.zstd = None,
            Some(driver) => {
                let text = format!("compression.driver \"{driver}\" is not known");
                let loc = params.loc("compression.driver");
                diags.push(Diagnostic::error(loc, text).help("write \"zlib\" (gzip) or \"zstd\""));
            }
            None => {}
        }
        if workers.is_some() && self.zstd.is_none() {
            let text = "'compression.zstd.workers' has no effect without zstd";
            diags.push(
                Diagnostic::warning(params.loc("compression.zstd.workers"), text)
                    .help("add compression.driver=\"zstd\""),
            );
        }
    }
}

impl FileSpec {
    /// Reads checked parameters; `None` (complained of) if there is nothing to run.
    pub fn compile(params: &Params, defaults: &Defaults, diags: &mut Diagnostics) -> Option<Self> {
        let mut common = Common::compile(params, diags)?;
        let target = target(params, defaults, diags)?;
        let minutes = match target {
            FileTarget::Fixed(_) => 0,
            FileTarget::Dynamic { .. } => 10,
        };
        let seconds = params.size("flushInterval").and_then(|n| u64::try_from(n).ok());
        let buffer = params.size("ioBufferSize");
        let minutes = params.size("closeTimeout").unwrap_or(minutes);
        let minutes = u64::try_from(minutes).ok().filter(|n| *n > 0);
        Some(Self {
            template: common.template.take().unwrap_or_else(|| defaults.file.template.clone()),
            target,
            creation: defaults.file.creation.with(params, diags),
            compression: compression(params, defaults.file.zstd, diags),
            robust: params.bool("veryRobustZip").unwrap_or(false),
            flush: params.bool("flushOnTXEnd").unwrap_or(true),
            flush_interval: Duration::from_secs(seconds.unwrap_or(1).clamp(1, LONGEST_HOLD)),
            buffer: buffer.unwrap_or(0).clamp(BUFFER.0, BUFFER.1),
            sync: params.bool("sync").unwrap_or(false),
            close_after: minutes.map(|n| Duration::from_secs(n.saturating_mul(60))),
            rotation: rotation(params, diags),
            framing: match params.bool("addLF") {
                Some(true) => Framing::lines(),
                _ => Framing::NONE,
            },
            common,
        })
    }

    /// Keeps the files of `dynaFile` below the directory that its template begins with:
    /// [`crate::template::Template::leading_text`].
    pub fn confine(&mut self, leading: Option<&[u8]>) {
        if let FileTarget::Dynamic { within, .. } = &mut self.target {
            *within = leading.map(|text| beneath::directory_of(text).to_owned());
        }
    }

    /// Bytes that wait, while messages stream, until files can be written by few calls.
    #[must_use]
    pub fn gathers(&self) -> usize {
        match self.target {
            FileTarget::Dynamic { cache, .. } => (cache * BUFFER.0).min(GATHERED_MAX),
            FileTarget::Fixed(_) => 0,
        }
    }

    /// The directory that a message's file must be below, if `name` leads out of it.
    #[must_use]
    pub fn left_by(&self, name: &[u8]) -> Option<&[u8]> {
        match &self.target {
            FileTarget::Dynamic { within: Some(within), .. } => {
                beneath::climbs_out(within, name).then_some(within)
            }
            FileTarget::Dynamic { within: None, .. } | FileTarget::Fixed(_) => None,
        }
    }
}

fn target(params: &Params, defaults: &Defaults, diags: &mut Diagnostics) -> Option<FileTarget> {
    if let Some(template) = params.str("dynaFile") {
        if params.has("file") {
            let text = "both 'file' and 'dynaFile' are given: 'dynaFile' counts";
            diags.push(Diagnostic::error(params.loc("file"), text).help("remove one of them"));
        }
        let cache = params.size("dynaFileCacheSize").unwrap_or(limits::DYNAFILE_CACHE_DEFAULT);
        let cache = cache.clamp(1, limits::DYNAFILE_CACHE_MAX);
        let drop_unusable = defaults.file.drop_unusable;
        return Some(FileTarget::Dynamic {
            template: template.to_owned(),
            cache,
            drop_unusable,
            within: None,
        });
    }
    match params.str("file") {
        None | Some("") => {
            let text = "omfile needs 'file' or 'dynaFile'";
            let complaint = Diagnostic::error(params.loc, text).help("name the file: file=\"/…\"");
            params.missing(&["file", "dynaFile"], complaint, diags);
            None
        }
        Some(pipe) if pipe.starts_with('|') => {
            let text = format!("\"{pipe}\" is a named pipe, and no file: the action is left out");
            let help = format!(
                "write {pipe}, or action(type=\"ompipe\" pipe=\"{}\")",
                pipe.trim_start_matches('|')
            );
            diags.push(Diagnostic::warning(params.loc("file"), text).help(help));
            None
        }
        Some(path) => Some(FileTarget::Fixed(PathBuf::from(path))),
    }
}

fn compression(params: &Params, zstd: Option<u32>, diags: &mut Diagnostics) -> Option<Compression> {
    let level = params.int("zipLevel")?;
    let most = if zstd.is_some() { ZSTD_LEVEL_MAX } else { GZIP_LEVEL_MAX };
    let within = level.clamp(0, most);
    if within != level {
        let text = format!("'zipLevel' is 0 to {most}; {within} is taken for {level}");
        diags.push(Diagnostic::warning(params.loc("zipLevel"), text));
    }
    if within == 0 {
        return None;
    }
    Some(match zstd {
        Some(workers) => Compression::Zstd { level: i32::try_from(within).ok()?, workers },
        None => Compression::Gzip(u32::try_from(within).ok()?),
    })
}

fn rotation(params: &Params, diags: &mut Diagnostics) -> Option<Rotation> {
    let limit = params.size("rotation.sizeLimit").and_then(|n| u64::try_from(n).ok());
    let limit = limit.filter(|limit| *limit > 0);
    let command = params.str("rotation.sizeLimitCommand").filter(|text| !text.trim().is_empty());
    let Some(limit) = limit else {
        if command.is_some() {
            let text = "'rotation.sizeLimitCommand' is never run: there is no limit";
            diags.push(
                Diagnostic::warning(params.loc("rotation.sizeLimitCommand"), text)
                    .help("add rotation.sizeLimit=\"100m\""),
            );
        }
        return None;
    };
    if command.is_none() {
        let text = "nothing makes room when the file has reached its limit";
        diags.push(Diagnostic::warning(params.loc("rotation.sizeLimit"), text).help(
            "messages wait then until someone does; add rotation.sizeLimitCommand=\"…\", a \
                 program that renames the file",
        ));
    }
    Some(Rotation { limit, command: command.map(str::to_owned) })
}
