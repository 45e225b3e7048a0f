import Antiphon.Thm.Authority.Perform

/-!
What each check finds out: whoever is let through has what the change needs.
-/

namespace Antiphon.Machine

theorem seqRight_ok {ε β : Type} {a : Except ε Unit} {b : Except ε β} {x : β} :
    (a *> b) = .ok x ↔ a = .ok () ∧ b = .ok x := by
  cases a with
  | error e => constructor <;> rintro ⟨⟩; contradiction
  | ok u =>
    constructor
    · intro h; exact ⟨rfl, h⟩
    · intro h; exact h.2

theorem mapped_ok {ε α β : Type} {f : α → β} {a : Except ε α} {x : β} :
    (f <$> a) = .ok x ↔ ∃ y, a = .ok y ∧ f y = x := by
  cases a with
  | error e =>
    constructor
    · rintro ⟨⟩
    · rintro ⟨y, h, _⟩; contradiction
  | ok y =>
    constructor
    · intro h; injection h with h; exact ⟨y, rfl, h⟩
    · rintro ⟨z, h, e⟩; injection h with h; subst h; subst e; rfl

/-- TOKEN-5, TOKEN-7: how the serials of a holding change. -/
theorem Serials.after_ok {k x : Serials} {asked : Asked} (h : k.after asked = .ok (some x))
    (w : 0 < k.issued ∧ k.confirmed ≤ k.issued ∧ k.issued ≤ k.confirmed + 1) :
    x.generation = k.generation
      ∧ 0 < x.issued ∧ x.confirmed ≤ x.issued ∧ x.issued ≤ x.confirmed + 1 := by
  cases asked with
  | issue => simp [after] at h
  | renew serial =>
    simp only [after] at h
    cases hc : k.isCurrent serial with
    | error e => simp [hc, Except.map] at h
    | ok last =>
      cases last <;> simp [hc, Except.map] at h
      subst h
      exact ⟨rfl, Nat.succ_pos _, Nat.le_succ _, Nat.le_refl _⟩
  | confirm serial =>
    simp only [after] at h
    cases hc : k.isCurrent serial with
    | error e => simp [hc, Except.map] at h
    | ok last =>
      cases last <;> simp [hc, Except.map] at h
      obtain ⟨_, h⟩ := h
      subst h
      exact ⟨rfl, w.1, Nat.le_refl _, Nat.le_succ _⟩

namespace Session

/-- Whether the capability is live for every one of the fragments. -/
def Owns (s : Session) (by_ : Presented) (scope : Scope) : Prop :=
  Carried s.Has by_.owner by_.generation scope

theorem authorize_ok {s : Session} {by_ : Presented} {needs : Scope}
    (ok : s.authorize by_ needs = .ok ()) :
    s.Owns by_ needs ∧ ∀ f, needs.has f = true → by_.scope.has f = true := by
  unfold authorize at ok
  split at ok
  · rename_i h
    obtain ⟨some, all⟩ := covers_has h
    exact ⟨⟨some, fun f hf => (all f hf).2⟩, fun f hf => (all f hf).1⟩
  · contradiction

theorem goesOn_goes {s : Session} (ok : s.goesOn = .ok ()) : s.isTerminal = false := by
  unfold goesOn at ok
  split at ok
  · contradiction
  · rename_i h; simpa [isTerminal] using h

theorem quiet_ok {s : Session} {scope : Scope} (ok : s.quiet scope = .ok ()) : s.Quiet scope := by
  unfold quiet pendingOf at ok
  split at ok
  · contradiction
  · rename_i h
    intro one hm
    rw [← staged_eq] at hm
    simpa using List.find?_eq_none.1 h one hm

theorem mayIssue_ok {s : Session} (ok : s.mayIssue = .ok ()) : s.Room := by
  unfold mayIssue at ok
  split at ok
  · rename_i h; rw [staged_eq] at h; exact h
  · contradiction

theorem pending_ok {s : Session} {receipt : Receipt} (ok : s.pending receipt = .ok ()) :
    ∃ one ∈ s.spreadOrNew.staged, one.receipt = receipt := by
  unfold pending at ok
  split at ok
  · rename_i one h
    split at ok
    · rename_i e
      exact ⟨one, staged_eq s ▸ List.mem_of_find?_eq_some h, e⟩
    · contradiction
  · split at ok <;> contradiction

theorem movable_ok {s : Session} {by_ : Presented} {scope : Scope}
    (ok : s.movable by_ scope = .ok ()) :
    s.Owns by_ scope ∧ s.isTerminal = false ∧ s.Quiet scope := by
  simp only [movable, seqRight_ok] at ok
  exact ⟨(authorize_ok ok.1.1).1, goesOn_goes ok.1.2, quiet_ok ok.2⟩

/-- AUTH-10: who may claim has the lifecycle, or had the fragments last. -/
theorem claimable_ok {p : Protocol} {s : Session} {by_ : Presented} {scope : Scope}
    (ok : s.claimable p by_ scope = .ok ()) :
    (s.Owns by_ Scope.lifecycle ∨ Kept s.Has by_.owner by_.generation scope)
      ∧ (Scope.session p).covers scope = true ∧ s.isTerminal = false
      ∧ s.unowned scope = .ok () ∧ scope.covers Scope.lifecycle = false ∧ s.Quiet scope := by
  unfold claimable at ok
  split at ok
  · contradiction
  · rename_i inside
    simp only [seqRight_ok] at ok
    obtain ⟨⟨may, free⟩, quiet⟩ := ok
    split at quiet
    · contradiction
    · rename_i noLife
      have inside : (Scope.session p).covers scope = true := by simpa using inside
      have noLife : scope.covers Scope.lifecycle = false := by simpa using noLife
      unfold mayClaim at may
      split at may
      · rename_i last
        exact ⟨.inr fun f hf => wasLast_has last hf, inside, goesOn_goes may, free, noLife,
          quiet_ok quiet⟩
      · simp only [seqRight_ok] at may
        exact ⟨.inl (authorize_ok may.1.1).1, inside, goesOn_goes may.1.2, free, noLife,
          quiet_ok quiet⟩

theorem covered_ok {site : Site} {s : Session} {by_ : Presented} {scope : Scope}
    (ok : site.covered s by_ = .ok scope) : s.Owns by_ scope := by
  unfold Site.covered at ok
  split at ok
  rename_i first others _
  split at ok
  · rename_i h; injection ok with ok; subst ok; exact (authorize_ok h).1
  · split at ok
    · rename_i found
      injection ok with ok; subst ok
      have := List.find?_some found
      unfold isAuthorized at this
      split at this
      · rename_i h; exact (authorize_ok h).1
      · contradiction
    · contradiction

theorem checkIssue_ok {p : Protocol} {s : Session} {by_ : Presented} {predicate : Predicate}
    {attest : Attest} (ok : s.checkIssue p by_ predicate = .ok attest) :
    attest = .issue by_ predicate (predicate.scopeOr by_.scope)
      ∧ s.Owns by_ (predicate.scopeOr by_.scope) ∧ s.isTerminal = false
      ∧ predicate.holds s p = true ∧ s.Room := by
  simp only [checkIssue, seqRight_ok] at ok
  obtain ⟨⟨⟨⟨⟨_, a⟩, b⟩, c⟩, d⟩, e⟩ := ok
  injection e with e
  refine ⟨e.symm, (authorize_ok a).1, goesOn_goes b, ?_, mayIssue_ok d⟩
  unfold isTrue at c
  split at c
  · assumption
  · contradiction

theorem isIssued_ok {s : Session} {witness : WitnessId} {issued : Bool}
    (ok : s.isIssued witness issued = .ok ()) : issued = true := by
  unfold isIssued at ok
  simp only at ok
  split at ok
  · assumption
  · split at ok <;> contradiction

theorem isReady_ok {s : Session} {witness : Readiness} (ok : s.isReady witness = .ok ()) :
    ∃ one ∈ s.outstandingOrNew.readiness, one.witness = witness := by
  simpa using isIssued_ok ok

theorem isTimedOut_ok {s : Session} {witness : TimeoutWitness}
    (ok : s.isTimedOut witness = .ok ()) :
    ∃ one ∈ s.outstandingOrNew.timeouts, one.witness = witness := by
  simpa using isIssued_ok ok

theorem checkConsume_ok {p : Protocol} {s : Session} {by_ : Presented} {witness : Readiness}
    {attest : Attest} (ok : s.checkConsume p by_ witness = .ok attest) :
    attest = .consume witness.id ∧ s.Owns by_ witness.scope ∧ s.isTerminal = false
      ∧ (∃ one ∈ s.outstandingOrNew.readiness, one.witness = witness)
      ∧ witness.predicate.holds s p = true := by
  simp only [checkConsume, seqRight_ok] at ok
  obtain ⟨⟨⟨⟨a, b⟩, c⟩, d⟩, e⟩ := ok
  injection e with e
  refine ⟨e.symm, (authorize_ok a).1, goesOn_goes b, isReady_ok c, ?_⟩
  unfold isTrue at d
  split at d
  · assumption
  · contradiction

theorem checkConsumeTimeout_ok {s : Session} {by_ : Presented} {witness : TimeoutWitness}
    {attest : Attest} (ok : s.checkConsumeTimeout by_ witness = .ok attest) :
    attest = .consume witness.id ∧ s.Owns by_ witness.scope ∧ s.isTerminal = false
      ∧ ∃ one ∈ s.outstandingOrNew.timeouts, one.witness = witness := by
  simp only [checkConsumeTimeout, seqRight_ok] at ok
  obtain ⟨⟨⟨a, b⟩, c⟩, e⟩ := ok
  injection e with e
  exact ⟨e.symm, (authorize_ok a).1, goesOn_goes b, isTimedOut_ok c⟩

theorem checkArm_ok {p : Protocol} {s : Session} {by_ : Presented} {site : Site} {after : Nat}
    {valid : Option Nat} {attest : Attest} (ok : s.checkArm p by_ site after valid = .ok attest) :
    ∃ scope, attest = .arm by_ site scope after valid ∧ s.Owns by_ scope
      ∧ s.isTerminal = false ∧ s.Room := by
  simp only [checkArm, seqRight_ok] at ok
  obtain ⟨_, ok⟩ := ok
  split at ok
  · contradiction
  · rename_i scope h
    simp only [seqRight_ok] at ok
    obtain ⟨⟨b, c⟩, e⟩ := ok
    injection e with e
    exact ⟨scope, e.symm, covered_ok h, goesOn_goes b, mayIssue_ok c⟩

theorem checkDisarm_ok {s : Session} {by_ : Presented} {timer : TimerId} {attest : Attest}
    (ok : s.checkDisarm by_ timer = .ok attest) :
    ∃ armed, s.armed timer = some armed ∧ attest = .disarm timer
      ∧ (s.Owns by_ armed.scope ∨ s.Owns by_ Scope.lifecycle) ∧ s.isTerminal = false := by
  simp only [checkDisarm, seqRight_ok] at ok
  obtain ⟨⟨may, goes⟩, ok⟩ := ok
  split at ok
  · rename_i armed h
    injection ok with ok
    refine ⟨armed, h, ok.symm, ?_, goesOn_goes goes⟩
    simp only [mayDisarm, h] at may
    split at may
    · rename_i a; exact .inl (authorize_ok a).1
    · split at may
      · rename_i a
        unfold isAuthorized at a
        split at a
        · rename_i h; exact .inr (authorize_ok h).1
        · contradiction
      · contradiction
  · contradiction

theorem checkCommit_ok {s : Session} {commit : Commit} {change : Change}
    (ok : s.checkCommit commit = .ok change) :
    change = .issue commit.owner commit.receipt.scope (some commit.receipt.id)
      ∧ s.isTerminal = false ∧ (∃ one ∈ s.spreadOrNew.staged, one.receipt = commit.receipt)
      ∧ (commit.receipt.to = .bearer ∨ commit.receipt.to = .owner commit.owner) := by
  simp only [checkCommit, seqRight_ok] at ok
  obtain ⟨⟨goes, pending⟩, ok⟩ := ok
  split at ok
  · rename_i to
    injection ok with ok
    exact ⟨ok.symm, goesOn_goes goes, pending_ok pending, .inl to⟩
  · rename_i to
    split at ok
    · rename_i e
      injection ok with ok
      exact ⟨ok.symm, goesOn_goes goes, pending_ok pending, .inr (e ▸ to)⟩
    · contradiction

theorem checkReclaim_ok {p : Protocol} {s : Session} {reclaim : Reclaim} {change : Change}
    (ok : s.checkReclaim p reclaim = .ok change) :
    change = .issue reclaim.owner reclaim.scope none ∧ s.isTerminal = false
      ∧ (Scope.session p).covers reclaim.scope = true ∧ s.unowned reclaim.scope = .ok ()
      ∧ s.Quiet reclaim.scope := by
  unfold checkReclaim at ok
  simp only at ok
  split at ok
  · contradiction
  · rename_i inside
    simp only [seqRight_ok] at ok
    obtain ⟨⟨⟨goes, free⟩, quiet⟩, e⟩ := ok
    injection e with e
    exact ⟨e.symm, goesOn_goes goes, by simpa using inside, free, quiet_ok quiet⟩

theorem checkAbandon_ok {s : Session} {by_ : Presented} {receipt : Receipt} {change : Change}
    (ok : s.checkAbandon by_ receipt = .ok change) :
    change = .end receipt.id (.cancelled transferAbandoned) ∧ s.Owns by_ receipt.scope
      ∧ s.isTerminal = false ∧ ∃ one ∈ s.spreadOrNew.staged, one.receipt = receipt := by
  simp only [checkAbandon, seqRight_ok] at ok
  obtain ⟨⟨⟨a, b⟩, c⟩, e⟩ := ok
  injection e with e
  exact ⟨e.symm, (authorize_ok a).1, goesOn_goes b, pending_ok c⟩

theorem checkFailCommit_ok {s : Session} {by_ : Presented} {receipt : Receipt} {reason : String}
    {change : Change} (ok : s.checkFailCommit by_ receipt reason = .ok change) :
    change = .end receipt.id (.faulted (transferCommitFailed ++ reason))
      ∧ s.Owns by_ Scope.lifecycle ∧ s.isTerminal = false
      ∧ ∃ one ∈ s.spreadOrNew.staged, one.receipt = receipt := by
  simp only [checkFailCommit, seqRight_ok] at ok
  obtain ⟨⟨⟨a, b⟩, c⟩, e⟩ := ok
  injection e with e
  exact ⟨e.symm, (authorize_ok a).1, goesOn_goes b, pending_ok c⟩

theorem checkOwnerDied_ok {s : Session} {by_ : Presented} {owner : Owner} {evidence : Death}
    {change : Change} (ok : s.checkOwnerDied by_ owner evidence = .ok change) :
    (∃ spent, change = .lose owner spent (s.lost owner)) ∧ s.Owns by_ (deathNeeds evidence)
      ∧ s.isTerminal = false := by
  simp only [checkOwnerDied, seqRight_ok] at ok
  obtain ⟨⟨⟨a, b⟩, _⟩, e⟩ := ok
  split at e
  · contradiction
  · split at e
    · contradiction
    · rename_i spent _
      injection e with e
      exact ⟨⟨spent, e.symm⟩, (authorize_ok a).1, goesOn_goes b⟩

theorem checkRollback_ok {s : Session} {by_ : Presented} {receipt : Receipt} {change : Change}
    (ok : s.checkRollback by_ receipt = .ok change) :
    change = .rollback receipt.id
      ∧ (s.Owns by_ receipt.scope ∨ s.isNobodys receipt.scope = true
          ∧ (s.Owns by_ Scope.lifecycle ∨ Kept s.Has by_.owner by_.generation receipt.scope))
      ∧ s.isTerminal = false ∧ ∃ one ∈ s.spreadOrNew.staged, one.receipt = receipt := by
  simp only [checkRollback, seqRight_ok] at ok
  obtain ⟨⟨⟨may, b⟩, c⟩, e⟩ := ok
  injection e with e
  refine ⟨e.symm, ?_, goesOn_goes b, pending_ok c⟩
  simp only [mayRollback, c, Bool.and_true] at may
  split at may
  · rename_i nobodys
    refine .inr ⟨nobodys, ?_⟩
    split at may
    · rename_i last; exact .inr fun f hf => wasLast_has last hf
    · exact .inl (authorize_ok may).1
  · exact .inl (authorize_ok may).1

/-- TOKEN-2: who asks about serials has a fragment of the holding left. -/
theorem holding_ok {s : Session} {by_ : Presented} (ok : s.holding by_ = .ok ()) :
    ∃ f, s.Has f ⟨by_.owner, by_.generation, false⟩ := by
  obtain ⟨⟨some, all⟩, _⟩ := authorize_ok ok
  obtain ⟨f, hf⟩ := (Scope.isEmpty_eq_false_iff _).1 some
  exact ⟨f, all f hf⟩

theorem serialsAfter_ok {s : Session} {by_ : Presented} {asked : Asked} {next : Serials}
    (windows : ∀ one ∈ s.serials, 0 < one.issued ∧ one.confirmed ≤ one.issued
      ∧ one.issued ≤ one.confirmed + 1)
    (ok : s.serialsAfter by_ asked = .ok (some next)) :
    next.generation = by_.generation
      ∧ 0 < next.issued ∧ next.confirmed ≤ next.issued ∧ next.issued ≤ next.confirmed + 1 := by
  unfold serialsAfter at ok
  cases found : s.serials.find? (·.generation == by_.generation) with
  | some known =>
    simp only [found] at ok
    have e : known.generation = by_.generation := by simpa using List.find?_some found
    have := Serials.after_ok ok (windows known (List.mem_of_find?_eq_some found))
    exact ⟨this.1.trans e, this.2⟩
  | none =>
    cases asked <;> simp [found] at ok
    subst ok
    simp [Serials.first]

theorem checkToken_ok {p : Protocol} {s : Session} (sound : s.Sound p) {by_ : Presented}
    {asked : Asked} {change : Change} (ok : s.checkToken by_ asked = .ok change) :
    (∃ f, s.Has f ⟨by_.owner, by_.generation, false⟩)
      ∧ ((∃ accepted, change = .nothing accepted)
        ∨ s.isTerminal = false ∧ change.Right p s
          ∧ ∃ next accepted outcome, change = .serials next accepted outcome) := by
  simp only [checkToken, seqRight_ok] at ok
  obtain ⟨holding, ok⟩ := ok
  have living := holding_ok holding
  refine ⟨living, ?_⟩
  split at ok
  · contradiction
  · rename_i after h
    split at ok
    · injection ok with ok
      exact .inl ⟨_, ok.symm⟩
    · rename_i next
      simp only [seqRight_ok] at ok
      obtain ⟨goes, ok⟩ := ok
      injection ok with ok
      subst ok
      obtain ⟨e, window⟩ := serialsAfter_ok (serials_eq s ▸ sound.tokens.window) h
      obtain ⟨f, held⟩ := living
      exact .inr ⟨goesOn_goes goes, ⟨⟨f, by_.owner, e ▸ held⟩, window⟩, _, _, _, rfl⟩

/-- What was found right is right; and all but what changes nothing needs a session that goes on. -/
theorem check_right {p : Protocol} {s : Session} (sound : s.Sound p) {made : Made}
    {change : Change} (ok : s.check p made = .ok change) :
    change.Right p s ∧ ((∃ accepted, change = .nothing accepted) ∨ s.isTerminal = false) := by
  cases made with
  | commit commit =>
    obtain ⟨rfl, goes, ⟨one, mem, e⟩, _⟩ := checkCommit_ok ok
    exact ⟨⟨one, mem, by rw [e], by rw [e]⟩, .inr goes⟩
  | reclaim reclaim =>
    obtain ⟨rfl, goes, inside, _, quiet⟩ := checkReclaim_ok ok
    exact ⟨⟨fun f hf => Scope.covers_has inside hf, quiet⟩, .inr goes⟩
  | act by_ authority =>
    have token : ∀ {asked}, s.checkToken by_ asked = .ok change →
        change.Right p s ∧ ((∃ accepted, change = .nothing accepted) ∨ s.isTerminal = false) := by
      intro asked ok
      obtain ⟨_, ⟨_, rfl⟩ | ⟨goes, right, _⟩⟩ := checkToken_ok sound ok
      · exact ⟨trivial, .inl ⟨_, rfl⟩⟩
      · exact ⟨right, .inr goes⟩
    cases authority with
    | release request scope =>
      simp only [check, checkAuthority, seqRight_ok] at ok
      obtain ⟨ok, e⟩ := ok
      injection e with e; subst e
      obtain ⟨owns, goes, quiet⟩ := movable_ok ok
      exact ⟨⟨owns, quiet⟩, .inr goes⟩
    | attenuate request scope =>
      simp only [check, checkAuthority, seqRight_ok] at ok
      obtain ⟨ok, e⟩ := ok
      injection e with e; subst e
      obtain ⟨owns, goes, quiet⟩ := movable_ok ok
      exact ⟨⟨fun f hf => (sound.owned.whole f).1 ⟨_, owns.2 f hf⟩, quiet⟩, .inr goes⟩
    | claim request owner scope =>
      simp only [check, checkAuthority, seqRight_ok] at ok
      obtain ⟨ok, e⟩ := ok
      injection e with e; subst e
      obtain ⟨_, inside, goes, _, _, quiet⟩ := claimable_ok ok
      exact ⟨⟨fun f hf => Scope.covers_has inside hf, quiet⟩, .inr goes⟩
    | stage request scope to expires freeze =>
      simp only [check, checkAuthority, seqRight_ok] at ok
      obtain ⟨⟨ok, room⟩, e⟩ := ok
      injection e with e; subst e
      obtain ⟨owns, goes, quiet⟩ := movable_ok ok
      exact ⟨⟨owns, quiet, mayIssue_ok room⟩, .inr goes⟩
    | rollback receipt =>
      obtain ⟨rfl, _, goes, _⟩ := checkRollback_ok ok
      exact ⟨trivial, .inr goes⟩
    | abandon receipt =>
      obtain ⟨rfl, _, goes, _⟩ := checkAbandon_ok ok
      exact ⟨trivial, .inr goes⟩
    | failCommit receipt reason =>
      obtain ⟨rfl, _, goes, _⟩ := checkFailCommit_ok ok
      exact ⟨trivial, .inr goes⟩
    | ownerDied owner evidence =>
      obtain ⟨⟨spent, rfl⟩, _, goes⟩ := checkOwnerDied_ok ok
      exact ⟨trivial, .inr goes⟩
    | issueToken request => exact token ok
    | renew serial => exact token ok
    | confirmToken serial => exact token ok
    | issueReadiness request predicate =>
      obtain ⟨attest, found, rfl⟩ := mapped_ok.1 ok
      obtain ⟨rfl, owns, goes, _, room⟩ := checkIssue_ok found
      exact ⟨⟨owns, room⟩, .inr goes⟩
    | consumeReadiness witness =>
      obtain ⟨attest, found, rfl⟩ := mapped_ok.1 ok
      obtain ⟨rfl, _, goes, _⟩ := checkConsume_ok found
      exact ⟨trivial, .inr goes⟩
    | armTimer request site after valid =>
      obtain ⟨attest, found, rfl⟩ := mapped_ok.1 ok
      obtain ⟨scope, rfl, owns, goes, room⟩ := checkArm_ok found
      exact ⟨⟨owns, room⟩, .inr goes⟩
    | disarmTimer timer =>
      obtain ⟨attest, found, rfl⟩ := mapped_ok.1 ok
      obtain ⟨_, _, rfl, _, goes⟩ := checkDisarm_ok found
      exact ⟨trivial, .inr goes⟩
    | consumeTimeout witness =>
      obtain ⟨attest, found, rfl⟩ := mapped_ok.1 ok
      obtain ⟨rfl, _, goes, _⟩ := checkConsumeTimeout_ok found
      exact ⟨trivial, .inr goes⟩

end Session

end Antiphon.Machine
