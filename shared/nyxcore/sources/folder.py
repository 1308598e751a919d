"""A repository in a folder on disk."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

from nyxcore.errors import SourceRefused
from nyxcore.sources.checkout import commit_of_folder
from nyxcore.sources.walk import Listing, Node, TooLarge, Tree, Type, walk

# A pipe put in the file's place after it was listed must not block the reader.
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FolderTree(Tree):
    """Lists and reads below one folder. Links are reported, never followed."""

    def __init__(self, root: Path) -> None:
        self._root = os.fsencode(root)

    def list(self, folder: bytes) -> list[Node]:
        """The names in `folder` with what they are, without a look at what they hold."""
        with os.scandir(self._root + b"/" + folder if folder else self._root) as entries:
            return [Node(entry.name, _type(entry)) for entry in entries]

    def read(self, path: bytes, limit: int) -> bytes:
        """The content of a regular file of at most `limit` bytes."""
        file = os.open(self._root + b"/" + path, _OPEN)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(0, "it is no longer a regular file")
            if status.st_size > limit:
                raise TooLarge
            content = os.read(file, limit + 1)
            if len(content) != status.st_size:  # it is being written, or its size is not known (procfs)
                while len(content) <= limit and (more := os.read(file, limit + 1 - len(content))):
                    content += more
        finally:
            os.close(file)
        if len(content) > limit:
            raise TooLarge
        return content


def _type(entry: os.DirEntry[bytes]) -> Type:
    if entry.is_symlink():
        return Type.LINK
    if entry.is_dir(follow_symlinks=False):
        return Type.FOLDER
    return Type.FILE if entry.is_file(follow_symlinks=False) else Type.SPECIAL


def read_folder(folder: Path) -> Listing:
    """Walk a folder: files come from disk as they are now, never from git's index.

    Raises
    ------
    SourceRefused
        `folder` does not exist, is no folder, or cannot be listed.
    """
    try:
        root = folder.resolve(strict=True)
        tree = FolderTree(root)
        nodes = tree.list(b"")
    except FileNotFoundError:
        raise SourceRefused(f"There is no folder {folder}. Name one that holds source code.") from None
    except NotADirectoryError:
        raise SourceRefused(f"{folder} is a file, not a folder. Name the folder that it stands in.") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SourceRefused(f"The folder {folder} cannot be read: {reason}. Check its permissions.") from None
    except ValueError:
        raise SourceRefused(f"{str(folder)!r} is no path: it holds a NUL byte.") from None
    return replace(walk(tree, nodes, []), commit=commit_of_folder(root))
