"""Contexts: which broker, and as whom. The file format is that of clients/include/qiao/context.h."""
import os
import stat
from dataclasses import dataclass

FILE_BYTES_MAX = 16384
KEY_CHARS = 40


class ContextError(ValueError):
    """The context is missing, open to others, or wrong; the text names file and line."""


def directory():
    """$QIAO_CONFIG_DIR, else $XDG_CONFIG_HOME/qiao, else ~/.config/qiao."""
    if os.environ.get("QIAO_CONFIG_DIR"):
        return os.environ["QIAO_CONFIG_DIR"]
    return os.path.join(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "qiao")


@dataclass
class Context:
    endpoint: str
    server_key: str = ""
    public_key: str = ""
    secret_key: str = ""
    party: str = ""
    member: str = ""

    @classmethod
    def load(cls, name=None):
        """A name, a path (it contains a slash), or None for $QIAO_CONTEXT, else the current one."""
        name = name or os.environ.get("QIAO_CONTEXT") or _current()
        path = name if "/" in name else os.path.join(directory(), "contexts", name)
        try:
            with open(path, encoding="utf-8") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                text = file.read(FILE_BYTES_MAX + 1)
        except (OSError, UnicodeDecodeError) as error:
            raise ContextError(f"{path}: {error}") from error
        if len(text) > FILE_BYTES_MAX:
            raise ContextError(f"{path}: longer than {FILE_BYTES_MAX} bytes")
        values = _parse(path, text)
        if values.get("secret_key") and mode & 0o077:
            raise ContextError(f"{path}: mode {mode:04o} lets others read the secret key; chmod 600 {path}")
        if not values.get("endpoint"):
            raise ContextError(f"{path}: endpoint is missing")
        return cls(**{key: values[key] for key in cls.__dataclass_fields__ if key in values})


def _current():
    try:
        with open(os.path.join(directory(), "current"), encoding="utf-8") as file:
            return file.read().strip()
    except OSError as error:
        raise ContextError(f"no context: import one with `qiao context import`, or set QIAO_CONTEXT ({error})") from error


def _parse(path, text):
    values = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        key, value = key.strip(), value.strip()
        if not equals:
            raise ContextError(f"{path} line {number}: expected key = value")
        if key in values:
            raise ContextError(f"{path} line {number}: {key} is given twice")
        if key.endswith("_key") and len(value) != KEY_CHARS:
            raise ContextError(f"{path} line {number}: {key} is not {KEY_CHARS} characters of Z85")
        values[key] = value
    return values
