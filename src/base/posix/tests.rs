use proptest::prelude::*;

use super::*;

fn matches(pattern: &str, syntax: Syntax, texts: &[&str]) -> Option<String> {
    let regex = Expression::new(pattern.as_bytes(), syntax, false).ok()?;
    Some(texts.iter().map(|t| if regex.is_match(t.as_bytes()) { '1' } else { '0' }).collect())
}

/// `re_match($msg, '…')`, rsyslogd 8.2302; none where it refused the pattern.
#[test]
fn extended_expressions_match_as_in_rsyslog() {
    let texts = [
        "{2", "a{x", "aa", "*a", "+a", "", "b", "ab", "a", "|", ")", "(", "a\\", "]", "-", "a^",
        "^a", "a$b", "a{1,2", ".", "x", "n", "\\", "q",
    ];
    let expected: &[(&str, Option<&str>)] = &[
        ("{2", None),
        ("a{x", None),
        ("*a", None),
        ("+a", None),
        ("a|*b", None),
        ("(*a)", None),
        ("a{2", None),
        ("(", None),
        ("[[:nope:]]", None),
        ("[b-a]", None),
        ("a\\", None),
        ("\\1a", None),
        ("a{3,2}", None),
        ("a{99999}", None),
        ("a{2}{1}", Some("001000000000000000000000")),
        ("x+?", Some("111111111111111111111111")),
        ("()", Some("111111111111111111111111")),
        ("a||b", Some("111111111111111111111111")),
        ("|a", Some("111111111111111111111111")),
        (")", Some("000000000010000000000000")),
        ("a{,2}", Some("111111111111111111111111")),
        ("[]a]", Some("011110011000110111100000")),
        ("[^]a]", Some("110110110111101111111111")),
        ("[a-]", Some("011110011000101111100000")),
        ("^a^", Some("000000000000000000000000")),
        ("a$b", Some("000000000000000000000000")),
        ("[[.a.]]", Some("011110011000100111100000")),
        ("[[=a=]]", Some("011110011000100111100000")),
        ("(^a)", Some("011000011000100101100000")),
        ("(a|)$", Some("111111111111111111111111")),
        ("\\.", Some("000000000000000000010000")),
        ("\\x", Some("010000000000000000001000")),
        ("\\n", Some("000000000000000000000100")),
        ("[\\n]", Some("000000000000100000000110")),
        ("\\{", Some("110000000000000000100000")),
    ];
    for (pattern, bits) in expected {
        let ours = matches(pattern, Syntax::Extended, &texts);
        assert_eq!(ours.as_deref(), *bits, "{pattern}");
    }
}

/// `:msg, regex, "…"`, rsyslogd 8.2302.
#[test]
fn basic_expressions_match_as_in_rsyslog() {
    let texts = ["abc", "", "010", "aab", "a|c", "a{2}", "+b+", "*b", "a^", "^a", "a$b", "b)"];
    for (pattern, bits) in [
        ("a.c", Some("100010000000")),
        ("a\\|0", Some("101111001110")),
        ("\\(b\\)", Some("100100110011")),
        ("b+", Some("000000100000")),
        ("[[:digit:]]", Some("001001000000")),
        ("a\\{2\\}", Some("000100000000")),
        ("^*b", Some("000000010000")),
        ("a\\+", Some("100111001110")),
        ("a{2}", Some("000001000000")),
        ("a|b", Some("000000000000")),
        ("a|c", Some("000010000000")),
        ("^^a", Some("000000000100")),
        ("a\\|*b", Some("100111011110")),
        ("\\(*b\\)", Some("000000010000")),
        ("a^", Some("000000001000")),
        ("a$b", Some("000000000010")),
        ("\\+b", Some("000000100000")),
        ("\\(^a\\)", Some("100111001010")),
        ("^*", Some("000000010000")),
        ("b\\)", None),
        ("\\{2", None),
    ] {
        assert_eq!(matches(pattern, Syntax::Basic, &texts).as_deref(), bits, "{pattern}");
    }
}

fn find<'t>(pattern: &str, extended: bool, text: &'t str) -> Option<&'t str> {
    let syntax = if extended { Syntax::Extended } else { Syntax::Basic };
    let expression = Expression::new(pattern.as_bytes(), syntax, false).unwrap();
    let (from, to) = expression.find(text.as_bytes(), false)?.all;
    text.get(from..to)
}

#[test]
fn extended_expressions_find() {
    for (pattern, text, found) in [
        ("[0-9]+", "ab12", Some("12")),
        ("a{2,3}", "aaaa", Some("aaa")),
        ("a+?b", "aab", Some("aab")),
        ("[]a]+", "x]a]", Some("]a]")),
        (r"[\d]+", r"5\d", Some(r"\d")),
        ("[a&&b]+", "&&a", Some("&&a")),
        ("[[:alpha:]_-]+", "1a_-b2", Some("a_-b")),
        ("[^]a]", "]ab", Some("b")),
        (r"a\.b", "axb a.b", Some("a.b")),
        (r"\<err\>", "terr err", Some("err")),
        ("a.c", "a\nc", Some("a\nc")),
        ("^b", "a\nb", None),
    ] {
        assert_eq!(find(pattern, true, text), found, "{pattern}");
    }
}

#[test]
fn basic_expressions_find() {
    for (pattern, text, found) in [
        ("[0-9]+", "12+", Some("2+")),
        (r"\([0-9]*\)x", "12x", Some("12x")),
        (r"a\{2\}", "aaa", Some("aa")),
        ("(a)", "a(a)", Some("(a)")),
        ("a^b$c", "a^b$c", Some("a^b$c")),
        (r"a\|b", "xb", Some("b")),
        ("*a", "*a", Some("*a")),
    ] {
        assert_eq!(find(pattern, false, text), found, "{pattern}");
    }
}

/// The first match by the graph alone.
fn slowly(pattern: &[u8], text: &[u8]) -> Option<Found> {
    let parsed = parse::parse(pattern, Syntax::Extended, false).unwrap();
    let mut nodes = Nodes::new(parsed.tree.as_ref()).unwrap();
    nodes.index_sources();
    let mut scratch = Scratch::default();
    for start in 0..=text.len() {
        let Some(end) = longest::end(&nodes, text, start, &mut scratch).unwrap() else { continue };
        let mut groups = vec![UNSET; parsed.groups];
        let all = (start, end);
        longest::groups(&nodes, text, all, &mut scratch, &mut groups).unwrap();
        return Some(Found { all, groups });
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_the_regex_crate_finds_is_what_the_graph_finds(
        pattern in "([abc.]|[abc][*+?]|\\((a|b*|a?c|[ab]|x\\|y?|c{1,2}|)\\)[*+?]?|\\^|\\$|\\|){1,6}",
        text in "[abcxy]{0,8}",
    ) {
        if let Ok(expression) = Expression::new(pattern.as_bytes(), Syntax::Extended, false) {
            let found = expression.find(text.as_bytes(), true);
            prop_assert_eq!(found, slowly(pattern.as_bytes(), text.as_bytes()));
        }
    }
}

#[test]
fn most_expressions_take_the_fast_way() {
    for (pattern, fast) in [
        ("user=([a-z]+) from ([0-9.]+)", true),
        ("(GET|POST) ([^ ]*)", true),
        ("([0-9]{1,3})ms$", true),
        ("(a|ab)(c|bcd)", false),
        (".*=(.*)", false),
        ("(a*)*", false),
        ("(|a)b", false),
    ] {
        let expression = Expression::new(pattern.as_bytes(), Syntax::Extended, false).unwrap();
        assert_eq!(expression.0.nodes.single_way, fast, "{pattern}");
    }
}

#[test]
fn what_would_explode_is_refused_or_given_up() {
    for pattern in ["((((a{99}){99}){99}){99}){99}", &"(".repeat(5000), &"a".repeat(70_000)] {
        let fault = Expression::new(pattern.as_bytes(), Syntax::Extended, false).unwrap_err();
        assert!(fault.ours, "{fault:?}");
    }
    let before = given_up();
    let hard = Expression::new(br"(a*)(a*)(a*)\1\2\3\1\2\3b", Syntax::Extended, false).unwrap();
    assert!(!hard.is_match(&[b"a".repeat(3000), b"xb".to_vec()].concat()));
    assert!(given_up() > before);
}

#[test]
fn a_pattern_is_compiled_once() {
    let new = |syntax| Expression::new(b"the same (pattern)", syntax, false).unwrap();
    let first = new(Syntax::Extended);
    assert!(Arc::ptr_eq(&first.0, &new(Syntax::Extended).0));
    assert!(!Arc::ptr_eq(&first.0, &new(Syntax::Basic).0));
}

#[test]
fn matches_are_counted_as_in_rsyslog() {
    let nth = |pattern: &str, text: &'static str, number, group| {
        let expression = Expression::new(pattern.as_bytes(), Syntax::Extended, false).unwrap();
        expression.nth(text.as_bytes(), number, group)
    };
    assert_eq!(nth("^a(b)?", "abaab", 0, 1), Some(Some(&b"b"[..])));
    // Each search starts anew, so that `^` matches again.
    assert_eq!(nth("^a(b)?", "abaab", 1, 1), Some(None));
    assert_eq!(nth("^a(b)?", "abaab", 2, 0), Some(Some(&b"ab"[..])));
    assert_eq!(nth("^a(b)?", "abaab", 3, 0), None);
    assert_eq!(nth("a(b)?", "ab", 0, 2), Some(None));
    // An empty match is there for ever.
    assert_eq!(nth("x*", "ab", 60_000, 0), Some(Some(&b""[..])));
}

/// Each of the matches asks for the rest of the text: without a bound for all of them a message
/// would take minutes.
#[test]
fn counting_matches_is_bounded() {
    for pattern in ["a(b|.*z)?", "a(.*z)?", r"(a)(\1\1\1z)?"] {
        let expression = Expression::new(pattern.as_bytes(), Syntax::Extended, false).unwrap();
        let before = given_up();
        let text = b"a".repeat(65_536);
        assert_eq!(expression.nth(&text, 65_535, 0), None, "{pattern}");
        assert!(given_up() > before, "{pattern}");
        assert_eq!(expression.nth(&text, 3, 0), Some(Some(&b"a"[..])), "{pattern}");
    }
}
