//! Local types for readers who trust nothing: boxed trees with text in them, unfolded by putting
//! copies in the place of variables. Slow and obvious; what the tables are compared with.
#![allow(dead_code, unreachable_pub)]

pub mod compose;
pub mod composition;
pub mod global;
pub mod model;
pub mod script;

use antiphon::types::{Direction, LocalType, Node, NodeId, Sort};

/// A local type as it is written on paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    End,
    Var(String),
    Rec(String, Box<Type>),
    Choice(Direction, Vec<Branch>),
}

/// One branch of a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    pub peer: String,
    pub label: String,
    pub sort: Sort,
    pub next: Type,
}

impl Branch {
    /// `q!l(S)`.
    pub fn shown(&self, direction: Direction) -> String {
        format!("{}{}{}({})", self.peer, direction.symbol(), self.label, self.sort)
    }
}

impl Type {
    pub fn of(local: &LocalType) -> Self {
        Self::at(local, NodeId::ROOT)
    }

    fn at(local: &LocalType, id: NodeId) -> Self {
        let tree = local.tree();
        match tree.node(id) {
            Node::End => Self::End,
            Node::Rec(name, body) => Self::Rec(name.to_string(), Box::new(Self::at(local, *body))),
            Node::Var(binder) => match tree.node(*binder) {
                Node::Rec(name, _) => Self::Var(name.to_string()),
                other => panic!("a variable of {other:?}"),
            },
            Node::Choice(direction, range) => {
                let branch = |branch: &antiphon::types::Branch| Branch {
                    peer: branch.peer.to_string(),
                    label: branch.label.to_string(),
                    sort: branch.payload.sort().clone(),
                    next: Self::at(local, branch.next),
                };
                Self::Choice(*direction, tree.branches_of(range).iter().map(branch).collect())
            }
        }
    }

    /// `self[name := with]`; `with` is closed, so nothing is captured.
    fn substituted(&self, name: &str, with: &Self) -> Self {
        match self {
            Self::Var(var) if var == name => with.clone(),
            Self::End | Self::Var(_) => self.clone(),
            Self::Rec(inner, _) if inner == name => self.clone(),
            Self::Rec(inner, body) => {
                Self::Rec(inner.clone(), Box::new(body.substituted(name, with)))
            }
            Self::Choice(direction, branches) => {
                let branch = |branch: &Branch| Branch {
                    next: branch.next.substituted(name, with),
                    ..branch.clone()
                };
                Self::Choice(*direction, branches.iter().map(branch).collect())
            }
        }
    }

    /// `rec X . T` becomes `T[X := rec X . T]` until an action or the end stands in front.
    pub fn unfolded(&self) -> Self {
        let mut unfolded = self.clone();
        while let Self::Rec(name, body) = &unfolded {
            unfolded = body.substituted(name, &unfolded);
        }
        unfolded
    }

    /// Which way it goes next, and how; nothing at the end.
    pub fn choices(&self) -> Vec<(Direction, Branch)> {
        match self.unfolded() {
            Self::Choice(direction, branches) => {
                branches.into_iter().map(|branch| (direction, branch)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What is legal, as a sorted list of texts.
    pub fn legal(&self) -> Vec<String> {
        let mut legal: Vec<String> =
            self.choices().iter().map(|(direction, branch)| branch.shown(*direction)).collect();
        legal.sort();
        legal
    }
}
