//! Generates the parsers of `src/types/syntax/*.lalrpop` (only with the `syntax` feature).

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
}
