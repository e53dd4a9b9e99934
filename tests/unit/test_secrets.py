"""What is taken for a secret, and what is not though its name is near one."""

from __future__ import annotations

import pytest

from dock2uk import secrets


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTGRES_PASSWORD", "hunter2"),
        ("MYSQL_ROOT_PASSWORD", "x7"),
        ("apiKey", "abc"),
        ("API_KEY", "abc"),
        ("aws.secret.access-key", "wJalr"),
        ("GITHUB_TOKEN", "t"),
        ("DJANGO_SECRET_KEY", "django"),
        ("WP_AUTH_KEY", "a"),
        ("REDIS_PASS", "a"),
        ("DATABASE_URL", "postgres://user:s3cr3t@db/name"),
        ("X", "AKIA" + "QYLPMN5HFIQR7XYZ"),
        ("X", "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"),
        ("X", "-----BEGIN RSA PRIVATE KEY-----\nMII"),
        ("X", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
        ("AWS_SECRET_ACCESS_KEY", "/JalrXUtnFEMI/K7MDENG/bPxRfiCYzTq8kLmKEY"),
        ("DB_PASSWORD", "/aB9xQz81kLmN"),
        ("PGPASSWORD", "hunter2"),
        ("DB_PASSWORD", "481623"),  # a number is a password where a password is asked for
        ("SECRET_KEY_BASE", "hunter2"),
        ("API_KEY_2", "hunter2"),
        ("NPM_TOKEN_PROD", "hunter2"),
        ("ERLANG_COOKIE", "XKQJDMWZTPLA7"),
        ("PASSWORD_SALT", "d41d8cd98f"),
        ("JAVA_OPTS", "-Xmx1g -Djavax.net.ssl.keyStorePassword=hunter2"),
        ("DB", "Server=x;User ID=sa;Password=hunter2;"),
        ("RUN_ARGS", "--requirepass hunter2"),
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
        # What goes on behind the word tells of something about the secret.
        ("COOKIE_DOMAIN", "example.com"),
        ("TOKEN_ISSUER", "https://auth.corp.com"),
        ("TOKEN_AUDIENCE", "api"),
        ("PASSWORD_POLICY", "strict"),
        ("SECRET_BACKEND", "vault"),
        ("SALT_VERSION", "3006.9"),
        ("SECRETS_MANAGER_REGION", "us-east-1"),
        ("PASSWORD_HASHER", "argon2"),
        ("TOKEN_BUCKET_SIZE", "100"),
        ("ACCESS_TOKEN_LIFETIME", "3600"),
        ("REFRESH_TOKEN_EXPIRES_IN", "30d"),
        ("PASSWORD_MIN_CHARS", "8"),
        ("COOKIE_MAX_AGE", "86400"),
        ("AUTH_TOKEN_HEADER", "X-Auth"),
        ("PASS_THROUGH_HEADERS", "x-req"),
        # Ordinary values, and what stands for one.
        ("MAX_TOKEN", "4096"),
        ("MIN_PASSWORD", "8"),
        ("SESSION_COOKIE", "sid"),
        ("PASS", "through"),
        ("SALT", "minion"),
        ("ACCESS_TOKEN", "15m"),
        ("CREDENTIALS", "env"),
        ("AUTH_TOKEN", "https://auth.corp.com/token"),
        ("API_SECRET", "vault.corp.internal:8200"),
        ("REQUIRE_PASSWORD", "enabled"),
        ("DB_PASSWORD", "changeme"),
        ("DB_PASSWORD", "your_password"),
        ("DB_PASSWORD", "secret"),
        ("SECRET_KEY", "replace_me"),
        ("API_KEY", "my-api-key-1"),
        ("DB_PASSWORD", "${OTHER}"),
        ("PAD_TOKEN", "[PAD]"),
        ("DATABASE_URL", "postgres://postgres:postgres@db/name"),
        ("X", "AKIA" + "IOSFODNN7EXAMPLE"),
        ("JAVA_OPTS", "-Xmx1g -Djavax.net.ssl.keyStorePassword=changeit"),
    ],
)
def test_no_secrets(name: str, value: str) -> None:
    assert secrets.reason(name, value) is None
