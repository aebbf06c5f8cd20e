//! Legacy lines and what they become.

use super::clean;
use super::complaints;
use super::whatever;
use crate::config::ast::StmtKind;
use crate::config::parse_text;
use crate::message::Pri;

/// The action of `*.* …`.
fn action(text: &str) -> String {
    let whole = clean(&format!("*.* {text}\n"));
    whole.trim_start_matches("pri[*.*] {Action(type=").trim_end_matches(")}").to_owned()
}

#[test]
fn actions() {
    assert_eq!(action("/var/log/x"), "omfile file=/var/log/x");
    assert_eq!(action("-/var/log/x ;T # y"), "omfile file=/var/log/x sync=off template=T");
    assert_eq!(action("?dyn;T"), "omfile dynaFile=dyn template=T");
    assert_eq!(action("-?dyn"), "omfile dynaFile=dyn sync=off");
    assert_eq!(action("./x"), "omfile file=./x");
    assert_eq!(action("|/dev/xconsole"), "ompipe pipe=/dev/xconsole");
    assert_eq!(action("^/bin/prog;T"), "omshell binary=/bin/prog template=T");
    assert_eq!(action(":omusrmsg:*"), "omusrmsg users=*");
    assert_eq!(action(":omusrmsg: root , op;T"), "omusrmsg users=root,op template=T");
    assert_eq!(action(":omfile:/x"), "omfile file=/x");
    assert_eq!(action(":omprog:;T"), "omprog template=T");
    assert_eq!(action(":omrelp:h:2514;T"), "omrelp target=h port=2514 template=T");
    assert_eq!(clean("*.* ~ # x\n"), "pri[*.*] {stop}");
    assert_eq!(clean("*.* stop"), "pri[*.*] {stop}");
}

#[test]
fn forwarding() {
    assert_eq!(action("@127.0.0.1"), "omfwd target=127.0.0.1 protocol=udp");
    assert_eq!(
        whatever("*.* @ host:10514"),
        "pri[*.*] {Action(type=omfwd target=host port=10514 protocol=udp)}"
    );
    assert_eq!(action("@@host:514;T"), "omfwd target=host port=514 protocol=tcp template=T");
    assert_eq!(action("@@[::1]:514 # x"), "omfwd target=::1 port=514 protocol=tcp");
    assert_eq!(
        action("@@(z9,o)h"),
        "omfwd ziplevel=9 TCP_Framing=octet-counted target=h protocol=tcp"
    );
    let config = parse_text("t", b"*.* @h:51a4\n*.* @h foo;T\n*.* @@(x)h\n*.* @h:514 foo\n");
    assert_eq!(
        complaints(&config),
        [
            "1:10: warning: 'a4' is not read",
            "2:8: warning: 'foo' is not read",
            "3:8: error: unknown forwarding option 'x'",
            "4:12: error: 'foo' stands behind the action",
        ]
    );
}

#[test]
fn selectors_filter() {
    let config = parse_text("t", b"mail.info;mail.!=notice /x\n");
    let StmtKind::PriFilter { filter, then, .. } = &config.statements[0].kind else {
        panic!("no selector")
    };
    assert!(filter.takes(Pri::new(2, 6)) && filter.takes(Pri::new(2, 0)));
    assert!(!filter.takes(Pri::new(2, 5)) && !filter.takes(Pri::new(2, 7)));
    assert!(!filter.takes(Pri::new(3, 0)));
    assert_eq!(then.len(), 1);
}

#[test]
fn filters_and_chains() {
    assert_eq!(
        clean("auth,authpriv.*\t/a\n& @h\n& stop\n"),
        "pri[auth,authpriv.*] {Action(type=omfile file=/a) Action(type=omfwd target=h protocol=udp) stop}"
    );
    assert_eq!(
        clean("*.=debug;\\\n  news.none /x"),
        "pri[*.=debug;news.none] {Action(type=omfile file=/x)}"
    );
    assert_eq!(clean(":msg, !contains, \"a\\\"b\" ~\n"), "prop[msg !Contains a\"b] {stop}");
    assert_eq!(clean("  :msg,isempty,\"\" { stop }"), "prop[msg IsEmpty ] {stop}");
    assert_eq!(
        clean("mail.*\n  cron.* /x"),
        "pri[mail.*] {pri[cron.*] {Action(type=omfile file=/x)}}"
    );
}

#[test]
fn templates() {
    assert_eq!(
        clean("$template T,\"%msg:R,ERE,0:a\"b--end%\\n\",sql\n"),
        "Template(name=T type=string string=%msg:R,ERE,0:a\"b--end%\\n option.sql=on)"
    );
}

#[test]
fn modules_take_directives_until_they_are_objects() {
    assert_eq!(
        clean(
            "$ModLoad imtcp.so\n$InputTCPMaxSessions 10k # x\n$InputTCPServerBindRuleset r\n$InputTCPServerRun 514\n$InputTCPServerRun 515\n"
        ),
        "Module(load=imtcp maxSessions=10240) Input(type=imtcp port=514 ruleset=r) Input(type=imtcp port=515 ruleset=r)"
    );
}

#[test]
fn listeners_take_what_was_set_before() {
    assert_eq!(
        clean("$ModLoad imudp\n$UDPServerAddress ::1\n$UDPServerRun 514\n$UDPServerRun 515\n"),
        "Module(load=imudp) Input(type=imudp port=514 address=::1) Input(type=imudp port=515 address=::1)"
    );
    assert_eq!(
        clean(
            "$ModLoad imfile\n$InputFileName /a\n$InputFileTag t:\n$InputFileSeverity info\n$InputRunFileMonitor\n$InputFileName /b\n$InputRunFileMonitor\n"
        ),
        "Module(load=imfile) Input(type=imfile file=/a tag=t: severity=info escapeLF=off addMetadata=off) Input(type=imfile file=/b escapeLF=off addMetadata=off)"
    );
    let config =
        parse_text("t", b"module(load=\"imtcp\")\n$InputTCPMaxSessions 5\n$UDPServerRun 1\n");
    assert_eq!(
        complaints(&config),
        [
            "2:1: error: $InputTCPMaxSessions is not read behind module(load=\"imtcp\")",
            "3:1: error: $UDPServerRun is for module 'imudp', which is not loaded",
        ]
    );
}

#[test]
fn action_directives_have_rsyslogs_scope() {
    // Queue parameters are for one action, file modes for all that follow.
    assert_eq!(
        clean(
            "$ActionQueueType LinkedList\n$ActionResumeRetryCount -1\n$FileCreateMode 0640\n*.* /a\n*.* /b\n"
        ),
        "pri[*.*] {Action(type=omfile file=/a queue.type=LinkedList action.resumeRetryCount=-1 fileCreateMode=0640)} \
         pri[*.*] {Action(type=omfile file=/b fileCreateMode=0640)}"
    );
    // action() is not touched by them, but spends what waits for the next action.
    assert_eq!(
        clean("$ActionQueueType LinkedList\naction(type=\"omfile\" file=\"/a\")\n*.* /b\n"),
        "Action(type=omfile file=/a) pri[*.*] {Action(type=omfile file=/b)}"
    );
    assert_eq!(
        clean("$ActionSendTCPRebindInterval 5\n*.* @h\n*.* @@h\n$ResetConfigVariables\n*.* @@h\n"),
        "pri[*.*] {Action(type=omfwd target=h protocol=udp)} \
         pri[*.*] {Action(type=omfwd target=h protocol=tcp rebindInterval=5)} \
         pri[*.*] {Action(type=omfwd target=h protocol=tcp)}"
    );
    assert_eq!(
        clean("$ActionFileDefaultTemplate T\n*.* /a;U\n*.* /b\n*.* @h\n"),
        "Module(load=builtin:omfile template=T) \
         pri[*.*] {Action(type=omfile file=/a template=U)} \
         pri[*.*] {Action(type=omfile file=/b template=T)} \
         pri[*.*] {Action(type=omfwd target=h protocol=udp)}"
    );
    assert_eq!(
        clean("$ActionFileEnableSync on\n*.* /a\n*.* -/b\n"),
        "pri[*.*] {Action(type=omfile file=/a sync=on)} \
         pri[*.*] {Action(type=omfile file=/b sync=off)}"
    );
}

#[test]
fn global_directives() {
    assert_eq!(
        clean("$WorkDirectory /x\n$umask 0022\n$PreserveFQDN on\n$MaxMessageSize 64k\n"),
        "Global(workDirectory=/x) Global(umask=0022) Global(preserveFQDN=on) Global(maxMessageSize=65536)"
    );
    assert_eq!(
        clean("$MainMsgQueueSize 10,000\n*.* /x\n$MainMsgQueueType LinkedList\n"),
        "MainQueue(queue.size=10000 queue.type=LinkedList) pri[*.*] {Action(type=omfile file=/x)}"
    );
}

#[test]
fn rulesets_collect_what_follows() {
    assert_eq!(
        clean(
            "$RuleSet r\n*.* /a\n$RulesetCreateMainQueue on\n$RulesetParser p\n$template T,\"x\"\n$RuleSet RSYSLOG_DefaultRuleset\n*.* /b\n$RuleSet r\nstop\n"
        ),
        "Ruleset(name=r queue.type=FixedArray parser=[p]){pri[*.*] {Action(type=omfile file=/a)} stop} \
         Template(name=T type=string string=x) pri[*.*] {Action(type=omfile file=/b)}"
    );
}

#[test]
fn output_channels() {
    assert_eq!(
        clean("$outchannel c, /x, 5000, /bin/rotate now\n*.* :omfile:$c;T\n"),
        "pri[*.*] {Action(type=omfile template=T file=/x rotation.sizeLimit=5000 rotation.sizeLimitCommand=/bin/rotate now)}"
    );
    assert_eq!(whatever("*.* :omfile:$c\n"), "pri[*.*] {}");
}

#[test]
fn directives_inside_of_blocks_belong_to_the_top() {
    assert_eq!(
        clean("ruleset(name=\"r\") {\n$template T,\"x\"\n$FileOwner root\n*.* /a\n}\n"),
        "Template(name=T type=string string=x) \
         Ruleset(name=r){pri[*.*] {Action(type=omfile file=/a fileOwner=root)}}"
    );
}

#[test]
fn directives_do_not_break_a_statement() {
    assert_eq!(
        clean("*.* @a\n$ActionExecOnlyWhenPreviousIsSuspended on # x\n& @b\n"),
        "pri[*.*] {Action(type=omfwd target=a protocol=udp) \
         Action(type=omfwd target=b protocol=udp action.execOnlyWhenPreviousIsSuspended=on)}"
    );
    assert_eq!(
        clean("if $a then\n$ActionQueueType Direct\n/x\n$Umask 0022\nelse stop\n"),
        "Global(umask=0022) if $a {Action(type=omfile file=/x queue.type=Direct)} else {stop}"
    );
    // What comes behind a statement stays behind it.
    assert_eq!(
        clean("*.* /x\n$WorkDirectory /y\nstop"),
        "pri[*.*] {Action(type=omfile file=/x)} Global(workDirectory=/y) stop"
    );
}
