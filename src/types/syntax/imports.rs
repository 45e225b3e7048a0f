//! Reads a Scribble text and the modules that it imports, directly and through others.
//! Clauses: TYPE-17, TYPE-20, TYPE-23.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::ast::{Import, Modules, Placed};
use super::grammar::ModuleParser;
use super::lexer::{Lexer, Notation, Pulse};
use super::module::{Loaded, Loader, ModulePath};
use super::reader::Reader;
use super::text::finish;
use super::texts::Imported;
use super::{Limits, decode};
use crate::types::diagnostics::{Code, Diagnostic, Diagnostics, Span};

/// The most modules of a circle that are named.
const NAMED_MAX: usize = 6;

/// The modules of a reading, the main one first; what is wrong with them, and the texts.
pub(super) fn read(
    main: &str,
    limits: &Limits,
    loader: &mut dyn Loader,
) -> (Modules, Diagnostics, Imported) {
    let imported = Imported::behind(main.len());
    let (modules, known) = (Modules::default(), HashMap::new());
    let found = Diagnostics::default();
    let pulse = &Pulse::default();
    let mut imports = Imports { modules, found, imported, known, limits, pulse, full: false };
    imports.parse(main, 0);
    let main = imports.modules.list[0].path.as_ref().map(|path| path.value.clone());
    if let Some(main) = &main {
        imports.known.insert(main.clone(), Some(0));
    }
    let mut next = 0;
    while next < imports.modules.list.len() {
        for index in 0..imports.modules.list[next].imports.len() {
            let path = imports.modules.list[next].imports[index].path.clone();
            let module = imports.import(main.as_ref(), &path, loader);
            let module_list = &mut imports.modules.list[next];
            module_list.imports[index].module = module;
            // Of a name that is not known, the module that is missing may be the reason.
            module_list.incomplete |= module.is_none();
        }
        next += 1;
    }
    circles(&imports.modules, &mut imports.found);
    (imports.modules, imports.found, imports.imported)
}

struct Imports<'a> {
    modules: Modules,
    found: Diagnostics,
    imported: Imported,
    /// What was asked for before: the module, or that it could not be had.
    known: HashMap<ModulePath, Option<usize>>,
    limits: &'a Limits,
    /// One for all texts, so that what error recovery may cost is bounded for them together.
    pulse: &'a Pulse,
    /// A limit was met, and said: nothing more is read.
    full: bool,
}

impl Imports<'_> {
    /// Reads one text behind those that were read before.
    fn parse(&mut self, text: &str, base: usize) {
        let pulse = self.pulse;
        pulse.beat();
        let before = core::mem::take(&mut self.modules);
        let protocols = before.protocols.len();
        let mut reader = Reader::behind(before, text, base, Notation::Scribble, pulse);
        let mut lexer = Lexer::new(text, base, Notation::Scribble, self.limits, pulse);
        let parsed = ModuleParser::new().parse(&mut reader, lexer.by_ref());
        let found = finish(&mut reader, lexer, parsed.err());
        self.modules = reader.modules;
        let none = self.modules.protocols.len() == protocols;
        let module = self.modules.list.last_mut().expect("it was read");
        module.incomplete |= found.has_errors() && none;
        self.found.append(found);
    }

    /// The module at a path, read now or before.
    fn import(
        &mut self,
        main: Option<&ModulePath>,
        path: &Placed<ModulePath>,
        loader: &mut dyn Loader,
    ) -> Option<usize> {
        if let Some(known) = self.known.get(&path.value) {
            return *known;
        }
        let text = if self.full { None } else { self.load(main, path, loader) };
        let module = text.map(|(name, text)| self.module(path, name, text));
        self.known.insert(path.value.clone(), module);
        module
    }

    fn module(&mut self, path: &Placed<ModulePath>, name: String, text: String) -> usize {
        let index = self.modules.list.len();
        let base = self.imported.push(name, text.clone());
        self.parse(&text, base);
        // TYPE-17: a module is called as it is imported.
        let called = &self.modules.list[index].path;
        if let Some(called) = called.as_ref().filter(|called| called.value != path.value) {
            let text = format!("this module calls itself `{}`", called.value);
            self.found.push(
                Diagnostic::new(Code::ModuleMismatch, called.span, text)
                    .note(path.span, format!("it is imported as `{}`", path.value))
                    .remedy("give it the name that its place in the folders has"),
            );
        }
        index
    }

    /// What a module is called in reports, and its text; reports what keeps it from being read.
    fn load(
        &mut self,
        main: Option<&ModulePath>,
        path: &Placed<ModulePath>,
        loader: &mut dyn Loader,
    ) -> Option<(String, String)> {
        let refused = |code, text: String| Diagnostic::new(code, path.span, text);
        let (count, most) = (self.modules.list.len() - 1, self.limits.modules_max);
        if count >= most {
            self.full = true;
            let text = format!("more than {most} modules are imported");
            let remedy = "put modules together; a program may set `Limits::modules_max`";
            self.found.push(refused(Code::TooLarge, text).remedy(remedy));
            return None;
        }
        let left = self.limits.modules_bytes_max.saturating_sub(self.imported.end());
        let bytes_max = left.min(self.limits.bytes_max);
        let Loaded { name, bytes } = match loader.load(main, &path.value, bytes_max) {
            Ok(loaded) => loaded,
            Err(why) => {
                let text = format!("module `{}` is not there: {why}", path.value);
                let remedy = "put the module into the folder of the main one, under the name it is imported by";
                self.found.push(refused(Code::UnknownModule, text).remedy(remedy));
                return None;
            }
        };
        if bytes.len() > left && left < self.limits.bytes_max {
            self.full = true;
            let most = self.limits.modules_bytes_max;
            let text = format!("the texts of all modules have more than {most} bytes");
            let remedy = "a program may set `Limits::modules_bytes_max`";
            self.found.push(refused(Code::TooLarge, text).remedy(remedy));
            return None;
        }
        match decode(&bytes, self.limits) {
            Ok(text) => Some((name, text.to_string())),
            Err(wrong) => {
                self.undecoded(path, name, &bytes, wrong);
                None
            }
        }
    }

    /// Reports the bytes of a module that are no text.
    fn undecoded(
        &mut self,
        path: &Placed<ModulePath>,
        name: String,
        bytes: &[u8],
        wrong: Diagnostics,
    ) {
        let mut base = None;
        for diagnostic in wrong.list() {
            let mut diagnostic = diagnostic.clone();
            if diagnostic.span == Span::NONE {
                diagnostic.message = format!("module `{}` has {}", path.value, diagnostic.message);
                diagnostic.span = path.span;
            } else {
                let shown = super::shown(bytes);
                let base = *base.get_or_insert_with(|| self.imported.push(name.clone(), shown));
                let Span { start, end } = diagnostic.span;
                diagnostic.span = Span::new(base + start as usize, base + end as usize);
            }
            self.found.push(diagnostic);
        }
    }
}

/// TYPE-23: reports modules that import themselves, at once or through others.
fn circles(modules: &Modules, found: &mut Diagnostics) {
    const NEW: usize = usize::MAX;
    // The place of each module on the path; `len` behind it.
    let count = modules.list.len();
    let mut place = vec![NEW; count];
    let mut path: Vec<(usize, usize)> = vec![(0, 0)];
    place[0] = 0;
    while let Some((at, next)) = path.last_mut() {
        let Some(import) = modules.list[*at].imports.get(*next) else {
            place[*at] = count;
            path.pop();
            continue;
        };
        *next += 1;
        let Some(module) = import.module else { continue };
        if place[module] == NEW {
            place[module] = path.len();
            path.push((module, 0));
        } else if place[module] < count {
            let circle = path[place[module]..].iter().map(|(at, _)| *at);
            found.push(circle_found(modules, import, circle, module));
        }
    }
}

fn circle_found(
    modules: &Modules,
    import: &Import,
    circle: impl Iterator<Item = usize>,
    last: usize,
) -> Diagnostic {
    let name = |index: usize| match &modules.list[index].path {
        Some(path) => format!("`{}`", path.value),
        None => "a module without a name".into(),
    };
    let mut names: Vec<String> = circle.take(NAMED_MAX + 1).map(name).collect();
    let last = name(last);
    if names.len() > NAMED_MAX {
        names.truncate(NAMED_MAX);
        names.push("others".into());
    }
    let text = format!("modules import each other in a circle: {}, {last}", names.join(", "));
    Diagnostic::new(Code::ImportCycle, import.path.span, text)
        .remedy("put what both need into a module of its own")
}
