import Oracle.Door
import Oracle.Library

/-!
The oracle: the model as a program. It reads lines of JSON and answers each with one, as `antiphon
machine` does; a protocol is given to it as it was compiled (`{"compiled": …}`), and a new machine
begins with `{"begin": {"observed": true}}`.

    lean/check --run lean/Oracle.lean
    lean/check --run lean/Oracle.lean --replay FILE…    what `antiphon verify --lines` has written
    lean/check --run lean/Oracle.lean --library         what `.ci/library` asks

With `--replay` it reads the lines of files, those of `specs/vectors`, too, says of each file which line
does not come to the answer that stands behind it (or to `ok`, where none does), and ends with status 1
if there is one.
-/

open Lean (Json)

namespace Oracle

partial def serve (input output : IO.FS.Stream) (door : Door) : IO Unit := do
  let line ← input.getLine
  if line.isEmpty then return
  let (door, answer) := door.answer line
  output.putStrLn answer.compress
  output.flush
  serve input output door

/-- What a line of a file says, and what it must come to. -/
def entry (line : String) : Except String (Option Json × Option Json) := do
  let json ← Json.parse line
  match field? json "say" with
  | none => return (if (field? json "about").isSome then none else some json, none)
  | some say => return (some ((field? json "model").getD say), field? json "answer")

/-- Tells the lines of a file; how many there were, or the first that does not agree. -/
partial def replay (file : IO.FS.Stream) (number : Nat) (door : Door) : IO (Except String Nat) := do
  let line ← file.getLine
  if line.isEmpty then return .ok number
  match entry line with
  | .error why => return .error s!"line {number + 1}: {why}"
  | .ok (none, _) => replay file (number + 1) door
  | .ok (some say, wanted) =>
    let (door, answer) := door.tell say
    let code := fun (json : Json) => (field? json "error").bind (field? · "code")
    let agrees := match wanted with
      | some wanted => same answer wanted || (code wanted).isSome && code answer == code wanted
      | none => (field? answer "ok").isSome
    if agrees then replay file (number + 1) door
    else return .error s!"line {number + 1}: {answer.compress}"

def run (arguments : List String) : IO UInt32 := do
  let door := Door.new true none
  match arguments with
  | [] =>
    serve (← IO.getStdin) (← IO.getStdout) door
    return 0
  | "--replay" :: path :: more =>
    let mut status : UInt32 := 0
    for path in path :: more do
      let file := IO.FS.Stream.ofHandle (← IO.FS.Handle.mk path .read)
      match ← replay file 0 door with
      | .ok lines => IO.println s!"{path}: {lines} lines, and the model agrees with each"
      | .error why =>
        IO.eprintln s!"{path}: {why}"
        status := 1
    return status
  | ["--library"] => Library.answer (← IO.getStdin) (← IO.getStdout)
  | _ =>
    IO.eprintln "usage: lean/check --run lean/Oracle.lean [--replay FILE… | --library]"
    return 2

end Oracle

/-- In a thread of its own, for its stack: in Lean's WebAssembly build the first thread has 64 KB, of
which an interpreted call takes about 200 bytes and more, and nothing says when it has run out: what
lies below, the state of the allocator, is overwritten. -/
def main (arguments : List String) : IO UInt32 := do
  IO.ofExcept (← IO.asTask (Oracle.run arguments) .dedicated).get
