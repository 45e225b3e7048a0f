//! The time of a session: its ticks, and what lets its timers run out while nobody acts.
//!
//! On tokio one task a session sleeps until the first of its timers is due, and only while one is
//! armed; it runs where the first of them was armed or awaited. Elsewhere timers run out at the
//! next call, and whoever blocks a thread is woken for them. The runtime must have its time
//! enabled; where that is paused, the session's is, too.
//!
//! Clauses: HOLD-4.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::host::{Host, State};
use crate::machine::{Input, Tick};

/// Where the ticks of a session come from: milliseconds since it was opened.
pub(super) struct Clock {
    started: Instant,
    /// Tells the ticker that what it waits for has changed.
    turned: Arc<Notify>,
}

/// What is to be done about the ticker, with nothing locked.
#[must_use]
pub(super) enum Wind {
    Nothing,
    /// It does not run, and something is due some time.
    Start,
    /// It waits for what is no more, or for too long.
    Turn,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), turned: Arc::new(Notify::new()) }
    }

    pub(super) fn now(&self) -> Tick {
        Tick(millis(self.started.elapsed()))
    }

    /// How long it is until a tick.
    pub(super) fn until(&self, tick: Tick) -> Duration {
        let at = Duration::from_millis(tick.0);
        at.saturating_sub(self.started.elapsed())
    }

    /// The session is gone.
    pub(super) fn stop(&self) {
        self.turned.notify_one();
    }
}

/// A time in ticks.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl State {
    /// When the first timer is due; never, where nothing can be kept any more.
    pub(super) fn due(&self) -> Option<Tick> {
        self.machine.poll_timeout().filter(|_| !self.has_failed())
    }

    /// Compares what is due with what the ticker sleeps for.
    pub(super) fn wind(&self) -> Wind {
        match (self.due(), self.waking) {
            (None, None) => Wind::Nothing,
            (Some(due), Some(waking)) if due >= waking => Wind::Nothing,
            (Some(_), None) => Wind::Start,
            (_, Some(_)) => Wind::Turn,
        }
    }
}

impl Host {
    /// The latest tick that the session knows of.
    pub(super) fn tick(&self) -> Tick {
        self.clock.now().max(self.state().machine.now())
    }

    /// Lets the timers of the session run out that are due.
    pub(super) fn catch_up(&self) {
        let due = self.state().due();
        if due.is_some_and(|due| due <= self.clock.now()) {
            // A journal that failed is told to whoever acts next.
            let _ = self.change(|state, now| Ok(state.machine.handle(now, Input::Tick)?));
        }
    }

    /// Starts the ticker where there is a runtime, or tells it.
    pub(super) fn winds(&self, wind: Wind) {
        match wind {
            Wind::Nothing => {}
            Wind::Turn => self.clock.turned.notify_one(),
            Wind::Start => {
                let Ok(runtime) = Handle::try_current() else { return };
                // Somebody else may have started it since.
                if self.state().waking.replace(Tick(0)).is_some() {
                    return;
                }
                let ticking = Ticking(self.me.clone());
                runtime.spawn(ticks(ticking, Arc::clone(&self.clock.turned)));
            }
        }
    }
}

/// Says, when the ticker's runtime ends, that it does not run any more. A ticker that panicked is
/// not started again: its runtime has no time.
struct Ticking(Weak<Host>);

impl Drop for Ticking {
    fn drop(&mut self) {
        if let Some(host) = self.0.upgrade()
            && !std::thread::panicking()
        {
            host.state().waking = None;
        }
    }
}

/// HOLD-4: tells the machine the time when it wants to know it, until nothing is armed any more or
/// nobody holds the session.
async fn ticks(mut ticking: Ticking, turned: Arc<Notify>) {
    loop {
        let at = {
            let Some(host) = ticking.0.upgrade() else { return };
            host.catch_up();
            let mut state = host.state();
            state.waking = state.due();
            let Some(due) = state.waking else {
                // It is said already; from here on another one may run.
                ticking.0 = Weak::new();
                return;
            };
            host.clock.started.checked_add(Duration::from_millis(due.0))
        };
        let woken = async {
            match at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = woken => {}
            () = turned.notified() => {}
        }
    }
}
