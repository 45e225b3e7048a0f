//! A text with a name, read: what it declares, and the protocols that it makes.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::str::FromStr;

use super::{Declared, Limits, Report, decode, read};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
use crate::types::local::LocalTypes;
use crate::types::name::Name;
use crate::types::protocol::Protocol;

/// A text that was read and found to declare protocols.
#[derive(Debug, Clone)]
pub struct Source {
    /// What reports call it: a file's path, or `-`.
    pub name: String,
    /// The text, without a byte order mark.
    pub text: String,
    /// What it declares.
    pub declared: Declared,
    /// What was found and refuses nothing.
    pub warnings: Diagnostics,
}

/// How a protocol is made of local types.
type OfLocals = fn(Name, LocalTypes) -> Result<Protocol, Diagnostics>;

impl Source {
    /// Reads a text in any of the syntaxes.
    ///
    /// # Errors
    /// A [`Report`] of everything that is wrong with it.
    pub fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Self, Report> {
        let report = |text: &str, diagnostics| Report {
            name: name.to_owned(),
            text: text.to_owned(),
            diagnostics,
        };
        let text = decode(bytes, limits).map_err(|found| {
            // Places are counted without the byte order mark.
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            report(&String::from_utf8_lossy(&bytes[..bytes.len().min(1 << 20)]), found)
        })?;
        match read(text, limits) {
            Ok((declared, warnings)) => {
                Ok(Self { name: name.to_owned(), text: text.to_owned(), declared, warnings })
            }
            Err(found) => Err(report(text, found)),
        }
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
        match &self.declared {
            Declared::Local(_) => alloc::vec![self.stem()],
            Declared::Global(globals) => {
                globals.iter().map(|global| global.name().clone()).collect()
            }
        }
    }

    fn compiled(&self, index: usize, of_locals: OfLocals) -> Result<Protocol, Diagnostics> {
        match &self.declared {
            Declared::Local(locals) => of_locals(self.stem(), locals.clone()),
            Declared::Global(globals) => Protocol::from_global(&globals[index]),
        }
    }

    /// Diagnostics about this text.
    #[must_use]
    pub fn report(&self, diagnostics: Diagnostics) -> Report {
        Report { name: self.name.clone(), text: self.text.clone(), diagnostics }
    }

    /// The name of a protocol of local types, which do not name it: that of the file.
    fn stem(&self) -> Name {
        let file = self.name.rsplit(['/', '\\']).next().unwrap_or_default();
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
