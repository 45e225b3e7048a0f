import Antiphon.Resume.Handshake
/-!
# What the table of a link's states promises

Each by looking at the whole table.
-/

namespace Antiphon.Resume

/-- The table says one thing for each state and event. -/
theorem transitions_functional : ∀ t ∈ transitions, t.1.step t.2.1 = some t.2.2 := by decide

/-- A link whose lifetime is over stays so. -/
theorem expired_is_terminal (e : LinkEvent) : LinkState.expired.step e = none := by
  cases e <;> decide

/-- Every other link can come to the end of its lifetime. -/
theorem everything_expires (s : LinkState) (h : s ≠ .expired) : s.step .expire = some .expired := by
  cases s <;> first | decide | exact absurd rfl h

/-- A link that was lost is active again only by being resumed. -/
theorem lost_returns_by_resume (e : LinkEvent) (s : LinkState)
    (h : LinkState.disconnected.step e = some s) : s = .resuming ∨ s = .expired := by
  cases e <;> simp [LinkState.step, transitions] at h <;> simp [← h]

/-- Whoever comes with a token is heard, unless the link is over or was never there: also where the
link is believed to be connected. -/
theorem resume_takes_over (s : LinkState) (h : s ≠ .expired) (h' : s ≠ .connecting) :
    s.step .resume = some .resuming := by
  cases s <;> first | decide | exact absurd rfl h | exact absurd rfl h'

end Antiphon.Resume
