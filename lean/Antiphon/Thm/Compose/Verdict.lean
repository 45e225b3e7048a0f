import Antiphon.Types.Compose.Verdict
import Antiphon.Types.Compose.Safety
import Antiphon.Thm.Compose.System

/-!
# What the check of one configuration says

About `Types/Compose/Verdict.lean`: each test on a configuration says what `Types/Compose/Safety.lean` means.
-/

namespace Antiphon.Compose.System

variable {s : System} {c d : Configuration}

/-- Who waits on an edge or does anything else is there. -/
theorem WaitsOn.role_lt {role edge : Nat} (h : WaitsOn s c role edge) : role < s.automata.length :=
  h.2.elim fun _ t => role_of_move t.1

theorem hasEnded_iff {role : Nat} : s.hasEnded c role = true ↔ (s.row c role).moves = [] := by
  simp [hasEnded]

theorem allEnded_iff : s.allEnded c = true ↔ Ended s c := by
  simp only [allEnded, List.all_eq_true, List.mem_range, hasEnded_iff]
  constructor
  · intro h role
    by_cases there : role < s.automata.length
    · exact h role there
    · rw [row_of_no_role (Nat.le_of_not_lt there)]; rfl
  · exact fun h role _ => h role

theorem edge_lt {edge : Nat} (h : c.queue edge ≠ []) : edge < c.edges.length := by
  apply Nat.lt_of_not_le
  intro none
  simp [Configuration.queue, List.getD, List.getElem?_eq_none none] at h

theorem left_none_iff : c.left = none ↔ Empty c := by
  simp only [Configuration.left, List.find?_eq_none, List.mem_range, Bool.not_eq_true', Bool.not_eq_false,
    List.isEmpty_iff]
  constructor
  · intro h edge
    by_cases empty : c.queue edge = []
    · exact empty
    · exact h edge (edge_lt empty)
  · exact fun h edge _ => h edge

/-- A role takes a head if and only if one of its transitions is of that edge and that message. -/
theorem takes_iff {role edge head : Nat} {rest : List Nat} (direction : (s.row c role).direction = .receive)
    (queue : c.queue edge = head :: rest) :
    Takes s c role edge ↔ ∃ u ∈ (s.row c role).moves, u.edge = edge ∧ u.message = head := by
  constructor
  · rintro ⟨t, d, rfl, leads⟩
    cases leads with
    | receive _ allowed q =>
      rw [queue] at q
      simp only [List.cons.injEq] at q
      exact ⟨t, allowed, rfl, q.1.symm⟩
  · rintro ⟨u, allowed, rfl, rfl⟩
    exact ⟨u, _, rfl, .receive direction allowed queue⟩

/-- The edge that the test names is one whose head the role cannot take. -/
theorem of_unexpectedOf {role edge : Nat} (h : s.unexpectedOf c role = some edge) :
    c.queue edge ≠ [] ∧ WaitsOn s c role edge ∧ ¬ Takes s c role edge := by
  simp only [unexpectedOf] at h
  split at h
  · simp at h
  · rename_i direction
    obtain ⟨t, allowed, found⟩ := List.exists_of_findSome?_eq_some h
    split at found
    · simp at found
    · rename_i head rest queue
      split at found
      · simp at found
      · rename_i none
        simp only [Option.some.injEq] at found
        subst found
        refine ⟨by simp [queue], ⟨direction, t, allowed, rfl⟩, ?_⟩
        rw [takes_iff direction queue]
        rintro ⟨u, allowed, sameEdge, sameMessage⟩
        exact none (List.any_eq_true.2 ⟨u, allowed, by simp [sameEdge, sameMessage]⟩)

theorem unexpected_none_iff : s.unexpected c = none ↔ NothingUnexpected s c := by
  simp only [unexpected, List.findSome?_eq_none_iff, List.mem_range]
  constructor
  · intro h role edge waits queue
    have h := h role waits.role_lt
    obtain ⟨direction, t, allowed, rfl⟩ := waits
    simp only [unexpectedOf, direction, List.findSome?_eq_none_iff] at h
    have h := h t allowed
    match found : c.queue t.edge with
    | [] => exact absurd found queue
    | head :: rest =>
      simp only [found] at h
      rw [takes_iff direction found]
      split at h
      · rename_i any
        obtain ⟨u, allowed, same⟩ := List.any_eq_true.1 any
        simp only [Bool.and_eq_true, beq_iff_eq] at same
        exact ⟨u, allowed, same⟩
      · simp at h
  · intro h role _
    cases found : s.unexpectedOf c role with
    | none => rfl
    | some edge =>
      have ⟨queue, waits, cannot⟩ := of_unexpectedOf found
      exact absurd (h role edge waits queue) cannot

theorem next_empty_iff : s.next c = [] ↔ ¬ Moves s c := by
  constructor
  · rintro none ⟨step, d, leads⟩
    simpa [none] using next_iff.2 leads
  · intro stuck
    rcases h : s.next c with _ | ⟨⟨step, d⟩, rest⟩
    · rfl
    · exact absurd ⟨step, d, next_iff.1 (h ▸ List.mem_cons_self)⟩ stuck

/-- Two receives of one role are two entries of what it can do, unless they are the same. -/
theorem determinate_of {role : Nat} (h : s.isDeterminateOf c role = true) {t u : Transition} {d e : Configuration}
    (left : Leads s c ⟨role, .receive, t⟩ d) (right : Leads s c ⟨role, .receive, u⟩ e) : t = u := by
  have mem : ∀ {t d}, Leads s c ⟨role, .receive, t⟩ d → (⟨role, .receive, t⟩, d) ∈ s.nextOf c role := by
    intro t d leads
    have direction : (s.row c role).direction = .receive := by cases leads; assumption
    have allowed : t ∈ (s.row c role).moves := by cases leads; assumption
    simp only [nextOf, List.mem_filterMap]
    refine ⟨t, allowed, ?_⟩
    rw [(perform_iff allowed).2 (direction ▸ leads)]
    simp [direction]
  have direction : (s.row c role).direction = .receive := by cases left; assumption
  simp only [isDeterminateOf, direction, Nat.ble_eq] at h
  have left := mem left
  have right := mem right
  match found : s.nextOf c role with
  | [] => simp [found] at left
  | [one] =>
    simp only [found, List.mem_singleton] at left right
    have := left.trans right.symm
    simp only [Prod.mk.injEq, Step.mk.injEq, true_and] at this
    exact this.1
  | _ :: _ :: _ => simp [found] at h

theorem determinate_of_all (h : s.isDeterminate c = true) : Determinate s c := by
  intro role t u d e left right
  have there : role < s.automata.length := by cases left with | receive _ allowed _ => exact role_of_move allowed
  simp only [isDeterminate, List.all_eq_true, List.mem_range] at h
  exact determinate_of (h role there) left right

theorem waits_iff {waiter : Waiter} : s.waits c waiter = true ↔ Waiting s c waiter := by
  cases waiter with
  | role role => simp [waits, hasEnded, Waiting]
  | message edge => simp [waits, Waiting]

theorem serves_iff {step : Step} {waiter : Waiter} : step.serves waiter = true ↔ Serves step waiter := by
  cases waiter <;> simp [Step.serves, Serves]

theorem mem_waiters {waiter : Waiter} (h : Waiting s c waiter) : waiter ∈ s.waiters c := by
  simp only [waiters, List.mem_filter, waits_iff, h, and_true, List.mem_append, List.mem_map, List.mem_range]
  cases waiter with
  | role role =>
    obtain ⟨t, allowed⟩ := List.exists_mem_of_ne_nil _ h
    exact .inl ⟨role, role_of_move allowed, rfl⟩
  | message edge => exact .inr ⟨edge, edge_lt h, rfl⟩

/-- Who is not served by a step still waits behind it. -/
theorem waiting_after {step : Step} {waiter : Waiter} (leads : Leads s c step d) (waiting : Waiting s c waiter)
    (unserved : ¬ Serves step waiter) : Waiting s d waiter := by
  cases waiter with
  | role role =>
    have other : step.role ≠ role := unserved
    have same : d.state role = c.state role := by
      cases leads <;> simp [Configuration.put, Configuration.state, List.getD, List.getElem?_set_ne other]
    simpa [Waiting, row, same] using waiting
  | message edge =>
    cases leads with
    | @send _ t _ _ room =>
      by_cases same : t.edge = edge
      · subst same
        have there := edge_lt waiting
        simp [Waiting, Configuration.put, Configuration.queue, List.getD, List.getElem?_set_self there]
      · simpa [Waiting, Configuration.put, Configuration.queue, List.getD, List.getElem?_set_ne same] using waiting
    | @receive _ t _ _ _ _ =>
      have other : t.edge ≠ edge := fun same => unserved ⟨rfl, same⟩
      simpa [Waiting, Configuration.put, Configuration.queue, List.getD, List.getElem?_set_ne other] using waiting

/-- What a replay does is a run. -/
theorem run_of_replay : ∀ {run : List Step} {c d : Configuration}, s.graph.replay run c = some d → Run s c run d
  | [], c, d, h => by simp only [Graph.replay, Option.some.injEq] at h; exact h ▸ .nil
  | step :: run, c, d, h => by
    simp only [Graph.replay] at h
    split at h
    · rename_i found where_
      have same := List.find?_some where_
      simp only [decide_eq_true_eq] at same
      have mem : found ∈ s.next c := List.mem_of_find?_eq_some where_
      exact .cons (next_iff.1 (show (step, found.2) ∈ s.next c from same ▸ mem)) (run_of_replay h)
    · simp at h

/-- In a closed set of true notes everybody can be served: by induction on the way home. -/
theorem live_of_noted {noted : Noted}
    (closed : ∀ c, s.graph.Reachable c → s.isNoted noted c (s.next c) = true) :
    ∀ (distance : Nat) {c : Configuration} {note : Note}, s.graph.Reachable c → noted.find c.code c = some note →
      note.distance ≤ distance → Live s c := by
  intro distance
  induction distance with
  | zero =>
    intro c note reachable found near waiter waiting
    have h := closed c reachable
    simp only [isNoted, found] at h
    cases note with
    | home run =>
      simp only [covers, Bool.and_eq_true, List.all_eq_true, Option.isSome_iff_exists] at h
      obtain ⟨⟨d, replayed⟩, all⟩ := h
      obtain ⟨step, mem, serves⟩ := List.any_eq_true.1 (all waiter (mem_waiters waiting))
      exact ⟨run, d, run_of_replay replayed, step, mem, serves_iff.1 serves⟩
    | away distance =>
      simp only [Note.distance, Nat.le_zero] at near
      subst near
      simp only [List.any_eq_true] at h
      obtain ⟨step, _, h⟩ := h
      split at h
      · simp at h
      · simp [Nat.blt_eq] at h
  | succ distance ih =>
    intro c note reachable found near waiter waiting
    have h := closed c reachable
    simp only [isNoted, found] at h
    cases note with
    | home run => exact ih reachable found (Nat.zero_le _) waiter waiting
    | away far =>
      simp only [List.any_eq_true] at h
      obtain ⟨⟨step, d⟩, mem, h⟩ := h
      split at h
      · simp at h
      · rename_i note found
        rw [Nat.blt_eq] at h
        have leads := next_iff.1 mem
        by_cases serves : Serves step waiter
        · exact ⟨[step], d, .cons leads .nil, step, List.mem_cons_self, serves⟩
        · have near : note.distance ≤ distance := by simp only [Note.distance] at near; omega
          obtain ⟨run, e, ran, served, mem, serves⟩ :=
            ih (.step reachable mem) found near waiter (waiting_after leads waiting serves)
          exact ⟨step :: run, e, .cons leads ran, served, List.mem_cons_of_mem _ mem, serves⟩

/-- A run stays within every set that passes the check, and in each of its steps is what was checked. -/
theorem never_served {known : Known} {waiter : Waiter}
    (closed : Graph.closed { s.graph with initial := c }
      (fun _ steps => steps.all fun step => !step.1.serves waiter) known = true) : ¬ Served s c waiter := by
  have key : ∀ {d e : Configuration} {run : List Step}, Run s d run e →
      Graph.Reachable { s.graph with initial := c } d → ∀ step ∈ run, ¬ Serves step waiter := by
    intro d e run ran
    induction ran with
    | nil => simp
    | cons leads _ ih =>
      intro reachable step mem
      have listed := next_iff.2 leads
      have checked := (Graph.closed_sound closed reachable).2
      rcases List.mem_cons.1 mem with rfl | mem
      · have := List.all_eq_true.1 checked _ listed
        simp only [Bool.not_eq_true'] at this
        intro serves
        rw [serves_iff.2 serves] at this
        contradiction
      · exact ih (.step reachable listed) step mem
  rintro ⟨run, e, ran, step, mem, serves⟩
  exact key ran .initial step mem serves

end Antiphon.Compose.System
