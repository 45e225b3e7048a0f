import Antiphon.Machine.Replay
import Oracle.Json

/-!
Protocols as the Rust has compiled them: types, and every table that was made of them. The tables
are not trusted: `readCompiled` refuses those that do not do what the types say (`Protocol.follows`).

Rust twin: `src/wire/compiled.rs`. Clause: DOOR-7.
-/

namespace Oracle
open Lean (Json)
open Antiphon

/-- A protocol, and how the sort of each of its messages is printed. -/
structure Known where
  protocol : Protocol
  shown : Array String

def sortAt (sorts : Array PayloadSort) (json : Json) : Read PayloadSort := do
  match sorts[← nat json]? with
  | some sort => return sort
  | none => .error "a sort stands behind the whole that refers to it"

def payloadOf (args : List (Option String × PayloadSort)) : PayloadSort :=
  match args with
  | [] => .unit
  | [(_, sort)] => sort
  | several =>
    let named := several.zipIdx.map fun ((name, sort), index) =>
      (name.getD s!"_{index + 1}", sort)
    .record (named.foldr (fun (name, sort) rest => .cons name sort rest) .nil)

mutual

/-- The sorts of a table; parts stand before wholes. -/
partial def readSorts (json : Json) : Read (Array PayloadSort) := do
  let mut sorts := #[]
  for entry in ← items json do
    sorts := sorts.push (← readSort sorts entry)
  return sorts

partial def readSort (sorts : Array PayloadSort) (entry : Json) : Read PayloadSort := do
  match ← textField entry "kind" with
  | "unit" => return .unit
  | "bool" => return .bool
  | "int" => return .int
  | "nat" => return .nat
  | "float" => return .float
  | "string" => return .string
  | "bytes" => return .bytes
  | "list" => return .list (← sortAt sorts (← field entry "item"))
  | "optional" => return .optional (← sortAt sorts (← field entry "item"))
  | "named" => return .named (← textField entry "name")
  | "chan" => return .chan (← readLocal (← field entry "type"))
  | "record" =>
    let fields ← (← items (← field entry "fields")).mapM fun field_ => do
      return (← textField field_ "name", ← sortAt sorts (← field field_ "sort"))
    return .record (fields.foldr (fun (name, sort) rest => .cons name sort rest) .nil)
  | kind => .error s!"there is no sort `{kind}`"

/-- A type as an array of nodes with a table of sorts. -/
partial def readLocal (json : Json) : Read Local := do
  let sorts ← readSorts (← field json "sorts")
  let nodes := (← items (← field json "nodes")).toArray
  readNode sorts nodes [] (← natField json "root")

/-- The type at a node; `binders` are the nodes of the binders around, the innermost first. -/
partial def readNode (sorts : Array PayloadSort) (nodes : Array Json) (binders : List Nat)
    (index : Nat) : Read Local := do
  let some node := nodes[index]? | .error s!"there is no node {index}"
  let choice := fun direction => do
    let branches ← (← items (← field node "branches")).mapM fun branch => do
      let args ← (← items (← field branch "payload")).mapM fun argument => do
        let name ← optional argument "name" text
        return (name, ← sortAt sorts (← field argument "sort"))
      let next ← readNode sorts nodes binders (← natField branch "next")
      return (← textField branch "peer", ← textField branch "label", payloadOf args, next)
    let branches := branches.foldr
      (fun (peer, label, sort, next) rest => Branches.cons peer label sort next rest) .nil
    return Local.choice direction branches
  match ← textField node "kind" with
  | "end" => return .end
  | "var" =>
    let binder ← natField node "binder"
    match binders.findIdx? (· == binder) with
    | some index => return .var index
    | none => .error "a variable that nothing binds"
  | "rec" => return .mu (← readNode sorts nodes (index :: binders) (← natField node "body"))
  | "send" => choice .send
  | "receive" => choice .receive
  | kind => .error s!"there is no node `{kind}`"

end

def readDirection (json : Json) : Read Direction := do
  match ← text json with
  | "send" => return .send
  | "receive" => return .receive
  | word => .error s!"there is no direction `{word}`"

def readTransition (json : Json) : Read Transition := do
  return {
    peer := ← natField json "peer", label := ← natField json "label"
    message := ← natField json "message", edge := ← natField json "edge"
    next := ← natField json "next", ends := ← bool (← field json "ends") }

def readAutomaton (json : Json) : Read Automaton := do
  let row := fun (json : Json) => do
    let direction ← optional json "direction" readDirection
    let moves ← (← items (← field json "moves")).mapM readTransition
    return (⟨direction.getD .receive, moves⟩ : Row)
  return ⟨← (← items json).mapM row⟩

def readCoverage (json : Json) : Read Coverage := do
  match ← tagged json with
  | ("every", _) => return .every
  | ("from", least) => return .atLeast (← nat least)
  | ("bounds", bounds) => return .bounds (← (← items bounds).mapM nat)
  | ("exactly", vectors) =>
    return .exactly (← (← items vectors).mapM fun vector => do (← items vector).mapM nat)
  | (word, _) => .error s!"there is no evidence `{word}`"

/-- A compiled protocol, if its tables do what its types say. -/
def readCompiled (json : Json) : Read Known := do
  let roles ← items (← field (← field json "locals") "roles")
  let edge := fun (json : Json) => do
    match ← items json with
    | [from_, to] => return (⟨← nat from_, ← nat to⟩ : Edge)
    | _ => .error "an edge is two numbers"
  let message := fun (json : Json) => do
    let sort ← field json "sort"
    let sorts ← readSorts (← field sort "sorts")
    let sort ← sortAt sorts (← field sort "root")
    return ((⟨← natField json "label", sort⟩ : Message), ← textField json "shown")
  let messages ← (← items (← field json "messages")).mapM message
  let protocol : Protocol := {
    digest := ← textField json "protocol"
    name := ← textField json "name"
    roles := ← roles.mapM (textField · "name")
    locals := ← roles.mapM readLocal
    labels := ← listed json "labels" text
    messages := messages.map (·.1)
    edges := ← (← items (← field json "edges")).mapM edge
    automata := ← (← items (← field json "automata")).mapM readAutomaton
    evidence := ⟨← listed json "evidence" readCoverage⟩
    rooms := ← listed json "rooms" nat }
  if !protocol.distinct then .error "an edge is there twice, or a name within a sort" else
  if protocol.wellFormed && protocol.follows then
    return ⟨protocol, (messages.map (·.2)).toArray⟩
  else .error "a table does not do what its type says"

end Oracle
