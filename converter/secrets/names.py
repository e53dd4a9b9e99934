"""What is a secret by the name that its value has, and not by the value's form.

The name must end in what a secret is called: one that goes on tells of something about it
(`TOKEN_ISSUER`, `PASSWORD_FILE`). A secret under an innocent name is not seen, and a name says
nothing of a value that is there for show (`shown`).
"""

from __future__ import annotations

import re

from . import shown

# How names are written: words with underscores between them, for dashes, dots and changes of case.
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-.]")
_PASSWORD = (
    r"(?:PG|DB|SSH|KEY|STORE|KEYSTORE|TRUSTSTORE|REQUIRE|USER|ADMIN|ROOT|MYSQL|REDIS)?"
    r"PASS(?:WORD|WD|PHRASE)?|PWD|MASTERAUTH"
)
_OTHER = (
    r"SECRETS?|TOKEN|CREDENTIALS?"
    r"|(?:API|ACCESS|AUTH|PRIVATE|SECRET|ENCRYPTION|MASTER|SIGNING|ACCOUNT)_?KEY"
)
# Of several of one kind: SECRET_KEY_BASE of Rails, TOKEN_2, API_KEY_PROD.
_WHICH = (
    r"(?:_(?:BASE(?:64)?|VALUE|PROD(?:UCTION)?|STAGING|DEV|LIVE|OLD|NEW|CURRENT|PREVIOUS|PRIMARY"
    r"|SECONDARY)|_?V?[0-9]+)?$"
)
_NAME = re.compile(rf"(?:^|_)(?:{_PASSWORD}|{_OTHER}){_WHICH}")
_PASSWORD_NAME = re.compile(rf"(?:^|_)(?:{_PASSWORD}){_WHICH}")
# Names that say as little as `KEY`: the value must look like a secret too.
_WEAK_NAME = re.compile(r"(?:^|_)(?:COOKIE|SALT)$|^PASS$")
_INNOCENT_NAMES = frozenset(("PWD", "OLDPWD"))  # the shell's working directory
_SHORTEST_NUMBER = 4  # of a password; other numbers say how many or how long


def is_told(name: str, value: str) -> bool:
    """Whether the value is a secret by its name."""
    words = words_of(name)
    if words in _INNOCENT_NAMES or shown.is_for_show(value) or _says_name(value, name):
        return False
    if _WEAK_NAME.search(words):
        return shown.is_varied(value)
    if shown.is_number(value):
        is_long = value.isdigit() and len(value) >= _SHORTEST_NUMBER
        return is_long and _PASSWORD_NAME.search(words) is not None
    return is_secret_name(name)


def is_secret_name(name: str) -> bool:
    words = words_of(name)
    return words not in _INNOCENT_NAMES and _NAME.search(words) is not None


def may_be_told(name: str) -> bool:
    """Whether there is a value that this name makes a secret."""
    return is_secret_name(name) or _WEAK_NAME.search(words_of(name)) is not None


def words_of(name: str) -> str:
    return _WORD_STARTS.sub("_", name).strip("_").upper()


def _says_name(value: str, name: str) -> bool:
    """`apiKey1Header` and `_RSA_API_Key` for `apiKey`: a name of something."""
    called, word = (re.sub(r"\W|_", "", one).lower() for one in (name, value))
    is_name = re.fullmatch(r"\w+", value) is not None
    return is_name and (word.startswith(called) or word.endswith(called))
