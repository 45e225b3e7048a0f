/- The audit: `lean/check` puts an import of every module of ours before this file and a call of `Audit.main` behind it.
It looks at what Lean itself has recorded, not at text, and writes one line a finding. -/
import Lean.Compiler.ExternAttr
import Lean.Compiler.ImplementedByAttr
import Lean.DeclarationRange
import Lean.DocString
import Lean.ProjFns
import Lean.Util.CollectAxioms

namespace Audit
open Lean

/-- The three that Lean's logic has. -/
def logic : List Name := [`propext, `Quot.sound, `Classical.choice]

/-- What stands for a missing proof, or for trust in compiled code. -/
def refused : List Name := [`sorryAx, `Lean.ofReduceBool, `Lean.ofReduceNat, `Lean.trustCompiler]

def moduleOf (env : Environment) (n : Name) : Name :=
  ((env.getModuleIdxFor? n).bind fun i => env.header.moduleNames[i.toNat]?).getD .anonymous

def ofLibrary (m : Name) : Bool := [`Init, `Std, `Lean, `Lake].contains m.getRoot

/-- Some builds of Lean carry the library without its proofs; its theorems are axioms there. Ours have proofs everywhere. -/
def allowed (env : Environment) (n : Name) : Bool :=
  !refused.contains n && (logic.contains n || ofLibrary (moduleOf env n))

/-- All axioms behind these constants. What they share is walked once. -/
def axiomsOf (env : Environment) (names : Array Name) : Array Name :=
  (names.foldl (init := {}) fun s n => ((CollectAxioms.collect n).run env |>.run s).2).axioms

/-- Somebody wrote this name; Lean did not make it up. -/
def written (env : Environment) (n : Name) : Bool :=
  (declRangeExt.find? env n).isSome && !((privateToUserName? n).getD n).isInternalDetail && !env.isProjectionFn n

/-- The printer that `deriving Repr` makes for mutual types is partial; no theorem speaks of it. -/
def printer : Expr → Bool
  | .forallE _ _ b _ => printer b
  | e => e.isConstOf `Std.Format

/-- Why theorems must not speak of this constant. -/
def fault? (env : Environment) (n : Name) (c : ConstantInfo) : Option String :=
  let helper := match n with | .str _ "_unsafe_rec" => true | _ => false   -- of the compiler, for any recursion
  if c.isUnsafe then some "is unsafe"
  else if helper then none
  else if (Compiler.getImplementedBy? env n).isSome && written env n then some "runs as something else (implemented_by)"
  else if isExtern env n then some "runs as something else (extern)"
  else match c with
    | .opaqueInfo _ =>
      if printer c.type then none
      else if n.getPrefix.components.getLast?.any (·.toString.startsWith "inst") then
        some "is partial: for mutual types derive DecidableEq, whose functions are total, not BEq or Hashable"
      else some "is partial or opaque"
    | _ => if c.isPartial then some "is partial" else none

def oneLine (s : String) : String :=
  " ".intercalate ((s.map fun c => if c.isWhitespace then ' ' else c).splitOn " " |>.filter (· ≠ ""))

def main (path : System.FilePath) : CoreM Unit := do
  let env ← getEnv
  let to ← IO.FS.Handle.mk path .write
  let say (fields : List String) : IO Unit := to.putStrLn ("\t".intercalate fields)
  let mut constants := #[]
  let mut theorems := #[]
  for (m, i) in env.header.moduleNames.zipIdx do
    if ofLibrary m then continue
    let some content := env.header.moduleData[i]? | continue
    for n in content.constNames do
      let some c := env.find? n | continue
      constants := constants.push n
      if let .axiomInfo _ := c then say ["fault", toString n, "is an axiom"]
      -- What runs the oracle and the tables of examples may loop for ever; what theorems speak of may not.
      if m.getRoot == `Antiphon then
        if let some why := fault? env n c then say ["fault", toString n, why]
      let .thmInfo _ := c | continue
      unless written env n do continue
      theorems := theorems.push n
      if let .str (.str (.str .anonymous "Antiphon") "Thm") area := m then
        unless isPrivateName n do
          let doc ← findDocString? env n
          let line := ((declRangeExt.find? env n).map (·.range.pos.line)).getD 0
          let sentence := (((doc.getD "").splitOn "\n\n").map oneLine |>.find? (· ≠ "")).getD ""
          if sentence.isEmpty then say ["fault", toString n, "is a headline theorem without a sentence that says it"]
          say ["headline", area, toString line, toString n, sentence]
  if (axiomsOf env constants).any (!allowed env ·) then
    for n in constants do
      for a in axiomsOf env #[n] do
        unless allowed env a do say ["fault", toString n, s!"rests on {a}"]
  say ["theorems", toString theorems.size]
  let used := axiomsOf env theorems
  for a in logic do
    if used.contains a then say ["axiom", toString a]
  say ["library", toString (used.filter (!logic.contains ·)).size]

end Audit
