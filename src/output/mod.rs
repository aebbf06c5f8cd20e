//! Floor 7: outputs. Each module has its parameter table, its task, its counters, its tests.
//!
//! The engine's shards render and frame; a [`crate::queue::Chunk`] that arrives here is bytes to
//! deliver in order. A task takes chunks, delivers them, and gives each back when the target has
//! it all ([`crate::queue::Receiver::done`]); it ends when all senders are gone and the queue is
//! empty. At a stop it goes on delivering until the engine aborts it, which counts what is left.

mod blocking;
pub mod common;
mod errors;
pub mod file;
pub mod forward;
pub mod journal;
pub mod pipe;
pub mod program;
pub mod relp;
mod stats;
pub mod stdout;
mod task;
#[cfg(test)]
mod testing;
pub mod user;
pub mod uxsock;

pub use errors::ErrorFile;
pub use stats::CacheStats;
pub use stats::OutputStats;
pub use task::Fallback;
pub use task::Task;
pub(crate) use task::wait_or_stop;

use crate::base::diag::Diagnostic;
use crate::base::diag::Diagnostics;
use crate::base::limits;
use crate::config::ast::Object;
use crate::config::module::Availability;
use crate::config::module::Module;
use crate::config::module::Role;
use crate::config::module::short_name;
use crate::config::param::Spec;
use crate::net::Family;
use crate::output::common::Common;
use crate::output::file::FileDefaults;
use crate::output::file::FileSpec;
use crate::output::file::FileTarget;
use crate::output::forward::ForwardSpec;
use crate::output::journal::JournalSpec;
use crate::output::pipe::PipeSpec;
use crate::output::program::ProgramSpec;
use crate::output::relp::RelpSpec;
use crate::output::stdout::StdoutSpec;
use crate::output::user::UserSpec;
use crate::output::uxsock::UxSockSpec;
use crate::queue;
use crate::queue::Framing;
use crate::queue::Taken;

/// What `global()` and `module()` objects set for all actions.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// `rsyslogd -4`, `-6`.
    pub family: Family,
    /// `global(maxMessageSize=)`.
    pub message_bytes: usize,
    /// `module(load="builtin:omfwd" template=)`.
    pub forward_template: String,
    /// `module(load="builtin:omfile" …)`.
    pub file: FileDefaults,
    /// `module(load="builtin:ompipe" template=)`.
    pub pipe_template: String,
    /// `module(load="omuxsock" template=)`.
    pub uxsock_template: String,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            family: Family::Any,
            message_bytes: limits::MESSAGE_BYTES_DEFAULT,
            forward_template: forward::DEFAULT_TEMPLATE.to_owned(),
            file: FileDefaults::default(),
            pipe_template: pipe::DEFAULT_TEMPLATE.to_owned(),
            uxsock_template: uxsock::DEFAULT_TEMPLATE.to_owned(),
        }
    }
}

impl Defaults {
    /// Takes a `module(load="builtin:…" …)` object of an output module in. False if no output of
    /// that name is known (nothing is complained of then).
    pub fn apply(&mut self, object: &Object, diags: &mut Diagnostics) -> bool {
        let Some((module, _)) = object.text("load") else { return false };
        match short_name(&module).to_ascii_lowercase().as_str() {
            forward::NAME => {
                let params = forward::MODULE.check_load(object, diags);
                if let Some(template) = params.str("template") {
                    template.clone_into(&mut self.forward_template);
                }
            }
            file::NAME => {
                let params = file::MODULE.check_load(object, diags);
                self.file.apply(&params, diags);
            }
            pipe::NAME => {
                let params = pipe::MODULE.check_load(object, diags);
                if let Some(template) = params.str("template") {
                    template.clone_into(&mut self.pipe_template);
                }
            }
            uxsock::NAME => {
                // It has to be loaded as well, and whoever does that complains of it.
                let params = uxsock::MODULE.check_load(object, &mut Diagnostics::default());
                if let Some(template) = params.str("template") {
                    template.clone_into(&mut self.uxsock_template);
                }
                return false;
            }
            user::NAME => drop(user::MODULE.check_load(object, diags)),
            stdout::NAME | DISCARD => {}
            _ => return false,
        }
        true
    }
}

/// The tables of an action: its module's, and what all have.
pub fn tables(module: &Module) -> Vec<&'static [Spec]> {
    [module.instance, &[common::PARAMS, queue::params::PARAMS]].concat()
}

/// The name under which `stop`'s older form (`~`) may appear as an action.
const DISCARD: &str = "omdiscard";

/// An action, ready to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputSpec {
    Forward(Box<ForwardSpec>),
    File(Box<FileSpec>),
    Stdout(StdoutSpec),
    Relp(Box<RelpSpec>),
    Pipe(Box<PipeSpec>),
    Program(Box<ProgramSpec>),
    User(Box<UserSpec>),
    UxSock(Box<UxSockSpec>),
    Journal(Box<JournalSpec>),
    /// Takes messages and does nothing with them.
    Discard(Common),
}

impl OutputSpec {
    /// Makes an `action()` object into what can run; `None` if it cannot: complained of, unless it
    /// is none of [`MODULES`].
    pub fn compile(object: &Object, defaults: &Defaults, diags: &mut Diagnostics) -> Option<Self> {
        let Some((module, _)) = object.text("type") else {
            diags.push(
                Diagnostic::error(object.loc, "action without a 'type'")
                    .help("name the output module: type=\"omfwd\""),
            );
            return None;
        };
        match module.to_ascii_lowercase().as_str() {
            forward::NAME => {
                let params = forward::MODULE.check(object, &tables(&forward::MODULE), diags);
                ForwardSpec::compile(&params, defaults, diags).map(Box::new).map(Self::Forward)
            }
            file::NAME => {
                let params = file::MODULE.check(object, &tables(&file::MODULE), diags);
                FileSpec::compile(&params, defaults, diags).map(Box::new).map(Self::File)
            }
            stdout::NAME => {
                let params = stdout::MODULE.check(object, &tables(&stdout::MODULE), diags);
                StdoutSpec::compile(&params, diags).map(Self::Stdout)
            }
            relp::NAME => {
                let params = relp::MODULE.check(object, &tables(&relp::MODULE), diags);
                RelpSpec::compile(&params, defaults, diags).map(Box::new).map(Self::Relp)
            }
            pipe::NAME => {
                let params = pipe::MODULE.check(object, &tables(&pipe::MODULE), diags);
                let spec = PipeSpec::compile(&params, object.legacy, defaults, diags);
                spec.map(Box::new).map(Self::Pipe)
            }
            program::NAME => {
                let params = program::MODULE.check(object, &tables(&program::MODULE), diags);
                ProgramSpec::compile(&params, diags).map(Box::new).map(Self::Program)
            }
            user::NAME => {
                let params = user::MODULE.check(object, &tables(&user::MODULE), diags);
                UserSpec::compile(&params, diags).map(Box::new).map(Self::User)
            }
            uxsock::NAME => {
                let params = uxsock::MODULE.check(object, &tables(&uxsock::MODULE), diags);
                UxSockSpec::compile(&params, defaults, diags).map(Box::new).map(Self::UxSock)
            }
            journal::NAME => {
                let params = journal::MODULE.check(object, &tables(&journal::MODULE), diags);
                JournalSpec::compile(&params, diags).map(Box::new).map(Self::Journal)
            }
            DISCARD => {
                let params = DISCARD_MODULE.check(object, &tables(&DISCARD_MODULE), diags);
                Common::compile(&params, diags).map(Self::Discard)
            }
            _ => None,
        }
    }

    /// The module's name.
    #[must_use]
    pub const fn module(&self) -> &'static str {
        match self {
            Self::Forward(_) => forward::NAME,
            Self::File(_) => file::NAME,
            Self::Stdout(_) => stdout::NAME,
            Self::Relp(_) => relp::NAME,
            Self::Pipe(_) => pipe::NAME,
            Self::Program(_) => program::NAME,
            Self::User(_) => user::NAME,
            Self::UxSock(_) => uxsock::NAME,
            Self::Journal(_) => journal::NAME,
            Self::Discard(_) => DISCARD,
        }
    }

    #[must_use]
    pub const fn common(&self) -> &Common {
        match self {
            Self::Forward(spec) => &spec.common,
            Self::File(spec) => &spec.common,
            Self::Stdout(spec) => &spec.common,
            Self::Relp(spec) => &spec.common,
            Self::Pipe(spec) => &spec.common,
            Self::Program(spec) => &spec.common,
            Self::User(spec) => &spec.common,
            Self::UxSock(spec) => &spec.common,
            Self::Journal(spec) => &spec.common,
            Self::Discard(common) => common,
        }
    }

    const fn common_mut(&mut self) -> &mut Common {
        match self {
            Self::Forward(spec) => &mut spec.common,
            Self::File(spec) => &mut spec.common,
            Self::Stdout(spec) => &mut spec.common,
            Self::Relp(spec) => &mut spec.common,
            Self::Pipe(spec) => &mut spec.common,
            Self::Program(spec) => &mut spec.common,
            Self::User(spec) => &mut spec.common,
            Self::UxSock(spec) => &mut spec.common,
            Self::Journal(spec) => &mut spec.common,
            Self::Discard(common) => common,
        }
    }

    /// Where mark messages are left out: they come every so many seconds, or never.
    pub fn marks_every(&mut self, interval: Option<i64>) {
        let gap = &mut self.common_mut().gate.mark_gap;
        *gap = gap.and(interval).map(|seconds| seconds / 2);
    }

    /// Whether both do the same with the same messages, whatever they are called.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let nameless = |spec: &Self| {
            let mut spec = spec.clone();
            spec.common_mut().name = None;
            spec
        };
        nameless(self) == nameless(other)
    }

    /// The template that renders this output's messages; `None` if it needs no rendering.
    #[must_use]
    pub fn template(&self) -> Option<&str> {
        match self {
            Self::Forward(spec) => Some(&spec.template),
            Self::File(spec) => Some(&spec.template),
            Self::Stdout(spec) => Some(&spec.template),
            Self::Relp(spec) => Some(&spec.template),
            Self::Pipe(spec) => Some(&spec.template),
            Self::Program(spec) => Some(&spec.template),
            Self::User(spec) => Some(&spec.template),
            Self::UxSock(spec) => Some(&spec.template),
            Self::Journal(spec) => Some(&spec.template),
            Self::Discard(_) => None,
        }
    }

    /// The template that makes the name of the file each message goes to.
    #[must_use]
    pub fn dyna_file(&self) -> Option<&str> {
        match self {
            Self::File(spec) => match &spec.target {
                FileTarget::Dynamic { template, .. } => Some(template),
                FileTarget::Fixed(_) => None,
            },
            _ => None,
        }
    }

    /// Bytes that are taken and not given back while they wait for more: a queue that has just room
    /// for these would have nothing to give.
    #[must_use]
    pub fn gathers(&self) -> usize {
        match self {
            Self::File(spec) => spec.gathers(),
            _ => 0,
        }
    }

    /// Where messages go, as people write it; `file_name` is what [`Self::dyna_file`] made.
    #[must_use]
    pub fn target(&self, file_name: &str) -> String {
        match self {
            Self::Forward(spec) => {
                let protocol = match spec.protocol {
                    forward::Protocol::Tcp => "tcp",
                    forward::Protocol::Udp(_) => "udp",
                };
                let target = |(host, port): &(String, String)| format!("{protocol}:{host}:{port}");
                spec.targets.iter().map(target).collect::<Vec<_>>().join(" or ")
            }
            Self::File(spec) => match &spec.target {
                FileTarget::Fixed(path) => path.display().to_string(),
                FileTarget::Dynamic { .. } => file_name.to_owned(),
            },
            Self::Stdout(_) => "stdout".to_owned(),
            Self::Relp(spec) => format!("relp:{}:{}", spec.target, spec.port),
            Self::Pipe(spec) => format!("pipe:{}", spec.path.display()),
            Self::Program(spec) => format!("program:{}", spec.binary.display()),
            Self::User(spec) => format!("terminals:{}", spec.users),
            Self::UxSock(spec) => format!("unix:{}", spec.socket),
            Self::Journal(spec) => format!("journal:{}", spec.socket),
            Self::Discard(_) => String::new(),
        }
    }

    /// What is done to each rendered message, with [`crate::queue::frame`].
    #[must_use]
    pub const fn framing(&self) -> Framing {
        match self {
            Self::Forward(spec) => spec.framing,
            Self::Stdout(spec) => spec.framing,
            Self::Relp(_) => RelpSpec::FRAMING,
            Self::Program(_) => ProgramSpec::FRAMING,
            Self::File(spec) => spec.framing,
            _ => Framing::NONE,
        }
    }

    /// Whether all that it holds is back in its queue once its future is dropped: no thread that
    /// may hang has any of it.
    const fn gives_back(&self) -> bool {
        match self {
            Self::Forward(_) | Self::Relp(_) | Self::Discard(_) => true,
            Self::File(_)
            | Self::Pipe(_)
            | Self::Program(_)
            | Self::Stdout(_)
            | Self::User(_)
            | Self::UxSock(_)
            | Self::Journal(_) => false,
        }
    }

    /// Delivers until the task's queue has ended; in a stop, until the target fails, or says
    /// nothing more, and the disk can keep what is left. Dropping the future gives up what is left.
    pub async fn run(self, task: Task) {
        let (stats, signals) = (task.stats.clone(), task.signals.clone());
        let left = task::left(task.queue.suspension(), stats, signals, self.gives_back());
        let deliver = Box::pin(self.deliver(task));
        tokio::select! {
            biased;
            () = deliver => {}
            () = left => {}
        }
    }

    async fn deliver(self, task: Task) {
        match self {
            Self::Forward(spec) => forward::run(*spec, task).await,
            Self::File(spec) => file::run(*spec, task).await,
            Self::Stdout(spec) => stdout::run(spec, task).await,
            Self::Relp(spec) => relp::run(*spec, task).await,
            Self::Pipe(spec) => pipe::run(*spec, task).await,
            Self::Program(spec) => program::run(*spec, task).await,
            Self::User(spec) => user::run(*spec, task).await,
            Self::UxSock(spec) => uxsock::run(*spec, task).await,
            Self::Journal(spec) => journal::run(*spec, task).await,
            Self::Discard(_) => discard(&task).await,
        }
    }
}

async fn discard(task: &Task) {
    let mut chunks = Taken::default();
    while task.queue.take(&mut chunks).await {
        for chunk in chunks.drain(..) {
            task.delivered(chunk);
        }
    }
}

/// The output modules that run.
pub static MODULES: &[&Module] = &[
    &forward::MODULE,
    &file::MODULE,
    &stdout::MODULE,
    &relp::MODULE,
    &pipe::MODULE,
    &program::MODULE,
    &user::MODULE,
    &uxsock::MODULE,
    &journal::MODULE,
    &DISCARD_MODULE,
];

static DISCARD_MODULE: Module = Module {
    name: DISCARD,
    role: Role::Output,
    doc: "Takes messages and does nothing with them.",
    availability: Availability::Ready,
    module: &[],
    instance: &[],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ast::ObjectKind;
    use crate::output::testing::object;

    #[test]
    fn module_parameters_are_defaults() {
        let mut defaults = Defaults::default();
        let mut diags = Diagnostics::default();
        let mut load = |params: &[(&str, &str)]| {
            defaults.apply(&object(ObjectKind::Module, params), &mut diags)
        };
        assert!(load(&[("load", "builtin:omfwd"), ("template", "T")]));
        assert!(load(&[
            ("load", "builtin:omfile"),
            ("fileCreateMode", "0640"),
            ("dirGroup", "root")
        ]));
        assert!(!load(&[("load", "imtcp")]));
        assert!(diags.all.is_empty());
        let mut compile = |params: &[(&str, &str)]| {
            let action = object(ObjectKind::Action, params);
            OutputSpec::compile(&action, &defaults, &mut diags).unwrap()
        };
        let forward = compile(&[("type", "omfwd"), ("target", "h")]);
        assert_eq!(forward.template(), Some("T"));
        let forward = compile(&[("type", "OmFwd"), ("target", "h"), ("template", "U")]);
        assert_eq!(forward.template(), Some("U"));
        let OutputSpec::File(file) = compile(&[("type", "omfile"), ("file", "/x")]) else {
            panic!("not a file");
        };
        assert_eq!((file.creation.file_mode, file.creation.dir_group), (0o640, Some(0)));
    }

    #[test]
    fn tables_name_everything_once() {
        for module in MODULES {
            let mut names: Vec<String> =
                tables(module).into_iter().flatten().map(|s| s.name.to_lowercase()).collect();
            let all = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), all);
        }
    }
}
