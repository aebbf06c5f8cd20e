//! The paths that `file=` may name: wildcards in names and in directories, and `{a,b}`, as glob(3)
//! has them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::path::PathBuf;

use glob::MatchOptions;
use glob::Pattern;

/// Paths that `{…}` may stand for; what is beyond is not read.
const BRACES_MAX: usize = 256;

/// One path with wildcards: where it begins for certain, and what each further name must be.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    /// The directory that stands before the first wildcard.
    pub(super) base: PathBuf,
    /// The names below it; the last one is the file's.
    pub(super) names: Vec<Name>,
}

/// What a name in a path must be.
#[derive(Clone, Debug)]
pub(super) enum Name {
    Fixed(Box<OsStr>),
    Wild(Pattern),
}

const NAMES: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    // As glob(3) has it: `*` does not find hidden files.
    require_literal_leading_dot: true,
};

impl Paths {
    /// All that `pattern` stands for.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn read(pattern: &str) -> Result<Vec<Self>, String> {
        let mut all = vec![pattern.to_owned()];
        while let Some(at) = all.iter().position(|text| braces(text).is_some()) {
            let text = all.remove(at);
            let Some((before, choices, behind)) = braces(&text) else { break };
            for choice in choices {
                all.push(format!("{before}{choice}{behind}"));
            }
            if all.len() > BRACES_MAX {
                return Err(format!("stands for more than {BRACES_MAX} paths"));
            }
        }
        all.iter().map(|text| Self::one(text)).collect()
    }

    fn one(text: &str) -> Result<Self, String> {
        let mut base = PathBuf::new();
        let mut names = Vec::new();
        if text.starts_with('/') {
            base.push("/");
        }
        for name in text.split('/').filter(|name| !name.is_empty() && *name != ".") {
            if is_wild(name) {
                let pattern = Pattern::new(name).map_err(|error| error.to_string())?;
                names.push(Name::Wild(pattern));
            } else if names.is_empty() {
                base.push(name);
            } else {
                names.push(Name::Fixed(OsStr::new(name).into()));
            }
        }
        if names.is_empty() {
            let file = base.file_name().ok_or("names no file")?.into();
            base.pop();
            names.push(Name::Fixed(file));
        }
        if text.ends_with('/') {
            return Err("names a directory".to_owned());
        }
        if base.as_os_str().is_empty() {
            base.push(".");
        }
        Ok(Self { base, names })
    }

    /// The path itself, where it has no wildcard.
    pub(super) fn fixed(&self) -> Option<PathBuf> {
        match self.names.as_slice() {
            [Name::Fixed(name)] => Some(self.base.join(&**name)),
            _ => None,
        }
    }
}

impl Name {
    pub(super) fn is(&self, name: &OsStr) -> bool {
        match self {
            Self::Fixed(fixed) => **fixed == *name,
            // Names that are no UTF-8 are matched by what can be shown of them.
            Self::Wild(pattern) => {
                pattern.matches_with(&String::from_utf8_lossy(name.as_bytes()), NAMES)
            }
        }
    }
}

fn is_wild(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// The first `{…}`: what stands before it, its choices, and what stands behind.
fn braces(text: &str) -> Option<(&str, Vec<&str>, &str)> {
    let open = text.find('{')?;
    let (before, rest) = text.split_at_checked(open)?;
    let rest = rest.strip_prefix('{')?;
    let (mut depth, mut from, mut choices) = (0, 0, Vec::new());
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b',' if depth == 0 => {
                choices.push(rest.get(from..at)?);
                from = at + 1;
            }
            b'}' if depth == 0 => {
                choices.push(rest.get(from..at)?);
                return Some((before, choices, rest.get(at + 1..)?));
            }
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// A path as rsyslog would say it.
pub(super) fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(paths: &Paths, all: &[&str]) -> Vec<String> {
        let last = paths.names.last().unwrap();
        let found = all.iter().filter(|name| last.is(OsStr::new(name)));
        found.map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_path_begins_with_what_is_certain() {
        let [paths] = Paths::read("/var/log/app/x.log").unwrap().try_into().unwrap();
        assert_eq!(paths.base, Path::new("/var/log/app"));
        assert_eq!(paths.fixed(), Some(PathBuf::from("/var/log/app/x.log")));
        let [paths] = Paths::read("/var/log/*/app/x?.log").unwrap().try_into().unwrap();
        assert_eq!((paths.base.as_path(), paths.names.len()), (Path::new("/var/log"), 3));
        assert_eq!(paths.fixed(), None);
        let [paths] = Paths::read("x").unwrap().try_into().unwrap();
        assert_eq!(paths.fixed(), Some(PathBuf::from("./x")));
    }

    #[test]
    fn names_match_as_glob_has_them() {
        let all = ["a.log", "b.log", ".a.log", "ab.log", "a", "a\u{e9}.log", "[.log"];
        for (pattern, expected) in [
            ("/x/*.log", &["a.log", "b.log", "ab.log", "a\u{e9}.log", "[.log"][..]),
            ("/x/[ab].log", &["a.log", "b.log"]),
            ("/x/[!a]*", &["b.log", "[.log"]),
            ("/x/?b.log", &["ab.log"]),
            ("/x/.*", &[".a.log"]),
        ] {
            let [paths] = Paths::read(pattern).unwrap().try_into().unwrap();
            assert_eq!(names(&paths, &all), expected, "{pattern}");
        }
    }

    #[test]
    fn braces_are_choices() {
        let all = Paths::read("/x/{a,b{1,2}}/c{,.d}").unwrap();
        let mut fixed: Vec<_> =
            all.iter().map(|paths| paths.fixed().unwrap().display().to_string()).collect();
        fixed.sort();
        let expected = ["a/c", "a/c.d", "b1/c", "b1/c.d", "b2/c", "b2/c.d"];
        assert_eq!(fixed, expected.map(|end| format!("/x/{end}")));
        let unclosed = Paths::read("/x/{a").unwrap();
        assert_eq!(unclosed[0].fixed(), Some(PathBuf::from("/x/{a")));
        assert!(Paths::read("/{1,2,3,4}{1,2,3,4}{1,2,3,4}{1,2,3,4}{1,2,3,4}").is_err());
        assert!(Paths::read("/x/").is_err());
        assert!(Paths::read("/x/[a").is_err());
    }
}
