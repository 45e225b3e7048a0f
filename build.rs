//! Generates the parsers of `src/types/syntax/*.lalrpop` (only with the `syntax` feature), and the
//! list of the protocols of the library (only with the `cli` feature).

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "syntax")]
    {
        println!("cargo:rerun-if-changed=src/types/syntax");
        lalrpop::Configuration::new()
            .emit_rerun_directives(true)
            .use_cargo_dir_conventions()
            .process()
            .expect("the grammars in src/types/syntax are accepted by lalrpop");
    }
    #[cfg(feature = "cli")]
    library();
}

/// Writes `library.rs`: each file of `specs/protocols`, for `antiphon bench check`.
#[cfg(feature = "cli")]
fn library() {
    use std::path::{Path, PathBuf};

    println!("cargo:rerun-if-changed=specs/protocols");
    let variable = |name: &str| PathBuf::from(std::env::var_os(name).expect("cargo sets it"));
    let root = variable("CARGO_MANIFEST_DIR").join("specs/protocols");
    let (mut files, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the library is there") {
            let path = entry.expect("the library can be listed").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let line = |path: &PathBuf| {
        let inside = path.strip_prefix(&root).expect("it lies in the library");
        let names: Vec<_> = inside.iter().map(|name| name.to_string_lossy()).collect();
        format!("    ({:?}, include_bytes!({path:?})),\n", names.join("/"))
    };
    let lines: String = files.iter().map(line).collect();
    let text = format!("static FILES: &[(&str, &[u8])] = &[\n{lines}];\n");
    std::fs::write(Path::new(&variable("OUT_DIR")).join("library.rs"), text)
        .expect("what is generated can be written");
}
