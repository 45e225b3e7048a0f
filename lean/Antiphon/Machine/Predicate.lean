import Antiphon.Machine.Attachment

/-!
What a readiness witness says of its session: a predicate that the machine evaluates itself. Its
terms stand in preorder, so they are evaluated from the last one to the first.

The terms of a predicate are one term with its parts: whoever reads it sees to that.

Rust twin: `src/machine/predicate.rs`. Clauses: WITN-1, WITN-2.
-/

namespace Antiphon.Machine

/-- Whether the protocol has the role or the edge that it names. -/
def Term.known (p : Protocol) : Term → Except Refusal Unit
  | .atState role _ => if role < p.roles.length then .ok () else .error .unknownRole
  | .position role _ => if role < p.roles.length then .ok () else .error .unknownRole
  | .attached role => if role < p.roles.length then .ok () else .error .unknownRole
  | .edgeEmpty edge =>
    if (p.edge edge.from edge.to).isSome then .ok () else .error .unknownEdge
  | _ => .ok ()

/-- Whether a term is true of a session, where `done` is what the terms behind it came to, its own
parts in front. What the host asserts is taken for true. -/
def Term.holds (s : Session) (p : Protocol) (done : List Bool) : Term → Bool
  | .atState role state => (s.endpoints.getD role default).state == state
  | .position role least => decide (least ≤ (s.endpoints.getD role default).position)
  | .edgeEmpty edge =>
    match p.edge edge.from edge.to with
    | some index => (s.buffer index).len == 0
    | none => false
  | .attached role => (s.attached role).isSome
  | .external _ => true
  | .all parts => (done.take parts).all id
  | .any parts => (done.take parts).any id
  | .not => !done.headD false

namespace Predicate

/-- Whether the protocol has every role and edge that it names; the refusal of the first one. -/
def known (predicate : Predicate) (p : Protocol) : Except Refusal Unit :=
  predicate.terms.foldr (fun term rest => term.known p *> rest) (.ok ())

/-- WITN-2: whether it is true of a session now. -/
def holds (predicate : Predicate) (s : Session) (p : Protocol) : Bool :=
  (predicate.terms.foldr (fun term done => term.holds s p done :: done.drop term.parts)
    []).headD false

end Predicate

/-- WITN-2: the refusal of what is not so. -/
def Session.isTrue (s : Session) (p : Protocol) (predicate : Predicate) : Except Refusal Unit :=
  if predicate.holds s p then .ok () else .error (.predicateFalse predicate)

end Antiphon.Machine
