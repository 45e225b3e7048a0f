import Antiphon.Machine.Session

/-!
The serials of resume tokens: which of the tokens that were sealed for a holding are good. What is
sealed, and how, is elsewhere; how often a spent serial was presented is volatile and not modelled.

Rust twin: `src/machine/token.rs`. Clauses: TOKEN-1 to TOKEN-8.
-/

namespace Antiphon.Machine

/-- What is asked of the serials. -/
inductive Asked
  /-- The current one. -/
  | issue
  /-- The one after this. -/
  | renew (serial : Serial)
  /-- To take this one as arrived. -/
  | confirm (serial : Serial)
deriving Repr, DecidableEq

namespace Serials

def first (generation : Generation) : Serials := ⟨generation, 1, 0⟩

/-- TOKEN-3, TOKEN-4, TOKEN-6: whether `serial` is the last one (`true`), or the one before, which is
good as long as the last one is not confirmed (`false`). -/
def isCurrent (s : Serials) (serial : Serial) : Except Refusal Bool :=
  if serial = s.issued then .ok true
  else if serial = 0 ∨ s.issued < serial then .error (.tokenUnknown serial s.issued)
  else if serial + 1 = s.issued ∧ s.confirmed < s.issued then .ok false
  else .error (.tokenSpent serial s.issued)

/-- What is to be changed; `none` if it is so already. -/
def after (s : Serials) : Asked → Except Refusal (Option Serials)
  | .issue => .ok none
  -- TOKEN-5: whoever uses the last one has it.
  | .renew serial => (s.isCurrent serial).map fun isLast =>
    if isLast then some { s with issued := s.issued + 1, confirmed := s.issued } else none
  -- TOKEN-7.
  | .confirm serial => (s.isCurrent serial).map fun isLast =>
    if isLast && decide (s.confirmed < s.issued) then some { s with confirmed := s.issued } else none

end Serials

/-- Puts the serials of a holding in the place of what they were. -/
def Spread.put (s : Spread) (serials : Serials) : Spread :=
  { s with serials :=
      if s.serials.any (·.generation == serials.generation) then
        s.serials.map fun known =>
          if known.generation == serials.generation then serials else known
      else s.serials ++ [serials] }

namespace Session

/-- The serials of all holdings that have some. -/
def serials (s : Session) : List Serials :=
  match s.spread with
  | none => []
  | some spread => spread.serials

/-- TOKEN-2: whether the capability is good for something: it may have handed over a part of what it
was issued for. -/
def holding (s : Session) (by_ : Presented) : Except Refusal Unit :=
  let own := s.holdings.filter fun held => !held.released && held.isOf by_
  let left := (Held.scopes own).intersection by_.scope
  s.authorize by_ (if left.isEmpty then by_.scope else left)

/-- What the serials of the presented holding become, if they change. -/
def serialsAfter (s : Session) (by_ : Presented) (asked : Asked) :
    Except Refusal (Option Serials) :=
  match s.serials.find? (·.generation == by_.generation), asked with
  | some known, asked => known.after asked
  | none, .issue => .ok (some (Serials.first by_.generation))
  | none, .renew serial => .error (.tokenUnknown serial 0)
  | none, .confirm serial => .error (.tokenUnknown serial 0)

/-- What an input about serials comes to: the last serial, or nothing but that it was done. -/
def serialsSaid (s : Session) (by_ : Presented) (asked : Asked) (after : Option Serials) :
    Accepted × Outcome :=
  match asked with
  | .confirm _ => (.done, .done)
  | _ =>
    match after.or (s.serials.find? (·.generation == by_.generation)) with
    | some serials => (.serial serials.issued, .serial serials.issued)
    | none => (.serial 0, .serial 0)

end Session

end Antiphon.Machine
