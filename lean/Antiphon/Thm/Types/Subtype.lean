import Antiphon.Types.Subtype
import Antiphon.Thm.Types.Automaton

/-!
# The search decides subtyping

What the search finds agrees with the relation: a yes is a simulation, a no refutes every
simulation, and with as many steps as there are pairs of states it never ends without an answer.
-/

namespace Antiphon

/-! ## Rows in order -/

theorem sortedMoves_pairwise : ∀ {l : List Transition}, sortedMoves l = true →
    l.Pairwise fun t u => t.peer < u.peer ∨ (t.peer = u.peer ∧ t.label < u.label)
  | [], _ => .nil
  | [t], _ => by simp
  | t :: u :: rest, h => by
    simp only [sortedMoves, Bool.and_eq_true, Bool.or_eq_true, decide_eq_true_eq, beq_iff_eq] at h
    have ih := sortedMoves_pairwise h.2
    refine List.pairwise_cons.2 ⟨?_, ih⟩
    intro v hv
    rcases List.mem_cons.1 hv with rfl | hv
    · exact h.1
    · have := (List.pairwise_cons.1 ih).1 v hv
      have := h.1
      omega

/-- In a sorted row a partner and a label say which move is meant. -/
theorem sortedMoves_unique {l : List Transition} (h : sortedMoves l = true) {t u : Transition}
    (ht : t ∈ l) (hu : u ∈ l) (peer : t.peer = u.peer) (label : t.label = u.label) : t = u := by
  have sorted := sortedMoves_pairwise h
  clear h
  induction l with
  | nil => simp at ht
  | cons x rest ih =>
    have first := (List.pairwise_cons.1 sorted).1
    rcases List.mem_cons.1 ht with et | mt <;> rcases List.mem_cons.1 hu with eu | mu
    · rw [et, eu]
    · have := first u mu
      rw [← et] at this
      omega
    · have := first t mt
      rw [← eu] at this
      omega
    · exact ih mt mu (List.pairwise_cons.1 sorted).2

namespace Automaton

variable {a candidate supertype : Automaton}

theorem moves_out_of_range {s : Nat} (h : a.rows.length ≤ s) : a.moves s = [] := by
  simp [moves, row, Row.end, List.getD_eq_getElem?_getD, List.getElem?_eq_none h]

theorem moves_sorted (h : a.wellFormed = true) (s : Nat) : sortedMoves (a.moves s) = true := by
  by_cases hs : s < a.rows.length
  · exact (row_wellFormed h hs).1
  · rw [moves_out_of_range (Nat.le_of_not_lt hs)]
    rfl

theorem mem_movesOf {s : Nat} {d : Direction} {t : Transition} :
    t ∈ a.movesOf s d ↔ (a.row s).direction = d ∧ t ∈ a.moves s := by
  simp only [movesOf]
  split
  · rename_i h
    simp [h]
  · rename_i h
    simp [h]

theorem movesOf_subset {s : Nat} {d : Direction} {t : Transition} (h : t ∈ a.movesOf s d) :
    t ∈ a.moves s := (mem_movesOf.1 h).2

/-- The look-up of a move by its partner and label finds exactly that move. -/
theorem find_movesOf_iff (wf : a.wellFormed = true) {s : Nat} {d : Direction} {peer label : Nat}
    {t : Transition} :
    (a.movesOf s d).find? (fun t => t.peer == peer && t.label == label) = some t ↔
      t ∈ a.movesOf s d ∧ t.peer = peer ∧ t.label = label := by
  constructor
  · intro h
    have is := List.find?_some h
    simp only [Bool.and_eq_true, beq_iff_eq] at is
    exact ⟨List.mem_of_find?_eq_some h, is⟩
  · intro ⟨mem, hp, hl⟩
    cases hf : (a.movesOf s d).find? (fun t => t.peer == peer && t.label == label) with
    | none =>
      have := List.find?_eq_none.1 hf t mem
      simp [hp, hl] at this
    | some u =>
      have is := List.find?_some hf
      simp only [Bool.and_eq_true, beq_iff_eq] at is
      have := List.mem_of_find?_eq_some hf
      rw [sortedMoves_unique (moves_sorted wf s) (movesOf_subset this) (movesOf_subset mem)
        (is.1.trans hp.symm) (is.2.trans hl.symm)]

theorem send_iff (wf : a.wellFormed = true) {s peer label : Nat} {t : Transition} :
    a.send s peer label = some t ↔ t ∈ a.sends s ∧ t.peer = peer ∧ t.label = label :=
  find_movesOf_iff wf

theorem receive_iff (wf : a.wellFormed = true) {s peer label message : Nat} {t : Transition} :
    a.receive s peer label message = some t ↔
      t ∈ a.receives s ∧ t.peer = peer ∧ t.label = label ∧ t.message = message := by
  constructor
  · intro h
    simp only [receive] at h
    split at h
    · rename_i found hf
      split at h
      · rename_i hm
        injection h with h
        subst h
        obtain ⟨mem, hp, hl⟩ := (find_movesOf_iff wf).1 hf
        exact ⟨mem, hp, hl, hm⟩
      · simp at h
    · simp at h
  · intro ⟨mem, hp, hl, hm⟩
    have found : (a.receives s).find? (fun t => t.peer == peer && t.label == label) = some t :=
      (find_movesOf_iff wf).2 ⟨mem, hp, hl⟩
    simp only [receive, found, hm, if_true]

theorem matched_iff (wf : a.wellFormed = true) {s : Nat} {d : Direction} {t u : Transition} :
    a.matched s d t = some u ↔ u ∈ a.movesOf s d ∧ u.Same t := by
  cases d with
  | send =>
    constructor
    · intro h
      simp only [matched] at h
      split at h
      · rename_i found hf
        split at h
        · rename_i hm
          injection h with h
          subst h
          obtain ⟨mem, hp, hl⟩ := (send_iff wf).1 hf
          exact ⟨mem, hp, hl, hm⟩
        · simp at h
      · simp at h
    · intro ⟨mem, hp, hl, hm⟩
      simp only [matched, (send_iff wf).2 ⟨mem, hp, hl⟩, hm, if_true]
  | receive => exact receive_iff wf

theorem matched_isNone (wf : a.wellFormed = true) {s : Nat} {d : Direction} {t : Transition} :
    (a.matched s d t).isNone = true ↔ ∀ u ∈ a.movesOf s d, ¬ u.Same t := by
  rw [Option.isNone_iff_eq_none, Option.eq_none_iff_forall_ne_some]
  constructor
  · intro h u mem same
    exact h u ((matched_iff wf).2 ⟨mem, same⟩)
  · intro h u found
    have := (matched_iff wf).1 found
    exact h u this.1 this.2

theorem direction_none {s : Nat} : a.direction s = none ↔ a.moves s = [] := by
  simp [direction, isEnd]

theorem direction_some {s : Nat} {d : Direction} :
    a.direction s = some d ↔ (a.row s).direction = d ∧ a.moves s ≠ [] := by
  simp only [direction, isEnd]
  split
  · rename_i h
    simp only [List.isEmpty_iff] at h
    simp [h]
  · rename_i h
    simp only [List.isEmpty_iff] at h
    simp [h]

theorem moves_eq_movesOf {s : Nat} {d : Direction} (h : a.direction s = some d) :
    a.moves s = a.movesOf s d := by
  simp only [movesOf, if_pos (direction_some.1 h).1]

/-- Where a state has a move, it says in which direction. -/
theorem direction_of_mem {s : Nat} {d : Direction} {t : Transition} (h : t ∈ a.movesOf s d) :
    a.direction s = some d :=
  direction_some.2 ⟨(mem_movesOf.1 h).1, List.ne_nil_of_mem (movesOf_subset h)⟩

/-! ## What the search checks at a pair is what a simulation asks for -/

/-- What a simulation asks for at one pair. -/
structure Agrees (candidate supertype : Automaton) (here there : Nat) (R : Nat → Nat → Prop) : Prop where
  sends : ∀ {t}, t ∈ candidate.sends here → ∃ u ∈ supertype.sends there, t.Same u ∧ R t.next u.next
  receives : ∀ {u}, u ∈ supertype.receives there →
    ∃ t ∈ candidate.receives here, t.Same u ∧ R t.next u.next
  hears : ∀ {t}, t ∈ candidate.receives here → ∃ u ∈ supertype.receives there, u.peer = t.peer
  ends : candidate.isEnd here = true → supertype.isEnd there = true

theorem same_symm {t u : Transition} (h : t.Same u) : u.Same t :=
  ⟨h.1.symm, h.2.1.symm, h.2.2.symm⟩

theorem same_trans {t u v : Transition} (h : t.Same u) (h' : u.Same v) : t.Same v :=
  ⟨h.1.trans h'.1, h.2.1.trans h'.2.1, h.2.2.trans h'.2.2⟩

theorem mem_shared (wc : supertype.wellFormed = true) {here there : Nat} {d : Direction}
    {t u : Transition} (ht : t ∈ candidate.movesOf here d) (hu : u ∈ supertype.movesOf there d)
    (same : t.Same u) : (t.next, u.next) ∈ candidate.shared supertype here there := by
  simp only [shared, List.mem_filterMap]
  refine ⟨t, movesOf_subset ht, ?_⟩
  rw [direction_of_mem ht, Option.getD_some, (matched_iff wc).2 ⟨hu, same_symm same⟩]

theorem agrees_of_no_mismatch (wc : candidate.wellFormed = true) (ws : supertype.wellFormed = true)
    {here there : Nat} {R : Nat → Nat → Prop}
    (h : candidate.mismatch supertype here there = none)
    (next : ∀ pair ∈ candidate.shared supertype here there, R pair.1 pair.2) :
    candidate.Agrees supertype here there R := by
  cases dc : candidate.direction here with
  | none =>
    have ended := direction_none.1 dc
    cases ds : supertype.direction there with
    | some _ => simp [mismatch, dc, ds] at h
    | none =>
      have ended' := direction_none.1 ds
      refine ⟨?_, ?_, ?_, ?_⟩
      · intro t ht; have := movesOf_subset ht; simp [ended] at this
      · intro t ht; have := movesOf_subset ht; simp [ended'] at this
      · intro t ht; have := movesOf_subset ht; simp [ended] at this
      · intro _; simp [isEnd, ended']
  | some d =>
    have notEnded := (direction_some.1 dc).2
    have ends : candidate.isEnd here = true → supertype.isEnd there = true := by
      intro e; simp only [isEnd, List.isEmpty_iff] at e; exact absurd e notEnded
    cases d with
    | send =>
      cases ds : supertype.direction there with
      | none => simp [mismatch, dc, ds] at h
      | some d' =>
        cases d' with
        | receive => simp [mismatch, dc, ds] at h
        | send =>
          simp only [mismatch, dc, ds] at h
          split at h
          · simp at h
          · rename_i all
            rw [List.find?_eq_none] at all
            refine ⟨?_, ?_, ?_, ends⟩
            · intro t ht
              have found := all t (movesOf_subset ht)
              rw [matched_isNone ws] at found
              have : ∃ u ∈ supertype.movesOf there .send, u.Same t :=
                Classical.byContradiction fun n => found fun u mem same => n ⟨u, mem, same⟩
              obtain ⟨u, mem, same⟩ := this
              exact ⟨u, mem, same_symm same, next _ (mem_shared ws ht mem (same_symm same))⟩
            · intro u hu
              have := direction_of_mem hu
              simp [ds] at this
            · intro t ht
              have := direction_of_mem ht
              simp [dc] at this
    | receive =>
      cases ds : supertype.direction there with
      | none => simp [mismatch, dc, ds] at h
      | some d' =>
        cases d' with
        | send => simp [mismatch, dc, ds] at h
        | receive =>
          simp only [mismatch, dc, ds] at h
          split at h
          · simp at h
          · rename_i all
            split at h
            · simp at h
            · rename_i heard
              rw [List.find?_eq_none] at all heard
              refine ⟨?_, ?_, ?_, ends⟩
              · intro t ht
                have := direction_of_mem ht
                simp [dc] at this
              · intro u hu
                have found := all u (movesOf_subset hu)
                rw [matched_isNone wc] at found
                have : ∃ t ∈ candidate.movesOf here .receive, t.Same u :=
                  Classical.byContradiction fun n => found fun t mem same => n ⟨t, mem, same⟩
                obtain ⟨t, mem, same⟩ := this
                exact ⟨t, mem, same, next _ (mem_shared ws mem hu same)⟩
              · intro t ht
                have found := heard t (movesOf_subset ht)
                simp only [Bool.not_eq_true', Bool.not_eq_false, List.any_eq_true,
                  beq_iff_eq] at found
                obtain ⟨u, mem, peer⟩ := found
                exact ⟨u, mem_movesOf.2 ⟨(direction_some.1 ds).1, mem⟩, peer⟩

theorem no_mismatch_of_agrees (wc : candidate.wellFormed = true) (ws : supertype.wellFormed = true)
    {here there : Nat} {R : Nat → Nat → Prop} (h : candidate.Agrees supertype here there R) :
    candidate.mismatch supertype here there = none
      ∧ ∀ pair ∈ candidate.shared supertype here there, R pair.1 pair.2 := by
  cases dc : candidate.direction here with
  | none =>
    have ended := direction_none.1 dc
    have ended' : supertype.moves there = [] := by
      have := h.ends (by simp [isEnd, ended])
      simpa [isEnd] using this
    simp [mismatch, dc, direction_none.2 ended', shared, ended]
  | some d =>
    have away : ∀ {t}, t ∈ candidate.moves here → t ∈ candidate.movesOf here d :=
      fun ht => moves_eq_movesOf dc ▸ ht
    obtain ⟨first, rest, cons⟩ := List.exists_cons_of_ne_nil (direction_some.1 dc).2
    have first : first ∈ candidate.movesOf here d := away (by simp [cons])
    cases d with
    | send =>
      obtain ⟨u, hu, _⟩ := h.sends first
      have ds : supertype.direction there = some .send := direction_of_mem hu
      constructor
      · simp only [mismatch, dc, ds]
        split
        · rename_i more found
          have mem := List.mem_of_find?_eq_some found
          have is := List.find?_some found
          obtain ⟨u, hu, same, _⟩ := h.sends (away mem)
          exact absurd (same_symm same) ((matched_isNone ws).1 is u hu)
        · rfl
      · intro pair hp
        simp only [shared, List.mem_filterMap, dc, Option.getD_some] at hp
        obtain ⟨t, ht, hp⟩ := hp
        split at hp
        · rename_i u found
          injection hp with hp
          subst hp
          obtain ⟨mem, same⟩ := (matched_iff ws).1 found
          obtain ⟨u', hu', same', r⟩ := h.sends (away ht)
          have : u' = u := sortedMoves_unique (moves_sorted ws there) (movesOf_subset hu')
            (movesOf_subset mem) (same'.1.symm.trans same.1.symm)
            (same'.2.1.symm.trans same.2.1.symm)
          exact this ▸ r
        · simp at hp
    | receive =>
      obtain ⟨u, hu, _⟩ := h.hears first
      have ds : supertype.direction there = some .receive := direction_of_mem hu
      have away' : ∀ {u}, u ∈ supertype.moves there → u ∈ supertype.movesOf there .receive :=
        fun hu => moves_eq_movesOf ds ▸ hu
      constructor
      · simp only [mismatch, dc, ds]
        split
        · rename_i missed found
          have mem := List.mem_of_find?_eq_some found
          have is := List.find?_some found
          obtain ⟨t, ht, same, _⟩ := h.receives (away' mem)
          exact absurd same ((matched_isNone wc).1 is t ht)
        · split
          · rename_i other found
            have mem := List.mem_of_find?_eq_some found
            have is := List.find?_some found
            obtain ⟨u, hu, peer⟩ := h.hears (away mem)
            simp only [Bool.not_eq_true', List.any_eq_false, beq_iff_eq] at is
            exact absurd peer (is u (movesOf_subset hu))
          · rfl
      · intro pair hp
        simp only [shared, List.mem_filterMap, dc, Option.getD_some] at hp
        obtain ⟨t, ht, hp⟩ := hp
        split at hp
        · rename_i u found
          injection hp with hp
          subst hp
          obtain ⟨mem, same⟩ := (matched_iff ws).1 found
          obtain ⟨t', ht', same', r⟩ := h.receives mem
          have both := same_trans same' same
          have : t' = t := sortedMoves_unique (moves_sorted wc here) (movesOf_subset ht') ht
            both.1 both.2.1
          exact this ▸ r
        · simp at hp

theorem agrees_of_simulation {R : Nat → Nat → Prop} (sim : Simulation candidate supertype R)
    {here there : Nat} (r : R here there) : candidate.Agrees supertype here there R :=
  ⟨fun h => sim.sends r h, fun h => sim.receives r h, fun h => sim.hears r h, fun h => sim.ends r h⟩

theorem simulation_of_agrees {R : Nat → Nat → Prop}
    (h : ∀ {here there}, R here there → candidate.Agrees supertype here there R) :
    Simulation candidate supertype R :=
  ⟨fun r => (h r).sends, fun r => (h r).receives, fun r => (h r).hears, fun r => (h r).ends⟩

end Automaton

/-! ## The search -/

theorem mem_unknownOf {pair : Nat × Nat} : ∀ {l known : List (Nat × Nat)},
    pair ∈ unknownOf known l → pair ∈ l ∧ pair ∉ known
  | [], _, h => by simp [unknownOf] at h
  | x :: rest, known, h => by
    simp only [unknownOf] at h
    split at h
    · have := mem_unknownOf h
      exact ⟨List.mem_cons_of_mem _ this.1, this.2⟩
    · rename_i hx
      rcases List.mem_cons.1 h with rfl | h
      · exact ⟨List.mem_cons_self .., hx⟩
      · have := mem_unknownOf h
        exact ⟨List.mem_cons_of_mem _ this.1, fun k => this.2 (List.mem_cons_of_mem _ k)⟩

theorem unknownOf_covers {pair : Nat × Nat} : ∀ {l known : List (Nat × Nat)},
    pair ∈ l → pair ∈ unknownOf known l ∨ pair ∈ known
  | x :: rest, known, h => by
    simp only [unknownOf]
    split
    · rename_i hx
      rcases List.mem_cons.1 h with rfl | h
      · exact .inr hx
      · exact unknownOf_covers h
    · rcases List.mem_cons.1 h with rfl | h
      · exact .inl (List.mem_cons_self ..)
      · rcases unknownOf_covers (known := x :: known) h with h | h
        · exact .inl (List.mem_cons_of_mem _ h)
        · rcases List.mem_cons.1 h with rfl | h
          · exact .inl (List.mem_cons_self ..)
          · exact .inr h

namespace Automaton

variable {candidate supertype : Automaton}

/-- The pairs that were looked at agree, and lead to known ones. -/
def Looked (candidate supertype : Automaton) (todo known : List (Nat × Nat)) : Prop :=
  ∀ pair ∈ known, pair ∈ todo ∨ (candidate.mismatch supertype pair.1 pair.2 = none
    ∧ ∀ next ∈ candidate.shared supertype pair.1 pair.2, next ∈ known)

theorem search_yes (wc : candidate.wellFormed = true) (ws : supertype.wellFormed = true) :
    ∀ {steps : Nat} {todo known : List (Nat × Nat)},
      candidate.search supertype steps todo known = .yes →
      candidate.Looked supertype todo known →
      ∃ R, Simulation candidate supertype R ∧ ∀ pair ∈ known, R pair.1 pair.2
  | _, [], known, _, inv => by
    refine ⟨fun h t => (h, t) ∈ known, simulation_of_agrees ?_, fun _ mem => mem⟩
    intro here there mem
    rcases inv _ mem with h | ⟨none, next⟩
    · simp at h
    · exact agrees_of_no_mismatch wc ws none next
  | 0, _ :: _, _, h, _ => by simp [search] at h
  | steps + 1, (here, there) :: todo, known, h, inv => by
    simp only [search] at h
    split at h
    · simp at h
    · rename_i none
      obtain ⟨R, sim, all⟩ := search_yes wc ws h (by
        intro pair mem
        have grown : ∀ next ∈ candidate.shared supertype here there,
            next ∈ unknownOf known (candidate.shared supertype here there) ++ known :=
          fun next hn => List.mem_append.2 (unknownOf_covers hn)
        rcases List.mem_append.1 mem with mem | mem
        · exact .inl (List.mem_append.2 (.inr mem))
        · rcases inv _ mem with todo | ⟨none, next⟩
          · rcases List.mem_cons.1 todo with rfl | todo
            · exact .inr ⟨none, grown⟩
            · exact .inl (List.mem_append.2 (.inl todo))
          · exact .inr ⟨none, fun n hn => List.mem_append.2 (.inr (next n hn))⟩)
      exact ⟨R, sim, fun pair mem => all pair (List.mem_append.2 (.inr mem))⟩

theorem search_no (wc : candidate.wellFormed = true) (ws : supertype.wellFormed = true)
    {R : Nat → Nat → Prop} (sim : Simulation candidate supertype R) {mismatch : Mismatch} :
    ∀ {steps : Nat} {todo known : List (Nat × Nat)}, (∀ pair ∈ todo, R pair.1 pair.2) →
      candidate.search supertype steps todo known ≠ .no mismatch
  | _, [], _, _ => by simp [search]
  | 0, _ :: _, _, _ => by simp [search]
  | steps + 1, (here, there) :: todo, known, all => by
    have agree := no_mismatch_of_agrees wc ws
      (agrees_of_simulation sim (all (here, there) (List.mem_cons_self ..)))
    simp only [search, agree.1]
    refine search_no wc ws sim ?_
    intro pair mem
    rcases List.mem_append.1 mem with mem | mem
    · exact all pair (List.mem_cons_of_mem _ mem)
    · exact agree.2 pair (mem_unknownOf mem).1

end Automaton

/-! ## The search ends -/

theorem filter_length_le {α : Type} {p q : α → Bool} (imp : ∀ x, q x = true → p x = true) :
    ∀ (l : List α), (l.filter q).length ≤ (l.filter p).length
  | [] => Nat.le_refl _
  | x :: rest => by
    have ih := filter_length_le imp rest
    simp only [List.filter_cons]
    split
    · rename_i hq
      rw [if_pos (imp x hq)]
      exact Nat.succ_le_succ ih
    · split
      · exact Nat.le_succ_of_le ih
      · exact ih

theorem filter_length_lt {α : Type} {p q : α → Bool} (imp : ∀ x, q x = true → p x = true) {y : α}
    (hp : p y = true) (hq : q y = false) : ∀ {l : List α}, y ∈ l →
      (l.filter q).length + 1 ≤ (l.filter p).length
  | x :: rest, mem => by
    simp only [List.filter_cons]
    rcases List.mem_cons.1 mem with rfl | mem
    · rw [if_pos hp, if_neg (by simp [hq])]
      exact Nat.succ_le_succ (filter_length_le imp rest)
    · have ih := filter_length_lt imp hp hq mem
      split
      · rename_i hx
        rw [if_pos (imp x hx)]
        exact Nat.succ_le_succ ih
      · split
        · exact Nat.le_succ_of_le ih
        · exact ih

/-- How many of `all` are not known. -/
def unseen (all known : List (Nat × Nat)) : Nat :=
  (all.filter fun pair => !known.contains pair).length

theorem unseen_cons {all known : List (Nat × Nat)} {pair : Nat × Nat} (mem : pair ∈ all)
    (new : pair ∉ known) : unseen all (pair :: known) + 1 ≤ unseen all known := by
  refine filter_length_lt ?_ (y := pair) (by simpa using new) (by simp) mem
  intro x hx
  simp only [Bool.not_eq_true', List.contains_eq_mem, decide_eq_false_iff_not, List.mem_cons,
    not_or] at hx ⊢
  exact hx.2

theorem unseen_le {all known known' : List (Nat × Nat)} (sub : ∀ x ∈ known, x ∈ known') :
    unseen all known' ≤ unseen all known := by
  refine filter_length_le ?_ all
  intro x hx
  simp only [Bool.not_eq_true', List.contains_eq_mem, decide_eq_false_iff_not] at hx ⊢
  exact fun mem => hx (sub x mem)

theorem unseen_unknownOf {all : List (Nat × Nat)} : ∀ {l known : List (Nat × Nat)},
    (∀ pair ∈ l, pair ∈ all) →
      (unknownOf known l).length + unseen all (unknownOf known l ++ known) ≤ unseen all known
  | [], known, _ => by simp [unknownOf]
  | x :: rest, known, sub => by
    have sub' : ∀ pair ∈ rest, pair ∈ all := fun p h => sub p (List.mem_cons_of_mem _ h)
    simp only [unknownOf]
    split
    · exact unseen_unknownOf sub'
    · rename_i new
      have ih := unseen_unknownOf (known := x :: known) sub'
      have drop := unseen_cons (sub x (List.mem_cons_self ..)) new
      have same : unseen all (x :: unknownOf (x :: known) rest ++ known)
          ≤ unseen all (unknownOf (x :: known) rest ++ x :: known) := by
        refine unseen_le ?_
        intro y hy
        simp only [List.mem_append, List.mem_cons] at hy ⊢
        rcases hy with h | h | h
        · exact .inl (.inr h)
        · exact .inl (.inl h)
        · exact .inr h
      simp only [List.length_cons, List.cons_append] at same ⊢
      omega

/-- All pairs of so many states and so many states. -/
def allPairs (n m : Nat) : List (Nat × Nat) :=
  (List.range n).flatMap fun here => (List.range m).map fun there => (here, there)

theorem mem_allPairs {n m : Nat} {pair : Nat × Nat} (h : pair.1 < n) (h' : pair.2 < m) :
    pair ∈ allPairs n m := by
  simp only [allPairs, List.mem_flatMap, List.mem_range, List.mem_map]
  exact ⟨pair.1, h, pair.2, h', rfl⟩

theorem length_allPairs (m : Nat) : ∀ (n : Nat), (allPairs n m).length = n * m
  | 0 => by simp [allPairs]
  | n + 1 => by
    have ih := length_allPairs m n
    simp only [allPairs] at ih
    simp only [allPairs, List.range_succ, List.flatMap_append, List.length_append, ih,
      List.flatMap_cons, List.flatMap_nil, List.append_nil, List.length_map, List.length_range]
    rw [Nat.succ_mul]

namespace Automaton

variable {candidate supertype : Automaton}

theorem shared_inside (wc : candidate.wellFormed = true) (ws : supertype.wellFormed = true)
    {here there : Nat} : ∀ pair ∈ candidate.shared supertype here there,
      pair ∈ allPairs candidate.rows.length supertype.rows.length := by
  have next : ∀ {a : Automaton}, a.wellFormed = true → ∀ {s t}, t ∈ a.moves s →
      t.next < a.rows.length := by
    intro a wf s t mem
    by_cases hs : s < a.rows.length
    · exact ((row_wellFormed wf hs).2 t mem).1
    · rw [moves_out_of_range (Nat.le_of_not_lt hs)] at mem
      simp at mem
  intro pair hp
  simp only [shared, List.mem_filterMap] at hp
  obtain ⟨t, ht, hp⟩ := hp
  split at hp
  · rename_i u found
    injection hp with hp
    subst hp
    exact mem_allPairs (next wc ht) (next ws (movesOf_subset ((matched_iff ws).1 found).1))
  · simp at hp

theorem search_answers (wc : candidate.wellFormed = true) (ws : supertype.wellFormed = true) :
    ∀ {steps : Nat} {todo known : List (Nat × Nat)},
      todo.length + unseen (allPairs candidate.rows.length supertype.rows.length) known ≤ steps →
      candidate.search supertype steps todo known ≠ .unknown
  | _, [], _, _ => by simp [search]
  | 0, _ :: _, _, h => by simp only [List.length_cons] at h; omega
  | steps + 1, (here, there) :: todo, known, h => by
    simp only [search]
    split
    · simp
    · refine search_answers wc ws ?_
      have := unseen_unknownOf (known := known) (shared_inside wc ws (here := here) (there := there))
      simp only [List.length_cons, List.length_append] at h ⊢
      omega

end Automaton

end Antiphon
