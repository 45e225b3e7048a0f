import Oracle.Bytes

/-!
SHA-256 (FIPS 180-4): what the state of a session shows in the place of values that were sent. The
model keeps the values themselves.
-/

namespace Oracle

def shaConstants : Array UInt32 := #[
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2]

def shaStart : Array UInt32 := #[
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]

def rotate (x n : UInt32) : UInt32 := (x >>> n) ||| (x <<< (32 - n))

def wordAt (bytes : ByteArray) (at_ : Nat) : UInt32 :=
  let byte := fun i => (bytes.get! (at_ + i)).toUInt32
  (byte 0 <<< 24) ||| (byte 1 <<< 16) ||| (byte 2 <<< 8) ||| byte 3

/-- The 64 words of a block. -/
def shaSchedule (bytes : ByteArray) (block : Nat) : Array UInt32 := Id.run do
  let mut w := Array.mkEmpty 64
  for i in [0:16] do
    w := w.push (wordAt bytes (block + 4 * i))
  for i in [16:64] do
    let (a, b) := (w[i - 15]!, w[i - 2]!)
    let s0 := rotate a 7 ^^^ rotate a 18 ^^^ (a >>> 3)
    let s1 := rotate b 17 ^^^ rotate b 19 ^^^ (b >>> 10)
    w := w.push (w[i - 16]! + s0 + w[i - 7]! + s1)
  return w

/-- One block more. -/
def shaBlock (hash : Array UInt32) (w : Array UInt32) : Array UInt32 := Id.run do
  let mut (a, b, c, d) := (hash[0]!, hash[1]!, hash[2]!, hash[3]!)
  let mut (e, f, g, h) := (hash[4]!, hash[5]!, hash[6]!, hash[7]!)
  for i in [0:64] do
    let s1 := rotate e 6 ^^^ rotate e 11 ^^^ rotate e 25
    let ch := (e &&& f) ^^^ ((~~~ e) &&& g)
    let t1 := h + s1 + ch + shaConstants[i]! + w[i]!
    let s0 := rotate a 2 ^^^ rotate a 13 ^^^ rotate a 22
    let t2 := s0 + ((a &&& b) ^^^ (a &&& c) ^^^ (b &&& c))
    (h, g, f, e, d, c, b, a) := (g, f, e, d + t1, c, b, a, t1 + t2)
  return #[hash[0]! + a, hash[1]! + b, hash[2]! + c, hash[3]! + d,
    hash[4]! + e, hash[5]! + f, hash[6]! + g, hash[7]! + h]

/-- With a 1, zeros and the number of bits behind, to full blocks. -/
def shaPadded (bytes : ByteArray) : ByteArray := Id.run do
  let mut out := bytes.push 0x80
  while out.size % 64 != 56 do
    out := out.push 0
  let bits := bytes.size * 8
  for i in [0:8] do
    out := out.push (UInt8.ofNat (bits / 2 ^ (8 * (7 - i)) % 256))
  return out

/-- The digest in hexadecimal digits. -/
def sha256 (bytes : ByteArray) : String := Id.run do
  let padded := shaPadded bytes
  let mut hash := shaStart
  for block in [0:padded.size / 64] do
    hash := shaBlock hash (shaSchedule padded (block * 64))
  return hash.foldl (fun text word => text ++ hexWide 8 word.toNat) ""

end Oracle
