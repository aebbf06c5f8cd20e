//! Whatever the text is, the parser ends, without a panic and with places inside of the text.

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::proptest;
use proptest::sample::select;

use crate::config::Config;
use crate::config::load::Loader;
use crate::engine::fuzz_config;

/// Pieces that, put together at random, get deep into the parser.
const PIECES: [&str; 64] = [
    "if ",
    " then ",
    "else ",
    "foreach (",
    " in ",
    ") do ",
    "{",
    "}",
    "stop\n",
    "call x\n",
    "call_indirect ",
    "set $.a = ",
    "unset $!b;",
    "reload_lookup_table(",
    "action(type=\"omfile\" ",
    "template(name=\"t\") {",
    "property(",
    "constant(",
    "ruleset(name=\"r\") {",
    "include(text=\"",
    "include(file=\"",
    ")",
    "(",
    "[",
    "]",
    "\"",
    "'",
    "`",
    "\\",
    "\\\n",
    "\n",
    " ",
    "\t",
    "\r\n",
    "*.* ",
    "mail.info;",
    "auth,cron.none ",
    ":msg, contains, \"x\" ",
    ":msg, ",
    "@@(o,z9)h:5;t\n",
    "@[::1",
    "-/x\n",
    "?t",
    "|/p",
    "~",
    "&",
    "& stop\n",
    "$ModLoad imtcp\n",
    "$template t,\"%msg%",
    "$InputTCPServerRun 5\n",
    "$RuleSet r\n",
    "$ActionQueueType ",
    "#",
    "/*",
    "*/",
    "$",
    "!x\n",
    "+h\n",
    " or ",
    " and not ",
    "==",
    "0x",
    "\u{a0}",
    "한",
];

fn places_are_inside(config: &Config) {
    for diagnostic in &config.diagnostics.all {
        let file = config.sources.file(diagnostic.loc.file).expect("a known file");
        assert!(diagnostic.loc.start <= diagnostic.loc.end, "{diagnostic:?}");
        assert!(diagnostic.loc.end as usize <= file.text.len(), "{diagnostic:?}");
    }
}

proptest! {
    #[test]
    fn bytes(data in vec(any::<u8>(), 0..400)) {
        fuzz_config(&data);
    }

    #[test]
    fn pieces(pieces in vec(select(&PIECES[..]), 0..60)) {
        let text = pieces.concat();
        fuzz_config(text.as_bytes());
        let mut loader = Loader::sealed();
        loader.text("t", text.as_bytes(), true, 0, &mut Vec::new());
        places_are_inside(&loader.finish());
    }
}
