import Oracle.Json

/-!
Values as JSON, directed by their sort; what a sort makes of a value is the model's `conform`.

Rust twin: `src/wire/json.rs`. Clauses: VALUE-3, VALUE-20.
-/

namespace Oracle
open Lean (Json)
open Antiphon

/-- The largest integer that every JSON reader keeps exact. -/
def exactMax : Nat := 2 ^ 53

/-- An integer as text: a sign, which a natural number has only in front of it, and digits. -/
def integerOfText (signed : Bool) (text : String) : Option Int :=
  let digits := fun (all : List Char) =>
    if all.isEmpty || !all.all Char.isDigit then none
    else some (all.foldl (fun n c => n * 10 + (c.toNat - 48)) 0)
  match text.toList with
  | '+' :: rest => (digits rest).map Int.ofNat
  | '-' :: rest => if signed then (digits rest).map fun n => -(Int.ofNat n) else none
  | all => (digits all).map Int.ofNat

def integerOf (signed : Bool) : Json → Option Int
  | .str text => integerOfText signed text
  | json => integer? json

def wrong (misfit : Misfit) : Except WrongSort α := .error (.here misfit)

/-- Whether a full optional of this part must be told from an empty one by more than `null`. -/
def isNullable : PayloadSort → Bool
  | .unit => true
  | .optional _ => true
  | .named _ => true
  | _ => false

def fieldsList : Fields → List (String × PayloadSort)
  | .nil => []
  | .cons name sort rest => (name, sort) :: fieldsList rest

def valuesOf (items : List Value) : Values := items.foldr Values.cons .nil

def entriesOf (entries : List (String × Value)) : Entries :=
  entries.foldr (fun (name, value) rest => .cons name value rest) .nil

/-- The value that `json` says, before it is made to conform. -/
partial def readAt (sort : PayloadSort) (json : Json) : Except WrongSort Value :=
  match sort, json with
  | .unit, .null => .ok .unit
  | .bool, .bool truth => .ok (.bool truth)
  | .int, json =>
    match integerOf true json with
    | some n => if -(2 ^ 63) ≤ n && n < 2 ^ 63 then .ok (.int n) else wrong .kind
    | none => wrong .kind
  | .nat, json =>
    match integerOf false json with
    | some n => if 0 ≤ n && n < 2 ^ 64 then .ok (.nat n.toNat) else wrong .kind
    | none => wrong .kind
  | .float, .num n =>
    match doubleOf n with
    | some bits => .ok (.float bits)
    | none => wrong .kind
  | .string, .str text => .ok (.string text)
  | .bytes, .str text =>
    match base64Bytes text.toList [] with
    | some bytes => .ok (.bytes bytes)
    | none => wrong .kind
  | .chan _, .str text =>
    match base64Bytes text.toList [] with
    | some bytes => .ok (.chan bytes)
    | none => wrong .kind
  | .named _, json => .ok (.json (canonical json))
  | .optional _, .null => .ok .none
  | .optional part, json =>
    if isNullable part then
      match json with
      | .obj fields =>
        match fields.toList with
        | [("some", inner)] => (readAt part inner).map .some
        | _ => wrong .kind
      | _ => wrong .kind
    else (readAt part json).map .some
  | .list part, .arr items => do
    let item := fun (item, index) =>
      match readAt part item with
      | .error error => .error (error.under s!"[{index}]")
      | .ok value => .ok value
    return .list (valuesOf (← (items.toList.zipIdx).mapM item))
  | .record fields, .obj given => do
    let declared := fieldsList fields
    let entry := fun (key, json) =>
      match declared.find? (·.1 == key) with
      | none => wrong (.extra key)
      | some (_, part) =>
        match readAt part json with
        | .error error => .error (error.under s!".{key}")
        | .ok value => .ok (key, value)
    return .record (entriesOf (← given.toList.mapM entry))
  | _, _ => wrong .kind

/-- The value of the sort that `json` says. -/
def readValue (sort : PayloadSort) (json : Json) : Except WrongSort Value :=
  match readAt sort json with
  | .error error => .error (error.under "$")
  | .ok value => sort.conform value

def valuesList : Values → List Value
  | .nil => []
  | .cons item rest => item :: valuesList rest

def entriesList : Entries → List (String × Value)
  | .nil => []
  | .cons name value rest => (name, value) :: entriesList rest

/-- A value that conforms to the sort. -/
partial def writeValue (sort : PayloadSort) (value : Value) : Json :=
  match sort, value with
  | _, .bool truth => .bool truth
  | _, .int n => if n.natAbs ≤ exactMax then int n else str (toString n)
  | _, .nat n => if n ≤ exactMax then num n else str (toString n)
  | _, .float bits => double bits
  | _, .string text => str text
  | _, .bytes bytes => str (base64 bytes "")
  | _, .chan bytes => str (base64 bytes "")
  | _, .json text => (Json.parse text).toOption.getD .null
  | .optional part, .some inner =>
    let inner := writeValue part inner
    if isNullable part then obj [("some", inner)] else inner
  | .list part, .list items => arr ((valuesList items).map (writeValue part))
  | .record fields, .record entries =>
    let pairs := (fieldsList fields).zip (entriesList entries)
    obj (pairs.map fun ((name, part), (_, value)) => (name, writeValue part value))
  | _, _ => .null

end Oracle
