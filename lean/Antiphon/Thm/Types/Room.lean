import Antiphon.Thm.Types.Replace
import Antiphon.Thm.Compose

/-!
# What a subtype may lose

A role that chooses between two partners may find room on one edge and not on the other. A subtype
that keeps only the send that waits for room waits with it, and the other partner waits for ever.
The example has three roles, and every edge holds one message:

`R = P!a . +{ P!a . end, Q!b . P!a . end }`, `P = Q?x . R?a . R?a . end`, `Q = R?b . P!x . end`.

While `P` has not taken the first `a`, `R` can only send `b`; then `P` hears `x` and takes both. With
`P!a . P!a . end` in the place of `R`, nobody ever sends `b`.
-/

namespace Antiphon.Compose.Room

open System

/-- The role that chooses. -/
def chooser : Automaton := ⟨[
  ⟨.send, [⟨1, 0, 0, 0, 1, false⟩]⟩,
  ⟨.send, [⟨1, 0, 0, 0, 2, true⟩, ⟨2, 1, 1, 1, 3, false⟩]⟩,
  ⟨.receive, []⟩,
  ⟨.send, [⟨1, 0, 0, 0, 2, true⟩]⟩]⟩

/-- The role that keeps one choice. -/
def keeper : Automaton := ⟨[
  ⟨.send, [⟨1, 0, 0, 0, 1, false⟩]⟩,
  ⟨.send, [⟨1, 0, 0, 0, 2, true⟩]⟩,
  ⟨.receive, []⟩]⟩

def protocol : Protocol where
  digest := ""
  name := "room"
  roles := ["R", "P", "Q"]
  locals := [
    .choice .send (.cons "P" "a" .unit (.choice .send
      (.cons "P" "a" .unit .end
        (.cons "Q" "b" .unit (.choice .send (.cons "P" "a" .unit .end .nil)) .nil))) .nil),
    .choice .receive (.cons "Q" "x" .unit (.choice .receive (.cons "R" "a" .unit
      (.choice .receive (.cons "R" "a" .unit .end .nil)) .nil)) .nil),
    .choice .receive (.cons "R" "b" .unit (.choice .send (.cons "P" "x" .unit .end .nil)) .nil)]
  labels := ["a", "b", "x"]
  messages := [⟨0, .unit⟩, ⟨1, .unit⟩, ⟨2, .unit⟩]
  edges := [⟨0, 1⟩, ⟨0, 2⟩, ⟨2, 1⟩]
  automata := [chooser,
    ⟨[⟨.receive, [⟨2, 2, 2, 2, 1, false⟩]⟩, ⟨.receive, [⟨0, 0, 0, 0, 2, false⟩]⟩,
      ⟨.receive, [⟨0, 0, 0, 0, 3, true⟩]⟩, ⟨.receive, []⟩]⟩,
    ⟨[⟨.receive, [⟨0, 1, 1, 1, 1, false⟩]⟩, ⟨.send, [⟨1, 2, 2, 2, 2, true⟩]⟩, ⟨.receive, []⟩]⟩]
  evidence := .none
  rooms := [1, 1, 1]

def capacities : List Nat := [1, 1, 1]

theorem follows : protocol.follows = true := by decide +kernel

theorem replacement : Replacement protocol 0 keeper where
  inside := by decide
  subtype := by
    have yes : keeper.isSubtype (protocol.automaton 0) 12 = .yes := by decide +kernel
    obtain ⟨R, sim, all⟩ := Automaton.search_yes (by decide +kernel) (by decide +kernel) yes
      (fun pair mem => .inl mem)
    exact ⟨R, sim, all (0, 0) (List.mem_cons_self ..)⟩
  candidateWellFormed := by decide +kernel
  candidateFits := by decide +kernel
  supertypeFits := by decide +kernel

theorem safe_before : (System.of protocol capacities).verdict 100 = .safe true := by decide +kernel

theorem stuck_after : ∃ c, (System.of (protocol.replace 0 keeper) capacities).Reachable c
    ∧ ¬ Moves (System.of (protocol.replace 0 keeper) capacities) c
    ∧ ¬ Ended (System.of (protocol.replace 0 keeper) capacities) c := by
  have found : (System.of (protocol.replace 0 keeper) capacities).verdict 100
      = .violation ⟨.deadlock, [⟨0, .send, ⟨1, 0, 0, 0, 1, false⟩⟩], true⟩ := by decide +kernel
  obtain ⟨c, _, reach, violates⟩ := violation_real found
  exact ⟨c, reach, violates⟩

end Antiphon.Compose.Room
