//! JSON for people and for `diff`: a line for each node, not for each number.

use alloc::string::String;
use alloc::vec::Vec;
use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

/// A line for each entry of the outer `depth` brackets, compact further in.
struct Lines {
    depth: usize,
    open: usize,
    empty: bool,
}

impl Lines {
    fn line(&self, out: &mut (impl io::Write + ?Sized)) -> io::Result<()> {
        out.write_all(b"\n")?;
        (0..self.open).try_for_each(|_| out.write_all(b"  "))
    }

    fn entry(&mut self, out: &mut (impl io::Write + ?Sized), first: bool) -> io::Result<()> {
        self.empty = false;
        if !first {
            out.write_all(b",")?;
        }
        match (self.open <= self.depth, first) {
            (true, _) => self.line(out),
            (false, true) => Ok(()),
            (false, false) => out.write_all(b" "),
        }
    }

    fn close(&mut self, out: &mut (impl io::Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.open -= 1;
        if self.open < self.depth && !self.empty {
            self.line(out)?;
        }
        self.empty = false;
        out.write_all(bracket)
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open += 1;
        self.empty = true;
        out.write_all(b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"]")
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.entry(out, first)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open += 1;
        self.empty = true;
        out.write_all(b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"}")
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.entry(out, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}

/// `value` as text with a line for each entry of its outer `depth` brackets.
pub(super) fn lines(value: &impl Serialize, depth: usize) -> String {
    let mut out = Vec::new();
    let formatter = Lines { depth, open: 0, empty: false };
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    value.serialize(&mut serializer).expect("types have nothing that JSON cannot write");
    out.push(b'\n');
    String::from_utf8(out).expect("the JSON library writes UTF-8")
}
