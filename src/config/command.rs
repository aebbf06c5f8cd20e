//! The words of a command, `binary="…"`, as rsyslogd finds them: a space ends a word, unless it
//! stands between double quotes, which stay where they are. Nothing else quotes, and two spaces
//! have an empty word between them.

use std::path::PathBuf;

/// The program and its arguments; `None` if there is no program.
#[must_use]
pub fn split(text: &str) -> Option<(PathBuf, Vec<String>)> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    let text = text.trim_start_matches(' ');
    for sign in text.chars() {
        quoted ^= sign == '"';
        match words.last_mut() {
            Some(word) if sign != ' ' || quoted => word.push(sign),
            _ => words.push(String::new()),
        }
    }
    let binary = words.remove(0);
    if binary.is_empty() {
        return None;
    }
    // Without a slash the search path would be asked, which rsyslogd does not.
    let path = if binary.contains('/') { binary } else { format!("./{binary}") };
    Some((PathBuf::from(path), words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let words = |text: &str| split(text).map(|(binary, words)| (binary, words.join("|")));
        let some = |binary: &str, words: &str| Some((PathBuf::from(binary), words.to_owned()));
        assert_eq!(words("/bin/cat"), some("/bin/cat", ""));
        assert_eq!(words("  /bin/cat -u"), some("/bin/cat", "-u"));
        assert_eq!(words("/p a  --x=\"a b\" c"), some("/p", "a||--x=\"a b\"|c"));
        assert_eq!(words("/p 'e f' x\\'y"), some("/p", "'e|f'|x\\'y"));
        assert_eq!(words("/p \"not closed a b"), some("/p", "\"not closed a b"));
        assert_eq!(words("cat"), some("./cat", ""));
        assert_eq!(words(""), None);
        assert_eq!(words("  "), None);
    }
}
