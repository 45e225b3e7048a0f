import Antiphon.Types.Compose

/-!
# Composition: examples

Roles are tables: for each state whether it sends or receives, and its moves as partner, label, next
state. The message is the label, the edges are those that are used, in order.
-/

namespace Antiphon.Compose.Test

abbrev Rows := List (Direction × List (Nat × Nat × Nat))

/-- The ends of the edge of what `role` sends to, or receives from, `peer`. -/
def ends (role : Nat) (direction : Direction) (peer : Nat) : Nat × Nat :=
  match direction with
  | .send => (role, peer)
  | .receive => (peer, role)

def edges (roles : List Rows) : List (Nat × Nat) :=
  let used := roles.zipIdx.flatMap fun (rows, role) => rows.flatMap fun (direction, moves) =>
    moves.map fun (peer, _) => ends role direction peer
  let all := (List.range roles.length).flatMap fun a => (List.range roles.length).map fun b => (a, b)
  all.filter used.contains

/-- These roles, with room for so many messages on each edge. -/
def system (capacity : Nat) (roles : List Rows) : System :=
  let edges := edges roles
  let isEnd := fun (rows : Rows) state => (rows[state]?.map (·.2.isEmpty)).getD true
  let automaton := fun (rows : Rows) role => (⟨rows.map fun (direction, moves) =>
    ⟨direction, moves.map fun (peer, label, next) =>
      ⟨peer, label, label, edges.idxOf (ends role direction peer), next, isEnd rows next⟩⟩⟩ : Automaton)
  ⟨roles.zipIdx.map fun (rows, role) => automaton rows role, edges.map fun _ => capacity⟩

/-- What is known of these roles. -/
def verdictOf (capacity : Nat) (roles : List Rows) (limit : Nat := 1000) : Verdict :=
  (system capacity roles).verdict limit

/-- What is wrong, after how many steps by which roles, and whether somebody waits for room. -/
inductive Said where
  | safe (determinate : Bool)
  | wrong (kind : Kind) (roles : List Nat) (forRoom : Bool)
  | unknown
deriving DecidableEq, Repr

def say : Verdict → Said
  | .safe determinate => .safe determinate
  | .violation v => .wrong v.kind (v.run.map (·.role)) v.forRoom
  | .unknown => .unknown

/-! ## Safe ones -/

/-- `Pinger = rec X . Ponger!{ping . Ponger?pong . X, stop . end}` and its dual. -/
def pingPong : List Rows :=
  [[(.send, [(1, 0, 1), (1, 2, 2)]), (.receive, [(1, 1, 0)]), (.receive, [])],
   [(.receive, [(0, 0, 1), (0, 2, 2)]), (.send, [(0, 1, 0)]), (.receive, [])]]

#guard say (verdictOf 1 pingPong) = .safe true
#guard say (verdictOf 3 pingPong) = .safe true

/-- Two clients that a server hears in any order: it may have two receives at once. -/
def anyOrder : List Rows :=
  [[(.send, [(2, 0, 1)]), (.receive, [])],
   [(.send, [(2, 0, 1)]), (.receive, [])],
   [(.receive, [(0, 0, 1), (1, 0, 2)]), (.receive, [(1, 0, 3)]), (.receive, [(0, 0, 3)]), (.receive, [])]]

#guard say (verdictOf 1 anyOrder) = .safe false

/-- Nobody does anything. -/
def nobody : List Rows := [[], []]

#guard say (verdictOf 1 nobody) = .safe true
#guard say (verdictOf 1 []) = .safe true

/-- A stream that never ends is safe: everybody is served again and again. -/
def stream : List Rows := [[(.send, [(1, 0, 0)])], [(.receive, [(0, 0, 0)])]]

#guard say (verdictOf 1 stream) = .safe true
#guard say (verdictOf 4 stream) = .safe true

/-! ## What is wrong, and what the search says of it -/

/-- Each waits for the other one to begin. -/
def deadlock : List Rows :=
  [[(.receive, [(1, 0, 1)]), (.send, [(1, 0, 2)]), (.receive, [])],
   [(.receive, [(0, 0, 1)]), (.send, [(0, 0, 2)]), (.receive, [])]]

#guard say (verdictOf 1 deadlock) = .wrong .deadlock [] false
#guard say (verdictOf 2 deadlock) = .wrong .deadlock [] false

/-- The shop may say what the buyer does not expect. -/
def unexpected : List Rows :=
  [[(.send, [(1, 1, 1)]), (.receive, [(1, 0, 2)]), (.receive, [])],
   [(.receive, [(0, 1, 1)]), (.send, [(0, 0, 2), (0, 2, 2)]), (.receive, [])]]

#guard say (verdictOf 1 unexpected) = .wrong (.unexpectedMessage 1) [0, 1, 1] false

/-- The sensor says goodbye when the hub has gone. -/
def orphan : List Rows :=
  [[(.send, [(1, 1, 1)]), (.send, [(1, 0, 2)]), (.receive, [])],
   [(.receive, [(0, 1, 1)]), (.receive, [])]]

#guard say (verdictOf 1 orphan) = .wrong (.orphanMessage 0) [0, 1, 0] false
#guard say (verdictOf 2 orphan) = .wrong (.orphanMessage 0) [0, 0, 1] false

/-- The host may go on without the guest, who then waits for ever. -/
def notLive : List Rows :=
  [[(.send, [(1, 0, 1), (2, 2, 2)]), (.send, [(1, 1, 1)]), (.receive, [])],
   [(.receive, [(0, 0, 1), (2, 0, 2)]), (.receive, [(0, 1, 1)]), (.receive, [])],
   [(.receive, [(0, 2, 1)]), (.send, [(1, 0, 2)]), (.receive, [])]]

#guard match verdictOf 1 notLive with
  | .violation v => v.kind == .notLive (.role 2)
  | _ => false

/-! ## Capacities that matter -/

/-- A supplier, a driver and a warehouse: with room for two parcels the driver may be told to leave
before the second one is taken. -/
def warehouse : List Rows :=
  [[(.send, [(2, 3, 1)]), (.send, [(2, 0, 2)]), (.send, [(1, 1, 3)]), (.receive, [])],
   [(.receive, [(0, 1, 1)]), (.send, [(2, 2, 2)]), (.receive, [])],
   [(.receive, [(0, 3, 1), (1, 2, 3)]), (.receive, [(0, 0, 2)]), (.receive, [(1, 2, 4)]), (.receive, [(0, 3, 4)]),
    (.receive, [])]]

#guard say (verdictOf 1 warehouse) = .safe true
#guard say (verdictOf 2 warehouse) = .wrong (.orphanMessage 1) [0, 0, 0, 1, 1, 2, 2] false

/-- `A = rec X . B!{a . X, stop . C!go . end}`, `B = C?ready . rec Y . A?{a . Y, stop . end}`, `C =
A?go . B!ready . end`: stuck at every capacity, when A has filled its edge before it says stop. -/
def stuckAtEvery : List Rows :=
  [[(.send, [(1, 0, 0), (1, 1, 1)]), (.send, [(2, 2, 2)]), (.receive, [])],
   [(.receive, [(2, 3, 1)]), (.receive, [(0, 0, 1), (0, 1, 2)]), (.receive, [])],
   [(.receive, [(0, 2, 1)]), (.send, [(1, 3, 2)]), (.receive, [])]]

#guard say (verdictOf 1 stuckAtEvery) = .wrong .deadlock [0] true
#guard say (verdictOf 2 stuckAtEvery) = .wrong .deadlock [0, 0] true
#guard say (verdictOf 5 stuckAtEvery) = .wrong .deadlock [0, 0, 0, 0, 0] true

/-- Both send two before they receive: room for one is too little, room for two is enough. -/
def twoEach : List Rows :=
  [[(.send, [(1, 0, 1)]), (.send, [(1, 1, 2)]), (.receive, [(1, 0, 3)]), (.receive, [(1, 1, 4)]), (.receive, [])],
   [(.send, [(0, 0, 1)]), (.send, [(0, 1, 2)]), (.receive, [(0, 0, 3)]), (.receive, [(0, 1, 4)]), (.receive, [])]]

#guard say (verdictOf 1 twoEach) = .wrong .deadlock [0, 1] true
#guard say (verdictOf 2 twoEach) = .safe true
#guard say ({ system 1 twoEach with capacities := [2, 1] }.verdict 1000) = .safe true

/-! ## Limits, and searches that lie -/

#guard say (verdictOf 1 pingPong (limit := 3)) = .unknown
#guard say (verdictOf 1 pingPong (limit := 0)) = .unknown

/-- What the search finds of a system. -/
def found (s : System) : Noted :=
  match s.search 1000 with
  | .safe noted => noted
  | _ => .leaf

/-- A set of these, each with the note. -/
def set (note : Note) (all : List Configuration) : Noted := .of (all.map fun c => (c.code, c, note))

def pair : System := system 1 pingPong

#guard pair.check (found pair)
-- Without the initial one, not closed, without a way home, with a home from which nobody is served.
#guard !pair.check .leaf
#guard !pair.check (set (.home []) [pair.initial])
#guard !pair.check (set (.away 1) [pair.initial])
#guard !(system 1 deadlock).check (set (.home []) [(system 1 deadlock).initial])
#guard !(system 1 stream).check (set (.home []) [⟨[0, 0], [[]]⟩, ⟨[0, 0], [[0]]⟩])
#guard !(system 1 stream).check (set (.away 7) [⟨[0, 0], [[]]⟩, ⟨[0, 0], [[0]]⟩])
-- Codes that are not those of the configurations.
#guard !pair.check (.node .leaf 1 pair.initial (.home []) .leaf)
-- A violation whose run cannot be done, or does not end where something is wrong.
#guard pair.confirm .leaf ⟨.deadlock, [], false⟩ == .unknown
#guard (system 1 deadlock).confirm .leaf ⟨.deadlock, [], false⟩ == .violation ⟨.deadlock, [], false⟩
#guard pair.confirm .leaf ⟨.deadlock, [⟨1, .send, default⟩], false⟩ == .unknown
#guard (system 1 notLive).confirm .leaf ⟨.notLive (.role 2), [], false⟩ == .unknown

end Antiphon.Compose.Test
