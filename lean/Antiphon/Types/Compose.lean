import Antiphon.Types.Protocol
import Antiphon.Types.Compose.Verdict

/-!
# Composition: are these roles safe together?

The roles of a protocol and its edges are a system of communicating finite-state machines. `verdict` explores what it can come
to at a vector of capacities and says what that shows; `Thm/Compose.lean` says what its answers are worth.

Rust twin: `src/types/compose`. Clauses: COMP-1 to COMP-5, COMP-7.
-/

namespace Antiphon.Compose

/-- The system that a session of a protocol is, with these capacities. -/
def System.of (protocol : Protocol) (capacities : List Nat) : System := ⟨protocol.automata, capacities⟩

/-- How far a search goes when nothing else is said. -/
def limitDefault : Nat := 1000000

/-- What is known of the roles of a protocol at these capacities, in the order of its edges. -/
def verdict (protocol : Protocol) (capacities : List Nat) (limit : Nat := limitDefault) : Verdict :=
  (System.of protocol capacities).verdict limit

end Antiphon.Compose
