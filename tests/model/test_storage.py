"""Storage: whatever fails, and whenever the process dies, a path holds the old file or the new one, whole."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backpass.errors import ModelFileError, ResourceError, UsageError
from backpass.model.file import storage, temporary
from backpass.model.file.storage import check_writable, read_file, write_atomically
from backpass.model.file.temporary import create_temporary

OLD, NEW = b"old" * 1000, b"new" * 2000
POSIX = pytest.mark.skipif(os.name == "nt", reason="signals, modes and folder syncs as POSIX has them")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "m.backpass"
    path.write_bytes(OLD)
    return path


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


class FaultyOs:
    """The os module, except that the Nth of its calls fails, or writes half and then fails at the next call."""

    CALLS = ("open", "write", "fsync", "close", "replace", "fchmod", "stat", "urandom", "dup")

    def __init__(self, fail_at: int, code: int) -> None:
        self.fail_at, self.code, self.calls = fail_at, code, 0
        self.failed = ""
        self.write_sizes: list[int] = []

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in self.CALLS:
            return real

        def call(*arguments: Any, **keywords: Any) -> Any:
            self.calls += 1
            if self.calls == self.fail_at:
                self.failed = name
                if name == "close":
                    real(*arguments)  # as on Linux: the descriptor is gone even when close reports an error
                raise OSError(self.code, os.strerror(self.code))
            if name == "write":
                arguments = (arguments[0], arguments[1][:1000])
            return real(*arguments, **keywords)

        return call


# Writing


def test_a_new_file(tmp_path: Path) -> None:
    write_atomically(tmp_path / "m.backpass", NEW)
    assert (tmp_path / "m.backpass").read_bytes() == NEW
    assert names(tmp_path) == ["m.backpass"]


def test_an_empty_file_and_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomically("m.backpass", b"")
    check_writable("m.backpass")
    assert read_file("m.backpass") == b""


def test_replacing(target: Path) -> None:
    write_atomically(target, NEW)
    assert target.read_bytes() == NEW
    assert names(target.parent) == ["m.backpass"]


@POSIX
@pytest.mark.usefixtures("usual_umask")
def test_permission_bits(target: Path) -> None:
    write_atomically(target.with_name("n"), NEW)
    assert stat.S_IMODE(target.with_name("n").stat().st_mode) == 0o644
    for mode in (0o600, 0o666, 0o440):
        target.chmod(mode)
        write_atomically(target, NEW)
        assert stat.S_IMODE(target.stat().st_mode) == mode


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EINTR], ids=errno.errorcode.get)
def test_every_call_may_fail(code: int, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Call number 1, 2, 3 ... fails until a save succeeds; writes are short, so there are several of them."""
    failed, unlocking = [], []
    for fail_at in range(1, 100):
        target.write_bytes(OLD)
        faulty = FaultyOs(fail_at, code)
        error = outcome_with(faulty, target, monkeypatch)
        assert names(target.parent) == ["m.backpass"], f"call {fail_at}, {faulty.failed}"
        if error is None and not faulty.failed:
            break
        if error is None:
            unlocking.append(faulty.failed)  # the lock of a file that is renamed already
            continue
        failed.append(faulty.failed)
        assert os.strerror(code) in error.message
        assert (error.exit_code, bool(error.hint)) == (5, True)
        assert target.read_bytes() == (NEW if "folder could not be synced" in error.message else OLD)
    assert target.read_bytes() == NEW
    after_the_rename = ["open", "fsync", "close"]
    before = ["stat", "urandom", "open", "dup", "fchmod", *["write"] * 6, "fsync", "close", "replace"]
    assert (failed, unlocking) == (before + after_the_rename, ["close"])


def outcome_with(faulty: FaultyOs, target: Path, monkeypatch: pytest.MonkeyPatch) -> ResourceError | None:
    with monkeypatch.context() as patch:
        patch.setattr(storage, "os", faulty)
        patch.setattr(temporary, "os", faulty)
        try:
            write_atomically(target, NEW)
        except ResourceError as error:
            return error
    return None


def test_a_disk_that_takes_no_bytes(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", lambda descriptor, data: 0)
    with pytest.raises(ResourceError, match="accepted no bytes"):
        write_atomically(target, NEW)
    assert target.read_bytes() == OLD
    assert names(target.parent) == ["m.backpass"]


@pytest.mark.parametrize("name", ["write", "fsync", "replace"])
def test_an_interrupt_leaves_nothing(name: str, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, name, interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(target, NEW)
    assert target.read_bytes() == OLD
    assert names(target.parent) == ["m.backpass"]


def test_a_folder_that_cannot_be_synced_at_all_is_fine(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomically(target, NEW)
    assert target.read_bytes() == NEW


@pytest.mark.parametrize("reason", [None, errno.ENOTSUP])
@POSIX
def test_macos_is_asked_for_more_than_fsync(target: Path, monkeypatch: pytest.MonkeyPatch, reason: int | None) -> None:
    import fcntl

    asked, synced = [], []

    def control(descriptor: int, command: int) -> None:
        asked.append(command)
        if reason is not None:
            raise OSError(reason, os.strerror(reason))

    real = os.fsync
    monkeypatch.setattr(storage.sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", control)
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(real(descriptor)))
    write_atomically(target, NEW)
    assert asked == [51]
    assert len(synced) == (1 if reason is None else 2)  # the folder, and the file where it was refused
    assert target.read_bytes() == NEW


def test_the_whole_message(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(ResourceError) as caught:
        write_atomically(target, NEW)
    assert str(caught.value) == (
        f"{target} could not be saved (an existing file is unchanged): No space left on device\n\n"
        "hint: free space, or choose another folder"
    )


@POSIX
def test_a_link_planted_under_the_temporary_name_is_refused(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", lambda count: b"\x07" * count)
    victim = target.with_name("victim")
    victim.write_bytes(b"precious")
    planted = target.with_name(f".m.backpass.{'07' * 8}.tmp")
    planted.symlink_to(victim)
    for act in (lambda: write_atomically(target, NEW), lambda: check_writable(target)):
        with pytest.raises(ResourceError, match="File exists"):
            act()
    assert victim.read_bytes() == b"precious"
    assert planted.is_symlink()
    assert target.read_bytes() == OLD


@POSIX
def test_a_link_at_the_path_is_replaced_not_followed(target: Path) -> None:
    link = target.with_name("latest.backpass")
    link.symlink_to(target)
    check_writable(link)
    write_atomically(link, NEW)
    assert not link.is_symlink()
    assert (link.read_bytes(), target.read_bytes()) == (NEW, OLD)


STALE = ".m.backpass.0123456789abcdef.tmp"
WRITES = pytest.mark.parametrize(
    "act", [check_writable, lambda path: write_atomically(path, NEW)], ids=["check", "write"]
)


@WRITES
def test_what_killed_writers_left_is_removed(act: Any, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    protected = target.with_name(".m.backpass.00112233445566ff.tmp")
    for path in (target.with_name(STALE), protected):
        path.write_bytes(b"half")
    protected.chmod(0o440)
    act(target)
    assert names(target.parent) == ["m.backpass"]
    target.with_name(STALE).write_bytes(b"half")
    monkeypatch.chdir(target.parent)
    act(target.name)
    assert names(target.parent) == ["m.backpass"]


def test_a_name_that_is_cut_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / ("[HEX]*" * 10 + ".backpass")
    left, descriptor = create_temporary(str(path), 0o600)
    os.close(descriptor)
    write_atomically(path, NEW)
    assert not os.path.exists(left)
    assert names(tmp_path) == [path.name]


@WRITES
def test_what_is_not_surely_ours_stays(act: Any, target: Path) -> None:
    others = (
        ".other.backpass.0123456789abcdef.tmp",
        ".m.backpass.0123456789abcdeF.tmp",
        ".m.backpass.0123456789abcde.tmp",
        ".m.backpass.0123456789abcdef.tmp~",
        "x.m.backpass.0123456789abcdef.tmp",
        ".mxbackpass.0123456789abcdef.tmp",
        ".m.backpass.tmp",
    )
    for name in others:
        target.with_name(name).write_bytes(b"kept")
    target.with_name(".m.backpass.aaaaaaaaaaaaaaaa.tmp").mkdir()
    act(target)
    assert names(target.parent) == sorted(["m.backpass", *others, ".m.backpass.aaaaaaaaaaaaaaaa.tmp"])


@POSIX
@WRITES
def test_links_and_pipes_of_such_names_stay(act: Any, target: Path) -> None:
    victim = target.with_name("victim")
    victim.write_bytes(b"precious")
    target.with_name(STALE).symlink_to(victim)
    os.mkfifo(target.with_name(".m.backpass.bbbbbbbbbbbbbbbb.tmp"))
    act(target)
    assert victim.read_bytes() == b"precious"
    assert names(target.parent) == sorted([STALE, ".m.backpass.bbbbbbbbbbbbbbbb.tmp", "m.backpass", "victim"])


WRITER = """
import sys
from backpass.model.file import storage

def waiting(descriptor):
    print("writing", flush=True)
    sys.stdin.readline()

storage._sync = waiting
storage.write_atomically(sys.argv[1], b"other" * 100)
"""


@POSIX
@WRITES
def test_a_file_that_another_process_is_writing_stays(act: Any, target: Path) -> None:
    """The other process ends its save after this one has looked for stale files; once it is killed, its file goes."""
    command = [sys.executable, "-c", WRITER, str(target)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        act(target)
        assert len(names(target.parent)) == 2
        writer.stdin.write(b"go on\n")
        writer.stdin.close()
    assert writer.returncode == 0
    assert target.read_bytes() == b"other" * 100
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"
        writer.kill()
    assert len(names(target.parent)) == 2
    act(target)
    assert names(target.parent) == ["m.backpass"]


def test_a_lock_that_others_do_not_see_costs_another_attempt(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a network disk mounted without locks: the file beside vanishes before it is renamed."""
    real, taken = os.replace, []

    def replace(beside: str, path: str) -> None:
        if len(taken) < 2:
            taken.append(beside)
            os.unlink(beside)
        real(beside, path)

    monkeypatch.setattr(os, "replace", replace)
    write_atomically(target, NEW)
    assert len(set(taken)) == 2
    assert target.read_bytes() == NEW
    assert names(target.parent) == ["m.backpass"]


def test_a_file_that_always_vanishes_is_told(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(beside: str, path: str) -> None:
        os.unlink(beside)
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(ResourceError, match="could not be saved"):
        write_atomically(target, NEW)
    assert target.read_bytes() == OLD


@POSIX
def test_where_locks_are_unknown_nothing_is_removed(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def flock(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    target.with_name(STALE).write_bytes(b"half")
    write_atomically(target, NEW)
    assert target.read_bytes() == NEW
    assert names(target.parent) == [STALE, "m.backpass"]


@POSIX
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_files_of_another_user_stay(target: Path) -> None:
    target.with_name(STALE).write_bytes(b"half")
    os.chown(target.with_name(STALE), 12345, 12345)
    write_atomically(target, NEW)
    assert names(target.parent) == [STALE, "m.backpass"]


def test_a_name_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("\u00e9" * 123 + ".backpass")
    check_writable(path)
    write_atomically(path, NEW)
    assert read_file(path) == NEW


KILLS = """
import os, random, signal, sys, time
from backpass.model.file.storage import write_atomically

path, rounds = sys.argv[1], int(sys.argv[2])
contents = [bytes([i]) * (200_000 + i) for i in range(3)]
write_atomically(path, contents[0])
moment = random.Random(0)
for _ in range(rounds):
    child = os.fork()
    if child == 0:
        while True:
            for content in contents:
                write_atomically(path, content)
    time.sleep(moment.uniform(0.0, 0.01))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open(path, "rb") as file:
        assert file.read() in contents
write_atomically(path, contents[0])
assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)], "left behind"
"""


@POSIX
def test_kills_at_random_moments(target: Path) -> None:
    """A child saves in a loop and is killed with -9, a hundred times; each time one whole file is there."""
    subprocess.run([sys.executable, "-c", KILLS, str(target), "100"], check=True, capture_output=True, timeout=120)


@POSIX
def test_kills_find_a_careless_writer(target: Path) -> None:
    """The same loop over a writer in place must fail, or it would prove nothing."""
    careless = "from pathlib import Path\ndef write_atomically(path, data): Path(path).write_bytes(data)\n"
    program = KILLS.replace("from backpass.model.file.storage import write_atomically", careless)
    done = subprocess.run(
        [sys.executable, "-c", program, str(target), "100"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "AssertionError" in done.stderr


@POSIX
def test_a_real_limit_on_file_size(target: Path) -> None:
    program = """
import resource, sys
from backpass.errors import ResourceError
from backpass.model.file.storage import write_atomically

resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_atomically(sys.argv[1], bytes(100_000))
except ResourceError as error:
    sys.exit(str(error))
"""
    done = subprocess.run([sys.executable, "-c", program, str(target)], capture_output=True, text=True, check=False)
    assert "could not be saved (an existing file is unchanged): File too large" in done.stderr
    assert target.read_bytes() == OLD
    assert names(target.parent) == ["m.backpass"]


# Before training


def test_a_path_that_can_be_written_is_left_alone(target: Path) -> None:
    before = target.stat()
    check_writable(target, need_bytes=1000)
    check_writable(target.with_name("new"), need_bytes=1000)
    after = target.stat()
    assert (before.st_ino, before.st_mtime_ns, before.st_size) == (after.st_ino, after.st_mtime_ns, after.st_size)
    assert names(target.parent) == ["m.backpass"]


def unwritable(path: Path, need_bytes: int = 0) -> ResourceError:
    with pytest.raises(ResourceError) as caught:
        check_writable(path, need_bytes)
    assert caught.value.hint
    return caught.value


def test_the_folder_is_missing_or_none(target: Path) -> None:
    assert "there is no folder" in unwritable(target.with_name("no") / "m").message
    assert "is not a folder" in unwritable(target / "m").message


@pytest.mark.parametrize("act", [check_writable, lambda path: write_atomically(path, NEW)], ids=["check", "write"])
def test_the_path_is_a_folder(act: Any, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="it is a folder"):
        act(tmp_path)
    with pytest.raises(ResourceError, match="the name of a folder"):
        act(f"{tmp_path}/")


@POSIX
@pytest.mark.parametrize("act", [check_writable, lambda path: write_atomically(path, NEW)], ids=["check", "write"])
def test_devices_and_pipes_are_never_replaced(act: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(os.devnull)
    for path in (tmp_path / "pipe", tmp_path / "link", Path(os.devnull)):
        with pytest.raises(ResourceError, match="not a regular file"):
            act(path)
    assert (tmp_path / "link").is_symlink()


def test_the_name_is_too_long(tmp_path: Path) -> None:
    error = unwritable(tmp_path / ("x" * 256))
    assert "File name too long" in error.message
    assert error.hint == "choose a shorter name"


def test_the_disk_is_too_small(target: Path) -> None:
    error = unwritable(target, need_bytes=1 << 60)
    assert f"needs {1 << 60} bytes, the disk has" in error.message


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EMFILE], ids=errno.errorcode.get)
def test_a_folder_that_takes_no_file(code: int, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(path: Any, flags: int, *rest: Any) -> int:
        if flags & os.O_CREAT:
            raise OSError(code, os.strerror(code))
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", refuse)
    assert os.strerror(code) in unwritable(target).message


def test_a_protected_file_is_found(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(path: Any, flags: int, *rest: Any) -> int:
        if not flags & os.O_CREAT:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", refuse)
    assert os.strerror(errno.EPERM) in unwritable(target).message
    assert names(target.parent) == ["m.backpass"]


# Reading


def unreadable(path: Path) -> ModelFileError:
    with pytest.raises(ModelFileError) as caught:
        read_file(path)
    return caught.value


def test_reading(target: Path) -> None:
    assert read_file(target) == OLD
    assert read_file(str(target)) == OLD


def test_a_missing_file_offers_the_nearest(target: Path) -> None:
    wanted = target.with_name("mm.backpass")
    assert str(unreadable(wanted)) == f"{wanted}: there is no such file\n\nhint: did you mean 'm.backpass'?"
    assert unreadable(target.with_name("lending.backpass")).hint == "model files in this folder: 'm.backpass'"
    for number in range(6):
        target.with_name(f"{number}.backpass").touch()
    listed = "'0.backpass', '1.backpass', '2.backpass', '3.backpass', '4.backpass', ..."
    assert unreadable(target.with_name("lending.backpass")).hint == f"model files in this folder: {listed}"
    for number in range(6):
        target.with_name(f"{number}.backpass").unlink()
    target.rename(target.with_name("table.csv"))
    assert "there is no .backpass file in" in unreadable(wanted).hint


def test_a_missing_folder(target: Path) -> None:
    assert unreadable(target.with_name("no") / "m").message.endswith(f"and no folder {target.with_name('no')}")
    assert unreadable(target / "m").message.endswith(f"and no folder {target}")


def test_a_file_may_be_refused_by_its_first_bytes(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before memory is asked for the rest."""
    target.write_bytes(b"x" * 100)
    monkeypatch.setattr(storage, "HEAD", 10)
    seen = []
    assert read_file(target, lambda head, size: seen.append((head, size))) == b"x" * 100
    assert seen == [(b"x" * 10, 100)]


@POSIX
def test_large_foreign_files_take_no_memory(target: Path) -> None:
    from backpass.model import load

    os.truncate(target, storage.SIZE_LIMIT)  # a hole: nothing lies on the disk
    tracemalloc.start()
    with pytest.raises(ModelFileError, match="is not a Backpass file"):
        load(target)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


@POSIX
def test_folders_and_pipes(target: Path) -> None:
    error = unreadable(target.parent)
    assert error.message.endswith("is a folder; expected a file")
    assert "'m.backpass'" in error.hint
    os.mkfifo(target.with_name("pipe"))
    assert "not a regular file" in unreadable(target.with_name("pipe")).message


@POSIX
def test_a_file_that_is_too_large(target: Path) -> None:
    os.truncate(target, storage.SIZE_LIMIT + 1)
    assert (
        f"is {storage.SIZE_LIMIT + 1} bytes long; expected at most {storage.SIZE_LIMIT}" in unreadable(target).message
    )


@pytest.mark.parametrize("failure", [PermissionError(errno.EACCES, "Permission denied"), MemoryError()], ids=repr)
def test_a_file_that_the_system_does_not_give(
    failure: Exception, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise failure

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ResourceError, match=r"cannot be read: (Permission denied|not enough memory)"):
        read_file(target)


@pytest.mark.parametrize(
    "act", [check_writable, read_file, lambda path: write_atomically(path, NEW)], ids=["check", "read", "write"]
)
def test_an_empty_path(act: Any) -> None:
    with pytest.raises(UsageError, match="the path of a file is empty"):
        act("")
