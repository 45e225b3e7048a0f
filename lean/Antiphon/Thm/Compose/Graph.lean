import Antiphon.Types.Compose.Graph

/-!
# A set that passes the check has everything that is reachable

About `Types/Compose/Graph.lean`.
-/

namespace Antiphon.Compose

variable {σ α ν : Type} [DecidableEq σ]

theorem Tree.member_of_find {code : Nat} {x : σ} {note : ν} :
    ∀ {tree : Tree σ ν}, tree.find code x = some note → tree.Member x
  | .leaf, h => by simp [Tree.find] at h
  | .node less code' member note' more, h => by
    simp only [Tree.find, cond_eq_ite] at h
    split at h
    · exact .less (member_of_find h)
    · split at h
      · rename_i found
        simp only [Bool.and_eq_true, decide_eq_true_eq] at found
        exact found.2 ▸ .here
      · exact .more (member_of_find h)

theorem Tree.member_of_has {code : Nat} {x : σ} {tree : Tree σ ν} (h : tree.has code x = true) : tree.Member x := by
  simp only [Tree.has, Option.isSome_iff_exists] at h
  exact h.elim fun _ found => member_of_find found

omit [DecidableEq σ] in
theorem Tree.of_all {p : σ → Bool} {x : σ} {tree : Tree σ ν} (h : tree.all p = true) (member : tree.Member x) :
    p x = true := by
  induction member with
  | here => simp only [Tree.all, Bool.and_eq_true] at h; exact h.2.1
  | less _ ih => simp only [Tree.all, Bool.and_eq_true] at h; exact ih h.1
  | more _ ih => simp only [Tree.all, Bool.and_eq_true] at h; exact ih h.2.2

/-- What is reachable is a member of every set that passes the check, and good. -/
theorem Graph.closed_sound {graph : Graph σ α} {good : σ → List (α × σ) → Bool} {tree : Tree σ ν}
    (h : graph.closed good tree = true) {c : σ} (reachable : graph.Reachable c) :
    tree.Member c ∧ good c (graph.next c) = true := by
  simp only [Graph.closed, Bool.and_eq_true] at h
  have member : tree.Member c := by
    induction reachable with
    | initial => exact Tree.member_of_has h.1
    | step _ step ih =>
      have := Tree.of_all h.2 ih
      simp only [Bool.and_eq_true, List.all_eq_true] at this
      exact Tree.member_of_has (this.2 _ step)
  have := Tree.of_all h.2 member
  simp only [Bool.and_eq_true] at this
  exact ⟨member, this.1⟩

omit [DecidableEq σ] in
/-- What a replay comes to can be reached. -/
theorem Graph.replay_reachable [DecidableEq α] {graph : Graph σ α} :
    ∀ {run : List α} {c d : σ}, graph.replay run c = some d → graph.Reachable c → graph.Reachable d
  | [], c, d, h, r => by simp only [Graph.replay, Option.some.injEq] at h; exact h ▸ r
  | a :: rest, c, d, h, r => by
    simp only [Graph.replay] at h
    split at h
    · rename_i step found
      exact replay_reachable h (.step r (List.mem_of_find?_eq_some found))
    · simp at h

end Antiphon.Compose
