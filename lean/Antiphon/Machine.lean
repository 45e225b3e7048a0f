import Antiphon.Machine.State

/-!
What the protocol machine does: it is told one input at a tick, and comes to an answer or a refusal,
and to what is to be done.

Rust twin: `src/machine/mod.rs`. Clauses: MACH-1 to MACH-6.
-/

namespace Antiphon.Machine

namespace State

/-- What a session makes of an act under an authority. -/
def actOn (p : Protocol) (now : Tick) (session : Session) (by_ : Presented) :
    Act → Except Refusal Came
  | .send send => session.send p now by_ send
  | .receive receive => session.receive p now by_ receive
  | .acknowledge role position => session.acknowledge p now by_ role position
  | .bind edge handler => session.bind p now by_ edge handler
  | .drain deadline => session.drain p now by_ deadline
  | .close => session.finish p now by_ .close .closed
  | .cancel reason => session.finish p now by_ (.cancel (cut reason)) (.cancelled (cut reason))
  | .fault reason => session.finish p now by_ (.fault (cut reason)) (.faulted (cut reason))
  | .authority authority => session.change p now (.act by_ authority)
  | .attach role => session.attach p now by_ role
  | .detach role epoch => session.detach p now by_ role epoch

/-- Whether an act that tells nothing may change what is handed out: all the others tell what they
change. -/
def isBinding : Act → Bool
  | .bind _ _ => true
  | _ => false

/-- What a machine comes to. -/
abbrev Step := State × Except Refusal Accepted × List Output

/-- It is refused, and nothing changes. -/
def refused (s : State) (refusal : Refusal) : Step := (s, .error refusal, [])

/-- What one session has come to. A repeat tells nothing and hands out nothing. -/
def took (s : State) (live : Live) (binding : Bool) : Except Refusal Came → Step
  | .error refusal => s.refused refusal
  | .ok came =>
    let (s, outputs) :=
      s.changed live came.session came.outputs (binding || !came.outputs.isEmpty)
    (s, .ok came.accepted, outputs)

/-- What is answered from the archive. -/
def answered (s : State) : Except Refusal Accepted → Step
  | .error refusal => s.refused refusal
  | .ok accepted => (s, .ok accepted, [])

/-- Opens a session. -/
def «open» (s : State) (o : Open) : Step :=
  match s.find o.session with
  | some live =>
    if live.session.isOpenedBy (s.protocolOf live.session) o then
      (s, .ok (.opened live.session.capability), [])
    else s.refused (.sessionExists o.session)
  | none =>
    -- LIFE-16: one that was reaped is not opened again.
    if (s.archived o.session).isSome then s.refused (.sessionExists o.session) else
    match s.protocol o.protocol with
    | none => s.refused (.unknownProtocol o.protocol)
    | some p =>
      match Session.open p s.now o false with
      | .error refusal => s.refused refusal
      | .ok came =>
        let live : Live := ⟨came.session, [], 0, 0⟩
        let s := { s with sessions := s.sessions ++ [live] }
        (s.noteEnded live, .ok came.accepted, s.told came.outputs)

/-- An act on a session, or on what is left of one. -/
def act (s : State) (by_ : Presented) (act : Act) : Step :=
  match s.find by_.session with
  | some live =>
    s.took live (isBinding act) (actOn (s.protocolOf live.session) s.now live.session by_ act)
  | none =>
    match s.archived by_.session with
    | none => s.refused (.unknownSession by_.session)
    | some session => s.answered (session.actArchived (s.protocolOf session) by_ act)

/-- ATT-5: an act that came over an attachment: as if it had not, if that is the live one or nothing
asks for it. -/
def over (s : State) (epoch : Epoch) (by_ : Presented) (act : Act) : Step :=
  match ((s.find by_.session).map (·.session)).or (s.archived by_.session) with
  | none => s.act by_ act
  | some session =>
    match session.comesOver by_ epoch act with
    | .error refusal => s.refused refusal
    | .ok () => s.act by_ act

/-- ATT-6: the host was gone and is back. -/
def recovered (s : State) (id : SessionId) (fencing : Nat) : Step :=
  match s.find id with
  | some live =>
    s.took live false (live.session.recovered (s.protocolOf live.session) s.now fencing)
  | none =>
    match s.archived id with
    | none => s.refused (.unknownSession id)
    | some session => s.refused (.terminal session.status)

/-- What needs no capability: a commit, or the host's own reclaim. -/
def made (s : State) (made : Made) : Step :=
  match s.find made.session with
  | some live =>
    s.took live false (live.session.change (s.protocolOf live.session) s.now made)
  | none =>
    match s.archived made.session with
    | none => s.refused (.unknownSession made.session)
    | some session => s.answered (session.asked (s.protocolOf session) made)

/-- What the host asks of its own: a session is there or not. -/
def hosted (s : State) : Except Refusal State → Step
  | .error refusal => s.refused refusal
  | .ok s => (s, .ok .done, [])

/-- MACH-5: applies one input whole, or refuses it and changes nothing. -/
def apply (s : State) : Input → Step
  | .open o => s.open o
  | .act by_ act => s.act by_ act
  | .commit commit => s.made (.commit commit)
  | .persisted session upto => s.hosted (s.persisted session upto)
  | .tick => (s, .ok .done, [])
  | .reclaim reclaim => s.made (.reclaim reclaim)
  | .reap session => s.hosted (s.reap session)
  | .over epoch by_ act => s.over epoch by_ act
  | .recovered session fencing => s.recovered session fencing

/-- MACH-6: time advances first: timers that are due expire before the input is looked at. So a
refused input may come with outputs. -/
def step (s : State) (now : Tick) (input : Input) : Step :=
  let (s, expired) := s.advanceTime now
  let (s, answer, outputs) := s.apply input
  (s, answer, expired ++ outputs)

/-- What a host does with a machine. -/
inductive Command
  | input (now : Tick) (input : Input)
  /-- Ends the batch of each session. -/
  | «seal»
  /-- Reaps sessions that have ended, so many at most. -/
  | sweep (most : Nat)

/-- The machine behind a command, and what it hands out. -/
def obey (s : State) : Command → State × List Output
  | .input now input =>
    let (s, _, outputs) := s.step now input
    (s, outputs)
  | .seal => (s.seal, [])
  | .sweep most => ((s.reapTerminal most).1, [])

/-- The machine behind a run of commands, and all that it has handed out. -/
def run (s : State) : List Command → State × List Output
  | [] => (s, [])
  | command :: rest =>
    let (s, outputs) := s.obey command
    let (s, others) := s.run rest
    (s, outputs ++ others)

/-- A machine that knows these protocols and has no session. -/
def start (protocols : List Protocol) (observed : Bool) : State :=
  { State.new observed with protocols }

end State

end Antiphon.Machine
