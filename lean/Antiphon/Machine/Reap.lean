import Antiphon.Machine.Action
import Antiphon.Machine.Transfer

/-!
How sessions that have ended leave, and what is answered for those that are gone.

Rust twin: `src/machine/reap.rs` and `src/machine/archive.rs`. Clauses: LIFE-12 to LIFE-19.
-/

namespace Antiphon.Machine

/-- How many reaped sessions a machine keeps an account of, unless it is told otherwise. -/
def archiveMax : Nat := 65536

namespace Session

/-- What is left of a session in the archive: the messages that were never consumed are gone, the
counts tell how many there were. -/
def archived (s : Session) : Session := { s with edges := s.edges.map Buffer.clear }

/-- What is answered for an action that says where it belongs: it was performed, or it is over. -/
def numberedArchived (p : Protocol) (s : Session) (by_ : Presented) (role : Nat)
    (at_ : Option Position) (claim : Option Claim) : Except Refusal Accepted :=
  match s.acting by_ role with
  | .error refusal => .error refusal
  | .ok endpoint =>
    match at_ with
    | none => .error (.terminal s.status)
    | some at_ =>
      if at_ < endpoint.position then
        match s.performedBefore p role at_ claim with
        | .error refusal => .error refusal
        | .ok () => .ok (.duplicate endpoint.position)
      else .error (.terminal s.status)

/-- Nothing is attached any more, nor detached. -/
def overArchived (s : Session) (by_ : Presented) (role : Nat) : Except Refusal Accepted :=
  match s.acting by_ role with
  | .error refusal => .error refusal
  | .ok _ => .error (.terminal s.status)

/-- LIFE-14: an act on a session of the archive, in the order of the checks of a session that has
ended. -/
def actArchived (p : Protocol) (s : Session) (by_ : Presented) : Act → Except Refusal Accepted
  | .send send =>
    s.numberedArchived p by_ send.role send.at
      (some ⟨p.edge send.role send.to, send.label, send.value⟩)
  | .receive receive => s.numberedArchived p by_ receive.role receive.at none
  | .acknowledge role position =>
    match s.acting by_ role with
    | .error refusal => .error refusal
    | .ok endpoint =>
      if position ≤ endpoint.position then .ok (.duplicate endpoint.position)
      else .error (.terminal s.status)
  | .authority authority => s.asked p (.act by_ authority)
  | .attach role => s.overArchived by_ role
  | .detach role _ => s.overArchived by_ role
  | _ =>
    match s.authorize by_ Scope.lifecycle with
    | .error refusal => .error refusal
    | .ok () => .error (.terminal s.status)

end Session

end Antiphon.Machine
