//! A message while rules run over it: what is read of it, and what functions change.

use std::cell::Cell;
use std::cell::Ref;
use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;

use crate::base::clock::LocalZone;
use crate::base::limits::SCRIPT_TEXT_BYTES_KEPT;
use crate::message::Batch;
use crate::message::Draft;
use crate::message::InputInfo;
use crate::message::Message;
use crate::message::Pri;
use crate::message::Property;
use crate::message::Source;
use crate::message::Variable;
use crate::message::Variables;
use crate::message::View;
use crate::message::json;
use crate::rules::call::tables::Asked;

/// Where properties come from.
pub(super) trait Properties {
    fn property<'s>(&'s self, property: Property, scratch: &'s mut Vec<u8>) -> &'s [u8];

    fn pri(&self) -> Pri;

    fn variables(&self) -> Held<'_>;

    /// What functions keep, where a program runs: constants are folded, and sources decided,
    /// without.
    fn runtime(&self) -> Option<&Runtime> {
        None
    }

    /// Lookup tables, as they are for all that is decided together.
    fn tables(&self) -> Option<&Asked> {
        None
    }

    /// Calls `f` with all that templates see, where there is a message.
    fn with_view(&self, _: &mut dyn FnMut(View<'_>)) {}

    /// Sets a variable. What cannot be set (something else is in the way) stays, as in rsyslog.
    fn set(&self, _: &Variable, _: json::Value) {}
}

/// Variables that are looked at.
pub(super) enum Held<'a> {
    Plain(&'a Variables),
    Shared(Ref<'a, Variables>),
}

impl Deref for Held<'_> {
    type Target = Variables;

    fn deref(&self) -> &Variables {
        match self {
            Self::Plain(variables) => variables,
            Self::Shared(variables) => variables,
        }
    }
}

impl Properties for View<'_> {
    #[inline]
    fn property<'s>(&'s self, property: Property, scratch: &'s mut Vec<u8>) -> &'s [u8] {
        View::property(self, property, scratch)
    }

    #[inline]
    fn pri(&self) -> Pri {
        self.message.pri
    }

    #[inline]
    fn variables(&self) -> Held<'_> {
        Held::Plain(self.variables)
    }
}

/// A source and an input without a message: all that a source-only test may ask for.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) source: &'a Source,
    pub(super) input: &'a InputInfo,
    pub(super) tables: &'a Asked,
    /// What every message of the source has.
    pub(super) variables: &'a Variables,
}

impl Properties for Origin<'_> {
    fn property<'s>(&'s self, property: Property, _: &'s mut Vec<u8>) -> &'s [u8] {
        match property {
            Property::FromHost => self.source.fromhost.as_bytes(),
            Property::FromHostIp => self.source.ip_text.as_bytes(),
            Property::InputName => self.input.name.as_bytes(),
            Property::MyHostname => self.input.hostname.as_bytes(),
            Property::Bom => "\u{feff}".as_bytes(),
            _ => {
                debug_assert!(!property.source_only(), "{property:?} is not known of a source");
                b""
            }
        }
    }

    fn pri(&self) -> Pri {
        Pri::DEFAULT
    }

    fn variables(&self) -> Held<'_> {
        Held::Plain(self.variables)
    }

    fn tables(&self) -> Option<&Asked> {
        Some(self.tables)
    }
}

/// What functions keep from message to message on one shard.
#[derive(Debug)]
pub(super) struct Runtime {
    /// What `script_error()` gives: 0, or 1 after a function that failed.
    pub(super) script_error: Cell<i64>,
    /// Some rule asks for what follows.
    pub(super) watches: bool,
    /// Whether the action that ran last is suspended, for `previous_action_suspended()`.
    pub(super) suspended: Cell<bool>,
    /// How deep `call_indirect` is.
    pub(super) depth: Cell<usize>,
    /// Rounds that `foreach` has taken for this message, and calls that `call_indirect` made.
    pub(super) rounds: Cell<u32>,
    pub(super) calls: Cell<u32>,
    /// Lookup tables, as this shard sees them.
    pub(super) tables: Rc<Asked>,
    /// What rulesets need that run inside of another one.
    pub(super) spares: Spares,
    /// Where the system is, for `parse_time_localtz()`.
    pub(super) zone: RefCell<LocalZone>,
}

impl Default for Runtime {
    fn default() -> Self {
        Self {
            script_error: Cell::default(),
            watches: false,
            suspended: Cell::default(),
            depth: Cell::default(),
            rounds: Cell::default(),
            calls: Cell::default(),
            tables: Rc::default(),
            spares: Spares::default(),
            zone: RefCell::new(LocalZone::system()),
        }
    }
}

/// Memory that is used again: as much of each as rulesets are inside of each other at most.
#[derive(Debug, Default)]
pub(super) struct Spares {
    buffers: RefCell<Vec<Vec<Vec<u8>>>>,
    variables: RefCell<Vec<Variables>>,
}

impl Spares {
    pub(super) fn buffers(&self) -> Vec<Vec<u8>> {
        self.buffers.borrow_mut().pop().unwrap_or_default()
    }

    pub(super) fn take_buffers(&self, mut buffers: Vec<Vec<u8>>) {
        trim(&mut buffers);
        self.buffers.borrow_mut().push(buffers);
    }

    /// To be made a copy of others.
    pub(super) fn variables(&self) -> Variables {
        self.variables.borrow_mut().pop().unwrap_or_default()
    }

    pub(super) fn take_variables(&self, mut variables: Variables) {
        variables.clear();
        self.variables.borrow_mut().push(variables);
    }
}

/// Gives the memory back that only a very long text needed.
pub(super) fn trim(buffers: &mut [Vec<u8>]) {
    let long = |buffer: &&mut Vec<u8>| buffer.capacity() > SCRIPT_TEXT_BYTES_KEPT;
    buffers.iter_mut().filter(long).for_each(|buffer| *buffer = Vec::new());
}

/// A message, with its variables in a cell: a function in a condition may change them.
pub(super) struct Live<'a> {
    batch: &'a Batch,
    message: &'a Message,
    variables: RefCell<&'a mut Variables>,
    runtime: &'a Runtime,
}

impl<'a> Live<'a> {
    #[inline]
    pub(super) const fn new(draft: &'a mut Draft<'_>, runtime: &'a Runtime) -> Self {
        let (batch, message, variables) = draft.parts();
        Self { batch, message, variables: RefCell::new(variables), runtime }
    }

    /// As [`Properties::set`] of a text, which may be one of the message's.
    pub(super) fn set_text(&self, variable: &Variable, text: &[u8]) {
        _ = self.variables.borrow_mut().set_text(variable, text);
    }
}

impl Properties for Live<'_> {
    #[inline]
    fn property<'s>(&'s self, property: Property, scratch: &'s mut Vec<u8>) -> &'s [u8] {
        let plain = View { batch: self.batch, message: self.message, variables: &Variables::NONE };
        if let Some(text) = plain.borrowed(property) {
            return text;
        }
        scratch.clear();
        self.with_view(&mut |view| view.write_property(property, scratch));
        scratch
    }

    #[inline]
    fn pri(&self) -> Pri {
        self.message.pri
    }

    #[inline]
    fn variables(&self) -> Held<'_> {
        Held::Shared(Ref::map(self.variables.borrow(), |variables| &**variables))
    }

    fn runtime(&self) -> Option<&Runtime> {
        Some(self.runtime)
    }

    fn tables(&self) -> Option<&Asked> {
        Some(&self.runtime.tables)
    }

    fn with_view(&self, f: &mut dyn FnMut(View<'_>)) {
        let variables = self.variables.borrow();
        f(View { batch: self.batch, message: self.message, variables: &variables });
    }

    fn set(&self, variable: &Variable, value: json::Value) {
        _ = self.variables.borrow_mut().set(variable, value);
    }
}
