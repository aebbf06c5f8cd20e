//! What decides how messages are read has a case: each parser, each of its parameters, and each
//! switch of `global()`; and so has each parameter of omfile and of imptcp's unix sockets. (Of
//! templates `src/template/recorded.rs` looks after that, of modifiers `src/modifier/golden.rs`.)

use std::collections::BTreeSet;
use std::path::Path;

use bongsu::config::ast::Block;
use bongsu::config::ast::Object;
use bongsu::config::ast::ObjectKind;
use bongsu::config::ast::Stmt;
use bongsu::config::ast::StmtKind;
use bongsu::config::module::Availability;
use bongsu::config::module::Module;
use bongsu::config::module::Role;
use bongsu::config::param::Origin;
use bongsu::config::param::Spec;
use bongsu::config::param::Support;
use bongsu::config::parse_text;
use bongsu::engine::reference;
use bongsu::engine::registry;

use crate::oracle::case::Case;
use crate::support::source;

/// Modules that no case can have, and why.
const ELSEWHERE: [(&str, &str); 2] = [
    ("pmnull", "Debian does not package it; tests/it/parsers.rs has its documentation's example"),
    ("pmceelog", "Bongsu's own: tests/it/ceelog.rs"),
];

/// `global parser.…`, `pmciscoios present.xr`: what the cases' configurations give, in lower case.
fn given() -> BTreeSet<String> {
    let mut given = BTreeSet::new();
    for path in source::files("tests/oracle/cases", ".case") {
        let case = Case::read(Path::new(&path));
        for object in objects(parse_text("case", case.conf.as_bytes()).statements) {
            let Some(owner) = owner(&object) else { continue };
            given.insert(owner.clone());
            let names = object.params.iter().map(|param| param.name.text.to_lowercase());
            given.extend(names.map(|name| format!("{owner} {name}")));
        }
    }
    given
}

/// The objects of a block, and of blocks in it.
fn objects(block: Block) -> Vec<Object> {
    let within = |statement: Stmt| match statement.kind {
        StmtKind::Object(object) => vec![object],
        StmtKind::If { then, otherwise, .. } => [objects(then), objects(otherwise)].concat(),
        StmtKind::PriFilter { then, .. } | StmtKind::PropertyFilter { then, .. } => objects(then),
        _ => Vec::new(),
    };
    block.into_iter().flat_map(within).collect()
}

fn owner(object: &Object) -> Option<String> {
    match object.kind {
        ObjectKind::Global => Some("global".to_owned()),
        ObjectKind::Parser => object.text("type").map(|(name, _)| name.to_lowercase()),
        ObjectKind::Module => object.text("load").map(|(name, _)| name.to_lowercase()),
        ObjectKind::Action | ObjectKind::Input => {
            object.text("type").map(|(name, _)| name.to_lowercase())
        }
        ObjectKind::Timezone => Some("timezone".to_owned()),
        _ => None,
    }
}

/// The names that the oracle knows: not those of later versions, and our own; ignored ones do
/// nothing.
fn rows(tables: Vec<&'static [Spec]>) -> impl Iterator<Item = &'static str> {
    let known = |row: &&Spec| row.origin == Origin::Rsyslog && row.support == Support::Full;
    tables.into_iter().flatten().filter(known).map(|row| row.name)
}

#[test]
fn each_parameter_of_files_has_a_case() {
    let given = given();
    let module = registry::modules().find(|module| module.name == "omfile").unwrap();
    let of = |owner: &'static str, tables: &[&'static [Spec]]| {
        let named = move |name: &str| format!("{owner} {}", name.to_lowercase());
        rows(tables.to_vec()).map(named).collect::<Vec<_>>()
    };
    let all = [of("builtin:omfile", module.module), of("omfile", module.instance)].concat();
    let without: Vec<_> = all.iter().filter(|name| !given.contains(*name)).collect();
    assert!(all.len() >= 38, "{all:?}");
    assert!(without.is_empty(), "without a case: {without:?}");
}

#[test]
fn each_parameter_of_stream_sockets_has_a_case() {
    let given = given();
    let module = registry::modules().find(|module| module.name == "imptcp").unwrap();
    let of_sockets = |name: &&str| {
        name.starts_with("file") || ["path", "unlink", "failOnChOwnFailure"].contains(name)
    };
    let names: Vec<_> = rows(module.instance.to_vec()).filter(of_sockets).collect();
    let has_case = |name: &&&str| given.contains(&format!("imptcp {}", name.to_lowercase()));
    let without: Vec<_> = names.iter().filter(|name| !has_case(name)).collect();
    assert_eq!(names.len(), 8, "{names:?}");
    assert!(without.is_empty(), "without a case: {without:?}");
}

#[test]
fn whatever_reads_messages_has_a_case() {
    let given = given();
    let mut without = Vec::new();
    let mut need = |owner: &str, name: &str| {
        let wanted = format!("{owner} {name}").trim_end().to_lowercase();
        let elsewhere = ELSEWHERE.iter().any(|(known, _)| *known == owner);
        if !given.contains(&wanted) && !elsewhere {
            without.push(wanted);
        }
    };
    let mut parsers = 0;
    let runs = |module: &&Module| {
        module.role == Role::Parser && module.availability == Availability::Ready
    };
    for module in registry::modules().filter(runs) {
        parsers += 1;
        // It has no parameters, and is in each list.
        if module.name != "pmrfc5424" {
            need(module.name, "");
        }
        rows(module.instance.to_vec()).for_each(|name| need(module.name, name));
    }
    let reads = |name: &&str| {
        let lower = name.to_lowercase();
        ["parser.", "oversizemsg.", "maxmessagesize"].iter().any(|start| lower.starts_with(start))
    };
    let switches: Vec<_> = rows(reference::object(ObjectKind::Global)).filter(reads).collect();
    switches.iter().for_each(|name| need("global", name));
    rows(reference::object(ObjectKind::Timezone)).for_each(|name| need("timezone", name));
    assert!(parsers >= 7 && switches.len() >= 10, "{parsers} parsers, {switches:?}");
    assert!(without.is_empty(), "without a case: {without:?}");
}
