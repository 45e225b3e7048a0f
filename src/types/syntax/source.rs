//! A text with a name, read: what it declares, and the protocols that it makes.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::str::FromStr;

use super::{Declared, Limits, Report, decode, read};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};
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
    /// A [`Report`] of what refuses them, with `unmergeable` for roles that cannot know what to do.
    pub fn protocols(&self) -> Result<Vec<Protocol>, Report> {
        let mut protocols = Vec::new();
        let mut found = Diagnostics::default();
        match &self.declared {
            Declared::Local(locals) => match Protocol::from_locals(self.stem(), locals.clone()) {
                Ok(protocol) => protocols.push(protocol),
                Err(more) => found.append(more),
            },
            Declared::Global(globals) => {
                for global in globals {
                    match Protocol::from_global(global) {
                        Ok(protocol) => protocols.push(protocol),
                        Err(more) => found.append(more),
                    }
                }
            }
        }
        found.sort();
        if found.has_errors() { Err(self.report(found)) } else { Ok(protocols) }
    }

    /// The one protocol that is meant: the first one, or the one of this name.
    ///
    /// # Errors
    /// As [`protocols`](Self::protocols), and `unknown_protocol`.
    pub fn protocol(&self, name: Option<&str>) -> Result<Protocol, Report> {
        let mut protocols = self.protocols()?.into_iter();
        let found = match name {
            None => protocols.next(),
            Some(name) => protocols.find(|protocol| *protocol.name() == name),
        };
        found.ok_or_else(|| {
            let text = alloc::format!("there is no protocol `{}` here", name.unwrap_or(""));
            self.report(Diagnostic::new(Code::UnknownProtocol, Span::NONE, text).into())
        })
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
