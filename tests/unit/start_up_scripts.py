"""Start-up scripts in the forms of widely used images, written for the tests that read them."""

from __future__ import annotations

PARTS = """\
#!/bin/sh
# vim:sw=4:ts=4:et
set -e
log() {
    if [ -z "${QUIET_LOGS:-}" ]; then
        echo "$@"
    fi
}
if [ "$1" = "server" ] || [ "$1" = "server-debug" ]; then
    if /usr/bin/find "/docker-entrypoint.d/" -mindepth 1 -type f -print -quit 2>/dev/null | read v
    then
        log "$0: /docker-entrypoint.d/ is not empty, will attempt to perform configuration"
        find "/docker-entrypoint.d/" -follow -type f -print | sort -V | while read -r f; do
            case "$f" in
                *.envsh)
                    if [ -x "$f" ]; then
                        log "$0: Sourcing $f";
                        . "$f"
                    else
                        log "$0: Ignoring $f, not executable";
                    fi
                    ;;
                *.sh) if [ -x "$f" ]; then "$f"; fi ;;
                *) log "$0: Ignoring $f";;
            esac
        done
    else
        log "$0: No files found in /docker-entrypoint.d/, skipping configuration"
    fi
fi
exec "$@"
"""

REEXEC = """\
#!/bin/sh
set -e
# first arg is `-f` or `--some-option` or `something.conf`
if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then
	set -- server "$@"
fi
# allow the container to be started with `--user`
if [ "$1" = 'server' -a "$(id -u)" = '0' ]; then
	find . \\! -user app -exec chown app '{}' +
	exec gosu app "$0" "$@"
fi
# set an appropriate umask (if one isn't set already)
um="$(umask)"
if [ "$um" = '0022' ]; then
	umask 0077
fi
exec "$@"
"""

MODULES = """\
#!/bin/bash
set -e
if [ "${1#-}" != "$1" ]; then set -- server "$@"; fi
has_cap() { /usr/bin/setpriv -d | grep -q 'Capability bounding set:.*\\b'"$1"'\\b'; }
CMD=$(command -v "$1" 2>/dev/null || :)
if [ "$CMD" = "/usr/local/bin/server" ]; then
  for dir in /usr/local/lib/server/modules; do
    for module in "$dir"/*.so; do
      if [ ! -s "$module" ]; then
        continue
      fi
      set -- "$@" --loadmodule "$module"
    done
  done
  if [ "$(id -u)" = '0' ]; then
    exec setpriv --reuid=app --regid=app --clear-groups --nnp -- "$0" "$@"
  fi
fi
[ "$(umask)" = '0022' ] && umask 0077
exec "$@"
"""

DATABASE = """\
#!/usr/bin/env bash
set -Eeo pipefail
# usage: file_env VAR [DEFAULT]
file_env() {
	local var="$1"
	local fileVar="${var}_FILE"
	local def="${2:-}"
	if [ "${!var:-}" ] && [ "${!fileVar:-}" ]; then
		printf >&2 'error: both %s and %s are set (but are exclusive)\\n' "$var" "$fileVar"
		exit 1
	fi
	local val="$def"
	if [ "${!var:-}" ]; then
		val="${!var}"
	elif [ "${!fileVar:-}" ]; then
		val="$(< "${!fileVar}")"
	fi
	export "$var"="$val"
	unset "$fileVar"
}
_is_sourced() {
	[ "${#FUNCNAME[@]}" -ge 2 ] \\
		&& [ "${FUNCNAME[0]}" = '_is_sourced' ] \\
		&& [ "${FUNCNAME[1]}" = 'source' ]
}
create_directories() {
	local user; user="$(id -u)"
	mkdir -p "$DATA"
	chmod 00700 "$DATA" || :
	if [ "$user" = '0' ]; then
		find "$DATA" \\! -user app -exec chown app '{}' +
	fi
}
init_database() {
	local uid; uid="$(id -u)"
	if ! getent passwd "$uid" &> /dev/null; then
		export NSS_WRAPPER_PASSWD="$(mktemp)"
	fi
	set -- --waldir "$WALDIR" "$@"
	eval 'initdb --username="$DB_USER" --pwfile=<(printf "%s\\n" "$DB_PASSWORD") "$@"'
}
process_files() {
	sql=( run_sql )
	printf '\\n'
	local f
	for f; do
		case "$f" in
			*.sh) if [ -x "$f" ]; then "$f"; else . "$f"; fi ;;
			*.sql) printf '%s: running %s\\n' "$0" "$f"; run_sql -f "$f"; printf '\\n' ;;
			*) printf '%s: ignoring %s\\n' "$0" "$f" ;;
		esac
	done
}
run_sql() { local runner=( psql -v ON_ERROR_STOP=1 --no-password ); "${runner[@]}" "$@"; }
temporary_server() {
	if [ "$1" = 'server' ]; then shift; fi
	set -- "$@" -c listen_addresses='' -p "${PGPORT:-5432}"
	PGUSER="${PGUSER:-$DB_USER}" pg_ctl -D "$DATA" -o "$(printf '%q ' "$@")" -w start
}
setup_env() {
	file_env DB_PASSWORD
	file_env DB_USER app
	: "${AUTH_METHOD:=}"
	declare -g DATABASE_ALREADY_EXISTS
	: "${DATABASE_ALREADY_EXISTS:=}"
	if [ -s "$DATA/VERSION" ]; then
		DATABASE_ALREADY_EXISTS='true'
	fi
}
_want_help() {
	local arg
	for arg; do
		case "$arg" in
			-'?'|--help|--describe-config|-V|--version) return 0 ;;
		esac
	done
	return 1
}
_main() {
	if [ "${1:0:1}" = '-' ]; then
		set -- server "$@"
	fi
	if [ "$1" = 'server' ] && ! _want_help "$@"; then
		setup_env
		create_directories
		if [ "$(id -u)" = '0' ]; then
			exec gosu app "$BASH_SOURCE" "$@"
		fi
		if [ -z "$DATABASE_ALREADY_EXISTS" ]; then
			if [ -z "$DB_PASSWORD" ]; then
				cat >&2 <<-'EOE'
					Error: Database is uninitialized and superuser password is not specified.
				EOE
				exit 1
			fi
			ls /initdb.d/ > /dev/null
			init_database
			{ printf '\\n'; printf 'host all all all scram\\n'; } >> "$DATA/hba.conf"
			export PGPASSWORD="${PGPASSWORD:-$DB_PASSWORD}"
			temporary_server "$@"
			process_files /initdb.d/*
			pg_ctl -D "$DATA" -m fast -w stop
			unset PGPASSWORD
			cat <<-'EOM'

				init process complete; ready for start up.

			EOM
		else
			cat <<-'EOM'
				Database directory appears to contain a database; Skipping initialization
			EOM
		fi
	fi
	exec "$@"
}
if ! _is_sourced; then
	_main "$@"
fi
"""

COMMAND_PREFIX = """\
#!/bin/sh
set -e
# first arg is `-f` or `--some-option`, or no system command
if [ "${1#-}" != "$1" ] || [ -z "$(command -v "${1}")" ] || { [ -f "$1" ] && ! [ -x "$1" ]; }; then
  set -- node2 "$@"
fi
exec "$@"
"""

BALANCER = """\
#!/bin/sh
set -e
# first arg is `-f` or `--some-option`
if [ "${1#-}" != "$1" ]; then
	set -- server "$@"
fi
if [ "$1" = 'server' ]; then
	shift # "server"
	# if the user wants "server", let's add a couple useful flags
	#   -W  -- "master-worker mode"
	#   -db -- disables background mode
	set -- server -W -db "$@"
fi
exec "$@"
"""

CASES = """\
#!/bin/sh
set -e
case "$1" in
    *.yaml|*.yml) set -- server serve "$@" ;;
    serve|garbage-collect|help|-*) set -- server "$@" ;;
esac
exec "$@"
"""

ASKS_THE_PROGRAM = """\
#!/bin/sh
set -e
# first arg is `-f` or `--some-option`
if [ "${1#-}" != "$1" ]; then
    set -- server "$@"
fi
# if our command is a valid subcommand, let's invoke it through the server instead
if server "$1" --help | grep -s -q "\\"x\\""; then
    set -- server "$@"
fi
exec "$@"
"""

COPIES = """\
#!/usr/bin/env bash
set -Eeuo pipefail
if [[ "$1" == server* ]] || [ "$1" = 'php-fpm' ]; then
	uid="$(id -u)"
	gid="$(id -g)"
	if [ "$uid" = '0' ]; then
		case "$1" in
			server*)
				user="${RUN_USER:-www}"
				group="${RUN_GROUP:-www}"
				# strip off any '#' symbol
				pound='#'
				user="${user#$pound}"
				group="${group#$pound}"
				;;
			*)
				user='www'
				group='www'
				;;
		esac
	else
		user="$uid"
		group="$gid"
	fi
	if [ ! -e index.php ] && [ ! -e includes/version.php ]; then
		if [ "$uid" = '0' ] && [ "$(stat -c '%u:%g' .)" = '0:0' ]; then
			chown "$user:$group" .
		fi
		echo >&2 "not found in $PWD - copying now..."
		if [ -n "$(find -mindepth 1 -maxdepth 1 -not -name content)" ]; then
			echo >&2 "WARNING: $PWD is not empty! (copying anyhow)"
		fi
		sourceTarArgs=(
			--create
			--file -
			--directory /usr/src/app
			--owner "$user" --group "$group"
		)
		targetTarArgs=(
			--extract
			--file -
		)
		if [ "$uid" != '0' ]; then
			targetTarArgs+=( --no-overwrite-dir )
		fi
		for contentPath in \\
			/usr/src/app/.htaccess \\
			/usr/src/app/content/*/*/ \\
		; do
			contentPath="${contentPath%/}"
			[ -e "$contentPath" ] || continue
			contentPath="${contentPath#/usr/src/app/}"
			if [ -e "$PWD/$contentPath" ]; then
				echo >&2 "WARNING: '$PWD/$contentPath' exists!"
				sourceTarArgs+=( --exclude "./$contentPath" )
			fi
		done
		tar "${sourceTarArgs[@]}" . | tar "${targetTarArgs[@]}"
		echo >&2 "Complete! successfully copied to $PWD"
	fi
	appEnvs=( "${!APP_@}" )
	if [ ! -s config.php ] && (( ${#appEnvs[@]} )); then
		for sample in \\
			config-docker.php \\
			/usr/src/app/config-docker.php \\
		; do
			if [ -s "$sample" ]; then
				echo >&2 "No 'config.php', but variables; copying '$sample' (${appEnvs[*]})"
				awk '
					/put your unique phrase here/ {
						cmd = "head -c1m /dev/urandom | sha1sum | cut -d\\\\  -f1"
						cmd | getline str
						close(cmd)
						gsub("put your unique phrase here", str)
					}
					{ print }
				' "$sample" > config.php
				if [ "$uid" = '0' ]; then
					chown "$user:$group" config.php || true
				fi
				break
			fi
		done
	fi
fi
exec "$@"
"""

FOREGROUND = b"""\
#!/bin/bash
set -e
: "${CONFDIR:=/etc/server}"
: "${ENVVARS:=$CONFDIR/envvars}"
if test -f "$ENVVARS"; then
	. "$ENVVARS"
fi
: "${RUN_DIR:=/var/run/server}"
: "${PID_FILE:=$RUN_DIR/server.pid}"
rm -f "$PID_FILE"
for e in "${!SERVER_@}"; do
	if [[ "$e" == *_DIR ]] && [[ "${!e}" == /* ]]; then
		# handle "/var/lock" being a symlink
		dir="${!e}"
		while [ "$dir" != "$(dirname "$dir")" ]; do
			dir="$(dirname "$dir")"
			if [ -d "$dir" ]; then
				break
			fi
			absDir="$(readlink -f "$dir" 2>/dev/null || :)"
			if [ -n "$absDir" ]; then
				mkdir -p "$absDir"
			fi
		done
		mkdir -p "${!e}"
	fi
done
exec server -DFOREGROUND "$@"
"""

BROKER = """\
#!/bin/bash
set -euo pipefail
# allow the container to be started with `--user`
if [[ "$1" == server* ]] && [ "$(id -u)" = '0' ]; then
	if [ "$1" = 'server' ]; then
		find /var/lib/broker \\! -user app -exec chown app '{}' +
	fi
	exec gosu app "$BASH_SOURCE" "$@"
fi
deprecatedEnvVars=(
	BROKER_DEFAULT_PASS_FILE
	BROKER_DEFAULT_USER_FILE
)
hasOldEnv=
for old in "${deprecatedEnvVars[@]}"; do
	if [ -n "${!old:-}" ]; then
		echo >&2 "error: $old is set but deprecated"
		hasOldEnv=1
	fi
done
if [ -n "$hasOldEnv" ]; then
	exit 1
fi
# if long and short hostnames are not the same, use long hostnames
if [ -z "${USE_LONGNAME:-}" ] && [ "$(hostname)" != "$(hostname -s)" ]; then
	: "${USE_LONGNAME:=true}"
fi
exec "$@"
"""

TIME_SERIES = """\
#!/bin/bash
set -eo pipefail
log() { local -r level=$1 msg=$2; echo "$(date) $level $msg"; }
as_user() {
    if [[ $(id -u) = 0 ]]; then
        exec setpriv --reuid app --regid app --init-groups -- "$BASH_SOURCE" "$@"
    fi
}
declare -r CONFIG="${CONFIG_PATH:-/etc/config}"
run_server() {
    exec server "$@"
}
setup() {
    server "$@" &
    local -r pid=$!
    wait $pid
}
main() {
    if [[ "$1" == run || "$1" == -* ]]; then
        [[ $1 == run ]] && shift
        as_user run "$@"
        if [[ "${INIT_MODE:-}" = setup ]]; then
            setup "$@"
        fi
        umask 0027
        export CONFIG
        run_server "$@"
    else
        exec "$@"
    fi
}
main "$@"
"""

SECRETS = """\
#!/usr/bin/dumb-init /bin/sh
set -e
# Prevent core dumps
ulimit -c 0
get_addr () {
    local if_name=$1
    ip addr show dev $if_name | awk '/inet/ {print $2; exit}'
}
if [ -n "$REDIRECT_INTERFACE" ]; then
    export REDIRECT_ADDR=${REDIRECT_ADDR:-"http://$(get_addr $REDIRECT_INTERFACE):8200"}
fi
CONFIG_DIR=/config
if [ -n "$LOCAL_CONFIG" ]; then
    echo "$LOCAL_CONFIG" > "$CONFIG_DIR/local.json"
fi
if [ "${1:-}" != "${1#-}" ]; then
    set -- server "$@"
fi
if [ "$1" = 'serve' ]; then
    shift
    set -- server serve -config="$CONFIG_DIR" -dev-root="$ROOT" "$@"
fi
if [ "$1" = 'server' ]; then
    if [ -z "$SKIP_CHOWN" ]; then
        if [ "$(stat -c %u /config)" != "$(id -u app)" ]; then
            chown -R app:app /config || echo "Could not chown /config"
        fi
    fi
    if [ "$(id -u)" = '0' ]; then
        set -- su-exec app "$@"
    fi
fi
exec "$@"
"""
