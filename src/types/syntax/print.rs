//! Global types as Scribble.

use core::fmt;

use crate::types::global::GlobalType;
use crate::types::name::Name;
use crate::types::tree::{Branch, Node, NodeId};

/// How many levels are set in; deeper ones stand at the same place, so that the text of a deep type
/// grows with its size and not with the square of it.
const INDENT_MAX: usize = 40;

/// What is still to be written.
enum Step<'a> {
    /// What follows, to the end of its block.
    Node(NodeId),
    /// One branch of a choice, from its message on.
    Branch(&'a Name, &'a Branch),
    /// `} or {`
    Or,
    /// `}`
    Close,
}

/// Writes lines, set in.
struct Lines<'a, 'b> {
    out: &'a mut fmt::Formatter<'b>,
    level: usize,
}

impl Lines<'_, '_> {
    fn line(&mut self, text: fmt::Arguments<'_>) -> fmt::Result {
        let width = 2 * self.level.min(INDENT_MAX);
        writeln!(self.out, "{:width$}{text}", "")
    }
}

impl fmt::Display for GlobalType {
    /// As a Scribble protocol of several lines, which is read back to the same type (TYPE-12).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "global protocol {}(", self.name())?;
        for (index, role) in self.roles().iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}role {role}")?;
        }
        f.write_str(") {\n")?;
        let mut lines = Lines { out: f, level: 1 };
        let mut stack = alloc::vec![Step::Close, Step::Node(NodeId::ROOT)];
        while let Some(step) = stack.pop() {
            match step {
                Step::Close => {
                    lines.level -= 1;
                    lines.line(format_args!("}}"))?;
                }
                Step::Or => {
                    lines.level -= 1;
                    lines.line(format_args!("}} or {{"))?;
                    lines.level += 1;
                }
                Step::Branch(sender, branch) => {
                    message(&mut lines, sender, branch)?;
                    stack.push(Step::Node(branch.next));
                }
                Step::Node(id) => node(self, id, &mut lines, &mut stack)?,
            }
        }
        Ok(())
    }
}

fn node<'a>(
    global: &'a GlobalType,
    id: NodeId,
    lines: &mut Lines<'_, '_>,
    stack: &mut alloc::vec::Vec<Step<'a>>,
) -> fmt::Result {
    let tree = global.tree();
    match tree.node(id) {
        Node::End => Ok(()),
        Node::Var(binder) => {
            let Node::Rec(name, _) = tree.node(*binder) else {
                unreachable!("a variable goes back to a binder");
            };
            lines.line(format_args!("continue {name};"))
        }
        Node::Rec(name, body) => {
            lines.line(format_args!("rec {name} {{"))?;
            lines.level += 1;
            stack.extend([Step::Close, Step::Node(*body)]);
            Ok(())
        }
        Node::Choice(sender, range) => match tree.branches_of(range) {
            [only] => {
                stack.push(Step::Branch(sender, only));
                Ok(())
            }
            branches => {
                lines.line(format_args!("choice at {sender} {{"))?;
                lines.level += 1;
                stack.push(Step::Close);
                for (index, branch) in branches.iter().enumerate().rev() {
                    stack.push(Step::Branch(sender, branch));
                    if index > 0 {
                        stack.push(Step::Or);
                    }
                }
                Ok(())
            }
        },
    }
}

fn message(lines: &mut Lines<'_, '_>, sender: &Name, branch: &Branch) -> fmt::Result {
    let Branch { peer, label, payload, .. } = branch;
    if payload.args().is_empty() {
        lines.line(format_args!("{label}() from {sender} to {peer};"))
    } else {
        lines.line(format_args!("{label}{payload} from {sender} to {peer};"))
    }
}
