import Antiphon.Thm.Resume.Forget
import Antiphon.Thm.Resume.Progress
import Antiphon.Thm.Resume.RawProgress
/-!
# What the link promises

For the link of `Antiphon/Resume/Link.lean`: sessions with any number of roles, over a network that
drops, repeats, reorders and holds frames, with clients that lose their connection, their memory or
their place to another device, and a machine's end that stops at any moment and goes on from what is
durable.

Assumed, by name:
- *tokens are not forged* (`Unforged`): nobody sends under the role of an `honest` client but that
  client. Nothing is asked of the clients of the other roles.
- *the durable prefix is kept*: `Server.restarted` loses what was not durable, and nothing else.
- *an attempt's number is new*: a client does not take an answer to another connection for its own.
- *a memory is lost whole or not at all*, and comes back on no other device.
- *digests do not collide* (`NoCollision`), where contents are compared.
- all edges have the policy `block`.
-/

namespace Antiphon.Resume

/-- These two values are the same if their digests are. -/
def NoCollision (digest : Nat → Nat) (v w : Nat) : Prop := digest v = digest w → v = w

section

variable {p : Protocol} {t : Settings} {honest : Role → Prop} {s : System} {r : Role} {m : Memory}

/-- What a client has consumed from another role is the beginning of what that role has sent it: in
order, and each message once. -/
theorem delivered_is_prefix_of_sent (h : Reachable p t honest s) (hr : honest r)
    (hm : (s.clients r).memory = some m) (q : Role) :
    receivedFrom q m.performed <+: sentTo r (actions q s.kept) := by
  obtain ⟨_, a⟩ := reachable_agree h hr
  rw [a.memory m hm]; exact a.seen q

/-- From client to client: what one has consumed is the beginning of what the other has decided. -/
theorem delivered_is_prefix_of_decided (h : Reachable p t honest s) (hr : honest r)
    (hm : (s.clients r).memory = some m) {q : Role} (hq : honest q) {m' : Memory}
    (hm' : (s.clients q).memory = some m') :
    receivedFrom q m.performed <+: sentTo r m'.performed := by
  obtain ⟨_, a⟩ := reachable_agree h hq
  refine (delivered_is_prefix_of_sent h hr hm q).trans (sentTo_prefix r ?_)
  rw [a.memory m' hm']; exact (actions_prefix q (kept_prefix _)).trans a.within

/-- Whatever happens, a client that remembers consumes only messages that neither it nor the machine
has consumed before. -/
theorem resume_never_redelivers_consumed (h : Reachable p t honest s) (hr : honest r)
    (hm : (s.clients r).memory = some m) {q : Role} {x : Message} {m' : Memory}
    (hc : m.consume p r q = some (x, m')) :
    receivedFrom q m'.performed = receivedFrom q m.performed ++ [x] ∧
      receivedFrom q (actions r s.server.journal) <+: receivedFrom q m.performed := by
  obtain ⟨_, a⟩ := reachable_agree h hr
  constructor
  · simp only [Memory.consume] at hc; repeat' split at hc
    all_goals try contradiction
    simp only [Option.some.injEq, Prod.mk.injEq] at hc
    obtain ⟨rfl, rfl⟩ := hc
    simp [receivedFrom_append, receivedFrom]
  · rw [a.memory m hm]; exact receivedFrom_prefix q a.within

/-- What a client has done it has done for good, until it loses its memory. -/
theorem memory_only_grows (h : Reachable p t honest s) (hr : honest r)
    (hm : (s.clients r).memory = some m) (e : Event) (he : e ≠ .forget r) :
    ∃ m', ((System.step p t s e).clients r).memory = some m' ∧ m.performed <+: m'.performed := by
  obtain ⟨_, a⟩ := reachable_agree h hr
  exact memory_grows a (reachable_sound h) hm e he

/-- What was acknowledged to a client is kept, whatever happens from then on. -/
theorem acknowledged_is_kept (h : Reachable p t honest s) (hr : honest r)
    (hm : (s.clients r).memory = some m) (es : List Event) :
    m.performed.take m.acked <+: actions r (System.run p t s es).kept := by
  obtain ⟨_, a⟩ := reachable_agree h hr
  refine List.IsPrefix.trans ?_ (actions_prefix r (kept_grows (reachable_sound h) es))
  have hw := (actions_prefix r (kept_prefix s.server)).trans a.within
  rw [a.memory m hm]
  refine prefix_of_le (List.take_prefix _ _) hw ?_
  have := a.acked m hm
  simp only [List.length_take, System.kept] at *; omega

/-- Nothing acts for a role but its client: every kept action is one that the client did, as that
number; no message is consumed that it has not consumed. -/
theorem kept_is_decided (h : Reachable p t honest s) (hr : honest r) {n : Nat} {a : Action}
    (ha : (actions r s.kept)[n]? = some a) : (r, n, a) ∈ s.story := by
  obtain ⟨_, g⟩ := reachable_agree h hr
  exact g.story n a (prefix_getElem? ((actions_prefix r (kept_prefix _)).trans g.within) ha)

/-- Of two different actions with one number the second is refused, whoever sends it:
nothing is performed for it, and nothing acknowledged. -/
theorem conflicting_action_refused (s : Server) (e : Nat) (g : Held) {a : Action}
    (ha : (actions g.role s.journal)[g.position]? = some a) (hne : a ≠ .send g.to g.message)
    (hd : ∀ q x, a = .send q x → NoCollision t.digest g.message.value x.value) :
    (s.handleAct p t e g).journal = s.journal ∧ (s.handleAct p t e g).gated = s.gated := by
  obtain ⟨hn, ha⟩ := List.getElem?_eq_some_iff.1 ha
  have hs : same t.digest g.to g.message a = false := by
    cases a with
    | receive => rfl
    | send q x =>
      simp only [same, Bool.and_eq_false_iff, decide_eq_false_iff_not]
      apply Classical.byContradiction
      intro hc
      simp only [not_or, Decidable.not_not] at hc
      obtain ⟨⟨h1, h2⟩, h3⟩ := hc
      obtain ⟨l, v⟩ := x
      apply hne
      obtain ⟨role, n, to, ⟨l', v'⟩⟩ := g
      simp only at h1 h2 h3
      have h4 := hd _ _ rfl h3
      simp only at h4; rw [h1, ← h2, h4]
  simp only [Server.handleAct]; split
  · exact ⟨rfl, rfl⟩
  · have : ∃ x, actAt p t.digest t.remembered s.journal g.role g.position g.to g.message = .error x ∧
        (x = .tooOld ∨ x = .positionConflict) := by
      simp only [actAt, hn, dite_true, ha, hs]; split
      · exact ⟨_, rfl, .inl rfl⟩
      · exact ⟨_, rfl, .inr rfl⟩
    obtain ⟨x, hx, rfl | rfl⟩ := this <;> rw [hx] <;> exact ⟨rfl, rfl⟩

/-- A client that has lost all its memory, whatever is still under way of what it has sent, can come
back and be where the machine is. -/
theorem amnesiac_client_resumes (h : Reachable p t honest s) (hr : honest r) :
    ∃ es, (∀ e ∈ es, e.isExchange) ∧ ∃ s', s' = System.run p t (System.step p t s (.forget r)) es ∧
      (∃ n, (s'.clients r).memory = some ⟨actions r s.server.journal, n, []⟩) ∧
      (∃ e, (s'.clients r).epoch = some e ∧ s'.server.epochs r = some e) ∧
      ∀ q, actions q s'.kept = actions q s.server.journal := by
  have h' : Reachable p t honest (System.step p t s (.forget r)) :=
    .step h fun _ _ he => by cases he
  obtain ⟨es, he, a⟩ := attaches h' hr
  refine ⟨es, he, _, rfl, ⟨_, a.fresh ?_⟩, a.epoch, fun q => ?_⟩
  · simp [System.step, System.setClient]
  · rw [a.kept]; exact a.actions q

/-- What a client lacks is on its edges, all of it, and an edge holds no more than its capacity: a
resume is never partial. -/
theorem bounded_edge_never_partial (h : Reachable p t honest s) (hr : honest r)
    (hm : (s.clients r).memory = some m) (q : Role) :
    (sentTo r (actions q s.server.journal)).drop (m.seq q) <:+ edge s.server.journal q r ∧
      (edge s.server.journal q r).length ≤ p.capacity q r := by
  obtain ⟨_, a⟩ := reachable_agree h hr
  refine ⟨?_, (ideal_lawful (reachable_sound h).ideal).capacity q r⟩
  have hl := (receivedFrom_prefix q a.within).length_le
  rw [Memory.seq, a.memory m hm, edge]
  rw [show (receivedFrom q _).length = (receivedFrom q (actions r s.server.journal)).length +
    ((receivedFrom q _).length - (receivedFrom q (actions r s.server.journal)).length) from
      (Nat.add_sub_of_le hl).symm, ← List.drop_drop]
  exact List.drop_suffix _ _

/-- A message that a client lacks can always come into its hands. -/
theorem unconsumed_message_arrives (h : Reachable p t honest s) (hr : honest r)
    (hm : (s.clients r).memory = some m) {q : Role} {n : Nat} {x : Message} (hq : m.seq q ≤ n)
    (hx : (sentTo r (actions q s.server.journal))[n]? = some x) :
    ∃ es, (∀ e ∈ es, e.isExchange) ∧ ∃ m', ((System.run p t s es).clients r).memory = some m' ∧
      m'.performed = m.performed ∧ (q, n, x) ∈ m'.inbox := by
  obtain ⟨es, he, a⟩ := attaches h hr
  obtain ⟨k, hm', _⟩ := a.known m hm
  obtain ⟨e, _, hl⟩ := a.epoch
  have h' := reachable_run h (es := es) fun e h => exchange_unforged (he e h)
  obtain ⟨es', he', l, hin, hm''⟩ :=
    message_comes h' hr hm' hl (n := n) (x := x) hq (by rw [a.actions]; exact hx)
  refine ⟨es ++ es', fun e h => ?_, { m with acked := k, inbox := l },
    by rw [run_append]; exact hm'', rfl, hin⟩
  rcases List.mem_append.1 h with h | h
  · exact he e h
  · exact he' e h

/-- What is kept is a session over perfect channels as they are: to whatever happens correspond zero or
more records that they perform. -/
theorem kept_is_perfect (h : Reachable p t honest s) (e : Event) :
    Ideal p s.kept ∧ Performs p s.kept (System.step p t s e).kept := by
  have hs := reachable_sound h
  have hs' : Sound p (System.step p t s e) := hs.step e
  exact ⟨ideal_take hs.ideal _, ideal_performs (ideal_take hs'.ideal _) (kept_grows_step hs e)⟩

/-- The network is invisible: wherever it has led there is a run over perfect channels, which hold as
many messages more as an outbox does, with the same attachments and the same end, in which each client
has done exactly what it has done here and consumed the same messages. All that is kept is in it in its
order, and comes first as long as the session has not ended. -/
theorem network_is_invisible (h : Reachable p t honest s) (roles : List Role)
    (hroles : ∀ r, honest r → r ∈ roles) :
    ∃ j, Perfect p t honest s j ∧ s.kept.Sublist j ∧ (.ended ∉ s.kept → s.kept <+: j) :=
  Perfect.exists h roles hroles

/-- That run goes on as the network's does: until the session has ended, to each step correspond zero or
more records over perfect channels, unless a client loses its memory of what is not kept. -/
theorem each_step_is_perfect_steps (h : Reachable p t honest s) {j : Journal}
    (hj : Perfect p t honest s j) (hn : .ended ∉ s.kept) (e : Event) (hu : Unforged honest e)
    (hf : ∀ r, honest r → e = .forget r → s.owed r = 0) :
    ∃ j', Performs (p.roomy t.outbox) j j' ∧ Perfect p t honest (System.step p t s e) j' :=
  hj.step h hn e hu hf

/-- A client that loses its memory undoes in that run what it had done and the machine had not kept, and
nothing else: all others go on as they were. -/
theorem loss_undoes_only_what_was_owed (h : Reachable p t honest s) (hr : honest r) {j : Journal}
    (hj : Perfect p t honest s j) :
    ∃ j', Perfect p t honest (System.step p t s (.forget r)) j' ∧ j'.Sublist j ∧
      actions r j' = actions r s.kept ∧ ∀ q, q ≠ r → actions q j' = actions q j :=
  ⟨_, hj.forgets h hr, cut_sublist _ j, hj.forgets_self h hr, fun _ hq => actions_cut_other hq _ j⟩

/-- What a client has done and the machine has not kept grows only when its owner acts. -/
theorem owed_never_grows (h : Reachable p t honest s)
    (hm : (s.clients r).memory = some m) (e : Event)
    (he : ((System.step p t s e).clients r).memory.map (·.performed) = some m.performed) :
    (System.step p t s e).owed r ≤ s.owed r := by
  have hk := (actions_prefix r (kept_grows_step (t := t) (reachable_sound h) e)).length_le
  cases hm' : ((System.step p t s e).clients r).memory with
  | none => simp [System.owed, hm']
  | some m' =>
    rw [hm'] at he
    simp only [Option.map_some, Option.some.injEq] at he
    simp only [System.owed, hm, hm', Memory.position, he]; omega

/-- Whatever the machine has performed for a client can be acknowledged to it. -/
theorem performed_gets_acknowledged (h : Reachable p t honest s) (hr : honest r)
    (hm : (s.clients r).memory = some m) :
    ∃ es, (∀ e ∈ es, e.isExchange) ∧ ∃ m', ((System.run p t s es).clients r).memory = some m' ∧
      m'.performed = m.performed ∧ (actions r s.server.journal).length ≤ m'.acked := by
  obtain ⟨es, he, a⟩ := attaches h hr
  obtain ⟨k, hm', hk⟩ := a.known m hm
  exact ⟨es, he, _, hm', rfl, hk⟩

/-- Progress: as long as the session has not ended and there is room for the client's next action,
an exchange of frames leaves less of what it has done to be kept. -/
theorem exchange_decreases_owed (h : Reachable p t honest s) (hr : honest r) (hd : Determinate p)
    (hm : (s.clients r).memory = some m) (hn : .ended ∉ s.server.journal) (ho : 0 < s.owed r)
    (hroom : ∀ q x, m.performed[(actions r s.server.journal).length]? = some (.send q x) →
      (edge s.server.journal r q).length < p.capacity r q) :
    ∃ es, (∀ e ∈ es, e.isExchange) ∧ (System.run p t s es).owed r < s.owed r := by
  have hs := reachable_sound h
  obtain ⟨es, he, a⟩ := attaches h hr
  obtain ⟨k, hm', _⟩ := a.known m hm
  obtain ⟨e, hc, hl⟩ := a.epoch
  have h' := reachable_run h (es := es) fun e h => exchange_unforged (he e h)
  have hle := (actions_prefix r (kept_prefix s.server)).length_le
  simp only [System.owed, hm] at ho ⊢
  rcases Nat.lt_or_ge (actions r s.kept).length (actions r s.server.journal).length with hlt | hge
  · refine ⟨es, he, ?_⟩
    simp only [hm', Memory.position, a.kept, a.actions] at ho ⊢; omega
  · obtain ⟨es', he', hcl, hgrow⟩ := next_is_kept h' hr hm' hc hl a.kept hd
      (by rw [a.ended]; exact hn)
      (by rw [a.actions]; simp only [Memory.position, System.kept] at ho hle hge ⊢; omega)
      (by intro q x hx; rw [a.actions] at hx; simp only [edge, a.actions]; exact hroom q x hx)
    refine ⟨es ++ es', fun e h => ?_, ?_⟩
    · rcases List.mem_append.1 h with h | h
      · exact he e h
      · exact he' e h
    · rw [run_append, hcl, hm']
      rw [a.actions] at hgrow
      simp only [Memory.position, System.kept] at ho hle hge hgrow ⊢; omega

end

/-! ## The sequencer, over a raw link -/

section

variable {α : Type}

/-- What has been delivered over a raw link is the beginning of what was sent: in order, each once,
whatever was lost, repeated or overtaken, and whichever end has stopped and gone on. -/
theorem raw_delivers_in_order (capacity window : Nat) (es : List (RawEvent α)) :
    ((Raw.start capacity window).run es).delivered <+: ((Raw.start capacity window).run es).sent :=
  (raw_ok capacity window es).isPrefix

/-- From the receiver's own resume point a raw link retransmits all that the receiver lacks. -/
theorem raw_resume_never_partial (capacity window : Nat) (es : List (RawEvent α)) (s : Raw α)
    (hs : s = (Raw.start capacity window).run es) :
    (s.outbound.retransmit (s.delivered.length + 1)).isPartial = false ∧
      (s.outbound.retransmit (s.delivered.length + 1)).messages =
        numbered (s.delivered.length + 1) (s.sent.drop s.delivered.length) := by
  subst hs; exact (raw_ok capacity window es).retransmit

/-- From wherever a raw link is, exchanges that succeed deliver all that was sent. -/
theorem raw_link_catches_up (capacity : Nat) {window : Nat} (hw : 0 < window) (es : List (RawEvent α))
    (s : Raw α) (hs : s = (Raw.start capacity window).run es) :
    ∃ es' : List (RawEvent α), (∀ e ∈ es', e.isExchange) ∧ (s.run es').delivered = s.sent := by
  subst hs
  have h := ((Raw.fit_start capacity window).run es).step .persist
  obtain ⟨es', h1, h2, h3⟩ := Raw.catches_up hw _ h rfl (Nat.le_refl _)
  refine ⟨.persist :: es', fun e he => ?_, ?_⟩
  · rcases List.mem_cons.1 he with rfl | he
    · rfl
    · exact h1 e he
  · have hp := (h.run es').ok.isPrefix
    rw [h2] at hp
    exact hp.eq_of_length h3

end

end Antiphon.Resume
