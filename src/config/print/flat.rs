//! `-o`: all files of a configuration as one text that means the same. Comments and writing stay as
//! they are; each include becomes a comment, with what was read there behind it.

use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::SourceFile;
use crate::config;
use crate::config::Config;
use crate::config::Inclusion;
use crate::config::ast::Block;
use crate::config::ast::StmtKind;
use crate::config::print::bare;
use crate::config::print::modern;
use crate::config::print::places::same;
use crate::config::print::unlike;
use crate::config::yaml;

const HEADER: &str = concat!("## full config written by bongsu ", env!("CARGO_PKG_VERSION"), " ##");

/// Where the files of a YAML configuration stand, in RainerScript.
const NOT_RAW: &str = "# the file is YAML; this is the same in RainerScript";

struct Flat<'c> {
    config: &'c Config,
    out: Vec<u8>,
    diags: Diagnostics,
}

/// The one file, in RainerScript. Reading it gives the statements of `config`.
///
/// # Errors
/// A YAML file in the tree has something that RainerScript cannot say, or the whole would not mean
/// the same.
pub fn flatten(config: &Config) -> Result<Vec<u8>, Diagnostics> {
    let mut flat = Flat { config, out: Vec::new(), diags: Diagnostics::default() };
    flat.comment(HEADER.as_bytes());
    flat.file(0);
    verify(config, &flat.out, &mut flat.diags);
    if flat.diags.has_errors() { Err(flat.diags) } else { Ok(flat.out) }
}

/// The statements that stand in `files`, those included that a `$RuleSet` before them took.
fn said_in(files: &[u32], statements: &Block) -> Block {
    let mut found = Block::new();
    for statement in statements {
        if files.contains(&statement.loc.file) {
            found.push(statement.clone());
        } else if let StmtKind::Object(object) = &statement.kind
            && object.legacy
        {
            found.extend(said_in(files, &object.script));
        }
    }
    found
}

/// Complains if `text` does not read as what `config` is.
fn verify(config: &Config, text: &[u8], diags: &mut Diagnostics) {
    let mut unsaid = Diagnostics::default();
    let mut modern = |block: &Block| modern(block.clone(), &mut unsaid);
    let read = config::parse_text("full config", text);
    let (all, again) = (modern(&config.statements), modern(&read.statements));
    let alike = all.iter().zip(&again).take_while(|(one, other)| same(one, other)).count();
    if alike < all.len().max(again.len()) {
        let loc = all.get(alike).map(|statement| statement.loc).unwrap_or_default();
        diags.push(unlike("one file", loc, &read.diagnostics));
    }
}

impl Flat<'_> {
    fn write(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }

    /// Lines of a comment. A backslash at the end of one would make the next line part of it.
    fn comment(&mut self, text: &[u8]) {
        for line in text.lines() {
            self.write(if line.starts_with(b"#") { b"" } else { b"# " });
            let blank_or_backslash = |b: &u8| b.is_ascii_whitespace() || *b == b'\\';
            let kept = line.iter().rposition(|b| !blank_or_backslash(b)).map_or(0, |at| at + 1);
            self.write(&line[..kept]);
            self.write(b"\n");
        }
    }

    /// Ends a line that has begun. A backslash at its end must not join what follows.
    fn end_line(&mut self) {
        if !self.out.ends_with(b"\n") {
            self.write(b"\n");
        }
        if self.out.trim_end().ends_with(b"\\") {
            self.write(b"\n");
        }
    }

    fn file(&mut self, number: u32) {
        let Some(source) = self.config.sources.file(number) else { return };
        self.comment(format!("##### BEGIN CONFIG: {}", source.name).as_bytes());
        if yaml::is_yaml(&source.name) {
            self.translated(number);
        } else {
            self.raw(number, source);
        }
        self.end_line();
        self.comment(format!("##### END   CONFIG: {}", source.name).as_bytes());
    }

    /// The file's own text, with other files in place of its includes.
    fn raw(&mut self, number: u32, source: &SourceFile) {
        let text = &source.text;
        let mut at = if text.starts_with("\u{feff}".as_bytes()) { "\u{feff}".len() } else { 0 };
        let mut inclusions: Vec<&Inclusion> =
            self.config.inclusions.iter().filter(|i| i.at.file == number).collect();
        inclusions.sort_by_key(|inclusion| inclusion.at.start);
        for inclusion in inclusions {
            let Loc { start, end, .. } = inclusion.at;
            let (start, end) = (start as usize, end as usize);
            let Some(before) = text.get(at..start) else { continue };
            self.write(before);
            self.inclusion(inclusion, text.get(start..end).unwrap_or_default());
            let rest = text.get(end..).unwrap_or_default();
            let line = rest.lines_with_terminator().next().unwrap_or_default();
            at = end;
            if line.trim().is_empty() {
                at += line.len();
            } else if !line.trim_start().starts_with(b"#") {
                // What did not begin a line must not begin one now: some things may only there.
                self.write(b"/**/");
            }
        }
        self.write(text.get(at..).unwrap_or_default());
    }

    fn inclusion(&mut self, inclusion: &Inclusion, statement: &[u8]) {
        if inclusion.alone {
            self.write(b"{");
        }
        let kept = self.out.trim_end_with(|c| matches!(c, ' ' | '\t')).len();
        self.out.truncate(kept);
        if !self.out.ends_with(b"\n") {
            self.write(b"\n");
        }
        self.comment(statement);
        for file in &inclusion.files {
            self.file(*file);
        }
        if inclusion.alone {
            self.write(b"}\n");
        }
    }

    /// A YAML file and all that it includes, printed from their statements.
    fn translated(&mut self, number: u32) {
        let mut files = vec![number];
        let mut next = 0;
        while let Some(file) = files.get(next).copied() {
            let inclusions = self.config.inclusions.iter().filter(|i| i.at.file == file);
            files.extend(inclusions.flat_map(|inclusion| &inclusion.files).copied());
            next += 1;
        }
        let block = said_in(&files, &self.config.statements);
        self.comment(NOT_RAW.as_bytes());
        match bare(&block) {
            Ok(text) => self.write(&text),
            Err(diags) => {
                let text = "a part of this cannot be written in RainerScript: it is left out";
                let loc = diags.all.first().map(|d| d.loc).unwrap_or_default();
                self.diags.push(Diagnostic::error(loc, text));
                diags.all.into_iter().for_each(|d| self.diags.push(d));
            }
        }
    }
}
