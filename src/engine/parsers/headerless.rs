//! `headerless.…` of pmrfc3164: where messages without a header go. A ruleset whose parsers look
//! for them is entered through rules of its own, which nobody wrote:
//!
//! ```text
//! if $bongsu-class == "headerless" then {
//!     action(type="omfile" file="headerless.errorfile" template="…")
//!     call headerless.ruleset
//!     stop
//! }
//! call RULESET
//! ```

use bstr::BString;

use crate::base::diag::Loc;
use crate::config::ast::BinaryOp;
use crate::config::ast::Block;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Param;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::ast::Value;
use crate::config::ast::Word;
use crate::config::param::Params;
use crate::message::Class;
use crate::parse::rfc3164::headerless::HeaderlessSettings;

/// The template of `headerless.errorfile`: the name begins with a space, as those of rsyslog do
/// that configurations hardly use.
pub(in crate::engine) const TEMPLATE: (&str, &[u8]) = (" Bongsu_Headerless", b"%rawmsg%\n");

/// Where the messages without a header of one parser go.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Route {
    /// `parser()`
    loc: Loc,
    /// `headerless.errorfile`, written before anything else.
    file: Option<Word>,
    /// `headerless.ruleset`, instead of the one that the input is bound to.
    pub(in crate::engine) ruleset: Option<Word>,
    /// `headerless.drop`: no rules see them.
    drop: bool,
}

/// How they are read, if `params` ask for it.
pub(super) fn settings(params: &Params) -> Option<HeaderlessSettings> {
    let bytes = |name| params.bytes(name).map(|text| text.as_slice().into());
    let usual = HeaderlessSettings::default();
    params.bool("detect.headerless")?.then(|| HeaderlessSettings {
        hostname: bytes("headerless.hostname"),
        tag: bytes("headerless.tag").unwrap_or(usual.tag),
    })
}

impl Route {
    /// `None` where they go the way of all others.
    pub(super) fn of(params: &Params) -> Option<Self> {
        let word = |name| {
            let text = params.str(name)?.to_owned();
            (!text.is_empty()).then(|| Word { text, loc: params.loc(name) })
        };
        let route = Self {
            loc: params.loc,
            file: word("headerless.errorfile"),
            ruleset: word("headerless.ruleset"),
            drop: params.bool("headerless.drop").unwrap_or(false),
        };
        let asked = params.bool("detect.headerless").unwrap_or(false);
        (asked && (route.file.is_some() || route.ruleset.is_some() || route.drop)).then_some(route)
    }

    pub(in crate::engine) const fn writes(&self) -> bool {
        self.file.is_some()
    }

    /// The rules by which the ruleset `entered` is entered.
    pub(in crate::engine) fn rules(&self, entered: &str) -> Block {
        let mut then = Block::new();
        if let Some(file) = &self.file {
            then.push(self.stmt(StmtKind::Object(self.action(file))));
        }
        if let (Some(ruleset), false) = (&self.ruleset, self.drop) {
            then.push(self.stmt(StmtKind::Call(ruleset.clone())));
        }
        if self.drop || self.ruleset.is_some() {
            then.push(self.stmt(StmtKind::Stop));
        }
        let entered = Word { text: entered.to_owned(), loc: self.loc };
        vec![
            self.stmt(StmtKind::If { cond: self.condition(), then, otherwise: Block::new() }),
            self.stmt(StmtKind::Call(entered)),
        ]
    }

    const fn stmt(&self, kind: StmtKind) -> Stmt {
        Stmt { loc: self.loc, kind }
    }

    fn condition(&self) -> Expr {
        let expr = |kind| Expr { loc: self.loc, kind };
        let class = ExprKind::Variable("bongsu-class".to_owned());
        let headerless = ExprKind::Str(BString::from(Class::Headerless.name()));
        expr(ExprKind::Binary {
            op: BinaryOp::Equal,
            left: Box::new(expr(class)),
            right: Box::new(expr(headerless)),
        })
    }

    fn action(&self, file: &Word) -> Object {
        let param = |name: &str, value: &str, value_loc| Param {
            name: Word { text: name.to_owned(), loc: self.loc },
            value: Value::Str(value.into()),
            value_loc,
        };
        Object {
            kind: ObjectKind::Action,
            loc: self.loc,
            params: vec![
                param("type", "omfile", self.loc),
                param("name", "headerless.errorfile", self.loc),
                param("file", &file.text, file.loc),
                param("template", TEMPLATE.0, self.loc),
            ],
            script: Block::new(),
            parts: Vec::new(),
            legacy: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use crate::config::parse_text;
    use crate::engine::Options;
    use crate::engine::Question;
    use crate::engine::compile;

    const RULES: &str = "ruleset(name=\"in\" parser=\"p\") { action(type=\"omfile\" file=\"/in\") }\n\
        ruleset(name=\"hdr\") { action(type=\"omfile\" file=\"/hdr\") }\n\
        module(load=\"imudp\")\ninput(type=\"imudp\" port=\"1\" ruleset=\"in\")\n";

    /// Where `message` goes if the parser has `params`, and how many complaints there are.
    fn goes(params: &str, message: &str) -> (String, usize) {
        let text = format!("parser(name=\"p\" type=\"pmrfc3164\" {params})\n{RULES}");
        let mut config = parse_text("test", text.as_bytes());
        let options = Options { hostname: "host".to_owned(), no_dns: true, ipv4: true, ipv6: true };
        let plan = compile(&mut config, &options);
        let question = Question { message: message.as_bytes().to_vec(), ..Question::default() };
        let answer = plan.explain(&config.sources, &question).expect("an input");
        assert_eq!(answer.ruleset, "in");
        let mut all = String::new();
        for output in &answer.outputs {
            write!(all, "{} ", output.target).expect("a string");
        }
        (all.trim_end().to_owned(), config.diagnostics.all.len())
    }

    /// Parameters of the parser, and where a message without a header goes. One with a header is
    /// never sent elsewhere.
    #[test]
    fn messages_without_a_header_go_where_they_should() {
        for (params, without, complaints) in [
            ("", "/in", 0),
            ("headerless.ruleset=\"hdr\" headerless.drop=\"on\"", "/in", 0),
            ("detect.headerless=\"on\"", "/in", 0),
            ("detect.headerless=\"on\" headerless.ruleset=\"hdr\"", "/hdr", 0),
            ("detect.headerless=\"on\" headerless.ruleset=\"HDR\"", "/hdr", 0),
            ("detect.headerless=\"on\" headerless.ruleset=\"in\"", "/in", 0),
            ("detect.headerless=\"on\" headerless.drop=\"on\"", "", 0),
            ("detect.headerless=\"on\" headerless.drop=\"on\" headerless.ruleset=\"hdr\"", "", 0),
            ("detect.headerless=\"on\" headerless.errorfile=\"/e\"", "/e /in", 0),
            (
                "detect.headerless=\"on\" headerless.errorfile=\"/e\" headerless.ruleset=\"hdr\"",
                "/e /hdr",
                0,
            ),
            (
                "detect.headerless=\"on\" headerless.errorfile=\"/e\" headerless.drop=\"on\"",
                "/e",
                0,
            ),
            ("detect.headerless=\"on\" headerless.ruleset=\"nobody\"", "/in", 1),
        ] {
            assert_eq!(goes(params, "no header"), (without.to_owned(), complaints), "{params}");
            let with = goes(params, "<13>Oct 11 22:14:15 host tag: normal");
            assert_eq!(with.0, "/in", "{params}");
        }
    }
}
