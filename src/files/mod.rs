//! Protocols in files: a file is read together with the modules that it imports, from beside it.
//!
//! The module `a.b.C` is the file `a/b/C.scr` in the folder of the modules, or `a/b/C.nuscr`; the
//! ending of the main file goes first. That folder is the one of the main file; or, where the main
//! file calls itself `a.b.Main` and stands in folders `a/b`, the one that these folders are in.
//! Clause: TYPE-17.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::types::syntax::{Limits, Loaded, Loader, ModulePath, Report, Source, Unloaded};

/// The endings of Scribble files, in the order in which they are looked for.
const ENDINGS: [&str; 2] = ["scr", "nuscr"];

/// Why a file gives no protocols.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be read.
    #[error("`{}`: {error}", path.display())]
    Unread {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Something is wrong with it, or with a module that it imports.
    #[error("{0}")]
    Refused(Box<Report>),
}

impl Source {
    /// Reads a file in any of the syntaxes, and the modules that it imports, with the default
    /// [`Limits`]. Reports call the file by its path.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let (path, limits) = (path.as_ref(), Limits::default());
        let bytes = read(path, limits.bytes_max)
            .map_err(|error| OpenError::Unread { path: path.to_owned(), error })?;
        let name = path.display().to_string();
        Self::read_with(&name, &bytes, &limits, &mut Folder::of(path))
            .map_err(|report| OpenError::Refused(Box::new(report)))
    }
}

/// The bytes of a file; never more than `bytes_max` and one, by which one sees that there are more.
///
/// # Errors
/// If it cannot be read.
pub fn read(path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The modules beside a main file.
#[derive(Debug, Clone)]
pub struct Folder {
    main: PathBuf,
}

impl Folder {
    /// The modules that a main file may import.
    #[must_use]
    pub fn of(main: &Path) -> Self {
        Self { main: main.to_owned() }
    }

    /// The folder of the modules, when the main file calls itself `called`.
    fn root(&self, called: Option<&ModulePath>) -> PathBuf {
        let beside = match self.main.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let Some(called) = called else { return beside };
        let (_, folders) = called.names().split_last().expect("a path has a name");
        let mut root = beside.as_path();
        for folder in folders.iter().rev() {
            match root.parent() {
                Some(parent) if root.file_name() == Some(OsStr::new(folder.as_str())) => {
                    root = parent;
                }
                _ => return beside,
            }
        }
        if root == Path::new("") { PathBuf::from(".") } else { root.to_owned() }
    }

    /// The endings of files, that of the main one first.
    fn endings(&self) -> impl Iterator<Item = &str> {
        let own = self.main.extension().and_then(OsStr::to_str);
        let own = own.filter(|own| ENDINGS.contains(own));
        own.into_iter().chain(ENDINGS.into_iter().filter(move |ending| Some(*ending) != own))
    }
}

impl Loader for Folder {
    fn load(
        &mut self,
        main: Option<&ModulePath>,
        module: &ModulePath,
        bytes_max: usize,
    ) -> Result<Loaded, Unloaded> {
        let root = self.root(main);
        // The main file may lie in the folder that is meant by `.`; reports leave that out.
        let shown = if root == Path::new(".") { Path::new("") } else { &root };
        let inside: PathBuf = module.names().iter().map(|name| name.as_str()).collect();
        let mut wanted = None;
        for ending in self.endings() {
            let inside = inside.with_extension(ending);
            let name = shown.join(&inside).display().to_string();
            let unreadable = |error: io::Error| Unloaded::Unreadable {
                name: name.clone(),
                why: error.to_string(),
            };
            let path = match root.join(&inside).canonicalize() {
                Ok(path) => path,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    wanted.get_or_insert(name);
                    continue;
                }
                Err(error) => return Err(unreadable(error)),
            };
            // A link may lead anywhere; what it leads to must lie in the folder, too.
            if !path.starts_with(root.canonicalize().map_err(unreadable)?) {
                return Err(Unloaded::Outside(name));
            }
            // Reading a pipe or a device could wait for ever.
            if !path.is_file() {
                let why = "it is not a regular file".to_owned();
                return Err(Unloaded::Unreadable { name, why });
            }
            let bytes = read(&path, bytes_max).map_err(unreadable)?;
            return Ok(Loaded { name, bytes });
        }
        Err(Unloaded::Missing(wanted.unwrap_or_default()))
    }
}
