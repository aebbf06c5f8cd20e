//! Reading of files: includes, limits, and the one list of top-level statements.

use std::fs;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use bstr::BString;
use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::SourceMap;
use crate::base::limits::CONFIG_BYTES_MAX;
use crate::base::limits::CONFIG_FILE_BYTES_MAX;
use crate::base::limits::DIAGNOSTICS_MAX;
use crate::base::limits::INCLUDE_DEPTH_MAX;
use crate::base::num::count;
use crate::config::Config;
use crate::config::ast;
use crate::config::ast::Block;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::ast::Value;
use crate::config::legacy;
use crate::config::legacy::directive::object_of;
use crate::config::literal;
use crate::config::parse::Parser;
use crate::config::text::Source;

/// What all files of one configuration share.
#[derive(Debug, Default)]
pub(super) struct Loader {
    sources: SourceMap,
    diags: Diagnostics,
    /// Complaints beyond the limit.
    unsaid: usize,
    /// The top level.
    statements: Block,
    pub(super) legacy: legacy::State,
    /// Files that are open, outermost first.
    open: Vec<PathBuf>,
    /// Where each of them but the first was included.
    origins: Vec<Loc>,
    bytes: usize,
    /// The statement before this place ended with an action that a `&` may add to.
    pub(super) chain: bool,
    /// A value of the object that is being read could not be, and was complained of.
    pub(super) lost: bool,
    /// Objects that lack something for that reason.
    pub(super) flawed: Vec<Loc>,
    /// Nothing outside of the given text may be read.
    sealed: bool,
}

/// What is to be read in place of an `include()` or `$IncludeConfig`.
#[derive(Debug)]
pub(super) struct Include {
    what: What,
    loc: Loc,
}

#[derive(Debug)]
enum What {
    Text(BString),
    Files { pattern: BString, optional: bool },
}

impl Include {
    /// Files that match `pattern`; one without wildcards must exist.
    pub(super) const fn pattern(pattern: BString, loc: Loc) -> Self {
        Self { what: What::Files { pattern, optional: false }, loc }
    }
}

impl Loader {
    pub(super) fn sealed() -> Self {
        Self { sealed: true, ..Self::default() }
    }

    pub(super) fn finish(mut self) -> Config {
        if self.unsaid > 0 {
            let last = self.diags.all.last().map(|d| d.loc).unwrap_or_default();
            let text = format!("{} more complaints are not shown", self.unsaid);
            self.diags.push(Diagnostic::error(last, text));
        }
        let Self { sources, statements, diags: diagnostics, flawed, .. } = self;
        Config { sources, statements, diagnostics, flawed }
    }

    pub(super) fn say(&mut self, diagnostic: Diagnostic) {
        if self.diags.all.len() < DIAGNOSTICS_MAX {
            self.diags.push(diagnostic);
        } else {
            self.unsaid += 1;
        }
    }

    pub(super) fn say_all(&mut self, diagnostics: Diagnostics) {
        for diagnostic in diagnostics.all {
            self.say(diagnostic);
        }
    }

    /// A statement of the top level goes to the ruleset that `$RuleSet` chose.
    pub(super) fn push(&mut self, statement: Stmt) {
        let ruleset = self.legacy.ruleset.and_then(|index| self.object_mut(index));
        match ruleset {
            Some(ruleset) => ruleset.script.push(statement),
            None => self.statements.push(statement),
        }
    }

    /// Adds actions to the last statement of the top level.
    pub(super) fn chain_on(&mut self, actions: Block) {
        match self.legacy.ruleset.and_then(|index| self.object_mut(index)) {
            Some(ruleset) => ast::chain(&mut ruleset.script, actions),
            None => ast::chain(&mut self.statements, actions),
        }
    }

    /// An object other than an action: always at the top level. Gives its place there.
    pub(super) fn declare(&mut self, object: Object) -> usize {
        if object.kind == ObjectKind::Module
            && let Some(Value::Str(name)) = object
                .params
                .iter()
                .find(|p| p.name.text.eq_ignore_ascii_case("load"))
                .map(|p| &p.value)
        {
            self.legacy.module_was_loaded(&name.to_str_lossy());
        }
        self.statements.push(Stmt { loc: object.loc, kind: StmtKind::Object(object) });
        self.statements.len() - 1
    }

    pub(super) fn object_mut(&mut self, index: usize) -> Option<&mut Object> {
        self.statements.get_mut(index).and_then(|statement| object_of(&mut statement.kind))
    }

    /// What backticks give.
    pub(super) fn backticks(&self, body: &[u8]) -> Result<BString, (String, &'static str)> {
        if self.sealed {
            return Ok(BString::default());
        }
        literal::backticks(body)
    }

    /// The parameters of `include()`.
    pub(super) fn include_object(&mut self, object: &Object) -> Option<Include> {
        let (mut file, mut text, mut optional) = (None, None, false);
        for param in &object.params {
            let Value::Str(value) = &param.value else {
                let message = format!("'{}' takes one value", param.name.text);
                self.say(Diagnostic::error(param.value_loc, message));
                continue;
            };
            match param.name.text.to_ascii_lowercase().as_str() {
                "file" => file = Some((value.clone(), param.value_loc)),
                "text" => text = Some((value.clone(), param.value_loc)),
                "mode" => match value.as_slice() {
                    b"optional" => optional = true,
                    b"required" | b"abort-if-missing" => optional = false,
                    _ => {
                        let message = format!("unknown mode '{value}'");
                        let help = "modes: required optional abort-if-missing";
                        self.say(Diagnostic::error(param.value_loc, message).help(help));
                    }
                },
                name => {
                    let message = format!("parameter '{name}' not known");
                    let help = "include() takes file, text, mode and config.enabled";
                    self.say(Diagnostic::error(param.name.loc, message).help(help));
                }
            }
        }
        match (file, text) {
            (Some((pattern, loc)), None) => {
                Some(Include { what: What::Files { pattern, optional }, loc })
            }
            (None, Some((text, loc))) => Some(Include { what: What::Text(text), loc }),
            (both, _) => {
                let message = if both.is_some() {
                    "include() takes 'file' or 'text', not both"
                } else {
                    "include() needs 'file' or 'text'"
                };
                self.say(Diagnostic::error(object.loc, message));
                None
            }
        }
    }

    /// Reads what is included. At the top level statements go to the top level, else to `out`.
    pub(super) fn include(&mut self, include: &Include, top: bool, depth: usize, out: &mut Block) {
        if self.open.len() >= INCLUDE_DEPTH_MAX {
            let text = format!("includes are nested deeper than {INCLUDE_DEPTH_MAX}");
            self.say(Diagnostic::error(include.loc, text).help("this one is not read"));
            return;
        }
        self.origins.push(include.loc);
        match &include.what {
            What::Text(text) => {
                self.open.push(PathBuf::new());
                self.text("include(text=…)", text, top, depth, out);
                self.open.pop();
            }
            What::Files { pattern, .. } if pattern.is_empty() => {
                let text = "nothing is included: the file name is empty";
                let d = Diagnostic::warning(include.loc, text);
                self.say(d.help("is a variable of the environment not set?"));
            }
            What::Files { pattern, optional } => {
                let paths = if self.sealed {
                    Vec::new()
                } else {
                    self.matching(pattern, *optional, include.loc)
                };
                for path in paths {
                    self.included_file(&path, include.loc, top, depth, out);
                }
            }
        }
        self.origins.pop();
    }

    /// The files that a pattern names, sorted. A directory is all files in it, at any depth.
    fn matching(&mut self, pattern: &BString, optional: bool, loc: Loc) -> Vec<PathBuf> {
        let Ok(text) = pattern.to_str() else {
            return vec![pattern.to_path_lossy().into_owned()];
        };
        let wild = text.contains(['*', '?', '[']);
        if !wild {
            let path = Path::new(text);
            return match fs::metadata(path) {
                Ok(meta) if meta.is_dir() => files_in(path, INCLUDE_DEPTH_MAX),
                Ok(_) => vec![path.to_owned()],
                Err(_) if optional => Vec::new(),
                Err(e) => {
                    let message = format!("cannot read '{text}': {}", reason(&e));
                    let help = "include(file=\"…\" mode=\"optional\") takes it if it is there";
                    self.say(Diagnostic::error(loc, message).help(help));
                    Vec::new()
                }
            };
        }
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            // A pattern that asks for hidden files gets them.
            require_literal_leading_dot: !text.rsplit('/').next().unwrap_or(text).starts_with('.'),
        };
        match glob::glob_with(&text.replace("[^", "[!"), options) {
            Ok(paths) => paths
                .filter_map(Result::ok)
                .flat_map(|path| {
                    if path.is_dir() { files_in(&path, INCLUDE_DEPTH_MAX) } else { vec![path] }
                })
                .collect(),
            Err(e) => {
                let message = format!("'{text}' is no file name pattern: {}", e.msg);
                self.say(Diagnostic::error(loc, message));
                Vec::new()
            }
        }
    }

    fn included_file(&mut self, path: &Path, loc: Loc, top: bool, depth: usize, out: &mut Block) {
        let identity = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let shown = path.display();
        if self.open.contains(&identity) {
            let text = format!("'{shown}' is being read already");
            self.say(Diagnostic::error(loc, text).help("a file cannot include itself"));
            return;
        }
        match self.read(path) {
            Ok(text) => {
                self.open.push(identity);
                self.text(&shown.to_string(), &text, top, depth, out);
                self.open.pop();
            }
            Err(e) => {
                let text = format!("cannot read '{shown}': {}", reason(&e));
                self.say(Diagnostic::error(loc, text));
            }
        }
    }

    /// A file's bytes, within the limits.
    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        let meta = fs::metadata(path)?;
        if meta.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let mut text = Vec::new();
        let limit = count(CONFIG_FILE_BYTES_MAX.min(CONFIG_BYTES_MAX - self.bytes));
        fs::File::open(path)?.take(limit + 1).read_to_end(&mut text)?;
        if count(text.len()) > limit {
            return Err(io::Error::other(format!("more than {limit} bytes")));
        }
        self.bytes += text.len();
        Ok(text)
    }

    /// The configuration's first file.
    pub(super) fn main_file(&mut self, path: &Path) -> io::Result<()> {
        let text = self.read(path)?;
        let identity = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        self.open.push(identity);
        self.text(&path.display().to_string(), &text, true, 0, &mut Block::new());
        self.open.pop();
        Ok(())
    }

    pub(super) fn text(
        &mut self,
        name: &str,
        text: &[u8],
        top: bool,
        depth: usize,
        out: &mut Block,
    ) {
        let file = self.sources.add_included(name, text, self.origins.last().copied());
        let binary = text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff");
        if !text.contains(&b'\n')
            && let Some(at) = text.find_byte(b'\r').filter(|at| at + 1 < text.len())
        {
            let message = "the lines of this file end with a carriage return alone";
            let help = "rsyslog reads it as one line; convert it: tr '\\r' '\\n'";
            self.say(Diagnostic::error(Loc::new(file, at, at + 1), message).help(help));
            return;
        }
        let utf16 = binary.then_some(0);
        if let Some(at) = utf16.or_else(|| text.find_byte(0)) {
            let (message, help) = if binary {
                ("this file is UTF-16", "save it as UTF-8")
            } else {
                ("this is no text: it holds a NUL byte", "the file is not read")
            };
            self.say(Diagnostic::error(Loc::new(file, at, at + 1), message).help(help));
            return;
        }
        let source = Source::new(file, text);
        let mut parser = Parser::new(&source, self, depth);
        if top {
            parser.top_level();
        } else {
            let mut block = parser.nested();
            out.append(&mut block);
        }
    }
}

/// All files in a directory, sorted by name, those in its directories in between. Names that
/// begin with a dot are left out.
fn files_in(directory: &Path, depth: usize) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .flat_map(|path| match path.is_dir() {
            true if depth == 0 => Vec::new(),
            true => files_in(&path, depth - 1),
            false => vec![path],
        })
        .collect()
}

/// An error in the words of the operating system, without its number.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
