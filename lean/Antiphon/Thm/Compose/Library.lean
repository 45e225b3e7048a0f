import Antiphon.Thm.Compose

/-!
# Protocols of the library that the kernel has found safe

Written by `lean/Oracle.lean --library`, which `.ci/library` asks: the tables of each protocol, as sessions run them, and a set of
configurations that passes the check in the kernel. What that is worth say `check_sound`, of configurations, and `session_safe`
and `session_never_stuck`, of sessions. Of the other protocols the same check is run, not evaluated by the kernel.
-/

-- One theorem after the other: what they are made of is large, and in WebAssembly two threads take twice the time for it.
set_option Elab.async false

namespace Antiphon.Compose.Library

/-- The tables of `calculator`. -/
def calculator : List Automaton := [
  ⟨[
    ⟨.send, [⟨1, 0, 0, 0, 1, false⟩, ⟨1, 1, 1, 0, 2, false⟩, ⟨1, 2, 2, 0, 1, false⟩, ⟨1, 5, 5, 0, 3, true⟩]⟩,
    ⟨.receive, [⟨1, 4, 4, 1, 0, false⟩]⟩,
    ⟨.receive, [⟨1, 3, 3, 1, 0, false⟩, ⟨1, 6, 6, 1, 0, false⟩]⟩,
    ⟨.receive, []⟩]⟩,
  ⟨[
    ⟨.receive, [⟨0, 0, 0, 0, 1, false⟩, ⟨0, 1, 1, 0, 2, false⟩, ⟨0, 2, 2, 0, 1, false⟩, ⟨0, 5, 5, 0, 3, true⟩]⟩,
    ⟨.send, [⟨0, 4, 4, 1, 0, false⟩]⟩,
    ⟨.send, [⟨0, 3, 3, 1, 0, false⟩, ⟨0, 6, 6, 1, 0, false⟩]⟩,
    ⟨.receive, []⟩]⟩]

/-- `calculator` is safe with room for 1 on each edge: 11 configurations. -/
theorem calculator_checked : Checked ⟨calculator, [1, 1]⟩ :=
  ⟨.of [
    (1077345, ⟨[3, 3], [[], []]⟩, .home []),
    (985089, ⟨[0, 0], [[], []]⟩, .away 2),
    (1046593, ⟨[2, 2], [[], []]⟩, .away 4),
    (1015841, ⟨[1, 1], [[], []]⟩, .away 4),
    (33313129, ⟨[3, 0], [[5], []]⟩, .away 1),
    (31461406, ⟨[1, 0], [[], [4]]⟩, .away 3),
    (31461282, ⟨[1, 0], [[0], []]⟩, .away 5),
    (32384896, ⟨[2, 0], [[], [3]]⟩, .away 3),
    (31463204, ⟨[1, 0], [[2], []]⟩, .away 5),
    (32384989, ⟨[2, 0], [[], [6]]⟩, .away 3),
    (32385764, ⟨[2, 0], [[1], []]⟩, .away 5)], by decide +kernel⟩

/-- The tables of `delegated_purchase_handover`. -/
def delegated_purchase_handover : List Automaton := [
  ⟨[
    ⟨.send, [⟨1, 1, 1, 0, 1, false⟩, ⟨1, 2, 2, 0, 2, true⟩]⟩,
    ⟨.send, [⟨1, 0, 0, 0, 2, true⟩]⟩,
    ⟨.receive, []⟩]⟩,
  ⟨[
    ⟨.receive, [⟨0, 1, 1, 0, 1, false⟩, ⟨0, 2, 2, 0, 2, true⟩]⟩,
    ⟨.receive, [⟨0, 0, 0, 0, 2, true⟩]⟩,
    ⟨.receive, []⟩]⟩]

/-- `delegated_purchase_handover` is safe with room for 1 on each edge: 6 configurations. -/
theorem delegated_purchase_handover_checked : Checked ⟨delegated_purchase_handover, [1]⟩ :=
  ⟨.of [
    (33761, ⟨[2, 2], [[]]⟩, .home []),
    (31777, ⟨[0, 0], [[]]⟩, .away 2),
    (32769, ⟨[1, 1], [[]]⟩, .away 2),
    (1044733, ⟨[2, 0], [[2]]⟩, .away 1),
    (1014911, ⟨[1, 0], [[1]]⟩, .away 3),
    (1045632, ⟨[2, 1], [[0]]⟩, .away 1)], by decide +kernel⟩

/-- The tables of `delegated_purchase_purchase`. -/
def delegated_purchase_purchase : List Automaton := [
  ⟨[
    ⟨.send, [⟨1, 0, 0, 0, 1, false⟩, ⟨1, 2, 2, 0, 2, false⟩, ⟨1, 4, 4, 0, 3, true⟩]⟩,
    ⟨.send, [⟨1, 1, 1, 0, 4, false⟩]⟩,
    ⟨.receive, [⟨1, 5, 5, 1, 0, false⟩]⟩,
    ⟨.receive, []⟩,
    ⟨.receive, [⟨1, 3, 3, 1, 3, true⟩]⟩]⟩,
  ⟨[
    ⟨.receive, [⟨0, 0, 0, 0, 1, false⟩, ⟨0, 2, 2, 0, 2, false⟩, ⟨0, 4, 4, 0, 3, true⟩]⟩,
    ⟨.receive, [⟨0, 1, 1, 0, 4, false⟩]⟩,
    ⟨.send, [⟨0, 5, 5, 1, 0, false⟩]⟩,
    ⟨.receive, []⟩,
    ⟨.send, [⟨0, 3, 3, 1, 3, true⟩]⟩]⟩]

/-- `delegated_purchase_purchase` is safe with room for 1 on each edge: 11 configurations. -/
theorem delegated_purchase_purchase_checked : Checked ⟨delegated_purchase_purchase, [1, 1]⟩ :=
  ⟨.of [
    (1077345, ⟨[3, 3], [[], []]⟩, .home []),
    (985089, ⟨[0, 0], [[], []]⟩, .away 2),
    (1046593, ⟨[2, 2], [[], []]⟩, .away 4),
    (1015841, ⟨[1, 1], [[], []]⟩, .away 4),
    (33312168, ⟨[3, 0], [[4], []]⟩, .away 1),
    (32384958, ⟨[2, 0], [[], [5]]⟩, .away 3),
    (1108097, ⟨[4, 4], [[], []]⟩, .away 2),
    (31461282, ⟨[1, 0], [[0], []]⟩, .away 5),
    (32386725, ⟨[2, 0], [[2], []]⟩, .away 5),
    (34321311, ⟨[4, 3], [[], [3]]⟩, .away 1),
    (34262597, ⟨[4, 1], [[1], []]⟩, .away 3)], by decide +kernel⟩

/-- The tables of `fibonacci`. -/
def fibonacci : List Automaton := [
  ⟨[
    ⟨.send, [⟨1, 1, 1, 0, 1, false⟩, ⟨1, 2, 2, 0, 2, false⟩]⟩,
    ⟨.receive, [⟨1, 0, 0, 1, 3, true⟩]⟩,
    ⟨.receive, [⟨1, 2, 2, 1, 0, false⟩]⟩,
    ⟨.receive, []⟩]⟩,
  ⟨[
    ⟨.receive, [⟨0, 1, 1, 0, 1, false⟩, ⟨0, 2, 2, 0, 2, false⟩]⟩,
    ⟨.send, [⟨0, 0, 0, 1, 3, true⟩]⟩,
    ⟨.send, [⟨0, 2, 2, 1, 0, false⟩]⟩,
    ⟨.receive, []⟩]⟩]

/-- `fibonacci` is safe with room for 1 on each edge: 8 configurations. -/
theorem fibonacci_checked : Checked ⟨fibonacci, [1, 1]⟩ :=
  ⟨.of [
    (1077345, ⟨[3, 3], [[], []]⟩, .home []),
    (1015841, ⟨[1, 1], [[], []]⟩, .away 2),
    (985089, ⟨[0, 0], [[], []]⟩, .away 4),
    (1046593, ⟨[2, 2], [[], []]⟩, .away 6),
    (31550655, ⟨[1, 3], [[], [0]]⟩, .away 1),
    (31462243, ⟨[1, 0], [[1], []]⟩, .away 3),
    (32384865, ⟨[2, 0], [[], [2]]⟩, .away 5),
    (32386725, ⟨[2, 0], [[2], []]⟩, .away 7)], by decide +kernel⟩

/-- The tables of `file_transfer`. -/
def file_transfer : List Automaton := [
  ⟨[
    ⟨.send, [⟨1, 4, 4, 0, 1, false⟩]⟩,
    ⟨.receive, [⟨1, 3, 3, 1, 2, false⟩, ⟨1, 6, 6, 1, 3, true⟩]⟩,
    ⟨.receive, [⟨1, 1, 1, 1, 4, false⟩, ⟨1, 2, 2, 1, 3, true⟩]⟩,
    ⟨.receive, []⟩,
    ⟨.send, [⟨1, 0, 0, 0, 2, false⟩, ⟨1, 5, 5, 0, 3, true⟩]⟩]⟩,
  ⟨[
    ⟨.receive, [⟨0, 4, 4, 0, 1, false⟩]⟩,
    ⟨.send, [⟨0, 3, 3, 1, 2, false⟩, ⟨0, 6, 6, 1, 3, true⟩]⟩,
    ⟨.send, [⟨0, 1, 1, 1, 4, false⟩, ⟨0, 2, 2, 1, 3, true⟩]⟩,
    ⟨.receive, []⟩,
    ⟨.receive, [⟨0, 0, 0, 0, 2, false⟩, ⟨0, 5, 5, 0, 3, true⟩]⟩]⟩]

/-- `file_transfer` is safe with room for 1 on each edge: 12 configurations. -/
theorem file_transfer_checked : Checked ⟨file_transfer, [1, 1]⟩ :=
  ⟨.of [
    (1077345, ⟨[3, 3], [[], []]⟩, .home []),
    (1015841, ⟨[1, 1], [[], []]⟩, .away 2),
    (985089, ⟨[0, 0], [[], []]⟩, .away 4),
    (1046593, ⟨[2, 2], [[], []]⟩, .away 2),
    (31550841, ⟨[1, 3], [[], [6]]⟩, .away 1),
    (31465126, ⟨[1, 0], [[4], []]⟩, .away 3),
    (1108097, ⟨[4, 4], [[], []]⟩, .away 2),
    (31520957, ⟨[1, 2], [[], [3]]⟩, .away 3),
    (32474238, ⟨[2, 3], [[], [2]]⟩, .away 1),
    (33432293, ⟨[3, 4], [[5], []]⟩, .away 1),
    (32503998, ⟨[2, 4], [[], [1]]⟩, .away 3),
    (32503967, ⟨[2, 4], [[0], []]⟩, .away 3)], by decide +kernel⟩

/-- The tables of `heartbeat_monitor`. -/
def heartbeat_monitor : List Automaton := [
  ⟨[
    ⟨.send, [⟨1, 0, 0, 0, 0, false⟩]⟩]⟩,
  ⟨[
    ⟨.receive, [⟨0, 0, 0, 0, 1, false⟩]⟩,
    ⟨.send, [⟨2, 1, 1, 1, 0, false⟩, ⟨2, 2, 2, 1, 0, false⟩]⟩]⟩,
  ⟨[
    ⟨.receive, [⟨1, 1, 1, 1, 0, false⟩, ⟨1, 2, 2, 1, 0, false⟩]⟩]⟩]

/-- `heartbeat_monitor` is safe with room for 1 on each edge: 12 configurations. -/
theorem heartbeat_monitor_checked : Checked ⟨heartbeat_monitor, [1, 1]⟩ :=
  ⟨.of [
    (30537761, ⟨[0, 0, 0], [[], []]⟩, .home [⟨0, .send, ⟨1, 0, 0, 0, 0, false⟩⟩, ⟨1, .receive, ⟨0, 0, 0, 0, 1, false⟩⟩, ⟨1, .send, ⟨2, 1, 1, 1, 0, false⟩⟩, ⟨2, .receive, ⟨1, 1, 1, 1, 0, false⟩⟩]),
    (7146598, ⟨[0, 0, 0], [[], [1]]⟩, .away 1),
    (7146567, ⟨[0, 0, 0], [[0], []]⟩, .away 3),
    (7146629, ⟨[0, 0, 0], [[], [2]]⟩, .away 1),
    (20217033, ⟨[0, 0, 0], [[0], [1]]⟩, .away 4),
    (8070119, ⟨[0, 1, 0], [[], [1]]⟩, .away 3),
    (8070088, ⟨[0, 1, 0], [[0], []]⟩, .away 5),
    (8070150, ⟨[0, 1, 0], [[], [2]]⟩, .away 3),
    (20217064, ⟨[0, 0, 0], [[0], [2]]⟩, .away 4),
    (30567552, ⟨[0, 1, 0], [[], []]⟩, .away 2),
    (48846184, ⟨[0, 1, 0], [[0], [1]]⟩, .away 6),
    (48846215, ⟨[0, 1, 0], [[0], [2]]⟩, .away 6)], by decide +kernel⟩

/-- The tables of `http_request`. -/
def http_request : List Automaton := [
  ⟨[
    ⟨.send, [⟨1, 4, 4, 0, 1, false⟩]⟩,
    ⟨.send, [⟨1, 0, 0, 0, 2, false⟩, ⟨1, 1, 1, 0, 1, false⟩]⟩,
    ⟨.receive, [⟨1, 5, 5, 1, 3, false⟩]⟩,
    ⟨.receive, [⟨1, 2, 2, 1, 4, true⟩, ⟨1, 3, 3, 1, 3, false⟩]⟩,
    ⟨.receive, []⟩]⟩,
  ⟨[
    ⟨.receive, [⟨0, 4, 4, 0, 1, false⟩]⟩,
    ⟨.receive, [⟨0, 0, 0, 0, 2, false⟩, ⟨0, 1, 1, 0, 1, false⟩]⟩,
    ⟨.send, [⟨0, 5, 5, 1, 3, false⟩]⟩,
    ⟨.send, [⟨0, 2, 2, 1, 4, true⟩, ⟨0, 3, 3, 1, 3, false⟩]⟩,
    ⟨.receive, []⟩]⟩]

/-- `http_request` is safe with room for 1 on each edge: 11 configurations. -/
theorem http_request_checked : Checked ⟨http_request, [1, 1]⟩ :=
  ⟨.of [
    (1108097, ⟨[4, 4], [[], []]⟩, .home []),
    (1077345, ⟨[3, 3], [[], []]⟩, .away 2),
    (1046593, ⟨[2, 2], [[], []]⟩, .away 4),
    (1015841, ⟨[1, 1], [[], []]⟩, .away 6),
    (985089, ⟨[0, 0], [[], []]⟩, .away 8),
    (33427550, ⟨[3, 4], [[], [2]]⟩, .away 1),
    (32474331, ⟨[2, 3], [[], [5]]⟩, .away 3),
    (32414594, ⟨[2, 1], [[0], []]⟩, .away 5),
    (31465126, ⟨[1, 0], [[4], []]⟩, .away 7),
    (31492034, ⟨[1, 1], [[1], []]⟩, .away 7),
    (33397790, ⟨[3, 3], [[], [3]]⟩, .away 3)], by decide +kernel⟩

/-- The tables of `nested_recursion`. -/
def nested_recursion : List Automaton := [
  ⟨[
    ⟨.send, [⟨1, 0, 0, 0, 1, false⟩]⟩,
    ⟨.send, [⟨1, 2, 2, 0, 2, false⟩]⟩,
    ⟨.send, [⟨1, 1, 1, 0, 0, false⟩, ⟨1, 3, 3, 0, 1, false⟩, ⟨1, 4, 4, 0, 3, true⟩]⟩,
    ⟨.receive, []⟩]⟩,
  ⟨[
    ⟨.receive, [⟨0, 0, 0, 0, 1, false⟩]⟩,
    ⟨.receive, [⟨0, 2, 2, 0, 2, false⟩]⟩,
    ⟨.receive, [⟨0, 1, 1, 0, 0, false⟩, ⟨0, 3, 3, 0, 1, false⟩, ⟨0, 4, 4, 0, 3, true⟩]⟩,
    ⟨.receive, []⟩]⟩]

/-- `nested_recursion` is safe with room for 1 on each edge: 9 configurations. -/
theorem nested_recursion_checked : Checked ⟨nested_recursion, [1]⟩ :=
  ⟨.of [
    (34753, ⟨[3, 3], [[]]⟩, .home []),
    (33761, ⟨[2, 2], [[]]⟩, .away 2),
    (32769, ⟨[1, 1], [[]]⟩, .away 4),
    (31777, ⟨[0, 0], [[]]⟩, .away 6),
    (1076508, ⟨[3, 2], [[4]]⟩, .away 1),
    (1045694, ⟨[2, 1], [[2]]⟩, .away 3),
    (1014880, ⟨[1, 0], [[0]]⟩, .away 5),
    (987042, ⟨[0, 2], [[1]]⟩, .away 7),
    (1016895, ⟨[1, 2], [[3]]⟩, .away 5)], by decide +kernel⟩

/-- The tables of `ping_pong`. -/
def ping_pong : List Automaton := [
  ⟨[
    ⟨.send, [⟨1, 0, 0, 0, 1, false⟩, ⟨1, 2, 2, 0, 2, true⟩]⟩,
    ⟨.receive, [⟨1, 1, 1, 1, 0, false⟩]⟩,
    ⟨.receive, []⟩]⟩,
  ⟨[
    ⟨.receive, [⟨0, 0, 0, 0, 1, false⟩, ⟨0, 2, 2, 0, 2, true⟩]⟩,
    ⟨.send, [⟨0, 1, 1, 1, 0, false⟩]⟩,
    ⟨.receive, []⟩]⟩]

/-- `ping_pong` is safe with room for 1 on each edge: 6 configurations. -/
theorem ping_pong_checked : Checked ⟨ping_pong, [1, 1]⟩ :=
  ⟨.of [
    (1046593, ⟨[2, 2], [[], []]⟩, .home []),
    (985089, ⟨[0, 0], [[], []]⟩, .away 2),
    (1015841, ⟨[1, 1], [[], []]⟩, .away 4),
    (32386725, ⟨[2, 0], [[2], []]⟩, .away 1),
    (31461313, ⟨[1, 0], [[], [1]]⟩, .away 3),
    (31461282, ⟨[1, 0], [[0], []]⟩, .away 5)], by decide +kernel⟩

/-- The tables of `producer_consumer_ack`. -/
def producer_consumer_ack : List Automaton := [
  ⟨[
    ⟨.receive, [⟨1, 0, 0, 1, 1, false⟩]⟩,
    ⟨.send, [⟨1, 1, 1, 0, 2, false⟩, ⟨1, 2, 2, 0, 0, false⟩]⟩,
    ⟨.receive, [⟨1, 0, 0, 1, 3, true⟩]⟩,
    ⟨.receive, []⟩]⟩,
  ⟨[
    ⟨.send, [⟨0, 0, 0, 1, 1, false⟩]⟩,
    ⟨.send, [⟨0, 0, 0, 1, 2, false⟩]⟩,
    ⟨.receive, [⟨0, 1, 1, 0, 3, true⟩, ⟨0, 2, 2, 0, 1, false⟩]⟩,
    ⟨.receive, []⟩]⟩]

/-- `producer_consumer_ack` is safe with room for 1 on each edge: 12 configurations. -/
theorem producer_consumer_ack_checked : Checked ⟨producer_consumer_ack, [1, 1]⟩ :=
  ⟨.of [
    (1077345, ⟨[3, 3], [[], []]⟩, .home []),
    (1015841, ⟨[1, 1], [[], []]⟩, .away 4),
    (985089, ⟨[0, 0], [[], []]⟩, .away 6),
    (32474176, ⟨[2, 3], [[], [0]]⟩, .away 1),
    (31520864, ⟨[1, 2], [[], [0]]⟩, .away 3),
    (30567552, ⟨[0, 1], [[], [0]]⟩, .away 5),
    (9053191, ⟨[0, 2], [[2], [0]]⟩, .away 6),
    (30569474, ⟨[0, 1], [[2], []]⟩, .away 7),
    (32415555, ⟨[2, 1], [[1], []]⟩, .away 3),
    (31522786, ⟨[1, 2], [[2], []]⟩, .away 5),
    (33368867, ⟨[3, 2], [[1], []]⟩, .away 1),
    (66281702, ⟨[2, 2], [[1], [0]]⟩, .away 2)], by decide +kernel⟩

/-- The tables of `ring`. -/
def ring : List Automaton := [
  ⟨[
    ⟨.send, [⟨1, 0, 0, 0, 1, false⟩, ⟨1, 1, 1, 0, 2, false⟩]⟩,
    ⟨.receive, [⟨2, 0, 0, 2, 0, false⟩]⟩,
    ⟨.receive, [⟨2, 1, 1, 2, 3, true⟩]⟩,
    ⟨.receive, []⟩]⟩,
  ⟨[
    ⟨.receive, [⟨0, 0, 0, 0, 1, false⟩, ⟨0, 1, 1, 0, 2, false⟩]⟩,
    ⟨.send, [⟨2, 0, 0, 1, 0, false⟩]⟩,
    ⟨.send, [⟨2, 1, 1, 1, 3, true⟩]⟩,
    ⟨.receive, []⟩]⟩,
  ⟨[
    ⟨.receive, [⟨1, 0, 0, 1, 1, false⟩, ⟨1, 1, 1, 1, 2, false⟩]⟩,
    ⟨.send, [⟨0, 0, 0, 2, 0, false⟩]⟩,
    ⟨.send, [⟨0, 1, 1, 2, 3, true⟩]⟩,
    ⟨.receive, []⟩]⟩]

/-- `ring` is safe with room for 1 on each edge: 12 configurations. -/
theorem ring_checked : Checked ⟨ring, [1, 1, 1]⟩ :=
  ⟨.of [
    (28785097, ⟨[3, 3, 3], [[], [], []]⟩, .home []),
    (4834359, ⟨[2, 3, 3], [[], [], [1]]⟩, .away 1),
    (126155, ⟨[2, 3, 2], [[], [], []]⟩, .away 2),
    (2064726, ⟨[2, 3, 0], [[], [1], []]⟩, .away 3),
    (7146567, ⟨[0, 0, 0], [[], [], []]⟩, .away 6),
    (66251911, ⟨[2, 2, 0], [[], [], []]⟩, .away 4),
    (50423821, ⟨[2, 0, 0], [[1], [], []]⟩, .away 5),
    (35305516, ⟨[1, 0, 0], [[], [], [0]]⟩, .away 7),
    (35805509, ⟨[1, 0, 1], [[], [], []]⟩, .away 8),
    (35305516, ⟨[1, 0, 0], [[], [0], []]⟩, .away 9),
    (35305516, ⟨[1, 0, 0], [[0], [], []]⟩, .away 11),
    (36699239, ⟨[1, 1, 0], [[], [], []]⟩, .away 10)], by decide +kernel⟩

/-- The tables of `simple_voting`. -/
def simple_voting : List Automaton := [
  ⟨[
    ⟨.send, [⟨1, 2, 2, 0, 1, false⟩]⟩,
    ⟨.receive, [⟨1, 1, 1, 1, 2, false⟩, ⟨1, 5, 5, 1, 3, true⟩]⟩,
    ⟨.send, [⟨1, 0, 0, 0, 4, false⟩, ⟨1, 3, 3, 0, 4, false⟩, ⟨1, 6, 6, 0, 4, false⟩]⟩,
    ⟨.receive, []⟩,
    ⟨.receive, [⟨1, 4, 4, 1, 3, true⟩]⟩]⟩,
  ⟨[
    ⟨.receive, [⟨0, 2, 2, 0, 1, false⟩]⟩,
    ⟨.send, [⟨0, 1, 1, 1, 2, false⟩, ⟨0, 5, 5, 1, 3, true⟩]⟩,
    ⟨.receive, [⟨0, 0, 0, 0, 4, false⟩, ⟨0, 3, 3, 0, 4, false⟩, ⟨0, 6, 6, 0, 4, false⟩]⟩,
    ⟨.receive, []⟩,
    ⟨.send, [⟨0, 4, 4, 1, 3, true⟩]⟩]⟩]

/-- `simple_voting` is safe with room for 1 on each edge: 12 configurations. -/
theorem simple_voting_checked : Checked ⟨simple_voting, [1, 1]⟩ :=
  ⟨.of [
    (1077345, ⟨[3, 3], [[], []]⟩, .home []),
    (1015841, ⟨[1, 1], [[], []]⟩, .away 2),
    (985089, ⟨[0, 0], [[], []]⟩, .away 4),
    (1046593, ⟨[2, 2], [[], []]⟩, .away 4),
    (31550810, ⟨[1, 3], [[], [5]]⟩, .away 1),
    (31463204, ⟨[1, 0], [[2], []]⟩, .away 3),
    (1108097, ⟨[4, 4], [[], []]⟩, .away 2),
    (31520895, ⟨[1, 2], [[], [1]]⟩, .away 5),
    (34321342, ⟨[4, 3], [[], [4]]⟩, .away 1),
    (34297193, ⟨[4, 2], [[6], []]⟩, .away 3),
    (34294310, ⟨[4, 2], [[3], []]⟩, .away 3),
    (34291427, ⟨[4, 2], [[0], []]⟩, .away 3)], by decide +kernel⟩

/-- The tables of `sleeping_ta`. -/
def sleeping_ta : List Automaton := [
  ⟨[
    ⟨.send, [⟨1, 2, 2, 0, 1, true⟩, ⟨1, 4, 4, 0, 2, false⟩]⟩,
    ⟨.receive, []⟩,
    ⟨.receive, [⟨1, 0, 0, 1, 0, false⟩, ⟨1, 1, 1, 1, 3, false⟩]⟩,
    ⟨.send, [⟨1, 5, 5, 0, 4, false⟩]⟩,
    ⟨.receive, [⟨1, 3, 3, 1, 0, false⟩]⟩]⟩,
  ⟨[
    ⟨.receive, [⟨0, 2, 2, 0, 1, true⟩, ⟨0, 4, 4, 0, 2, false⟩]⟩,
    ⟨.receive, []⟩,
    ⟨.send, [⟨0, 0, 0, 1, 0, false⟩, ⟨0, 1, 1, 1, 3, false⟩]⟩,
    ⟨.receive, [⟨0, 5, 5, 0, 4, false⟩]⟩,
    ⟨.send, [⟨0, 3, 3, 1, 0, false⟩]⟩]⟩]

/-- `sleeping_ta` is safe with room for 1 on each edge: 11 configurations. -/
theorem sleeping_ta_checked : Checked ⟨sleeping_ta, [1, 1]⟩ :=
  ⟨.of [
    (1015841, ⟨[1, 1], [[], []]⟩, .home []),
    (985089, ⟨[0, 0], [[], []]⟩, .away 2),
    (31463204, ⟨[1, 0], [[2], []]⟩, .away 1),
    (1108097, ⟨[4, 4], [[], []]⟩, .away 4),
    (1077345, ⟨[3, 3], [[], []]⟩, .away 6),
    (1046593, ⟨[2, 2], [[], []]⟩, .away 4),
    (32384803, ⟨[2, 0], [[], [0]]⟩, .away 3),
    (34231938, ⟨[4, 0], [[], [3]]⟩, .away 3),
    (32474207, ⟨[2, 3], [[], [1]]⟩, .away 7),
    (32388647, ⟨[2, 0], [[4], []]⟩, .away 5),
    (34326023, ⟨[4, 3], [[5], []]⟩, .away 5)], by decide +kernel⟩

/-- The tables of `streaming`. -/
def streaming : List Automaton := [
  ⟨[
    ⟨.receive, [⟨1, 0, 0, 1, 1, false⟩]⟩,
    ⟨.send, [⟨1, 1, 1, 0, 2, true⟩, ⟨1, 2, 2, 0, 0, false⟩]⟩,
    ⟨.receive, []⟩]⟩,
  ⟨[
    ⟨.send, [⟨0, 0, 0, 1, 1, false⟩]⟩,
    ⟨.receive, [⟨0, 1, 1, 0, 2, true⟩, ⟨0, 2, 2, 0, 0, false⟩]⟩,
    ⟨.receive, []⟩]⟩]

/-- `streaming` is safe with room for 1 on each edge: 6 configurations. -/
theorem streaming_checked : Checked ⟨streaming, [1, 1]⟩ :=
  ⟨.of [
    (1046593, ⟨[2, 2], [[], []]⟩, .home []),
    (1015841, ⟨[1, 1], [[], []]⟩, .away 2),
    (985089, ⟨[0, 0], [[], []]⟩, .away 4),
    (32415555, ⟨[2, 1], [[1], []]⟩, .away 1),
    (30567552, ⟨[0, 1], [[], [0]]⟩, .away 3),
    (30569474, ⟨[0, 1], [[2], []]⟩, .away 5)], by decide +kernel⟩

end Antiphon.Compose.Library
