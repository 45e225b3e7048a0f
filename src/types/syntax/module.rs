//! Where imported modules come from. Readers do no I/O: whoever calls them hands over something
//! that has the texts. Clause: TYPE-20.

use core::fmt;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::types::name::Name;

/// The full name of a module, `a.b.C`: names with dots between them, never none. It can name
/// nothing outside the folder that it is looked up in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModulePath(Box<[Name]>);

impl ModulePath {
    pub(super) fn new(names: Vec<Name>) -> Self {
        debug_assert!(!names.is_empty(), "a path has a name");
        Self(names.into())
    }

    /// The names, outermost first; never none.
    #[must_use]
    pub fn names(&self) -> &[Name] {
        &self.0
    }

    /// The last name: that of the module itself.
    #[must_use]
    pub fn last(&self) -> &Name {
        &self.0[self.0.len() - 1]
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            write!(f, "{dot}{name}")?;
        }
        Ok(())
    }
}

/// The bytes of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What reports call the text: a path.
    pub name: String,
    /// The text.
    pub bytes: Vec<u8>,
}

/// Why a module cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unloaded {
    /// The importing text stands in no folder.
    #[error("this text stands in no folder, and has no modules beside it")]
    NoFolder,
    /// There is no such module.
    #[error("there is no file `{0}`")]
    Missing(String),
    /// It is there and cannot be read.
    #[error("the file `{name}` cannot be read: {why}")]
    Unreadable {
        /// What the file is called.
        name: String,
        /// What the system says.
        why: String,
    },
    /// It leads out of the folder that modules may come from.
    #[error("the file `{0}` leads to a place outside the folder of the modules")]
    Outside(String),
}

/// Has the texts of modules.
pub trait Loader {
    /// The bytes of a module, at most `bytes_max` and one more, by which one sees that there are
    /// too many. `main` is what the text that is read calls itself, if it does.
    ///
    /// # Errors
    /// [`Unloaded`]: why it cannot be had.
    fn load(
        &mut self,
        main: Option<&ModulePath>,
        module: &ModulePath,
        bytes_max: usize,
    ) -> Result<Loaded, Unloaded>;
}

/// A text by itself: it can import nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoModules;

impl Loader for NoModules {
    fn load(
        &mut self,
        _: Option<&ModulePath>,
        _: &ModulePath,
        _: usize,
    ) -> Result<Loaded, Unloaded> {
        Err(Unloaded::NoFolder)
    }
}

/// A function that has them: for texts in memory.
impl<F> Loader for F
where
    F: FnMut(&ModulePath) -> Result<Loaded, Unloaded>,
{
    fn load(
        &mut self,
        _: Option<&ModulePath>,
        module: &ModulePath,
        _: usize,
    ) -> Result<Loaded, Unloaded> {
        self(module)
    }
}
