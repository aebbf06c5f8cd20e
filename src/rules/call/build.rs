//! From the name and the arguments as they are written to a call.

use std::sync::Arc;

use crate::base::diag::Diagnostic;
use crate::base::posix::Expression;
use crate::base::posix::Syntax;
use crate::config::ast;
use crate::config::ast::ExprKind;
use crate::config::ast::Word;
use crate::rules::Resolver;
use crate::rules::call::Call;
use crate::rules::call::Plain;
use crate::rules::call::Routine;
use crate::rules::call::cef;
use crate::rules::call::error;
use crate::rules::call::hash;
use crate::rules::call::json;
use crate::rules::call::json::ExecTemplate;
use crate::rules::call::json::GetProperty;
use crate::rules::call::net;
use crate::rules::call::number;
use crate::rules::call::regex::Extract;
use crate::rules::call::tables::Increment;
use crate::rules::call::tables::Lookup;
use crate::rules::call::tables::Observe;
use crate::rules::call::text;
use crate::rules::call::time;
use crate::rules::expression::Lowering;
use crate::rules::expression::Reported;
use crate::rules::functions::find;
use crate::rules::ir::Expr;

/// The functions that keep nothing, by name.
fn plain(name: &str) -> Option<Plain> {
    let families = [
        cef::ROUTINES,
        error::ROUTINES,
        hash::ROUTINES,
        json::ROUTINES,
        net::ROUTINES,
        number::ROUTINES,
        text::ROUTINES,
        time::ROUTINES,
    ];
    let mut all = families.into_iter().flatten();
    all.find(|(known, _)| *known == name).map(|(_, routine)| *routine)
}

impl Lowering<'_> {
    /// A call of a function that is no operator of its own in the program.
    pub(in crate::rules) fn routine(
        &mut self,
        name: &Word,
        args: &[ast::Expr],
        depth: usize,
    ) -> Result<Expr, Reported> {
        let routine = match plain(&name.text) {
            Some(plain) => Arc::new(plain),
            None => self.keeping(name, args)?,
        };
        // A constant that the routine keeps is no argument any more.
        let function = find(&name.text).ok_or(Reported)?;
        let kept = function.constant.map(|(at, _)| at);
        let args = args.iter().enumerate().filter(|(at, _)| kept != Some(*at));
        let args: Result<_, _> = args.map(|(_, arg)| self.value(arg, depth)).collect();
        Ok(Expr::Call(Box::new(Call { name: function.name, routine, args: args? })))
    }

    /// The functions that keep what a constant argument names.
    fn keeping(&mut self, name: &Word, args: &[ast::Expr]) -> Result<Arc<dyn Routine>, Reported> {
        Ok(match name.text.as_str() {
            "re_extract" => Arc::new(Extract { regex: regex(args, false)? }),
            "re_extract_i" => Arc::new(Extract { regex: regex(args, true)? }),
            "get_property" => {
                let named = matches!(args, [ast::Expr { kind: ExprKind::Variable(_), .. }, ..]);
                Arc::new(GetProperty { named })
            }
            "lookup" => {
                let table = self.named(args, |resolver, name| resolver.lookup_table(name))?;
                Arc::new(Lookup { handle: table })
            }
            "dyn_inc" => {
                let bucket = self.named(args, |resolver, name| resolver.dyn_stats(name))?;
                Arc::new(Increment {
                    bucket: Some(bucket).filter(|_| self.resolver.reports_stats()),
                })
            }
            "percentile_observe" => {
                let percentiles =
                    self.named(args, |resolver, name| resolver.percentile_stats(name))?;
                let percentiles = Some(percentiles).filter(|_| self.resolver.reports_stats());
                Arc::new(Observe { percentiles })
            }
            "exec_template" => {
                let template = self.named(args, |resolver, name| resolver.template(name))?;
                Arc::new(ExecTemplate { template })
            }
            "previous_action_suspended" => {
                self.resolver.watch_actions();
                Arc::new(json::PREVIOUS_ACTION_SUSPENDED)
            }
            _ => {
                let text = format!("function '{}' is not built yet", name.text);
                self.diags.push(Diagnostic::unbuilt(name.loc, text));
                return Err(Reported);
            }
        })
    }
}

impl Lowering<'_> {
    /// What the first argument names. That it is there has been checked; it may still be unusable,
    /// which was complained of where it stands.
    fn named<T>(
        &self,
        args: &[ast::Expr],
        find: impl FnOnce(&dyn Resolver, &str) -> Option<T>,
    ) -> Result<T, Reported> {
        let [ast::Expr { kind: ExprKind::Str(name), .. }, ..] = args else { return Err(Reported) };
        find(self.resolver, &name.to_string()).ok_or(Reported)
    }
}

/// The regular expression that stands as second argument; its faults have been complained of.
fn regex(args: &[ast::Expr], any_case: bool) -> Result<Expression, Reported> {
    let [_, ast::Expr { kind: ExprKind::Str(pattern), .. }, ..] = args else {
        return Err(Reported);
    };
    Expression::new(pattern, Syntax::Extended, any_case).map_err(|_| Reported)
}
