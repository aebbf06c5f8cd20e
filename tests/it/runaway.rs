//! Scripts that would never end, or not in time: bounded, said, and the relay goes on.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::free_port;
use crate::support::process::BONGSU;
use crate::support::process::start;
use crate::support::tcp_listens;
use crate::support::wait_for;

const SOON: Duration = Duration::from_secs(60);

/// Runs `rules` over two messages with `payload`; both must come out behind them. Gives what the
/// relay said.
fn survives(rules: &str, payload: &str) -> String {
    let dir = TempDir::new().unwrap();
    let port = free_port();
    let file = dir.path().join("out.log");
    let config = format!(
        "global(maxMessageSize=\"1m\")\n\
         module(load=\"imtcp\" maxFrameSize=\"1000000\")\n\
         module(load=\"mmjsonparse\")\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\" ruleset=\"main\")\n\
         template(name=\"t\" type=\"string\" string=\"%hostname%\\n\")\n\
         {rules}\naction(type=\"omfile\" file=\"{}\" template=\"t\") }}\n",
        file.display()
    );
    let daemon = start(BONGSU, dir.path(), &config, &[]);
    assert!(wait_for(SOON, || tcp_listens(port)), "nothing listens: {}", daemon.stop().stderr);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let line = format!("<13>Oct 11 22:14:15 web app: {payload}\n");
    stream.write_all(line.repeat(2).as_bytes()).unwrap();
    let lines = || fs::read_to_string(&file).unwrap_or_default().lines().count();
    let through = wait_for(SOON, || lines() == 2);
    let ended = daemon.stop();
    assert!(through, "{} lines; {}", lines(), ended.stderr);
    ended.stderr
}

#[test]
fn rulesets_that_call_each_other_for_ever() {
    let rules = "ruleset(name=\"a\") { call_indirect \"b\"; call_indirect \"b\"; }\n\
                 ruleset(name=\"b\") { call_indirect \"a\"; set $.n = $.n + 1; }\n\
                 ruleset(name=\"main\") { call_indirect \"a\";";
    let said = survives(rules, "x");
    assert_eq!(said.matches("more than 64 calls deep").count(), 1, "{said}");
    let rules = "ruleset(name=\"q\" queue.type=\"LinkedList\") { call_indirect \"q\"; }\n\
                 ruleset(name=\"main\") { call_indirect \"q\";";
    assert!(survives(rules, "x").contains("more than 64 calls deep"));
}

#[test]
fn an_expression_that_explodes() {
    let rules = "ruleset(name=\"main\") {\n\
                 if re_match($msg, \"(a*)(a*)(a*)\\\\1\\\\2\\\\3\\\\1\\\\2\\\\3b\") then stop";
    let said = survives(rules, &format!("{}xb", "a".repeat(3000)));
    let account = r"(?m)^  [1-9]\d* searches by regular expressions took too long";
    assert!(regex::Regex::new(account).unwrap().is_match(&said), "{said}");
    assert!(said.contains("in 2: to actions 2; out 2: delivered 2"), "{said}");
}

#[test]
fn loops_in_loops_over_a_large_array() {
    let rules = "ruleset(name=\"main\") { action(type=\"mmjsonparse\")\n\
                 foreach ($.a in $!x) do { foreach ($.b in $!x) do { foreach ($.c in $!x) do {\n\
                 set $.n = $.n + 1; } } }";
    let array = format!("@cee: {{\"x\":[{}1]}}", "1,".repeat(2_000));
    let said = survives(rules, &array);
    assert_eq!(said.matches("more than 1000000 rounds").count(), 1, "{said}");
}

#[test]
fn texts_that_double_with_each_element() {
    let rules = "ruleset(name=\"main\") { action(type=\"mmjsonparse\")\n\
                 set $.text = \"ab\";\n\
                 foreach ($.a in $!x) do { set $.text = $.text & $.text; }\n\
                 if strlen($.text) > 67108864 then stop\n\
                 set $.text = strlen(replace($.text, \"a\", $msg));\n\
                 if $.text > 67108864 then stop";
    survives(rules, &format!("@cee: {{\"x\":[{}1]}}", "1,".repeat(40)));
}
