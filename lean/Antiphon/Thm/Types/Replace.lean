import Antiphon.Thm.Types.Subtype
import Antiphon.Types.Compose
import Antiphon.Types.Compose.Safety

/-!
# A subtype in the place of a role

Beside every configuration that the protocol with the candidate comes to, the protocol itself can
come to one that differs only in the state of the replaced role, and there the two states are
related. So what the candidate meets, the supertype was ready for.
-/

namespace Antiphon.Compose

open System

/-- What the look-ups of a table that fits have to do with each other. -/
theorem fits_mem {p : Protocol} {role : Nat} {a : Automaton} (h : p.fits role a = true)
    {state : Nat} {d : Direction} {t : Transition} (ht : t ∈ a.movesOf state d) :
    p.edgeOf role d t.peer = some t.edge
      ∧ (p.messages[t.message]?).map Message.label = some t.label := by
  obtain ⟨hd, mem⟩ := Automaton.mem_movesOf.1 ht
  have inside : state < a.rows.length := by
    apply Nat.lt_of_not_le
    intro out
    rw [Automaton.moves_out_of_range out] at mem
    simp at mem
  simp only [Protocol.fits, List.all_eq_true, Bool.and_eq_true, beq_iff_eq] at h
  have := h _ (Automaton.row_mem inside) t mem
  rw [hd] at this
  exact this

/-- Two edges of a role with different partners are different. -/
theorem edgeOf_injective {p : Protocol} {role : Nat} {d : Direction} {peer peer' e : Nat}
    (h : p.edgeOf role d peer = some e) (h' : p.edgeOf role d peer' = some e) : peer = peer' := by
  cases d with
  | send =>
    obtain ⟨x, hx, e⟩ := placeOf_sound h
    obtain ⟨x', hx', e'⟩ := placeOf_sound h'
    rw [hx] at hx'
    injection hx' with hx'
    subst hx'
    simp only [Bool.and_eq_true, beq_iff_eq] at e e'
    exact e.2.symm.trans e'.2
  | receive =>
    obtain ⟨x, hx, e⟩ := placeOf_sound h
    obtain ⟨x', hx', e'⟩ := placeOf_sound h'
    rw [hx] at hx'
    injection hx' with hx'
    subst hx'
    simp only [Bool.and_eq_true, beq_iff_eq] at e e'
    exact e.1.symm.trans e'.1

/-- A candidate that may stand for a role, as tables of one protocol. -/
structure Replacement (p : Protocol) (role : Nat) (candidate : Automaton) : Prop where
  /-- The role is one of the protocol. -/
  inside : role < p.automata.length
  subtype : Subtype candidate (p.automaton role)
  /-- Both tables are tables, and have the numbers of the protocol. -/
  candidateWellFormed : candidate.wellFormed = true
  candidateFits : p.fits role candidate = true
  supertypeFits : p.fits role (p.automaton role) = true

/-- The same configuration, with the state of one role set. -/
def Configuration.at (c : Configuration) (role state : Nat) : Configuration :=
  { c with states := c.states.set role state }

section

variable {p : Protocol} {role : Nat} {candidate : Automaton} {capacities : List Nat}
  {c d : Configuration} {there : Nat}

theorem Configuration.state_put_same {state edge : Nat} {queue : List Nat}
    (h : role < c.states.length) : (c.put role state edge queue).state role = state := by
  simp [Configuration.put, Configuration.state, List.getD_eq_getElem?_getD, h]

theorem Configuration.state_put_other {other state edge : Nat} {queue : List Nat}
    (h : other ≠ role) : (c.put other state edge queue).state role = c.state role := by
  simp [Configuration.put, Configuration.state, List.getD_eq_getElem?_getD, List.getElem?_set_ne h]

theorem row_other {other : Nat} (h : role ≠ other) :
    (System.of (p.replace role candidate) capacities).row c other
      = (System.of p capacities).row (c.at role there) other := by
  simp [System.of, Protocol.replace, System.row, Configuration.at, Configuration.state,
    List.getD_eq_getElem?_getD, List.getElem?_set_ne h]

theorem row_candidate (h : role < p.automata.length) :
    (System.of (p.replace role candidate) capacities).row c role
      = candidate.row (c.state role) := by
  simp [System.of, Protocol.replace, System.row, List.getD_eq_getElem?_getD, h]

theorem row_supertype (h : role < c.states.length) :
    (System.of p capacities).row (c.at role there) role = (p.automaton role).row there := by
  simp [System.of, System.row, Configuration.at, Configuration.state, Protocol.automaton,
    List.getD_eq_getElem?_getD, h]

/-- What the protocol itself may be in beside a configuration with the candidate. -/
def Beside (p : Protocol) (role : Nat) (capacities : List Nat) (R : Nat → Nat → Prop)
    (c : Configuration) (there : Nat) : Prop :=
  role < c.states.length ∧ R (c.state role) there
    ∧ (System.of p capacities).Reachable (c.at role there)

/-- What a message that the supertype can take there is to the candidate. -/
theorem candidate_takes {R : Nat → Nat → Prop} (re : Replacement p role candidate)
    (sim : Simulation candidate (p.automaton role) R)
    (safe : NothingUnexpected (System.of p capacities) (c.at role there))
    (len : role < c.states.length) (r : R (c.state role) there) {t : Transition}
    (ht : t ∈ candidate.receives (c.state role)) (waiting : c.queue t.edge ≠ []) :
    ∃ u v rest, u ∈ candidate.receives (c.state role) ∧ v ∈ (p.automaton role).receives there
      ∧ u.Same v ∧ R u.next v.next ∧ u.edge = t.edge ∧ v.edge = t.edge
      ∧ c.queue t.edge = u.message :: rest := by
  obtain ⟨w, hw, peer⟩ := sim.hears r ht
  have fw := (fits_mem re.supertypeFits hw).1
  have ft := (fits_mem re.candidateFits ht).1
  rw [peer, ft] at fw
  injection fw with fw
  have waits : WaitsOn (System.of p capacities) (c.at role there) role t.edge := by
    refine ⟨?_, w, ?_, fw.symm⟩
    · rw [row_supertype len]; exact (Automaton.mem_movesOf.1 hw).1
    · rw [row_supertype len]; exact (Automaton.mem_movesOf.1 hw).2
  obtain ⟨v, _, edge, leads⟩ := safe role t.edge waits waiting
  cases leads with
  | @receive _ _ rest dir mem queue =>
    rw [row_supertype len] at dir mem
    have hv : v ∈ (p.automaton role).receives there := Automaton.mem_movesOf.2 ⟨dir, mem⟩
    obtain ⟨u, hu, same, r'⟩ := sim.receives r hv
    have fu := (fits_mem re.candidateFits hu).1
    have fv := (fits_mem re.supertypeFits hv).1
    rw [same.1, fv] at fu
    injection fu with fu
    refine ⟨u, v, rest, hu, hv, same, r', fu.symm.trans edge, edge, ?_⟩
    rw [same.2.2, ← edge]
    exact queue

theorem beside_step {R : Nat → Nat → Prop} (re : Replacement p role candidate)
    (sim : Simulation candidate (p.automaton role) R)
    (safe : ∀ c, (System.of p capacities).Reachable c → NothingUnexpected (System.of p capacities) c)
    {step : Step} (b : Beside p role capacities R c there)
    (leads : Leads (System.of (p.replace role candidate) capacities) c step d) :
    ∃ there, Beside p role capacities R d there := by
  obtain ⟨len, r, reach⟩ := b
  cases leads with
  | @send who t dir mem room =>
    by_cases eq : who = role
    · subst eq
      rw [row_candidate re.inside] at dir mem
      have ht : t ∈ candidate.sends (c.state who) := Automaton.mem_movesOf.2 ⟨dir, mem⟩
      obtain ⟨u, hu, same, r'⟩ := sim.sends r ht
      have ft := (fits_mem re.candidateFits ht).1
      have fu := (fits_mem re.supertypeFits hu).1
      rw [same.1, fu] at ft
      injection ft with edge
      refine ⟨u.next, ?_, ?_, ?_⟩
      · simpa [Configuration.put] using len
      · rw [Configuration.state_put_same len]; exact r'
      · have leads : Leads (System.of p capacities) (c.at who there) ⟨who, .send, u⟩ _ :=
          .send (by rw [row_supertype len]; exact (Automaton.mem_movesOf.1 hu).1)
            (by rw [row_supertype len]; exact (Automaton.mem_movesOf.1 hu).2)
            (by rw [edge]; exact room)
        have := Reachable.step reach leads
        simpa [Configuration.put, Configuration.at, Configuration.queue, List.set_set, same.2.2,
          edge] using this
    · refine ⟨there, ?_, ?_, ?_⟩
      · simpa [Configuration.put] using len
      · rw [Configuration.state_put_other eq]; exact r
      · rw [row_other (there := there) (Ne.symm eq)] at dir mem
        have leads : Leads (System.of p capacities) (c.at role there) ⟨who, .send, t⟩ _ :=
          .send dir mem room
        have := Reachable.step reach leads
        simpa [Configuration.put, Configuration.at, Configuration.queue,
          List.set_comm _ _ (Ne.symm eq)] using this
  | @receive who t rest dir mem queue =>
    by_cases eq : who = role
    · subst eq
      rw [row_candidate re.inside] at dir mem
      have ht : t ∈ candidate.receives (c.state who) := Automaton.mem_movesOf.2 ⟨dir, mem⟩
      obtain ⟨u, v, rest', hu, hv, same, r', eu, ev, queue'⟩ :=
        candidate_takes re sim (safe _ reach) len r ht (by simp [queue])
      rw [queue] at queue'
      injection queue' with message rests
      subst rests
      have fu := fits_mem re.candidateFits hu
      have ft := fits_mem re.candidateFits ht
      rw [eu] at fu
      have peer := edgeOf_injective fu.1 ft.1
      have label : u.label = t.label := by
        have := fu.2
        rw [← message, ft.2] at this
        injection this with this
        exact this.symm
      have : u = t := sortedMoves_unique (Automaton.moves_sorted re.candidateWellFormed _)
        (Automaton.movesOf_subset hu) (Automaton.movesOf_subset ht) peer label
      subst this
      refine ⟨v.next, ?_, ?_, ?_⟩
      · simpa [Configuration.put] using len
      · rw [Configuration.state_put_same len]; exact r'
      · have leads : Leads (System.of p capacities) (c.at who there) ⟨who, .receive, v⟩ _ :=
          .receive (rest := rest) (by rw [row_supertype len]; exact (Automaton.mem_movesOf.1 hv).1)
            (by rw [row_supertype len]; exact (Automaton.mem_movesOf.1 hv).2)
            (by rw [ev, ← same.2.2]; exact queue)
        have := Reachable.step reach leads
        simpa [Configuration.put, Configuration.at, Configuration.queue, List.set_set, ev]
          using this
    · refine ⟨there, ?_, ?_, ?_⟩
      · simpa [Configuration.put] using len
      · rw [Configuration.state_put_other eq]; exact r
      · rw [row_other (there := there) (Ne.symm eq)] at dir mem
        have leads : Leads (System.of p capacities) (c.at role there) ⟨who, .receive, t⟩ _ :=
          .receive dir mem queue
        have := Reachable.step reach leads
        simpa [Configuration.put, Configuration.at, Configuration.queue,
          List.set_comm _ _ (Ne.symm eq)] using this

theorem beside_initial {R : Nat → Nat → Prop} (inside : role < p.automata.length) (r : R 0 0) :
    Beside p role capacities R (System.of (p.replace role candidate) capacities).initial 0 := by
  have states : ((p.automata.set role candidate).map fun _ => 0) = p.automata.map fun _ => 0 := by
    simp [List.map_const']
  refine ⟨?_, ?_, ?_⟩
  · simpa [System.initial, System.of, Protocol.replace] using inside
  · have : (System.of (p.replace role candidate) capacities).initial.state role = 0 := by
      simp [System.initial, System.of, Protocol.replace, Configuration.state, states,
        List.map_const', List.getD_eq_getElem?_getD, inside]
    rw [this]; exact r
  · have : (System.of (p.replace role candidate) capacities).initial.at role 0
        = (System.of p capacities).initial := by
      simp only [System.initial, System.of, Protocol.replace, Configuration.at, states]
      simp [List.map_const']
    rw [this]; exact .initial

/-- Beside every configuration that is reached with the candidate there is one of the protocol. -/
theorem beside_of_reachable {R : Nat → Nat → Prop} (re : Replacement p role candidate)
    (sim : Simulation candidate (p.automaton role) R) (r : R 0 0)
    (safe : ∀ c, (System.of p capacities).Reachable c → NothingUnexpected (System.of p capacities) c)
    (reach : (System.of (p.replace role candidate) capacities).Reachable c) :
    ∃ there, Beside p role capacities R c there := by
  induction reach with
  | initial => exact ⟨0, beside_initial re.inside r⟩
  | step _ leads ih =>
    obtain ⟨there, b⟩ := ih
    exact beside_step re sim safe b leads

theorem expected_beside {R : Nat → Nat → Prop} (re : Replacement p role candidate)
    (sim : Simulation candidate (p.automaton role) R)
    (safe : ∀ c, (System.of p capacities).Reachable c → NothingUnexpected (System.of p capacities) c)
    (b : Beside p role capacities R c there) :
    NothingUnexpected (System.of (p.replace role candidate) capacities) c := by
  obtain ⟨len, r, reach⟩ := b
  intro who edge waits some
  by_cases eq : who = role
  · subst eq
    obtain ⟨dir, t, mem, rfl⟩ := waits
    rw [row_candidate re.inside] at dir mem
    obtain ⟨u, v, rest, hu, _, _, _, eu, _, queue⟩ := candidate_takes re sim (safe _ reach) len r
      (Automaton.mem_movesOf.2 ⟨dir, mem⟩) some
    refine ⟨u, _, eu, .receive (rest := rest) ?_ ?_ (by rw [eu]; exact queue)⟩
    · rw [row_candidate re.inside]; exact (Automaton.mem_movesOf.1 hu).1
    · rw [row_candidate re.inside]; exact (Automaton.mem_movesOf.1 hu).2
  · obtain ⟨dir, t, mem, rfl⟩ := waits
    rw [row_other (there := there) (Ne.symm eq)] at dir mem
    obtain ⟨u, _, eu, leads⟩ := safe _ reach who t.edge ⟨dir, t, mem, rfl⟩ some
    cases leads with
    | receive dir mem queue =>
      exact ⟨u, _, eu, .receive (by rw [row_other (there := there) (Ne.symm eq)]; exact dir)
        (by rw [row_other (there := there) (Ne.symm eq)]; exact mem) queue⟩

/-- Where all have ended with the candidate, all have ended beside. -/
theorem ended_beside {R : Nat → Nat → Prop} (re : Replacement p role candidate)
    (sim : Simulation candidate (p.automaton role) R) (b : Beside p role capacities R c there)
    (ended : Ended (System.of (p.replace role candidate) capacities) c) :
    Ended (System.of p capacities) (c.at role there) := by
  obtain ⟨len, r, _⟩ := b
  intro who
  have h := ended who
  by_cases eq : who = role
  · subst eq
    rw [row_candidate re.inside] at h
    rw [row_supertype len]
    have := sim.ends r (by simp [Automaton.isEnd, Automaton.moves, h])
    simpa [Automaton.isEnd, Automaton.moves] using this
  · rw [row_other (there := there) (Ne.symm eq)] at h
    exact h

/-- Somebody moves with the candidate wherever somebody moves beside, if the candidate's own sends
find room wherever one of the supertype's does. -/
theorem moves_beside {R : Nat → Nat → Prop} (re : Replacement p role candidate)
    (sim : Simulation candidate (p.automaton role) R) (b : Beside p role capacities R c there)
    (room : ∀ {u v}, u ∈ (p.automaton role).sends there → v ∈ (p.automaton role).sends there →
      (c.queue u.edge).length < (System.of p capacities).capacity u.edge →
      (c.queue v.edge).length < (System.of p capacities).capacity v.edge)
    (moves : Moves (System.of p capacities) (c.at role there)) :
    Moves (System.of (p.replace role candidate) capacities) c := by
  obtain ⟨len, r, reach⟩ := b
  obtain ⟨step, d, leads⟩ := moves
  cases leads with
  | @send who u dir mem free =>
    by_cases eq : who = role
    · subst eq
      rw [row_supertype len] at dir mem
      have hu : u ∈ (p.automaton who).sends there := Automaton.mem_movesOf.2 ⟨dir, mem⟩
      cases dc : candidate.direction (c.state who) with
      | none =>
        have := sim.ends r (by simp [Automaton.isEnd, Automaton.direction_none.1 dc])
        simp only [Automaton.isEnd, List.isEmpty_iff] at this
        have mem := Automaton.movesOf_subset hu
        simp [this] at mem
      | some dc' =>
        obtain ⟨t, rest, cons⟩ := List.exists_cons_of_ne_nil (Automaton.direction_some.1 dc).2
        have ht : t ∈ candidate.movesOf (c.state who) dc' :=
          Automaton.mem_movesOf.2 ⟨(Automaton.direction_some.1 dc).1, by simp [cons]⟩
        cases dc' with
        | receive =>
          obtain ⟨w, hw, _⟩ := sim.hears r ht
          have d₁ := Automaton.direction_of_mem hw
          have d₂ := Automaton.direction_of_mem hu
          simp [d₁] at d₂
        | send =>
          obtain ⟨v, hv, same, _⟩ := sim.sends r ht
          have ft := (fits_mem re.candidateFits ht).1
          have fv := (fits_mem re.supertypeFits hv).1
          rw [same.1, fv] at ft
          injection ft with edge
          refine ⟨⟨who, .send, t⟩, _, .send ?_ ?_ ?_⟩
          · rw [row_candidate re.inside]; exact (Automaton.mem_movesOf.1 ht).1
          · rw [row_candidate re.inside]; exact (Automaton.mem_movesOf.1 ht).2
          · rw [← edge]; exact room hu hv free
    · exact ⟨⟨who, .send, u⟩, _, .send (by rw [row_other (there := there) (Ne.symm eq)]; exact dir)
        (by rw [row_other (there := there) (Ne.symm eq)]; exact mem) free⟩
  | @receive who u rest dir mem queue =>
    by_cases eq : who = role
    · subst eq
      rw [row_supertype len] at dir mem
      have hu : u ∈ (p.automaton who).receives there := Automaton.mem_movesOf.2 ⟨dir, mem⟩
      obtain ⟨t, ht, same, _⟩ := sim.receives r hu
      have ft := (fits_mem re.candidateFits ht).1
      have fu := (fits_mem re.supertypeFits hu).1
      rw [same.1, fu] at ft
      injection ft with edge
      refine ⟨⟨who, .receive, t⟩, _, .receive (rest := rest) ?_ ?_ ?_⟩
      · rw [row_candidate re.inside]; exact (Automaton.mem_movesOf.1 ht).1
      · rw [row_candidate re.inside]; exact (Automaton.mem_movesOf.1 ht).2
      · rw [← edge, same.2.2]; exact queue
    · exact ⟨⟨who, .receive, u⟩, _,
        .receive (by rw [row_other (there := there) (Ne.symm eq)]; exact dir)
          (by rw [row_other (there := there) (Ne.symm eq)]; exact mem) queue⟩

/-- Each choice of sends is with one partner. -/
def Directed (a : Automaton) : Prop :=
  ∀ state, ∀ u ∈ a.sends state, ∀ v ∈ a.sends state, u.peer = v.peer

/-- Wherever a session can come to, there is room for each send of a role. -/
def NeverWaits (s : System) (role : Nat) : Prop :=
  ∀ c, s.Reachable c → ∀ u ∈ (s.row c role).moves, (s.row c role).direction = .send →
    (c.queue u.edge).length < s.capacity u.edge

theorem room_of {R : Nat → Nat → Prop} (re : Replacement p role candidate)
    (b : Beside p role capacities R c there)
    (room : Directed (p.automaton role) ∨ NeverWaits (System.of p capacities) role)
    {u v : Transition} (hu : u ∈ (p.automaton role).sends there)
    (hv : v ∈ (p.automaton role).sends there)
    (free : (c.queue u.edge).length < (System.of p capacities).capacity u.edge) :
    (c.queue v.edge).length < (System.of p capacities).capacity v.edge := by
  obtain ⟨len, _, reach⟩ := b
  rcases room with directed | never
  · have fu := (fits_mem re.supertypeFits hu).1
    have fv := (fits_mem re.supertypeFits hv).1
    rw [directed there u hu v hv, fv] at fu
    injection fu with edge
    rw [edge]
    exact free
  · refine never _ reach v ?_ ?_
    · rw [row_supertype len]; exact (Automaton.mem_movesOf.1 hv).2
    · rw [row_supertype len]; exact (Automaton.mem_movesOf.1 hv).1

/-- Where all have ended beside, all have ended with the candidate. -/
theorem ended_of_beside {R : Nat → Nat → Prop} (re : Replacement p role candidate)
    (sim : Simulation candidate (p.automaton role) R) (b : Beside p role capacities R c there)
    (ended : Ended (System.of p capacities) (c.at role there)) :
    Ended (System.of (p.replace role candidate) capacities) c := by
  obtain ⟨len, r, _⟩ := b
  intro who
  have h := ended who
  by_cases eq : who = role
  · subst eq
    rw [row_supertype len] at h
    rw [row_candidate re.inside]
    have none : ∀ {u d}, u ∉ (p.automaton who).movesOf there d := by
      intro u d mem
      have := Automaton.movesOf_subset mem
      simp [Automaton.moves, h] at this
    cases moves : (candidate.row (c.state who)).moves with
    | nil => rfl
    | cons t rest =>
      have mem : t ∈ candidate.moves (c.state who) := by simp [Automaton.moves, moves]
      cases dir : (candidate.row (c.state who)).direction with
      | send =>
        obtain ⟨u, hu, _⟩ := sim.sends r (Automaton.mem_movesOf.2 ⟨dir, mem⟩)
        exact absurd hu none
      | receive =>
        obtain ⟨u, hu, _⟩ := sim.hears r (Automaton.mem_movesOf.2 ⟨dir, mem⟩)
        exact absurd hu none
  · rw [row_other (there := there) (Ne.symm eq)]
    exact h

end

end Antiphon.Compose
