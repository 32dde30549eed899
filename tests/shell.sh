# shell.sh: what the scripts that start servers share.
# shellcheck shell=bash
# shellcheck disable=SC2034 # for those who read it

# The servers' user, and the commands that run something as that. Postgres
# refuses to run as root.
as_user=()
if [ "$EUID" = 0 ]; then
	service_user=postgres
	as_user=(setpriv "--reuid=$service_user" "--regid=$service_user"
		--init-groups --)
else
	service_user=$(id -un)
fi

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 2
}

# deps: which of the packages of tests/deps.sh it would be among.
need() {	# COMMAND...
	local command
	for command; do
		[ -n "$(command -v "$command")" ] ||
			die "$command is missing: run tests/deps.sh${deps:+ $deps}"
	done
}

# Between two looks at a condition. Not sleep: that is a child, which would
# outlive us on a signal.
exec 9<> <(:)
pause() {
	read -rt "$1" -u 9 _ || true
}

wait_until() {	# SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		pause 0.05
	done
}

send() {	# SIGNAL PID...: a process that has just ended is no error
	local signal=$1 pid
	shift
	for pid; do
		kill -s "$signal" "$pid" 2>/dev/null ||
			[ ! -e "/proc/$pid" ] ||
			die "cannot send $signal to pid $pid"
	done
}
