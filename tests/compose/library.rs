//! Every protocol of the library is safe; what else is known of each is one snapshot.

use std::fmt::Write;
use std::path::Path;

use antiphon::files::Folder;
use antiphon::types::Protocol;
use antiphon::types::compose::{
    Bound, ComposeLimits, Composition, Determinacy, Exhaustivity, compose,
};
use antiphon::types::syntax::{Limits, Source};

fn protocols(folder: &str) -> Vec<(String, Protocol)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs/protocols").join(folder);
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.filter(|path| path.is_file()).collect();
    files.sort();
    let mut all = Vec::new();
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        let source =
            Source::read_with(&name, &bytes, &Limits::default(), &mut Folder::of(&path)).unwrap();
        let read = source.protocols().unwrap();
        all.extend(read.into_iter().map(|protocol| (name.clone(), protocol)));
    }
    all
}

/// `A→B 1, B→A ≤2, C→A ∞, D→A ?`
fn bounds(protocol: &Protocol, found: &Composition) -> String {
    let edges = protocol.edges().iter().zip(&found.bounds);
    let bound = edges.map(|(edge, bound)| {
        let (from, to) = (protocol.role_name(edge.from), protocol.role_name(edge.to));
        let bound = match bound {
            Bound::Finite { most, exact: true } => most.to_string(),
            Bound::Finite { most, exact: false } => format!("≤{most}"),
            Bound::Unbounded(_) => "∞".into(),
            Bound::Unknown { seen } => format!("? (saw {seen})"),
        };
        format!("{from}→{to} {bound}")
    });
    bound.collect::<Vec<_>>().join(", ")
}

#[test]
fn every_protocol_of_the_library_is_safe() {
    let mut text = String::from(
        "What composition finds out about each protocol of the library: the capacities, the\n\
         configurations explored, whether two receives can be enabled at once, and the most that\n\
         each edge can hold.\n",
    );
    for (name, protocol) in protocols("global").into_iter().chain(protocols("local")) {
        let found = compose(&protocol, &ComposeLimits::default());
        assert!(found.is_safe(), "{name}: {:?}", found.violation);
        assert!(!found.explored.limited, "{name}: {:?}", found.explored);
        let exhaustive = match found.exhaustivity {
            Exhaustivity::From(_) => "exhaustive",
            Exhaustivity::NotDirected => "not directed",
            Exhaustivity::NotUpTo(..) | Exhaustivity::Unknown => panic!("{name} is safe"),
        };
        let several = match found.determinacy {
            Determinacy::Determinate => "",
            Determinacy::Several(..) => ", several receives",
            Determinacy::Unknown => panic!("{name} was explored"),
        };
        let evidence = found.evidence();
        writeln!(text, "\n{name}: {} at {evidence}, {exhaustive}{several}", protocol.name())
            .unwrap();
        writeln!(text, "  configurations {}", found.explored.configurations).unwrap();
        writeln!(text, "  {}", bounds(&protocol, &found)).unwrap();
    }
    insta::assert_snapshot!(text);
}
