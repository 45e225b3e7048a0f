import Antiphon.Thm.Authority.Entitled

/-!
What single requests do, exactly: commits, rollbacks, and what consumes a witness.
-/

namespace Antiphon.Machine

namespace Session

theorem ended_has (s : Session) (status : Status) : (s.ended status).Has = s.Has := by
  unfold Has holdings Session.ended
  cases s.spread <;> rfl

theorem Settles.has {p : Protocol} {s s' : Session} (settles : Settles p s s') :
    s'.Has = s.Has := by
  obtain ⟨r, alike, rfl | ⟨status, _, rfl⟩⟩ := settles.cases
  · exact alike.same.has
  · rw [ended_has]; exact alike.same.has

theorem changed_has (p : Protocol) (now : Tick) (s : Session) (made : Made) (change : Change)
    (terminal : ∀ status, change.ends = some status → status.isTerminal = true) :
    (s.changed p now made change).session.Has = ((s.touch now).perform made change).1.Has :=
  (changed_settles p now s made change terminal).has

/-- A commit that is not refused is a repeat, or moves its fragments. -/
theorem commit_cases {p : Protocol} {now : Tick} {s : Session} {commit : Commit} {came : Came}
    (good : s.Good p) (ok : s.change p now (.commit commit) = .ok came) :
    (came.session = s ∧ came.outputs = [] ∧ s.Spent commit.receipt.id)
      ∨ ((∃ one ∈ s.spreadOrNew.staged, one.receipt = commit.receipt)
        ∧ (commit.receipt.to = .bearer ∨ commit.receipt.to = .owner commit.owner)
        ∧ came = s.changed p now (.commit commit)
          (.issue commit.owner commit.receipt.scope (some commit.receipt.id))) := by
  rcases change_cases ok with ⟨e, o, before | found⟩ | ⟨change, found, _, e⟩
  · exact .inl ⟨e, o, madeBefore_commit good.origins before⟩
  · obtain ⟨e, _⟩ := checkCommit_ok (show s.checkCommit commit = _ from found)
    contradiction
  · obtain ⟨rfl, _, mem, to⟩ := checkCommit_ok (show s.checkCommit commit = _ from found)
    exact .inr ⟨mem, to, e⟩

theorem commit_moves (p : Protocol) (now : Tick) (s : Session) (commit : Commit) :
    Moves commit.receipt.scope ⟨commit.owner, s.spreadOrNew.last + 1, false⟩ s.Has
      (s.changed p now (.commit commit)
        (.issue commit.owner commit.receipt.scope (some commit.receipt.id))).session.Has := by
  rw [changed_has p now s _ _ (fun _ h => by contradiction)]
  have has : (((s.touch now).settled commit.receipt.id).invalidate commit.receipt.scope).Has
      = s.Has := by
    rw [has_eq, has_eq]; rfl
  exact has ▸ issue_moves (((s.touch now).settled commit.receipt.id).invalidate
    commit.receipt.scope) commit.owner commit.receipt.scope (.commit commit)

/-- After a commit that is not refused its receipt is spent. -/
theorem commit_spends {p : Protocol} {now : Tick} {s : Session} {commit : Commit} {came : Came}
    (good : s.Good p) (ok : s.change p now (.commit commit) = .ok came) :
    came.session.Spent commit.receipt.id := by
  rcases commit_cases good ok with ⟨e, _, spent⟩ | ⟨⟨one, mem, e⟩, _, rfl⟩
  · rw [e]; exact spent
  · have evolves : Evolves ((s.touch now).settled commit.receipt.id)
        (s.changed p now (.commit commit)
          (.issue commit.owner commit.receipt.scope (some commit.receipt.id))).session :=
      ((invalidate_evolves _ _).trans (issue_evolves _ _ _ _)).trans
        (changed_settles p now s (.commit commit)
          (.issue commit.owner commit.receipt.scope (some commit.receipt.id))
          (fun _ h => by contradiction)).evolves
    refine Spent.evolves ?_ evolves
    have := settled_spent (s := s.touch now)
      (good.sound.same (touch_same s now) fun t => ⟨t, rfl⟩) mem
    rwa [e] at this

theorem record_records (s : Session) (event : Recorded) (outcome : Outcome) :
    (s.record event outcome).1.records = s.records.map (· + 1) := by
  unfold record
  cases h : s.records <;> simp [h]

/-- A rollback takes its transfer out of what is in flight, and does nothing else. -/
theorem rollback_exactly {p : Protocol} {now : Tick} {s : Session} {by_ : Presented}
    {receipt : Receipt} {came : Came} (good : s.Good p)
    (ok : s.change p now (.act by_ (.rollback receipt)) = .ok came) :
    (∃ one ∈ s.spreadOrNew.staged, one.receipt = receipt)
      ∧ came.session = { s with
          tick := max s.tick now
          records := s.records.map (· + 1)
          spread := some { s.spreadOrNew with
            staged := s.spreadOrNew.staged.filter (·.receipt.id != receipt.id) } } := by
  rcases change_cases ok with ⟨_, _, before | found⟩ | ⟨change, found, _, rfl⟩
  · have : s.madeBefore (.act by_ (.rollback receipt)) = none :=
      madeBefore_none good.origins rfl rfl rfl rfl
    rw [show Made.understood (.act by_ (.rollback receipt)) = .act by_ (.rollback receipt) from rfl,
      this] at before
    contradiction
  · obtain ⟨e, _⟩ := checkRollback_ok (show s.checkRollback by_ receipt = _ from found)
    contradiction
  · obtain ⟨rfl, _, goes, mem⟩ :=
      checkRollback_ok (show s.checkRollback by_ receipt = _ from found)
    refine ⟨mem, ?_⟩
    let next := (((s.touch now).settled receipt.id).record
      (.input (Made.input (.act by_ (.rollback receipt)))) .done).1
    have over : next.isOver p = false := by
      have : next.isOver p = s.isOver p := by
        have keeps := record_keeps ((s.touch now).settled receipt.id)
          (.input (Made.input (.act by_ (.rollback receipt)))) .done
        exact isOver_eq (record_status _ _ _) keeps.endpoints keeps.edges
      rw [this]; exact good.resting goes
    show (next.settle p).1 = _
    unfold settle
    rw [if_neg (by simp [over])]
    show (Session.record _ _ _).1 = _
    rw [record_eq, record_records]
    rfl

/-- A witness that was issued is outstanding no more. -/
def Gone (s : Session) (id : WitnessId) : Prop :=
  id < s.outstandingOrNew.witnesses ∧ id ∉ s.outstandingOrNew.ids

theorem Gone.evolves {s s' : Session} {id : WitnessId} (gone : s.Gone id)
    (evolves : Evolves s s') : s'.Gone id := by
  refine ⟨Nat.lt_of_lt_of_le gone.1 evolves.witnesses, fun h => ?_⟩
  rcases evolves.ids id h with h | h
  · exact gone.2 h
  · exact absurd gone.1 (Nat.not_lt.2 h)

theorem spend_ids (o : Outstanding) (id : WitnessId) : id ∉ (o.spend id).ids := by
  simp only [Outstanding.ids, Outstanding.spend, List.mem_append, List.mem_map, List.mem_filter]
  rintro (⟨x, ⟨_, h⟩, e⟩ | ⟨x, ⟨_, h⟩, e⟩) <;> simp [e] at h

/-- The witness that an act consumes. -/
def _root_.Antiphon.Machine.Authority.consumes : Authority → Option WitnessId
  | .consumeReadiness witness => some witness.id
  | .consumeTimeout witness => some witness.id
  | .ownerDied _ (.timeout witness) => some witness.id
  | _ => none

theorem ready_ids {s : Session} {witness : Readiness}
    (h : ∃ one ∈ s.outstandingOrNew.readiness, one.witness = witness) :
    witness.id ∈ s.outstandingOrNew.ids := by
  obtain ⟨one, mem, rfl⟩ := h
  exact List.mem_append_left _ (List.mem_map_of_mem mem)

theorem late_ids {s : Session} {witness : TimeoutWitness}
    (h : ∃ one ∈ s.outstandingOrNew.timeouts, one.witness = witness) :
    witness.id ∈ s.outstandingOrNew.ids := by
  obtain ⟨one, mem, rfl⟩ := h
  exact List.mem_append_right _ (List.mem_map_of_mem mem)

theorem deathShown_timeout {s : Session} {own : Scope} {witness : TimeoutWitness}
    {spent : Option WitnessId} (ok : s.deathShown own (.timeout witness) = .ok spent) :
    spent = some witness.id ∧ ∃ one ∈ s.outstandingOrNew.timeouts, one.witness = witness := by
  simp only [deathShown, seqRight_ok] at ok
  obtain ⟨late, ok⟩ := ok
  refine ⟨?_, isTimedOut_ok late⟩
  split at ok
  · split at ok
    · injection ok with ok; exact ok.symm
    · contradiction
  · contradiction

/-- What a session has left of a witness that a change spends. -/
theorem spends_gone {p : Protocol} {now : Tick} {s : Session} (sound : s.Sound p) {made : Made}
    {change : Change} (found : s.check p made = .ok change) {id : WitnessId}
    (mem : id ∈ s.outstandingOrNew.ids)
    (spends : change = .attest (.consume id) ∨ ∃ owner end_, change = .lose owner (some id) end_) :
    (s.changed p now made change).session.Gone id := by
  have below := sound.outstanding.below id mem
  refine Gone.evolves ?_ (changed_settles p now s made change (check_terminal sound found)).evolves
  rcases spends with rfl | ⟨owner, end_, rfl⟩
  · exact ⟨below, spend_ids _ _⟩
  · have gone : ((s.touch now).spend id).Gone id := by
      unfold Gone
      rw [outstandingOrNew_spend]
      exact ⟨below, spend_ids _ _⟩
    cases end_ with
    | some status => exact gone
    | none =>
      refine gone.evolves ((invalidate_evolves _ _).trans (lose_evolves _ owner made ?_))
      exact sound.owned.single

/-- Whatever consumes a witness and is not refused has found it outstanding, and leaves it spent. -/
theorem consumes_ok {p : Protocol} {now : Tick} {s : Session} {by_ : Presented}
    {authority : Authority} {id : WitnessId} {came : Came} (good : s.Good p)
    (consumes : authority.consumes = some id)
    (ok : s.change p now (.act by_ authority) = .ok came) :
    id ∈ s.outstandingOrNew.ids ∧ came.session.Gone id := by
  cases authority with
  | consumeReadiness witness =>
    injection consumes with consumes; subst consumes
    rcases change_cases ok with ⟨_, _, before | found⟩ | ⟨change, found, _, rfl⟩
    · have : s.madeBefore (.act by_ (.consumeReadiness witness)) = none :=
        madeBefore_none good.origins rfl rfl rfl rfl
      rw [show Made.understood (.act by_ (.consumeReadiness witness))
        = .act by_ (.consumeReadiness witness) from rfl, this] at before
      contradiction
    · obtain ⟨_, _, e⟩ := mapped_ok.1 (show Change.attest <$> s.checkConsume p by_ witness = _
        from found)
      contradiction
    · obtain ⟨_, found', rfl⟩ := mapped_ok.1 (show Change.attest <$> s.checkConsume p by_ witness
        = _ from found)
      obtain ⟨rfl, _, _, mem, _⟩ := checkConsume_ok found'
      exact ⟨ready_ids mem, spends_gone good.sound found (ready_ids mem) (.inl rfl)⟩
  | consumeTimeout witness =>
    injection consumes with consumes; subst consumes
    rcases change_cases ok with ⟨_, _, before | found⟩ | ⟨change, found, _, rfl⟩
    · have : s.madeBefore (.act by_ (.consumeTimeout witness)) = none :=
        madeBefore_none good.origins rfl rfl rfl rfl
      rw [show Made.understood (.act by_ (.consumeTimeout witness))
        = .act by_ (.consumeTimeout witness) from rfl, this] at before
      contradiction
    · obtain ⟨_, _, e⟩ := mapped_ok.1 (show Change.attest <$> s.checkConsumeTimeout by_ witness = _
        from found)
      contradiction
    · obtain ⟨_, found', rfl⟩ := mapped_ok.1 (show Change.attest <$>
        s.checkConsumeTimeout by_ witness = _ from found)
      obtain ⟨rfl, _, _, mem⟩ := checkConsumeTimeout_ok found'
      exact ⟨late_ids mem, spends_gone good.sound found (late_ids mem) (.inl rfl)⟩
  | ownerDied owner evidence =>
    cases evidence with
    | lifecycle => contradiction
    | timeout witness =>
      injection consumes with consumes; subst consumes
      have key : ∀ {change}, s.checkOwnerDied by_ owner (.timeout witness) = .ok change →
          change = .lose owner (some witness.id) (s.lost owner)
            ∧ ∃ one ∈ s.outstandingOrNew.timeouts, one.witness = witness := by
        intro change found
        simp only [checkOwnerDied, seqRight_ok] at found
        obtain ⟨_, found⟩ := found
        split at found
        · contradiction
        · split at found
          · contradiction
          · rename_i spent h
            obtain ⟨rfl, mem⟩ := deathShown_timeout h
            injection found with found
            exact ⟨found.symm, mem⟩
      rcases change_cases ok with ⟨_, _, before | found⟩ | ⟨change, found, _, rfl⟩
      · contradiction
      · obtain ⟨e, _⟩ := key (show s.checkOwnerDied by_ owner (.timeout witness) = _ from found)
        contradiction
      · obtain ⟨rfl, mem⟩ :=
          key (show s.checkOwnerDied by_ owner (.timeout witness) = _ from found)
        exact ⟨late_ids mem, spends_gone good.sound found (late_ids mem) (.inr ⟨_, _, rfl⟩)⟩
  | _ => contradiction

theorem consumes_ready {p : Protocol} {now : Tick} {s : Session} {by_ : Presented}
    {witness : Readiness} {came : Came} (good : s.Good p)
    (ok : s.change p now (.act by_ (.consumeReadiness witness)) = .ok came) :
    ∃ one ∈ s.outstandingOrNew.readiness, one.witness = witness := by
  rcases change_cases ok with ⟨_, _, before | found⟩ | ⟨change, found, _, rfl⟩
  · have : s.madeBefore (.act by_ (.consumeReadiness witness)) = none :=
      madeBefore_none good.origins rfl rfl rfl rfl
    rw [show Made.understood (.act by_ (.consumeReadiness witness))
      = .act by_ (.consumeReadiness witness) from rfl, this] at before
    contradiction
  · obtain ⟨_, _, e⟩ := mapped_ok.1 (show Change.attest <$> s.checkConsume p by_ witness = _
      from found)
    contradiction
  · obtain ⟨_, found', _⟩ := mapped_ok.1 (show Change.attest <$> s.checkConsume p by_ witness
      = _ from found)
    exact (checkConsume_ok found').2.2.2.1

theorem consumes_late {p : Protocol} {now : Tick} {s : Session} {by_ : Presented}
    {witness : TimeoutWitness} {came : Came} (good : s.Good p)
    (ok : s.change p now (.act by_ (.consumeTimeout witness)) = .ok came) :
    ∃ one ∈ s.outstandingOrNew.timeouts, one.witness = witness := by
  rcases change_cases ok with ⟨_, _, before | found⟩ | ⟨change, found, _, rfl⟩
  · have : s.madeBefore (.act by_ (.consumeTimeout witness)) = none :=
      madeBefore_none good.origins rfl rfl rfl rfl
    rw [show Made.understood (.act by_ (.consumeTimeout witness))
      = .act by_ (.consumeTimeout witness) from rfl, this] at before
    contradiction
  · obtain ⟨_, _, e⟩ := mapped_ok.1 (show Change.attest <$> s.checkConsumeTimeout by_ witness = _
      from found)
    contradiction
  · obtain ⟨_, found', _⟩ := mapped_ok.1 (show Change.attest <$> s.checkConsumeTimeout by_ witness
      = _ from found)
    exact (checkConsumeTimeout_ok found').2.2.2

/-- What is issued again was issued before. -/
theorem madeBefore_issued {s : Session} {made : Made} {capability : Presented}
    (before : s.madeBefore made = some (.issued capability)) :
    ∃ one ∈ s.spreadOrNew.holdings, one.owner = capability.owner
      ∧ one.generation = capability.generation ∧ one.issued = capability.scope := by
  have key : ∀ made, (s.movedBefore made).or (s.attestedBefore made) = some (.issued capability) →
      ∃ one ∈ s.spreadOrNew.holdings, one.owner = capability.owner
        ∧ one.generation = capability.generation ∧ one.issued = capability.scope := by
    intro made h
    unfold movedBefore at h
    split at h
    · simp at h
    · split at h
      · unfold attestedBefore at h
        split at h
        · simp at h
        · split at h <;> simp at h
      · rename_i one found
        split at h
        · simp at h
        · simp only [Option.some_or, Option.some.injEq, Accepted.issued.injEq] at h
          subst h
          exact ⟨one, List.mem_of_find?_eq_some found, rfl, rfl, rfl⟩
  unfold madeBefore at before
  split at before
  · contradiction
  · exact key _ before

/-- What is so already issues nothing. -/
theorem check_nothing {p : Protocol} {s : Session} {made : Made} {accepted : Accepted}
    (ok : s.check p made = .ok (.nothing accepted)) (capability : Presented) :
    accepted ≠ .issued capability := by
  have token : ∀ {by_ asked}, s.checkToken by_ asked = .ok (.nothing accepted) →
      accepted ≠ .issued capability := by
    intro by_ asked ok
    simp only [checkToken, seqRight_ok] at ok
    obtain ⟨_, ok⟩ := ok
    split at ok
    · contradiction
    · rename_i after _
      split at ok
      · injection ok with ok
        injection ok with ok
        subst ok
        unfold serialsSaid
        split
        · simp
        · split <;> simp
      · simp only [seqRight_ok] at ok
        obtain ⟨_, e⟩ := ok
        injection e with e
        contradiction
  cases made with
  | commit commit => obtain ⟨e, _⟩ := checkCommit_ok ok; contradiction
  | reclaim reclaim => obtain ⟨e, _⟩ := checkReclaim_ok ok; contradiction
  | act by_ authority =>
    cases authority with
    | issueToken request => exact token ok
    | renew serial => exact token ok
    | confirmToken serial => exact token ok
    | rollback receipt => obtain ⟨e, _⟩ := checkRollback_ok ok; contradiction
    | abandon receipt => obtain ⟨e, _⟩ := checkAbandon_ok ok; contradiction
    | failCommit receipt reason => obtain ⟨e, _⟩ := checkFailCommit_ok ok; contradiction
    | ownerDied owner evidence => obtain ⟨⟨_, e⟩, _⟩ := checkOwnerDied_ok ok; contradiction
    | issueReadiness request predicate => obtain ⟨_, _, e⟩ := mapped_ok.1 ok; contradiction
    | consumeReadiness witness => obtain ⟨_, _, e⟩ := mapped_ok.1 ok; contradiction
    | armTimer request site after valid => obtain ⟨_, _, e⟩ := mapped_ok.1 ok; contradiction
    | disarmTimer timer => obtain ⟨_, _, e⟩ := mapped_ok.1 ok; contradiction
    | consumeTimeout witness => obtain ⟨_, _, e⟩ := mapped_ok.1 ok; contradiction
    | _ =>
      simp only [check, checkAuthority, seqRight_ok] at ok
      obtain ⟨_, e⟩ := ok
      injection e with e; contradiction

end Session

end Antiphon.Machine
