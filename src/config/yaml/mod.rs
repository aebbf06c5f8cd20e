//! rsyslog's own YAML schema (8.2604 and later) to the syntax tree that RainerScript gives.
//!
//! A file whose name ends in `.yaml` or `.yml` is one mapping. Its keys, case-sensitive, in any
//! order; each at most once:
//!
//! ```yaml
//! version: 2                     # read over
//! global: {workDirectory: /var/spool/rsyslog, environment: [TZ=UTC, LC_ALL=C]}
//! mainqueue: {type: linkedlist, queue.size: 1000}   # `size` is `queue.size`; also main_queue:
//! modules:   [{load: imtcp, threads: 2}]
//! inputs:    [{type: imtcp, port: 514, ruleset: main}]
//! parsers: [{name: …}]           # as are the next five: object parameters, nothing else
//! lookup_tables: [{name: …, file: …}]
//! dyn_stats: [{name: …}]
//! perctile_stats: [{name: …}]
//! ratelimits: [{name: …}]
//! timezones: [{id: …, offset: …}]
//! templates:
//!   - {name: a, type: string, string: "%msg%\n"}     # also subtree, plugin
//!   - {name: b, type: list, elements: [{property: {name: msg}}, {constant: {value: "\n"}}]}
//! rulesets:                      # parameters (name, queue.…, parser), and at most one of:
//!   - {name: c, filter: "*.info", actions: [{type: omfile, file: /x}]}   # filter may be absent
//!   - {name: d, statements: [ … ]}
//!   - {name: e, script: "text of RainerScript"}
//! include:                       # .yaml and .yml before the others, whatever the order here
//!   - {path: "/etc/rsyslog.d/*.conf", optional: on}  # on, yes, 1; anything else is off
//! ```
//!
//! Statements, each a mapping of one of these forms. Expressions, variables and filters are
//! RainerScript in a scalar:
//!
//! ```yaml
//! - {type: omfile, file: /x}                          # action(type="omfile" file="/x")
//! - {if: '$msg contains "x"', then: [ … ], else: [ … ]}
//! - {if: '$severity < 3', action: {type: omfile, file: /x}, else: [ … ]}
//! - {stop: true}
//! - {continue: true}
//! - {call: name}
//! - {call_indirect: "$.name & 'x'"}
//! - {set: {var: $.x, expr: "1 + 2"}}
//! - {unset: $.x}
//! - {foreach: {var: $.i, in: "$!list", do: [ … ]}}
//! - {reload_lookup_table: {table: name, stub_value: text}}
//! # Ours; rsyslog has no form for these (it writes `if: prifilt('mail.*')`, or `script`):
//! - {reset: {var: $.x, expr: "1"}}
//! - {filter: "mail.*", then: [ … ]}
//! - {filter: ':msg, contains, "x"', action: {type: omfile, file: /x}}
//! ```
//!
//! The ruleset `RSYSLOG_DefaultRuleset` is what stands outside of rulesets in RainerScript, as in
//! what `rsyslogd -F yaml -o` writes: its statements go to the top level, and it has no parameters
//! but its name.
//!
//! Every scalar is text, quoted or not: `on`, `0640` and `~` stay as they are written. Tags,
//! aliases and second documents are refused. `config.enabled` works in every object.
