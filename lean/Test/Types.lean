import Antiphon.Types.Protocol
import Antiphon.Types.Subtype

/-!
# Examples of values, types, tables and subtyping

A definition that says something else than intended proves nothing: each example here is one line
that a reader can check by eye. What runs is guarded; what matters most the kernel evaluates, too.
-/

namespace Antiphon.Test

/-! ## Values: sort, value, what becomes of it -/

def fieldsOf : List (String × PayloadSort) → Fields
  | [] => .nil
  | (name, sort) :: rest => .cons name sort (fieldsOf rest)

def entriesOf : List (String × Value) → Entries
  | [] => .nil
  | (name, value) :: rest => .cons name value (entriesOf rest)

def valuesOf : List Value → Values
  | [] => .nil
  | item :: rest => .cons item (valuesOf rest)

def point : PayloadSort := .record (fieldsOf [("x", .int), ("y", .optional .nat)])

/-- So many optionals around nothing. -/
def full : Nat → Value
  | 0 => .unit
  | n + 1 => .some (full n)

def deep : Nat → PayloadSort
  | 0 => .unit
  | n + 1 => .optional (deep n)

def becomes (sort : PayloadSort) (value formed : Value) : Bool :=
  match sort.conform value with
  | .ok found => found == formed && (match sort.conform formed with | .ok again => again == formed | .error _ => false)
  | .error _ => false

def refused (sort : PayloadSort) (value : Value) (path : String) (misfit : Misfit) : Bool :=
  match sort.conform value with
  | .ok _ => false
  | .error error => error == ⟨path, misfit⟩

#guard becomes .unit .unit .unit
#guard becomes .int (.nat 7) (.int 7)
#guard becomes .int (.nat 9223372036854775807) (.int 9223372036854775807)
#guard refused .int (.nat 9223372036854775808) "$" .range
#guard becomes .nat (.int 0) (.nat 0)
#guard refused .nat (.int (-1)) "$" .range
#guard becomes .float (.float 0x8000000000000000) (.float 0)
#guard becomes .float (.float 0xBFF0000000000000) (.float 0xBFF0000000000000)
#guard refused .float (.float 0x7FF0000000000000) "$" .notFinite
#guard refused .float (.float 0xFFF8000000000001) "$" .notFinite
#guard refused .string (.bytes [1]) "$" .kind
#guard becomes point (.record (entriesOf [("y", .some (.nat 1)), ("x", .int 2)]))
  (.record (entriesOf [("x", .int 2), ("y", .some (.nat 1))]))
#guard becomes point (.record (entriesOf [("x", .nat 2)])) (.record (entriesOf [("x", .int 2), ("y", .none)]))
#guard refused point (.record (entriesOf [("y", .none)])) "$" (.missing "x")
#guard refused point (.record (entriesOf [("x", .int 2), ("z", .unit)])) "$" (.extra "z")
#guard refused point (.record (entriesOf [("x", .int 2), ("y", .some (.int (-1)))])) "$.y" .range
#guard refused (.list point) (.list (valuesOf [.record (entriesOf [("x", .int 2)]), .unit])) "$[1]" .kind
#guard refused (.list point) (.list (valuesOf [.record (entriesOf [("x", .bool true)])])) "$[0].x" .kind
#guard becomes (deep 96) (full 96) (full 96)
#guard refused (deep 97) (full 97) "$" .depth
#guard becomes (.named "Card") (.json "{\"a\":[1,2,\"[[[\"]}") (.json "{\"a\":[1,2,\"[[[\"]}")
#guard jsonDepth "{\"a\":[1,2,\"[[[\\\"[\"]}" == 2
#guard refused (.named "Card") (.json (String.ofList (List.replicate 97 '['))) "$" .depth
#guard becomes (.chan .end) (.chan [1]) (.chan [1])
#guard refused (.chan .end) (.chan []) "$" .endpoint
#guard refused (.chan .end) (.bytes [1]) "$" .kind
#guard PayloadSort.hasChan (.list (.chan .end)) && !point.hasChan

/-! ## Local types -/

def send (peer label : String) (next : Local) : Local := .choice .send (.cons peer label .unit next .nil)
def receive (peer label : String) (next : Local) : Local := .choice .receive (.cons peer label .unit next .nil)
def act (direction : Direction) (peer label : String) : Action := ⟨direction, peer, label, .unit⟩

/-- `rec X . Q!a . rec Y . Q!b . X`: the outer variable behind the inner binder. -/
def nested : Local := .mu (send "Q" "a" (.mu (send "Q" "b" (.var 1))))

/-- The same with the inner variable: after the first `a` only `b`. -/
def inner : Local := .mu (send "Q" "a" (.mu (send "Q" "b" (.var 0))))

example : nested.wellFormed = true := by decide
example : (Local.var 0).closed = false := by decide
example : (Local.mu (.mu (.var 1))).guarded = false := by decide
example : (Local.mu (send "Q" "a" (.mu (.var 1)))).guarded = true := by decide
example : (Local.mu (send "Q" "a" (.mu (.var 0)))).guarded = false := by decide
example : (Local.choice .send .nil).determined = false := by decide
example : nested.head = send "Q" "a" (.mu (send "Q" "b" nested)) := by decide
example : (nested.run [act .send "Q" "a", act .send "Q" "b", act .send "Q" "a"]).isSome = true := by decide
example : (nested.run [act .send "Q" "a", act .send "Q" "b", act .send "Q" "b"]).isSome = false := by decide
example : (inner.run [act .send "Q" "a", act .send "Q" "b", act .send "Q" "b"]).isSome = true := by decide
example : (nested.dual.run [act .receive "Q" "a", act .receive "Q" "b"]).isSome = true := by decide

/-! ## Tables -/

/-- Two roles, `P` and `Q`; labels `a` and `b` without payload. -/
def pair (p : Local) (table : Automaton) : Protocol where
  digest := ""
  name := "pair"
  roles := ["P", "Q"]
  locals := [p, .end]
  labels := ["a", "b"]
  messages := [⟨0, .unit⟩, ⟨1, .unit⟩]
  edges := [⟨0, 1⟩, ⟨1, 0⟩]
  automata := [table, ⟨[Row.end]⟩]
  evidence := .none
  rooms := [1, 1]

def sendA (next : Nat) (ends : Bool) : Transition := ⟨1, 0, 0, 0, next, ends⟩
def sendB (next : Nat) (ends : Bool) : Transition := ⟨1, 1, 1, 0, next, ends⟩
def takeA (next : Nat) (ends : Bool) : Transition := ⟨1, 0, 0, 1, next, ends⟩
def takeB (next : Nat) (ends : Bool) : Transition := ⟨1, 1, 1, 1, next, ends⟩

/-- `a b a b …` -/
def alternates : Automaton := ⟨[⟨.send, [sendA 1 false]⟩, ⟨.send, [sendB 0 false]⟩]⟩
/-- `a b b b …` -/
def settles : Automaton := ⟨[⟨.send, [sendA 1 false]⟩, ⟨.send, [sendB 1 false]⟩]⟩

example : (pair nested alternates).follows = true := by decide +kernel
example : (pair inner settles).follows = true := by decide +kernel
#guard (pair nested alternates).wellFormed
#guard !(pair nested settles).follows
#guard !(pair inner alternates).follows

-- A minimal table has one state where the type has two places: `Q!a . rec X . Q!a . X`.
#guard (pair (send "Q" "a" (.mu (send "Q" "a" (.var 0)))) ⟨[⟨.send, [sendA 0 false]⟩]⟩).follows
-- Branches in any order; a move too many; one too few; a wrong direction; a wrong flag.
def choiceBA : Local := .choice .send (.cons "Q" "b" .unit .end (.cons "Q" "a" .unit .end .nil))
#guard (pair choiceBA ⟨[⟨.send, [sendA 1 true, sendB 1 true]⟩, Row.end]⟩).follows
#guard !(pair choiceBA ⟨[⟨.send, [sendA 1 true]⟩, Row.end]⟩).follows
#guard !(pair (send "Q" "a" .end) ⟨[⟨.send, [sendA 1 true, sendB 1 true]⟩, Row.end]⟩).follows
#guard !(pair (receive "Q" "a" .end) ⟨[⟨.send, [sendA 1 true]⟩, Row.end]⟩).follows
#guard (pair (receive "Q" "a" .end) ⟨[⟨.receive, [takeA 1 true]⟩, Row.end]⟩).follows
#guard !(pair (send "Q" "a" .end) ⟨[⟨.send, [sendA 1 false]⟩, Row.end]⟩).follows
-- A label that the protocol has not, and a sort that the message has not.
#guard !(pair (send "Q" "c" .end) ⟨[⟨.send, [sendA 1 true]⟩, Row.end]⟩).follows
#guard !(pair (.choice .send (.cons "Q" "a" .nat .end .nil)) ⟨[⟨.send, [sendA 1 true]⟩, Row.end]⟩).follows

#guard alternates.send 0 1 0 == some (sendA 1 false)
#guard alternates.send 0 1 1 == none
#guard alternates.receiveFrom 0 1 == none
#guard (⟨[⟨.receive, [takeA 1 true, takeB 1 true]⟩, Row.end]⟩ : Automaton).receive 0 1 1 1 == some (takeB 1 true)
#guard (⟨[⟨.receive, [takeA 1 true, takeB 1 true]⟩, Row.end]⟩ : Automaton).receive 0 1 1 0 == none
#guard alternates.isEnd 7 && !alternates.isEnd 1

/-! ## Subtyping -/

def sendsA : Automaton := ⟨[⟨.send, [sendA 1 true]⟩, Row.end]⟩
def sendsAB : Automaton := ⟨[⟨.send, [sendA 1 true, sendB 1 true]⟩, Row.end]⟩
def takesA : Automaton := ⟨[⟨.receive, [takeA 1 true]⟩, Row.end]⟩
def takesAB : Automaton := ⟨[⟨.receive, [takeA 1 true, takeB 1 true]⟩, Row.end]⟩
/-- It also hears role 2. -/
def takesOther : Automaton := ⟨[⟨.receive, [takeA 1 true, ⟨2, 0, 0, 2, 1, true⟩]⟩, Row.end]⟩
def ended : Automaton := ⟨[Row.end]⟩

#guard sendsA.isSubtype sendsAB 9 == .yes
#guard sendsAB.isSubtype sendsA 9 == .no (.sends (sendB 1 true))
#guard takesAB.isSubtype takesA 9 == .yes
#guard takesA.isSubtype takesAB 9 == .no (.misses (takeB 1 true))
#guard takesOther.isSubtype takesA 9 == .no (.hears 2)
#guard ended.isSubtype sendsA 9 == .no .ends
#guard sendsA.isSubtype ended 9 == .no (.sends (sendA 1 true))
#guard takesA.isSubtype sendsA 9 == .no (.waits 1)
#guard alternates.isSubtype settles 9 == .no (.sends (sendA 1 false))
#guard alternates.isSubtype alternates 2 == .yes
#guard alternates.isSubtype alternates 1 == .unknown

/-! ## Evidence -/

#guard (⟨[.every]⟩ : Evidence).covers [1, 1]
#guard !Evidence.none.covers [1, 1]
#guard (⟨[.atLeast 2]⟩ : Evidence).covers [2, 3] && !(⟨[.atLeast 2]⟩ : Evidence).covers [2, 1]
#guard (⟨[.bounds [1, 3]]⟩ : Evidence).covers [1, 3] && !(⟨[.bounds [1, 3]]⟩ : Evidence).covers [3, 1]
#guard (⟨[.exactly [[1, 2], [2, 1]]]⟩ : Evidence).covers [2, 1] && !(⟨[.exactly [[1, 2]]]⟩ : Evidence).covers [2, 2]
#guard (⟨[.atLeast 4, .exactly [[1, 1]]]⟩ : Evidence).covers [1, 1]

end Antiphon.Test
