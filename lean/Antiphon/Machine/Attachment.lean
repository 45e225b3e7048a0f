import Antiphon.Machine.Effect

/-!
Who comes over which connection: at most one live attachment a role, each with an epoch that is never
given twice.

What is kept of an attachment is bound to the generation that its role had. So whatever gives the role
to somebody else, or to nobody, ends the attachment, and does not have to know of it.

What an input came over stands beside its authority in the Rust (`Presented::over`). Here it is an
input of its own (`Input.over`), so that what a session does, and what it records, is the same over
every connection.

Rust twin: `src/machine/attachment.rs`. Clauses: ATT-1 to ATT-9.
-/

namespace Antiphon.Machine

namespace Attachments

/-- Nothing was attached yet. -/
def new : Attachments := ⟨0, 0, []⟩

/-- ATT-2: the epoch of the next one; `none` where the fencing epoch is used up. -/
def next (a : Attachments) : Option Epoch :=
  if a.counter < Epoch.counterMax then some ⟨a.fencing, a.counter + 1⟩ else none

def of (a : Attachments) (role : Nat) : Option Attachment := a.entries.find? (·.role == role)

def detach (a : Attachments) (role : Nat) : Attachments :=
  { a with entries := a.entries.filter (·.role != role) }

def attach (a : Attachments) (entry : Attachment) : Attachments :=
  { a with
    counter := entry.epoch.counter
    entries := (a.detach entry.role).entries ++ [entry] }

end Attachments

namespace Session

/-- What it has to which nothing was ever attached. -/
def attachmentsOrNew (s : Session) : Attachments := s.attachments.getD Attachments.new

/-- ATT-3: the live attachment of a role: made while the role had the generation that it has now. -/
def attached (s : Session) (role : Nat) : Option Epoch :=
  match s.attachmentsOrNew.of role, s.holdings.find? (·.scope.covers (Scope.role role)) with
  | some entry, some held =>
    if !held.released && held.generation == entry.generation then some entry.epoch else none
  | _, _ => none

/-- Whether this is the live attachment of the role. -/
def isAttached (s : Session) (role : Nat) (epoch : Epoch) : Except Refusal Unit :=
  if s.attached role = some epoch then .ok () else .error (.staleAttachment (s.attached role))

/-- ATT-5: whether what comes over an attachment comes over the live one of its role, where it is an
action of one; the refusal of who may not act as the role stands in front. -/
def comesOver (s : Session) (by_ : Presented) (epoch : Epoch) (act : Act) : Except Refusal Unit :=
  match act.role with
  | none => .ok ()
  | some role =>
    match s.acting by_ role with
    | .error refusal => .error refusal
    | .ok _ => s.isAttached role epoch

/-- It has these attachments from here on. -/
def attaching (p : Protocol) (now : Tick) (s : Session) (attachments : Attachments)
    (event : Recorded) (outcome : Outcome) (accepted : Accepted) (told : Event) : Came :=
  let (s, recorded) := { s.touch now with attachments := some attachments }.record event outcome
  s.came p accepted (recorded ++ [.event told])

/-- ATT-1: gives the role the next epoch; whoever was attached is stale from here. -/
def attach (p : Protocol) (now : Tick) (s : Session) (by_ : Presented) (role : Nat) :
    Except Refusal Came :=
  match s.acting by_ role with
  | .error refusal => .error refusal
  | .ok _ =>
    if s.status.isTerminal then .error (.terminal s.status) else
    match s.attachmentsOrNew.next with
    | none => .error .tooManyOutstanding
    | some epoch =>
      .ok (s.attaching p now (s.attachmentsOrNew.attach ⟨role, epoch, by_.generation⟩)
        (.input (.act by_ (.attach role))) (.attached epoch) (.attached epoch)
        (.attached s.id role epoch (s.attached role)))

/-- ATT-4: the role is attached no more. -/
def detach (p : Protocol) (now : Tick) (s : Session) (by_ : Presented) (role : Nat) (epoch : Epoch) :
    Except Refusal Came :=
  match s.acting by_ role with
  | .error refusal => .error refusal
  | .ok _ =>
    if s.status.isTerminal then .error (.terminal s.status) else
    match s.isAttached role epoch with
    | .error refusal => .error refusal
    | .ok () =>
      .ok (s.attaching p now (s.attachmentsOrNew.detach role)
        (.input (.act by_ (.detach role epoch))) .done .done (.detached s.id role epoch))

/-- ATT-6: the host was gone, and every connection with it. -/
def recovered (p : Protocol) (now : Tick) (s : Session) (fencing : Nat) : Except Refusal Came :=
  if s.status.isTerminal then .error (.terminal s.status) else
  if fencing ≤ s.attachmentsOrNew.fencing then .error (.staleFencing s.attachmentsOrNew.fencing) else
  .ok (s.attaching p now ⟨fencing, 0, []⟩ (.recovered fencing) .done .done
    (.recovered s.id fencing))

end Session

end Antiphon.Machine
