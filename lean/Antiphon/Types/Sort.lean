/-!
# Sorts: the types of payloads

Owns the four kinds of trees that stand in each other: sorts, their fields, local types and their
branches. They are declared together because `chan(T)` is a sort that holds a local type, whose
messages have sorts. What local types do is in `Types/Local.lean`.

Lean keeps the word `Sort` for itself, and `rec` for recursors: the sort of a payload is a
`PayloadSort` here, and `rec X . T` is `mu`.

Rust twin: `src/types/sort.rs`. Clauses: VALUE-1, VALUE-6.
-/

namespace Antiphon

/-- Whether an action gives or takes. -/
inductive Direction
  | send
  | receive
deriving DecidableEq, Repr, Inhabited

namespace Direction

/-- The other way round. -/
def flip : Direction → Direction
  | send => receive
  | receive => send

end Direction

mutual

/-- The type of a payload. -/
inductive PayloadSort
  | unit
  | bool
  | int
  | nat
  | float
  | string
  | bytes
  | list (item : PayloadSort)
  | record (fields : Fields)
  | optional (item : PayloadSort)
  | named (name : String)
  | chan (type : Local)

/-- The fields of a record, in declared order. -/
inductive Fields
  | nil
  | cons (name : String) (sort : PayloadSort) (rest : Fields)

/-- What one role does. A variable counts the binders between it and its own: 0 is the innermost. -/
inductive Local
  | end
  | var (index : Nat)
  | mu (body : Local)
  | choice (direction : Direction) (branches : Branches)

/-- The branches of a choice; each names its partner, so that a choice may be between several. -/
inductive Branches
  | nil
  | cons (peer label : String) (sort : PayloadSort) (next : Local) (rest : Branches)

end

deriving instance DecidableEq for PayloadSort, Fields, Local, Branches
deriving instance Repr for PayloadSort, Fields, Local, Branches

instance : Inhabited PayloadSort := ⟨.unit⟩
instance : Inhabited Fields := ⟨.nil⟩
instance : Inhabited Local := ⟨.end⟩
instance : Inhabited Branches := ⟨.nil⟩

/-- The names of the fields. -/
def Fields.names : Fields → List String
  | .nil => []
  | .cons name _ rest => name :: rest.names

/-- Whether `name` is among the fields. -/
def Fields.has (fields : Fields) (name : String) : Bool :=
  match fields with
  | .nil => false
  | .cons first _ rest => first == name || rest.has name

mutual

/-- Whether the values of a sort have no canonical bytes. -/
def PayloadSort.takesNoBytes : PayloadSort → Bool
  | .unit => true
  | .record fields => fields.takeNoBytes
  | _ => false

def Fields.takeNoBytes : Fields → Bool
  | .nil => true
  | .cons _ sort rest => sort.takesNoBytes && rest.takeNoBytes

end

mutual

/-- Whether an endpoint can be delegated in a value of this sort. -/
def PayloadSort.hasChan : PayloadSort → Bool
  | .list item => item.hasChan
  | .optional item => item.hasChan
  | .record fields => fields.haveChan
  | .chan _ => true
  | _ => false

def Fields.haveChan : Fields → Bool
  | .nil => false
  | .cons _ sort rest => sort.hasChan || rest.haveChan

end

mutual

/-- Whether the names of every record's fields are distinct, as those of every declared sort are. -/
def PayloadSort.distinct : PayloadSort → Bool
  | .list item => item.distinct
  | .optional item => item.distinct
  | .record fields => fields.distinct
  | _ => true

def Fields.distinct : Fields → Bool
  | .nil => true
  | .cons name sort rest => !rest.has name && sort.distinct && rest.distinct

end

end Antiphon
