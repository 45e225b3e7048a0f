import Antiphon.Types.Sort

/-!
# Values: what messages carry

Owns values and `conform`: what a sort makes of a value, once, at the door. From then on a value is
moved, never looked into. Doubles are kept as their bits, values of sorts that a protocol does not
define as their canonical JSON text; that numbers have 64 bits is the reader's business.

Rust twin: `src/types/value.rs`. Clauses: VALUE-1, VALUE-4 to VALUE-7, VALUE-20.
-/

namespace Antiphon

/-- How many bytes a value may have, about. -/
def valueBytesMax : Nat := 67108864
/-- How deep a value may be nested. -/
def valueDepthMax : Nat := 96
/-- The most items of a list whose items take no bytes: nothing else bounds them. -/
def emptyItemsMax : Nat := 65535
/-- The most bytes of an endpoint on its way. -/
def chanBytesMax : Nat := 1024

mutual

/-- What a message carries. -/
inductive Value
  | unit
  | bool (truth : Bool)
  | int (n : Int)
  | nat (n : Nat)
  | float (bits : UInt64)
  | string (text : String)
  | bytes (bytes : List UInt8)
  | list (items : Values)
  | record (entries : Entries)
  | none
  | some (inner : Value)
  | json (text : String)
  | chan (bytes : List UInt8)

/-- The items of a list. -/
inductive Values
  | nil
  | cons (item : Value) (rest : Values)

/-- The fields of a record with their values. -/
inductive Entries
  | nil
  | cons (name : String) (value : Value) (rest : Entries)

end

deriving instance DecidableEq for Value, Values, Entries
deriving instance Repr for Value, Values, Entries

instance : Inhabited Value := ⟨.unit⟩
instance : Inhabited Values := ⟨.nil⟩
instance : Inhabited Entries := ⟨.nil⟩

/-- What is wrong at the place where a value is not of its sort. -/
inductive Misfit
  /-- A value of another kind. -/
  | kind
  /-- Nested more than `valueDepthMax` deep. -/
  | depth
  /-- More than `valueBytesMax` bytes in all. -/
  | bytes
  /-- An integer that the sort cannot hold. -/
  | range
  /-- A NaN or an infinity. -/
  | notFinite
  /-- More than `emptyItemsMax` items without bytes. -/
  | items
  /-- An endpoint of no bytes, or of more than `chanBytesMax`. -/
  | endpoint
  /-- A field is missing. -/
  | missing (name : String)
  /-- A field too many. -/
  | extra (name : String)
deriving DecidableEq, Repr

/-- A value that is not of the sort that was wanted; `$` is the whole, `.field` and `[3]` lead
inwards. -/
structure WrongSort where
  path : String
  misfit : Misfit
deriving DecidableEq, Repr

namespace WrongSort

def here (misfit : Misfit) : WrongSort := ⟨"", misfit⟩

/-- Puts one more step in front of the path. -/
def under (step : String) (error : WrongSort) : WrongSort := { error with path := step ++ error.path }

end WrongSort

/-- How many arrays and objects of JSON text stand inside each other: the state is the depth, the
deepest so far, and whether the place is in a string and behind a backslash. -/
def jsonDepthFrom : List Char → (depth deepest : Nat) → (inText escaped : Bool) → Nat
  | [], _, deepest, _, _ => deepest
  | c :: rest, depth, deepest, inText, escaped =>
    if escaped then jsonDepthFrom rest depth deepest inText false
    else if c = '\\' then jsonDepthFrom rest depth deepest inText inText
    else if c = '"' then jsonDepthFrom rest depth deepest (!inText) false
    else if inText then jsonDepthFrom rest depth deepest inText false
    else if c = '[' ∨ c = '{' then jsonDepthFrom rest (depth + 1) (max deepest (depth + 1)) false false
    else if c = ']' ∨ c = '}' then jsonDepthFrom rest (depth - 1) deepest false false
    else jsonDepthFrom rest depth deepest false false

def jsonDepth (text : String) : Nat := jsonDepthFrom text.toList 0 0 false false

/-- Whether the bits are those of a NaN or an infinity: all of the exponent is set. -/
def floatIsFinite (bits : UInt64) : Bool := (bits >>> 52) &&& 0x7FF != 0x7FF

/-- −0 becomes 0. -/
def floatCanonical (bits : UInt64) : UInt64 := if bits = 0x8000000000000000 then 0 else bits

mutual

/-- How many bytes its texts and bytes have, and 8 for everything else. -/
def Value.byteCount : Value → Nat
  | .string text => text.utf8ByteSize
  | .bytes bytes => bytes.length
  | .chan bytes => bytes.length
  | .json text => text.utf8ByteSize
  | .some inner => 8 + inner.byteCount
  | .list items => 8 + items.byteCount
  | .record entries => 8 + entries.byteCount
  | _ => 8

def Values.byteCount : Values → Nat
  | .nil => 0
  | .cons item rest => item.byteCount + rest.byteCount

def Entries.byteCount : Entries → Nat
  | .nil => 0
  | .cons _ value rest => value.byteCount + rest.byteCount

end

def Values.length : Values → Nat
  | .nil => 0
  | .cons _ rest => rest.length + 1

/-- Every item made to conform by `conform`; the first that does not is named by its place. -/
def Values.conformEach (conform : Value → Except WrongSort Value) :
    Values → (index : Nat) → Except WrongSort Values
  | .nil, _ => .ok .nil
  | .cons item rest, index =>
    match conform item with
    | .error error => .error (error.under s!"[{index}]")
    | .ok item =>
      match rest.conformEach conform (index + 1) with
      | .error error => .error error
      | .ok rest => .ok (.cons item rest)

/-- All but the last, and the last. -/
def Entries.splitLast (name : String) (value : Value) : Entries → Entries × String × Value
  | .nil => (.nil, name, value)
  | .cons name' value' rest =>
    let (front, last) := splitLast name' value' rest
    (.cons name value front, last)

/-- The last one put in front. -/
def Entries.lastToFront : Entries → Entries
  | .nil => .nil
  | .cons name value rest =>
    let (front, name, value) := splitLast name value rest
    .cons name value front

/-- The value of the first entry with this name, and the other entries: the last of them in its
place. -/
def Entries.take (name : String) : Entries → Option (Value × Entries)
  | .nil => Option.none
  | .cons first value rest =>
    if first = name then Option.some (value, rest.lastToFront)
    else match rest.take name with
      | Option.none => Option.none
      | Option.some (found, others) => Option.some (found, .cons first value others)

mutual

/-- `value` as a value of the part of a sort that stands `depth` deep. -/
def PayloadSort.conformAt (sort : PayloadSort) (depth : Nat) (value : Value) :
    Except WrongSort Value :=
  if depth > valueDepthMax then .error (.here .depth) else
  match sort, value with
  | .unit, .unit => .ok .unit
  | .bool, .bool truth => .ok (.bool truth)
  | .int, .int n => .ok (.int n)
  | .int, .nat n => if n < 2 ^ 63 then .ok (.int n) else .error (.here .range)
  | .nat, .nat n => .ok (.nat n)
  | .nat, .int n => if 0 ≤ n then .ok (.nat n.toNat) else .error (.here .range)
  | .float, .float bits =>
    if floatIsFinite bits then .ok (.float (floatCanonical bits)) else .error (.here .notFinite)
  | .string, .string text => .ok (.string text)
  | .bytes, .bytes bytes => .ok (.bytes bytes)
  | .named _, .json text =>
    if depth + jsonDepth text > valueDepthMax then .error (.here .depth) else .ok (.json text)
  | .chan _, .chan bytes =>
    if 1 ≤ bytes.length ∧ bytes.length ≤ chanBytesMax then .ok (.chan bytes)
    else .error (.here .endpoint)
  | .optional _, .none => .ok .none
  | .optional part, .some inner =>
    match part.conformAt (depth + 1) inner with
    | .error error => .error error
    | .ok inner => .ok (.some inner)
  | .list part, .list items =>
    if items.length > emptyItemsMax ∧ part.takesNoBytes = true then .error (.here .items) else
    match items.conformEach (fun item => part.conformAt (depth + 1) item) 0 with
    | .error error => .error error
    | .ok items => .ok (.list items)
  | .record fields, .record given =>
    match fields.conformAt (depth + 1) given with
    | .error error => .error error
    | .ok entries => .ok (.record entries)
  | _, _ => .error (.here .kind)

/-- What the fields make of `given`, in declared order. -/
def Fields.conformAt (fields : Fields) (depth : Nat) (given : Entries) : Except WrongSort Entries :=
  match fields with
  | .nil =>
    match given with
    | .nil => .ok .nil
    | .cons name _ _ => .error (.here (.extra name))
  | .cons name part rest =>
    match given.take name with
    | Option.some (value, given) =>
      match part.conformAt depth value with
      | .error error => .error (error.under s!".{name}")
      | .ok value =>
        match rest.conformAt depth given with
        | .error error => .error error
        | .ok entries => .ok (.cons name value entries)
    | Option.none =>
      match part with
      | .optional _ =>
        if depth > valueDepthMax then .error ((WrongSort.here .depth).under s!".{name}") else
        match rest.conformAt depth given with
        | .error error => .error error
        | .ok entries => .ok (.cons name .none entries)
      | _ => .error (.here (.missing name))

end

/-- VALUE-1: `value` as a value of this sort, or the first place that does not fit. -/
def PayloadSort.conform (sort : PayloadSort) (value : Value) : Except WrongSort Value :=
  match sort.conformAt 0 value with
  | .error error => .error (error.under "$")
  | .ok value => if value.byteCount ≤ valueBytesMax then .ok value else .error ⟨"$", .bytes⟩

end Antiphon
