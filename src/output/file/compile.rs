//! From omfile's parameters to what its task needs.

use std::path::PathBuf;
use std::time::Duration;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::limits;
use crate::config::param::Params;
use crate::output::Defaults;
use crate::output::common::Common;
use crate::output::file::Creation;

/// An omfile action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSpec {
    pub common: Common,
    /// The template, or the module's default.
    pub template: String,
    pub target: FileTarget,
    pub creation: Creation,
    /// gzip level, where the file is to be compressed.
    pub zip_level: Option<u32>,
    /// Flush the compressor after each batch.
    pub flush: bool,
    /// Wait for the disk after each batch.
    pub sync: bool,
    /// Close a file on which nothing was written for so long.
    pub close_after: Option<Duration>,
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
    },
}

/// What `module(load="builtin:omfile" …)` sets for all omfile actions.
#[derive(Clone, Debug)]
pub struct FileDefaults {
    pub template: String,
    pub creation: Creation,
    pub drop_unusable: bool,
}

impl Default for FileDefaults {
    fn default() -> Self {
        Self {
            template: super::DEFAULT_TEMPLATE.to_owned(),
            creation: Creation::default(),
            drop_unusable: true,
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
        if let Some(driver) = params.str("compression.driver")
            && !driver.eq_ignore_ascii_case("zlib")
        {
            let text = format!("compression.driver \"{driver}\" is not supported");
            let loc = params.loc("compression.driver");
            diags.push(Diagnostic::error(loc, text).help("files are compressed by gzip (zlib)"));
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
        let minutes = params.size("closeTimeout").unwrap_or(minutes);
        let minutes = u64::try_from(minutes).ok().filter(|n| *n > 0);
        Some(Self {
            template: common.template.take().unwrap_or_else(|| defaults.file.template.clone()),
            target,
            creation: defaults.file.creation.with(params, diags),
            zip_level: zip_level(params, diags),
            flush: params.bool("flushOnTXEnd").unwrap_or(true),
            sync: params.bool("sync").unwrap_or(false),
            close_after: minutes.map(|n| Duration::from_secs(n.saturating_mul(60))),
            common,
        })
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
        return Some(FileTarget::Dynamic { template: template.to_owned(), cache, drop_unusable });
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

fn zip_level(params: &Params, diags: &mut Diagnostics) -> Option<u32> {
    let level = params.int("zipLevel")?;
    let within = level.clamp(0, 9);
    if within != level {
        let text = format!("'zipLevel' is 0 to 9; {within} is taken for {level}");
        diags.push(Diagnostic::warning(params.loc("zipLevel"), text));
    }
    u32::try_from(within).ok().filter(|level| *level > 0)
}
