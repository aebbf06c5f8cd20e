//! What a check says of a configuration as a whole: each of rsyslogd's own checks beyond the
//! grammar, by its outcome. And what becomes of it.

use crate::base::diag::Severity;
use crate::engine::Options;
use crate::engine::compile;
use crate::net::Family;
use crate::output::OutputSpec;

/// The errors in `text`, which has an action behind it.
fn errors(text: &str) -> Vec<String> {
    alone(&format!("{text}\naction(type=\"omfile\" file=\"/var/log/all\")\n"))
}

/// The errors in `text` as it is.
fn alone(text: &str) -> Vec<String> {
    let mut config = crate::config::parse_text("test", text.as_bytes());
    let options = Options { hostname: "host".to_owned(), no_dns: false, ipv4: false, ipv6: false };
    compile(&mut config, &options);
    let all = config.diagnostics.all.into_iter();
    all.filter(|d| d.severity == Severity::Error).map(|d| d.message).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn something_must_be_written() {
    let nothing = ["there are no active actions configured: nothing would be written"];
    assert_eq!(alone(""), nothing);
    assert_eq!(alone("*.* stop\n"), nothing);
    // A tilde is an action; and one in a ruleset counts, called or not.
    assert_eq!(alone("*.* ~\n"), NONE);
    assert_eq!(alone("ruleset(name=\"rs\") {\n*.* ~\n}\n"), NONE);
    assert_eq!(alone("ruleset(name=\"rs\") { action(type=\"omfile\" file=\"/x\") }"), NONE);
    assert_eq!(alone("global(umask=\"0022\")\n"), nothing);
    // What is wrong with the only action is enough.
    assert_eq!(alone("action(type=\"omfile\")").len(), 1);
}

#[test]
fn modules_stand_before_what_uses_them() {
    let input = "input(type=\"imudp\" port=\"1514\")\n";
    let module = "module(load=\"imudp\")\n";
    assert_eq!(errors(&[module, input].concat()), NONE);
    let behind = errors(&[input, module].concat());
    assert_eq!(behind[0], "module 'imudp' is loaded behind it");
    assert_eq!(errors(input), ["module 'imudp' is not loaded"]);
    let action = "action(type=\"omprog\" binary=\"/bin/cat\")";
    assert_eq!(errors(action), ["module 'omprog' is not loaded"]);
    assert_eq!(errors(&format!("module(load=\"omprog\")\n{action}")), NONE);
}

#[test]
fn modules_are_loaded_once_by_their_names() {
    let input = "input(type=\"imudp\" port=\"1514\")\n";
    for twice in [
        "module(load=\"imudp\")\nmodule(load=\"imudp\")\n",
        "$ModLoad imudp\nmodule(load=\"imudp.so\")\n",
    ] {
        let text = "module 'imudp' is loaded already";
        assert_eq!(errors(&[twice, input].concat()), [text]);
    }
    let directives = "$ActionFileDefaultTemplate RSYSLOG_FileFormat\n";
    assert_eq!(errors(&directives.repeat(2)), NONE);
    assert_eq!(errors("module(load=\"builtin:omfile\")"), NONE);
    let built_in = "module 'omfwd' is built in: there is nothing to load";
    assert_eq!(errors("module(load=\"omfwd\")"), [built_in]);
    assert_eq!(errors("module(load=\"IMMARK\")"), ["module 'IMMARK' not known"]);
}

#[test]
fn types_are_plain_names_in_any_case() {
    assert_eq!(errors("action(type=\"OmFile\" file=\"/x\")"), NONE);
    for name in ["builtin:omfile", "omfile.so"] {
        let found = errors(&format!("action(type=\"{name}\" file=\"/x\")"));
        assert_eq!(found, [format!("output module '{name}' not known")]);
    }
}

#[test]
fn listeners_have_inputs() {
    for name in ["imudp", "imtcp"] {
        let text = format!("{name} is loaded, and no input uses it: nothing is received");
        assert_eq!(errors(&format!("module(load=\"{name}\")")), [text]);
    }
    assert_eq!(errors("module(load=\"imptcp\")"), NONE);
    assert_eq!(errors("module(load=\"immark\")"), NONE);
    let mark = errors("module(load=\"immark\")\ninput(type=\"immark\")");
    assert_eq!(mark, ["'immark' takes no input(): module() alone makes it receive"]);
    let imfile = "module(load=\"imfile\")\ninput(type=\"imfile\" file=\"/x\" tag=\"x\")\n";
    let nowhere = errors(imfile);
    assert!(nowhere.iter().any(|text| text.starts_with("imfile has no work directory")));
    let somewhere = errors(&format!("global(workDirectory=\"/\")\n{imfile}"));
    assert!(!somewhere.iter().any(|text| text.starts_with("imfile has no")), "{somewhere:?}");
}

#[test]
fn work_directories_are_directories() {
    assert_eq!(errors("$WorkDirectory /\n"), NONE);
    let missing = "cannot be used: No such file or directory";
    assert_eq!(
        errors("$WorkDirectory /no/such\n"),
        [format!("'workDirectory': '/no/such' {missing}")]
    );
    assert_eq!(errors("global(workDirectory=\"\")"), [format!("'workDirectory': '' {missing}")]);
    let file = errors("$WorkDirectory /dev/null\n");
    assert_eq!(file, ["'workDirectory': '/dev/null' is no directory"]);
}

#[test]
fn accounts_to_become_are_known() {
    assert_eq!(errors("$PrivDropToUser root\n$PrivDropToGroup root\n"), NONE);
    let user = "no user 'no-such-user' in /etc/passwd or /etc/group";
    assert_eq!(errors("$PrivDropToUser no-such-user\n"), [user]);
    assert_eq!(errors("global(privdrop.group.name=\"no-such-group\")").len(), 1);
}

#[test]
fn certificates_are_there() {
    let given = "global(defaultNetstreamDriverCAFile=\"/no/such\")\n";
    let text = "'defaultNetstreamDriverCAFile': cannot read '/no/such': No such file or directory";
    assert_eq!(errors(given), [text]);
    assert_eq!(errors("global(defaultNetstreamDriverCAFile=\"/dev/null\")"), NONE);
}

#[test]
fn templates_stand_before_their_actions() {
    let template = "template(name=\"t\" type=\"string\" string=\"%msg%\\n\")\n";
    let action = "action(type=\"omfile\" file=\"/x\" template=\"t\")\n";
    assert_eq!(alone(&[template, action].concat()), NONE);
    let text = "template 't' is defined behind it: the action is left out";
    assert_eq!(alone(&[action, template].concat()), [text]);
    let ruleset = format!("ruleset(name=\"rs\") {{ {action} }}\n");
    assert_eq!(alone(&[&ruleset, template].concat()), [text]);
    // A default must be there when the action is, not when it is set.
    let default = "$ActionFileDefaultTemplate t\n";
    assert_eq!(alone(&[default, template, "*.* /x\n"].concat()), NONE);
    assert_eq!(alone(&[default, "*.* /x\n", template].concat()), [text]);
    // So it is with actions that do not run yet.
    let unbuilt = "action(type=\"omshell\" binary=\"/bin/true\" template=\"t\")\n";
    assert_eq!(alone(&[template, unbuilt].concat()), NONE);
    assert_eq!(alone(&[unbuilt, template].concat()), [text]);
}

#[test]
fn objects_that_there_can_be_one_of() {
    let queue = "main_queue(queue.size=\"1000\")\n";
    assert_eq!(errors(queue), NONE);
    assert_eq!(
        errors(&queue.repeat(2)),
        ["main_queue() stands a second time: the first one counts"]
    );
    let default = "ruleset(name=\"RSYSLOG_DefaultRuleset\") { stop }";
    assert_eq!(
        errors(default),
        ["ruleset 'RSYSLOG_DefaultRuleset' is there already: what stands in no ruleset"]
    );
    assert_eq!(errors("ruleset() { stop }"), ["parameter 'name' must be given"]);
    assert_eq!(errors("$DefaultRuleset nowhere\n"), NONE);
}

/// A longer message than the default must not be cut on its way out, wherever `global()` is.
#[test]
fn outputs_know_the_global_settings() {
    let text = b"action(type=\"omfwd\" target=\"h\")\nglobal(maxMessageSize=\"64k\")\n";
    let mut config = crate::config::parse_text("test", text);
    let options =
        Options { hostname: "host.example".to_owned(), no_dns: false, ipv4: true, ipv6: false };
    let plan = compile(&mut config, &options);
    assert!(!config.diagnostics.has_errors());
    let OutputSpec::Forward(forward) = &plan.actions[0].spec else { panic!("no forward") };
    assert_eq!(forward.framing.max_bytes, 64 << 10);
    assert_eq!(forward.dial.family, Family::V4);
    assert_eq!(&*plan.hostname, "host");
}

/// An input that cannot do what was asked for is none: not plain instead of TLS.
#[test]
fn inputs_with_refused_parameters_are_left_out() {
    let options = Options { hostname: "host".to_owned(), no_dns: false, ipv4: true, ipv6: true };
    for (left_out, text) in [
        (false, "module(load=\"imtcp\")\ninput(type=\"imtcp\" port=\"1\")"),
        (true, "module(load=\"imtcp\" streamDriver.mode=\"1\")\ninput(type=\"imtcp\" port=\"1\")"),
        (true, "module(load=\"imtcp\")\ninput(type=\"imtcp\" port=\"1\" permittedPeer=\"a\")"),
        (false, "module(load=\"imptcp\")\ninput(type=\"imptcp\" path=\"/run/s\")"),
        (true, "module(load=\"imptcp\")\ninput(type=\"imptcp\" path=\"\")"),
        (true, "module(load=\"improg\")\ninput(type=\"improg\" binary=\" \" tag=\"t\")"),
        (true, "module(load=\"imudp\")\ninput(type=\"imudp\" name=\"x\")"),
    ] {
        let text = format!("{text}\naction(type=\"omfile\" file=\"/dev/null\")\n");
        let mut config = crate::config::parse_text("test", text.as_bytes());
        let plan = compile(&mut config, &options);
        assert_eq!(plan.inputs.is_empty(), left_out, "{text}");
        assert_eq!(config.diagnostics.all.is_empty(), !left_out, "{text}");
    }
}
