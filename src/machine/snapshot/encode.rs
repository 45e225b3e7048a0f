//! A session as bytes. Everything is taken apart by name, so that what a session gets new does not
//! compile until it is said here whether it is in a snapshot.
//!
//! Clauses: JSTO-15.

use alloc::vec::Vec;

use crate::machine::attachment::{Attachment, Attachments};
use crate::machine::edge::Queued;
use crate::machine::handler::Handlers;
use crate::machine::id::{Epoch, Tick};
use crate::machine::output::Status;
use crate::machine::ownership::{Holding, Ownership, Spread, Staged};
use crate::machine::policy::{Policed, Policies};
use crate::machine::receipt::Receipt;
use crate::machine::record::{
    self, Outcome, Recorded, Said, block, encode_owner, encode_predicate, encode_recipient,
    encode_scope, encode_site, encode_timeout, number, optional, text,
};
use crate::machine::remember::{Performed, Remembered, Ring};
use crate::machine::request::Origin;
use crate::machine::session::{Seldom, Session};
use crate::machine::site::Armed;
use crate::machine::token::Serials;
use crate::machine::witness::{Outstanding, Readiness, Ready, Watch};
use crate::types::{Name, canonical};

/// All of a session but what its snapshot says in front of it, and what follows from the rest.
pub(super) fn session(session: &Session, out: &mut Vec<u8>) {
    let Session {
        id: _,
        ownership,
        endpoints,
        edges,
        protocol: _,
        // These are counted anew.
        queued: _,
        running: _,
        path: _,
        checked,
        on_lost,
        tick,
        seldom,
        status,
        attachments,
    } = session;
    encode_status(status, out);
    out.push(u8::from(*checked) | on_lost.bits() << 1);
    number(tick.0, out);
    let Ownership { owner, generation, scope } = ownership;
    encode_owner(owner, out);
    number(generation.0, out);
    encode_scope(*scope, out);
    for endpoint in endpoints.iter() {
        let (state, position) = endpoint.now();
        number(state.0.into(), out);
        number(position.0, out);
    }
    for buffer in edges.iter() {
        let (sent, capacity, left) = buffer.parts();
        number(sent.0, out);
        number(capacity.into(), out);
        number(left.len() as u64, out);
        let mut bytes = Vec::new();
        for Queued { message, value } in left {
            number(message.0.into(), out);
            bytes.clear();
            canonical::encode(value, &mut bytes);
            block(&bytes, out);
        }
    }
    given(attachments.as_deref(), out, encode_attachments);
    let Some(seldom) = seldom.as_deref() else { return };
    // The log is what the snapshot stands behind.
    let Seldom { deadline, remembered, handlers, log: _, spread, outstanding, policies } = seldom;
    optional(deadline.map(|deadline| deadline.0), out);
    given(policies.as_ref(), out, encode_policies);
    given(remembered.as_ref(), out, encode_remembered);
    given(handlers.as_ref(), out, encode_handlers);
    given(spread.as_deref(), out, encode_spread);
    given(outstanding.as_deref(), out, encode_outstanding);
}

/// Something that may not be there.
fn given<T: ?Sized>(what: Option<&T>, out: &mut Vec<u8>, write: impl FnOnce(&T, &mut Vec<u8>)) {
    out.push(u8::from(what.is_some()));
    if let Some(what) = what {
        write(what, out);
    }
}

fn encode_status(status: &Status, out: &mut Vec<u8>) {
    match status {
        Status::Active => out.push(0),
        Status::Draining => out.push(1),
        Status::Closed => out.push(2),
        Status::Cancelled(reason) => {
            out.push(3);
            text(reason, out);
        }
        Status::Faulted(reason) => {
            out.push(4);
            text(reason, out);
        }
    }
}

fn encode_epoch(epoch: Epoch, out: &mut Vec<u8>) {
    number(epoch.fencing().into(), out);
    number(epoch.counter().into(), out);
}

fn encode_attachments(attachments: &Attachments, out: &mut Vec<u8>) {
    let Attachments { fencing, counter, entries } = attachments;
    number((*fencing).into(), out);
    number((*counter).into(), out);
    number(entries.len() as u64, out);
    for Attachment { role, epoch, generation } in entries {
        number(role.0.into(), out);
        encode_epoch(*epoch, out);
        number(generation.0, out);
    }
}

fn encode_policies(policies: &Policies, out: &mut Vec<u8>) {
    let Policies(policed) = policies;
    number(policed.len() as u64, out);
    for policed in policed {
        // What may be dropped follows from the protocol.
        let Policed { edge, policy, capacity_start, droppable: _, dropped, passed, seqs } = policed;
        let (kind, max) = policy.bytes();
        number(edge.0.into(), out);
        out.push(kind);
        number(max.into(), out);
        number((*capacity_start).into(), out);
        number(*dropped, out);
        number(passed.0, out);
        number(seqs.len() as u64, out);
        seqs.iter().for_each(|seq| number(seq.0, out));
    }
}

fn encode_remembered(remembered: &Remembered, out: &mut Vec<u8>) {
    let Remembered(rings) = remembered;
    for Ring { from, sends } in rings {
        optional(from.map(|from| from.0), out);
        number(sends.len() as u64, out);
        for Performed { at, edge, message, digest } in sends {
            number(at.0, out);
            number(edge.0.into(), out);
            number(message.0.into(), out);
            out.extend_from_slice(digest);
        }
    }
}

fn encode_handlers(handlers: &Handlers, out: &mut Vec<u8>) {
    // What was handed out is handed out again by another process.
    let Handlers { default, bound, delivered: _ } = handlers;
    let name = |name: &Name, out: &mut Vec<u8>| text(name, out);
    given(default.as_ref(), out, name);
    bound.iter().for_each(|bound| given(bound.as_ref(), out, name));
}

fn encode_spread(spread: &Spread, out: &mut Vec<u8>) {
    let Spread { last, holdings, staged, receipts, serials } = spread;
    number(last.0, out);
    number(receipts.0, out);
    number(holdings.len() as u64, out);
    for Holding { owner, generation, scope, issued, released, origin } in holdings {
        encode_owner(owner, out);
        number(generation.0, out);
        encode_scope(*scope, out);
        encode_scope(*issued, out);
        out.push(u8::from(*released));
        encode_origin(origin, Outcome::Issued(*generation), out);
    }
    number(staged.len() as u64, out);
    for Staged { receipt, expires, freeze, request, presented } in staged {
        let Receipt { session: _, id, from, generation, to, scope } = receipt;
        number(id.0, out);
        encode_owner(from, out);
        number(generation.0, out);
        encode_recipient(to, out);
        encode_scope(*scope, out);
        optional(expires.map(|expires| expires.0), out);
        out.push(u8::from(*freeze));
        number(request.0, out);
        encode_scope(*presented, out);
    }
    number(serials.len() as u64, out);
    for Serials { generation, issued, confirmed, refused: _ } in serials {
        number(generation.0, out);
        number(issued.0, out);
        number(confirmed.0, out);
    }
}

fn encode_origin(origin: &Origin, outcome: Outcome, out: &mut Vec<u8>) {
    match origin {
        Origin::Commit { request, receipt, from, generation, is_bearer } => {
            out.push(0);
            number(request.0, out);
            number(receipt.0, out);
            encode_owner(from, out);
            number(generation.0, out);
            out.push(u8::from(*is_bearer));
        }
        Origin::Other(input) => {
            out.push(1);
            let event = Recorded::Input((**input).clone());
            let mut bytes = Vec::new();
            record::encode(Tick(0), &event, outcome, &mut Said::default(), &mut bytes);
            block(&bytes, out);
        }
    }
}

fn encode_outstanding(outstanding: &Outstanding, out: &mut Vec<u8>) {
    let Outstanding { readiness, timeouts, ran_out, armed, witnesses, timers } = outstanding;
    number(witnesses.0, out);
    number(timers.0, out);
    number(readiness.len() as u64, out);
    for Ready { witness, request, presented } in readiness {
        let Readiness { session: _, id, owner, generation, scope, predicate } = witness;
        number(id.0, out);
        encode_owner(owner, out);
        number(generation.0, out);
        encode_scope(*scope, out);
        encode_predicate(predicate, out);
        number(request.0, out);
        encode_scope(*presented, out);
    }
    number(timeouts.len() as u64, out);
    for (timeout, timer) in timeouts.iter().zip(ran_out) {
        encode_timeout(timeout, out);
        number(timer.0, out);
    }
    number(armed.len() as u64, out);
    for Watch { timer, request, presented, after } in armed {
        let Armed { id, site, owner, generation, scope, due, valid } = timer;
        number(id.0, out);
        encode_site(site, out);
        encode_owner(owner, out);
        number(generation.0, out);
        encode_scope(*scope, out);
        number(due.0, out);
        optional(*valid, out);
        number(request.0, out);
        encode_scope(*presented, out);
        number(*after, out);
    }
}
