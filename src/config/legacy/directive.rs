//! `$Directives`: parameters of what comes after them, or objects of their own.

use bstr::BString;
use bstr::ByteSlice;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::diag::Loc;
use crate::base::diag::nearest;
use crate::config::ast::Object;
use crate::config::ast::ObjectKind;
use crate::config::ast::Param;
use crate::config::ast::StmtKind;
use crate::config::ast::Value;
use crate::config::ast::Word;
use crate::config::legacy::Lowered;
use crate::config::legacy::action::object;
use crate::config::legacy::action::param;
use crate::config::legacy::state::Channel;
use crate::config::legacy::state::Loaded;
use crate::config::legacy::state::Pending;
use crate::config::legacy::state::State;
use crate::config::legacy::state::module_name;
use crate::config::legacy::table;
use crate::config::legacy::table::Directive;
use crate::config::legacy::table::Form;
use crate::config::legacy::table::Target;
use crate::config::legacy::template;
use crate::config::legacy::view;
use crate::config::load::Include;
use crate::config::load::Loader;
use crate::config::param::parse_size;
use crate::config::text::Source;

/// One directive: its places and its value, checked.
struct Line<'a> {
    source: &'a Source,
    /// Offset behind the name and its blanks.
    at: usize,
    end: usize,
    name_loc: Loc,
    /// All of it.
    loc: Loc,
    value: BString,
    value_loc: Loc,
}

/// Reads the `$Directive` at `start..end`. `$IncludeConfig` is given back for the caller to do.
pub(in crate::config) fn read(
    source: &Source,
    start: usize,
    end: usize,
    load: &mut Loader,
    top: bool,
) -> Option<Include> {
    let text = &source.text[..end];
    let name_end = start + text[start..].iter().take_while(|b| !b.is_ascii_whitespace()).count();
    let name = text[start + 1..name_end].to_str_lossy();
    let name_loc = source.loc(start, name_end);
    let Some(directive) = table::find(&name) else {
        load.say(unknown(&name, name_loc));
        return None;
    };
    let outer = load.turn_to(view::term(directive));
    let blanks = text[name_end..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let at = name_end + blanks;
    let mut line = Line {
        source,
        at,
        end,
        name_loc,
        loc: source.loc(start, start + text[start..].trim_end().len()),
        value: BString::default(),
        value_loc: source.loc(at, at),
    };
    let mut include = None;
    match value(&mut line, directive, load) {
        Ok(()) if directive.target == Target::IncludeConfig => {
            include = Some(Include::pattern(line.value, line.value_loc, line.loc));
        }
        Ok(()) => apply(&line, directive, load, top),
        Err(diagnostic) => load.say(diagnostic),
    }
    load.turn_to(outer);
    include
}

fn unknown(name: &str, loc: Loc) -> Diagnostic {
    let diagnostic = Diagnostic::error(loc, format!("unknown directive '${name}'"));
    // A name that is no better than this one is no help.
    let known = table::all().filter(|d| !matches!(d.target, Target::Unknown(_)));
    match nearest(name, known.map(|d| d.name)) {
        Some(near) => diagnostic.help(format!("did you mean '${near}'?")),
        None => diagnostic.help("variables are set with: set $.name = value;"),
    }
}

/// Reads and checks the value.
fn value(line: &mut Line<'_>, directive: &Directive, load: &mut Loader) -> Result<(), Diagnostic> {
    let rest = &line.source.text[line.at..line.end];
    let length = if directive.form == Form::Line {
        rest.trim_end().len()
    } else {
        rest.iter().take_while(|b| !b.is_ascii_whitespace()).count()
    };
    line.value = rest[..length].into();
    line.value_loc = line.source.loc(line.at, line.at + length.max(1));
    let behind = rest[length..].trim_start();
    if directive.form != Form::Line && !behind.is_empty() && !behind.starts_with(b"#") {
        let begin = line.end - behind.len();
        let loc = line.source.loc(begin, begin + behind.trim_end().len());
        let text = format!("'{}' is not read", behind.trim_end().as_bstr());
        let help = format!("${} takes one word", directive.name);
        load.say(Diagnostic::error(loc, text).help(help));
    }
    let shown = line.value.clone();
    let wrong = |expected: &str| {
        let place = if shown.is_empty() { line.name_loc } else { line.value_loc };
        let text = format!("${} takes {expected}, not '{shown}'", directive.name);
        Err(Diagnostic::error(place, text))
    };
    match directive.form {
        Form::Word if shown.is_empty() => wrong("a value"),
        Form::Bool if shown != "on" && shown != "off" => wrong("'on' or 'off'"),
        Form::Mode if !is_mode(&shown) => wrong("an octal mode with a leading zero, e.g. 0640"),
        Form::Int | Form::Size => match number(&shown) {
            Some(number) => {
                line.value = number.to_string().into();
                Ok(())
            }
            None => wrong("a number"),
        },
        _ => Ok(()),
    }
}

fn is_mode(text: &[u8]) -> bool {
    text.len() == 4 && text[0] == b'0' && text.iter().all(|b| matches!(b, b'0'..=b'7'))
}

/// A number as legacy directives take it: `10,000`, `1g`, `-1`.
fn number(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    digits.first().filter(|b| b.is_ascii_digit())?;
    parse_size(digits)?.checked_mul(sign)
}

/// The directive's value as a parameter.
fn given(line: &Line<'_>, name: &str) -> Param {
    let mut param = param(name, line.value.clone(), line.value_loc);
    param.name.loc = line.name_loc;
    param
}

/// Directives whose value waits for an action or a listener after them.
fn wait(line: &Line<'_>, directive: &Directive, load: &mut Loader) {
    let (module, name, once) = match directive.target {
        Target::Next(name) => ("", name, true),
        Target::Later(name) => ("", name, false),
        Target::NextOf(module, name) => (module, name, true),
        Target::LaterOf(module, name) => (module, name, false),
        Target::DefaultTemplate(_, module) => (module, "template", false),
        Target::Listener(module, name) | Target::NextListener(module, name) => {
            needs(line, directive, module, load);
            let once = matches!(directive.target, Target::NextListener(..));
            let pending = Pending { module, once, param: given(line, name) };
            return State::wait(&mut load.legacy.listener, pending);
        }
        _ => return,
    };
    if !matches!(module.split(':').next(), Some("" | "omfile" | "omfwd")) {
        needs(line, directive, module, load);
    }
    let pending = Pending { module, once, param: given(line, name) };
    State::wait(&mut load.legacy.action, pending);
}

/// What a listener of `$Directives` has where one of `input()` has something else: imfile writes
/// line ends as they are then, and says nothing of the file.
const UNLIKE_INPUT: [(&str, &str, &str); 2] =
    [("imfile", "escapeLF", "off"), ("imfile", "addMetadata", "off")];

fn apply(line: &Line<'_>, directive: &Directive, load: &mut Loader, top: bool) {
    wait(line, directive, load);
    let given = |name: &str| given(line, name);
    match directive.target {
        Target::ModLoad => mod_load(line, load),
        Target::Template => define_template(line, load),
        Target::RuleSet if top => ruleset(line, load),
        Target::RuleSet => {
            let text = "$RuleSet cannot stand inside of a block";
            load.say(Diagnostic::error(line.name_loc, text).help("move it out of the braces"));
        }
        Target::RulesetCreateMainQueue => ruleset_queue(line, load),
        Target::RulesetParser => match chosen_ruleset(load) {
            Some(ruleset) => push_parser(ruleset, given("parser")),
            None => {
                let params = vec![given("parser.list")];
                load.declare(object(ObjectKind::Global, line.loc, params));
            }
        },
        Target::ResetConfigVariables => load.legacy.reset(),
        Target::OutChannel => out_channel(line, load),
        Target::Global(name) => {
            load.declare(object(ObjectKind::Global, line.loc, vec![given(name)]));
        }
        Target::MainQueue(name) => main_queue(line, given(name), load),
        Target::DefaultTemplate(builtin, _) => {
            let params = vec![param("load", builtin, line.name_loc), given("template")];
            load.declare(object(ObjectKind::Module, line.loc, params));
        }
        Target::Module(module, name) => module_param(line, directive, module, given(name), load),
        Target::ModuleNot(module, name) => {
            let mut param = given(name);
            let on = param.value == Value::Str("on".into());
            param.value = Value::Str(if on { "off" } else { "on" }.into());
            module_param(line, directive, module, param, load);
        }
        Target::Listen(module, name) => {
            if !needs(line, directive, module, load) {
                return;
            }
            let mut params = vec![param("type", module, line.name_loc)];
            if !name.is_empty() {
                params.push(given(name));
            }
            params.append(&mut load.legacy.take_for_listener(module));
            let unlike = UNLIKE_INPUT.iter().filter(|(of, ..)| *of == module);
            params.extend(unlike.map(|(_, name, value)| param(name, *value, line.name_loc)));
            load.declare(object(ObjectKind::Input, line.loc, params));
        }
        Target::ModuleWord(module, name, word) => {
            if line.value == "on" {
                let param = Param { value: Value::Str(word.into()), ..given(name) };
                module_param(line, directive, module, param, load);
            }
        }
        Target::AllowedSender => allowed_sender(line, load),
        Target::Ignored(_) | Target::Unknown(_) | Target::Unsupported(_) => {
            remark(line, directive, load);
        }
        // Done by the caller, or in `wait` above.
        Target::IncludeConfig
        | Target::Next(_)
        | Target::Later(_)
        | Target::NextOf(..)
        | Target::LaterOf(..)
        | Target::Listener(..)
        | Target::NextListener(..) => {}
    }
}

/// Directives that do nothing: what to say of them.
fn remark(line: &Line<'_>, directive: &Directive, load: &mut Loader) {
    let name = directive.name;
    load.say(match directive.target {
        Target::Ignored(instead) => {
            Diagnostic::note(line.loc, format!("${name} has no effect: {instead}"))
        }
        Target::Unknown(instead) => {
            Diagnostic::error(line.name_loc, format!("unknown directive '${name}'")).help(instead)
        }
        Target::Unsupported(instead) => {
            Diagnostic::error(line.loc, format!("${name} is not supported")).help(instead)
        }
        _ => return,
    });
}

/// `$AllowedSender protocol, address[/bits], *.domain … # comment`
fn allowed_sender(line: &Line<'_>, load: &mut Loader) {
    let protocol = line.value.split(|b| *b == b',').next().unwrap_or_default().trim();
    let known = ["udp", "tcp", "gss"];
    let Some(known) = known.iter().find(|k| protocol.eq_ignore_ascii_case(k.as_bytes())) else {
        let text = format!("'{}' is no protocol with a list of senders", protocol.as_bstr());
        let help = "write: $AllowedSender UDP, 192.0.2.0/24 (or TCP)";
        load.say(Diagnostic::error(line.loc, text).help(help));
        return;
    };
    if *known == "gss" {
        let text = "the list of GSS senders has no effect: there is no imgssapi";
        load.say(Diagnostic::note(line.loc, text));
        return;
    }
    let rest = line.value.splitn(2, |b| *b == b',').nth(1).unwrap_or_default();
    let entries = rest.split(|b| *b == b',' || b.is_ascii_whitespace());
    let entries = entries.filter(|entry| !entry.is_empty());
    let entries = entries.take_while(|entry| !entry.starts_with(b"#")).map(BString::from).collect();
    let name = Word { text: format!("allowedSender.{known}"), loc: line.name_loc };
    let list = Param { name, value: Value::Array(entries), value_loc: line.value_loc };
    load.declare(object(ObjectKind::Global, line.loc, vec![list]));
}

fn define_template(line: &Line<'_>, load: &mut Loader) {
    let mut diags = Diagnostics::default();
    let made = template::parse(line.source, line.at, line.end, line.loc, &mut diags);
    load.say_all(diags);
    if let Some(template) = made {
        load.declare(template);
    }
}

fn mod_load(line: &Line<'_>, load: &mut Loader) {
    let written = line.value.to_str_lossy();
    let name = if written == "MySQL" { "ommysql".to_owned() } else { module_name(&written) };
    if load.legacy.modules.iter().any(|module| module.name == name) {
        let text = format!("module '{name}' is loaded already");
        load.say(Diagnostic::error(line.loc, text).help("remove one of the two lines"));
        return;
    }
    let params = vec![param("load", name.as_str(), line.value_loc)];
    let lowered = load.declare(object(ObjectKind::Module, line.loc, params));
    // declare() saw a module() and noted it; this one stays open for parameters.
    load.legacy.modules.retain(|module| module.name != name);
    load.legacy.modules.push(Loaded { name, lowered: Some(lowered) });
}

/// Complains if `module` is not loaded.
fn needs(line: &Line<'_>, directive: &Directive, module: &str, load: &mut Loader) -> bool {
    let loaded = load.legacy.modules.iter().any(|loaded| loaded.name == module);
    if !loaded {
        let text = format!("${} is for module '{module}', which is not loaded", directive.name);
        let help = format!("write module(load=\"{module}\") before it");
        load.say(Diagnostic::error(line.name_loc, text).help(help));
    }
    loaded
}

fn module_param(
    line: &Line<'_>,
    directive: &Directive,
    module: &str,
    given: Param,
    load: &mut Loader,
) {
    if !needs(line, directive, module, load) {
        return;
    }
    let lowered = load.legacy.modules.iter().find(|l| l.name == module).and_then(|l| l.lowered);
    let Some(lowered) = lowered.and_then(|index| load.object_mut(index)) else {
        let text = format!("${} is not read behind module(load=\"{module}\")", directive.name);
        let help = format!("write {}=\"…\" into that module()", given.name.text);
        load.say(Diagnostic::error(line.name_loc, text).help(help));
        return;
    };
    set(&mut lowered.params, given);
}

/// Sets a parameter; a later value replaces an earlier one.
fn set(params: &mut Vec<Param>, given: Param) {
    match params.iter_mut().find(|param| param.name.text == given.name.text) {
        Some(param) => *param = given,
        None => params.push(given),
    }
}

fn main_queue(line: &Line<'_>, given: Param, load: &mut Loader) {
    let index = match load.legacy.main_queue {
        Some(index) => index,
        None => load.declare(object(ObjectKind::MainQueue, line.loc, Vec::new())),
    };
    load.legacy.main_queue = Some(index);
    if let Some(queue) = load.object_mut(index) {
        set(&mut queue.params, given);
    }
}

fn ruleset(line: &Line<'_>, load: &mut Loader) {
    if line.value.eq_ignore_ascii_case(b"RSYSLOG_DefaultRuleset") {
        load.legacy.ruleset = None;
        return;
    }
    let known = load.legacy.rulesets.iter().find(|(name, _)| *name == line.value);
    let index = match known {
        Some((_, index)) => *index,
        None => {
            let params = vec![param("name", line.value.clone(), line.value_loc)];
            let index = load.declare(object(ObjectKind::Ruleset, line.loc, params));
            load.legacy.rulesets.push((line.value.clone(), index));
            index
        }
    };
    load.legacy.ruleset = Some(index);
}

fn chosen_ruleset(load: &mut Loader) -> Option<&mut Object> {
    load.legacy.ruleset.and_then(|index| load.object_mut(index))
}

fn push_parser(ruleset: &mut Object, given: Param) {
    let Value::Str(name) = &given.value else { return };
    let known = ruleset.params.iter_mut().find(|param| param.name.text == "parser");
    match known.map(|param| &mut param.value) {
        Some(Value::Array(names)) => names.push(name.clone()),
        _ => {
            let value = Value::Array(vec![name.clone()]);
            ruleset.params.push(Param { value, ..given });
        }
    }
}

/// The chosen ruleset gets a queue of its own, with what `$MainMsgQueue…` said so far.
fn ruleset_queue(line: &Line<'_>, load: &mut Loader) {
    if line.value != "on" {
        return;
    }
    let queue = load.legacy.main_queue.and_then(|index| load.object_mut(index));
    let mut params = queue.map(|queue| queue.params.clone()).unwrap_or_default();
    if !params.iter().any(|p| p.name.text == "queue.type") {
        params.push(param("queue.type", "FixedArray", line.loc));
    }
    match chosen_ruleset(load) {
        Some(ruleset) => ruleset.params.append(&mut params),
        None => load.say(
            Diagnostic::note(line.name_loc, "the default ruleset has the main queue already")
                .help("write $RuleSet name before it"),
        ),
    }
}

/// `$outchannel name,file,size,command`
fn out_channel(line: &Line<'_>, load: &mut Loader) {
    let text = line.value.to_str_lossy();
    let mut fields = text.splitn(4, ',').map(str::trim);
    let name = fields.next().unwrap_or_default().to_owned();
    let mut params = Vec::new();
    for known in ["file", "rotation.sizeLimit", "rotation.sizeLimitCommand"] {
        match fields.next() {
            Some(field) if !field.is_empty() => params.push(param(known, field, line.loc)),
            _ => break,
        }
    }
    if name.is_empty() || params.is_empty() {
        let help = "write: $outchannel name,/path/to/file,size,/path/to/command";
        let text = "an output channel has a name and a file";
        load.say(Diagnostic::error(line.loc, text).help(help));
        return;
    }
    load.legacy.channels.push(Channel { name, params });
}

/// Adds to a legacy action what directives before it said. `None` if its channel is not known.
pub(in crate::config) fn complete(lowered: Lowered, load: &mut Loader) -> Option<Object> {
    let mut action = match lowered {
        Lowered::Action(action) => action,
        Lowered::Stop => return None,
        Lowered::Channel(name, mut action) => {
            let known = load.legacy.channels.iter().find(|channel| channel.name == name.text);
            let Some(channel) = known else {
                let text = format!("output channel '{}' is not defined", name.text);
                let near =
                    nearest(&name.text, load.legacy.channels.iter().map(|c| c.name.as_str()));
                let help = near.map_or_else(
                    || "write $outchannel name,file,size,command before it".to_owned(),
                    |near| format!("did you mean '{near}'?"),
                );
                load.say(Diagnostic::error(name.loc, text).help(help));
                return None;
            };
            action.params.extend(channel.params.iter().cloned());
            action
        }
    };
    let kind = match action.params.first().map(|param| &param.value) {
        Some(Value::Str(kind)) => kind.to_str_lossy().into_owned(),
        _ => String::new(),
    };
    load.legacy.apply_to_action(&kind, &mut action.params);
    Some(action)
}

/// The object in a top-level statement, if it is one.
pub(in crate::config) fn object_of(kind: &mut StmtKind) -> Option<&mut Object> {
    if let StmtKind::Object(object) = kind { Some(object) } else { None }
}
