import Antiphon.Resume.Link
import Antiphon.Resume.Raw
/-!
# Examples of the sequencer, the link's states and the link

Tables that a person can check: a wrong definition proves nothing.
-/

namespace Antiphon.Resume.Test

/-! ## Outbound -/

def two : Outbound String := { capacity := 2 }

def sent (o : Outbound String) (x : String) : Outbound String :=
  match o.send x with
  | .ok (_, o) => o
  | .error _ => o

def acked (o : Outbound String) (n : Nat) : Outbound String :=
  match o.ack n with
  | .ok o => o
  | .error _ => o

def refusal {ε α : Type} : Except ε α → Option ε
  | .ok _ => none
  | .error e => some e

-- Numbers begin at 1; what does not fit gets none.
#guard (two.send "a").toOption.map (·.1) = some 1
#guard ((sent two "a").send "b").toOption.map (·.1) = some 2
#guard refusal ((sent (sent two "a") "b").send "c") = some .full
-- An acknowledgement makes room, and the numbers go on.
#guard ((acked (sent (sent two "a") "b") 1).send "c").toOption.map (·.1) = some 3
#guard (acked (sent (sent two "a") "b") 1).retained = ["b"]
-- Twice the same, or an old one, changes nothing.
#guard acked (acked (sent (sent two "a") "b") 1) 1 = acked (sent (sent two "a") "b") 1
#guard acked (sent two "a") 0 = sent two "a"
-- What was never sent is not acknowledged.
#guard refusal ((sent two "a").ack 2) = some .neverSent
#guard refusal (two.ack 0) = none
#guard refusal (two.ack 1) = some .neverSent
-- Retransmission says what is there, and whether that is all.
#guard (sent (sent two "a") "b").retransmit 1 = ⟨[(1, "a"), (2, "b")], false, 1⟩
#guard (sent (sent two "a") "b").retransmit 0 = ⟨[(1, "a"), (2, "b")], false, 1⟩
#guard (sent (sent two "a") "b").retransmit 2 = ⟨[(2, "b")], false, 1⟩
#guard (sent (sent two "a") "b").retransmit 3 = ⟨[], false, 1⟩
#guard (acked (sent (sent two "a") "b") 1).retransmit 1 = ⟨[(2, "b")], true, 2⟩
#guard (acked (sent (sent two "a") "b") 1).retransmit 2 = ⟨[(2, "b")], false, 2⟩
-- What is given up on is named, and no number comes again.
#guard (sent (sent two "a") "b").expire 1 = ([(1, "a")], { capacity := 2, oldest := 2, retained := ["b"] })
#guard ((sent (sent two "a") "b").expire 9).2.next = 3
-- A restart goes on where it was.
#guard (Outbound.restore 2 2 ["b"]).toOption = some (acked (sent (sent two "a") "b") 1)
#guard refusal (Outbound.restore 2 0 ["b"]) = some .zero
#guard refusal (((Outbound.restore 1 4 ["x", "y"]).toOption.getD two).send "z") = some .full

/-! ## Inbound -/

def three : Inbound String := { window := 3 }

def offered : Inbound String → List (Nat × String) → List Verdict × Inbound String
  | i, [] => ([], i)
  | i, (n, x) :: fs =>
    let (v, i) := i.offer n x
    let (vs, i) := offered i fs
    (v :: vs, i)

#guard (offered three [(1, "a"), (2, "b")]).1 = [.deliver, .deliver]
#guard (offered three [(1, "a"), (1, "a")]).1 = [.deliver, .dropDuplicate]
#guard (offered three [(2, "b"), (2, "b")]).1 = [.deliverPending, .dropDuplicate]
-- `delivered + window` is the last that is inside.
#guard (offered three [(3, "c"), (4, "d")]).1 = [.deliverPending, .dropViolation]
#guard (offered three [(1, "a"), (4, "d"), (5, "e")]).1 = [.deliver, .deliverPending, .dropViolation]
#guard (offered {} [(64, "y"), (65, "z")]).1 = [.deliverPending, .dropViolation]
#guard (offered three [(0, "z")]).1 = [.dropViolation]
-- A delivery unblocks what follows without a gap, in order, each once.
#guard (offered three [(3, "c"), (2, "b"), (1, "a")]).2.flushPending =
  ([(2, "b"), (3, "c")], { delivered := 3, window := 3 })
#guard (offered three [(4, "e"), (3, "c"), (1, "a")]).2.flushPending.1 = []
#guard (offered three [(3, "c"), (2, "b"), (1, "a")]).2.flushPending.2.flushPending.1 = []
-- What is unblocked and not flushed yet is not delivered a second time.
#guard (offered three [(2, "b"), (1, "a"), (2, "b")]).1 = [.deliverPending, .deliver, .dropDuplicate]
-- `resumeTo` goes forward only.
#guard ((offered three [(1, "a"), (2, "b")]).2.resumeTo 1).delivered = 2
#guard ((offered three [(3, "c")]).2.resumeTo 2).flushPending.1 = [(3, "c")]
#guard ((offered three [(2, "b"), (3, "c")]).2.resumeTo 2).held = [(3, "c")]
#guard (((offered three [(1, "a")]).2.resumeTo 5).offer 5 "e").1 = .dropDuplicate

/-! ## The states of a link: the whole table -/

#guard (LinkState.all.map fun s => LinkEvent.all.map s.step) = [
  --               established    lost               resume           resumed        rejected            expire
  /- connecting -/   [some .active, none,               none,            none,          none,               some .expired],
  /- active -/       [none,         some .disconnected, some .resuming,  none,          none,               some .expired],
  /- disconnected -/ [none,         none,               some .resuming,  none,          none,               some .expired],
  /- resuming -/     [none,         some .disconnected, some .resuming,  some .active,  some .disconnected, some .expired],
  /- expired -/      [none,         none,               none,            none,          none,               none]]

/-! ## A raw link that loses, repeats and overtakes -/

def raw (es : List (RawEvent String)) : Raw String := (Raw.start 4 4).run es

-- What is not durable does not leave.
#guard (raw [.send "a", .transmit 1]).net = []
#guard (raw [.send "a", .persist, .send "b", .transmit 1]).net = [(1, "a")]
-- The second overtakes the first, the first comes twice.
#guard (raw [.send "a", .send "b", .persist, .transmit 1, .arrive 1, .flush, .duplicate 0, .arrive 0,
  .flush, .arrive 0]).delivered = ["a", "b"]
-- The receiver loses what it holds, and gets it again from its own resume point.
#guard (raw [.send "a", .send "b", .persist, .transmit 1, .arrive 1, .forget, .arrive 0, .flush]).delivered = ["a"]
#guard (raw [.send "a", .send "b", .persist, .transmit 1, .arrive 1, .forget, .arrive 0, .flush,
  .transmit 2, .arrive 0]).delivered = ["a", "b"]
-- The sender restarts: what it has not made durable gets its number again.
#guard (raw [.send "a", .persist, .send "b", .restart, .send "c", .persist, .transmit 1, .arrive 0,
  .arrive 0]).delivered = ["a", "c"]
#guard (raw [.send "a", .persist, .transmit 1, .arrive 0, .ack, .ackArrive 0]).outbound.retained = []

/-! ## The link

Role 0 asks role 1 a question (label 0) and gets an answer (label 1); then the same again, for ever.
-/

def ping : Protocol where
  start _ := 0
  turn r s := match r, s with
    | 0, 0 => .sends [⟨1, 0, 1⟩]
    | 0, 1 => .receives [⟨1, 1, 0⟩]
    | 1, 0 => .receives [⟨0, 0, 1⟩]
    | 1, 1 => .sends [⟨0, 1, 0⟩]
    | _, _ => .receives []
  capacity _ _ := 1

def ask (v : Nat) : Message := ⟨0, v⟩
def tell (v : Nat) : Message := ⟨1, v⟩

def play (es : List Event) : System := System.run ping {} {} es

/-- Both are attached: their epochs are 0 and 1. -/
def attach : List Event := [
  .reconnect 0, .sendResume 0, .arrive (.resume 0 0 none), .persist 1, .arrive (.ok 0 0 0 []),
  .reconnect 1, .sendResume 1, .arrive (.resume 1 1 none), .persist 2, .arrive (.ok 1 1 1 [])]

def kept (s : System) (r : Role) : List Action := actions r s.kept
def memory (s : System) (r : Role) : Option (List Action) := (s.clients r).memory.map (·.performed)
def ackedUpTo (s : System) (r : Role) : Option Nat := (s.clients r).memory.map (·.acked)

#guard memory (play attach) 0 = some []
#guard (play attach).server.epochs 1 = some 1

/-- The question is asked, performed and durable. -/
def asked : List Event := attach ++ [.decide 0 1 (ask 7), .sendAct 0 0, .arrive (.act 0 0 0 1 (ask 7))]

-- Nothing leaves before it is kept.
#guard (play asked).net = []
#guard kept (play asked) 0 = []
#guard (play (asked ++ [.persist 3])).net = [.done 0 1]
#guard kept (play (asked ++ [.persist 3])) 0 = [.send 1 (ask 7)]
-- A restart loses what is not durable, and the client, who was not told, sends it again.
#guard (play (asked ++ [.restart])).server.journal.length = 2
#guard (play (asked ++ [.restart, .persist 3])).net = []
#guard (play (asked ++ [.restart])).owed 0 = 1
-- What comes twice is acknowledged twice and performed once.
#guard (play (asked ++ [.sendAct 0 0, .arrive (.act 0 0 0 1 (ask 7)), .persist 3])).net = [.done 0 1, .done 0 1]
#guard kept (play (asked ++ [.sendAct 0 0, .arrive (.act 0 0 0 1 (ask 7)), .persist 3])) 0 = [.send 1 (ask 7)]
-- Something else with the same number is not acknowledged.
#guard (play (asked ++ [.persist 3, .forge (.act 0 0 0 1 (ask 8)), .arrive (.act 0 0 0 1 (ask 8)), .persist 9])).net
  = [.done 0 1]
-- Neither is a frame of an attachment that is stale.
#guard (play (asked ++ [.persist 3, .forge (.act 0 5 0 1 (ask 7)), .arrive (.act 0 5 0 1 (ask 7)), .persist 9])).net
  = [.done 0 1]

/-- The other role has the question and answers; its receive is implied. -/
def answered : List Event := asked ++ [.persist 3, .transmit 0 1 0, .persist 3, .arrive (.msg 1 0 0 (ask 7)),
  .consume 1 0, .decide 1 0 (tell 9), .sendAct 1 1, .arrive (.act 1 1 1 0 (tell 9)), .persist 9]

#guard kept (play answered) 1 = [.receive 0 (ask 7), .send 0 (tell 9)]
#guard memory (play answered) 1 = some [.receive 0 (ask 7), .send 0 (tell 9)]
-- The answer is on its edge until it is consumed, whatever was transmitted.
#guard edge (play answered).kept 1 0 = [tell 9]
#guard edge (play (answered ++ [.transmit 1 0 0, .persist 9, .arrive (.msg 0 1 0 (tell 9))])).kept 1 0 = [tell 9]

/-- The asker consumes the answer and asks again: two things that the machine does not know of. -/
def again : List Event := answered ++ [.transmit 1 0 0, .persist 9, .arrive (.msg 0 1 0 (tell 9)),
  .consume 0 1, .decide 0 1 (ask 8)]

#guard (play again).owed 0 = 2
#guard kept (play (again ++ [.sendAct 0 2, .arrive (.act 0 0 2 1 (ask 8)), .persist 9])) 0 =
  [.send 1 (ask 7), .receive 1 (tell 9), .send 1 (ask 8)]
-- A bare acknowledgement consumes too. One that claims more than the type allows does nothing.
#guard kept (play (again ++ [.sendAck 0 2, .arrive (.ack 0 0 2), .persist 9])) 0 =
  [.send 1 (ask 7), .receive 1 (tell 9)]
#guard kept (play (again ++ [.sendAck 0 3, .arrive (.ack 0 0 3), .persist 9])) 0 = [.send 1 (ask 7)]
-- The same message does not come into the client's hands again.
#guard ((play (again ++ [.transmit 1 0 0, .persist 9, .arrive (.msg 0 1 0 (tell 9))])).clients 0).memory.map
  (·.inbox) = some []

-- An action that is ahead is held, and performed when the gap fills.
def early : List Event := attach ++ [.forge (.act 0 0 2 1 (ask 8)), .arrive (.act 0 0 2 1 (ask 8))]
#guard (play early).server.held = [⟨0, 2, 1, ask 8⟩]
#guard (play early).server.journal.length = 2
#guard (play (attach ++ [.forge (.act 0 0 64 1 (ask 8)), .arrive (.act 0 0 64 1 (ask 8))])).server.held = []
#guard (play (attach ++ [.forge (.act 0 0 63 1 (ask 8)), .arrive (.act 0 0 63 1 (ask 8))])).server.held.length = 1

-- A lost connection: the client comes back with its memory, and its outbox goes on.
def back : List Event := again ++ [.disconnect 0, .reconnect 0, .sendResume 0, .arrive (.resume 0 2 (some 0)),
  .persist 9, .arrive (.ok 0 2 2 [.send 1 (ask 7)])]
#guard memory (play back) 0 = memory (play again) 0
#guard ackedUpTo (play back) 0 = some 1
#guard kept (play (back ++ [.sendAct 0 2, .arrive (.act 0 2 2 1 (ask 8)), .persist 9])) 0 =
  [.send 1 (ask 7), .receive 1 (tell 9), .send 1 (ask 8)]
-- From its resume on, what it sent before is stale.
#guard kept (play (again ++ [.sendAct 0 2] ++ back.drop again.length ++ [.arrive (.act 0 0 2 1 (ask 8)), .persist 9])) 0
  = [.send 1 (ask 7)]

-- All memory is lost: the client goes on from what the machine says, and gets the answer again.
def amnesia : List Event := again ++ [.sendAct 0 2, .forget 0, .reconnect 0, .sendResume 0,
  .arrive (.resume 0 2 none), .persist 9, .arrive (.ok 0 2 2 [.send 1 (ask 7)])]
#guard memory (play amnesia) 0 = some [.send 1 (ask 7)]
#guard memory (play (amnesia ++ [.transmit 1 0 0, .persist 9, .arrive (.msg 0 1 0 (tell 9)), .consume 0 1])) 0 =
  some [.send 1 (ask 7), .receive 1 (tell 9)]
-- A late copy of the decision that it forgot does not pass for a new one.
#guard kept (play (amnesia ++ [.arrive (.act 0 0 2 1 (ask 8)), .persist 9])) 0 = [.send 1 (ask 7)]
-- An answer to somebody else's `resume` is nobody's.
#guard memory (play (again ++ [.forget 0, .reconnect 0, .arrive (.ok 0 0 0 [])])) 0 = none

/-- Role 0 sends to 1 and receives from 2, in turn; 1 never receives. -/
def feed : Protocol where
  start _ := 0
  turn r s := match r, s with
    | 0, 0 => .sends [⟨1, 0, 1⟩]
    | 0, 1 => .receives [⟨2, 1, 0⟩]
    | 2, 0 => .sends [⟨0, 1, 0⟩]
    | _, _ => .receives []
  capacity _ _ := 1

/-- The second send of 0 has no room. -/
def blocked : List Event := [
  .reconnect 0, .sendResume 0, .arrive (.resume 0 0 none), .persist 1, .arrive (.ok 0 0 0 []),
  .reconnect 2, .sendResume 2, .arrive (.resume 2 1 none), .persist 2, .arrive (.ok 2 1 1 []),
  .decide 0 1 (ask 1), .sendAct 0 0, .arrive (.act 0 0 0 1 (ask 1)),
  .decide 2 0 (tell 2), .sendAct 2 0, .arrive (.act 2 1 0 0 (tell 2)), .persist 4,
  .transmit 2 0 0, .persist 4, .arrive (.msg 0 2 0 (tell 2)), .consume 0 2,
  .decide 0 1 (ask 3), .sendAct 0 2, .arrive (.act 0 0 2 1 (ask 3)), .persist 9]

-- It is refused whole: the receive before it is not performed either.
#guard actions 0 (System.run feed {} {} blocked).kept = [.send 1 (ask 1)]
-- So that 2 does not wait for ever for room, the receive is acknowledged alone.
#guard actions 0 (System.run feed {} {} (blocked ++ [.sendAck 0 2, .arrive (.ack 0 0 2), .persist 9])).kept
  = [.send 1 (ask 1), .receive 2 (tell 2)]

-- The end: nothing is performed any more, and what was performed is still answered for.
#guard kept (play (again ++ [.finish, .sendAct 0 2, .arrive (.act 0 0 2 1 (ask 8)), .persist 9])) 0 = [.send 1 (ask 7)]
#guard (play (asked ++ [.persist 3, .finish, .arrive (.done 0 1), .forge (.act 0 0 0 1 (ask 7)),
  .arrive (.act 0 0 0 1 (ask 7)), .persist 9])).net = [.done 0 1]

end Antiphon.Resume.Test
