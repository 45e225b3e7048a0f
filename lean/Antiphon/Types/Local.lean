import Antiphon.Types.Sort

/-!
# Local types: what one role does

Owns substitution, unfolding, what makes a type closed and guarded, and the naive way to run one:
unfold `rec`, take the branch, go on. That way is what a local type means; the tables of
`Types/Automaton.lean` are only how it runs fast.

Rust twin: `src/types/local.rs` with `src/types/tree.rs` and the checks of `src/types/check.rs`.
Clauses: TYPE-5, AUTO-1.
-/

namespace Antiphon

/-- One branch of a choice. -/
structure Branch where
  peer : String
  label : String
  sort : PayloadSort
  next : Local
deriving DecidableEq, Repr, Inhabited

/-- The branches in order. -/
def Branches.toList : Branches → List Branch
  | .nil => []
  | .cons peer label sort next rest => ⟨peer, label, sort, next⟩ :: rest.toList

/-- The branches of a list. -/
def Branches.ofList : List Branch → Branches
  | [] => .nil
  | ⟨peer, label, sort, next⟩ :: rest => .cons peer label sort next (ofList rest)

mutual

/-- `t` for variable `k`; the binders above `k` are gone. Nothing is shifted: what is put in is
closed. -/
def Local.subst (body : Local) (k : Nat) (t : Local) : Local :=
  match body with
  | .end => .end
  | .var n => if n = k then t else if k < n then .var (n - 1) else .var n
  | .mu body => .mu (body.subst (k + 1) t)
  | .choice direction branches => .choice direction (branches.subst k t)

def Branches.subst (branches : Branches) (k : Nat) (t : Local) : Branches :=
  match branches with
  | .nil => .nil
  | .cons peer label sort next rest => .cons peer label sort (next.subst k t) (rest.subst k t)

end

mutual

/-- Every variable is bound here or by one of `k` binders around. -/
def Local.closedAt (t : Local) (k : Nat) : Bool :=
  match t with
  | .end => true
  | .var n => decide (n < k)
  | .mu body => body.closedAt (k + 1)
  | .choice _ branches => branches.closedAt k

def Branches.closedAt (branches : Branches) (k : Nat) : Bool :=
  match branches with
  | .nil => true
  | .cons _ _ _ next rest => next.closedAt k && rest.closedAt k

end

/-- Every variable is bound. -/
def Local.closed (t : Local) : Bool := t.closedAt 0

/-- Behind its leading binders stands no variable. -/
def Local.acts : Local → Bool
  | .mu body => body.acts
  | .var _ => false
  | _ => true

mutual

/-- No variable of the innermost `k` binders around stands here before an action; and between a binder
in `t` and its variables there is one. -/
def Local.guardedAt (t : Local) (k : Nat) : Bool :=
  match t with
  | .end => true
  | .var n => decide (k ≤ n)
  | .mu body => body.guardedAt (k + 1)
  | .choice _ branches => branches.guarded

def Branches.guarded : Branches → Bool
  | .nil => true
  | .cons _ _ _ next rest => next.guardedAt 0 && rest.guarded

end

/-- TYPE-2: between a binder and its variables there is an action. -/
def Local.guarded (t : Local) : Bool := t.guardedAt 0

mutual

/-- Choices are not empty, and each pair of partner and label is in a choice once. -/
def Local.determined : Local → Bool
  | .mu body => body.determined
  | .choice _ .nil => false
  | .choice _ branches => branches.determined
  | _ => true

def Branches.determined : Branches → Bool
  | .nil => true
  | .cons peer label _ next rest =>
    !(rest.toList.any fun branch => branch.peer == peer && branch.label == label)
      && next.determined && rest.determined

end

/-- What every declared type is. -/
def Local.wellFormed (t : Local) : Bool := t.closed && t.guarded && t.determined

/-- How many binders it starts with. -/
def Local.lead : Local → Nat
  | .mu body => body.lead + 1
  | _ => 0

/-- One unfolding: the type itself for its outermost variable. -/
def Local.unfold : Local → Local
  | .mu body => body.subst 0 (.mu body)
  | t => t

def Local.unfoldTimes (t : Local) : Nat → Local
  | 0 => t
  | n + 1 => t.unfold.unfoldTimes n

/-- Unfolded until an action or the end is in front. -/
def Local.head (t : Local) : Local := t.unfoldTimes t.lead

/-- A choice or the end: nothing to unfold. -/
def Local.isHead : Local → Bool
  | .choice .. => true
  | .end => true
  | _ => false

mutual

/-- How many places it has. -/
def Local.size : Local → Nat
  | .mu body => body.size + 1
  | .choice _ branches => branches.size + 1
  | _ => 1

def Branches.size : Branches → Nat
  | .nil => 0
  | .cons _ _ _ next rest => next.size + rest.size + 1

end

mutual

/-- Every send a receive and the other way round. -/
def Local.dual : Local → Local
  | .end => .end
  | .var n => .var n
  | .mu body => .mu body.dual
  | .choice direction branches => .choice direction.flip branches.dual

def Branches.dual : Branches → Branches
  | .nil => .nil
  | .cons peer label sort next rest => .cons peer label sort next.dual rest.dual

end

/-- An action in names. -/
structure Action where
  direction : Direction
  peer : String
  label : String
  sort : PayloadSort
deriving DecidableEq, Repr, Inhabited

/-- The branch of an action. -/
def Branches.find (branches : Branches) (action : Action) : Option Local :=
  match branches with
  | .nil => none
  | .cons peer label sort next rest =>
    if peer = action.peer ∧ label = action.label ∧ sort = action.sort then some next
    else rest.find action

/-- What is left of a type after an action, if it allows that. -/
def Local.after (t : Local) (action : Action) : Option Local :=
  match t.head with
  | .choice direction branches =>
    if direction = action.direction then branches.find action else none
  | _ => none

/-- What is left of a type after a run, if it allows that. -/
def Local.run (t : Local) : List Action → Option Local
  | [] => some t
  | action :: rest =>
    match t.after action with
    | none => none
    | some t => t.run rest

/-- Nothing more happens. -/
def Local.isEnd (t : Local) : Bool := t.head == .end

end Antiphon
