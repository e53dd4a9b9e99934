"""What stands where a secret could and is none: examples, references to what is elsewhere, and
ordinary values such as a number, a duration or the name of a host.
"""

from __future__ import annotations

import re
from itertools import pairwise

FEWEST_DIFFERENT = 6  # characters of a value that nobody guesses
_LONGEST_SHOWN = 200  # characters of an example
_SHORTEST_DISORDERED = 12  # letters: of fewer nothing can be said
# What nothing expands: ${NAME}, <name>, %NAME%, {{ name }}, {name}, [name]; and lines of x.
_PLACEHOLDER = re.compile(
    r"\$\{\w+.*|<.*>|%\w+%|%[sdv]|\{\{.*\}\}|\{\w*\}|\[\w*\]|\*+|\.+|x+|change[-_ ]?(?:me|it|this)"
    r"|your[-_ ].*",
    re.IGNORECASE,
)
# With what a reference to it can be followed by; a password may begin with a dollar.
_VARIABLE = re.compile(r"\$(?:\w+(?:[^\w!#%&+=?^|~].*)?|[({@*!?].*)?|`.*")
_EXAMPLE = re.compile(
    r"example|sample|placeholder|dummy|change[-_ ]?(?:me|it|this)|your[-_ ]|todo|redacted|insert"
    r"|replace",
    re.IGNORECASE,
)
# Words that a secret is called by, and names that everybody tries first.
_WORD = re.compile(
    r"(?:(?:my|the|a|some|new|old|default|database|db|root|admin|user|test|api|app|access|auth"
    r"|super|github|gitlab)[-_ ]?)*"
    r"(?:pass(?:word|wd|phrase)?|pw|pwd|secret|token|key|credentials?)[-_ ]?[0-9]{0,3}"
    r"|(?:foo|bar|baz|test|guest|root|admin|user(?:name)?)[0-9]{0,3}|abc123|anonymous|string|hidden",
    re.IGNORECASE,
)
# Values of settings that have a secret's name in theirs: where it is, of which kind, whether.
_ORDINARY = re.compile(
    r"|\W+|true|false|yes|no|on|off|none|null|nil|undefined|enabled?|disabled?|required|optional|auto"
    r"|default|strict|lax|basic|bearer|jwt|jwks|oauth2?|env(?:ironment)?|files?|vault|aws|gcp"
    r"|azure|header|cookie|query|argon2(?:id?)?|bcrypt|scrypt|[hr]s256|sha-?(?:1|256|512)"
    r"|(?:id|type|src|source|target)=.*"  # where an option has its value from
    r"|(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|ms|s|m|min|h|d|w|y))+"  # a duration
    r"|[a-z][a-z0-9+.-]*://[^\s@]*"  # a URL of nobody
    r"|(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|app|cloud|local|internal|localdomain)(?::[0-9]+)?"
    r"|localhost(?::[0-9]+)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)*")
# A path by what paths look like: base64 has the slash too, so that one secret in 64 begins with it.
_PATH = re.compile(
    r"/(?:app|data|dev|etc|home|mnt|opt|proc|root|run|secrets?|srv|tmp|usr|var|vault)(?:/.*)?"
    r"|(?:/[a-z0-9_.-]{1,24})+/?"
)
_FILE = re.compile(
    r"[\w./~\\-]+\.(?:pem|key|der|p12|pfx|jks|crt|cer|txt|json|ya?ml|conf|env|pub|asc|gpg"
    r"|properties)",
    re.IGNORECASE,
)


def is_for_show(value: str) -> bool:
    """What nobody means to be secret: a placeholder, an example, a word, an ordinary value."""
    if _PLACEHOLDER.fullmatch(value) or is_path(value):
        return True
    if len(value) > _LONGEST_SHOWN:
        return False
    is_whole = any(one.fullmatch(value) for one in (_WORD, _ORDINARY, _FILE))
    return is_whole or _EXAMPLE.search(value) is not None


def is_stand_in(value: str) -> bool:
    """What a shell or a template puts the value of something else for, or its example."""
    return _VARIABLE.fullmatch(value) is not None or _PLACEHOLDER.fullmatch(value) is not None


def is_number(value: str) -> bool:
    """Versions too."""
    return _NUMBER.fullmatch(value) is not None


def is_path(value: str) -> bool:
    return _PATH.fullmatch(value) is not None


def is_varied(value: str) -> bool:
    """As passwords are: with a digit, or with letters of both cases and a sign or no order."""
    if len(set(value)) < FEWEST_DIFFERENT or re.search(r"\s", value):
        return False
    has_digit = any(one.isdigit() for one in value)
    has_cases = value != value.lower() and value != value.upper()
    return has_digit or (has_cases and (not value.isalpha() or _is_disordered(value)))


def _is_disordered(letters: str) -> bool:
    """Letters whose case changes as by chance: `camelCase` has no two capitals together as well."""
    changes = sum(one.isupper() != other.isupper() for one, other in pairwise(letters))
    is_chance = changes * 5 > len(letters) * 2 and re.search(r"[A-Z]{2}", letters) is not None
    return len(letters) >= _SHORTEST_DISORDERED and is_chance
