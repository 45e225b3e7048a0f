//! What is said of authority, as a person reads it; and what is asked of it, in few words.
#![allow(dead_code, unreachable_pub)]

use antiphon::machine::*;
use antiphon::types::Protocol;

pub fn owner(name: &str) -> Owner {
    Owner::new(name).unwrap()
}

pub fn boxed(authority: Authority) -> Act {
    Act::Authority(Box::new(authority))
}

/// One audit, in a line.
pub fn audit(protocol: &Protocol, audit: &Audit) -> String {
    let shown = |scope: &Scope| scope.shown(protocol);
    match audit {
        Audit::Issued { owner, generation, scope } => {
            format!("issued {owner}#{generation} {}", shown(scope))
        }
        Audit::Invalidated { owner, generation, scope } => {
            format!("invalidated {owner}#{generation} {}", shown(scope))
        }
        Audit::Staged { receipt, scope, .. } => format!("staged {receipt} {}", shown(scope)),
        Audit::Committed { receipt } => format!("committed {receipt}"),
        Audit::RolledBack { receipt } => format!("rolled back {receipt}"),
        Audit::Expired { receipt } => format!("expired {receipt}"),
        Audit::Cancelled { reason } => format!("cancelled: {reason}"),
        Audit::Lost { owner } => format!("lost {owner}"),
        Audit::Dropped { receipt } => format!("dropped {receipt}"),
        Audit::Token { generation, serial } => format!("token {serial} of #{generation}"),
        Audit::Confirmed { generation, serial } => {
            format!("confirmed token {serial} of #{generation}")
        }
        Audit::WitnessIssued { witness, external, .. } => {
            let asserted = if *external { ", as the host asserts" } else { "" };
            format!("issued witness {witness}{asserted}")
        }
        Audit::WitnessConsumed { witness } => format!("consumed witness {witness}"),
        Audit::WitnessExpired { witness } => format!("expired witness {witness}"),
        Audit::TimerArmed { timer, .. } => format!("armed timer {timer}"),
        Audit::TimerDisarmed { timer } => format!("disarmed timer {timer}"),
        Audit::TimerExpired { timer, witness } => {
            format!("expired timer {timer}: witness {witness}")
        }
        other => format!("{other:?}"),
    }
}
