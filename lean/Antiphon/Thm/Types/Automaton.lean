import Antiphon.Types.Protocol

/-!
# A table that passes the check does what its type says

A pair of a state and a type is *paired* when the check has seen them together. Paired states and
types allow the same actions, and are paired again behind each of them.
-/

namespace Antiphon

/-- A relation between states and types that is kept by what both do. -/
structure Automaton.Pairing (a : Automaton) (number : Numbering) (R : Nat → Local → Prop) : Prop where
  /-- What the type allows, the table allows. -/
  forth : ∀ {s t action u}, R s t → t.after action = some u →
    ∃ move s', number action = some move ∧ a.after s move = some s' ∧ R s' u
  /-- What the table allows, the type allows. -/
  back : ∀ {s t move s'}, R s t → a.after s move = some s' →
    ∃ action u, number action = some move ∧ t.after action = some u ∧ R s' u
  /-- Both end together. -/
  ends : ∀ {s t}, R s t → a.isEnd s = t.isEnd

/-- Each action has numbers of its own, and keeps its direction. -/
structure Numbering.Faithful (number : Numbering) : Prop where
  direction : ∀ {action move}, number action = some move → move.direction = action.direction
  injective : ∀ {action action' move}, number action = some move → number action' = some move →
    action = action'

theorem Branches.find_mem {action : Action} {u : Local} : ∀ {branches : Branches},
    branches.find action = some u →
      ∃ branch ∈ branches.toList, branch.action action.direction = action ∧ branch.next = u
  | .nil, h => by simp [Branches.find] at h
  | .cons peer label sort next rest, h => by
    simp only [Branches.find] at h
    split at h
    · rename_i same
      injection h with h
      refine ⟨⟨peer, label, sort, next⟩, by simp [Branches.toList], ?_, h⟩
      obtain ⟨rfl, rfl, rfl⟩ := same
      rfl
    · obtain ⟨branch, mem, found⟩ := find_mem h
      exact ⟨branch, by simp [Branches.toList, mem], found⟩

theorem Branches.find_isSome {branch : Branch} {d : Direction} : ∀ {branches : Branches},
    branch ∈ branches.toList → ∃ u, branches.find (branch.action d) = some u
  | .nil, h => by simp [Branches.toList] at h
  | .cons peer label sort next rest, h => by
    simp only [Branches.find]
    split
    · exact ⟨_, rfl⟩
    · rename_i other
      simp only [Branches.toList, List.mem_cons] at h
      rcases h with rfl | h
      · exact absurd ⟨rfl, rfl, rfl⟩ other
      · exact find_isSome h

namespace Automaton

variable {a : Automaton} {number : Numbering} {candidates : Candidates} {s : Nat} {t u : Local}

/-- What `rowFollows` says of a choice. -/
structure RowOf (a : Automaton) (number : Numbering) (candidates : Candidates) (s : Nat)
    (d : Direction) (branches : Branches) : Prop where
  direction : (a.row s).direction = d
  nonempty : branches.toList ≠ []
  forth : ∀ branch ∈ branches.toList, ∃ move found, number (branch.action d) = some move
    ∧ (a.moves s).find? (fun t => t.move d == move) = some found
    ∧ branch.next ∈ candidates.at found.next
  back : ∀ t ∈ a.moves s, ∃ branch ∈ branches.toList, number (branch.action d) = some (t.move d)

theorem rowOf_of_rowFollows {d : Direction} {branches : Branches}
    (head : t.head = .choice d branches) (h : a.rowFollows number candidates s t = true) :
    a.RowOf number candidates s d branches := by
  simp only [rowFollows, head, Bool.and_eq_true, beq_iff_eq, List.all_eq_true,
    Bool.not_eq_true', List.contains_iff_mem, List.mem_map] at h
  obtain ⟨⟨⟨hd, hn⟩, forth⟩, back⟩ := h
  refine ⟨hd, ?_, ?_, back⟩
  · intro e
    simp [e] at hn
  · intro branch mem
    have := forth branch mem
    simp only [transition] at this
    split at this
    · simp at this
    · rename_i found hf
      split at hf
      · simp at hf
      · rename_i move hm
        exact ⟨move, found, hm, hf, by simpa using this⟩

theorem end_of_rowFollows (head : t.head = .end)
    (h : a.rowFollows number candidates s t = true) : a.isEnd s = true := by
  simpa only [rowFollows, head] using h

/-- Nothing but a choice or the end passes. -/
theorem head_of_rowFollows (h : a.rowFollows number candidates s t = true) :
    t.head = .end ∨ ∃ d branches, t.head = .choice d branches := by
  cases head : t.head with
  | «end» => exact .inl rfl
  | choice d branches => exact .inr ⟨d, branches, rfl⟩
  | _ => simp [rowFollows, head] at h

/-- The pairs that the check has seen. -/
def Paired (a : Automaton) (candidates : Candidates) (s : Nat) (t : Local) : Prop :=
  s < a.rows.length ∧ t ∈ candidates.at s

theorem row_mem (h : s < a.rows.length) : a.row s ∈ a.rows := by
  simp only [row, List.getD_eq_getElem?_getD, List.getElem?_eq_getElem h, Option.getD_some]
  exact List.getElem_mem h

theorem row_wellFormed (h : a.wellFormed = true) (hs : s < a.rows.length) :
    sortedMoves (a.moves s) = true
      ∧ ∀ t ∈ a.moves s, t.next < a.rows.length ∧ t.ends = a.isEnd t.next := by
  simp only [wellFormed, Bool.and_eq_true, List.all_eq_true, decide_eq_true_eq, beq_iff_eq] at h
  exact h.2 _ (row_mem hs)

theorem pairing_of_followsWith (faithful : number.Faithful) {t₀ : Local}
    (h : a.followsWith number t₀ candidates = true) :
    a.Pairing number (a.Paired candidates) ∧ a.Paired candidates 0 t₀ := by
  simp only [followsWith, Bool.and_eq_true, decide_eq_true_eq, List.all_eq_true,
    List.mem_range] at h
  obtain ⟨⟨wf, init⟩, rows⟩ := h
  have seen : ∀ {s t}, a.Paired candidates s t → a.rowFollows number candidates s t = true :=
    fun p => rows _ p.1 _ p.2
  have next : ∀ {s t}, s < a.rows.length → t ∈ a.moves s → t.next < a.rows.length :=
    fun hs ht => ((row_wellFormed wf hs).2 _ ht).1
  have start : 0 < a.rows.length := by
    simp only [wellFormed, Bool.and_eq_true, decide_eq_true_eq] at wf
    exact wf.1
  refine ⟨⟨?_, ?_, ?_⟩, start, init⟩
  · intro s t action u p hu
    simp only [Local.after] at hu
    split at hu
    · rename_i d branches head
      split at hu
      · rename_i hd
        subst hd
        have row := rowOf_of_rowFollows head (seen p)
        obtain ⟨branch, mem, act, rfl⟩ := Branches.find_mem hu
        obtain ⟨move, found, hm, hf, hc⟩ := row.forth branch mem
        rw [act] at hm
        have dir := faithful.direction hm
        refine ⟨move, found.next, hm, ?_, next p.1 (List.mem_of_find?_eq_some hf), hc⟩
        simp only [after, movesOf, dir, if_pos row.direction, hf]
      · simp at hu
    · simp at hu
  · intro s t move s' p hs
    simp only [after] at hs
    split at hs
    · rename_i found hf
      injection hs with hs
      subst hs
      have mem := List.mem_of_find?_eq_some hf
      have is := List.find?_some hf
      simp only [beq_iff_eq] at is
      simp only [movesOf] at hf mem
      split at mem
      · rename_i hd
        rw [if_pos hd] at hf
        rcases head_of_rowFollows (seen p) with head | ⟨d, branches, head⟩
        · have := end_of_rowFollows head (seen p)
          simp only [isEnd, List.isEmpty_iff] at this
          simp [this] at mem
        · have row := rowOf_of_rowFollows head (seen p)
          have dd : move.direction = d := hd.symm.trans row.direction
          subst dd
          obtain ⟨branch, bmem, hb⟩ := row.back found mem
          rw [is] at hb
          obtain ⟨u, hu⟩ := Branches.find_isSome (d := move.direction) bmem
          refine ⟨branch.action move.direction, u, hb, ?_, next p.1 mem, ?_⟩
          · simp only [Local.after, head, Branch.action, if_true]
            exact hu
          · obtain ⟨branch', mem', act, rfl⟩ := Branches.find_mem hu
            obtain ⟨move', found', hm, hf', hc⟩ := row.forth branch' mem'
            have act : branch'.action move.direction = branch.action move.direction := act
            rw [act, hb] at hm
            injection hm with hm
            subst hm
            rw [hf] at hf'
            injection hf' with hf'
            exact hf' ▸ hc
      · simp at mem
    · simp at hs
  · intro s t p
    rcases head_of_rowFollows (seen p) with head | ⟨d, branches, head⟩
    · simp [end_of_rowFollows head (seen p), Local.isEnd, head]
    · have row := rowOf_of_rowFollows head (seen p)
      have : a.isEnd s = false := by
        cases hl : branches.toList with
        | nil => exact absurd hl row.nonempty
        | cons branch rest =>
          obtain ⟨_, found, _, hf, _⟩ := row.forth branch (by simp [hl])
          have := List.mem_of_find?_eq_some hf
          simp only [isEnd]
          cases hm : a.moves s with
          | nil => simp [hm] at this
          | cons _ _ => rfl
      simp [this, Local.isEnd, head]

theorem Pairing.run_forth {R : Nat → Local → Prop} (pairing : a.Pairing number R) :
    ∀ {run : List Action} {s t u}, R s t → t.run run = some u →
      ∃ moves s', Numbering.run number run = some moves ∧ a.run s moves = some s' ∧ R s' u
  | [], s, t, u, p, h => by
    simp only [Local.run, Option.some.injEq] at h
    exact ⟨[], s, rfl, rfl, h ▸ p⟩
  | action :: rest, s, t, u, p, h => by
    simp only [Local.run] at h
    split at h
    · simp at h
    · rename_i v hv
      obtain ⟨move, s₁, hm, ha, p₁⟩ := pairing.forth p hv
      obtain ⟨moves, s₂, hr, hs, p₂⟩ := run_forth pairing p₁ h
      exact ⟨move :: moves, s₂, by simp [Numbering.run, hm, hr], by simp [run, ha, hs], p₂⟩

theorem Pairing.run_back {R : Nat → Local → Prop} (pairing : a.Pairing number R) :
    ∀ {moves : List Move} {s t s'}, R s t → a.run s moves = some s' →
      ∃ run u, Numbering.run number run = some moves ∧ t.run run = some u ∧ R s' u
  | [], s, t, s', p, h => by
    simp only [run, Option.some.injEq] at h
    exact ⟨[], t, rfl, rfl, h ▸ p⟩
  | move :: rest, s, t, s', p, h => by
    simp only [run] at h
    split at h
    · simp at h
    · rename_i s₁ hs
      obtain ⟨action, v, hm, hv, p₁⟩ := pairing.back p hs
      obtain ⟨actions, u, hr, hu, p₂⟩ := run_back pairing p₁ h
      exact ⟨action :: actions, u, by simp [Numbering.run, hm, hr], by simp [Local.run, hv, hu], p₂⟩

end Automaton

theorem Numbering.Faithful.run_injective {number : Numbering} (faithful : number.Faithful) :
    ∀ {run run' : List Action} {moves : List Move}, Numbering.run number run = some moves →
      Numbering.run number run' = some moves → run = run'
  | [], [], _, _, _ => rfl
  | [], action :: rest, moves, h, h' => by
    simp only [Numbering.run, Option.some.injEq] at h
    subst h
    simp only [Numbering.run] at h'
    split at h' <;> simp at h'
  | action :: rest, [], moves, h, h' => by
    simp only [Numbering.run, Option.some.injEq] at h'
    subst h'
    simp only [Numbering.run] at h
    split at h <;> simp at h
  | action :: rest, action' :: rest', moves, h, h' => by
    simp only [Numbering.run] at h h'
    split at h
    · rename_i move moves₁ hm hr
      split at h'
      · rename_i move' moves₁' hm' hr'
        simp only [Option.some.injEq] at h h'
        subst h
        injection h' with e e'
        subst e e'
        rw [faithful.injective hm hm', run_injective faithful hr hr']
      · simp at h'
    · simp at h

/-! ## The numbers of a protocol -/

theorem placeOf_sound {α : Type} {p : α → Bool} : ∀ {l : List α} {i : Nat},
    placeOf p l = some i → ∃ x, l[i]? = some x ∧ p x = true
  | [], _, h => by simp [placeOf] at h
  | x :: rest, i, h => by
    simp only [placeOf] at h
    split at h
    · rename_i hx
      injection h with h
      subst h
      exact ⟨x, by simp, hx⟩
    · rw [Option.map_eq_some_iff] at h
      obtain ⟨j, hj, rfl⟩ := h
      obtain ⟨y, hy, py⟩ := placeOf_sound hj
      exact ⟨y, by simpa using hy, py⟩

namespace Protocol

variable {p : Protocol}

theorem role_injective {name name' : String} {i : Nat} (h : p.role name = some i)
    (h' : p.role name' = some i) : name = name' := by
  obtain ⟨x, hx, e⟩ := placeOf_sound h
  obtain ⟨x', hx', e'⟩ := placeOf_sound h'
  rw [hx] at hx'
  injection hx' with hx'
  simp only [beq_iff_eq] at e e'
  rw [← e, ← e', hx']

theorem label_injective {name name' : String} {i : Nat} (h : p.label name = some i)
    (h' : p.label name' = some i) : name = name' := by
  obtain ⟨x, hx, e⟩ := placeOf_sound h
  obtain ⟨x', hx', e'⟩ := placeOf_sound h'
  rw [hx] at hx'
  injection hx' with hx'
  simp only [beq_iff_eq] at e e'
  rw [← e, ← e', hx']

theorem messageOf_injective {l l' i : Nat} {sort sort' : PayloadSort}
    (h : p.messageOf l sort = some i) (h' : p.messageOf l' sort' = some i) :
    l = l' ∧ sort = sort' := by
  obtain ⟨x, hx, e⟩ := placeOf_sound h
  obtain ⟨x', hx', e'⟩ := placeOf_sound h'
  rw [hx] at hx'
  injection hx' with hx'
  simp only [Bool.and_eq_true, beq_iff_eq] at e e'
  subst hx'
  exact ⟨e.1.symm.trans e'.1, e.2.symm.trans e'.2⟩

theorem number_faithful (p : Protocol) (owner : Nat) : Numbering.Faithful (p.number owner) := by
  have unpack : ∀ {action move}, p.number owner action = some move →
      move.direction = action.direction ∧ p.role action.peer = some move.peer
        ∧ p.label action.label = some move.label
        ∧ p.messageOf move.label action.sort = some move.message := by
    intro action move h
    simp only [number] at h
    split at h
    · rename_i peer label hp hl
      split at h
      · rename_i message edge hm he
        injection h with h
        subst h
        exact ⟨rfl, hp, hl, hm⟩
      · simp at h
    · simp at h
  refine ⟨fun h => (unpack h).1, ?_⟩
  intro action action' move h h'
  obtain ⟨d, r, l, m⟩ := unpack h
  obtain ⟨d', r', l', m'⟩ := unpack h'
  obtain ⟨dir, peer, label, sort⟩ := action
  obtain ⟨dir', peer', label', sort'⟩ := action'
  simp only [Action.mk.injEq]
  exact ⟨d.symm.trans d', role_injective r r', label_injective l l', (messageOf_injective m m').2⟩

theorem pairing_of_follows (h : p.follows = true) {role : Nat} (hr : role < p.roles.length) :
    ∃ R, (p.automaton role).Pairing (p.number role) R ∧ R 0 (p.localOf role) := by
  simp only [follows, Bool.and_eq_true, List.all_eq_true, List.mem_range] at h
  exact ⟨_, Automaton.pairing_of_followsWith (p.number_faithful role) (h.2 role hr)⟩

end Protocol

end Antiphon
