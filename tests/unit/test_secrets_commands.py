"""Secrets in the text of commands: found, and masked where such a text is shown."""

from __future__ import annotations

import time

import pytest

from dock2uk import secrets
from dock2uk.secrets import commands

VALUE = "S3cr3tHorse77"
MASK = "(a secret)"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"export DB_PASSWORD={VALUE}", "a value named DB_PASSWORD"),
        (f"""ADMIN_PASS="{VALUE}" run""", "a value named ADMIN_PASS"),
        (f"app --requirepass {VALUE} -v", "a value named requirepass"),
        (f"app --command 'x --api-key {VALUE}'", "a value named api-key"),
        (f"docker run --env PASSWORD={VALUE} x", "a value named PASSWORD"),
        (f'echo "{{\\"password\\": \\"{VALUE}\\"}}" > x', "a value named password"),
        (f'echo "secret_key: {VALUE}" > /etc/app.conf', "a value named secret_key"),
        (f'[ "$TOKEN" = "{VALUE}" ]', "a value named TOKEN"),
        (f'[[ ${{TOKEN}} == "{VALUE}" ]]', "a value named TOKEN"),
        (f"pw=${{DB_PASSWORD:-{VALUE}}}", "a value named DB_PASSWORD"),
        (f"['app', '--requirepass', '{VALUE}']", "a value named requirepass"),
        (f'curl -H "Authorization: Bearer {VALUE}" https://x/', "a token in a header"),
        (f"curl -H 'X: Basic {VALUE}=='", "a token in a header"),
        (f'curl -H "authorization: token {VALUE}"', "a token in a header"),
        (f'curl -H "PRIVATE-TOKEN: {VALUE}" https://x/', "a value named PRIVATE-TOKEN"),
        (f"curl -u admin:{VALUE} https://x/", "a password of a command"),
        (f"curl -s 'https://x/?a=1&b=2' --user 'admin:{VALUE}'", "a password of a command"),
        (f"mysql -uroot -p{VALUE} -e 'select 1'", "a password of a command"),
        (f"mysqldump -h db -p'{VALUE}' x", "a password of a command"),
        (f"mysql -u root -p'{VALUE}' x; mysql -p$PW x", "a password of a command"),
        (f"sshpass -p {VALUE} ssh x", "a password of a command"),
        (f"redis-cli -h x -a {VALUE} ping", "a password of a command"),
        (f"docker login -u a -p {VALUE} r.io", "a password of a command"),
        (f"openssl rsa -passin pass:{VALUE} -in x", "a password of a command"),
        (f"echo root:{VALUE} | chpasswd", "a password of a command"),
        (f"echo {VALUE} | docker login -u a --password-stdin", "a password of a command"),
        (f"chpasswd <<< root:{VALUE}", "a password of a command"),
        (f"useradd -m -p '{VALUE}' bob", "a password of a command"),
        (f"htpasswd -bc /etc/users admin {VALUE}", "a password of a command"),
        (f"openssl enc -aes256 -k {VALUE} -in x", "a password of a command"),
        (f"openssl passwd -1 {VALUE}", "a password of a command"),
        (f"rabbitmqctl add_user bob {VALUE}", "a password of a command"),
        (f"vault login {VALUE}", "a password of a command"),
        (f"sqlplus sys/{VALUE}@db", "a password of a command"),
        (f"smbclient -U 'bob%{VALUE}' //h/x", "a password of a command"),
        (f"""mysql -e "CREATE USER a IDENTIFIED BY '{VALUE}'\"""", "a password of a command"),
        (f"git config url.https://{VALUE}abc@github.com/.insteadOf x", "a password of a command"),
        (f'case "$TOKEN" in {VALUE}) x;; esac', "a value named TOKEN"),
        (f'[ "{VALUE}" = "$TOKEN" ]', "a value named TOKEN"),
        (f'[ x{VALUE} = "x$TOKEN" ]', "a value named TOKEN"),
        (f"sed s/@@PASSWORD@@/{VALUE}/ x", "a value named PASSWORD"),
        (f"java -Dtoken={VALUE} x", "a value named token"),
        (f"printf 'root:{VALUE}' | sudo chpasswd", "a password of a command"),
    ],
)
def test_it_is_found_and_masked(text: str, kind: str) -> None:
    (found,) = commands.find(text)
    assert found.kind == kind
    assert VALUE in text[found.start : found.end]
    assert found.end - found.start < len(VALUE) + len("abc") + 1
    assert VALUE not in secrets.masked_text(text)
    assert secrets.masked_text(text).count(MASK) == 1


@pytest.mark.parametrize(
    "text",
    [
        "export DB_PASSWORD",
        'export DB_PASSWORD="$1"',
        "PASSWORD=$(cat /run/secrets/pw)",
        "PASSWORD=`cat pw`",
        'mysql -u root -p"$MYSQL_ROOT_PASSWORD" x',
        "mysql -u root -p database1",
        "mkdir -p8x /srv; ssh -p2222 host",
        "curl https://x/ && docker run -u 1000:1000 x",
        'curl -u "$USER:$PASSWORD" https://x/',
        'curl -H "Authorization: Bearer $TOKEN" https://x/',
        "basic authentication, bearer certificates",
        '[ "$TOKEN" = "" ] && [ "$PASSWORD" = changeme ]',
        "docker build --secret id=npm,src=.npmrc .",
        "RUN --mount=type=secret,id=aws,target=/root/.aws/credentials make",
        "app --password-file=/run/secrets/pw --token-ttl 3600",
        "echo 'password: required'",
        "sed -i s/password=.*/password=/ x",
    ],
)
def test_what_stands_for_one_is_none(text: str) -> None:
    assert list(commands.find(text)) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"sed s/password=.*/password={VALUE}/ x", f"sed s/password=.*/password={MASK} x"),
        (f'x --password "{VALUE} cut o…', f'x --password "{MASK}'),
        ("secret: horse", f"secret: {MASK}"),
        (f"redis-cli config set requirepass {VALUE}", f"redis-cli config set requirepass {MASK}"),
        (f"ALTER USER a PASSWORD '{VALUE}'", f"ALTER USER a PASSWORD '{MASK}'"),
        (f"echo 'token = {VALUE}' > x", f"echo 'token = {MASK}' > x"),
        ("a password is asked for, a token expires", "a password is asked for, a token expires"),
        ("mysql -p'$ecr3t!' x", f"mysql -p'{MASK}' x"),
        (f"a --password={VALUE} b --password={VALUE}1 c",
         f"a --password={MASK} b --password={MASK} c"),
        ("git clone https://u:s3cr3t@h/x é", f"git clone https://u:{MASK}@h/x é"),
        ("nothing of it", "nothing of it"),
    ],
)  # fmt: skip
def test_what_is_shown_has_none(text: str, shown: str) -> None:
    assert secrets.masked_text(text) == shown
    assert secrets.masked_text(shown) == shown


@pytest.mark.parametrize("unit", ["token=", "token:", "(token=", "docker login ", "ghp_", "$token"])
def test_a_text_made_to_be_slow_is_not(unit: str) -> None:
    """A fifth of a second of a processor, where all is linear."""
    began_s = time.process_time()
    secrets.masked_text(unit * ((1 << 16) // len(unit)))
    assert time.process_time() - began_s < 3
