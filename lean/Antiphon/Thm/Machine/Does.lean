import Antiphon.Machine.State
import Antiphon.Thm.Machine.Edge
import Antiphon.Thm.Types.Subtype

/-!
# Proofs about what roles do: every operation is actions, and changes of everything else

`Does p s acts s'`: the session `s` becomes `s'` by the actions `acts` of its roles, each one that its
type allows, and by changes that touch neither roles nor edges. What is true of actions is proved once
here, by induction over them.
-/

namespace Antiphon.Machine

/-! ## Checks in a row -/

theorem seq_ok {α : Type} {a : Except Refusal Unit} {b : Except Refusal α} {c : α} :
    (a *> b) = .ok c ↔ a = .ok () ∧ b = .ok c := by
  cases a <;> simp [SeqRight.seqRight, Except.bind]

namespace Session

/-! ## What is left alone -/

/-- Roles, edges and names are the same. -/
structure Keeps (s s' : Session) : Prop where
  id : s'.id = s.id
  protocol : s'.protocol = s.protocol
  endpoints : s'.endpoints = s.endpoints
  edges : s'.edges = s.edges

theorem Keeps.refl (s : Session) : s.Keeps s := ⟨rfl, rfl, rfl, rfl⟩

theorem Keeps.trans {s t u : Session} (h : s.Keeps t) (h' : t.Keeps u) : s.Keeps u :=
  ⟨h'.id.trans h.id, h'.protocol.trans h.protocol, h'.endpoints.trans h.endpoints,
    h'.edges.trans h.edges⟩

theorem touch_keeps (s : Session) (now : Tick) : s.Keeps (s.touch now) := ⟨rfl, rfl, rfl, rfl⟩

theorem remember_keeps (s : Session) (role : Nat) : s.Keeps (s.remember role) :=
  ⟨rfl, rfl, rfl, rfl⟩

theorem record_keeps (s : Session) (event : Recorded) (outcome : Outcome) :
    s.Keeps (s.record event outcome).1 := by
  unfold record; split <;> exact ⟨rfl, rfl, rfl, rfl⟩

theorem ended_keeps (s : Session) (status : Status) : s.Keeps (s.ended status) :=
  ⟨rfl, rfl, rfl, rfl⟩

theorem endWith_keeps (p : Protocol) (s : Session) (status : Status) :
    s.Keeps (s.endWith p status).1 := s.ended_keeps status

theorem settle_keeps (p : Protocol) (s : Session) : s.Keeps (s.settle p).1 := by
  unfold settle; split
  · exact endWith_keeps p s _
  · exact Keeps.refl s

theorem came_keeps (p : Protocol) (s : Session) (accepted : Accepted) (outputs : List Output) :
    s.Keeps (s.came p accepted outputs).session := s.settle_keeps p

/-! ## Actions -/

/-- The session becomes another one by actions of its roles, and changes of everything else. -/
inductive Does (p : Protocol) : Session → List (Nat × Move) → Session → Prop
  | keeps {s s'} : s.Keeps s' → Does p s [] s'
  | first {s s₁ s' acts} : s.Keeps s₁ → Does p s₁ acts s' → Does p s acts s'
  | sends {s s' acts role move value} :
    role < s.endpoints.length →
    move ∈ (p.automaton role).sends (s.endpoint role).state →
    (s.buffer move.edge).hasRoom move.message s.kept = true →
    Does p (s.performSend role move value) acts s' →
    Does p s ((role, move.move .send) :: acts) s'
  | receives {s s' acts role move queued} :
    role < s.endpoints.length →
    move ∈ (p.automaton role).receives (s.endpoint role).state →
    (s.buffer move.edge).front = some queued → queued.message = move.message →
    Does p (s.performReceive role move queued).1 acts s' →
    Does p s ((role, move.move .receive) :: acts) s'

theorem Does.trans {p : Protocol} {s t u : Session} {acts acts' : List (Nat × Move)}
    (h : Does p s acts t) (h' : Does p t acts' u) : Does p s (acts ++ acts') u := by
  induction h with
  | keeps k => exact .first k h'
  | first k _ ih => exact .first k (ih h')
  | sends r m f _ ih => exact .sends r m f (ih h')
  | receives r m f e _ ih => exact .receives r m f e (ih h')

theorem Does.andKeeps {p : Protocol} {s t u : Session} {acts : List (Nat × Move)}
    (h : Does p s acts t) (h' : t.Keeps u) : Does p s acts u := by
  simpa using h.trans (.keeps h')

/-! ## What is told of them -/

/-- An action as an observer is told of it. -/
structure Advance where
  role : Nat
  direction : Direction
  peer : Nat
  label : Nat
deriving DecidableEq, Repr

/-- The action that is told by an output. -/
def advanceOf : Output → Option Advance
  | .event (.advanced _ role direction peer label _ _ _) => some ⟨role, direction, peer, label⟩
  | _ => none

/-- The actions that are told. -/
def advances (outputs : List Output) : List Advance := outputs.filterMap advanceOf

/-- An action as it is told. -/
def advance (act : Nat × Move) : Advance := ⟨act.1, act.2.direction, act.2.peer, act.2.label⟩

@[simp] theorem advances_append (a b : List Output) :
    advances (a ++ b) = advances a ++ advances b := List.filterMap_append

@[simp] theorem advances_nil : advances [] = [] := rfl

@[simp] theorem advances_say (s : Session) (audits : List Audit) : advances (s.say audits) = [] := by
  simp [advances, say, List.filterMap_map, Function.comp_def, advanceOf]

@[simp] theorem advances_record (s : Session) (event : Recorded) (outcome : Outcome) :
    advances (s.record event outcome).2 = [] := by
  unfold record; split <;> rfl

@[simp] theorem advances_endWith (p : Protocol) (s : Session) (status : Status) :
    advances (s.endWith p status).2 = [] := by
  simp only [endWith, advances_append, advances_say, List.nil_append]
  rfl

@[simp] theorem advances_settle (p : Protocol) (s : Session) : advances (s.settle p).2 = [] := by
  unfold settle; split
  · exact advances_endWith p s _
  · rfl

@[simp] theorem advances_came (p : Protocol) (s : Session) (accepted : Accepted)
    (outputs : List Output) : advances (s.came p accepted outputs).outputs = advances outputs := by
  simp [came]

/-- What an operation does, and that it tells all of it. -/
def Made.Does (p : Protocol) (s : Session) (came : Came) : Prop :=
  ∃ acts, Session.Does p s acts came.session ∧ advances came.outputs = acts.map advance

theorem unchanged_does (p : Protocol) (s : Session) (accepted : Accepted) :
    Made.Does p s (s.unchanged accepted) := ⟨[], .keeps (Keeps.refl s), rfl⟩

/-- An operation that does nothing but what is left alone. -/
theorem keeps_does {p : Protocol} {s : Session} {came : Came} (h : s.Keeps came.session)
    (h' : advances came.outputs = []) : Made.Does p s came := ⟨[], .keeps h, h'⟩

theorem acting_role {s : Session} {by_ : Presented} {role : Nat} {endpoint : Endpoint}
    (h : s.acting by_ role = .ok endpoint) :
    role < s.endpoints.length ∧ endpoint = s.endpoint role := by
  unfold acting at h
  split at h
  · simp at h
  · rename_i e he
    split at h
    · simp at h
    · injection h with h
      subst h
      obtain ⟨hl, hg⟩ := List.getElem?_eq_some_iff.1 he
      exact ⟨hl, by simp [Session.endpoint, List.getD_eq_getElem?_getD, he]⟩

theorem performReceive_roles (s : Session) (role : Nat) (move : Transition) (queued : Queued) :
    (s.performReceive role move queued).1.endpoints.length = s.endpoints.length := by
  simp [performReceive, put]

/-- POS-2: implied receives are receives. -/
theorem implied_does {p : Protocol} {role : Nat} {upto : Position} :
    ∀ {missing : Nat} {s s' : Session} {received : List Received}, role < s.endpoints.length →
      s.implied p role upto missing = .ok (s', received) →
      ∃ acts, Does p s acts s' ∧ role < s'.endpoints.length
        ∧ ∀ t : Session, advances (t.consumed role received) = acts.map advance
  | 0, s, s', received, hr, h => by
    simp only [implied, Except.ok.injEq, Prod.mk.injEq] at h
    obtain ⟨rfl, rfl⟩ := h
    exact ⟨[], .keeps (Keeps.refl _), hr, fun t => rfl⟩
  | missing + 1, s, s', received, hr, h => by
    simp only [implied] at h
    split at h
    · simp at h
    · rename_i only he
      split at h
      · simp at h
      · split at h
        · simp at h
        · rename_i queued hq
          split at h
          · simp at h
          · rename_i t others hi
            simp only [Except.ok.injEq, Prod.mk.injEq] at h
            obtain ⟨rfl, rfl⟩ := h
            have mem : only ∈ s.enabled p role (s.endpoint role).state fun _ => 0 := by
              rw [he]; exact List.mem_singleton.2 rfl
            simp only [enabled, List.mem_filter] at mem
            obtain ⟨mem, is⟩ := mem
            have hq' : (s.buffer only.edge).get 0 = some queued := by
              simpa [Buffer.get, Buffer.front, List.head?_eq_getElem?] using hq
            rw [hq'] at is
            have is : queued.message = only.message := by simpa using is
            obtain ⟨acts, does, hr', told⟩ :=
              implied_does (by rw [performReceive_roles]; exact hr) hi
            refine ⟨(role, only.move .receive) :: acts, .receives hr mem hq is does, hr', ?_⟩
            intro t
            have := told t
            simp only [consumed, advances] at this
            simp only [consumed, advances, List.map_cons, List.filterMap_cons]
            simp only [advanced, advanceOf, performReceive]
            rw [← this]
            rfl
    · simp at h

theorem sendable_move {p : Protocol} {s : Session} {send : Send} {move : Transition} {value : Value}
    (h : s.sendable p send = .ok (move, value)) :
    s.status = .active ∧ move ∈ (p.automaton send.role).sends (s.endpoint send.role).state
      ∧ (s.buffer move.edge).hasRoom move.message s.kept = true
      ∧ (p.message move.message).sort.conform send.value = .ok value := by
  unfold sendable at h
  simp only at h
  split at h
  · simp at h
  · rename_i active
    split at h
    · simp at h
    · split at h
      · simp at h
      · rename_i found hs
        split at h
        · simp at h
        · rename_i made hc
          split at h
          · rename_i room
            simp only [Except.ok.injEq, Prod.mk.injEq] at h
            obtain ⟨rfl, rfl⟩ := h
            exact ⟨by simpa using active, List.mem_of_find?_eq_some hs, room, hc⟩
          · simp at h

theorem sendNow_does {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {send : Send}
    {received : List Received} {came : Came} (hr : send.role < s.endpoints.length)
    (h : s.sendNow p now by_ send received = .ok came) :
    ∃ act, Does p s [act] came.session
      ∧ advances came.outputs = advances ((s.touch now).consumed send.role received) ++ [advance act] := by
  unfold sendNow at h
  split at h
  · simp at h
  · rename_i move value hs
    simp only [Except.ok.injEq] at h
    subst h
    obtain ⟨_, mem, room, _⟩ := sendable_move hs
    refine ⟨(send.role, move.move .send), ?_, ?_⟩
    · refine Does.first (touch_keeps s now) (Does.sends hr mem room ?_ (value := value))
      exact .keeps ((record_keeps _ _ _).trans (came_keeps p _ _ _))
    · simp only [advances_came, advances_append, advances_record, List.nil_append]
      congr 1
      simp only [consumed, advances, List.filterMap_map]
      rfl

theorem send_does {p : Protocol} {now : Tick} {s : Session} {by_ : Presented} {send : Send}
    {came : Came} (h : s.send p now by_ send = .ok came) : Made.Does p s came := by
  unfold Session.send at h
  split at h
  · simp at h
  · rename_i endpoint ha
    obtain ⟨hr, _⟩ := acting_role ha
    split at h
    · obtain ⟨act, does, told⟩ := sendNow_does hr h
      exact ⟨[act], does, by rw [told]; rfl⟩
    · split at h
      · split at h
        · simp at h
        · simp only [Except.ok.injEq] at h
          subst h
          exact unchanged_does p s _
      · split at h
        · simp at h
        · rename_i t received hi
          obtain ⟨acts, does, hr', told⟩ := implied_does (by exact hr) hi
          obtain ⟨act, does', told'⟩ := sendNow_does hr' h
          refine ⟨acts ++ [act], .first (remember_keeps s send.role) (does.trans does'), ?_⟩
          rw [told', told]
          simp

theorem receivable_move {p : Protocol} {s : Session} {role peer : Nat} {move : Transition}
    {head : Queued} (wf : (p.automaton role).wellFormed = true)
    (h : s.receivable p role peer = .ok (move, head)) :
    s.status.isTerminal = false ∧ move ∈ (p.automaton role).receives (s.endpoint role).state
      ∧ head.message = move.message ∧ ∃ waiting : Transition,
        (p.automaton role).receiveFrom (s.endpoint role).state peer = some waiting
          ∧ (s.buffer waiting.edge).front = some head ∧ move.peer = peer := by
  unfold receivable at h
  simp only at h
  split at h
  · simp at h
  · rename_i goes
    split at h
    · simp at h
    · split at h
      · simp at h
      · rename_i waiting hw
        split at h
        · simp at h
        · rename_i first hf
          split at h
          · rename_i found hr
            simp only [Except.ok.injEq, Prod.mk.injEq] at h
            obtain ⟨rfl, rfl⟩ := h
            obtain ⟨mem, hp, _, hm⟩ := (Automaton.receive_iff wf).1 hr
            exact ⟨by simpa using goes, mem, hm.symm, waiting, hw, hf, hp⟩
          · simp at h

end Session

end Antiphon.Machine
