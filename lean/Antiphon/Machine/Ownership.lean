import Antiphon.Machine.Receipt
import Antiphon.Machine.Timer

/-!
Who owns what in one session: the map from fragments to owners and generations.

One owner holds every fragment of a session until some are handed over: then the rest of what it
holds stays where it was, and each change writes the next generation to the fragments that it moves.
A generation so names one *holding*; what moves on is taken out of it.

Rust twin: `src/machine/ownership.rs`, with the data of `token.rs` and `attachment.rs`. Clauses: AUTH-1, AUTH-2, AUTH-4,
AUTH-7, AUTH-8.
-/

namespace Antiphon.Machine

/-- What the opener has and nobody else has had: everything, in a plain session. -/
structure Ownership where
  owner : Owner
  generation : Generation
  scope : Scope
deriving Repr, DecidableEq

/-- Fragments that one change moved. -/
structure Holding where
  owner : Owner
  generation : Generation
  /-- What is left of it. -/
  scope : Scope
  /-- What the capability for it was issued for. -/
  issued : Scope
  /-- Nobody's any more; the owner is the last one. -/
  released : Bool
  origin : Origin
deriving Repr, DecidableEq

/-- A transfer in flight. -/
structure Staged where
  receipt : Receipt
  expires : Option Tick
  /-- Whether the fragments perform no action as long as it is in flight. -/
  freeze : Bool
  origin : Origin
deriving Repr, DecidableEq

/-- The serials of the resume tokens of one holding. -/
structure Serials where
  /-- Which holding. -/
  generation : Generation
  /-- The last one that was issued. -/
  issued : Serial
  /-- The last one that its holder is known to have; 0 if none is. -/
  confirmed : Serial
deriving Repr, DecidableEq

/-- What was handed over, and what is about to be. -/
structure Spread where
  /-- The last generation that was written. -/
  last : Generation
  holdings : List Holding
  staged : List Staged
  /-- The id of the next receipt. -/
  receipts : ReceiptId
  serials : List Serials
deriving Repr, DecidableEq

/-- A holding, wherever it is kept. -/
structure Held where
  owner : Owner
  generation : Generation
  scope : Scope
  released : Bool
deriving Repr, DecidableEq

/-- What was attached to a role last, and was not detached. -/
structure Attachment where
  role : Nat
  epoch : Epoch
  /-- The generation of the role when it was made: it is live as long as the role has that. -/
  generation : Generation
deriving Repr, DecidableEq

/-- The attachments of a session. -/
structure Attachments where
  /-- The fencing epoch that attachments are made under. -/
  fencing : Nat
  /-- The counter of the last one that was made under it, or 0. -/
  counter : Nat
  /-- At most one of each role, the latest one behind. -/
  entries : List Attachment
deriving Repr, DecidableEq

/-- Why a presented capability does not cover an operation. -/
inductive Uncovered
  | unclaimed
  | stale (live : Generation)
  | scope
deriving Repr, DecidableEq

/-- Whether the presented capability was issued for it. -/
def Held.isOf (held : Held) (by_ : Presented) : Bool :=
  held.generation == by_.generation && held.owner == by_.owner

/-- Everything that is held. -/
def Held.scopes (all : List Held) : Scope := Scope.unions (all.map (·.scope))

def Holding.held (h : Holding) : Held := ⟨h.owner, h.generation, h.scope, h.released⟩

namespace Ownership

def ofOpener (owner : Owner) (p : Protocol) : Ownership := ⟨owner, 1, Scope.session p⟩

/-- All holdings; together they are every fragment. -/
def holdings (o : Ownership) (spread : Option Spread) : List Held :=
  ⟨o.owner, o.generation, o.scope, false⟩ ::
    match spread with
    | none => []
    | some spread => spread.holdings.map Holding.held

/-- The generation of one fragment. -/
def generationOf (o : Ownership) (spread : Option Spread) (fragment : Scope) : Generation :=
  match (o.holdings spread).find? (·.scope.covers fragment) with
  | some held => held.generation
  | none => o.generation

/-- AUTH-1, AUTH-2: whether every fragment that the operation needs carries the presented owner and
generation, and was presented; if not, why. -/
def covers (o : Ownership) (spread : Option Spread) (by_ : Presented) (needs : Scope) :
    Except Uncovered Unit :=
  let holdings := o.holdings spread
  let all := Held.scopes holdings
  let carried := Held.scopes (holdings.filter fun held => !held.released && held.isOf by_)
  let released := Held.scopes (holdings.filter (·.released))
  let lost := ((needs.intersection by_.scope).intersection all).without carried
  if released.touches needs then .error .unclaimed
  else if !lost.isEmpty then .error (.stale (o.generationOf spread lost.first))
  else if all.covers by_.scope && by_.scope.covers needs then .ok ()
  else if carried.isEmpty then .error (.stale (o.generationOf spread needs.first))
  else .error .scope

/-- Whether every fragment of the scope carries, or was released with, the presented owner and
generation. -/
def wasLast (o : Ownership) (spread : Option Spread) (by_ : Presented) (scope : Scope) : Bool :=
  ((Held.scopes ((o.holdings spread).filter (·.isOf by_))).intersection by_.scope).covers scope

end Ownership

namespace Spread

/-- Nothing was handed over yet. -/
def new (o : Ownership) : Spread := ⟨o.generation, [], [], 0, []⟩

/-- TOKEN-8: serials die with the last fragment of their generation. -/
def forgetSerials (s : Spread) (o : Ownership) : Spread :=
  { s with serials := s.serials.filter fun serials =>
      (o.generation == serials.generation && !o.scope.isEmpty)
        || s.holdings.any fun held => !held.released && held.generation == serials.generation }

/-- A holding without the fragments; `none` if nothing is left. -/
def left (scope : Scope) (holding : Holding) : Option Holding :=
  let rest := holding.scope.without scope
  if rest.isEmpty then none else some { holding with scope := rest }

/-- The fragments are in no holding any more. -/
def take (s : Spread) (o : Ownership) (scope : Scope) : Ownership × Spread :=
  let o := { o with scope := o.scope.without scope }
  (o, { s with holdings := s.holdings.filterMap (left scope) }.forgetSerials o)

/-- AUTH-8: the fragments get a new owner under the next generation. -/
def issue (s : Spread) (o : Ownership) (owner : Owner) (scope : Scope) (origin : Origin) :
    Ownership × Spread :=
  let (o, s) := s.take o scope
  let generation := s.last + 1
  (o, { s with
    last := generation
    holdings := s.holdings ++ [⟨owner, generation, scope, scope, false, origin⟩] })

/-- The fragments become nobody's; who had them is kept. -/
def release (s : Spread) (o : Ownership) (owner : Owner) (generation : Generation) (scope : Scope)
    (origin : Origin) : Ownership × Spread :=
  let (o, s) := s.take o scope
  (o, { s with holdings := s.holdings ++ [⟨owner, generation, scope, scope, true, origin⟩] })

/-- AUTH-24: everything that the owner has becomes nobody's. What it staged stays staged. -/
def lose (s : Spread) (o : Ownership) (owner : Owner) (origin : Origin) : Ownership × Spread :=
  let own := (o.holdings (some s)).filter fun held =>
    !held.released && !held.scope.isEmpty && held.owner == owner
  own.foldl (fun (o, s) held => s.release o owner held.generation held.scope origin) (o, s)

/-- Takes a transfer out of what is outstanding. -/
def settle (s : Spread) (receipt : ReceiptId) : Spread :=
  { s with staged := s.staged.filter (·.receipt.id != receipt) }

end Spread

/-- When a transfer runs out. -/
def Staged.timer (s : Staged) : Option Due := s.expires.map fun at_ => (at_, .transfer s.receipt.id)

end Antiphon.Machine
