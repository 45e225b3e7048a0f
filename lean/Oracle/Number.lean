/-!
Doubles as bits, decimals exactly, and the shortest decimal that says a double: what a JSON number
means, and how it is written in canonical text.

Clause: VALUE-4.
-/

namespace Oracle

/-- `numerator / denominator` as the nearest double, ties to even; `none` if it is too large. -/
def nearest (numerator denominator : Nat) : Option Nat := Id.run do
  if numerator = 0 then return some 0
  let quotient := fun (e : Int) =>
    if e ≥ 0 then (numerator, denominator * 2 ^ e.toNat)
    else (numerator * 2 ^ (-e).toNat, denominator)
  let mut e : Int := max ((numerator.log2 : Int) - denominator.log2 - 52) (-1074)
  let (n, d) := quotient e
  if n / d ≥ 2 ^ 53 then e := e + 1
  else if n / d < 2 ^ 52 && e > -1074 then e := e - 1
  let (n, d) := quotient e
  let mut m := n / d
  let twice := n % d * 2
  if twice > d || (twice = d && m % 2 = 1) then m := m + 1
  if m = 2 ^ 53 then (m, e) := (2 ^ 52, e + 1)
  if e > 971 then return none
  if m < 2 ^ 52 then return some m
  return some ((e + 1075).toNat * 2 ^ 52 + (m - 2 ^ 52))

/-- `mantissa * 10 ^ exponent` as the nearest double, without its sign. -/
def doubleOfDecimal (mantissa : Nat) (exponent : Int) : Option Nat :=
  -- What is this small or large needs no digits to be told.
  if exponent > 400 && mantissa > 0 then none
  else if exponent ≥ 0 then nearest (mantissa * 10 ^ exponent.toNat) 1
  else nearest mantissa (10 ^ (-exponent).toNat)

/-- The sign, and the exact value as `mantissa * 10 ^ -exponent`. -/
def decimalOfDouble (bits : UInt64) : Bool × Nat × Nat :=
  let n := bits.toNat
  let (biased, fraction) : Nat × Nat := (n / 2 ^ 52 % 2 ^ 11, n % 2 ^ 52)
  let (m, e) : Nat × Int :=
    if biased = 0 then (fraction, -1074) else (fraction + 2 ^ 52, (biased : Int) - 1075)
  let (m, places) :=
    if e ≥ 0 then (m * 2 ^ e.toNat, 0) else (m * 5 ^ (-e).toNat, (-e).toNat)
  (n / 2 ^ 63 = 1, m, places)

/-- The fewest digits and the power of ten behind them that say the double. -/
partial def shortestFrom (bits mantissa places length digits : Nat) : Nat × Int :=
  -- `mantissa` has `length` digits; `digits` of them are kept.
  let cut := length - digits
  let unit := 10 ^ cut
  let (q, r) := (mantissa / unit, mantissa % unit * 2)
  let q := if r > unit || (r = unit && q % 2 = 1) then q + 1 else q
  let exponent := (cut : Int) - places
  if digits ≥ length || doubleOfDecimal q exponent = some bits then (q, exponent)
  else shortestFrom bits mantissa places length (digits + 1)

partial def withoutZeros (digits : Nat) (exponent : Int) : Nat × Int :=
  if digits % 10 = 0 && digits > 0 then withoutZeros (digits / 10) (exponent + 1)
  else (digits, exponent)

def zeros (count : Nat) : String := String.ofList (List.replicate count '0')

/-- The sign, and the fewest digits with the power of ten behind them that say the double. -/
def shortest (bits : UInt64) : Bool × Nat × Int :=
  let (negative, mantissa, places) := decimalOfDouble bits
  if mantissa = 0 then (negative, 0, 0) else
  let magnitude := bits.toNat % 2 ^ 63
  let (digits, exponent) :=
    shortestFrom magnitude mantissa places (toString mantissa).length 1
  (negative, withoutZeros digits exponent)

/-- A finite double as JSON has it. -/
def doubleText (bits : UInt64) : String :=
  let (negative, digits, exponent) := shortest bits
  let sign := if negative then "-" else ""
  if digits = 0 then sign ++ "0.0" else
  let text := toString digits
  let point := (text.length : Int) + exponent
  sign ++
    if 0 ≤ exponent && point ≤ 16 then text ++ zeros exponent.toNat ++ ".0"
    else if 0 < point && point ≤ 16 then
      (text.take point.toNat).toString ++ "." ++ (text.drop point.toNat).toString
    else if -5 < point && point ≤ 0 then "0." ++ zeros (-point).toNat ++ text
    else
      let rest := (text.drop 1).toString
      (text.take 1).toString ++ (if rest.isEmpty then "" else "." ++ rest)
        ++ (if point > 0 then "e+" else "e") ++ toString (point - 1)

end Oracle
