//! `antiphon subtype`: may one local type stand where another was agreed on?

mod relative;

use std::io::Write;
use std::path::{Path, PathBuf};

use anstyle::AnsiColor;
use clap::Args;
use serde::Serialize;

use relative::{Relative, RelativeJson};

use super::{Failure, input, style};
use crate::types::LocalType;
use crate::types::subtype::{Action, Answer, Bounds, Comparison, Obstacle, Verdict, Witness};

/// Compare two local types: may the first stand where the second was agreed on?
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  antiphon subtype fast_kernel.local kernel.local
  antiphon subtype fast_kernel.local double_buffering.local --role Kernel
  antiphon subtype my_seller.local --against two_buyer.scr --role Seller
  antiphon subtype --sync --json mine.local agreed.local | jq .answer

With --against the candidate is asked to play the role among the projections of a global
protocol, which may allow more than the types by themselves. Where that says no, or without it,
the types are compared: without reordering, and where that says no, once more with it. With
reordering a yes holds among partners that each hear one role at a time, and on edges that have
room for what is sent ahead; --against says how much room that is.

Exit status: 0 if the answer is yes, 1 if it is no or unknown, 2 if the command line is wrong.")]
pub(super) struct Subtype {
    /// The candidate: a local type, or a protocol with --role; `-` is standard input
    candidate: PathBuf,
    /// The supertype that it is to stand for, likewise; with --against the role's projection if
    /// none is given
    #[arg(required_unless_present = "against")]
    supertype: Option<PathBuf>,
    /// Compare the types of this role, where a file has several
    #[arg(long)]
    role: Option<String>,
    /// A global protocol in which the candidate is to play the role
    #[arg(long, value_name = "GLOBAL", requires = "role")]
    against: Option<PathBuf>,
    /// Only without reordering: everything happens in the supertype's order
    #[arg(long)]
    sync: bool,
    /// Only with reordering: the candidate may send, and receive from others, before its turn
    #[arg(long = "async", conflicts_with = "sync")]
    reordered: bool,
    /// Give up after so many steps
    #[arg(long, value_name = "N", default_value_t = Bounds::default().steps_max)]
    steps: usize,
    /// Print a JSON document on one line, and nothing else
    #[arg(long)]
    json: bool,
}

/// A verdict, and of which comparison.
struct Compared {
    reordering: bool,
    verdict: Verdict,
}

impl Subtype {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let agreed = self.supertype.as_ref().or(self.against.as_ref());
        let agreed = agreed.expect("clap requires one of them");
        let inputs = [Some(&self.candidate), self.supertype.as_ref(), self.against.as_ref()];
        if inputs.into_iter().flatten().filter(|path| *path == Path::new("-")).count() > 1 {
            return Err(Failure::Usage("only one of the files can be standard input".into()));
        }
        let role = self.role.as_deref();
        let candidate = input::local(&self.candidate, role)?;
        let (relative, projection) = match (&self.against, role) {
            (Some(global), Some(role)) => {
                let (relative, projection) = Relative::of(global, role, &candidate)?;
                (Some(relative), Some(projection))
            }
            _ => (None, None),
        };
        let supertype = match (&self.supertype, projection) {
            (None, Some(projection)) => projection,
            _ => input::local(agreed, role)?,
        };
        let compared = match &relative {
            Some(relative) if relative.is_yes() => Vec::new(),
            _ => self.compare(&candidate, &supertype)?,
        };
        let answer = overall(relative.as_ref(), &compared);
        let mut out = anstream::stdout().lock();
        let (candidate, supertype) = (input::name(&self.candidate), input::name(agreed));
        let said = if self.json {
            let document = Document::of(&candidate, &supertype, relative.as_ref(), &compared);
            let text = serde_json::to_string(&document).expect("a verdict can be written as JSON");
            writeln!(out, "{text}")
        } else {
            write(&mut out, (&candidate, &supertype), relative.as_ref(), &compared)
        };
        match said.and_then(|()| out.flush()) {
            _ if answer != "yes" => Err(Failure::Said),
            said => Ok(said?),
        }
    }

    fn compare(
        &self,
        candidate: &LocalType,
        supertype: &LocalType,
    ) -> Result<Vec<Compared>, Failure> {
        let refused = |found: crate::types::Diagnostics| Failure::Fault(found.to_string());
        let comparison = Comparison::new(candidate, supertype).map_err(refused)?;
        let bounds = Bounds { steps_max: self.steps };
        let mut compared = Vec::new();
        if !self.reordered {
            let verdict = comparison.synchronous(&bounds);
            compared.push(Compared { reordering: false, verdict });
        }
        let no = compared.last().is_some_and(|last| !last.verdict.is_yes());
        if self.reordered || !self.sync && no {
            let verdict = comparison.asynchronous(&bounds);
            compared.push(Compared { reordering: true, verdict });
        }
        Ok(compared)
    }
}

const GOOD: anstyle::Style = style::of(AnsiColor::Green);
const BAD: anstyle::Style = style::of(AnsiColor::Red);
const OPEN: anstyle::Style = style::of(AnsiColor::Yellow);
const NAME: anstyle::Style = anstyle::Style::new().bold();

/// The verdicts for people.
fn write(
    out: &mut impl Write,
    (candidate, supertype): (&str, &str),
    relative: Option<&Relative>,
    compared: &[Compared],
) -> std::io::Result<()> {
    writeln!(out, "{NAME}{candidate}{NAME:#} for {NAME}{supertype}{NAME:#}")?;
    if let Some(relative) = relative {
        relative.write(out)?;
    }
    let answer = overall(relative, compared);
    for Compared { reordering, verdict } in compared {
        let how = if *reordering { "reordered" } else { "in order" };
        let steps = match verdict.steps {
            1 => "1 step".to_owned(),
            steps => format!("{steps} steps"),
        };
        match &verdict.answer {
            Answer::Yes => {
                let among = match reordering {
                    true => ", on edges with room, if each partner hears one role at a time",
                    false => "",
                };
                writeln!(out, "  {how:12} {GOOD}yes{GOOD:#} ({steps}){among}")?;
            }
            Answer::Unknown(obstacle) => {
                let why = why(*obstacle);
                writeln!(out, "  {how:12} {OPEN}unknown{OPEN:#} ({steps}): {why}")?;
            }
            Answer::No(witness) => {
                writeln!(out, "  {how:12} {BAD}no{BAD:#} ({steps})")?;
                write_witness(out, witness, answer == "yes")?;
            }
        }
    }
    let style = match answer {
        "yes" => GOOD,
        "no" => BAD,
        _ => OPEN,
    };
    writeln!(out, "  {:12} {style}{answer}{style:#}", "answer")
}

/// A run that shows a `no`, and what to change unless another comparison says `yes`.
fn write_witness(out: &mut impl Write, witness: &Witness, yes: bool) -> std::io::Result<()> {
    let mut field = |name: &str, text: &str| writeln!(out, "    {name:10} {text}");
    field("after", &listed(&witness.trace, "nothing"))?;
    if !witness.owed.is_empty() {
        field("put off", &listed(&witness.owed, ""))?;
    }
    field("but", &witness.cause())?;
    if yes { Ok(()) } else { field("remedy", &witness.remedy()) }
}

/// The most actions of a run that are shown; JSON has them all.
const SHOWN_MAX: usize = 20;

fn listed(actions: &[Action], none: &str) -> String {
    if actions.is_empty() {
        return none.to_owned();
    }
    let hidden = actions.len().saturating_sub(SHOWN_MAX);
    let shown: Vec<String> = actions[hidden..].iter().map(ToString::to_string).collect();
    let before = if hidden > 0 { format!("({hidden} more) … ") } else { String::new() };
    format!("{before}{}", shown.join(" . "))
}

fn why(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::Steps => "the steps ran out; --steps N allows more",
        Obstacle::Partners => "around a choice between several partners nothing is reordered",
    }
}

#[derive(Serialize)]
struct Document<'a> {
    /// Whether the answer is yes.
    ok: bool,
    /// `yes`, `no` or `unknown`: see [`overall`].
    answer: &'static str,
    candidate: &'a str,
    supertype: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    relative: Option<RelativeJson>,
    comparisons: Vec<ComparisonJson>,
}

#[derive(Serialize)]
struct ComparisonJson {
    reordering: bool,
    answer: &'static str,
    steps: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    obstacle: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<WitnessJson>,
}

#[derive(Serialize)]
struct WitnessJson {
    trace: Vec<String>,
    owed: Vec<String>,
    candidate: StateJson,
    supertype: StateJson,
    cause: String,
    remedy: String,
}

#[derive(Serialize)]
struct StateJson {
    state: u32,
    moves: Vec<String>,
}

impl<'a> Document<'a> {
    fn of(
        candidate: &'a str,
        supertype: &'a str,
        relative: Option<&Relative>,
        compared: &[Compared],
    ) -> Self {
        let answer = overall(relative, compared);
        let comparisons = compared.iter().map(ComparisonJson::of).collect();
        let relative = relative.map(Relative::json);
        Self { ok: answer == "yes", answer, candidate, supertype, relative, comparisons }
    }
}

impl ComparisonJson {
    fn of(Compared { reordering, verdict }: &Compared) -> Self {
        let (mut obstacle, mut witness) = (None, None);
        match &verdict.answer {
            Answer::Yes => {}
            Answer::No(found) => witness = Some(WitnessJson::of(found)),
            Answer::Unknown(found) => obstacle = Some(why(*found)),
        }
        let (reordering, steps) = (*reordering, verdict.steps);
        Self { reordering, answer: answer(verdict), steps, obstacle, witness }
    }
}

impl WitnessJson {
    fn of(witness: &Witness) -> Self {
        let texts = |list: &[Action]| list.iter().map(ToString::to_string).collect();
        let state = |state: crate::types::StateIx, moves: &[Action]| StateJson {
            state: state.0,
            moves: texts(moves),
        };
        Self {
            trace: texts(&witness.trace),
            owed: texts(&witness.owed),
            candidate: state(witness.candidate_state, &witness.candidate_moves),
            supertype: state(witness.supertype_state, &witness.supertype_moves),
            cause: witness.cause(),
            remedy: witness.remedy(),
        }
    }
}

/// `yes`, `no` or `unknown`: that of what was asked last, unless the candidate goes wrong where it
/// is to play.
fn overall(relative: Option<&Relative>, compared: &[Compared]) -> &'static str {
    match (relative, compared.last()) {
        (Some(relative), _) if relative.is_unsafe() => "no",
        (_, Some(last)) => answer(&last.verdict),
        (_, None) => "yes",
    }
}

fn answer(verdict: &Verdict) -> &'static str {
    match verdict.answer {
        Answer::Yes => "yes",
        Answer::No(_) => "no",
        Answer::Unknown(_) => "unknown",
    }
}
