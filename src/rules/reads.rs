//! Whether anything in the rules reads `$!`: inputs need not set there what nobody looks at.

use crate::message::Tree;
use crate::message::Variable;
use crate::rules::call::Call;
use crate::rules::ir::Arm;
use crate::rules::ir::Block;
use crate::rules::ir::Expr;
use crate::rules::ir::Leaf;
use crate::rules::ir::Node;
use crate::rules::ir::Test;
use crate::rules::program::Program;
use crate::rules::program::Programs;

impl Programs {
    /// Whether any rule may read `$!`; what its actions render is another question. Whoever sets a
    /// variable does not read it.
    #[must_use]
    pub fn read_message_tree(&self) -> bool {
        self.programs.iter().any(Program::reads)
    }
}

impl Program {
    fn reads(&self) -> bool {
        block(&self.nodes) || self.predicates.iter().any(test)
    }
}

fn block(nodes: &Block) -> bool {
    nodes.iter().any(|placed| node(&placed.node))
}

fn node(node: &Node) -> bool {
    match node {
        Node::Action(_) | Node::Call(_) | Node::Enqueue(_) | Node::Stop => false,
        Node::Choice { arms, otherwise } => arms.iter().any(arm) || block(otherwise),
        Node::Guard(guard) => arm(guard),
        Node::Change(change) => change.value.as_ref().is_some_and(expr),
        Node::Modify(modifier) => modifier.reads_message_tree(),
        Node::Foreach { each, body } => expr(&each.collection) || block(body),
        Node::Indirect(name) => expr(name),
        Node::Reload(reload) => reload.stub.as_ref().is_some_and(expr),
    }
}

fn arm(arm: &Arm) -> bool {
    test(&arm.test) || block(&arm.then)
}

fn test<O>(of: &Test<O>) -> bool {
    match of {
        // What stands for a test of the source is among the program's predicates.
        Test::Const(_) | Test::Pri(_) | Test::Origin(_) => false,
        Test::Leaf(leaf) => match &**leaf {
            Leaf::Exists(of) => variable(of),
            leaf => leaf.operands().into_iter().any(expr),
        },
        Test::Not(inner) => test(inner),
        Test::And(all) | Test::Or(all) => all.iter().any(test),
    }
}

fn expr(of: &Expr) -> bool {
    match of {
        Expr::Number(_) | Expr::Text(_) => false,
        Expr::Property(property) => property.reads_message_tree(),
        Expr::Variable(of) => variable(of),
        Expr::Concat(parts) => parts.iter().any(expr),
        Expr::Arithmetic(_, sides) => sides.iter().any(expr),
        Expr::Negate(inner)
        | Expr::Lowercase(inner)
        | Expr::Length(inner)
        | Expr::ToNumber(inner)
        | Expr::ToText(inner) => expr(inner),
        Expr::Test(inner) => test(inner),
        Expr::Call(of) => call(of),
    }
}

fn call(call: &Call) -> bool {
    call.routine.reads_message_tree() || call.args.iter().any(expr)
}

fn variable(variable: &Variable) -> bool {
    variable.tree == Tree::Message
}
