import Antiphon.Thm.Authority.Always

/-!
Who may do what: a table that stands beside the checks, and that whoever changes a session is in it.
-/

namespace Antiphon.Machine

/-- The fragments that an act needs, all of them. What is done under one of several authorities needs
none of them for certain. -/
def Act.needs (by_ : Presented) : Act → Scope
  | .send one => Scope.role one.role
  | .receive one => Scope.role one.role
  | .acknowledge role _ => Scope.role role
  | .attach role => Scope.role role
  | .detach role _ => Scope.role role
  | .authority (.release _ scope) => scope
  | .authority (.attenuate _ scope) => scope
  | .authority (.stage _ scope _ _ _) => scope
  | .authority (.abandon receipt) => receipt.scope
  | .authority (.ownerDied _ evidence) => Session.deathNeeds evidence
  | .authority (.issueReadiness _ predicate) => predicate.scopeOr by_.scope
  | .authority (.consumeReadiness witness) => witness.scope
  | .authority (.consumeTimeout witness) => witness.scope
  | .authority (.failCommit _ _) => Scope.lifecycle
  | .authority _ => Scope.empty
  | _ => Scope.lifecycle

namespace Session

/-- Who may do what. -/
def Entitled (s : Session) (by_ : Presented) : Act → Prop
  -- AUTH-10: the lifecycle, or whoever had the fragments last.
  | .authority (.claim _ _ scope) =>
    s.Owns by_ Scope.lifecycle ∨ Kept s.Has by_.owner by_.generation scope
  -- AUTH-25: who staged it; where that owner is lost, whoever could claim the fragments.
  | .authority (.rollback receipt) =>
    s.Owns by_ receipt.scope ∨ s.isNobodys receipt.scope = true
      ∧ (s.Owns by_ Scope.lifecycle ∨ Kept s.Has by_.owner by_.generation receipt.scope)
  -- TOKEN-2: who has a fragment of the holding left.
  | .authority (.issueToken _) => ∃ f, s.Has f ⟨by_.owner, by_.generation, false⟩
  | .authority (.renew _) => ∃ f, s.Has f ⟨by_.owner, by_.generation, false⟩
  | .authority (.confirmToken _) => ∃ f, s.Has f ⟨by_.owner, by_.generation, false⟩
  -- TIMER-1: who has a role that it is about, or the lifecycle; of a name, what is presented.
  | .authority (.armTimer _ site _ _) =>
    ∃ scope, (scope = (site.candidates by_).1 ∨ scope ∈ (site.candidates by_).2)
      ∧ s.Owns by_ scope
  -- TIMER-4: who armed it, or the lifecycle.
  | .authority (.disarmTimer timer) =>
    ∃ armed, s.armed timer = some armed ∧ (s.Owns by_ armed.scope ∨ s.Owns by_ Scope.lifecycle)
  | act => s.Owns by_ (act.needs by_)

theorem covered_candidate {site : Site} {s : Session} {by_ : Presented} {scope : Scope}
    (ok : site.covered s by_ = .ok scope) :
    scope = (site.candidates by_).1 ∨ scope ∈ (site.candidates by_).2 := by
  unfold Site.covered at ok
  split at ok
  rename_i first others h
  rw [h]
  split at ok
  · injection ok with ok; exact .inl ok.symm
  · split at ok
    · rename_i found
      injection ok with ok; subst ok
      exact .inr (List.mem_of_find?_eq_some found)
    · contradiction

theorem check_entitled {p : Protocol} {s : Session} (sound : s.Sound p) {by_ : Presented}
    {authority : Authority} {change : Change} (ok : s.check p (.act by_ authority) = .ok change) :
    s.Entitled by_ (.authority authority) := by
  cases authority with
  | release request scope =>
    simp only [check, checkAuthority, seqRight_ok] at ok
    exact (movable_ok ok.1).1
  | attenuate request scope =>
    simp only [check, checkAuthority, seqRight_ok] at ok
    exact (movable_ok ok.1).1
  | claim request owner scope =>
    simp only [check, checkAuthority, seqRight_ok] at ok
    exact (claimable_ok ok.1).1
  | stage request scope to expires freeze =>
    simp only [check, checkAuthority, seqRight_ok] at ok
    exact (movable_ok ok.1.1).1
  | rollback receipt => exact (checkRollback_ok ok).2.1
  | abandon receipt => exact (checkAbandon_ok ok).2.1
  | failCommit receipt reason => exact (checkFailCommit_ok ok).2.1
  | ownerDied owner evidence => exact (checkOwnerDied_ok ok).2.1
  | issueToken request => exact (checkToken_ok sound ok).1
  | renew serial => exact (checkToken_ok sound ok).1
  | confirmToken serial => exact (checkToken_ok sound ok).1
  | issueReadiness request predicate =>
    obtain ⟨_, found, _⟩ := mapped_ok.1 ok
    exact (checkIssue_ok found).2.1
  | consumeReadiness witness =>
    obtain ⟨_, found, _⟩ := mapped_ok.1 ok
    exact (checkConsume_ok found).2.1
  | armTimer request site after valid =>
    obtain ⟨_, found, _⟩ := mapped_ok.1 ok
    simp only [checkArm, seqRight_ok] at found
    obtain ⟨_, found⟩ := found
    split at found
    · contradiction
    · rename_i scope h
      exact ⟨scope, covered_candidate h, covered_ok h⟩
  | disarmTimer timer =>
    obtain ⟨_, found, _⟩ := mapped_ok.1 ok
    obtain ⟨armed, h, _, owns, _⟩ := checkDisarm_ok found
    exact ⟨armed, h, owns⟩
  | consumeTimeout witness =>
    obtain ⟨_, found, _⟩ := mapped_ok.1 ok
    exact (checkConsumeTimeout_ok found).2.1

theorem acting_owns {s : Session} {by_ : Presented} {role : Nat} {endpoint : Endpoint}
    (ok : s.acting by_ role = .ok endpoint) : s.Owns by_ (Scope.role role) := by
  unfold acting at ok
  split at ok
  · contradiction
  · split at ok
    · contradiction
    · rename_i h; exact (authorize_ok h).1

theorem governed_owns {s : Session} {by_ : Presented} (ok : s.governed by_ = .ok ()) :
    s.Owns by_ Scope.lifecycle := by
  unfold governed at ok
  split at ok
  · contradiction
  · rename_i h; exact (authorize_ok h).1

theorem understood_act (by_ : Presented) (authority : Authority) :
    ∃ authority', (Made.act by_ authority).understood = .act by_ authority'
      ∧ ∀ s : Session, s.Entitled by_ (.authority authority')
        → s.Entitled by_ (.authority authority) := by
  cases authority with
  | failCommit receipt reason => exact ⟨_, rfl, fun _ h => h⟩
  | _ => exact ⟨_, rfl, fun _ h => h⟩

/-- Whoever changes a session is entitled to it. -/
theorem actOn_entitled {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {act : Act}
    {came : Came} (sound : s.Sound p) (ok : State.actOn p now s by_ act = .ok came) :
    s.Entitled by_ act ∨ came.session = s ∧ came.outputs = [] := by
  cases act with
  | send send =>
    refine .inl ?_
    have ok : s.send p now by_ send = .ok came := ok
    unfold Session.send at ok
    split at ok
    · contradiction
    · rename_i h; exact acting_owns h
  | receive receive =>
    refine .inl ?_
    have ok : s.receive p now by_ receive = .ok came := ok
    unfold Session.receive at ok
    split at ok
    · contradiction
    · rename_i h; exact acting_owns h
  | acknowledge role position =>
    refine .inl ?_
    have ok : s.acknowledge p now by_ role position = .ok came := ok
    unfold acknowledge at ok
    split at ok
    · contradiction
    · rename_i h; exact acting_owns h
  | bind edge handler =>
    refine .inl ?_
    have ok : s.bind p now by_ edge handler = .ok came := ok
    unfold Session.bind at ok
    split at ok
    · contradiction
    · rename_i h; exact governed_owns h
  | drain deadline =>
    refine .inl ?_
    have ok : s.drain p now by_ deadline = .ok came := ok
    unfold drain at ok
    split at ok
    · contradiction
    · rename_i h; exact governed_owns h
  | close =>
    refine .inl ?_
    have ok : s.finish p now by_ .close .closed = .ok came := ok
    unfold finish at ok
    split at ok
    · contradiction
    · rename_i h; exact governed_owns h
  | cancel reason =>
    refine .inl ?_
    have ok : s.finish p now by_ (.cancel (cut reason)) (.cancelled (cut reason)) = .ok came := ok
    unfold finish at ok
    split at ok
    · contradiction
    · rename_i h; exact governed_owns h
  | fault reason =>
    refine .inl ?_
    have ok : s.finish p now by_ (.fault (cut reason)) (.faulted (cut reason)) = .ok came := ok
    unfold finish at ok
    split at ok
    · contradiction
    · rename_i h; exact governed_owns h
  | authority authority =>
    rcases change_cases (show s.change p now (.act by_ authority) = .ok came from ok) with
      ⟨e, o, _⟩ | ⟨change, found, _, _⟩
    · exact .inr ⟨e, o⟩
    · obtain ⟨authority', e, back⟩ := understood_act by_ authority
      rw [e] at found
      exact .inl (back s (check_entitled sound found))
  | attach role =>
    obtain ⟨_, ⟨_, acting⟩, _⟩ := attach_ok ok
    exact .inl (acting_owns acting)
  | detach role epoch =>
    obtain ⟨⟨_, acting⟩, _⟩ := detach_ok ok
    exact .inl (acting_owns acting)

/-- What an act needs for certain, whoever is entitled to it has. -/
theorem Entitled.needs {s : Session} {by_ : Presented} {act : Act} (entitled : s.Entitled by_ act) :
    ∀ f, (act.needs by_).has f = true → s.Has f ⟨by_.owner, by_.generation, false⟩ := by
  cases act with
  | authority authority =>
    cases authority with
    | claim request owner scope => intro f hf; simp [Act.needs] at hf
    | rollback receipt => intro f hf; simp [Act.needs] at hf
    | issueToken request => intro f hf; simp [Act.needs] at hf
    | renew serial => intro f hf; simp [Act.needs] at hf
    | confirmToken serial => intro f hf; simp [Act.needs] at hf
    | armTimer request site after valid => intro f hf; simp [Act.needs] at hf
    | disarmTimer timer => intro f hf; simp [Act.needs] at hf
    | _ => exact entitled.2
  | _ => exact entitled.2

/-- AUTH-1: how a capability is refused that is not live for what is needed. -/
theorem authorize_stale {p : Protocol} {s : Session} (sound : s.Sound p) {by_ : Presented}
    {needs : Scope} {f : Nat} (need : needs.has f = true) (presented : by_.scope.has f = true)
    (known : (Scope.session p).has f = true)
    (stale : ¬s.Has f ⟨by_.owner, by_.generation, false⟩)
    (owned : ∀ f w, needs.has f = true → s.Has f w → w.released = false) :
    ∃ live, s.authorize by_ needs = .error (.staleCapability by_.generation live) := by
  unfold authorize Ownership.covers
  simp only
  have noneReleased : (Held.scopes ((s.ownership.holdings s.spread).filter
      (·.released))).touches needs = false := by
    rw [Scope.touches_eq_false_iff]
    intro g hg
    obtain ⟨held, hm, hs⟩ := (has_scopes _ g).1 hg
    obtain ⟨mem, released⟩ := List.mem_filter.1 hm
    cases hn : needs.has g
    · rfl
    · have := owned g held.who hn ⟨held, mem, hs, rfl⟩
      simp [Held.who, released] at this
  have lost : (((needs.intersection by_.scope).intersection
      (Held.scopes (s.ownership.holdings s.spread))).without
      (Held.scopes ((s.ownership.holdings s.spread).filter fun held =>
        !held.released && held.isOf by_))).isEmpty = false := by
    rw [Scope.isEmpty_eq_false_iff]
    refine ⟨f, ?_⟩
    obtain ⟨w, held, hm, hf, _⟩ := (sound.owned.whole f).2 known
    have all : (Held.scopes (s.ownership.holdings s.spread)).has f = true :=
      (has_scopes _ f).2 ⟨held, hm, hf⟩
    have carried : (Held.scopes ((s.ownership.holdings s.spread).filter fun held =>
        !held.released && held.isOf by_)).has f = false := by
      rw [← Bool.not_eq_true, has_scopes]
      rintro ⟨held, hm, hf⟩
      obtain ⟨mem, is⟩ := List.mem_filter.1 hm
      simp only [Held.isOf, Bool.and_eq_true, Bool.not_eq_true', beq_iff_eq] at is
      exact stale ⟨held, mem, hf, by simp [Held.who, is.1, is.2.1, is.2.2]⟩
    simp only [Scope.has_without, Scope.has_intersection, need, presented, all, carried]
    rfl
  simp only [noneReleased, lost]
  exact ⟨_, rfl⟩

end Session

end Antiphon.Machine
