//! The CEE cookie (Lumberjack): what marks a message's text as JSON.

/// Whether `msg`, the text behind the tag, begins with `@cee:`, white space aside.
#[must_use]
#[inline]
pub fn has_cookie(msg: &[u8]) -> bool {
    const COOKIE: &[u8] = b"@cee:";
    let start = msg.iter().position(|byte| !matches!(byte, b' ' | b'\t'..=b'\r'));
    start.is_some_and(|start| msg[start..].starts_with(COOKIE))
}

#[cfg(test)]
mod tests {
    use super::has_cookie;

    #[test]
    fn cookie_is_first() {
        for yes in ["@cee:", "@cee:{}", " @cee: {}", " \t\r\n @cee:x"] {
            assert!(has_cookie(yes.as_bytes()), "{yes:?}");
        }
        for no in ["", " ", "@cee", "x @cee:", "@CEE:", "@ceee:"] {
            assert!(!has_cookie(no.as_bytes()), "{no:?}");
        }
    }
}
