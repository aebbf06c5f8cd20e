//! Answers for programs: one JSON object.

use serde_json::Value;
use serde_json::json;

use crate::cli::help::Place;
use crate::cli::help::Topic;
use crate::cli::help::statements::STATEMENTS;
use crate::cli::help::statements::Statement;
use crate::config::directives::Directive;
use crate::config::directives::Meaning;
use crate::config::directives::Parameter;
use crate::config::manual;
use crate::config::module::Availability;
use crate::config::param::Need;
use crate::config::param::Origin;
use crate::config::param::Spec;
use crate::config::param::Support;
use crate::engine::reference;
use crate::engine::reference::Section;
use crate::engine::reference::Subject;
use crate::rules::functions::FUNCTIONS;
use crate::rules::functions::Function;

pub(super) fn topic(topic: &Topic) -> String {
    let value = match topic {
        Topic::Overview => overview(),
        Topic::Subject(subject) => subject_whole(*subject),
        Topic::Parameter(places) => json!({
            "kind": "parameter",
            "places": places.iter().map(place).collect::<Vec<_>>(),
        }),
        Topic::Directive(directive, at) => directive_whole(directive, at.as_ref()),
        Topic::Functions => json!({ "kind": "functions", "functions": functions() }),
        Topic::Function(function) => function_brief(function),
        Topic::Statements => json!({ "kind": "statements", "statements": statements() }),
        Topic::Statement(statement) => statement_whole(statement),
    };
    format!("{value:#}\n")
}

fn overview() -> Value {
    json!({
        "kind": "overview",
        "subjects": reference::subjects().map(subject_brief).collect::<Vec<_>>(),
        "functions": functions(),
        "statements": statements(),
        "directives": crate::config::directives::all()
            .map(|directive| format!("${}", directive.name))
            .collect::<Vec<_>>(),
    })
}

fn functions() -> Vec<Value> {
    FUNCTIONS.iter().map(function_brief).collect()
}

fn statements() -> Vec<Value> {
    STATEMENTS.iter().map(statement_whole).collect()
}

fn statement_whole(Statement { name, usage, doc, page }: &Statement) -> Value {
    json!({ "kind": "statement", "name": name, "usage": usage, "doc": doc, "page": page })
}

fn function_brief(function: &Function) -> Value {
    json!({
        "kind": "function",
        "name": function.name,
        "usage": function.usage(),
        "doc": function.doc,
        "module": (!function.module.is_empty()).then_some(function.module),
        "page": function.manual_page(),
        "unbuilt": !function.built,
    })
}

fn subject_brief(subject: Subject) -> Value {
    let mut value = json!({
        "kind": match subject {
            Subject::Module(_) => "module",
            Subject::Object(_) => "object",
            Subject::Queue => "parameters",
        },
        "name": subject.name(),
        "group": subject.group(),
        "doc": subject.doc(),
        "page": subject.page(),
    });
    if let Subject::Module(module) = subject {
        let (availability, note) = match module.availability {
            Availability::Ready => ("ready", None),
            Availability::Later(meanwhile) => ("later", Some(meanwhile)),
            Availability::Absent(instead) => ("absent", Some(instead)),
        };
        value["availability"] = availability.into();
        value["note"] = note.into();
    }
    value
}

fn subject_whole(subject: Subject) -> Value {
    let mut value = subject_brief(subject);
    let sections = subject.sections().into_iter();
    value["sections"] = sections
        .map(|Section { heading, specs, also }| {
            let parameters: Vec<_> = specs.into_iter().map(spec).collect();
            json!({ "written": heading, "parameters": parameters, "also": also })
        })
        .collect();
    value
}

fn spec(spec: &Spec) -> Value {
    let (support, note) = match spec.support {
        Support::Full => ("full", None),
        Support::Ignored(instead) => ("ignored", Some(instead)),
        Support::Later(meanwhile) => ("later", Some(meanwhile)),
        Support::Meanwhile(instead) => ("meanwhile", Some(instead)),
        Support::Unsupported(why) => ("refused", Some(why)),
    };
    json!({
        "name": spec.name,
        "type": spec.kind.label(),
        "default": (!spec.default.is_empty()).then_some(spec.default),
        "doc": spec.doc,
        "aliases": spec.aliases,
        "required": spec.need != Need::Optional,
        "since": match spec.origin {
            Origin::Since(version) => Some(version),
            Origin::Rsyslog | Origin::Own => None,
        },
        "own": spec.origin == Origin::Own,
        "deprecated": spec.deprecated,
        "support": support,
        "note": note,
    })
}

fn place(Place { subject, heading, spec: row }: &Place) -> Value {
    json!({
        "subject": subject.name(),
        "written": heading,
        "parameter": spec(row),
        "term": manual::parameter(&subject.page(), row.name),
    })
}

fn directive_whole(directive: &Directive, at: Option<&Place>) -> Value {
    let Directive { name, takes, meaning, term } = directive;
    let mut value =
        json!({ "kind": "directive", "name": format!("${name}"), "takes": takes, "term": term });
    match meaning {
        Meaning::Parameter(Parameter { written, scope, .. }) => {
            value["written"] = written.as_str().into();
            value["scope"] = (*scope).into();
        }
        Meaning::Form(form) => value["written"] = (*form).into(),
        Meaning::Ignored(instead) => value["ignored"] = (*instead).into(),
        Meaning::Refused(instead) => value["refused"] = (*instead).into(),
    }
    value["place"] = at.map(place).into();
    value
}
