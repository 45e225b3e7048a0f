import Antiphon.Machine.Effect

/-!
What the owner of a session's lifecycle does: bind handlers, drain, close, cancel, fault; and what
comes of its timers.

Rust twin: `src/machine/lifecycle.rs`, with `expire` of `mod.rs` and the bindings of `handler.rs`.
Clauses: LIFE-2, LIFE-3, LIFE-5, LIFE-6, TIMER-2, TIMER-3.
-/

namespace Antiphon.Machine

/-- As many of the characters as so many bytes hold. -/
def cutChars : List Char → Nat → List Char
  | [], _ => []
  | c :: rest, room => if c.utf8Size ≤ room then c :: cutChars rest (room - c.utf8Size) else []

/-- LIFE-5: a text within so many bytes, cut between characters. -/
def cutTo (text : String) (most : Nat) : String :=
  if text.utf8ByteSize ≤ most then text else String.ofList (cutChars text.toList most)

/-- LIFE-5: the reason as it is kept. -/
def cut (reason : String) : String := cutTo reason reasonBytesMax

/-- What is bound when one more thing is. -/
def Handlers.bind (h : Handlers) (edge : Option Nat) (handler : Option String) : Handlers :=
  match edge with
  | none => { h with default := handler }
  | some edge => { h with bound := h.bound.set edge handler }

namespace Session

/-- LIFE-6: whether the presented capability covers the lifecycle, and the session goes on. -/
def governed (s : Session) (by_ : Presented) : Except Refusal Unit :=
  match s.authorize by_ Scope.lifecycle with
  | .error refusal => .error refusal
  | .ok () =>
    match s.goesOn with
    | .error refusal => .error refusal
    | .ok () => s.unfrozen Scope.lifecycle

/-- What is bound, if anything was. -/
def handlersOrNew (s : Session) : Handlers :=
  match s.handlers with
  | none => ⟨none, s.edges.map fun _ => none⟩
  | some handlers => handlers

/-- Names the handler of an edge, or the session's default one. -/
def bind (p : Protocol) (now : Tick) (s : Session) (by_ : Presented) (edge : Option Nat)
    (handler : Option String) : Except Refusal Came :=
  match s.governed by_ with
  | .error refusal => .error refusal
  | .ok () =>
    if edge.any fun edge => s.edges.length ≤ edge then .error .unknownEdge else
    let handlers := s.handlersOrNew.bind edge handler
    let s := { s.touch now with handlers := if handlers.isEmpty then none else some handlers }
    let (s, recorded) := s.record (.input (.act by_ (.bind edge handler))) .done
    .ok (s.came p .done recorded)

/-- LIFE-2: no more sends. -/
def drain (p : Protocol) (now : Tick) (s : Session) (by_ : Presented) (deadline : Option Tick) :
    Except Refusal Came :=
  match s.governed by_ with
  | .error refusal => .error refusal
  | .ok () =>
    if s.status = .draining then .error .draining else
    let s := { s.touch now with status := .draining, deadline := deadline }
    let (s, recorded) := s.record (.input (.act by_ (.drain deadline))) .done
    .ok (s.came p .done (recorded ++ [.event (.draining s.id)]))

/-- Closes, cancels or faults the session. -/
def finish (p : Protocol) (now : Tick) (s : Session) (by_ : Presented) (act : Act)
    (status : Status) : Except Refusal Came :=
  match s.governed by_ with
  | .error refusal => .error refusal
  | .ok () =>
    let (s, recorded) := (s.touch now).record (.input (.act by_ act)) .done
    let (ended, told) := s.endWith p status
    .ok ⟨ended, .done, recorded ++ s.say (Audit.ofAct act) ++ told⟩

/-- The end of a drain. -/
def expireDrain (p : Protocol) (s : Session) : Session × List Output :=
  let (s, recorded) := { s with deadline := none }.record (.expired .drain) .done
  let (s, told) := s.endWith p .closed
  (s, recorded ++ told)

/-- AUTH-14: nothing has moved, and the receipt is spent. -/
def expireTransfer (p : Protocol) (s : Session) (receipt : ReceiptId) : Session × List Output :=
  let s := { s with spread := s.spread.map fun (all : Spread) => all.settle receipt }
  let (s, recorded) := s.record (.expired (.transfer receipt)) .done
  let (settled, told) := s.settle p
  (settled, recorded ++ s.say [.expired receipt] ++ told)

/-- TIMER-2: a timer that somebody armed ran out; its witness is outstanding now. -/
def expireSite (s : Session) (timer : TimerId) : Session × List Output :=
  match s.outstandingOrNew.armed.find? (·.timer.id == timer) with
  | none => (s, [])
  | some watch =>
    let (outstanding, witness) := s.outstandingOrNew.timeOut s.id watch.timer s.tick
    let (s, recorded) := { s with outstanding := some outstanding }.record
      (.expired (.site timer)) (.witness witness.id)
    (s, recorded ++ s.say [.timerExpired timer witness.id] ++ [.event (.timedOut timer witness)])

/-- TIMER-3: it was not spent in time. -/
def expireWitness (s : Session) (witness : WitnessId) : Session × List Output :=
  let s := { s with outstanding := s.outstanding.map fun (all : Outstanding) => all.spend witness }
  let (s, recorded) := s.record (.expired (.witness witness)) .done
  (s, recorded ++ s.say [.witnessExpired witness])

/-- A timer of the session ran out at `at_`; what that came to. -/
def expire (p : Protocol) (s : Session) (at_ : Tick) : Timer → Session × List Output
  | .drain => (s.touch at_).expireDrain p
  | .transfer receipt => (s.touch at_).expireTransfer p receipt
  | .site timer => (s.touch at_).expireSite timer
  | .witness witness => (s.touch at_).expireWitness witness

end Session

end Antiphon.Machine
