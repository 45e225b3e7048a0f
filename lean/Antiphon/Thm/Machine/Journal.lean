import Antiphon.Thm.Machine.Replay

/-!
# Proofs about journals: an opening told again, and all records of a session one after the other
-/

namespace Antiphon

theorem zip_map_mem {α β γ : Type} {f : α × β → γ} : ∀ {l : List α} {m : List β} {x : α × β},
    x ∈ l.zip m → (x.1, f x) ∈ l.zip ((l.zip m).map f)
  | [], _, _, h => by simp at h
  | _ :: _, [], _, h => by simp at h
  | a :: l, b :: m, x, h => by
    simp only [List.zip_cons_cons, List.map_cons, List.mem_cons] at h ⊢
    rcases h with rfl | h
    · exact .inl rfl
    · exact .inr (zip_map_mem h)

theorem zip_once {α β : Type} : ∀ {l : List α} {m : List β} {x : α} {y z : β},
    l.Nodup → (x, y) ∈ l.zip m → (x, z) ∈ l.zip m → y = z
  | [], _, _, _, _, _, h, _ => by simp at h
  | _ :: _, [], _, _, _, _, h, _ => by simp at h
  | a :: l, b :: m, x, y, z, once, h, h' => by
    simp only [List.zip_cons_cons, List.mem_cons, Prod.mk.injEq] at h h'
    obtain ⟨fresh, once⟩ := List.nodup_cons.1 once
    rcases h with ⟨rfl, rfl⟩ | h <;> rcases h' with ⟨e, rfl⟩ | h'
    · rfl
    · exact absurd (List.of_mem_zip h').1 fresh
    · exact absurd (e ▸ (List.of_mem_zip h).1) fresh
    · exact zip_once once h h'

theorem placeOf_found {α : Type} {q : α → Bool} : ∀ {l : List α} {x : α},
    x ∈ l → q x = true → (placeOf q l).isSome = true
  | [], _, h, _ => by simp at h
  | a :: l, x, h, is => by
    unfold placeOf
    split
    · rfl
    · rename_i no
      rcases List.mem_cons.1 h with rfl | h
      · exact absurd is no
      · simp [placeOf_found h is]

theorem Protocol.edge_known {p : Protocol} {edge : Edge} (h : edge ∈ p.edges) :
    (p.edge edge.from edge.to).isSome = true := placeOf_found h (by simp)

namespace Machine

variable {p : Protocol}

theorem settled_of_distinct (distinct : p.distinct = true) : Settled p := by
  intro message value formed h
  refine PayloadSort.conform_formed ?_ h
  simp only [Protocol.distinct, Bool.and_eq_true, List.all_eq_true] at distinct
  unfold Protocol.message
  rw [List.getD_eq_getElem?_getD]
  cases found : p.messages[message]? with
  | none => rfl
  | some one => exact distinct.2 one (List.mem_of_getElem? found)

/-! ## An opening says the same in full -/

theorem policyOf_resolved (o : Open) (checked : Bool) {edge : Edge} (h : edge ∈ p.edges) :
    (o.resolved p checked).policyOf edge = o.policyOf edge := by
  unfold Open.policyOf Open.resolved
  simp only
  split
  · rename_i e policy found
    have mem := List.mem_of_find?_eq_some found
    have is : e = edge := by simpa using List.find?_some found
    subst is
    obtain ⟨mem, _⟩ := List.mem_filter.1 (List.mem_reverse.1 mem)
    obtain ⟨e', _, same⟩ := List.mem_map.1 mem
    simp only [Prod.mk.injEq] at same
    obtain ⟨rfl, rfl⟩ := same
    rfl
  · rename_i none_
    have no := List.find?_eq_none.1 none_ (edge, o.policyOf edge)
    by_cases blocks : o.policyOf edge = .block
    · exact blocks.symm
    · refine absurd (by simp) (no ?_)
      rw [List.mem_reverse]
      exact List.mem_filter.2 ⟨List.mem_map.2 ⟨edge, h, rfl⟩, by simp [blocks]⟩

theorem vector_resolved (once : p.edges.Nodup) (c : Capacities) (checked : Bool) :
    (c.resolved p checked).vector p = c.vector p := by
  unfold Capacities.resolved
  split
  · rfl
  · rename_i open_
    refine List.map_congr_left fun x hx => ?_
    obtain ⟨edge, room⟩ := x
    let f : Edge × Nat → Nat := fun (edge, room) =>
      match c.edges.reverse.find? (·.1 == edge) with
      | some (_, capacity) => capacity
      | none => c.every.getD room
    have here : (edge, f (edge, room)) ∈ p.edges.zip (c.vector p) := zip_map_mem (f := f) hx
    show _ = f (edge, room)
    simp only
    split
    · rename_i e capacity found
      have is : e = edge := by simpa using List.find?_some found
      subst is
      obtain ⟨mem, _⟩ :=
        List.mem_filter.1 (List.mem_reverse.1 (List.mem_of_find?_eq_some found))
      exact zip_once once mem here
    · rename_i none_
      have no := List.find?_eq_none.1 none_ (edge, f (edge, room))
      rcases Classical.em (f (edge, room) = (p.rooms.max?).getD capacityDefault) with same | same
      · exact same.symm
      · refine absurd (by simp) (no ?_)
        rw [List.mem_reverse]
        exact List.mem_filter.2 ⟨here, by simp [same]⟩

theorem resolved_again (o : Open) (checked : Bool) :
    (o.resolved p checked).resolved p checked = o.resolved p checked := by
  have policies : ((o.resolved p checked).resolved p checked).policies
      = (o.resolved p checked).policies := by
    show (p.edges.map fun edge => (edge, (o.resolved p checked).policyOf edge)).filter _
      = (p.edges.map fun edge => (edge, o.policyOf edge)).filter _
    congr 1
    exact List.map_congr_left fun edge h => by rw [policyOf_resolved o checked h]
  have capacities : (o.capacities.resolved p checked).resolved p checked
      = o.capacities.resolved p checked := by
    unfold Capacities.resolved
    cases o.capacities.every <;> rfl
  show ({ (o.resolved p checked).resolved p checked with
    policies := ((o.resolved p checked).resolved p checked).policies } : Open) = _
  rw [policies]
  show ({ o with
    capacities := (o.capacities.resolved p checked).resolved p checked
    policies := (o.resolved p checked).policies } : Open) = _
  rw [capacities]
  rfl

theorem buffersFrom_resolved (o : Open) (checked : Bool) :
    ∀ {all : List (Edge × Nat)} {index : Nat}, (∀ one ∈ all, one.1 ∈ p.edges) →
      (o.resolved p checked).buffersFrom p index all = o.buffersFrom p index all
  | [], _, _ => rfl
  | (edge, capacity) :: rest, index, inside => by
    unfold Open.buffersFrom
    rw [policyOf_resolved o checked (inside _ (List.mem_cons_self ..)),
      buffersFrom_resolved o checked fun one h => inside one (List.mem_cons_of_mem _ h)]

theorem knowsEdges_own {edges : List Edge} (h : ∀ edge ∈ edges, edge ∈ p.edges) :
    Open.knowsEdges p edges = true :=
  List.all_eq_true.2 fun edge mem => Protocol.edge_known (h edge mem)

theorem knows_capacities (c : Capacities) (checked : Bool)
    (known : Open.knowsEdges p (c.edges.map (·.1)) = true) :
    Open.knowsEdges p ((c.resolved p checked).edges.map (·.1)) = true := by
  unfold Capacities.resolved
  split
  · exact known
  · refine knowsEdges_own fun edge mem => ?_
    obtain ⟨one, inside, rfl⟩ := List.mem_map.1 mem
    exact (List.of_mem_zip (List.mem_filter.1 inside).1).1

theorem knows_policies (o : Open) (checked : Bool) :
    Open.knowsEdges p ((o.resolved p checked).policies.map (·.1)) = true := by
  refine knowsEdges_own fun edge mem => ?_
  obtain ⟨one, kept, rfl⟩ := List.mem_map.1 mem
  obtain ⟨edge, inside, rfl⟩ := List.mem_map.1 (List.mem_filter.1 kept).1
  exact inside

theorem unchecked_resolved (c : Capacities) (checked : Bool) :
    (c.resolved p checked).unchecked = !checked := by
  unfold Capacities.resolved
  split <;> rfl

namespace Session

variable {now : Tick} {s : Session} {came : Came}

theorem fresh_resolved (now : Tick) (o : Open) (buffers : List Buffer) (known : Bool) :
    Session.fresh p now (o.resolved p (known && !Open.isLossy buffers)) buffers
      (known && !Open.isLossy buffers) = Session.fresh p now o buffers known := by
  simp [Session.fresh, Open.resolved]

theorem opening_again (once : p.edges.Nodup) {o : Open}
    (h : opening p now o false = .ok s) :
    opening p now (o.resolved p s.checked) true = .ok s := by
  unfold opening at h
  simp only at h
  split at h
  · simp at h
  · rename_i knows
    split at h
    · simp at h
    · split at h
      · simp at h
      · rename_i good
        split at h
        · simp at h
        · rename_i buffers hb
          simp only [Bool.false_eq_true, if_false] at h
          split at h
          · simp at h
          · simp only [Except.ok.injEq] at h
            have vector := vector_resolved once o.capacities s.checked
            have inside : ∀ one ∈ p.edges.zip (o.capacities.vector p), one.1 ∈ p.edges :=
              fun one mem => (List.of_mem_zip mem).1
            unfold opening
            simp only
            rw [show (o.resolved p s.checked).capacities = o.capacities.resolved p s.checked
              from rfl, knows_capacities o.capacities s.checked (by simpa using knows),
              knows_policies, vector, good]
            simp only [buffersFrom_resolved o s.checked inside, hb, unchecked_resolved,
              Bool.not_true, Bool.not_not, if_true, Bool.false_eq_true, if_false,
              Bool.not_and_self]
            rw [← h]
            exact congrArg _ (fresh_resolved now o buffers _)

theorem opened_records {o : Open} {replaying : Bool} (h : opening p now o replaying = .ok s) :
    s.tick = now ∧ s.records = if o.journal then some 0 else none := by
  unfold opening at h
  simp only at h
  repeat' split at h
  all_goals first
    | (simp at h; done)
    | (simp only [Except.ok.injEq] at h
       subst h
       exact ⟨rfl, rfl⟩)

/-- What an opening has told is the first record, which leads to the session. -/
theorem open_replays (once : p.edges.Nodup) {o : Open} (of : o.protocol = p.digest)
    (h : Session.open p now o false = .ok came) {n : Nat} (journal : came.session.records = some n) :
    ∃ r, recorded came.outputs = [r]
      ∧ replayRecord p came.session.id none r = .ok came.session := by
  have id := (open_came h).2.1
  unfold Session.open at h
  split at h
  · simp at h
  · rename_i fresh hf
    have again_ : Session.open p now (o.resolved p fresh.checked) true = .ok came := by
      rw [← h]
      unfold Session.open
      rw [opening_again once hf]
      simp only [resolved_again]
    simp only [Except.ok.injEq] at h
    obtain ⟨tick, records⟩ := opened_records hf
    have starts : fresh.records = some 0 := by
      rw [← h, came_records, record_records, records] at journal
      rw [records]
      cases keeps : o.journal with
      | true => rfl
      | false => simp [keeps] at journal
    have told : recorded came.outputs = [⟨0, now,
        .input (.«open» (o.resolved p fresh.checked)),
        .opened fresh.ownership.generation⟩] := by
      rw [← h, recorded_came, recorded_append, recorded_record, starts, tick]
      rfl
    refine ⟨_, told, ?_⟩
    have own : (Input.«open» (o.resolved p fresh.checked)).session = some came.session.id :=
      congrArg some id.symm
    simp only [replayRecord, retold, recordsOf, tickOf, ne_eq, not_true, if_false, Nat.not_lt_zero,
      inputAgain, Option.any_none, Bool.false_eq_true, own, Input.isRecorded, again, of,
      show (o.resolved p fresh.checked).protocol = o.protocol from rfl, again_, or_self,
      reduceCtorEq]
    exact agrees_own told

/-! ## All records -/

theorem replayFrom_append {id : SessionId} {more : List Record} :
    ∀ {records : List Record} {s s' : Option Session}, replayFrom p id s records = .ok s' →
      replayFrom p id s (records ++ more) = replayFrom p id s' more
  | [], s, s', h => by
    simp only [replayFrom, Except.ok.injEq] at h
    rw [h]; rfl
  | r :: rest, s, s', h => by
    simp only [replayFrom, List.cons_append] at h ⊢
    split at h
    · simp at h
    · rename_i t ht
      exact replayFrom_append h

theorem replay_next {id : SessionId} {records : List Record} {r : Record} {s s' : Session}
    (before : replay p id records = .ok (some s)) (next : replayRecord p id (some s) r = .ok s') :
    replay p id (records ++ [r]) = .ok (some s') := by
  unfold replay at before ⊢
  rw [replayFrom_append before]
  simp only [replayFrom, next]

/-- What a session has told of its records leads to it. -/
theorem History.replays (pwf : p.wellFormed = true) (distinct : p.distinct = true)
    {told : List Output} (history : History p s told) :
    ∀ n, s.records = some n → replay p s.id (recorded told) = .ok (some s) := by
  have once : p.edges.Nodup := by
    simp only [Protocol.distinct, Bool.and_eq_true, decide_eq_true_eq] at distinct
    exact distinct.1
  induction history with
  | opened of ok =>
    intro n journal
    obtain ⟨r, told, next⟩ := open_replays once of ok journal
    rw [told]
    simp only [replay, replayFrom, next]
  | next history step ih =>
    intro n journal
    have id := step.id pwf (history.wellFormed pwf).1
    rcases step.replays (settled_of_distinct distinct) with ⟨e, no⟩ | ⟨records, each⟩
    · rw [recorded_append, no, List.append_nil, e]
      exact ih n (e ▸ journal)
    · rw [records] at journal
      obtain ⟨m, before, _⟩ := Option.map_eq_some_iff.1 journal
      obtain ⟨r, told, next⟩ := each m before
      rw [recorded_append, told, id]
      exact replay_next (ih m before) next

/-- The first records of a session lead to where it was when it had written them. -/
theorem History.earlier (pwf : p.wellFormed = true) (distinct : p.distinct = true)
    {told : List Output} (history : History p s told) :
    ∀ n, s.records = some n → ∀ first rest, recorded told = first ++ rest → first ≠ [] →
      ∃ s₀ before after, History p s₀ before ∧ Steps p s₀ after s ∧ told = before ++ after
        ∧ recorded before = first ∧ replay p s.id first = .ok (some s₀) := by
  induction history with
  | @opened now o came of ok =>
    intro n journal first rest e some_
    have whole := (History.opened of ok).replays pwf distinct n journal
    have once : p.edges.Nodup := by
      simp only [Protocol.distinct, Bool.and_eq_true, decide_eq_true_eq] at distinct
      exact distinct.1
    obtain ⟨r, told, _⟩ := open_replays once of ok journal
    have all : first = recorded came.outputs := by
      rw [told] at e ⊢
      cases first with
      | nil => exact absurd rfl some_
      | cons x more =>
        simp only [List.cons_append, List.cons.injEq, List.nil_eq, List.append_eq_nil_iff] at e
        rw [e.1, e.2.1]
    exact ⟨_, _, [], .opened of ok, .none, by simp, all.symm, all ▸ whole⟩
  | @next s s' outputs told history step ih =>
    intro n journal first rest e some_
    have id := step.id pwf (history.wellFormed pwf).1
    have now := History.next history step
    have whole := now.replays pwf distinct n journal
    have back : ∀ m rest, s.records = some m → recorded outputs = first ++ rest →
        ∃ s₀ before after, History p s₀ before ∧ Steps p s₀ after s'
          ∧ outputs ++ told = before ++ after ∧ recorded before = first
          ∧ replay p s'.id first = .ok (some s₀) := by
      intro m rest had e
      obtain ⟨s₀, before, after, history₀, steps, split, is, leads⟩ := ih m had first rest e some_
      refine ⟨s₀, before, after ++ told, history₀, steps.trans (.one step), ?_, is, ?_⟩
      · rw [split, List.append_assoc]
      · rw [id]; exact leads
    rcases step.replays (settled_of_distinct distinct) with ⟨same, no⟩ | ⟨records, each⟩
    · rw [recorded_append, no, List.append_nil] at e
      exact back n rest (same ▸ journal) e
    · rw [records] at journal
      obtain ⟨m, had, _⟩ := Option.map_eq_some_iff.1 journal
      obtain ⟨r, one, _⟩ := each m had
      by_cases all : rest = []
      · subst all
        rw [List.append_nil] at e
        exact ⟨s', _, [], now, .none, by simp, e, e ▸ whole⟩
      · rw [recorded_append, one] at e
        have shape : rest = rest.dropLast ++ [rest.getLast all] :=
          (List.dropLast_concat_getLast all).symm
        rw [shape, ← List.append_assoc] at e
        exact back m rest.dropLast had (List.append_inj' e rfl).1

end Session

end Machine

end Antiphon
