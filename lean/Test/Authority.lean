import Antiphon.Machine

/-!
Examples of authority: what a session of two roles answers, one request after the other.

In each scene the phone opens the session and so owns everything, at generation 1.
-/

namespace Antiphon.Machine.Test

/-- `Buyer` sends `order` to `Seller`, again and again. -/
def shop : Protocol :=
  { digest := "shop", name := "Shop", roles := ["Buyer", "Seller"]
    locals :=
      [.mu (.choice .send (.cons "Seller" "order" .unit (.var 0) .nil)),
        .mu (.choice .receive (.cons "Buyer" "order" .unit (.var 0) .nil))]
    labels := ["order"], messages := [⟨0, .unit⟩], edges := [⟨0, 1⟩]
    automata :=
      [⟨[⟨.send, [⟨1, 0, 0, 0, 0, false⟩]⟩]⟩, ⟨[⟨.receive, [⟨0, 0, 0, 0, 0, false⟩]⟩]⟩]
    evidence := Evidence.none, rooms := [8] }

#guard shop.wellFormed
#guard shop.follows

def everything : Scope := ⟨7⟩
def buyer : Scope := Scope.role 0
def seller : Scope := Scope.role 1

#guard Scope.session shop = everything
#guard buyer.union seller = everything.without Scope.lifecycle

def opened (onLost : OnLost) : Input :=
  .open
    { session := 5, protocol := "shop", owner := "phone", journal := true, onLost, policies := []
      capacities := ⟨none, [], true⟩ }

/-- An answer, so that it can be compared. -/
def said : Except Refusal Accepted → Refusal ⊕ Accepted
  | .error refusal => .inl refusal
  | .ok accepted => .inr accepted

/-- What a machine answers to each input, all at tick 10 but for those that wait. -/
def answers (m : State) : List (Tick × Input) → List (Refusal ⊕ Accepted)
  | [] => []
  | (now, input) :: rest =>
    let (m, answer, _) := m.step now input
    said answer :: answers m rest

/-- What it answers behind the opening. -/
def scene (inputs : List (Tick × Input)) (onLost : OnLost := .cancel) : List (Refusal ⊕ Accepted) :=
  (answers (State.start [shop] true) ((10, opened onLost) :: inputs)).drop 1

def under (owner : Owner) (generation : Generation) (scope : Scope) : Presented :=
  ⟨5, owner, generation, scope⟩

def phone : Presented := under "phone" 1 everything

def asks (by_ : Presented) (authority : Authority) : Tick × Input :=
  (10, .act by_ (.authority authority))

def orders (by_ : Presented) : Tick × Input := (10, .act by_ (.send ⟨0, 1, 0, .unit, none⟩))

/-- The transfer of the buyer's role from the phone. -/
def receipt (to : Recipient) : Receipt := ⟨5, 0, "phone", 1, to, buyer⟩

def commits (request : RequestId) (to : Recipient) (owner : Owner) : Tick × Input :=
  (10, .commit ⟨request, receipt to, owner⟩)

def stages (to : Recipient) (expires : Option Tick := none) (freeze : Bool := false) :
    Tick × Input :=
  asks phone (.stage 1 buyer to expires freeze)

def refused (refusal : Refusal) : Refusal ⊕ Accepted := .inl refusal
def issued (owner : Owner) (generation : Generation) (scope : Scope) : Refusal ⊕ Accepted :=
  .inr (.issued (under owner generation scope))
def staged (to : Recipient) : Refusal ⊕ Accepted := .inr (.staged (receipt to))
def done : Refusal ⊕ Accepted := .inr .done

/-! ## A role is handed over: the tablet goes on where the phone has stopped -/

#guard scene
  [orders phone, stages (.owner "tablet"), orders phone, commits 2 (.owner "tablet") "tablet",
    orders phone, orders (under "tablet" 2 buyer), orders (under "tablet" 2 everything)]
  = [.inr (.sent 0 1), staged (.owner "tablet"), .inr (.sent 1 2), issued "tablet" 2 buyer,
    refused (.staleCapability 1 2), .inr (.sent 2 3), .inr (.sent 3 4)]

-- What the phone has kept it still has; what it handed over it cannot stage again.
#guard scene
  [stages (.owner "tablet"), commits 2 (.owner "tablet") "tablet",
    asks phone (.release 3 seller), asks phone (.release 4 seller), asks phone (.release 3 seller),
    asks phone (.stage 5 buyer .bearer none false)]
  = [staged (.owner "tablet"), issued "tablet" 2 buyer, done, refused (.unclaimed seller), done,
    refused (.staleCapability 1 2)]

-- A frozen role performs no action; a transfer that ran out has moved nothing.
#guard scene
  [stages (.owner "tablet") (some 20) true, orders phone,
    (20, .act phone (.send ⟨0, 1, 0, .unit, none⟩)), commits 2 (.owner "tablet") "tablet"]
  = [staged (.owner "tablet"), refused (.transferPending 0), .inr (.sent 0 1),
    refused (.receiptSpent 0)]

/-! ## A capability that is not live -/

#guard scene
  [asks phone (.attenuate 1 buyer), orders phone, orders (under "phone" 2 buyer),
    orders (under "thief" 2 buyer), orders (under "phone" 3 buyer), orders (under "phone" 1 seller),
    orders (under "phone" 2 seller)]
  = [issued "phone" 2 buyer, refused (.staleCapability 1 2), .inr (.sent 0 1),
    refused (.staleCapability 2 2), refused (.staleCapability 3 2),
    refused (.scopeViolation buyer seller), refused (.scopeViolation buyer seller)]

/-! ## A receipt is brought again -/

-- The same commit gets the same answer; another owner, or another request, gets nothing.
#guard scene
  [stages .bearer, commits 2 .bearer "tablet", commits 2 .bearer "tablet",
    commits 2 .bearer "thief", commits 3 .bearer "tablet"]
  = [staged .bearer, issued "tablet" 2 buyer, issued "tablet" 2 buyer, refused (.receiptSpent 0),
    refused (.receiptSpent 0)]

-- It is for whom it is for, and compared field by field.
#guard scene
  [stages (.owner "tablet"), commits 2 (.owner "tablet") "thief", commits 2 .bearer "thief",
    (10, .commit ⟨2, { receipt (.owner "tablet") with id := 1 }, "tablet"⟩),
    asks phone (.rollback (receipt (.owner "tablet"))), commits 2 (.owner "tablet") "tablet"]
  = [staged (.owner "tablet"), refused (.receiptMismatch 0), refused (.receiptMismatch 0),
    refused (.transferNotPending 1), done, refused (.receiptSpent 0)]

/-! ## A witness is spent twice -/

def isEmpty : Predicate := ⟨[.edgeEmpty ⟨0, 1⟩]⟩

/-- That no order is on its way, for the phone. -/
def ready : Readiness := ⟨5, 0, "phone", 1, buyer.union seller, isEmpty⟩

#guard scene
  [asks phone (.issueReadiness 1 isEmpty), asks phone (.issueReadiness 1 isEmpty),
    asks (under "thief" 1 everything) (.consumeReadiness ready),
    asks phone (.consumeReadiness { ready with scope := buyer }),
    asks phone (.consumeReadiness ready), asks phone (.consumeReadiness ready)]
  = [.inr (.witness ready), .inr (.witness ready), refused (.staleCapability 1 1),
    refused (.invalidWitness 0), done, refused (.witnessSpent 0)]

-- It holds as long as its predicate does, and as long as its holder has the fragments.
#guard scene
  [asks phone (.issueReadiness 1 isEmpty), orders phone, asks phone (.consumeReadiness ready),
    asks phone (.issueReadiness 2 isEmpty), asks phone (.attenuate 3 buyer),
    asks phone (.consumeReadiness ready)]
  = [.inr (.witness ready), .inr (.sent 0 1), refused (.predicateFalse isEmpty),
    refused (.predicateFalse isEmpty), issued "phone" 2 buyer, refused (.staleCapability 1 2)]

-- A timer leaves a witness, which shows a death and is spent by it.
def late : TimeoutWitness := ⟨5, 0, .endpoint 0, "phone", 1, buyer, 15, none⟩

#guard scene (onLost := .release)
  [asks phone (.armTimer 1 (.endpoint 0) 5 none), asks phone (.consumeTimeout late),
    (15, .act phone (.authority (.ownerDied "phone" (.timeout late)))),
    (15, .act phone (.authority (.consumeTimeout late))),
    (15, .reclaim ⟨2, 5, "host", everything⟩), (15, .reclaim ⟨2, 5, "host", everything⟩)]
  = [.inr (.timer 0), refused (.invalidWitness 0), done, refused (.unclaimed buyer),
    issued "host" 2 everything, issued "host" 2 everything]

/-! ## A session that has ended grants nothing -/

#guard scene
  [stages .bearer, (10, .act phone .close), commits 2 .bearer "tablet",
    asks phone (.release 3 buyer), asks phone (.issueToken 4)]
  = [staged .bearer, done, refused (.terminal .closed), refused (.terminal .closed),
    refused (.terminal .closed)]

/-! ## Serials of tokens -/

#guard scene
  [asks phone (.issueToken 1), asks phone (.renew 1), asks phone (.renew 1),
    asks phone (.confirmToken 2), asks phone (.renew 1), asks phone (.renew 3)]
  = [.inr (.serial 1), .inr (.serial 2), .inr (.serial 2), done, refused (.tokenSpent 1 2),
    refused (.tokenUnknown 3 2)]

end Antiphon.Machine.Test
