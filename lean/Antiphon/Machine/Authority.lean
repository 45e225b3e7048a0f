import Antiphon.Types.Protocol
import Antiphon.Machine.Id

/-!
Who may act: scopes, owners, and what they present.

A session's *fragments* are its lifecycle (number 0) and its roles (role `r` is number `r + 1`). A
scope is a set of them: the bits of a number, so that it is quick to join and to compare, and two
scopes are equal if they have the same fragments (`Scope.ext_has`).

Rust twin: `src/machine/authority.rs`. Clauses: AUTH-2, AUTH-3, AUTH-5.
-/

namespace Antiphon.Machine

/-- Who owns a fragment: any text of 1 to 255 bytes that the host tells its participants apart by. -/
abbrev Owner := String

/-- A set of fragments of one session. -/
structure Scope where
  bits : Nat
deriving Repr, DecidableEq, Inhabited

namespace Scope

/-- No fragment at all. -/
def empty : Scope := ⟨0⟩

/-- Handlers, drain, close, cancel, fault. -/
def lifecycle : Scope := ⟨1⟩

/-- Sending and receiving as this role. A role that no protocol can have is in no scope. -/
def role (role : Nat) : Scope := if role + 1 < 128 then ⟨2 ^ (role + 1)⟩ else empty

/-- Every fragment of a session of this protocol. -/
def session (p : Protocol) : Scope := ⟨2 ^ (p.roles.length + 1) - 1⟩

/-- Both together. -/
def union (a b : Scope) : Scope := ⟨a.bits ||| b.bits⟩

/-- What is in both. -/
def intersection (a b : Scope) : Scope := ⟨a.bits &&& b.bits⟩

/-- What is in `a` and not in `b`. -/
def without (a b : Scope) : Scope := ⟨a.bits ^^^ (a.bits &&& b.bits)⟩

def isEmpty (a : Scope) : Bool := a.bits == 0

/-- Whether every fragment of `part` is in it, and `part` is not nothing. -/
def covers (a part : Scope) : Bool := part.bits != 0 && (a.bits &&& part.bits) == part.bits

/-- Whether they have a fragment in common. -/
def touches (a b : Scope) : Bool := !(a.intersection b).isEmpty

/-- Whether it has the fragment of this number. -/
def has (a : Scope) (fragment : Nat) : Bool := a.bits.testBit fragment

/-- All of them together. -/
def unions (all : List Scope) : Scope := all.foldl union empty

/-- Its first fragment alone: the lowest bit. -/
def first (a : Scope) : Scope :=
  match (List.range 128).find? a.has with
  | some fragment => ⟨2 ^ fragment⟩
  | none => empty

theorem ext_has {a b : Scope} (h : ∀ fragment, a.has fragment = b.has fragment) : a = b := by
  cases a; cases b
  simp only [mk.injEq]
  exact Nat.eq_of_testBit_eq h

@[simp] theorem has_empty (f : Nat) : empty.has f = false := by simp [has, empty]

@[simp] theorem has_union (a b : Scope) (f : Nat) : (a.union b).has f = (a.has f || b.has f) := by
  simp [has, union, Nat.testBit_or]

@[simp] theorem has_intersection (a b : Scope) (f : Nat) :
    (a.intersection b).has f = (a.has f && b.has f) := by
  simp [has, intersection, Nat.testBit_and]

@[simp] theorem has_without (a b : Scope) (f : Nat) :
    (a.without b).has f = (a.has f && !b.has f) := by
  simp only [has, without, Nat.testBit_xor, Nat.testBit_and]
  cases a.bits.testBit f <;> cases b.bits.testBit f <;> rfl

theorem isEmpty_iff (a : Scope) : a.isEmpty = true ↔ ∀ f, a.has f = false := by
  constructor
  · intro h f
    have : a.bits = 0 := by simpa [isEmpty] using h
    simp [has, this]
  · intro h
    have : a = empty := ext_has (by simpa using h)
    simp [this, isEmpty, empty]

theorem covers_iff (a part : Scope) :
    a.covers part = true ↔ part.isEmpty = false ∧ ∀ f, part.has f = true → a.has f = true := by
  have e : (a.bits &&& part.bits) = part.bits ↔ a.intersection part = part := by
    cases part; simp [intersection]
  have i : a.intersection part = part ↔ ∀ f, part.has f = true → a.has f = true := by
    constructor
    · intro h f hf
      have := congrArg (·.has f) h
      simpa [hf] using this
    · intro h
      refine ext_has fun f => ?_
      have := h f
      cases hp : part.has f <;> simp_all
  simp only [covers, isEmpty, Bool.and_eq_true, bne_iff_ne, ne_eq, beq_iff_eq, beq_eq_false_iff_ne]
  rw [e, i]

end Scope

/-- What an input says about its authority: plain data, compared field by field with what is live. -/
structure Presented where
  /-- The session it is for. -/
  session : SessionId
  /-- The owner it was issued to. -/
  owner : Owner
  /-- The generation it was issued under. -/
  generation : Generation
  /-- The fragments it was issued for. -/
  scope : Scope
deriving Repr, DecidableEq

end Antiphon.Machine
