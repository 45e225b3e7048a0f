//! `specs/schema/machine.schema.json` describes what the door of a machine reads and writes, and
//! refuses what it refuses (DOOR-1, DOOR-4).
#![cfg(feature = "syntax")]

use std::sync::Arc;

use crate::reference::script::{self, Stage, Step};
use crate::schema::{damage, fits};
use crate::strategies::cases;
use crate::written;
use antiphon::machine::*;
use antiphon::types::Protocol;
use antiphon::types::syntax::json as types_json;
use antiphon::wire::door::{Door, DoorLimits};
use proptest::prelude::*;
use serde_json::{Value as Tree, json};

const SCHEMA: &str = include_str!("../specs/schema/machine.schema.json");

fn told(door: &mut Door, command: &Tree) -> Tree {
    let line = format!("{command}\n");
    serde_json::from_str(&door.feed(&mut line.as_bytes()).unwrap()).unwrap()
}

/// Runs a script through a door; every command and answer that there was.
fn run(protocol: &Arc<Protocol>, steps: &[Step]) -> (Door, Vec<Tree>, Vec<Tree>) {
    let mut door = Door::new(Machine::observed(), DoorLimits::default());
    let document: Tree =
        serde_json::from_str(&types_json::write_locals(protocol.locals())).unwrap();
    let mut commands = vec![json!({"register": document, "unchecked": true})];
    let mut answers = vec![told(&mut door, &commands[0])];
    let mut stage = Stage::new(vec![Arc::clone(protocol)]);
    for step in steps {
        let input = stage.input(door.machine(), step);
        let (command, _) = written::command(door.machine(), stage.now, &input);
        commands.push(command);
        if step.seal {
            commands.push(json!({"seal": true}));
        }
        commands.push(json!({"state": script::session_id(0).to_string()}));
        for command in &commands[answers.len()..] {
            answers.push(told(&mut door, command));
        }
    }
    let asked = ["digest", "sessions", "refused", "memory"].map(|what| json!({what: true}));
    for command in asked.into_iter().chain([json!({"reap": 9}), json!({"more": 1})]) {
        answers.push(told(&mut door, &command));
        commands.push(command);
    }
    // The last one is none.
    commands.pop();
    (door, commands, answers)
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn what_the_door_writes_fits_the_schema(
        protocol in script::protocol(),
        steps in prop_oneof![
            script::wild_script(true),
            script::legal_script(true),
            script::authority_script(true),
        ],
    ) {
        let schema: Tree = serde_json::from_str(SCHEMA).unwrap();
        let (_, commands, answers) = run(&protocol, &steps);
        for command in &commands {
            prop_assert!(fits(&schema, &schema["$defs"]["command"], command), "{}", command);
            prop_assert!(fits(&schema, &schema, command), "{}", command);
        }
        for answer in &answers {
            prop_assert!(fits(&schema, &schema["$defs"]["answer"], answer), "{}", answer);
        }
    }

    #[test]
    fn door_and_schema_agree_on_damaged_commands(
        protocol in script::protocol(),
        steps in prop_oneof![script::wild_script(false), script::authority_script(false)],
        which in any::<prop::sample::Index>(),
        path in proptest::collection::vec(0..60usize, 24),
    ) {
        let schema: Tree = serde_json::from_str(SCHEMA).unwrap();
        let (mut door, commands, _) = run(&protocol, &steps);
        let mut command = which.get(&commands).clone();
        damage(&mut command, &mut path.into_iter());
        let answer = told(&mut door, &command);
        let fits = fits(&schema, &schema["$defs"]["command"], &command);
        match answer["error"]["code"].as_str() {
            None => prop_assert!(fits, "accepted, and does not fit: {}", command),
            Some("not_a_command") => prop_assert!(!fits, "fits: {}\n{}", command, answer),
            // What a protocol is, is said elsewhere.
            Some(code) => prop_assert_eq!(code, "protocol", "{}", command),
        }
    }
}
