//! Reading of files: includes, limits, and the one list of top-level statements.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::path::PathBuf;

use bstr::BString;
use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::Severity;
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
use crate::config::manual;
use crate::config::param;
use crate::config::param::Kind;
use crate::config::param::Spec;
use crate::config::parse::Parser;
use crate::config::text::Source;
use crate::config::yaml;

/// `include()`, besides `config.enabled`.
pub static INCLUDE_PARAMS: &[Spec] = &[
    Spec::new("file", Kind::Str, "", "The file, directory or pattern to read here."),
    Spec::new("text", Kind::Str, "", "The text itself, mostly from backticks."),
    Spec::new(
        "mode",
        Kind::Word(&["required", "optional", "abort-if-missing"]),
        "required",
        "Whether the file has to be there.",
    ),
];

/// What all files of one configuration share.
#[derive(Debug, Default)]
pub(super) struct Loader {
    sources: SourceMap,
    diags: Diagnostics,
    /// Complaints beyond the limit, and the worst of them.
    unsaid: usize,
    worst_unsaid: Option<Severity>,
    /// The top level.
    statements: Block,
    pub(super) legacy: legacy::State,
    /// Files that are open, outermost first.
    open: Vec<PathBuf>,
    /// Where each of them but the first was included.
    origins: Vec<Loc>,
    bytes: usize,
    inclusions: Vec<Inclusion>,
    /// Where backticks stood.
    pub(super) expanded: Vec<Loc>,
    /// The statement before this place ended with an action that a `&` may add to.
    pub(super) chain: bool,
    /// A value of the object that is being read could not be, and was complained of.
    pub(super) lost: bool,
    /// Objects that lack something for that reason.
    pub(super) flawed: Vec<Loc>,
    /// Nothing outside of the given text may be read.
    sealed: bool,
    /// What is being read is described there, in rsyslog's documentation.
    page: Cow<'static, str>,
}

/// What is to be read in place of an `include()` or `$IncludeConfig`.
#[derive(Debug)]
pub(super) struct Include {
    what: What,
    loc: Loc,
    /// All of its statement.
    statement: Loc,
    /// It is all of a block, without braces.
    pub(super) alone: bool,
}

/// An include that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// All of its statement.
    pub at: Loc,
    /// It is the body of a filter and has no braces around it.
    pub alone: bool,
    /// The files of the source map that were read there, in order.
    pub files: Vec<u32>,
}

#[derive(Debug)]
enum What {
    Text(BString),
    Files { pattern: BString, optional: bool, help: &'static str },
}

/// What to write for a file that need not be there.
const OPTIONAL: &str = "include(file=\"…\" mode=\"optional\") takes it if it is there";
const OPTIONAL_YAML: &str = "with 'optional: on' it is taken if it is there";

impl Include {
    /// Files that match `pattern`; one without wildcards must exist.
    pub(super) const fn pattern(pattern: BString, loc: Loc, statement: Loc) -> Self {
        let what = What::Files { pattern, optional: false, help: OPTIONAL };
        Self { what, loc, statement, alone: false }
    }

    /// An item of YAML's `include`.
    pub(super) const fn yaml_item(pattern: BString, optional: bool, loc: Loc) -> Self {
        let what = What::Files { pattern, optional, help: OPTIONAL_YAML };
        Self { what, loc, statement: loc, alone: false }
    }
}

impl Loader {
    pub(super) fn sealed() -> Self {
        Self { sealed: true, ..Self::default() }
    }

    pub(super) fn finish(mut self) -> Config {
        if let Some(severity) = self.worst_unsaid {
            let last = self.diags.all.last().map(|d| d.loc).unwrap_or_default();
            let text = format!("{} more complaints are not shown", self.unsaid);
            self.diags.push(Diagnostic { severity, ..Diagnostic::note(last, text) });
        }
        let Self { sources, statements, diags, legacy, inclusions, expanded, flawed, .. } = self;
        let unbound = legacy.into_unbound();
        Config { sources, statements, diagnostics: diags, unbound, inclusions, expanded, flawed }
    }

    pub(super) fn say(&mut self, mut diagnostic: Diagnostic) {
        if self.diags.all.len() >= DIAGNOSTICS_MAX {
            self.unsaid += 1;
            self.worst_unsaid = self.worst_unsaid.max(Some(diagnostic.severity));
            return;
        }
        if diagnostic.term.is_none() && !self.page.is_empty() {
            diagnostic.term = Some(self.page.to_string());
        }
        self.diags.push(diagnostic);
    }

    /// From here on complaints are about what `page` describes. Gives the page up to here, which
    /// is to be set again.
    pub(super) fn turn_to(&mut self, page: impl Into<Cow<'static, str>>) -> Cow<'static, str> {
        std::mem::replace(&mut self.page, page.into())
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

    /// A statement of the default ruleset, whatever `$RuleSet` chose.
    pub(super) fn push_default(&mut self, statement: Stmt) {
        self.statements.push(statement);
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
        let params = param::check(object, &[INCLUDE_PARAMS], &mut self.diags);
        let optional = params.str("mode") == Some("optional");
        let given = |name| params.bytes(name).map(|value| (value.clone(), params.loc(name)));
        let (file, text) = (given("file"), given("text"));
        let (statement, alone) = (object.loc, false);
        match (file, text) {
            (Some((pattern, loc)), None) => {
                let what = What::Files { pattern, optional, help: OPTIONAL };
                Some(Include { what, loc, statement, alone })
            }
            (None, Some((text, loc))) => {
                Some(Include { what: What::Text(text), loc, statement, alone })
            }
            (both, _) => {
                let message = if both.is_some() {
                    "include() takes 'file' or 'text', not both"
                } else {
                    "include() needs 'file' or 'text'"
                };
                let complaint = Diagnostic::error(object.loc, message);
                params.missing(&["file", "text"], complaint, &mut self.diags);
                None
            }
        }
    }

    /// Reads what is included. At the top level statements go to the top level, else to `out`.
    pub(super) fn include(&mut self, include: &Include, top: bool, depth: usize, out: &mut Block) {
        let outer = self.turn_to(manual::INCLUDE);
        self.read_include(include, top, depth, out);
        self.turn_to(outer);
    }

    fn read_include(&mut self, include: &Include, top: bool, depth: usize, out: &mut Block) {
        let Include { statement: at, alone, .. } = *include;
        let index = self.inclusions.len();
        self.inclusions.push(Inclusion { at, alone, files: Vec::new() });
        if self.open.len() >= INCLUDE_DEPTH_MAX {
            let text = format!("includes are nested deeper than {INCLUDE_DEPTH_MAX}");
            self.say(Diagnostic::error(include.loc, text).help("this one is not read"));
            return;
        }
        self.origins.push(include.loc);
        match &include.what {
            What::Text(text) => {
                self.open.push(PathBuf::new());
                let file = self.text("include(text=…)", text, top, depth, out);
                self.open.pop();
                self.inclusions[index].files.extend(file);
            }
            What::Files { pattern, .. } if pattern.is_empty() => {
                let text = "nothing is included: the file name is empty";
                let d = Diagnostic::warning(include.loc, text);
                self.say(d.help("is a variable of the environment not set?"));
            }
            What::Files { pattern, optional, help } => {
                let missing = (!optional).then_some(*help);
                let paths = if self.sealed {
                    Vec::new()
                } else {
                    self.matching(pattern, missing, include.loc)
                };
                for path in paths {
                    let file = self.included_file(&path, include.loc, top, depth, out);
                    self.inclusions[index].files.extend(file);
                }
            }
        }
        self.origins.pop();
    }

    /// The files that a pattern names, sorted. A directory is all files in it, at any depth. With
    /// `missing`, a file that is not there is a mistake, and this its help.
    fn matching(
        &mut self,
        pattern: &BString,
        missing: Option<&'static str>,
        loc: Loc,
    ) -> Vec<PathBuf> {
        let Ok(text) = pattern.to_str() else {
            return vec![pattern.to_path_lossy().into_owned()];
        };
        let wild = text.contains(['*', '?', '[']);
        if !wild {
            let path = Path::new(text);
            return match fs::metadata(path) {
                Ok(meta) if meta.is_dir() => self.files_in(path, loc),
                Ok(_) => vec![path.to_owned()],
                Err(e) => {
                    if let Some(help) = missing {
                        let message = format!("cannot read '{text}': {}", reason(&e));
                        self.say(Diagnostic::error(loc, message).help(help));
                    }
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
                .flat_map(|path| match path.is_dir() {
                    true => self.files_in(&path, loc),
                    false => vec![path],
                })
                .collect(),
            Err(e) => {
                let message = format!("'{text}' is no file name pattern: {}", e.msg);
                self.say(Diagnostic::error(loc, message));
                Vec::new()
            }
        }
    }

    /// All files in a directory, by [`files_in`].
    fn files_in(&mut self, directory: &Path, loc: Loc) -> Vec<PathBuf> {
        let mut files = Vec::new();
        if let Err(again) = files_in(directory, &mut Vec::new(), &mut files) {
            let text = format!("'{}' leads back to a directory above it", again.display());
            let help = "remove the link; none of these files is read";
            self.say(Diagnostic::error(loc, text).help(help));
            files.clear();
        }
        files
    }

    /// The file's number in the source map, if it could be read.
    fn included_file(
        &mut self,
        path: &Path,
        loc: Loc,
        top: bool,
        depth: usize,
        out: &mut Block,
    ) -> Option<u32> {
        let identity = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let shown = path.display();
        if self.open.contains(&identity) {
            let text = format!("'{shown}' is being read already");
            self.say(Diagnostic::error(loc, text).help("a file cannot include itself"));
            return None;
        }
        if !top && yaml::is_yaml(&shown.to_string()) {
            let text = "what a YAML file declares belongs to the top level, not to this block";
            self.say(Diagnostic::warning(loc, text).help("move the include out of the braces"));
        }
        // A pipe that nobody writes to would hold up the start; rsyslog reads none either.
        if fs::metadata(path).is_ok_and(|meta| meta.file_type().is_fifo()) {
            let text = format!("'{shown}' is a named pipe: it is not read");
            self.say(Diagnostic::error(loc, text).help("include a file"));
            return None;
        }
        match self.read(path) {
            Ok(text) => {
                self.open.push(identity);
                let file = self.text(&shown.to_string(), &text, top, depth, out);
                self.open.pop();
                file
            }
            Err(e) => {
                let text = format!("cannot read '{shown}': {}", reason(&e));
                self.say(Diagnostic::error(loc, text));
                None
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

    /// Reads a text; gives its number in the source map, or `None` if it is no text at all.
    pub(super) fn text(
        &mut self,
        name: &str,
        text: &[u8],
        top: bool,
        depth: usize,
        out: &mut Block,
    ) -> Option<u32> {
        let file = self.sources.add_included(name, text, self.origins.last().copied());
        let binary = text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff");
        if !yaml::is_yaml(name)
            && !text.contains(&b'\n')
            && let Some(at) = text.find_byte(b'\r').filter(|at| at + 1 < text.len())
        {
            let message = "the lines of this file end with a carriage return alone";
            let help = "rsyslog reads it as one line; convert it: tr '\\r' '\\n'";
            self.say(Diagnostic::error(Loc::new(file, at, at + 1), message).help(help));
            return None;
        }
        let utf16 = binary.then_some(0);
        if let Some(at) = utf16.or_else(|| text.find_byte(0)) {
            let (message, help) = if binary {
                ("this file is UTF-16", "save it as UTF-8")
            } else {
                ("this is no text: it holds a NUL byte", "the file is not read")
            };
            self.say(Diagnostic::error(Loc::new(file, at, at + 1), message).help(help));
            return None;
        }
        if yaml::is_yaml(name) {
            yaml::read(self, file, text);
            return Some(file);
        }
        let source = Source::new(file, text);
        let mut parser = Parser::new(&source, self, depth);
        if top {
            parser.top_level();
        } else {
            let mut block = parser.nested();
            out.append(&mut block);
        }
        Some(file)
    }
}

/// Adds all files in a directory to `found`, sorted by name, those in its directories in between.
/// Names that begin with a dot are left out. `above` are the directories that it is in.
///
/// # Errors
/// A link to one of those, which would be read without end.
fn files_in(
    directory: &Path,
    above: &mut Vec<PathBuf>,
    found: &mut Vec<PathBuf>,
) -> Result<(), PathBuf> {
    let identity = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    if above.contains(&identity) {
        return Err(directory.to_owned());
    }
    let Ok(entries) = fs::read_dir(directory) else { return Ok(()) };
    let mut paths: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    above.push(identity);
    for path in paths {
        if path.is_dir() {
            files_in(&path, above, found)?;
        } else {
            found.push(path);
        }
    }
    above.pop();
    Ok(())
}

/// An error in the words of the operating system, without its number.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
