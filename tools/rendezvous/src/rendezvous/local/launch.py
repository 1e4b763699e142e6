"""Becomes the command it is given: as another user where told, and never outliving its parent.

Run as a script by `Program.argv`, with the standard library alone:
`launch.py <parent pid> <signal> <uid:gid or -> <niceness> <command> [argument…]`.
"""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

# linux/prctl.h, linux/securebits.h and linux/capability.h
_SET_PARENT_DEATH_SIGNAL = 1
_SET_SECURE_BITS, _NO_SETUID_FIXUP = 28, 1 << 2
_SET_KEEP_CAPABILITIES = 8
_AMBIENT, _AMBIENT_RAISE = 47, 2
_CAPABILITY_VERSION_3 = 0x20080522
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1, 2


def main(arguments: Sequence[str]) -> None:
    """Drops to the given user, ties itself to the parent and becomes the command."""
    parent, death_signal, user, niceness, *command = arguments
    _step_back(niceness)
    if user != "-":
        uid, gid = (int(part) for part in user.split(":"))
        try:
            _become(uid, gid)
        except OSError as error:
            sys.exit(f"root may not become user {uid} here: {error.strerror}")
    _die_with(int(parent), int(death_signal))
    os.execv(command[0], command)  # noqa: S606


def _step_back(niceness: str) -> None:
    """Leaves the processor to others by so many steps (0 to 19)."""
    os.nice(int(niceness))
    # Linux shares processors among sessions first, and each child has a session of its own.
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(niceness)


def _become(uid: int, gid: int) -> None:
    """Gives up root, but still reaches below directories that only root may enter.

    Postgres refuses uid 0, and a checkout of root's is usually below a 0700 directory. Nothing
    is opened to others for it: the one right to search and read stays with this process.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    on_linux = hasattr(libc, "capset")
    if on_linux:
        libc.prctl(_SET_KEEP_CAPABILITIES, 1, 0, 0, 0)
        # Without this, access(2), by which initdb looks for its programs, would not ask the right.
        libc.prctl(_SET_SECURE_BITS, _NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if on_linux:
        _keep_least(libc)


def _keep_least(libc: ctypes.CDLL) -> None:
    """Keeps the smaller right; containers grant the larger one more often; or keeps none."""
    if not (_keep_only(libc, _DAC_READ_SEARCH) or _keep_only(libc, _DAC_OVERRIDE)):
        _set_capabilities(libc, 0)


def _keep_only(libc: ctypes.CDLL, capability: int) -> bool:
    if not _set_capabilities(libc, 1 << capability):
        return False
    return libc.prctl(_AMBIENT, _AMBIENT_RAISE, capability, 0, 0) == 0


def _set_capabilities(libc: ctypes.CDLL, mask: int) -> bool:
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    effective_permitted_inheritable = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    return libc.capset(header, effective_permitted_inheritable) == 0


def _die_with(parent: int, death_signal: int) -> None:
    """Asks the kernel for `death_signal` when the parent is gone, however it went."""
    if sys.platform == "linux":
        # After the change of user, which clears it.
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, death_signal, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1:])
