import Lean.Elab.Frontend

/-!
Builds many files of the model in one run of Lean, as `lean -o` builds one: in its WebAssembly build
a start costs more than most of our files do.

A line of JSON on standard input asks for a file, and a line on standard output answers:

    {"file": "Antiphon/C.lean", "olean": "…", "module": "Antiphon.C",
     "imports": ["Antiphon.B"], "below": ["Antiphon.A", "Antiphon.B"]}
    {"built": true, "said": ""}

`imports` is what the head of the file says, and `below` all that this means of the model, in the
order in which Lean comes to it. What was read for one file is not read again for the next that
begins with the same modules.
-/

open Lean

namespace Batch

/-- What the command line of `lean` gives to its frontend. -/
def trust : UInt32 := 1025

/-- Modules that were read together, in their order. Lean's library is in front of them. -/
structure Read where
  modules : Array Name
  state : ImportState

structure Session where
  options : Options
  /-- The state of having read Lean's library, and how many modules that has. -/
  library : ImportState
  size : Nat
  reads : Array Read := #[]

def Session.start (options : Options) : IO Session := do
  let imports := #[{ module := `Init }]
  let ((), state) ← (importModulesCore imports).run
  let env ← finalizeImport state imports options trust (leakEnv := false) (loadExts := false)
  return { options, library := state, size := env.header.moduleNames.size }

structure Request where
  file : String
  olean : String
  module : String
  imports : Array String
  below : Array String
deriving FromJson

structure Answer where
  built : Bool
  said : String
deriving ToJson

/-- The environment that a file starts from. -/
def Session.imported (session : Session) (imports : Array Import) (below : Array Name) :
    IO (Environment × Session) := do
  let start : Read := { modules := #[], state := session.library }
  let longest := session.reads.foldl (init := start) fun best read =>
    if best.modules.size < read.modules.size && read.modules.isPrefixOf below then read else best
  let ((), state) ← (importModulesCore imports).run longest.state
  let env ← finalizeImport state imports session.options trust (leakEnv := false) (loadExts := true)
  let modules := env.header.moduleNames.extract session.size
  return (env, { session with reads := session.reads.push { modules, state } })

/-- Builds one file. An error leaves nothing behind. -/
def Session.build (session : Session) (request : Request) : IO (Answer × Session) := do
  let input := Parser.mkInputContext (← IO.FS.readFile request.file) request.file
  let (header, parser, messages) ← Parser.parseHeader input
  let found := Elab.HeaderSyntax.imports header (includeInit := false) |>.map (·.module)
  unless found == request.imports.map String.toName do
    throw <| .userError s!"it imports {found}, and not {request.imports}"
  let (env, session) ←
    session.imported (Elab.HeaderSyntax.imports header) (request.below.map String.toName)
  let env := env.setMainModule request.module.toName
  let start := Elab.Command.mkState env messages session.options
  let final := (← Elab.IO.processCommands input parser start).commandState
  let said := String.join (← final.messages.toList.mapM (·.toString))
  let built := !final.messages.hasErrors
  if built then
    writeModule final.env request.olean
  return ({ built, said }, session)

partial def serve (session : Session) (input output : IO.FS.Stream) : IO Unit := do
  let line ← input.getLine
  if line.isEmpty then
    return
  let (answer, session) ← try
      session.build (← IO.ofExcept (Json.parse line >>= fromJson?))
    catch error =>
      pure ({ built := false, said := toString error }, session)
  output.putStrLn (toJson answer).compress
  output.flush
  serve session input output

end Batch

/-- Its arguments are options as on the command line of `lean`, all of them true or false. -/
def main (arguments : List String) : IO Unit := do
  let mut options : Options := {}
  for argument in arguments do
    match (argument.drop 2).toString.splitOn "=" with
    | [name, value] => options := options.setBool name.toName (value == "true")
    | _ => throw <| .userError s!"`{argument}` is no option"
  Batch.serve (← Batch.Session.start options) (← IO.getStdin) (← IO.getStdout)
