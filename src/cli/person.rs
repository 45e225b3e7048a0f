//! A role played by lines of standard input, of a session here or of one elsewhere.

use std::io::{BufRead, Write};

use crate::machine::{EndpointView, Move, Send};
use crate::types::{Direction, LabelIx, Name, Node, Protocol, RoleIx, SortNode, Value};
use crate::wire::json::read_value;

/// The longest line that is read, in bytes.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// What a line of input asks for.
pub(in crate::cli) enum Line {
    /// To do this.
    Send(Send),
    /// Nothing that can be tried; this is why.
    Wrong(String),
    /// To see the legal moves again.
    Help,
    /// To stop.
    Quit,
}

/// What somebody can do as a role now.
pub(in crate::cli) struct Now<'a> {
    /// At least what the role itself does.
    pub(in crate::cli) protocol: &'a Protocol,
    pub(in crate::cli) role: RoleIx,
    pub(in crate::cli) position: u64,
    pub(in crate::cli) moves: Vec<Move>,
}

impl<'a> Now<'a> {
    /// Of a role of a session here.
    pub(in crate::cli) fn of(protocol: &'a Protocol, endpoint: EndpointView<'_>) -> Self {
        let (role, position) = (endpoint.role(), endpoint.position().0);
        Self { protocol, role, position, moves: endpoint.legal_moves().collect() }
    }

    fn name(&self) -> &'a Name {
        self.protocol.role_name(self.role)
    }
}

/// Shows what is legal.
pub(in crate::cli) fn prompt(out: &mut impl Write, now: &Now<'_>) -> std::io::Result<()> {
    writeln!(out, "{} at position {}:", now.name(), now.position)?;
    for (index, legal) in now.moves.iter().enumerate() {
        writeln!(out, "  {}  {legal}", index + 1)?;
    }
    Ok(())
}

/// A line of the input.
pub(in crate::cli) enum Input {
    /// What it says.
    Line(String),
    /// It is longer than a line may be; all of it was passed over.
    TooLong,
    /// There is none any more.
    Ended,
}

/// Reads one line.
pub(in crate::cli) fn read_line(input: &mut impl BufRead) -> std::io::Result<Input> {
    let mut bytes = Vec::new();
    let read = std::io::Read::take(&mut *input, LINE_BYTES_MAX).read_until(b'\n', &mut bytes)?;
    if read == 0 {
        return Ok(Input::Ended);
    }
    if read as u64 == LINE_BYTES_MAX && bytes.last() != Some(&b'\n') {
        input.skip_until(b'\n')?;
        return Ok(Input::TooLong);
    }
    Ok(Input::Line(String::from_utf8_lossy(&bytes).trim().to_owned()))
}

/// Understands a line: `2`, `label`, `label VALUE`, `Peer!label(VALUE)`, `Peer label VALUE`.
pub(in crate::cli) fn understand(now: &Now<'_>, line: &str) -> Line {
    let Now { protocol, moves, .. } = now;
    match line {
        "" | "?" | "help" => return Line::Help,
        "quit" | "exit" if moves.iter().all(|legal| legal.label != *line) => return Line::Quit,
        _ => {}
    }
    let (head, rest) = split(line);
    if let Ok(number) = head.parse::<usize>() {
        let Some(legal) = number.checked_sub(1).and_then(|index| moves.get(index)) else {
            return Line::Wrong(format!("there is no move {number}; there are {}", moves.len()));
        };
        return send(now, Some(&legal.peer), &legal.label, rest);
    }
    if let Some((peer, label)) = head.split_once('!') {
        return send(now, Some(peer), label, rest);
    }
    if protocol.role(head).is_some() && protocol.label(head).is_none() {
        let (label, rest) = split(rest);
        return send(now, Some(head), label, rest);
    }
    send(now, None, head, rest)
}

/// The first word, and what stands behind it; brackets that follow the word at once are taken off.
fn split(line: &str) -> (&str, &str) {
    let end =
        line.find(|letter: char| letter.is_whitespace() || letter == '(').unwrap_or(line.len());
    let (head, rest) = line.split_at(end);
    let inner = rest.trim_end().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    (head, inner.unwrap_or(rest).trim())
}

fn send(now: &Now<'_>, peer: Option<&str>, label: &str, value: &str) -> Line {
    let Now { protocol, role, moves: legal, .. } = now;
    let matches = |legal: &&Move| {
        legal.direction == Direction::Send
            && legal.label == *label
            && peer.is_none_or(|peer| legal.peer == *peer)
    };
    let found: Vec<&Move> = legal.iter().filter(matches).collect();
    let Some(known) = protocol.label(label) else {
        return Line::Wrong(format!(
            "the protocol has no message `{label}`; `?` shows what is legal"
        ));
    };
    let to = match (peer, &found[..]) {
        (Some(peer), _) => match protocol.role(peer) {
            Some(to) => to,
            None => return Line::Wrong(format!("the protocol has no role `{peer}`")),
        },
        (None, [only]) => protocol.role(&only.peer).unwrap_or(RoleIx::UNKNOWN),
        (None, []) => match ever_sent_to(protocol, *role, known) {
            Some(to) => to,
            None => return Line::Wrong(format!("`{}` never sends `{label}`", now.name())),
        },
        (None, several) => {
            let peers: Vec<&str> = several.iter().map(|legal| legal.peer.as_str()).collect();
            return Line::Wrong(format!("`{label}` to whom? Say `{}!{label}`", peers[0]));
        }
    };
    // An illegal move is put to the machine all the same: it says best why it is.
    let value = match found.first() {
        Some(legal) => match read_text(legal.payload.sort(), value) {
            Ok(value) => value,
            Err(error) => return Line::Wrong(format!("`{label}`: {error}")),
        },
        None => Value::Unit,
    };
    Line::Send(Send { role: *role, to, label: known, value, at: None })
}

/// To whom a role sends this label at some time, if it ever does.
fn ever_sent_to(protocol: &Protocol, role: RoleIx, label: LabelIx) -> Option<RoleIx> {
    let branches = protocol.local(role).tree();
    let name = protocol.label_name(label);
    let sends = branches.nodes().iter().filter_map(|node| match node {
        Node::Choice(Direction::Send, range) => Some(branches.branches_of(range)),
        _ => None,
    });
    let found = sends.flatten().find(|branch| branch.label == *name)?;
    protocol.role(&found.peer)
}

/// A value as JSON; a string may stand without its quotes, nothing is the unit.
fn read_text(sort: &crate::types::Sort, text: &str) -> Result<Value, crate::types::WrongSort> {
    let tree = match serde_json::from_str(text) {
        Ok(tree) => tree,
        Err(_) if text.is_empty() => serde_json::Value::Null,
        Err(_) => serde_json::Value::from(text),
    };
    match (sort.top(), &tree) {
        // `title 1984` is a string where a string is wanted.
        (SortNode::String, serde_json::Value::Number(_) | serde_json::Value::Bool(_)) => {
            Ok(Value::from(text))
        }
        _ => read_value(sort, &tree),
    }
}
