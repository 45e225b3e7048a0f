import Antiphon.Thm.Authority.Spends
import Antiphon.Thm.Machine.Attachments

/-!
# Proofs about attachments and who has their roles

An attachment is live as long as its role is held under the generation that it had: so what is proved
of generations says when an attachment ends, and that it ends for good.
-/

namespace Antiphon.Machine

theorem Scope.role_has {role f : Nat} :
    (Scope.role role).has f = true ↔ role + 1 < 128 ∧ f = role + 1 := by
  unfold Scope.role
  split
  · rename_i h
    simp only [Scope.has, Nat.testBit_two_pow, decide_eq_true_eq, h, true_and]
    exact eq_comm
  · rename_i h
    simp [h]

theorem Scope.covers_role {scope : Scope} {role : Nat} :
    scope.covers (Scope.role role) = true ↔ role + 1 < 128 ∧ scope.has (role + 1) = true := by
  rw [Scope.covers_iff]
  constructor
  · rintro ⟨some_, all⟩
    obtain ⟨f, hf⟩ := (Scope.isEmpty_eq_false_iff _).1 some_
    obtain ⟨few, rfl⟩ := Scope.role_has.1 hf
    exact ⟨few, all _ hf⟩
  · rintro ⟨few, has⟩
    refine ⟨(Scope.isEmpty_eq_false_iff _).2 ⟨role + 1, Scope.role_has.2 ⟨few, rfl⟩⟩, ?_⟩
    intro f hf
    rw [(Scope.role_has.1 hf).2]
    exact has

namespace Session

variable {p : Protocol} {s s' : Session} {before told : List Output}

theorem unique_of_alone : ∀ {all : List Attachment}, all.Pairwise (fun a b => a.role ≠ b.role) →
    ∀ {a b : Attachment}, a ∈ all → b ∈ all → a.role = b.role → a = b
  | [], _, _, _, ha, _, _ => by simp at ha
  | first :: rest, alone, a, b, ha, hb, same => by
    rw [List.pairwise_cons] at alone
    rcases List.mem_cons.1 ha with ea | ha' <;> rcases List.mem_cons.1 hb with eb | hb'
    · exact ea.trans eb.symm
    · exact absurd (ea ▸ same) (alone.1 b hb')
    · exact absurd (eb ▸ same.symm) (alone.1 a ha')
    · exact unique_of_alone alone.2 ha' hb' same

/-- Whoever is attached to a role came while it had the generation that it is held under now. -/
theorem attached_has {role : Nat} {epoch : Epoch} (h : s.attached role = some epoch) :
    ∃ entry ∈ s.attachmentsOrNew.entries, entry.role = role ∧ entry.epoch = epoch
      ∧ role + 1 < 128 ∧ ∃ owner, s.Has (role + 1) ⟨owner, entry.generation, false⟩ := by
  obtain ⟨entry, mem, is, epoch_, held, hm, covers, live, generation⟩ := attached_entry h
  obtain ⟨few, has⟩ := Scope.covers_role.1 covers
  refine ⟨entry, mem, is, epoch_, few, held.owner, held, hm, has, ?_⟩
  simp [Held.who, live, generation]

/-- What is kept of a role whose generation has not changed is live. -/
theorem has_attached (good : s.Good p) (attached : s.Attached before) {entry : Attachment}
    (mem : entry ∈ s.attachmentsOrNew.entries) (few : entry.role + 1 < 128) {owner : Owner}
    (has : s.Has (entry.role + 1) ⟨owner, entry.generation, false⟩) :
    s.attached entry.role = some entry.epoch := by
  have found : s.attachmentsOrNew.of entry.role = some entry := by
    unfold Attachments.of
    have alone := attached.alone
    revert mem alone
    induction s.attachmentsOrNew.entries with
    | nil => simp
    | cons first rest ih =>
      intro mem alone
      rw [List.pairwise_cons] at alone
      rcases List.mem_cons.1 mem with rfl | mem
      · simp
      · have other : (first.role == entry.role) = false := by
          simpa using alone.1 entry mem
        rw [List.find?_cons, other]
        exact ih mem alone.2
  obtain ⟨held, hm, hs, who⟩ := has
  have covers : held.scope.covers (Scope.role entry.role) = true :=
    Scope.covers_role.2 ⟨few, hs⟩
  obtain ⟨first, hf⟩ : ∃ first, s.holdings.find? (·.scope.covers (Scope.role entry.role))
      = some first := by
    cases h : s.holdings.find? (·.scope.covers (Scope.role entry.role)) with
    | some first => exact ⟨first, rfl⟩
    | none => exact absurd covers (by simpa using List.find?_eq_none.1 h held hm)
  have firstHas : s.Has (entry.role + 1) first.who :=
    ⟨first, List.mem_of_find?_eq_some hf, (Scope.covers_role.1 (by simpa using List.find?_some hf)).2,
      rfl⟩
  have same : first.who = ⟨owner, entry.generation, false⟩ :=
    good.sound.owned.single _ _ _ firstHas ⟨held, hm, hs, who⟩
  simp only [Held.who, Who.mk.injEq] at same
  unfold Session.attached
  simp [found, hf, same.2.1, same.2.2]

/-- The generations of what is kept were written before. -/
def Known (s : Session) : Prop :=
  ∀ entry ∈ s.attachmentsOrNew.entries, entry.generation ≤ s.spreadOrNew.last

theorem Known.step (known : s.Known) (good : s.Good p) (evolves : Evolves s s')
    (moves : AttachmentMoves s s' told) : s'.Known := by
  intro entry mem
  refine Nat.le_trans ?_ evolves.last
  cases moves with
  | silent silent =>
    have same : s'.attachmentsOrNew = s.attachmentsOrNew := by
      unfold attachmentsOrNew
      rw [silent.1]
    rw [same] at mem
    exact known entry mem
  | attaches by_ role epoch acting next is given =>
    have is : s'.attachmentsOrNew = s.attachmentsOrNew.attach ⟨role, epoch, by_.generation⟩ := by
      unfold attachmentsOrNew
      rw [is]
      rfl
    rw [is] at mem
    rcases List.mem_append.1 mem with mem | mem
    · exact known entry (List.mem_filter.1 mem).1
    · rw [List.mem_singleton.1 mem]
      obtain ⟨_, acting⟩ := acting
      obtain ⟨some_, owns⟩ := acting_owns acting
      obtain ⟨f, hf⟩ := (Scope.isEmpty_eq_false_iff _).1 some_
      exact good.sound.owned.below f _ (owns f hf)
  | detaches role is none_ =>
    have is : s'.attachmentsOrNew = s.attachmentsOrNew.detach role := by
      unfold attachmentsOrNew
      rw [is]
      rfl
    rw [is] at mem
    exact known entry (List.mem_filter.1 mem).1
  | recovers fencing later is none_ =>
    have is : s'.attachmentsOrNew = ⟨fencing, 0, []⟩ := by
      unfold attachmentsOrNew
      rw [is]
      rfl
    rw [is] at mem
    simp at mem

theorem History.known (history : History p s told) : s.Known := by
  induction history with
  | opened _ ho =>
    intro entry mem
    rw [(opened_silent ho).1] at mem
    simp [Attachments.new] at mem
  | next history step ih =>
    exact ih.step history.good (step.keeps history.good).2 step.moves

/-- What is kept after a step was kept before, or its epoch is given by the step. -/
theorem AttachmentMoves.kept (moves : AttachmentMoves s s' told) {entry : Attachment}
    (mem : entry ∈ s'.attachmentsOrNew.entries) :
    entry ∈ s.attachmentsOrNew.entries ∨ entry.epoch ∈ epochs told := by
  cases moves with
  | silent silent =>
    have same : s'.attachmentsOrNew = s.attachmentsOrNew := by
      unfold attachmentsOrNew
      rw [silent.1]
    exact .inl (same ▸ mem)
  | attaches by_ role epoch acting next is given =>
    have is : s'.attachmentsOrNew = s.attachmentsOrNew.attach ⟨role, epoch, by_.generation⟩ := by
      unfold attachmentsOrNew
      rw [is]
      rfl
    rw [is] at mem
    rcases List.mem_append.1 mem with mem | mem
    · exact .inl (List.mem_filter.1 mem).1
    · rw [List.mem_singleton.1 mem, given]
      exact .inr (List.mem_singleton.2 rfl)
  | detaches role is none_ =>
    have is : s'.attachmentsOrNew = s.attachmentsOrNew.detach role := by
      unfold attachmentsOrNew
      rw [is]
      rfl
    rw [is] at mem
    exact .inl (List.mem_filter.1 mem).1
  | recovers fencing later is none_ =>
    have is : s'.attachmentsOrNew = ⟨fencing, 0, []⟩ := by
      unfold attachmentsOrNew
      rw [is]
      rfl
    rw [is] at mem
    simp at mem

theorem Steps.kept (steps : Steps p s told s') {entry : Attachment}
    (mem : entry ∈ s'.attachmentsOrNew.entries) :
    entry ∈ s.attachmentsOrNew.entries ∨ entry.epoch ∈ epochs told := by
  induction steps with
  | none => exact .inl mem
  | next step _ ih =>
    rw [epochs_append]
    rcases ih mem with mem | given
    · rcases step.moves.kept mem with mem | given
      · exact .inl mem
      · exact .inr (List.mem_append_left _ given)
    · exact .inr (List.mem_append_right _ given)

end Session

end Antiphon.Machine
