import Antiphon.Types.Compose
import Oracle.Compiled

/-!
Writes `Antiphon/Thm/Compose/Library.lean`: for small protocols of the library, that they are safe at the least capacity at
which the search finds them safe, with a set of configurations for the kernel to check. Of the others it runs the same check.

`lean/Oracle.lean --library` reads lines `{"name": …, "compiled": …}`, and answers with `{"model": …, "lists": …}`: the text of
the file, and what is said of all protocols in `specs/trust.md`. `.ci/library` asks it. The theorems do not rest on it: the kernel checks them.
-/

open Lean (Json)
open Antiphon Antiphon.Compose

namespace Oracle.Library

/-- So many configurations may a set have that the kernel checks; the time that this takes is the only reason. -/
def kernelMost : Nat := 12

/-- So many configurations does the search look at, of protocols that are only run. -/
def searchMost : Nat := 2000

/-- These capacities are tried, for all edges. -/
def tried : List Nat := [1, 2, 3]

/-- What is found of one protocol, at a capacity. -/
inductive Finding where
  | kernel (capacity : Nat) (noted : Noted)
  | run (capacity : Nat) (configurations : Nat)
  | open (why : String)

def find (automata : List Automaton) (edges : Nat) : List Nat → Finding
  | [] => .open s!"not safe at a capacity up to {tried.getLastD 0}"
  | capacity :: more =>
    let s : System := ⟨automata, List.replicate edges capacity⟩
    match s.search searchMost with
    | .limit => .open s!"more than {searchMost} configurations at capacity {capacity}"
    | .wrong _ _ => find automata edges more
    | .safe noted =>
      if !s.check noted then .open s!"the set that was found does not pass the check at capacity {capacity}"
      else if noted.size ≤ kernelMost then .kernel capacity noted
      else .run capacity noted.size

structure Entry where
  name : String
  protocol : Protocol
  found : Finding

def Entry.theorem? (entry : Entry) : Option (Nat × Noted) :=
  match entry.found with
  | .kernel capacity noted => some (capacity, noted)
  | _ => none

def readEntry (line : String) : Read Entry := do
  let json ← Json.parse line
  let protocol := (← readCompiled (← field json "compiled")).protocol
  return ⟨← textField json "name", protocol, find protocol.automata protocol.edges.length tried⟩

def commas (items : List String) : String := ", ".intercalate items

/-- Items in lines of at most so many characters. -/
def wrapped (width : Nat) (indent : String) (items : List String) : String :=
  let (lines, last) := items.foldl (fun (lines, line) item =>
    if line.isEmpty then (lines, indent ++ item)
    else if line.length + 2 + item.length ≤ width then (lines, line ++ ", " ++ item)
    else (lines ++ [line ++ ","], indent ++ item)) (([] : List String), "")
  "\n".intercalate (lines ++ [last])

def sayDirection : Direction → String
  | .send => ".send"
  | .receive => ".receive"

def sayTransition (t : Transition) : String :=
  s!"⟨{t.peer}, {t.label}, {t.message}, {t.edge}, {t.next}, {t.ends}⟩"

def sayStep (step : Step) : String :=
  s!"⟨{step.role}, {sayDirection step.direction}, {sayTransition step.transition}⟩"

def sayNote : Note → String
  | .away distance => s!".away {distance}"
  | .home run => s!".home [{commas (run.map sayStep)}]"

/-- The members of a tree, the upper ones first, so that they come to the same tree again. -/
def members : Noted → List String
  | .leaf => []
  | .node less code member note more =>
    s!"    ({code}, ⟨{member.states}, {member.edges}⟩, {sayNote note})" :: members less ++ members more

def sayAutomata (automata : List Automaton) : String :=
  let row := fun (row : Row) => s!"    ⟨{sayDirection row.direction}, [{commas (row.moves.map sayTransition)}]⟩"
  let automaton := fun (a : Automaton) => s!"  ⟨[\n{",\n".intercalate (a.rows.map row)}]⟩"
  s!"[\n{",\n".intercalate (automata.map automaton)}]"

def head : String := "import Antiphon.Thm.Compose

/-!
# Protocols of the library that the kernel has found safe

Written by `lean/Oracle.lean --library`, which `.ci/library` asks: the tables of each protocol, as sessions run them, and a set of
configurations that passes the check in the kernel. What that is worth say `check_sound`, of configurations, and `session_safe`
and `session_never_stuck`, of sessions. Of the other protocols the same check is run, not evaluated by the kernel.
-/

-- One theorem after the other: what they are made of is large, and in WebAssembly two threads take twice the time for it.
set_option Elab.async false

namespace Antiphon.Compose.Library
"

def model (entry : Entry) : Option String :=
  entry.theorem?.map fun (capacity, noted) =>
    let capacities := List.replicate entry.protocol.edges.length capacity
    s!"
/-- The tables of `{entry.name}`. -/
def {entry.name} : List Automaton := {sayAutomata entry.protocol.automata}

/-- `{entry.name}` is safe with room for {capacity} on each edge: {noted.size} configurations. -/
theorem {entry.name}_checked : Checked ⟨{entry.name}, {capacities}⟩ :=
  ⟨.of [
{",\n".intercalate (members noted)}], by decide +kernel⟩
"

def lists (entries : List Entry) : String :=
  let item := fun (entry : Entry) (capacity : Nat) => if capacity = 1 then s!"`{entry.name}`" else s!"`{entry.name}` ({capacity})"
  let kernel := entries.filterMap fun entry => entry.theorem?.map fun (capacity, _) => item entry capacity
  let run := entries.filterMap fun entry => match entry.found with
    | .run capacity configurations => some (item entry capacity, configurations)
    | _ => none
  let left := entries.filterMap fun entry => match entry.found with
    | .open why => some (entry.name, why)
    | _ => none
  let list := fun (items : List String) => wrapped 125 "  " items ++ "."
  s!"
- {kernel.length} protocols are safe by theorems that the kernel has evaluated (`lean/Antiphon/Thm/Compose/Library.lean`; sets of at
  most {kernelMost} configurations):
{list kernel}
- {run.length} are safe by the same check, `System.check`, but run and not evaluated by the kernel, so that the compiler and the interpreter
  of Lean are trusted too; they have {(run.map (·.2)).foldl (· + ·) 0} configurations:
{list (run.map (·.1))}
" ++ if left.isEmpty then "" else s!"- What is left to the Rust checker:
{list (left.map fun (name, why) => s!"`{name}` ({why})")}

"

partial def read (input : IO.FS.Stream) (entries : List Entry) : IO (List Entry) := do
  let line ← input.getLine
  if line.isEmpty then return entries.reverse
  read input ((← IO.ofExcept ((readEntry line).mapError IO.userError)) :: entries)

/-- Answers to all lines at once. -/
def answer (input output : IO.FS.Stream) : IO UInt32 := do
  let entries ← read input []
  let model := head ++ String.join (entries.filterMap model) ++ "\nend Antiphon.Compose.Library\n"
  output.putStrLn (Json.mkObj [("model", .str model), ("lists", .str (lists entries))]).compress
  return 0

end Oracle.Library
