//! What a user sees of every invalid protocol of the library: one snapshot a file.
#![cfg(feature = "syntax")]

use std::path::Path;

use antiphon::files::Folder;
use antiphon::types::syntax::{
    Declared, Limits, Loaded, Loader, ModulePath, Report, Source, Unloaded,
};
use antiphon::types::{ComposeLimits, Protocol, compose, project_all};

/// Everything that is said of a text, which imports modules from beside `path`.
fn said(path: &Path, bytes: &[u8]) -> Report {
    let name = path.file_name().unwrap().to_str().unwrap();
    let limits = Limits { depth_max: 20, ..Limits::default() };
    // What a report calls an imported file does not depend on where the tests run.
    let mut folder = Folder::of(path);
    let mut load = |module: &ModulePath| {
        let inside = |name: &str| {
            let name = Path::new(name).strip_prefix(path.parent().unwrap());
            name.unwrap().display().to_string()
        };
        match folder.load(None, module, limits.bytes_max) {
            Ok(Loaded { name, bytes }) => Ok(Loaded { name: inside(&name), bytes }),
            Err(Unloaded::Missing(name)) => Err(Unloaded::Missing(inside(&name))),
            Err(other) => Err(other),
        }
    };
    match Source::read_with(name, bytes, &limits, &mut load) {
        Err(report) => report,
        Ok(source) => match source.protocols() {
            Err(report) => report,
            Ok(_) if !source.warnings.is_empty() => source.report(source.warnings.clone()),
            Ok(_) => match &source.declared {
                Declared::Global(globals) => {
                    source.report(project_all(&globals[0]).err().unwrap_or_default())
                }
                Declared::Local(_) | Declared::Named(_) => {
                    let protocol = source.protocol(None).unwrap();
                    let found = compose(&protocol, &ComposeLimits::default());
                    source.report(
                        found.diagnostic(&protocol).map_or_else(Default::default, Into::into),
                    )
                }
            },
        },
    }
}

#[test]
fn every_invalid_protocol_is_explained() {
    insta::glob!("../specs/protocols/invalid", "*.*", |path: &Path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let report = said(path, &std::fs::read(path).unwrap());
        assert!(!report.diagnostics.is_empty(), "{name} is valid");
        insta::assert_snapshot!(report.render(false));
    });
}

/// The same codes by other causes than those of the library.
#[test]
fn other_causes_of_a_code_are_explained() {
    let long = format!("A = B!{} . end", "x".repeat(300));
    let deep = format!("A = B!m({}int{}) . end", "[".repeat(30), "]".repeat(30));
    let roles: Vec<String> = (0..130).map(|index| format!("role R{index}")).collect();
    let roles = format!("global protocol Crowd({}) {{ m() from R0 to R1; }}", roles.join(", "));
    let overtaking = b"global protocol Race(role P, role Q, role R) {
  choice at P {
    first() from P to Q;
    o(int) from Q to R;
    o(int) from P to R;
  } or {
    second() from P to Q;
    o(int) from P to R;
    o(int) from Q to R;
  }
}
";
    let done = b"global protocol Done(role A, role B, role C) {
  rec Again {
    choice at A {
      next(int) from A to B;
      log(int) from B to C;
      continue Again;
    } or {
      stop() from A to B;
    }
  }
}
";
    let texts: [(&str, &[u8]); 10] = [
        ("invalid_utf8", b"global protocol P(role A, role B) {\n  hello() from \xe9 to B;\n}\n"),
        ("name_too_long", long.as_bytes()),
        ("reserved_name", b"global protocol P(role rec, role B) { m() from rec to B; }"),
        ("too_deep", deep.as_bytes()),
        ("too_large", roles.as_bytes()),
        ("json_shape", b"{\"antiphon\": \"local\", \"version\": 1, \"rolls\": []}"),
        ("json_version", b"{\"antiphon\": \"local\", \"version\": 2, \"roles\": []}"),
        ("unimplementable_overtaking", overtaking),
        ("unimplementable_done", done),
        ("binary", b"\x7fELF\x02\x01\x01\x00\x00\x00"),
    ];
    for (name, text) in texts {
        insta::assert_snapshot!(name, said(Path::new("protocol"), text).render(false));
    }
}

#[test]
fn a_wrong_text_parses_as_no_protocol() {
    let error = "A = B!m . end".parse::<Protocol>().unwrap_err();
    assert!(error.to_string().starts_with("error[unknown_role]: role `B` is not declared"));
}
