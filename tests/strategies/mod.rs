//! Random names, sorts, payloads and types, for every test that says "for all types".
//!
//! A strategy draws a small tree without meaning (a [`Sketch`]) and a builder makes a valid type of
//! it: variables go to some binder that is guarded there, a branch that repeats another one is left
//! out. So every value is valid, and shrinking works on the sketch.
#![allow(dead_code, unreachable_pub)]

pub mod value;

use std::collections::BTreeSet;

use antiphon::types::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::FileFailurePersistence;

/// How large a random type may become.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Choices and binders inside each other.
    pub depth: u32,
    /// Nodes, about.
    pub nodes: u32,
    /// Branches of a choice.
    pub width: usize,
    /// Roles or partners.
    pub roles: usize,
    /// Different labels.
    pub labels: usize,
    /// Arguments of a message.
    pub args: usize,
}

impl Size {
    /// For runs of some hundred cases.
    pub const SMALL: Self = Self { depth: 7, nodes: 40, width: 3, roles: 4, labels: 4, args: 3 };
    /// For explorations of the state space.
    pub const TINY: Self = Self { depth: 5, nodes: 16, width: 2, roles: 3, labels: 3, args: 0 };
}

/// So many cases; what fails is kept beside the test.
pub fn cases(count: u32) -> ProptestConfig {
    let file = FileFailurePersistence::WithSource("proptest-regressions");
    ProptestConfig {
        failure_persistence: Some(Box::new(file)),
        ..ProptestConfig::with_cases(count)
    }
}

/// Any name, up to the longest.
pub fn name() -> impl Strategy<Value = Name> {
    prop_oneof![8 => "[a-zA-Z_][a-zA-Z0-9_]{0,8}", 1 => "[a-z_][a-zA-Z0-9_]{0,254}"]
        .prop_map(|text| Name::new(&text).expect("the pattern is that of names"))
}

/// The role at `index`: `A`, `B`, …
pub fn role(index: usize) -> Name {
    let letter = char::from(b'A' + u8::try_from(index % 26).expect("26 letters"));
    let text = if index < 26 { letter.to_string() } else { format!("{letter}{}", index / 26) };
    Name::new(&text).expect("a letter is a name")
}

/// Any sort; its `chan`s are of small local types.
pub fn sort() -> impl Strategy<Value = Sort> {
    sort_with(3, prop_oneof![9 => flat_sort(), 1 => chan(flat_sort().boxed())].boxed())
}

/// Any sort without `chan`.
pub fn data_sort() -> impl Strategy<Value = Sort> {
    sort_with(4, flat_sort().boxed())
}

/// A sort without parts.
pub fn flat_sort() -> impl Strategy<Value = Sort> {
    let named = select(vec!["Money", "Date", "T"]).prop_map(|text| Name::new(text).unwrap());
    prop_oneof![
        Just(SortNode::Int),
        Just(SortNode::Nat),
        Just(SortNode::Bool),
        Just(SortNode::String),
        Just(SortNode::Unit),
        Just(SortNode::Float),
        Just(SortNode::Bytes),
        named.prop_map(SortNode::Named),
    ]
    .prop_map(Sort::leaf)
}

fn chan(inner: BoxedStrategy<Sort>) -> impl Strategy<Value = Sort> {
    let size = Size { depth: 3, nodes: 6, width: 2, roles: 2, labels: 3, args: 1 };
    local_with(size, payload_of(inner, size.args).boxed())
        .prop_map(|local| Sort::leaf(SortNode::Chan(Box::new(local))))
}

fn sort_with(depth: u32, leaf: BoxedStrategy<Sort>) -> impl Strategy<Value = Sort> {
    leaf.prop_recursive(depth, 12, 3, |inner| {
        let field = (select(vec!["x", "y", "zip", "end"]), inner.clone());
        prop_oneof![
            inner.clone().prop_map(|item| Sort::list(&item)),
            inner.prop_map(|item| Sort::optional(&item)),
            vec(field, 0..4).prop_map(|fields| {
                Sort::record(fields.into_iter().map(|(name, s)| (Name::new(name).unwrap(), s)))
            }),
        ]
    })
}

/// Up to `args` arguments, named or not, of any sort.
pub fn payload(args: usize) -> impl Strategy<Value = Payload> {
    payload_of(sort().boxed(), args)
}

fn payload_of(sort: BoxedStrategy<Sort>, args: usize) -> impl Strategy<Value = Payload> {
    let arg = (proptest::option::of(select(vec!["a", "b", "price", "to"])), sort);
    let args = prop_oneof![vec(arg.clone(), 0..=0), vec(arg, 0..=args)];
    args.prop_map(|args| {
        let mut known = BTreeSet::new();
        let distinct = args.into_iter().filter(|(name, _)| name.is_none_or(|n| known.insert(n)));
        Payload::new(distinct.map(|(name, sort)| (name.map(|n| Name::new(n).unwrap()), sort)))
    })
}

/// A tree without meaning, from which a type is built.
#[derive(Debug, Clone)]
pub enum Sketch {
    /// Nothing more.
    End,
    /// One of the binders that are guarded here, if there is one.
    Var(usize),
    /// A binder, by the place of its name among a few, so that names are shadowed.
    Rec(usize, Box<Sketch>),
    /// Who acts (or which way), and partner, label, payload and continuation of each branch.
    Choice(usize, Vec<(usize, usize, Payload, Sketch)>),
}

/// A sketch whose payloads come from `payload`.
pub fn sketch(size: Size, payload: BoxedStrategy<Payload>) -> impl Strategy<Value = Sketch> {
    let width = u32::try_from(size.width).expect("a few");
    let rec = |(name, body)| Sketch::Rec(name, Box::new(body));
    let leaf = prop_oneof![1 => Just(Sketch::End), 4 => (0..4usize).prop_map(Sketch::Var)];
    let tree = leaf.prop_recursive(size.depth, size.nodes, width, move |inner| {
        let branch = (0..size.roles, 0..size.labels, payload.clone(), inner.clone());
        let choice = (0..size.roles, vec(branch, 1..=size.width))
            .prop_map(|(head, branches)| Sketch::Choice(head, branches));
        prop_oneof![
            1 => (0..3usize, inner).prop_map(rec),
            3 => (0..3usize, choice.clone()).prop_map(rec),
            5 => choice,
        ]
    });
    // A variable without a binder around it is an end: without these loops would be rare.
    prop_oneof![1 => tree.clone(), 3 => (0..3usize, tree).prop_map(rec)]
}

/// Makes a draft of a sketch. `head` gives the head of a choice, `peer` the partner under that
/// head.
struct Builder<'a, H> {
    draft: Draft<H>,
    /// The enclosing binders, and how many choices enclose each.
    scopes: Vec<(DraftId, usize)>,
    actions: usize,
    head: &'a dyn Fn(usize) -> H,
    peer: &'a dyn Fn(usize, usize) -> Name,
}

impl<H: antiphon::types::tree::Head> Builder<'_, H> {
    fn build(&mut self, sketch: &Sketch) -> DraftId {
        match sketch {
            Sketch::End => self.draft.end(Span::NONE),
            Sketch::Var(number) => {
                let guarded = |scope: &&(DraftId, usize)| scope.1 < self.actions;
                let binders: Vec<DraftId> =
                    self.scopes.iter().filter(guarded).map(|scope| scope.0).collect();
                match binders.len() {
                    0 => self.draft.end(Span::NONE),
                    count => self.draft.back(binders[number % count], Span::NONE),
                }
            }
            Sketch::Rec(name, body) => {
                let name = Name::new(["X", "Y", "Loop"][name % 3]).unwrap();
                let at = self.draft.reserve(Span::NONE);
                self.scopes.push((at, self.actions));
                let body = self.build(body);
                self.scopes.pop();
                self.draft.set_rec(at, name, body);
                at
            }
            Sketch::Choice(head, branches) => self.choice(*head, branches),
        }
    }

    fn choice(&mut self, head: usize, list: &[(usize, usize, Payload, Sketch)]) -> DraftId {
        self.actions += 1;
        let mut known = BTreeSet::new();
        let mut branches = Vec::new();
        for (peer, label, payload, next) in list {
            let peer = (self.peer)(head, *peer);
            let label = Name::new(&format!("l{label}")).unwrap();
            if known.insert((peer.clone(), label.clone())) {
                let next = self.build(next);
                let payload = payload.clone();
                branches.push(DraftBranch { peer, label, payload, next, span: Span::NONE });
            }
        }
        self.actions -= 1;
        self.draft.choice((self.head)(head), branches, Span::NONE)
    }
}

fn local_of(sketch: &Sketch, peers: &[Name]) -> LocalType {
    let head = |h: usize| if h.is_multiple_of(2) { Direction::Send } else { Direction::Receive };
    let peer = |_, peer: usize| peers[peer % peers.len()].clone();
    let draft = Draft::default();
    let mut builder = Builder { draft, scopes: Vec::new(), actions: 0, head: &head, peer: &peer };
    let root = builder.build(sketch);
    LocalType::from_draft(&builder.draft, root).expect("a sketch becomes a type")
}

/// Any local type: choices over several partners, nested recursion, shadowed names.
pub fn local(size: Size) -> impl Strategy<Value = LocalType> {
    local_with(size, payload(size.args).boxed())
}

/// Any local type with payloads from `payload`.
pub fn local_with(size: Size, payload: BoxedStrategy<Payload>) -> impl Strategy<Value = LocalType> {
    let peers: Vec<Name> = (0..size.roles).map(role).collect();
    sketch(size, payload).prop_map(move |sketch| local_of(&sketch, &peers))
}

/// Any set of local types; each speaks of the others, and nothing says that they fit.
pub fn locals(size: Size) -> impl Strategy<Value = LocalTypes> {
    let payload = payload(size.args).boxed();
    vec(sketch(size, payload), 2..=size.roles.max(2)).prop_map(|sketches| {
        let names: Vec<Name> = (0..sketches.len()).map(role).collect();
        let role = |(own, sketch): (usize, &Sketch)| {
            let others: Vec<Name> =
                names.iter().filter(|name| **name != names[own]).cloned().collect();
            (names[own].clone(), local_of(sketch, &others))
        };
        let roles: Vec<_> = sketches.iter().enumerate().map(role).collect();
        LocalTypes::new(roles).expect("every partner is declared").0
    })
}

/// Any global type, implementable or not.
pub fn global(size: Size) -> impl Strategy<Value = GlobalType> {
    let payload = payload(size.args).boxed();
    (select(vec!["P", "Q", "Main"]), 2..=size.roles.max(2), sketch(size, payload)).prop_map(
        |(name, count, sketch)| {
            let head = |sender: usize| role(sender % count);
            let peer = |sender: usize, peer: usize| {
                role((sender % count + 1 + peer % (count - 1)) % count)
            };
            let draft = Draft::default();
            let mut builder =
                Builder { draft, scopes: Vec::new(), actions: 0, head: &head, peer: &peer };
            let root = builder.build(&sketch);
            let roles = (0..count).map(|index| (role(index), Span::NONE)).collect();
            GlobalType::from_draft(Name::new(name).unwrap(), roles, &builder.draft, root)
                .expect("a sketch becomes a type")
                .0
        },
    )
}
