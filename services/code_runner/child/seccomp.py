"""Giving up system calls that no interpreter needs, by Linux' seccomp."""

from __future__ import annotations

import ctypes
import platform

_NO_NEW_PRIVILEGES = 38
_SET_SECCOMP, _FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # classic BPF
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
_ALLOW, _KILL, _DENY = 0x7FFF0000, 0x80000000, 0x00050001  # the last: EPERM
_OTHER_ABI = 0x40000000
_NAMES = (
    "socket ptrace process_vm_readv process_vm_writev bpf unshare setns mount chroot pivot_root "
    "keyctl add_key perf_event_open userfaultfd io_uring_setup open_by_handle_at init_module "
    "kexec_load"
).split()
_ARCHITECTURES = {
    "x86_64": (
        0xC000003E,
        (41, 101, 310, 311, 321, 272, 308, 165, 161, 155, 250, 248, 298, 323, 425, 304, 175, 246),
    ),
    "aarch64": (
        0xC00000B7,
        (198, 117, 270, 271, 280, 97, 268, 40, 51, 41, 219, 217, 241, 282, 425, 265, 105, 104),
    ),
}


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("yes", ctypes.c_uint8),
        ("no", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("first", ctypes.POINTER(_Instruction)))


def shut_system_calls() -> bool:
    """Refuse sockets, tracing, namespaces and the like to this process and its children.

    Returns whether it was done; a kernel or processor it does not know changes nothing. It cannot
    be undone.
    """
    known = _ARCHITECTURES.get(platform.machine())
    if known is None:
        return False
    architecture, numbers = known
    count = len(numbers)
    steps = [
        _Instruction(_LOAD, 0, 0, _ARCHITECTURE_AT),
        _Instruction(_EQUAL, 1, 0, architecture),
        _Instruction(_RETURN, 0, 0, _KILL),
        _Instruction(_LOAD, 0, 0, _NUMBER_AT),
        _Instruction(_AT_LEAST, count + 1, 0, _OTHER_ABI),
        *(_Instruction(_EQUAL, count - at, 0, number) for at, number in enumerate(numbers)),
        _Instruction(_RETURN, 0, 0, _ALLOW),
        _Instruction(_RETURN, 0, 0, _DENY),
    ]
    written = (_Instruction * len(steps))(*steps)
    program = _Program(len(steps), written)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    return bool(libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) == 0)
