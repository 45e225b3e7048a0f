import Antiphon.Thm.Resume.Runs
/-!
# Exchanges that succeed

What a client, the machine's end and a network that carries a frame can reach from wherever they are:
an attachment, the next action of the client kept, the next message in the client's hands.
-/

namespace Antiphon.Resume

section

variable {p : Protocol} {t : Settings} {honest : Role → Prop} {s : System} {r : Role}

theorem exchange_unforged {e : Event} (h : e.isExchange) : Unforged honest e := by
  intro f q he; subst he; cases h

/-- `s'` is `s` with the client of `r` attached and told, and everything kept. -/
structure Attached (r : Role) (s s' : System) : Prop where
  epoch : ∃ e, (s'.clients r).epoch = some e ∧ s'.server.epochs r = some e
  fresh : (s.clients r).memory = none → (s'.clients r).memory =
    some ⟨actions r s.server.journal, (actions r s.server.journal).length, []⟩
  known : ∀ m, (s.clients r).memory = some m → ∃ n, (s'.clients r).memory = some { m with acked := n } ∧
    (Resume.actions r s.server.journal).length ≤ n
  actions : ∀ q, Resume.actions q s'.server.journal = Resume.actions q s.server.journal
  ended : .ended ∈ s'.server.journal ↔ .ended ∈ s.server.journal
  kept : s'.kept = s'.server.journal

theorem mem_released {s : Server} {k : Nat} {f : Frame} (h : (k, f) ∈ s.gated) (hk : k ≤ s.durable) :
    f ∈ s.released :=
  List.mem_map.2 ⟨(k, f), List.mem_filter.2 ⟨h, by simpa using hk⟩, rfl⟩

theorem attaches (h : Reachable p t honest s) (hr : honest r) :
    ∃ es, (∀ e ∈ es, e.isExchange) ∧ Attached r s (System.run p t s es) := by
  obtain ⟨hist, a⟩ := reachable_agree h hr
  have hs := reachable_sound h
  generalize hA : actions r s.server.journal = done
  have hold : ¬done.length < ((s.clients r).memory.map (·.acked)).getD 0 := by
    have h1 := (actions_prefix r (kept_prefix s.server)).length_le
    rw [hA] at h1
    cases hm : (s.clients r).memory with
    | none => simp
    | some m =>
      have := a.acked m hm; simp only [System.kept] at this
      simp only [Option.map_some, Option.getD_some]; omega
  let f1 : Frame := .resume r s.attemptNext ((s.clients r).memory.map (·.acked))
  let f2 : Frame := .ok r s.attemptNext s.server.epochNext done
  let srv : Server := { s.server with
    journal := s.server.journal ++ [.attached r s.server.epochNext]
    epochs := fun q => if q = r then some s.server.epochNext else s.server.epochs q
    epochNext := s.server.epochNext + 1
    held := s.server.held.filter fun g => g.role ≠ r
    gated := s.server.gated ++ [(s.server.journal.length + 1, f2)] }
  have h1 : System.run p t s [.reconnect r, .sendResume r, .arrive f1] =
      { s with server := srv, attemptNext := s.attemptNext + 1,
               clients := fun q => if q = r then (s.clients r).reconnect s.attemptNext else s.clients q } := by
    simp [System.run, System.step, System.post, System.setClient, Client.reconnect, Client.resume,
      System.handle, Server.handleResume, hA, hold, f1, f2, srv]
  let srv' := (srv.persisted (s.server.journal.length + 1)).ungated
  have hdur : (srv.persisted (s.server.journal.length + 1)).durable = s.server.journal.length + 1 := by
    have := hs.durable
    simp only [Server.persisted, srv, List.length_append, List.length_singleton]; omega
  have hrel : f2 ∈ (srv.persisted (s.server.journal.length + 1)).released :=
    mem_released (k := s.server.journal.length + 1) (by simp [Server.persisted, srv]) (by rw [hdur]; exact Nat.le_refl _)
  let c := ((s.clients r).reconnect s.attemptNext).handleOk s.attemptNext s.server.epochNext done
  let s' : System := { s with
    server := srv'
    attemptNext := s.attemptNext + 1
    net := ((srv.persisted (s.server.journal.length + 1)).released ++ s.net).erase f2
    clients := fun q => if q = r then c else s.clients q }
  have h2 : System.run p t s [.reconnect r, .sendResume r, .arrive f1,
      .persist (s.server.journal.length + 1), .arrive f2] = s' := by
    rw [show [Event.reconnect r, .sendResume r, .arrive f1, .persist (s.server.journal.length + 1), .arrive f2]
      = [.reconnect r, .sendResume r, .arrive f1] ++ [.persist (s.server.journal.length + 1), .arrive f2] from rfl,
      run_append, h1]
    simp only [System.run, System.step]
    rw [if_pos (List.mem_append.2 (.inl hrel))]
    simp only [System.handle, System.setClient, f2, s', c, srv', System.mk.injEq, true_and, and_true]
    funext q; split <;> rfl
  refine ⟨[.reconnect r, .sendResume r, .arrive f1, .persist (s.server.journal.length + 1), .arrive f2],
    by simp [Event.isExchange], ?_⟩
  rw [h2]
  have hc : c.epoch = some s.server.epochNext := by
    simp only [c, Client.handleOk, Client.reconnect]
    cases (s.clients r).memory with
    | none => simp
    | some m => simp; split <;> rfl
  refine ⟨⟨s.server.epochNext, by simpa [s'] using hc, by simp [s', srv', srv, Server.ungated, Server.persisted]⟩,
    fun hm => ?_, fun m hm => ?_, fun q => ?_, ?_, ?_⟩
  · simp only [s', if_true, c, Client.handleOk, Client.reconnect, hm, hA]; simp
  · have hl : ¬m.position < done.length := by
      rw [Memory.position, a.memory m hm, ← hA]; have := a.within.length_le; omega
    refine ⟨max m.acked done.length, ?_, by rw [hA]; exact Nat.le_max_right _ _⟩
    simp only [s', if_true, c, Client.handleOk, Client.reconnect, hm, hl, if_false]
    simp
  · simp only [s', srv', srv, Server.ungated, Server.persisted]; exact actions_attached q _ _ _
  · simp [s', srv', srv, Server.ungated, Server.persisted]
  · simp only [System.kept, Server.kept, s', srv']
    rw [show (srv.persisted (s.server.journal.length + 1)).ungated.durable = s.server.journal.length + 1 from hdur]
    exact List.take_of_length_le (by simp [srv, Server.ungated, Server.persisted])

/-- In no configuration that perfect channels lead to are two receives of one role possible. -/
def Determinate (p : Protocol) : Prop := ∀ j r, Ideal p j → (enabled p j r).length ≤ 1

/-- In every state that receives, a role waits for one partner, for each label at most once. -/
def Directed (p : Protocol) : Prop := ∀ r st bs, p.turn r st = .receives bs →
  (∀ b ∈ bs, ∀ c ∈ bs, b.peer = c.peer) ∧ bs.Pairwise (·.label ≠ ·.label)

theorem filterMap_le_one {α β : Type} (f : α → Option β) : ∀ {l : List α},
    l.Pairwise (fun a b => f a ≠ none → f b = none) → (l.filterMap f).length ≤ 1
  | [], _ => by simp
  | a :: l, h => by
    obtain ⟨h1, h2⟩ := List.pairwise_cons.1 h
    rw [List.filterMap_cons]; split
    · exact filterMap_le_one f h2
    · rename_i x hx
      have : l.filterMap f = [] :=
        List.filterMap_eq_nil_iff.2 fun b hb => h1 b hb (by rw [hx]; exact Option.some_ne_none x)
      rw [this]; exact Nat.le_refl _

/-- Directed types, the classic ones, are determinate. -/
theorem directed_determinate (h : Directed p) : Determinate p := by
  intro j r _
  simp only [enabled]; split
  · rename_i bs hs
    obtain ⟨st, _, ht⟩ := Option.map_eq_some_iff.1 hs
    obtain ⟨hp, hl⟩ := h r st bs ht
    refine filterMap_le_one _ (hl.imp_of_mem fun {a b} ha hb hlab hne => ?_)
    simp only at hne ⊢
    rw [hp a ha b hb] at hne
    split
    · rename_i m ms he
      refine if_neg fun hm => hne ?_
      rw [he]; exact if_neg (by rw [hm]; exact fun h => hlab h.symm)
    · rfl
  · simp

theorem persist_all (s : System) (n : Nat) (hn : s.server.journal.length ≤ n) :
    (System.step p t s (.persist n)).kept = s.server.journal := by
  simp only [System.step, System.kept, Server.kept, Server.ungated, Server.persisted]
  exact List.take_of_length_le (by omega)

/-- Where the client is attached and everything is kept, its next action is performed and kept. -/
theorem next_is_kept (h : Reachable p t honest s) (hr : honest r) {m : Memory} {e : Nat}
    (hm : (s.clients r).memory = some m) (he : (s.clients r).epoch = some e)
    (hl : s.server.epochs r = some e) (hk : s.kept = s.server.journal) (hd : Determinate p)
    (hn : .ended ∉ s.server.journal) (ho : (actions r s.server.journal).length < m.performed.length)
    (hroom : ∀ q x, m.performed[(actions r s.server.journal).length]? = some (.send q x) →
      (edge s.server.journal r q).length < p.capacity r q) :
    ∃ es, (∀ e ∈ es, e.isExchange) ∧ (System.run p t s es).clients = s.clients ∧
      (actions r s.server.journal).length < (actions r (System.run p t s es).kept).length := by
  obtain ⟨hist, a⟩ := reachable_agree h hr
  have hs := reachable_sound h
  have hp := a.memory m hm
  generalize hA : (actions r s.server.journal).length = n at *
  have hna := List.getElem?_eq_getElem ho
  generalize hact : m.performed[n] = act at hna
  have hw := a.within
  have hw' : actions r s.server.journal ++ [act] <+: hist := prefix_snoc hw (by rw [hA, ← hp]; exact hna)
  have hst := stateAfter_prefix hw' a.follows
  -- A frame that the machine's end accepts, and then everything is kept.
  have finish : ∀ (f : Frame) (ev : Event) (srv : Server), ev.isExchange →
      System.step p t s ev = s.post (some f) →
      (∀ l, System.handle p t { s with net := l } f = { s with net := l, server := srv }) →
      n < (actions r srv.journal).length →
      ∃ es, (∀ e ∈ es, e.isExchange) ∧ (System.run p t s es).clients = s.clients ∧
        n < (actions r (System.run p t s es).kept).length := by
    intro f ev srv hev h1 h2 h3
    refine ⟨[ev, .arrive f, .persist srv.journal.length], fun e he => ?_, ?_⟩
    · simp only [List.mem_cons, List.not_mem_nil, or_false] at he
      rcases he with rfl | rfl | rfl
      · exact hev
      · rfl
      · rfl
    have e2 : System.run p t s [ev, .arrive f] = { s with server := srv } := by
      show System.step p t (System.step p t s ev) (.arrive f) = _
      rw [h1]
      simp only [System.step, System.post, Option.toList_some, List.singleton_append,
        List.mem_cons, true_or, if_true, List.erase_cons_head]
      exact h2 s.net
    rw [show [ev, .arrive f, .persist srv.journal.length] = [ev, .arrive f] ++ [.persist srv.journal.length]
      from rfl, run_append, e2]
    refine ⟨rfl, ?_⟩
    have := persist_all (p := p) (t := t) { s with server := srv } srv.journal.length (Nat.le_refl _)
    simp only [System.run, this]; exact h3
  cases act with
  | send q x =>
    have hperf := perform_send_ok hn hst (hroom q x hna)
    have hok : actAt p t.digest t.remembered s.server.journal r n q x =
        .ok (s.server.journal ++ [.acted r (.send q x)]) := by
      simp only [actAt, hA, Nat.lt_irrefl, dite_false, Nat.sub_self, implied, hperf]
    refine finish (.act r e n q x) (.sendAct r n) (s.server.handleAct p t e ⟨r, n, q, x⟩) rfl ?_ (fun _ => rfl) ?_
    · have : m.acked ≤ n := by
        have := a.acked m hm; rw [hk, hA] at this; exact this
      simp [System.step, Client.act, hm, he, hna, this]
    · simp only [Server.handleAct, hl, ne_eq, not_true, if_false, hok]
      have := (actions_prefix r (Server.flush_acted (p := p) (t := t) (r := r) s.server.held.length
        (s.server.accept (s.server.journal ++ [.acted r (.send q x)]) r)).grows).length_le
      refine Nat.lt_of_lt_of_le ?_ this
      simp only [Server.accept, actions_acted, if_true, List.length_append, List.length_singleton, hA]
      omega
  | receive q x =>
    have hen : enabled p s.server.journal r = [(q, x)] := by
      have h1 := (receivedFrom_prefix q hw').trans (a.seen q)
      rw [hk, receivedFrom_append] at h1; simp only [receivedFrom, if_true] at h1
      have h2 := mem_enabled hst (drop_head.2 (prefix_getElem? h1 (by simp)))
      have h3 := hd s.server.journal r hs.ideal
      cases hx : enabled p s.server.journal r with
      | nil => rw [hx] at h2; cases h2
      | cons y ys =>
        rw [hx] at h2 h3
        cases ys with
        | nil => rw [List.mem_singleton.1 h2]
        | cons _ _ => simp at h3
    have hok : ackAt p s.server.journal r (n + 1) =
        .ok (s.server.journal ++ [.acted r (.receive q x)]) := by
      simp only [ackAt, hA, show n + 1 - n = 1 by omega, implied, hen]
      rw [if_neg (fun h => hn h.1)]
    refine finish (.ack r e (n + 1)) (.sendAck r (n + 1)) (s.server.handleAck p r e (n + 1)) rfl ?_ (fun _ => rfl) ?_
    · have : n + 1 ≤ m.position := ho
      simp [System.step, Client.ack, hm, he, this]
    · simp only [Server.handleAck, hl, ne_eq, not_true, if_false, hok, Server.accept, actions_acted,
        if_true, List.length_append, List.length_singleton, hA]
      omega

/-- Where the client is attached, a message that it lacks comes into its hands. -/
theorem message_comes (h : Reachable p t honest s) (hr : honest r) {m : Memory} {e : Nat}
    (hm : (s.clients r).memory = some m) (hl : s.server.epochs r = some e) {q : Role} {n : Nat}
    {x : Message} (hq : m.seq q ≤ n) (hx : (sentTo r (actions q s.server.journal))[n]? = some x) :
    ∃ es, (∀ e ∈ es, e.isExchange) ∧ ∃ l, (q, n, x) ∈ l ∧
      ((System.run p t s es).clients r).memory = some { m with inbox := l } := by
  obtain ⟨hist, a⟩ := reachable_agree h hr
  have hs := reachable_sound h
  have ht : ¬n < (receivedFrom q (actions r s.server.journal)).length := by
    have := (receivedFrom_prefix q a.within).length_le
    rw [Memory.seq, a.memory m hm] at hq; omega
  let f : Frame := .msg r q n x
  let srv : Server := { s.server with gated := s.server.gated ++ [(s.server.journal.length, f)] }
  have h1 : s.server.transmit q r n = srv := by
    simp [Server.transmit, ht, hl, hx, srv, f]
  have hrel : f ∈ (srv.persisted s.server.journal.length).released :=
    mem_released (k := s.server.journal.length) (by simp [Server.persisted, srv])
      (by simp only [Server.persisted, srv]; omega)
  refine ⟨[.transmit q r n, .persist s.server.journal.length, .arrive f], by simp [Event.isExchange],
    (m.take q n x).inbox, ?_, ?_⟩
  · simp only [Memory.take]
    rw [if_neg (by omega)]
    split
    · rename_i hany
      obtain ⟨⟨q', n', x'⟩, hin, hb⟩ := List.any_eq_true.1 hany
      simp only [Bool.and_eq_true, decide_eq_true_eq] at hb
      obtain ⟨rfl, rfl⟩ := hb
      have h2 := prefix_getElem? (sentOn_prefix q' r (kept_prefix s.server)) (a.inbox m hm _ _ _ hin)
      rw [hx] at h2; cases h2; exact hin
    · simp
  · simp only [System.run, System.step, h1]
    rw [if_pos (List.mem_append.2 (.inl hrel))]
    simp only [System.handle, System.setClient, if_true, Client.handleMsg, hm, Option.map_some, f]
    congr 1
    simp only [Memory.take]; repeat' split
    all_goals rfl

end

end Antiphon.Resume
