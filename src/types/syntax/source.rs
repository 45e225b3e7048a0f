//! A text with a name, read: what it declares, and the protocols that it makes.

use alloc::vec::Vec;
use core::str::FromStr;

use super::text::read_with;
use super::texts::Imported;
use super::{Declared, Each, Limits, Loader, NoModules, Report, Texts, decode, shown};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::local::LocalTypes;
use crate::types::name::Name;
use crate::types::protocol::Protocol;

/// A text that was read and found to declare protocols.
#[derive(Debug, Clone)]
pub struct Source {
    /// The text, and those of the modules that it imports.
    pub texts: Texts,
    /// What it declares.
    pub declared: Declared,
    /// What was found and refuses nothing.
    pub warnings: Diagnostics,
}

/// How a protocol is made of local types.
type OfLocals = fn(Name, LocalTypes) -> Result<Protocol, Diagnostics>;

impl Source {
    /// Reads a text in any of the syntaxes. It stands by itself and can import nothing.
    ///
    /// # Errors
    /// A [`Report`] of everything that is wrong with it.
    pub fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Self, Report> {
        Self::read_with(name, bytes, limits, &mut NoModules)
    }

    /// Reads a text in any of the syntaxes, and the modules that it imports.
    ///
    /// ```
    /// # use antiphon::types::syntax::{Limits, Loaded, ModulePath, Source, Unloaded};
    /// let main = b"import Talk; global protocol P(role A, role B) { do Talk.Hello(A, B); }";
    /// let talk = b"aux global protocol Hello(role X, role Y) { hello() from X to Y; }";
    /// let mut modules = |path: &ModulePath| match path.to_string().as_str() {
    ///     "Talk" => Ok(Loaded { name: "talk".into(), bytes: talk.to_vec() }),
    ///     other => Err(Unloaded::Missing(other.into())),
    /// };
    /// let source = Source::read_with("main", main, &Limits::default(), &mut modules)?;
    /// assert_eq!(source.protocol(None)?.locals().to_string(), "A = B!hello . end\nB = A?hello . end\n");
    /// # Ok::<(), antiphon::types::syntax::Report>(())
    /// ```
    ///
    /// # Errors
    /// A [`Report`] of everything that is wrong with them.
    pub fn read_with(
        name: &str,
        bytes: &[u8],
        limits: &Limits,
        loader: &mut dyn Loader,
    ) -> Result<Self, Report> {
        let text = match decode(bytes, limits) {
            Ok(text) => text,
            Err(found) => return Err(Report::new(name, shown(bytes), found)),
        };
        let (read, imported) = read_with(text, limits, loader);
        let texts = |imported: Imported| Texts::new(name, text).with_imported(imported);
        match read {
            Ok((declared, warnings)) => Ok(Self { texts: texts(imported), declared, warnings }),
            Err(found) => Err(Report { texts: texts(imported), diagnostics: found }),
        }
    }

    /// What the text is called: a file's path, or `-`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.texts.main().name
    }

    /// The protocols that it declares, compiled: every global one, or the one of its local types.
    ///
    /// # Errors
    /// A [`Report`] of what refuses them, with `unimplementable` for roles that cannot know what to
    /// do.
    pub fn protocols(&self) -> Result<Vec<Protocol>, Report> {
        let mut protocols = Vec::new();
        let mut found = Diagnostics::default();
        for index in 0..self.names().len() {
            match self.compiled(index, Protocol::from_locals) {
                Ok(protocol) => protocols.push(protocol),
                Err(more) => found.append(more),
            }
        }
        found.sort();
        if found.has_errors() { Err(self.report(found)) } else { Ok(protocols) }
    }

    /// The one protocol that is meant: the first one, or the one of this name. What is wrong with
    /// the others does not matter.
    ///
    /// # Errors
    /// As [`protocols`](Self::protocols), and `unknown_protocol`.
    pub fn protocol(&self, name: Option<&str>) -> Result<Protocol, Report> {
        self.meant(name, Protocol::from_locals)
    }

    /// As [`protocol`](Self::protocol), where nobody has to know whether local types are safe
    /// together: [`Protocol::unchecked`].
    ///
    /// # Errors
    /// As [`protocol`](Self::protocol), but for what is wrong with local types together.
    pub fn protocol_unchecked(&self, name: Option<&str>) -> Result<Protocol, Report> {
        self.meant(name, Protocol::unchecked)
    }

    fn meant(&self, name: Option<&str>, of_locals: OfLocals) -> Result<Protocol, Report> {
        let names = self.names();
        let found = name.map_or(Some(0), |name| names.iter().position(|known| *known == name));
        let compiled = found.map(|index| self.compiled(index, of_locals)).unwrap_or_else(|| {
            let text = alloc::format!("there is no protocol `{}` here", name.unwrap_or(""));
            Err(Diagnostic::new(Code::UnknownProtocol, Span::NONE, text).into())
        });
        compiled.map_err(|found| self.report(found))
    }

    /// The names of the protocols that it declares; never empty. Local types do not name theirs,
    /// which is called like the file.
    #[must_use]
    pub fn names(&self) -> Vec<Name> {
        let name = |each: &Each<'_>| match each {
            Each::Global(global) => global.name().clone(),
            Each::Local(name, _) => name.cloned().unwrap_or_else(|| self.stem()),
        };
        self.declared.each().iter().map(name).collect()
    }

    fn compiled(&self, index: usize, of_locals: OfLocals) -> Result<Protocol, Diagnostics> {
        match self.declared.each()[index] {
            Each::Global(global) => Protocol::from_global(global),
            Each::Local(name, locals) => {
                let name = name.cloned().unwrap_or_else(|| self.stem());
                of_locals(name, locals.clone())
            }
        }
    }

    /// Diagnostics about this text and its modules.
    #[must_use]
    pub fn report(&self, diagnostics: Diagnostics) -> Report {
        Report { texts: self.texts.clone(), diagnostics }
    }

    /// The name of a protocol of local types, which do not name it: that of the file.
    fn stem(&self) -> Name {
        let file = self.name().rsplit(['/', '\\']).next().unwrap_or_default();
        let stem = file.split('.').next().unwrap_or_default();
        Name::new(stem).unwrap_or_else(|_| Name::new("Protocol").expect("this is a name"))
    }
}

impl FromStr for Protocol {
    type Err = Report;

    /// The first protocol of a text in any of the syntaxes.
    fn from_str(text: &str) -> Result<Self, Report> {
        Source::read("protocol", text.as_bytes(), &Limits::default())?.protocol(None)
    }
}
