import Antiphon.Machine.Handler
import Antiphon.Machine.Lifecycle
import Antiphon.Machine.Open
import Antiphon.Machine.Reap

/-!
All sessions of a machine, and how its time passes.

Of what is volatile only this is here: which messages were handed out to handlers, because what is
handed out next rests on it; and how many records are in batches, and known to be durable, because a
session is reaped only when all are.

Rust twin: `src/machine/mod.rs`, `store.rs` and `log.rs`. Clauses: MACH-1, MACH-5, MACH-6, LIFE-10,
LIFE-13, LIFE-18.
-/

namespace Antiphon.Machine

/-- A session that is there, with what is volatile of it. -/
structure Live where
  session : Session
  delivered : Delivered
  /-- How many of its records are in batches. -/
  sealed : Nat
  /-- How many of those are known to be durable. -/
  durable : Nat
deriving Repr, DecidableEq

/-- The protocol machine. -/
structure State where
  protocols : List Protocol
  /-- Those that are there, live or ended, each under an id of its own. -/
  sessions : List Live
  /-- What is left of those that were reaped, the first one in front. -/
  archive : List Session
  /-- How many of those are kept. -/
  archiveMost : Nat
  /-- Sessions that can be reaped, in the order in which they could be first. -/
  ended : List SessionId
  now : Tick
  /-- Whether it says what happens. -/
  observed : Bool
deriving Repr

namespace Live

/-- How many records it has. -/
def records (l : Live) : Nat := l.session.records.getD 0

/-- Whether every record is durable. -/
def isDurable (l : Live) : Bool := l.session.records.isNone || l.durable == l.records

/-- LIFE-13: it has ended, and nothing of it waits to be durable. -/
def isReapable (l : Live) : Bool := l.session.status.isTerminal && l.isDurable

end Live

namespace State

/-- A machine without sessions. -/
def new (observed : Bool) : State := ⟨[], [], [], archiveMax, [], 0, observed⟩

/-- Makes a protocol known. One that is known stays as it is, unless only now it comes with evidence
that its roles are safe together. -/
def register (s : State) (p : Protocol) : State :=
  match s.protocols.find? (·.digest == p.digest) with
  | none => { s with protocols := s.protocols ++ [p] }
  | some known =>
    if known.evidence = Evidence.none then
      { s with protocols := s.protocols.map fun q => if q.digest = p.digest then p else q }
    else s

/-- A registered protocol. -/
def protocol (s : State) (digest : String) : Option Protocol :=
  s.protocols.find? (·.digest == digest)

/-- What a session runs. -/
def protocolOf (s : State) (session : Session) : Protocol :=
  (s.protocol session.protocol).getD default

/-- The session of this id that is there. -/
def find (s : State) (id : SessionId) : Option Live := s.sessions.find? (·.session.id == id)

/-- What is left of the session of this id. -/
def archived (s : State) (id : SessionId) : Option Session := s.archive.find? (·.id == id)

/-- Puts a session in the place of the one of the same id. -/
def put (s : State) (live : Live) : State :=
  { s with sessions := s.sessions.map fun l =>
      if l.session.id = live.session.id then live else l }

/-- Notes that a session can be reaped, if it can. -/
def noteEnded (s : State) (live : Live) : State :=
  if live.isReapable then { s with ended := s.ended ++ [live.session.id] } else s

/-- What is handed out: where nobody looks on, no events. -/
def told (s : State) (outputs : List Output) : List Output :=
  if s.observed then outputs else outputs.filter fun output => !output.isEvent

/-- A session has changed; what is handed out then. -/
def changed (s : State) (live : Live) (session : Session) (outputs : List Output)
    (delivers : Bool) : State × List Output :=
  let (delivered, deliveries) :=
    if delivers then session.deliver (s.protocolOf session) live.delivered
    else (live.delivered, [])
  let after := { live with session, delivered }
  let s := s.put after
  let s := if live.session.status.isTerminal then s else s.noteEnded after
  (s, s.told (outputs ++ deliveries))

/-- The timer of all sessions that runs out first: by deadline, session and timer. -/
def dueFirst : List Live → Option (Live × Due)
  | [] => none
  | live :: rest =>
    match live.session.due, dueFirst rest with
    | none, first => first
    | some due, none => some (live, due)
    | some due, some (other, first) =>
      if decide (due.1 < first.1)
          || (due.1 == first.1 && decide (live.session.id < other.session.id)) then
        some (live, due)
      else some (other, first)

/-- When the machine next wants to be told the time. -/
def timeout (s : State) : Option Tick := (dueFirst s.sessions).map fun (_, due) => due.1

/-- A timer of a session runs out. -/
def expire (s : State) (live : Live) (due : Due) : State × List Output :=
  let (session, outputs) := live.session.expire (s.protocolOf live.session) due.1 due.2
  let delivers := match due.2 with
    | .transfer _ => true
    | _ => false
  s.changed live session outputs delivers

/-- Lets up to so many timers run out that are due. -/
def expireDue : Nat → State → State × List Output
  | 0, s => (s, [])
  | fuel + 1, s =>
    match dueFirst s.sessions with
    | none => (s, [])
    | some (live, due) =>
      if s.now < due.1 then (s, []) else
      let (s, outputs) := s.expire live due
      let (s, others) := expireDue fuel s
      (s, outputs ++ others)

/-- How many timers can run out before somebody arms one: each of those that are armed, and the
witness that it leaves. -/
def expiriesMost (s : State) : Nat :=
  (s.sessions.map fun live => 2 * live.session.dues.length).sum

/-- MACH-6: time comes first and never goes back. -/
def advanceTime (s : State) (now : Tick) : State × List Output :=
  let s := { s with now := max s.now now }
  s.expireDue s.expiriesMost

/-- LIFE-17, LIFE-19: a session goes to the archive; where there is no room the first one goes. -/
def archiveSession (s : State) (live : Live) : State :=
  let sessions := s.sessions.filter (·.session.id != live.session.id)
  let archive := s.archive ++ [live.session.archived]
  { s with sessions, archive := archive.drop (archive.length - s.archiveMost) }

/-- LIFE-13: reaps one session. One that is archived already stays so. -/
def reap (s : State) (id : SessionId) : Except Refusal State :=
  match s.find id with
  | none =>
    if (s.archived id).isSome then .ok s else .error (.unknownSession id)
  | some live =>
    if !live.session.status.isTerminal then .error (.notTerminal live.session.status) else
    if !live.isDurable then .error (.notDurable live.records live.durable) else
    .ok { s.archiveSession live with ended := s.ended.filter (· != id) }

/-- LIFE-18: reaps sessions that have ended, the one that could be reaped first in front, until
`most` are reaped or there is none. With how many that were. -/
def reapTerminal (s : State) : (most : Nat) → State × Nat
  | 0 => (s, 0)
  | most + 1 =>
    match s.ended with
    | [] => (s, 0)
    | id :: rest =>
      match s.find id with
      | none => (s, 0)
      | some live =>
        let (s, reaped) := reapTerminal { s.archiveSession live with ended := rest } most
        (s, reaped + 1)

/-- Ends the batch of each session. -/
def «seal» (s : State) : State :=
  { s with sessions := s.sessions.map fun live => { live with sealed := live.records } }

/-- The first `upto` records are durable. -/
def persisted (s : State) (id : SessionId) (upto : Nat) : Except Refusal State :=
  match s.find id with
  | none =>
    if (s.archived id).isSome then .ok s else .error (.unknownSession id)
  | some live =>
    let after := { live with durable := max live.durable (min upto live.sealed) }
    let s := s.put after
    .ok (if live.isDurable then s else s.noteEnded after)

end State

end Antiphon.Machine
