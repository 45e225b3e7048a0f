//! The model as a process: one that lives long, because it takes seconds to start.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use antiphon::wire::oracle;
use serde_json::{Value as Tree, json};

use crate::lines::{Engine, Line};

/// The oracle.
pub(crate) struct Model {
    process: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Model {
    /// Starts the command, and waits for its first answer.
    pub(crate) fn start(command: &[String]) -> Result<Self, String> {
        let absent = |why: String| {
            format!(
                "the oracle does not answer: {why}\n\
                 It needs Lean 4.28: lean/toolchain/install gets one, lean/check builds the model; \
                 `{}` is what was started.",
                command.join(" ")
            )
        };
        let (program, arguments) = command.split_first().expect("a command has a program");
        let mut process = Command::new(program)
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| absent(error.to_string()))?;
        let stdin = process.stdin.take();
        let stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut model = Self { process, stdin, stdout };
        let mut begin = [Line::new(json!({"begin": {"observed": true}}))];
        let begun = model.tell(&mut begin).map_err(absent)?;
        match begun[0].get("ok") {
            Some(_) => Ok(model),
            None => Err(absent(begun[0].to_string())),
        }
    }
}

impl Engine for Model {
    fn tell(&mut self, lines: &mut [Line]) -> Result<Vec<Tree>, String> {
        let begin = Line::new(json!({"begin": {"observed": true}}));
        let lines: Vec<&Line> = std::iter::once(&begin).chain(lines.iter()).collect();
        let mut bytes = Vec::new();
        for line in &lines {
            writeln!(bytes, "{}", oracle::line(line.for_model())).expect("memory takes all");
        }
        let mut stdin = self.stdin.take().ok_or("it has ended")?;
        // Beside the reading, so that neither pipe is full while the other is waited for.
        let writer = std::thread::spawn(move || {
            let done = stdin.write_all(&bytes).and_then(|()| stdin.flush());
            (stdin, done)
        });
        let mut answers = Vec::with_capacity(lines.len());
        for line in &lines {
            let mut text = String::new();
            let length = self.stdout.read_line(&mut text).map_err(|error| error.to_string())?;
            if length == 0 {
                return Err(format!("it has ended; it was told {}", line.for_model()));
            }
            let answer = serde_json::from_str(&text).map_err(|e| format!("{e} in {text}"))?;
            answers.push(answer);
        }
        let (stdin, done) = writer.join().expect("the writer does not panic");
        done.map_err(|error| error.to_string())?;
        self.stdin = Some(stdin);
        answers.remove(0);
        Ok(answers)
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        drop(self.stdin.take());
        drop(self.process.wait());
    }
}
