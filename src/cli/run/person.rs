//! A role played by lines of standard input.

use std::io::{BufRead, Write};

use crate::machine::{EndpointView, Move, Send};
use crate::types::{Direction, LabelIx, Node, Protocol, RoleIx, SortNode, Value};
use crate::wire::json::read_value;

/// The longest line that is read, in bytes.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// What a line of input asks for.
pub(super) enum Line {
    /// To do this.
    Send(Send),
    /// Nothing that can be tried; this is why.
    Wrong(String),
    /// To see the legal moves again.
    Help,
    /// To stop.
    Quit,
}

/// Shows what is legal.
pub(super) fn prompt(out: &mut impl Write, endpoint: EndpointView<'_>) -> std::io::Result<()> {
    writeln!(out, "{} at position {}:", endpoint.name(), endpoint.position())?;
    for (index, legal) in endpoint.legal_moves().enumerate() {
        writeln!(out, "  {}  {legal}", index + 1)?;
    }
    Ok(())
}

/// A line of the input.
pub(super) enum Input {
    /// What it says.
    Line(String),
    /// It is longer than a line may be; all of it was passed over.
    TooLong,
    /// There is none any more.
    Ended,
}

/// Reads one line.
pub(super) fn read_line(input: &mut impl BufRead) -> std::io::Result<Input> {
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
pub(super) fn understand(protocol: &Protocol, endpoint: EndpointView<'_>, line: &str) -> Line {
    let moves: Vec<Move> = endpoint.legal_moves().collect();
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
        return send(protocol, endpoint, Some(&legal.peer), &legal.label, rest);
    }
    if let Some((peer, label)) = head.split_once('!') {
        return send(protocol, endpoint, Some(peer), label, rest);
    }
    if protocol.role(head).is_some() && protocol.label(head).is_none() {
        let (label, rest) = split(rest);
        return send(protocol, endpoint, Some(head), label, rest);
    }
    send(protocol, endpoint, None, head, rest)
}

/// The first word, and what stands behind it; brackets that follow the word at once are taken off.
fn split(line: &str) -> (&str, &str) {
    let end =
        line.find(|letter: char| letter.is_whitespace() || letter == '(').unwrap_or(line.len());
    let (head, rest) = line.split_at(end);
    let inner = rest.trim_end().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    (head, inner.unwrap_or(rest).trim())
}

fn send(
    protocol: &Protocol,
    endpoint: EndpointView<'_>,
    peer: Option<&str>,
    label: &str,
    value: &str,
) -> Line {
    let legal: Vec<Move> = endpoint.legal_moves().collect();
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
        (None, []) => match ever_sent_to(protocol, endpoint.role(), known) {
            Some(to) => to,
            None => return Line::Wrong(format!("`{}` never sends `{label}`", endpoint.name())),
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
    Line::Send(Send { role: endpoint.role(), to, label: known, value, at: None })
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
