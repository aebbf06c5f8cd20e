//! Random syntax trees, within what text can say.

use bstr::BString;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::Just;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prop_oneof;
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;

use crate::base::diag::Loc;
use crate::config::ast::BinaryOp;
use crate::config::ast::Block;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::ast::FilterOperation;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Param;
use crate::config::ast::PropertyFilter;
use crate::config::ast::Stmt;
use crate::config::ast::StmtKind;
use crate::config::ast::Value;
use crate::config::ast::Word;
use crate::config::selector;

const LOC: Loc = Loc { file: 0, start: 0, end: 0 };

const OPERATORS: [BinaryOp; 19] = [
    BinaryOp::Or,
    BinaryOp::And,
    BinaryOp::Equal,
    BinaryOp::NotEqual,
    BinaryOp::Less,
    BinaryOp::LessEqual,
    BinaryOp::Greater,
    BinaryOp::GreaterEqual,
    BinaryOp::Contains,
    BinaryOp::ContainsI,
    BinaryOp::StartsWith,
    BinaryOp::StartsWithI,
    BinaryOp::EndsWith,
    BinaryOp::Add,
    BinaryOp::Subtract,
    BinaryOp::Concat,
    BinaryOp::Multiply,
    BinaryOp::Divide,
    BinaryOp::Modulo,
];

const OPERATIONS: [FilterOperation; 9] = [
    FilterOperation::Contains,
    FilterOperation::ContainsI,
    FilterOperation::IsEqual,
    FilterOperation::IsEmpty,
    FilterOperation::StartsWith,
    FilterOperation::StartsWithI,
    FilterOperation::EndsWith,
    FilterOperation::Regex,
    FilterOperation::Ereregex,
];

const SELECTORS: [&str; 6] =
    ["*.*", "mail.info", "*.=debug;auth,authpriv.none", "local0.!3", "kern.*;.!err", "cron,.warn"];

const DECLARED: [ObjectKind; 12] = [
    ObjectKind::DynStats,
    ObjectKind::Global,
    ObjectKind::Input,
    ObjectKind::LookupTable,
    ObjectKind::MainQueue,
    ObjectKind::Module,
    ObjectKind::Parser,
    ObjectKind::PerctileStats,
    ObjectKind::Ratelimit,
    ObjectKind::Ruleset,
    ObjectKind::Template,
    ObjectKind::Timezone,
];

/// Any bytes, and often those that are special somewhere.
fn bytes() -> impl Strategy<Value = BString> {
    let special = select(b"\"'\\$`%&{}()#:\n\r\t \0n0x71/*".as_slice());
    let byte = prop_oneof![3 => special, 2 => b'a'..=b'z', 1 => any::<u8>()];
    let character = prop_oneof![Just("한"), Just("\u{fffd}"), Just("\u{85}"), Just("\u{2028}")];
    prop_oneof![
        4 => vec(byte, 0..12).prop_map(BString::from),
        1 => character.prop_map(BString::from),
        1 => "[a-z]{60,120}".prop_map(BString::from),
    ]
}

/// What YAML can hold.
pub(super) fn utf8() -> impl Strategy<Value = BString> {
    bytes().prop_map(|bytes| BString::from(bytes.to_string()))
}

fn word(pattern: &'static str) -> impl Strategy<Value = Word> {
    pattern.prop_map(|text| Word { text, loc: LOC })
}

fn variable() -> impl Strategy<Value = String> {
    "[!./][a-z]{1,4}(![a-z]{1,3}){0,2}"
}

fn expr() -> BoxedStrategy<Expr> {
    let leaf = prop_oneof![
        (0..=i64::MAX).prop_map(ExprKind::Number),
        bytes().prop_map(ExprKind::Str),
        vec(bytes(), 1..4).prop_map(ExprKind::Array),
        variable().prop_map(ExprKind::Variable),
        "[a-z]{1,8}".prop_map(ExprKind::Variable),
    ];
    let leaf = leaf.prop_map(|kind| Expr { loc: LOC, kind }).boxed();
    leaf.prop_recursive(6, 40, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new).boxed();
        let kind = prop_oneof![
            (word("[a-z][a-z_0-9]{0,8}f"), vec(inner, 0..3))
                .prop_map(|(name, args)| ExprKind::Call { name, args }),
            boxed.clone().prop_map(ExprKind::Not),
            boxed.clone().prop_map(ExprKind::Negate),
            (select(&OPERATORS[..]), boxed.clone(), boxed)
                .prop_map(|(op, left, right)| ExprKind::Binary { op, left, right }),
        ];
        kind.prop_map(|kind| Expr { loc: LOC, kind })
    })
    .boxed()
}

fn params(names: &'static str) -> impl Strategy<Value = Vec<Param>> {
    let value = prop_oneof![
        4 => utf8().prop_map(Value::Str),
        1 => vec(utf8(), 1..5).prop_map(Value::Array),
    ];
    let param =
        (word(names), value).prop_map(|(name, value)| Param { name, value, value_loc: LOC });
    vec(param, 0..5).prop_map(|mut params| {
        params.sort_by_key(|param: &Param| param.name.text.to_ascii_lowercase());
        params.dedup_by_key(|param: &mut Param| param.name.text.to_ascii_lowercase());
        params
    })
}

/// The parameter that an item of its kind must have in YAML stands first.
fn object(kind: ObjectKind, first: BString, mut params: Vec<Param>) -> Object {
    let needed = match kind {
        ObjectKind::Module => "load",
        ObjectKind::Action | ObjectKind::Input => "type",
        ObjectKind::Timezone => "id",
        ObjectKind::Constant => "value",
        _ => "name",
    };
    match kind {
        ObjectKind::Global => {}
        ObjectKind::MainQueue => {
            params.iter_mut().for_each(|param| param.name.text.insert_str(0, "queue."));
        }
        _ => {
            let name = Word { text: needed.to_owned(), loc: LOC };
            params.insert(0, Param { name, value: Value::Str(first), value_loc: LOC });
        }
    }
    Object { kind, loc: LOC, params, script: Vec::new(), parts: Vec::new(), legacy: false }
}

fn action() -> impl Strategy<Value = StmtKind> {
    (utf8(), params("[b-z][a-z_]{0,8}x(\\.[a-z]{1,4})?"))
        .prop_map(|(kind, params)| StmtKind::Object(object(ObjectKind::Action, kind, params)))
}

fn property_filter() -> impl Strategy<Value = PropertyFilter> {
    let operation = select(&OPERATIONS[..]);
    (word("\\$?[a-z-]{1,8}"), any::<bool>(), operation, "([a-z\" %{}é]|[a-z]\\\\[a-z])*").prop_map(
        |(property, negated, operation, value)| PropertyFilter {
            property,
            negated,
            operation,
            value: value.into(),
        },
    )
}

fn block(inner: BoxedStrategy<Stmt>) -> impl Strategy<Value = Block> {
    vec(inner, 1..4)
}

/// A statement; the table that is reloaded has `stub` as its second argument.
fn statement() -> BoxedStrategy<Stmt> {
    let leaf = prop_oneof![
        4 => action(),
        1 => word("[a-z][a-z_.-]{1,8}").prop_map(StmtKind::Call),
        1 => expr().prop_map(StmtKind::CallIndirect),
        2 => (variable(), expr(), any::<bool>()).prop_map(|(text, value, reset)| StmtKind::Set {
            variable: Word { text, loc: LOC },
            value,
            reset,
        }),
        1 => variable().prop_map(|text| StmtKind::Unset(Word { text, loc: LOC })),
        1 => (word("[a-z '\"$]{0,8}"), option::of(word("[a-z '\"$]{0,8}"))).prop_map(|(table, stub)| {
            let stub = stub.map(|word| Expr { loc: LOC, kind: ExprKind::Str(word.text.into()) });
            StmtKind::ReloadLookupTable { table, stub }
        }),
        1 => Just(StmtKind::Stop),
        1 => Just(StmtKind::Continue),
    ];
    let leaf = leaf.prop_map(|kind| Stmt { loc: LOC, kind }).boxed();
    leaf.prop_recursive(4, 30, 4, |inner| {
        let inner = inner.boxed();
        let kind = prop_oneof![
            (expr(), block(inner.clone()), vec(inner.clone(), 0..3))
                .prop_map(|(cond, then, otherwise)| StmtKind::If { cond, then, otherwise }),
            (select(&SELECTORS[..]), block(inner.clone())).prop_map(|(text, then)| {
                let (filter, _) = selector::parse(text);
                StmtKind::PriFilter { filter, text: text.to_owned(), then }
            }),
            (property_filter(), block(inner.clone()))
                .prop_map(|(filter, then)| StmtKind::PropertyFilter { filter, then }),
            (variable(), expr(), block(inner)).prop_map(|(text, collection, body)| {
                StmtKind::Foreach { variable: Word { text, loc: LOC }, collection, body }
            }),
        ];
        kind.prop_map(|kind| Stmt { loc: LOC, kind })
    })
    .boxed()
}

fn part() -> impl Strategy<Value = Object> {
    let kind = select(&[ObjectKind::Constant, ObjectKind::Property][..]);
    let params = params("[a-z]{1,8}x(\\.[a-z]{1,4})?");
    (kind, utf8(), params).prop_map(|(kind, first, params)| object(kind, first, params))
}

fn declaration() -> impl Strategy<Value = Stmt> {
    let params = params("[A-Za-z]{1,8}x(\\.[a-z]{1,4})?");
    let kind = select(&DECLARED[..]);
    (kind, utf8(), params, vec(statement(), 0..4), vec(part(), 1..3)).prop_map(
        |(kind, first, params, script, parts)| {
            let mut object = object(kind, first, params);
            match kind {
                ObjectKind::Ruleset => object.script = script,
                ObjectKind::Template => object.parts = parts,
                _ => {}
            }
            Stmt { loc: LOC, kind: StmtKind::Object(object) }
        },
    )
}

/// The top level of a configuration.
pub(super) fn configuration() -> impl Strategy<Value = Block> {
    vec(prop_oneof![declaration(), statement()], 0..6)
}
