import Lean.Data.Json
import Oracle.Bytes
import Oracle.Number

/-!
Reading and writing JSON: fields by name, numbers of 64 bits, and the canonical text of any JSON.
-/

namespace Oracle
open Lean (Json JsonNumber)

/-- What is wrong with a line, in words. -/
abbrev Read := Except String

/-- A field that is there, and not `null`. -/
def field? (json : Json) (key : String) : Option Json :=
  match json.getObjVal? key with
  | .ok .null => none
  | .ok value => some value
  | .error _ => none

def field (json : Json) (key : String) : Read Json :=
  match json.getObjVal? key with
  | .ok value => .ok value
  | .error _ => .error s!"there is no `{key}`"

/-- An integer without a fraction. -/
def integer? : Json → Option Int
  | .num n => if n.exponent = 0 then some n.mantissa else none
  | _ => none

def natBelow (limit : Nat) (json : Json) : Read Nat :=
  match integer? json with
  | some n => if 0 ≤ n && n < limit then .ok n.toNat else .error s!"{n} is out of range"
  | none => .error "a number belongs here"

/-- A number of 64 bits. -/
def nat (json : Json) : Read Nat := natBelow (2 ^ 64) json

def text (json : Json) : Read String :=
  match json with
  | .str text => .ok text
  | _ => .error "a text belongs here"

def bool (json : Json) : Read Bool :=
  match json with
  | .bool truth => .ok truth
  | _ => .error "`true` or `false` belongs here"

def items (json : Json) : Read (List Json) :=
  match json with
  | .arr items => .ok items.toList
  | _ => .error "an array belongs here"

def natField (json : Json) (key : String) : Read Nat := field json key >>= nat
def textField (json : Json) (key : String) : Read String := field json key >>= text

/-- A field that need not be there. -/
def optional (json : Json) (key : String) (read : Json → Read α) : Read (Option α) :=
  match field? json key with
  | none => .ok none
  | some value => some <$> read value

def flag (json : Json) (key : String) : Read Bool :=
  match field? json key with
  | none => .ok false
  | some value => bool value

/-- The elements of a list that need not be there. -/
def listed (json : Json) (key : String) (read : Json → Read α) : Read (List α) :=
  match field? json key with
  | none => .ok []
  | some value => items value >>= fun all => all.mapM read

/-- One of several forms, by its word: an object with this one field, or the word alone. -/
def tagged (json : Json) : Read (String × Json) :=
  match json with
  | .str word => .ok (word, .null)
  | .obj fields =>
    match fields.toList with
    | [(word, value)] => .ok (word, value)
    | _ => .error "an object with one field belongs here"
  | _ => .error "an object belongs here"

def num (n : Nat) : Json := .num ⟨n, 0⟩
def int (n : Int) : Json := .num ⟨n, 0⟩
def str (text : String) : Json := .str text

/-- An object. -/
def obj (fields : List (String × Json)) : Json := Json.mkObj fields

def arr (items : List Json) : Json := .arr items.toArray

/-- A field that is there if there is something to say. -/
def whenSome (key : String) (write : α → Json) : Option α → List (String × Json)
  | none => []
  | some value => [(key, write value)]

/-- A field that is there if it is true. -/
def whenTrue (key : String) (truth : Bool) : List (String × Json) :=
  if truth then [(key, .bool true)] else []

/-- A field that is there if the list is not empty. -/
def whenAny (key : String) (list : List Json) : List (String × Json) :=
  if list.isEmpty then [] else [(key, arr list)]

/-- The bits of the double that a number says; `none` if it is too large. -/
def doubleOf (n : JsonNumber) : Option UInt64 :=
  (doubleOfDecimal n.mantissa.natAbs (-(n.exponent : Int))).map fun magnitude =>
    UInt64.ofNat (if n.mantissa < 0 then magnitude + 2 ^ 63 else magnitude)

/-- A double, in the fewest digits. -/
def double (bits : UInt64) : Json :=
  let (negative, digits, exponent) := shortest bits
  let (mantissa, places) : Nat × Nat :=
    if exponent ≥ 0 then (digits * 10 ^ exponent.toNat, 0) else (digits, (-exponent).toNat)
  .num ⟨if negative then -(mantissa : Int) else mantissa, places⟩

/-- Whether two texts of JSON say the same: a number is what it says, however it is written. -/
partial def same : Json → Json → Bool
  | .num a, .num b => a.mantissa * 10 ^ b.exponent == b.mantissa * 10 ^ a.exponent
  | .arr a, .arr b => a.size == b.size && (a.toList.zip b.toList).all fun (x, y) => same x y
  | .obj a, .obj b =>
    let (a, b) := (a.toList, b.toList)
    a.length == b.length
      && (a.zip b).all fun ((key, x), (other, y)) => key == other && same x y
  | a, b => a == b

def quotedChar (out : String) (c : Char) : String :=
  match c with
  | '"' => out ++ "\\\""
  | '\\' => out ++ "\\\\"
  | '\n' => out ++ "\\n"
  | '\r' => out ++ "\\r"
  | '\t' => out ++ "\\t"
  | c =>
    if c.toNat = 8 then out ++ "\\b"
    else if c.toNat = 12 then out ++ "\\f"
    else if c.toNat < 32 then out ++ "\\u" ++ hexWide 4 c.toNat
    else out.push c

def quoted (text : String) : String := text.toList.foldl quotedChar "\"" ++ "\""

/-- The canonical text of any JSON: no spaces, keys sorted, integers of 64 bits as they are and every
other number as a double. -/
partial def canonical : Json → String
  | .null => "null"
  | .bool truth => if truth then "true" else "false"
  | .num n =>
    if n.exponent = 0 && -(2 ^ 63) ≤ n.mantissa && n.mantissa < 2 ^ 64 then toString n.mantissa
    else ((doubleOf n).map doubleText).getD "null"
  | .str text => quoted text
  | .arr items => "[" ++ ",".intercalate (items.toList.map canonical) ++ "]"
  | .obj fields =>
    let field := fun (key, value) => quoted key ++ ":" ++ canonical value
    "{" ++ ",".intercalate (fields.toList.map field) ++ "}"

end Oracle
