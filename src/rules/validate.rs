//! What is wrong with expressions and statements, whether this version runs them or not: names,
//! arguments, variables. Each complaint is made here and nowhere else; lowering may rely on it.

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::nearest;
use crate::base::posix::Expression;
use crate::base::posix::Fault;
use crate::base::posix::Syntax;
use crate::config::ast::Expr;
use crate::config::ast::ExprKind;
use crate::config::ast::FilterOperation;
use crate::config::ast::PropertyFilter;
use crate::config::ast::Word;
use crate::message::Property;
use crate::rules::Definition;
use crate::rules::Resolver;
use crate::rules::functions;
use crate::rules::functions::Constant;
use crate::rules::functions::Function;
use crate::rules::functions::Named;

const REGEX_HELP: &str =
    "expressions are POSIX; a backslash before ( ) [ { * + ? makes it an ordinary character";
const FUNCTIONS_PAGE: &str = "rainerscript/functions/index";
const VARIABLES_PAGE: &str = "rainerscript/variable_property_types";

/// Says what is wrong; every function tells whether all is right.
pub(super) struct Validator<'a> {
    pub(super) resolver: &'a mut dyn Resolver,
    pub(super) diags: &'a mut Diagnostics,
}

impl Validator<'_> {
    fn wrong(&mut self, diagnostic: Diagnostic) -> bool {
        self.diags.push(diagnostic);
        false
    }

    /// An expression and all that is in it. A chain of operators is walked, not nested: generated
    /// ones are thousands long.
    pub(super) fn expression(&mut self, expr: &Expr) -> bool {
        let mut sides = Vec::new();
        let mut left_most = expr;
        while let ExprKind::Binary { left, right, .. } = &left_most.kind {
            sides.push(&**right);
            left_most = left;
        }
        let mut right = self.single(left_most);
        for side in sides.into_iter().rev() {
            right &= self.expression(side);
        }
        right
    }

    /// An expression that is no operator between two others.
    fn single(&mut self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Number(_) | ExprKind::Str(_) => true,
            ExprKind::Array(items) if items.is_empty() => {
                let text = "an array cannot be empty";
                self.wrong(Diagnostic::error(expr.loc, text))
            }
            ExprKind::Array(_) => true,
            ExprKind::Variable(name) => self.variable(name, expr.loc),
            ExprKind::Not(inner) | ExprKind::Negate(inner) => self.expression(inner),
            ExprKind::Call { name, args } => self.call(name, args),
            ExprKind::Binary { .. } => self.expression(expr),
        }
    }

    /// `$name`: a property, or a variable of one of the three trees.
    fn variable(&mut self, name: &str, loc: Loc) -> bool {
        if is_variable(name) {
            self.indices(name, loc);
            return true;
        }
        self.property(name, "$", loc)
    }

    /// A property of a message. `sigil` is what stands before its name where it is used.
    fn property(&mut self, name: &str, sigil: &str, loc: Loc) -> bool {
        if Property::parse(name).is_some() {
            return true;
        }
        if name.is_empty() {
            let d = Diagnostic::error(loc, "'$' without a name behind it");
            return self.wrong(d.help("$msg is a property, $!name and $.name are variables"));
        }
        let text = format!("there is no property '{name}'");
        let d = Diagnostic::error(loc, text).term("configuration/properties");
        let system = format!("${name}");
        let near = if Property::parse(&system).is_some() {
            Some(system.as_str())
        } else {
            nearest(name, Property::names())
        };
        let help = match near {
            Some(near) => format!("did you mean '{sigil}{near}'?"),
            None if sigil.is_empty() => return self.wrong(d),
            None => format!(
                "properties: $msg, $hostname …; variables begin with '$!', '$.' or '$/': $.{name}"
            ),
        };
        self.wrong(d.help(help))
    }

    /// `$!list[0]`; what is no number in brackets belongs to the name, as in rsyslogd.
    fn indices(&mut self, name: &str, loc: Loc) {
        let mut rest = name;
        while let Some((_, behind)) = rest.split_once('[') {
            let (index, after) = behind.split_once(']').unwrap_or((behind, ""));
            let number = !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit());
            if !number || !behind.contains(']') {
                let text = format!("'[{index}' is no index: it is read as a part of the name");
                let help = "an index is a number in brackets: $!list[0]; get_property() takes a \
                            computed one";
                let d = Diagnostic::warning(loc, text).help(help);
                return self.diags.push(d.term(VARIABLES_PAGE));
            }
            rest = after;
        }
    }

    fn call(&mut self, name: &Word, args: &[Expr]) -> bool {
        let Some(function) = functions::find(&name.text) else {
            return self.wrong(functions::unknown(name));
        };
        let mut right = self.provided(function, name);
        if args.len() < function.least || args.len() > function.args.len() {
            let text = format!(
                "{}() takes {}, not {}",
                function.name,
                function.arity(),
                if args.is_empty() { "none".to_owned() } else { args.len().to_string() }
            );
            let help = format!("write {}", function.usage());
            let d = Diagnostic::error(name.loc, text).help(help).term(page(function));
            right = self.wrong(d);
        } else if let Some((at, constant)) = function.constant
            && let Some(arg) = args.get(at)
        {
            right &= self.constant(function, at, constant, arg);
        } else if function.name == "exists" {
            right &= self.exists(args);
        }
        for (at, arg) in args.iter().enumerate() {
            // A constant was looked at above.
            if function.constant.is_none_or(|(constant, _)| constant != at) {
                right &= self.expression(arg);
            }
        }
        right
    }

    /// The module that has the function must be loaded.
    fn provided(&mut self, function: &Function, name: &Word) -> bool {
        let module = function.module;
        if module.is_empty()
            || self.resolver.definition(Named::Module, module, name.loc) == Definition::Before
        {
            return true;
        }
        let text = format!("{}() is a function of module '{module}'", function.name);
        let help = format!("write module(load=\"{module}\") before it");
        self.wrong(Diagnostic::error(name.loc, text).help(help).term(page(function)))
    }

    /// An argument that rsyslogd reads while it reads the configuration.
    fn constant(&mut self, function: &Function, at: usize, constant: Constant, arg: &Expr) -> bool {
        let ExprKind::Str(text) = &arg.kind else {
            let text =
                format!("argument {} of {}() must be a constant text", at + 1, function.name);
            let help = match constant {
                Constant::Regex => "write the regular expression in 'single quotes'".to_owned(),
                Constant::Selector => "write a selector in quotes: 'mail.*'".to_owned(),
                Constant::Name(named) => format!("write the {}'s name in quotes", named.noun()),
            };
            return self.wrong(Diagnostic::error(arg.loc, text).help(help).term(page(function)));
        };
        match constant {
            Constant::Regex => {
                let any_case = function.name.ends_with("_i");
                match Expression::new(text, Syntax::Extended, any_case) {
                    Ok(_) => true,
                    Err(fault) => self.wrong(bad_regex(arg.loc, &fault)),
                }
            }
            Constant::Selector => {
                let text = String::from_utf8_lossy(text);
                self.resolver.selector(&text, arg.loc, self.diags).is_some()
            }
            Constant::Name(named) => self.named(named, &text.to_string(), arg.loc),
        }
    }

    /// Something that must have been defined before `loc`.
    fn named(&mut self, named: Named, name: &str, loc: Loc) -> bool {
        let noun = named.noun();
        match self.resolver.definition(named, name, loc) {
            Definition::Before => true,
            Definition::Behind => {
                let text = format!("{noun} '{name}' is defined only behind this");
                let help = format!("move {} before it", named.definition(name));
                self.wrong(Diagnostic::error(loc, text).help(help))
            }
            Definition::None => {
                let d = Diagnostic::error(loc, format!("there is no {noun} '{name}'"));
                let names = self.resolver.defined(named);
                let help = nearest(name, names.iter().map(String::as_str)).map_or_else(
                    || format!("define it before: {}", named.definition(name)),
                    |near| format!("did you mean '{near}'?"),
                );
                self.wrong(d.help(help))
            }
        }
    }

    fn exists(&mut self, args: &[Expr]) -> bool {
        let [arg] = args else { return true };
        if matches!(arg.kind, ExprKind::Variable(_)) {
            return true;
        }
        let d = Diagnostic::error(arg.loc, "exists() takes a variable");
        self.wrong(d.help("write exists($!name)").term("rainerscript/functions/rs-exists"))
    }

    /// What `set`, `reset` and `unset` change.
    pub(super) fn target(&mut self, statement: &str, variable: &Word) -> bool {
        let name = variable.text.as_str();
        if is_variable(name) {
            self.indices(name, variable.loc);
            return true;
        }
        let (text, help) = match name.trim_start_matches('$') {
            "" => ("'$' without a name behind it".to_owned(), "write $.name or $!name".to_owned()),
            bare => {
                let what =
                    if Property::parse(name).is_some() { "a property" } else { "no variable" };
                let text = format!("'{statement}' cannot change '${name}': it is {what}");
                (text, format!("write $.{bare} (local) or $!{bare} (of the message)"))
            }
        };
        self.wrong(Diagnostic::error(variable.loc, text).help(help).term(VARIABLES_PAGE))
    }

    /// The variable of a `foreach`. rsyslogd takes any name, and fills none but variables.
    pub(super) fn iterator(&mut self, variable: &Word, collection: &Expr) -> bool {
        let name = variable.text.as_str();
        if !is_variable(name) {
            let text = format!("'${name}' is no variable: foreach cannot fill it");
            let bare = name.trim_start_matches('$');
            let d = Diagnostic::warning(variable.loc, text).help(format!("write $.{bare}"));
            self.diags.push(d.term("rainerscript/control_structures"));
        }
        let right = self.expression(collection);
        if !matches!(&collection.kind, ExprKind::Variable(_) | ExprKind::Call { .. }) {
            let text = "foreach goes over JSON arrays and objects in variables: this is none";
            let d = Diagnostic::warning(collection.loc, text).help("write $!name or $.name");
            self.diags.push(d.term("rainerscript/control_structures"));
        }
        right
    }

    /// `reload_lookup_table(…)`; the table may be defined behind it.
    pub(super) fn reload(&mut self, table: &Word) -> bool {
        let known = self.resolver.definition(Named::LookupTable, &table.text, table.loc);
        known == Definition::Behind || self.named(Named::LookupTable, &table.text, table.loc)
    }

    /// `call_indirect` of a constant: what it names should be there.
    pub(super) fn indirect(&mut self, target: &Expr) -> bool {
        if let ExprKind::Str(name) = &target.kind {
            let name = name.to_string();
            if self.resolver.ruleset(&name).is_none() {
                let text = format!("there is no ruleset '{name}': nothing will be called");
                let names = self.resolver.ruleset_names();
                let d = Diagnostic::warning(target.loc, text);
                let near = nearest(&name, names.iter().map(String::as_str));
                self.diags.push(match near {
                    Some(near) => d.help(format!("did you mean '{near}'?")),
                    None => d,
                });
            }
            return true;
        }
        self.expression(target)
    }

    /// `:property, operation, "value"`.
    pub(super) fn filter(&mut self, filter: &PropertyFilter) -> bool {
        self.property(&filter.property.text, "", filter.property.loc)
    }
}

/// The place of a property filter's value, of which the filter at `loc` has its closing quote as
/// its last byte.
pub(super) fn filter_value(filter: &PropertyFilter, loc: Loc) -> Loc {
    let length = crate::base::num::len32(filter.value.len() + 2);
    Loc { start: loc.end.saturating_sub(length).max(loc.start), ..loc }
}

/// How a filter's value is read as a regular expression, if it is one.
pub(super) const fn filter_syntax(operation: FilterOperation) -> Option<Syntax> {
    match operation {
        FilterOperation::Regex => Some(Syntax::Basic),
        FilterOperation::Ereregex => Some(Syntax::Extended),
        _ => None,
    }
}

/// Whether the name behind a `$` is one of a variable: `!x`, `.x`, `/x`.
pub(super) fn is_variable(name: &str) -> bool {
    name.strip_prefix('$').unwrap_or(name).starts_with(['!', '.', '/'])
}

fn bad_regex(loc: Loc, fault: &Fault) -> Diagnostic {
    let d = Diagnostic::error(loc, format!("bad regular expression: {}", fault.why));
    if fault.ours { d } else { d.help(REGEX_HELP) }
}

fn page(function: &Function) -> String {
    if function.page.is_empty() {
        return FUNCTIONS_PAGE.to_owned();
    }
    format!("rainerscript/functions/{}", function.page)
}

#[cfg(test)]
mod tests {
    use crate::base::diag::Diagnostics;
    use crate::base::diag::Severity;
    use crate::config::parse_sealed;
    use crate::rules::compile;
    use crate::rules::testkit::Names;

    /// What is said of the statements of a text, `line:column: message`; in testkit's world one
    /// thing of each kind is called `x`.
    fn said(text: &str, severity: Severity) -> Vec<String> {
        let config = parse_sealed("t", text.as_bytes());
        assert!(config.diagnostics.all.is_empty(), "{:?}", config.diagnostics.all);
        let mut diags = Diagnostics::default();
        compile(&config.statements, &mut Names { rulesets: 2 }, &mut diags);
        let wanted = diags.all.iter().filter(|d| d.severity == severity && !d.unbuilt);
        let place = |d: &crate::base::diag::Diagnostic| config.sources.position(d.loc);
        wanted.map(|d| format!("{}:{}: {}", place(d).0, place(d).1, d.message)).collect()
    }

    #[test]
    fn what_is_not_built_is_checked_all_the_same() {
        for (text, expected) in [
            ("set $.a = nosuch(1);", "1:11: there is no function 'nosuch'"),
            ("set $.a = field($msg, 32);", "1:11: field() takes 3 arguments, not 2"),
            ("set $.a = getenv();", "1:11: getenv() takes 1 argument, not none"),
            ("set $.a = random($nosuch);", "1:18: there is no property 'nosuch'"),
            ("set $msg = 1;", "1:5: 'set' cannot change '$msg': it is a property"),
            ("unset $zone;", "1:7: 'unset' cannot change '$zone': it is no variable"),
            (
                "foreach ($.i in $!l) do set $x = 1;",
                "1:29: 'set' cannot change '$x': it is no variable",
            ),
            ("foreach ($.i in $nosuch) do stop", "1:17: there is no property 'nosuch'"),
            ("if $!a == 1 then call nosuch", "1:23: there is no ruleset 'nosuch'"),
            (
                "if 1 then stop else if $!a then stop else call no1",
                "1:48: there is no ruleset 'no1'",
            ),
            ("set $.a = lookup('y', $msg);", "1:18: there is no lookup table 'y'"),
            (
                "set $.a = lookup($msg, 'y');",
                "1:18: argument 1 of lookup() must be a constant text",
            ),
            ("set $.a = dyn_inc('y', 'z');", "1:19: there is no dyn_stats bucket 'y'"),
            ("set $.a = exec_template('y');", "1:25: there is no template 'y'"),
            ("set $.a = hash32('y');", "1:11: hash32() is a function of module 'fmhash'"),
            (
                "set $.a = re_extract($msg, '(', 0, 0, '');",
                "1:28: bad regular expression: unmatched (",
            ),
            ("set $.a = exists('y');", "1:18: exists() takes a variable"),
            ("reload_lookup_table('y')", "1:21: there is no lookup table 'y'"),
        ] {
            assert_eq!(said(text, Severity::Error), [expected], "{text}");
        }
    }

    #[test]
    fn what_is_right_is_not_complained_of() {
        for text in [
            "set $.a!b[0] = lookup('x', $msg) & field($msg, 44, 1);",
            "reset $/a = dyn_inc('x', $hostname); unset $!;",
            "foreach ($.i in $!list) do { set $.n = $.n + 1; }",
            "set $.a = wrap('a', 'b'); set $.b = wrap('a', 'b', 'c');",
            "if exists($!a) and not previous_action_suspended() then stop",
            "reload_lookup_table('x', 'y')",
            "set $.a = percentile_observe('x', 'm', 5) & exec_template('x');",
        ] {
            assert_eq!(said(text, Severity::Error), [""; 0], "{text}");
            assert_eq!(said(text, Severity::Warning), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_rsyslog_takes_and_cannot_have_been_meant_is_warned_of() {
        for (text, expected) in [
            ("foreach ($i in $!l) do stop", "1:10: '$i' is no variable: foreach cannot fill it"),
            ("set $.a = $!a[x];", "1:11: '[x' is no index: it is read as a part of the name"),
            ("call_indirect 'y';", "1:15: there is no ruleset 'y': nothing will be called"),
            (
                "foreach ($.i in ['a']) do stop",
                "1:17: foreach goes over JSON arrays and objects in variables: this is none",
            ),
        ] {
            assert_eq!(said(text, Severity::Warning), [expected], "{text}");
            assert_eq!(said(text, Severity::Error), [""; 0], "{text}");
        }
    }
}
