// Many runs of Lean in one process: a run of its own would spend most of its time on reading and compiling the 137 MB of
// code of Lean's WebAssembly build, and here that is done once. Each run has a memory of its own, as in a process.
//
// usage: node host.js BIN, where BIN holds lean.js and lean.wasm as `install.py` leaves them
// in:  {"id": 1, "arguments": ["-o", "A.olean", "A.lean"], "said": "FILE"}      a line for each run; FILE gets what it says
// out: {"id": 1, "status": 0}                                                a line for each that has ended

"use strict";
const fs = require("fs");
const path = require("path");
const readline = require("readline");
const { Worker } = require("worker_threads");

const bin = process.argv[2];
// What the threads of a run print goes to the file of that run: see `patch.py`.
process.env.LEAN_HOST = "1";
const program = new WebAssembly.Module(reduced(fs.readFileSync(path.join(bin, "lean.wasm"))));

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, arguments: given, said } = JSON.parse(line);
  const out = fs.openSync(said, "w");
  const run = new Worker(path.join(bin, "lean.js"), {
    argv: given,
    workerData: { job: { program, out } },
    resourceLimits: { stackSizeMb: 4 },
  });
  let failed = false;
  run.on("error", (error) => {
    failed = true;
    fs.writeSync(out, `${(error && error.stack) || error}\n`);
  });
  run.on("exit", (status) => {
    fs.closeSync(out);
    process.stdout.write(JSON.stringify({ id, status: failed ? 99 : status }) + "\n");
  });
});

// The module without the exports that nobody asks for. Each thread of each run makes an object of every export: 201,000 of
// them take a second. Lean looks up functions of its library by name when a file uses a macro of it, the form `f___boxed`
// first; so a function that has such a form is not needed itself, and neither are parts of functions. If one is missed
// after all, Lean says so, and `lean/check` runs the file again by itself.
function reduced(raw) {
  let at = 8;
  const number = () => {
    let value = 0, scale = 1, byte;
    do {
      byte = raw[at++];
      value += (byte & 127) * scale;
      scale *= 128;
    } while (byte >= 128);
    return value;
  };
  const encoded = (value) => {
    const bytes = [];
    do {
      const low = value % 128;
      value = Math.floor(value / 128);
      bytes.push(value > 0 ? low + 128 : low);
    } while (value > 0);
    return Buffer.from(bytes);
  };
  const name = () => {
    const length = number();
    at += length;
    return raw.latin1Slice(at - length, at);
  };
  const limits = () => {
    const flags = raw[at++];
    number();
    if (flags & 1) number();
  };
  const inner = /_closed__|_spec_|___lam__|___lambda__|___regBuiltin|_Lean_(Server|Lsp|Doc|IR)_|Std_(Time|Internal)/;
  const linked = new Set(); // what the module itself wants to have by name
  while (at < raw.length) {
    const start = at, section = raw[at++], length = number(), end = at + length;
    if (section === 2) {
      for (let left = number(); left > 0; left--) {
        const from = name(), what = name(), kind = raw[at++];
        if (from.startsWith("GOT.")) linked.add(what);
        if (kind === 0) number(); // a function
        else if (kind === 1) at++, limits(); // a table
        else if (kind === 2) limits(); // a memory
        else at += 2; // a global
      }
    } else if (section === 7) {
      const all = [];
      for (let left = number(); left > 0; left--) {
        const from = at, what = name();
        at++;
        number();
        all.push([what, raw.subarray(from, at)]);
      }
      const names = new Set(all.map(([what]) => what));
      const wanted = (what) =>
        !/^_?l_/.test(what) || linked.has(what) || !(inner.test(what) || names.has(`${what}___boxed`));
      const kept = all.filter(([what]) => wanted(what));
      const body = Buffer.concat([encoded(kept.length), ...kept.map(([, bytes]) => bytes)]);
      const head = Buffer.concat([Buffer.from([7]), encoded(body.length)]);
      return Buffer.concat([raw.subarray(0, start), head, body, raw.subarray(end)]);
    }
    at = end;
  }
  throw new Error("lean.wasm exports nothing");
}
