//! The protocols of `specs/protocols`, as they were when the program was built.

use crate::types::Protocol;
use crate::types::syntax::{Limits, Loaded, Loader, ModulePath, Report, Source, Unloaded};

// `FILES`: the place of each file below `specs/protocols`, and its bytes.
include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// The folders whose files are protocols that are to be good; modules lie in folders below.
const FOLDERS: [&str; 3] = ["automata/", "global/", "local/"];

/// A protocol's file: its place and its text.
pub(super) type File = (&'static str, &'static [u8]);

/// Every file that is a protocol, and no module of one.
pub(super) fn protocols() -> Vec<File> {
    let is_one = |(name, _): &&File| {
        let inside = FOLDERS.iter().find_map(|folder| name.strip_prefix(folder));
        inside.is_some_and(|name| !name.contains('/'))
    };
    FILES.iter().filter(is_one).copied().collect()
}

/// Reads, checks and projects.
pub(super) fn read((name, bytes): (&str, &[u8])) -> Result<Vec<Protocol>, Report> {
    Source::read_with(name, bytes, &Limits::default(), &mut Beside(name))?.protocols()
}

/// The modules beside a file.
struct Beside<'n>(&'n str);

impl Loader for Beside<'_> {
    fn load(
        &mut self,
        _: Option<&ModulePath>,
        module: &ModulePath,
        _: usize,
    ) -> Result<Loaded, Unloaded> {
        let folder = self.0.rsplit_once('/').map_or("", |(folder, _)| folder);
        let inside: Vec<&str> = module.names().iter().map(|name| name.as_str()).collect();
        let wanted = format!("{folder}/{}.scr", inside.join("/"));
        match FILES.iter().find(|(name, _)| *name == wanted) {
            Some((_, bytes)) => Ok(Loaded { name: wanted, bytes: bytes.to_vec() }),
            None => Err(Unloaded::Missing(wanted)),
        }
    }
}
