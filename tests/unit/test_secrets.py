"""What is taken for a secret, and what is not though its name is near one."""

from __future__ import annotations

import pytest

from dock2uk import secrets


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTGRES_PASSWORD", "hunter2"),
        ("MYSQL_ROOT_PASSWORD", "x"),
        ("apiKey", "abc"),
        ("API_KEY", "abc"),
        ("aws.secret.access-key", "wJalr"),
        ("GITHUB_TOKEN", "t"),
        ("DJANGO_SECRET_KEY", "django"),
        ("WP_AUTH_KEY", "a"),
        ("REDIS_PASS", "a"),
        ("DATABASE_URL", "postgres://user:pw@db/name"),
        ("X", "AKIA" + "A" * 16),
        ("X", "ghp_" + "a" * 36),
        ("X", "-----BEGIN RSA PRIVATE KEY-----\nMII"),
        ("X", "eyJhbGciOiJ.eyJzdWIiOiIx.c2lnbmF0dXJl"),
        ("AWS_SECRET_ACCESS_KEY", "/JalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("DB_PASSWORD", "/aB9xQz81kLmN"),
    ],
)
def test_secrets(name: str, value: str) -> None:
    assert secrets.reason(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PATH", "/usr/bin"),
        ("PWD", "/srv"),
        ("GPG_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D"),
        ("POSTGRES_PASSWORD_FILE", "/run/secrets/pw"),
        ("POSTGRES_PASSWORD", ""),
        ("ALLOW_EMPTY_PASSWORD", "yes"),
        ("SSL_KEY", "/etc/ssl/key.pem"),
        ("TOKEN_TTL", "3600"),
        ("COMPASS", "north"),
        ("PASSENGER_APP_ENV", "production"),
        ("KEYBOARD", "us"),
        ("DATABASE_URL", "postgres://db/name"),
        ("MONKEY", "x"),
        ("LANG", "C.UTF-8"),
    ],
)
def test_no_secrets(name: str, value: str) -> None:
    assert secrets.reason(name, value) is None
