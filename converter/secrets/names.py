"""What looks like a secret by the name it has, or by its form.

A secret of no known form under an innocent name is not seen, and a name alone says nothing of a
value that is empty or looks like the path of a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .forms import form_of

# Words of a name, as they stand between underscores, dashes, dots or changes of case.
_SECRET_WORDS = re.compile(
    r"(?:^|_)(?:PASS|PASSWD|PASSWORD|PASSPHRASE|PWD|REQUIREPASS|MASTERAUTH|SECRET|SECRETS|TOKEN|CREDENTIAL|CREDENTIALS"
    r"|API_?KEY|ACCESS_?KEY|AUTH_?KEY|PRIVATE_?KEY|SECRET_?KEY|ENCRYPTION_?KEY|MASTER_?KEY"
    r"|SIGNING_?KEY|COOKIE|SALT)(?:_|$)"
)
# Names that hold such a word and no secret: where to read it, how long it lives, and the like.
_INNOCENT_ENDS = re.compile(
    r"_(?:FILE|PATH|DIR|URL|TTL|TIMEOUT|EXPIRY|LENGTH|TYPE|NAME|ALGORITHM|HEADER|ID)$"
)
_INNOCENT_NAMES = frozenset(("PWD", "OLDPWD"))  # the shell's working directory
# Values that say "none" or "yes" where a secret could stand.
_INNOCENT_VALUES = frozenset(("", "0", "1", "true", "false", "yes", "no", "on", "off", "none"))

# A path by what paths look like: base64 has the slash too, so that one secret in 64 begins with it.
_PATH = re.compile(
    r"/(?:app|data|dev|etc|home|mnt|opt|proc|root|run|secrets?|srv|tmp|usr|var|vault)(?:/.*)?"
    r"|(?:/[a-z0-9_.-]{1,24})+/?"
)
_TELLING_CHARACTERS = 4
MASK = "(a secret)"


def reason(name: str, value: str) -> str | None:
    """Why a named value looks like a secret; None when it does not."""
    if value.lower() in _INNOCENT_VALUES:
        return None
    return form_of(value) or ("its name says so" if _is_secret_name(name, value) else None)


def named(env: Iterable[str]) -> dict[str, str]:
    """The variables ("NAME=value") that look like secrets, with their values."""
    pairs = (entry.partition("=")[::2] for entry in env)
    return {name: value for name, value in pairs if reason(name, value) is not None}


def is_told_by(texts: Iterable[str], value: str) -> bool:
    """Whether a secret stands in one of the texts; a value too short is in many by accident."""
    return len(value) >= _TELLING_CHARACTERS and any(value in text for text in texts)


def masked(text: str, values: Iterable[str]) -> str:
    """The text without these secrets."""
    for value in values:
        if is_told_by((text,), value):
            text = text.replace(value, MASK)
    return text


def is_path(value: str) -> bool:
    return _PATH.fullmatch(value) is not None


def _is_secret_name(name: str, value: str) -> bool:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[-.]", "_", name).upper()
    if words in _INNOCENT_NAMES or _INNOCENT_ENDS.search(words):
        return False
    return _SECRET_WORDS.search(words) is not None and not is_path(value)
