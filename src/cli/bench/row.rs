//! What was measured, beside its floor and its goal.

use std::borrow::Cow;

use serde_json::{Value as Tree, json};

use super::contest::Taken;

/// One line of the table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) what: Cow<'static, str>,
    pub(super) measured: Measured,
    pub(super) floor: Option<Floor>,
    pub(super) goal: Option<Goal>,
    /// Whether the ratio is shown as how much faster it is than the floor.
    pub(super) is_faster: bool,
}

/// What was measured in the same run to compare with.
#[derive(Debug, Clone)]
pub(super) struct Floor {
    pub(super) what: &'static str,
    pub(super) measured: Measured,
}

#[derive(Debug, Clone)]
pub(super) enum Measured {
    /// What an operation takes.
    Time(Taken),
    /// How many operations a second there are.
    Rate(f64),
    Bytes(f64),
}

/// What is to be reached.
#[derive(Debug, Clone, Copy)]
pub(super) enum Goal {
    /// At most so many times the floor.
    Times(f64),
    /// At least so much of the floor's rate, in percent.
    Share(f64),
    /// At least so many times as fast as the floor.
    Faster(f64),
    /// At most so many nanoseconds, or bytes.
    Most(f64),
    /// At least so many a second.
    Least(f64),
}

impl Row {
    /// What an operation takes.
    pub(super) fn time(what: impl Into<Cow<'static, str>>, taken: &Taken) -> Self {
        Self::of(what, Measured::Time(taken.clone()))
    }

    /// A rate, or bytes.
    pub(super) fn of(what: impl Into<Cow<'static, str>>, measured: Measured) -> Self {
        Self { what: what.into(), measured, floor: None, goal: None, is_faster: false }
    }

    /// Beside what is the least that it can take.
    pub(super) fn beside(mut self, what: &'static str, taken: &Taken) -> Self {
        self.floor = Some(Floor { what, measured: Measured::Time(taken.clone()) });
        self
    }

    /// Beside so many bytes.
    pub(super) fn beside_bytes(mut self, what: &'static str, bytes: f64) -> Self {
        self.floor = Some(Floor { what, measured: Measured::Bytes(bytes) });
        self
    }

    /// The floor is what it is to be faster than.
    pub(super) fn faster(mut self) -> Self {
        self.is_faster = true;
        self
    }

    pub(super) fn goal(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self
    }

    /// How many times the floor it takes.
    pub(super) fn times(&self) -> Option<f64> {
        let floor = self.floor.as_ref()?.measured.number();
        (floor > 0.0).then(|| self.measured.number() / floor)
    }

    /// Whether the goal is reached, where there is one.
    pub(super) fn is_reached(&self) -> Option<bool> {
        let measured = self.measured.number();
        Some(match self.goal? {
            Goal::Times(most) => self.times()? <= most,
            Goal::Share(least) => 100.0 / self.times()? >= least,
            Goal::Faster(least) => 1.0 / self.times()? >= least,
            Goal::Most(most) => measured <= most,
            Goal::Least(least) => measured >= least,
        })
    }

    /// The ratio to the floor, in the way of the goal.
    pub(super) fn ratio_text(&self) -> String {
        let Some(times) = self.times() else { return String::new() };
        match self.goal {
            Some(Goal::Share(_)) => format!("{:.0} %", 100.0 / times),
            _ if self.is_faster => format!("{:.2}× as fast", 1.0 / times),
            _ => format!("{times:.2}×"),
        }
    }

    pub(super) fn goal_text(&self) -> String {
        match self.goal {
            None => String::new(),
            Some(Goal::Times(most)) => format!("≤ {most}×"),
            Some(Goal::Share(least)) => format!("≥ {least} %"),
            Some(Goal::Faster(least)) => format!("≥ {least}×"),
            Some(Goal::Most(most)) => format!("≤ {}", self.measured.with(most)),
            Some(Goal::Least(least)) => format!("≥ {}", self.measured.with(least)),
        }
    }

    pub(super) fn json(&self) -> Tree {
        let floor = |floor: &Floor| json!({"what": floor.what, "measured": floor.measured.json()});
        let goal = |goal: Goal| match goal {
            Goal::Times(most) => json!({"times_most": most}),
            Goal::Share(least) => json!({"percent_least": least}),
            Goal::Faster(least) => json!({"faster_least": least}),
            Goal::Most(most) => json!({"most": most}),
            Goal::Least(least) => json!({"least": least}),
        };
        json!({
            "what": self.what,
            "measured": self.measured.json(),
            "floor": self.floor.as_ref().map(floor),
            "ratio": self.times().map(rounded),
            "goal": self.goal.map(goal),
            "reached": self.is_reached(),
        })
    }
}

impl Measured {
    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Time(taken) => taken.nanos,
            Self::Rate(number) | Self::Bytes(number) => *number,
        }
    }

    /// A number in the unit of this one.
    fn with(&self, number: f64) -> String {
        match self {
            Self::Time(_) => duration(number),
            Self::Rate(_) => format!("{} M/s", figures(number / 1e6)),
            Self::Bytes(_) => bytes(number),
        }
    }

    fn json(&self) -> Tree {
        match self {
            Self::Time(Taken { nanos, each: None }) => json!({"ns": rounded(*nanos)}),
            Self::Time(Taken { nanos, each: Some(each) }) => json!({
                "ns": rounded(*nanos),
                "operations": each.count,
                "p50_ns": each.p50,
                "p99_ns": each.p99,
            }),
            Self::Rate(rate) => json!({"per_second": rounded(*rate)}),
            Self::Bytes(bytes) => json!({"bytes": rounded(*bytes)}),
        }
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Self::Time(Taken { each: Some(each), .. }) = self {
            let (p50, p99) = (duration(each.p50 as f64), duration(each.p99 as f64));
            return write!(f, "p50 {p50}, p99 {p99}");
        }
        f.write_str(&self.with(self.number()))
    }
}

/// Three figures, and no more behind the point than are needed for that.
fn figures(number: f64) -> String {
    let text = match number {
        number if number >= 99.95 => format!("{number:.0}"),
        number if number >= 9.995 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    };
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').into(),
        false => text,
    }
}

fn duration(nanos: f64) -> String {
    let (divisor, unit) = match nanos {
        nanos if nanos >= 999.5e6 => (1e9, "s"),
        nanos if nanos >= 999.5e3 => (1e6, "ms"),
        nanos if nanos >= 999.5 => (1e3, "µs"),
        _ => (1.0, "ns"),
    };
    format!("{} {unit}", figures(nanos / divisor))
}

fn bytes(number: f64) -> String {
    match number {
        number if number >= 1e6 => format!("{} MB", figures(number / 1e6)),
        number => format!("{number:.0} bytes"),
    }
}

/// To a thousandth: what is behind that is noise.
fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(nanos: f64) -> Taken {
        Taken { nanos, each: None }
    }

    #[test]
    fn a_goal_is_reached_by_the_ratio_that_is_shown() {
        let row = |goal| {
            let row = Row::time("it", &taken(30.0)).beside("floor", &taken(24.0)).goal(goal);
            if matches!(goal, Goal::Faster(_)) { row.faster() } else { row }
        };
        for (goal, ratio, text, reached) in [
            (Goal::Times(1.25), "1.25×", "≤ 1.25×", true),
            (Goal::Times(1.2), "1.25×", "≤ 1.2×", false),
            (Goal::Share(80.0), "80 %", "≥ 80 %", true),
            (Goal::Share(81.0), "80 %", "≥ 81 %", false),
            (Goal::Faster(0.8), "0.80× as fast", "≥ 0.8×", true),
            (Goal::Faster(1.8), "0.80× as fast", "≥ 1.8×", false),
            (Goal::Most(30.0), "1.25×", "≤ 30 ns", true),
            (Goal::Most(29.9), "1.25×", "≤ 29.9 ns", false),
        ] {
            let row = row(goal);
            let shown = (row.ratio_text(), row.goal_text(), row.is_reached());
            assert_eq!(shown, (ratio.into(), text.into(), Some(reached)), "{goal:?}");
        }
        let rate = Row::of("rate", Measured::Rate(2e7)).goal(Goal::Least(1e7));
        assert_eq!((rate.goal_text(), rate.is_reached()), ("≥ 10 M/s".into(), Some(true)));
        assert_eq!(rate.times(), None, "it has no floor");
    }

    #[test]
    fn numbers_have_three_figures_and_a_unit_that_fits() {
        let shown = [0.0, 3.256, 32.56, 325.6, 999.6, 12_345.0, 1e6, 2.5e9].map(duration);
        let wanted = ["0 ns", "3.26 ns", "32.6 ns", "326 ns", "1 µs", "12.3 µs", "1 ms", "2.5 s"];
        assert_eq!(shown, wanted);
        assert_eq!([381.4, 4.2e8].map(bytes), ["381 bytes", "420 MB"]);
    }
}
