import Antiphon.Machine.Replay
import Test.Authority

/-!
Examples of journals: what a session writes, what it comes to when it is told again, and what is no
journal of it.
-/

namespace Antiphon.Machine.Test

#guard shop.distinct

/-- What a machine has told and the sessions that it has, behind the opening and these. -/
def lived (inputs : List (Tick × Input)) : List Session × List Record :=
  let commands := ((10, opened .release) :: inputs).map fun (now, input) => State.Command.input now input
  let (m, outputs) := (State.start [shop] false).run commands
  (m.sessions.map (·.session), recorded outputs)

/-- A replay, so that it can be compared. -/
def came : Except ReplayError (Option Session) → ReplayError ⊕ List Session
  | .error error => .inl error
  | .ok session => .inr session.toList

def replayed (records : List Record) : ReplayError ⊕ List Session :=
  came (Session.replay shop 5 records)

/-- Something of everything: numbered and repeated actions, a handover, a timer that runs out, a
witness that is spent, a reason that is too long. -/
def day : List (Tick × Input) :=
  [orders phone, (11, .act phone (.send ⟨0, 1, 0, .unit, some 1⟩)),
    (11, .act phone (.send ⟨0, 1, 0, .unit, some 1⟩)), (12, .act phone (.acknowledge 1 1)),
    stages (.owner "tablet"), commits 2 (.owner "tablet") "tablet",
    commits 2 (.owner "tablet") "tablet", orders phone, orders (under "tablet" 2 buyer),
    asks phone (.armTimer 1 (.endpoint 1) 5 none), (30, .tick),
    asks phone (.failCommit (receipt (.owner "tablet")) "never"),
    (31, .act phone (.cancel ("".pushn 'x' 2000)))]

#guard (lived day).2.length = 10
#guard (lived day).2.map (·.index) = List.range 10
#guard replayed (lived day).2 = .inr (lived day).1

-- Every beginning of it leads to a session, and goes on from there.
#guard (List.range 10).all fun count =>
  match Session.replay shop 5 ((lived day).2.take (count + 1)) with
  | .ok (some s) => s.records == some (count + 1)
  | _ => false

#guard replayed [] = .inr []

/-! ## What is no journal -/

def records : List Record := (lived [orders phone, stages .bearer (some 20), (25, .tick)]).2

#guard records.map (·.event) =
  [.input (.«open»
      { session := 5, protocol := "shop", owner := "phone", journal := true, onLost := .release
        policies := [], capacities := ⟨some 8, [], true⟩ }),
    .input (orders phone).2, .input (stages .bearer (some 20)).2, .expired (.transfer 0)]

/-- The records, with one of them changed. -/
def changed (index : Nat) (change : Record → Record) : ReplayError ⊕ List Session :=
  replayed (records.modify index change)

#guard changed 1 (fun r => { r with index := 7 }) = .inl (.outOfOrder 1 7)
#guard replayed (records.eraseIdx 1) = .inl (.outOfOrder 1 2)
#guard changed 1 (fun r => { r with tick := 9 }) = .inl (.timeRunsBack 1 9)
#guard changed 1 (fun r => { r with event := .input (.reap 5) }) = .inl (.otherSession 1)
#guard changed 1 (fun r => { r with event := .input (opened .cancel) })
  = .inl (.refused 1 (.sessionExists 5))
#guard changed 1 (fun r => { r with event := .input (orders (under "thief" 2 buyer)).2 })
  = .inl (.refused 1 (.staleCapability 2 1))
#guard changed 1 (fun r => { r with outcome := .sent 0 1 1 })
  = .inl (.otherOutcome 1 (.sent 0 1 1) (some (.sent 0 0 1)))
#guard changed 2 (fun r => { r with event := .input (orders phone).2, tick := 25, outcome := .done })
  = .inl (.otherOutcome 2 .done (some (.sent 0 1 2)))
-- A timer that runs out too early, or not at all.
#guard changed 3 (fun r => { r with tick := 19 }) = .inl (.timer 3)
#guard changed 3 (fun r => { r with event := .input (orders phone).2, tick := 25 }) = .inl (.timer 3)
#guard changed 3 (fun r => { r with event := .expired (.transfer 1) }) = .inl (.timer 3)

end Antiphon.Machine.Test
