import Antiphon.Thm.Authority.Attached
import Antiphon.Thm.Authority.Spends

/-!
# What the machine guarantees about who may act

Of every session, however it came to be. `History p s told`: the session `s` of the protocol `p` was
opened, then inputs were accepted and timers ran out, in any order and number, and all of that is what
was `told`. `Steps p s told s'`: the same from `s` on, up to `s'`. Every session of every run of a
machine has a history (`State.run_history`), and between two commands it takes steps
(`State.run_became`).

`s.Has f w`: fragment `f` (0 is the lifecycle, `r + 1` is role `r`) is held as `w` says: whom it was
given to, under which generation, and whether it was released since.

Clauses: AUTH-1, AUTH-2, AUTH-8, AUTH-11, AUTH-12, AUTH-14, ATT-1 to ATT-4, WITN-3 to
WITN-5, WITN-7, LIFE-11.
-/

namespace Antiphon.Machine

/-- Number `f` is a fragment of a session of the protocol: the lifecycle, or one of the roles. -/
private theorem Scope.session_has (p : Protocol) (f : Nat) :
    (Scope.session p).has f = true ↔ f ≤ p.roles.length := by
  simp [Scope.has, Scope.session, Nat.testBit_two_pow_sub_one, Nat.lt_succ_iff]

namespace Session

/-- The last generation that was written. -/
def lastGeneration (s : Session) : Generation := s.spreadOrNew.last

variable {p : Protocol} {s s' : Session} {before told : List Output}

/-- Each fragment of a session is held under exactly one owner and generation, or was released by
exactly one: no two participants can ever act for the same role, and no fragment gets lost. -/
theorem one_owner_a_fragment {protocols : List Protocol}
    (checked : ∀ p ∈ protocols, p.wellFormed = true) {observed : Bool} {commands : List State.Command}
    {live : Live} (there : live ∈ ((State.start protocols observed).run commands).1.sessions) :
    ∃ p ∈ protocols, p.digest = live.session.protocol ∧ ∀ f, f ≤ p.roles.length →
      ∃ w, live.session.Has f w ∧ ∀ w', live.session.Has f w' → w' = w := by
  obtain ⟨p, mem, _, _, _, history, _⟩ := State.run_history checked there
  have good := history.good
  refine ⟨p, mem, (history.wellFormed (checked p mem)).1.protocol.symm, fun f hf => ?_⟩
  obtain ⟨w, h⟩ := (good.sound.owned.whole f).2 ((Scope.session_has p f).2 hf)
  exact ⟨w, h, fun w' h' => good.sound.owned.single f w' w h' h⟩

/-- Generations only grow, and whoever gets a fragment gets it under a generation that was not written
before. -/
theorem generation_monotone (history : History p s before) (steps : Steps p s told s') :
    s.lastGeneration ≤ s'.lastGeneration
      ∧ ∀ f owner g, s'.Has f ⟨owner, g, false⟩ → ¬s.Has f ⟨owner, g, false⟩ →
        s.lastGeneration < g ∧ g ≤ s'.lastGeneration := by
  obtain ⟨good, evolves⟩ := steps.keeps history.good
  refine ⟨evolves.last, fun f owner g has had => ?_⟩
  rcases evolves.live f owner g has with h | h
  · exact absurd h had
  · exact ⟨h, good.sound.owned.below f _ has⟩

/-- A generation is never given out again: who has lost a fragment never has it under that generation
any more, and a generation that was given to one owner is never another one's. -/
theorem generation_never_reused (history : History p s before) (steps : Steps p s told s') :
    (∀ f owner g, g ≤ s.lastGeneration → ¬s.Has f ⟨owner, g, false⟩ →
        ¬s'.Has f ⟨owner, g, false⟩)
      ∧ ∀ f f' owner owner' g, s.Has f ⟨owner, g, false⟩ → s'.Has f' ⟨owner', g, false⟩ →
        owner' = owner := by
  obtain ⟨_, evolves⟩ := steps.keeps history.good
  refine ⟨fun f owner g known lost has => ?_, fun f f' owner owner' g had has => ?_⟩
  · rcases evolves.live f owner g has with h | h
    · exact lost h
    · exact absurd known (Nat.not_le.2 h)
  · rcases evolves.live f' owner' g has with h | h
    · exact history.good.sound.owned.named f' _ f _ h had rfl
    · exact absurd (history.good.sound.owned.below f _ had) (Nat.not_le.2 h)

/-- A role has at most one live attachment: the one that was made last and not detached, as long as
somebody has the role under the generation that it had then. -/
theorem one_attachment_a_role (history : History p s before) {role : Nat} {epoch : Epoch}
    (live : s.attached role = some epoch) :
    ∃ entry ∈ s.attachmentsOrNew.entries, entry.role = role ∧ entry.epoch = epoch
      ∧ (∃ owner, s.Has (role + 1) ⟨owner, entry.generation, false⟩)
      ∧ ∀ other ∈ s.attachmentsOrNew.entries, other.role = role → other = entry := by
  obtain ⟨entry, mem, is, named, _, has⟩ := attached_has live
  refine ⟨entry, mem, is, named, has, fun other mem' is' => ?_⟩
  exact unique_of_alone history.attached.alone mem' mem (is'.trans is.symm)

/-- An attachment that has ended, by a takeover, a detach, a change of who has the role, or a restart
of the host, is never live again: what comes over it is refused from then on. -/
theorem attachment_ends_for_good (history : History p s before) (steps : Steps p s told s')
    {role : Nat} {epoch : Epoch} (given : epoch ∈ epochs before)
    (ended : s.attached role ≠ some epoch) : s'.attached role ≠ some epoch := by
  intro live
  obtain ⟨entry, mem, is, named, few, owner, has⟩ := attached_has live
  subst is
  subst named
  rcases steps.kept mem with mem | later
  · refine (generation_never_reused history steps).1 (entry.role + 1) owner entry.generation
      (history.known entry mem) (fun had => ?_) has
    exact ended (has_attached history.good history.attached mem few had)
  · have grow := (steps.history history).attached.grow
    rw [epochs_append, List.pairwise_append] at grow
    exact Epoch.lt_irrefl _ (grow.2.2 _ given _ later)

/-- Whatever is asked of a session under a capability that is not entitled to it is refused, or is the
repeat of what was granted before and changes nothing. -/
theorem only_the_entitled_act (history : History p s before) {now : Tick} {by_ : Presented}
    {act : Act} (stranger : ¬s.Entitled by_ act) :
    (∃ refusal, State.actOn p now s by_ act = .error refusal)
      ∨ ∃ came, State.actOn p now s by_ act = .ok came ∧ came.session = s ∧ came.outputs = [] := by
  cases ok : State.actOn p now s by_ act with
  | error refusal => exact .inl ⟨refusal, rfl⟩
  | ok came =>
    rcases actOn_entitled history.good.sound ok with h | ⟨e, o⟩
    · exact absurd h stranger
    · exact .inr ⟨came, rfl, e, o⟩

/-- Once its owner has lost one of the fragments that an act needs, a capability is good for that act
never again: it is refused, or is the repeat of what was granted before and changes nothing. -/
theorem stale_capability_refused (history : History p s before) {by_ : Presented} {act : Act}
    {f : Nat} (needed : (act.needs by_).has f = true) (known : by_.generation ≤ s.lastGeneration)
    (stale : ¬s.Has f ⟨by_.owner, by_.generation, false⟩) (later : Steps p s told s') (now : Tick) :
    (∃ refusal, State.actOn p now s' by_ act = .error refusal)
      ∨ ∃ came, State.actOn p now s' by_ act = .ok came
        ∧ came.session = s' ∧ came.outputs = [] := by
  have lost := (generation_never_reused history later).1 f by_.owner by_.generation known stale
  obtain ⟨good, _⟩ := later.keeps history.good
  cases ok : State.actOn p now s' by_ act with
  | error refusal => exact .inl ⟨refusal, rfl⟩
  | ok came =>
    rcases actOn_entitled good.sound ok with h | ⟨e, o⟩
    · exact absurd (h.needs f needed) lost
    · exact .inr ⟨came, rfl, e, o⟩

/-- A capability whose owner has lost a fragment that is needed and presented is refused by the name
`stale_capability`, as long as nobody has released any of what is needed. -/
theorem stale_capability_named (history : History p s before) {by_ : Presented} {needs : Scope}
    {f : Nat} (needed : needs.has f = true) (presented : by_.scope.has f = true)
    (fragment : f ≤ p.roles.length) (stale : ¬s.Has f ⟨by_.owner, by_.generation, false⟩)
    (owned : ∀ f w, needs.has f = true → s.Has f w → w.released = false) :
    ∃ live, s.authorize by_ needs = .error (.staleCapability by_.generation live) :=
  authorize_stale history.good.sound needed presented ((Scope.session_has p f).2 fragment) stale
    owned

/-- A commit moves exactly what its receipt says, from who staged it to whom it is for, under the next
generation; whatever else anybody has stays as it is. -/
theorem transfer_conserves_scope (history : History p s before) {now : Tick} {commit : Commit}
    {came : Came} (ok : s.change p now (.commit commit) = .ok came) (moved : came.session ≠ s) :
    (∃ one ∈ s.staged, one.receipt = commit.receipt)
      ∧ (commit.receipt.to = .bearer ∨ commit.receipt.to = .owner commit.owner)
      ∧ (∀ f, commit.receipt.scope.has f = true →
          (∃ released, s.Has f ⟨commit.receipt.from, commit.receipt.generation, released⟩)
            ∧ ∀ w, came.session.Has f w ↔ w = ⟨commit.owner, s.lastGeneration + 1, false⟩)
      ∧ ∀ f, commit.receipt.scope.has f = false → ∀ w, came.session.Has f w ↔ s.Has f w := by
  rcases commit_cases history.good ok with ⟨e, _⟩ | ⟨⟨one, mem, e⟩, to, rfl⟩
  · exact absurd e moved
  · have moves := commit_moves p now s commit
    refine ⟨⟨one, staged_eq s ▸ mem, e⟩, to, fun f hf => ⟨?_, fun w => ?_⟩,
      fun f hf w => moves.outside hf⟩
    · exact e ▸ (history.good.sound.flight.kept one mem).2 f (e ▸ hf)
    · rw [moves.inside hf]
      exact ⟨fun h => h.symm, fun h => h.symm⟩

/-- A receipt commits at most once: after a commit with it, every other one is refused or is the same
commit again, which changes nothing. -/
theorem receipt_commits_at_most_once (history : History p s before) {now now' : Tick}
    {commit commit' : Commit} {came came' : Came}
    (first : s.change p now (.commit commit) = .ok came)
    (later : Steps p came.session told s') (same : commit'.receipt.id = commit.receipt.id)
    (again : s'.change p now' (.commit commit') = .ok came') :
    came'.session = s' ∧ came'.outputs = [] := by
  obtain ⟨good, evolves⟩ := later.keeps (change_good history.good first)
  have spent := (commit_spends history.good first).evolves evolves
  rcases commit_cases good again with ⟨e, o, _⟩ | ⟨⟨one, mem, e⟩, _⟩
  · exact ⟨e, o⟩
  · exact absurd (by rw [e, same]) (spent.2 one mem)

/-- A transfer that is not in flight any more, committed, taken back, expired or dropped, is never in
flight again. -/
theorem receipt_spent_for_ever (history : History p s before) (later : Steps p s told s')
    {id : ReceiptId} (staged : id < s.spreadOrNew.receipts)
    (over : ∀ one ∈ s.staged, one.receipt.id ≠ id) :
    id < s'.spreadOrNew.receipts ∧ ∀ one ∈ s'.staged, one.receipt.id ≠ id := by
  obtain ⟨_, evolves⟩ := later.keeps history.good
  have spent : s.Spent id := ⟨staged, fun one h => over one (staged_eq s ▸ h)⟩
  have := spent.evolves evolves
  exact ⟨this.1, fun one h => this.2 one (staged_eq s' ▸ h)⟩

/-- A rollback takes its transfer out of what is in flight: but for when it changed last, and that it
has one more record, everything of the session stays as it was. -/
theorem rollback_changes_only_staged (history : History p s before) {now : Tick} {by_ : Presented}
    {receipt : Receipt} {came : Came}
    (ok : s.change p now (.act by_ (.rollback receipt)) = .ok came) :
    (∃ one ∈ s.staged, one.receipt = receipt)
      ∧ came.session = { s with
          tick := max s.tick now
          records := s.records.map (· + 1)
          spread := some { s.spreadOrNew with
            staged := s.spreadOrNew.staged.filter (·.receipt.id != receipt.id) } } := by
  rw [staged_eq]
  exact rollback_exactly history.good ok

/-- A witness, of readiness or of a timeout, is consumed at most once: whoever comes with its number
after that is refused. -/
theorem witness_consumed_at_most_once (history : History p s before) {now now' : Tick}
    {by_ by' : Presented} {authority authority' : Authority} {id : WitnessId} {came : Came}
    (consumes : authority.consumes = some id)
    (first : s.change p now (.act by_ authority) = .ok came)
    (later : Steps p came.session told s') (consumes' : authority'.consumes = some id) :
    ∃ refusal, s'.change p now' (.act by' authority') = .error refusal := by
  obtain ⟨good, evolves⟩ := later.keeps (change_good history.good first)
  have gone := (consumes_ok history.good consumes first).2.evolves evolves
  cases again : s'.change p now' (.act by' authority') with
  | error refusal => exact ⟨refusal, rfl⟩
  | ok came' => exact absurd (consumes_ok good consumes' again).1 gone.2

/-- A witness dies with the generation of its holder: once one of its fragments is not held under that
generation any more, it is outstanding no more and nobody ever consumes it. -/
theorem witness_dies_with_generation (history : History p s before) {witness : Readiness} {f : Nat}
    (speaks : witness.scope.has f = true) (known : witness.generation ≤ s.lastGeneration)
    (moved : ¬s.Has f ⟨witness.owner, witness.generation, false⟩) (later : Steps p s told s') :
    (∀ one ∈ s'.outstandingOrNew.readiness, one.witness ≠ witness)
      ∧ ∀ now by_, ∃ refusal,
        s'.change p now (.act by_ (.consumeReadiness witness)) = .error refusal := by
  have lost := (generation_never_reused history later).1 f _ _ known moved
  obtain ⟨good, _⟩ := later.keeps history.good
  have none : ∀ one ∈ s'.outstandingOrNew.readiness, one.witness ≠ witness := by
    rintro one mem rfl
    have mem : one.witness.bound ∈ s'.outstandingOrNew.bounds :=
      List.mem_append_left _ (List.mem_append_left _ (List.mem_map_of_mem mem))
    exact lost ((good.sound.outstanding.held _ mem).2 f speaks)
  refine ⟨none, fun now by_ => ?_⟩
  cases ok : s'.change p now (.act by_ (.consumeReadiness witness)) with
  | error refusal => exact ⟨refusal, rfl⟩
  | ok came =>
    obtain ⟨one, mem, e⟩ := consumes_ready good ok
    exact absurd e (none one mem)

/-- A timeout witness dies with the generation of its holder as well: it is outstanding no more, and
nobody ever consumes it. -/
theorem timeout_dies_with_generation (history : History p s before) {witness : TimeoutWitness}
    {f : Nat} (speaks : witness.scope.has f = true) (known : witness.generation ≤ s.lastGeneration)
    (moved : ¬s.Has f ⟨witness.owner, witness.generation, false⟩) (later : Steps p s told s') :
    (∀ one ∈ s'.outstandingOrNew.timeouts, one.witness ≠ witness)
      ∧ ∀ now by_, ∃ refusal,
        s'.change p now (.act by_ (.consumeTimeout witness)) = .error refusal := by
  have lost := (generation_never_reused history later).1 f _ _ known moved
  obtain ⟨good, _⟩ := later.keeps history.good
  have none : ∀ one ∈ s'.outstandingOrNew.timeouts, one.witness ≠ witness := by
    rintro one mem rfl
    have mem : one.witness.bound ∈ s'.outstandingOrNew.bounds :=
      List.mem_append_left _ (List.mem_append_right _ (List.mem_map_of_mem mem))
    exact lost ((good.sound.outstanding.held _ mem).2 f speaks)
  refine ⟨none, fun now by_ => ?_⟩
  cases ok : s'.change p now (.act by_ (.consumeTimeout witness)) with
  | error refusal => exact ⟨refusal, rfl⟩
  | ok came =>
    obtain ⟨one, mem, e⟩ := consumes_late good ok
    exact absurd e (none one mem)

/-- A session that has ended grants nothing: nothing is in flight or outstanding, no request changes
it or tells anything, and the only capabilities that it still names are those that it had issued. -/
theorem terminal_session_grants_nothing (history : History p s before)
    (ended : s.status.isTerminal = true) :
    s.staged = [] ∧ s.outstandingOrNew.len = 0
      ∧ (∀ told s', Steps p s told s' → s' = s ∧ told = [])
      ∧ ∀ now made came, s.change p now made = .ok came →
        came.session = s ∧ came.outputs = []
          ∧ ∀ capability, came.accepted = .issued capability →
            ∃ one ∈ s.spreadOrNew.holdings, one.owner = capability.owner
              ∧ one.generation = capability.generation ∧ one.issued = capability.scope := by
  have good := history.good
  obtain ⟨staged, out, idle⟩ := good.sound.ended ended
  refine ⟨staged_eq s ▸ staged, out, ?_, fun now made came ok => ?_⟩
  · intro told s' steps
    induction steps with
    | none => exact ⟨rfl, rfl⟩
    | next step _ ih =>
      obtain ⟨rfl, rfl⟩ := step.final (fun t => dues_terminal good.sound t) ended
      exact ih history ended good staged out idle
  · rcases change_cases ok with ⟨e, o, h⟩ | ⟨change, found, some, _⟩
    · refine ⟨e, o, fun capability issued => ?_⟩
      rcases h with h | h
      · exact madeBefore_issued (issued ▸ h)
      · exact absurd issued (check_nothing h capability)
    · rcases (check_right good.sound found).2 with ⟨_, h⟩ | goes
      · exact absurd h (some _)
      · rw [isTerminal, ended] at goes
        contradiction

/-- A session that was reaped grants nothing: the archive answers with what was issued, and nothing
else. -/
theorem reaped_session_grants_nothing {made : Made} {capability : Presented}
    (ok : s.asked p made = .ok (.issued capability)) :
    ∃ one ∈ s.spreadOrNew.holdings, one.owner = capability.owner
      ∧ one.generation = capability.generation ∧ one.issued = capability.scope := by
  unfold asked at ok
  split at ok
  · rename_i accepted h
    injection ok with ok; subst ok
    exact madeBefore_issued h
  · split at ok
    · contradiction
    · rename_i accepted h
      injection ok with ok; subst ok
      exact absurd rfl (check_nothing h capability)
    · contradiction

end Session

end Antiphon.Machine
