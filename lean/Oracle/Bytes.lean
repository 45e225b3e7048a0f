import Antiphon.Types.Value

/-!
Bytes as text and values as bytes: hexadecimal digits, base64, and the canonical bytes of a value.

Rust twin: `src/types/canonical.rs`. Clauses: VALUE-2, VALUE-6.
-/

namespace Oracle
open Antiphon

def hexDigit (n : Nat) : Char :=
  if n < 10 then Char.ofNat (n + 48) else Char.ofNat (n + 87)

/-- Two digits a byte. -/
def hexOf (bytes : ByteArray) : String :=
  bytes.foldl (fun text byte =>
    (text.push (hexDigit (byte.toNat / 16))).push (hexDigit (byte.toNat % 16))) ""

partial def hexNatFrom (n : Nat) (behind : List Char) : List Char :=
  let text := hexDigit (n % 16) :: behind
  if n < 16 then text else hexNatFrom (n / 16) text

/-- A number in as few digits as it takes. -/
def hexNat (n : Nat) : String := String.ofList (hexNatFrom n [])

/-- A number in at least `width` digits. -/
def hexWide (width n : Nat) : String :=
  let text := hexNat n
  String.ofList (List.replicate (width - text.length) '0') ++ text

def digitOfHex (c : Char) : Option Nat :=
  if '0' ≤ c && c ≤ '9' then some (c.toNat - 48)
  else if 'a' ≤ c && c ≤ 'f' then some (c.toNat - 87)
  else if 'A' ≤ c && c ≤ 'F' then some (c.toNat - 55)
  else none

/-- The number that hexadecimal digits say. -/
def natOfHex (text : String) : Option Nat :=
  if text.isEmpty then none
  else text.toList.foldl (fun n c => do return (← n) * 16 + (← digitOfHex c)) (some 0)

def base64Alphabet : Array Char :=
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".toList.toArray

def base64Digit (n : Nat) : Char := base64Alphabet.getD n '='

/-- With padding. -/
def base64 : List UInt8 → String → String
  | [], text => text
  | [a], text =>
    ((text.push (base64Digit (a.toNat / 4))).push (base64Digit (a.toNat % 4 * 16))) ++ "=="
  | [a, b], text =>
    (((text.push (base64Digit (a.toNat / 4))).push
      (base64Digit (a.toNat % 4 * 16 + b.toNat / 16))).push
      (base64Digit (b.toNat % 16 * 4))) ++ "="
  | a :: b :: c :: rest, text =>
    base64 rest <| (((text.push (base64Digit (a.toNat / 4))).push
      (base64Digit (a.toNat % 4 * 16 + b.toNat / 16))).push
      (base64Digit (b.toNat % 16 * 4 + c.toNat / 64))).push (base64Digit (c.toNat % 64))

def base64Value (c : Char) : Option Nat := base64Alphabet.findIdx? (· == c)

/-- The bytes that padded base64 says; bits that are left over must be 0. -/
def base64Bytes : List Char → List UInt8 → Option (List UInt8)
  | [], bytes => some bytes.reverse
  | [a, b, '=', '='], bytes => do
    let (a, b) := (← base64Value a, ← base64Value b)
    if b % 16 = 0 then some ((UInt8.ofNat (a * 4 + b / 16) :: bytes).reverse) else none
  | [a, b, c, '='], bytes => do
    let (a, b, c) := (← base64Value a, ← base64Value b, ← base64Value c)
    if c % 4 = 0 then
      some ((UInt8.ofNat (b % 16 * 16 + c / 4) :: UInt8.ofNat (a * 4 + b / 16) :: bytes).reverse)
    else none
  | a :: b :: c :: d :: rest, bytes => do
    let (a, b, c, d) := (← base64Value a, ← base64Value b, ← base64Value c, ← base64Value d)
    base64Bytes rest (UInt8.ofNat (c % 4 * 64 + d) :: UInt8.ofNat (b % 16 * 16 + c / 4)
      :: UInt8.ofNat (a * 4 + b / 16) :: bytes)
  | _, _ => none

def pushLittle (out : ByteArray) (n : Nat) : Nat → ByteArray
  | 0 => out
  | count + 1 => pushLittle (out.push (UInt8.ofNat (n % 256))) (n / 256) count

def pushAll (out : ByteArray) (bytes : List UInt8) : ByteArray := bytes.foldl (·.push ·) out

/-- Behind its length. -/
def pushBlock (out bytes : ByteArray) : ByteArray := pushLittle out bytes.size 4 ++ bytes

mutual

/-- The bytes of a value inside another one. -/
partial def encodeInner (out : ByteArray) : Value → ByteArray
  | .unit => out
  | .bool truth => out.push (if truth then 1 else 0)
  | .int n => pushLittle out (if n < 0 then (n + 2 ^ 64).toNat else n.toNat) 8
  | .nat n => pushLittle out n 8
  | .float bits => pushLittle out bits.toNat 8
  | .string text => pushBlock out text.toUTF8
  | .bytes bytes => pushBlock out (pushAll .empty bytes)
  | .chan bytes => pushBlock out (pushAll .empty bytes)
  | .json text => pushBlock out text.toUTF8
  | .none => out.push 0
  | .some inner => encodeInner (out.push 1) inner
  | .list items => encodeItems (pushLittle out items.length 4) items
  | .record entries => encodeEntries out entries

partial def encodeItems (out : ByteArray) : Values → ByteArray
  | .nil => out
  | .cons item rest => encodeItems (encodeInner out item) rest

partial def encodeEntries (out : ByteArray) : Entries → ByteArray
  | .nil => out
  | .cons _ value rest => encodeEntries (encodeInner out value) rest

end

/-- The canonical bytes of a value. -/
def encode : Value → ByteArray
  | .string text => text.toUTF8
  | .bytes bytes => pushAll .empty bytes
  | .chan bytes => pushAll .empty bytes
  | .json text => text.toUTF8
  | other => encodeInner .empty other

end Oracle
