//! What is printed reads as what was printed, whatever it is.

use proptest::prelude::*;

use super::*;
use crate::base::diag::Severity;
use crate::config::ast::ObjectKind;
use crate::config::ast::StmtKind;
use crate::config::parse_text;

fn printed(text: &str) -> String {
    let config = parse_text("t", text.as_bytes());
    let made = rainerscript(&config.statements).unwrap();
    String::from_utf8(made).unwrap()
}

/// Printing `text` gives `expected`, which is printed as itself.
fn becomes(text: &str, expected: &str) {
    let expected = format!("{HEADER}\n{expected}");
    assert_eq!(printed(text), expected);
    assert_eq!(printed(&expected), expected);
}

#[test]
fn legacy_lines_become_modern() {
    becomes(
        "$ModLoad imtcp\n$InputTCPServerRun 514\n$template T,\"\\\"%msg%\\n\",json\n\
         mail.*;auth.none -/var/log/mail;T\n& @@(z9)h:5\n:msg, !contains, \"a\\\"b\\\\\" ~\n\
         kern.* ^/bin/x;T\n*.emerg :omusrmsg:root,me\n",
        "module(load=\"imtcp\")\n\ninput(type=\"imtcp\" port=\"514\")\n\n\
         template(name=\"T\" type=\"string\" string=\"\\\"%msg%\\n\" option.json=\"on\")\n\n\
         mail.*;auth.none {\n    \
             action(type=\"omfile\" file=\"/var/log/mail\" sync=\"off\" template=\"T\")\n    \
             action(type=\"omfwd\" ziplevel=\"9\" target=\"h\" port=\"5\" protocol=\"tcp\")\n}\n\n\
         :msg, !contains, \"a\\\"b\\\\\" {\n    stop\n}\n\n\
         kern.* {\n    ^/bin/x;T\n}\n\n\
         *.emerg {\n    action(type=\"omusrmsg\" users=[\"root\", \"me\"])\n}\n",
    );
}

proptest! {
    #[test]
    fn random_trees_come_back(statements in random::configuration()) {
        let text = rainerscript(&statements).map_err(|diags| {
            TestCaseError::fail(format!("{:?}", diags.all.first().map(|d| &d.message)))
        })?;
        let config = parse_text("t", &text);
        let read = without_places(config.statements);
        prop_assert_eq!(&read, &statements, "{}", String::from_utf8_lossy(&text));
        prop_assert_eq!(rainerscript(&read).ok(), Some(text));
    }

    #[test]
    fn random_trees_come_back_from_yaml(mut statements in random::configuration()) {
        let mut queues = 0;
        statements.retain(|statement| match &statement.kind {
            StmtKind::Object(object) if object.kind == ObjectKind::MainQueue => {
                queues += 1;
                queues == 1 && !object.params.is_empty()
            }
            _ => true,
        });
        let text = yaml(&statements).map_err(|diags| {
            TestCaseError::fail(format!("{:?}", diags.all.first().map(|d| &d.message)))
        })?;
        let config = parse_text("t.yaml", &text);
        prop_assert!(config.diagnostics.all.iter().all(|d| d.severity < Severity::Error));
        prop_assert_eq!(yaml(&config.statements).ok(), Some(text));
    }
}
