//! Protocols of any size, as texts: what the benches of cargo take, too.

use std::fmt::Write;

/// A token that goes round `roles` roles until the first one stops it.
pub(crate) fn ring(roles: usize) -> String {
    let declared: Vec<String> = (0..roles).map(|role| format!("role R{role}")).collect();
    let mut text =
        format!("global protocol Ring({}) {{ rec Round {{ choice at R0 {{\n", declared.join(", "));
    for (label, end) in [("token", "continue Round;"), ("stop", "")] {
        for role in 0..roles {
            let _ = writeln!(text, "{label}(nat) from R{role} to R{};", (role + 1) % roles);
        }
        text.push_str(end);
        text.push_str(if label == "token" { "} or {" } else { "}}}" });
    }
    text
}

/// Local types with two configurations for each stream, independent of the others.
pub(crate) fn streams(count: usize) -> String {
    let mut text = String::new();
    for stream in 0..count {
        let _ = writeln!(text, "A{stream} = rec X . B{stream}!x . X");
        let _ = writeln!(text, "B{stream} = rec X . A{stream}?x . X");
    }
    text
}
