//! A folder for what is measured or run on a disk, gone at the end (CLI-7).

use std::io;
use std::path::{Path, PathBuf};

use super::Failure;

/// What a program ends with that was interrupted.
const INTERRUPTED: i32 = 130;

/// The folder.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// A new folder inside `folder`; it is removed when this is dropped, and at an interrupt.
    pub(super) fn inside(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(format!("antiphon-{}", std::process::id()));
        let named = |error: io::Error| Failure::Usage(format!("`{}`: {error}", path.display()));
        std::fs::create_dir(&path).map_err(named)?;
        let scratch = Self(path.clone());
        let watch = std::thread::Builder::new().name("interrupts".into());
        watch.spawn(move || removed_at_interrupt(&path))?;
        Ok(scratch)
    }

    /// The path of a file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where interrupts cannot be listened to, one ends the program as it always did.
fn removed_at_interrupt(path: &Path) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else {
        return;
    };
    if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
        let _ = std::fs::remove_dir_all(path);
        std::process::exit(INTERRUPTED);
    }
}
