#!/bin/bash
# bench.sh: how fast is it? On servers of its own, which it stops at the end.
#
# Each section is a file in tests/bench/ with a function bench_NAME, which
# measures and prints one table. What is compared is measured in turns, round
# after round, and medians are told: a machine that is busy with other things
# slows down all of it alike.
set -u
cd "$(dirname "$0")/.." || exit 2

sections="service reconcile growth longrun"
default="service reconcile"

usage() {
	cat <<-HELP
	usage: tests/bench.sh [--json=FILE] [SECTION...]

	sections (default: $default):
	  service    withdrawals, replays and storms through nginx, against what
	             Postgres, Redis and FastCGI alone can do, and against PHP
	             and Node if tests/bench/peers.sh is there
	  reconcile  withdraw-reconcile, against the bare sum of the journal
	  growth     withdrawals over accounts and connections
	  longrun    REQUESTS through one worker, whose memory must not grow,
	             nor its descriptors; fails if they do

	--json=FILE writes every figure there, of each round and its median.

	environment:
	  QUICK=1         small ledgers, short measurements, one round of the
	                  service: a first look, in two minutes
	  SPAN=3          seconds that a measurement of the service takes
	                  (with QUICK 1)
	  PEERS="php node"
	                  whom to compare the service with
	  SIZES="10000 1000000", RECORDS=1000000
	                  growth: accounts, and entries in all, of which each
	                  account has at least three
	  STEPS="10 32 128 512 2000"
	                  growth: connections
	  REQUESTS=1000000
	             longrun: of all kinds, by people who are signed in
	  PLOT=FILE       growth: where the picture is written
	                  (build/growth.svg)
	  ACCOUNTS=1000000, ENTRIES=10000000
	                  how large the ledger is (with QUICK 50000, 500000);
	                  at least 3 entries an account
	  ROUNDS=5        of each measurement
	  BUILD=build     where the programs are
	  TMPDIR=/tmp     where the servers' folder is made, 10 GB as it comes
	  KEEP=1          leaves the folder, with data and logs, for a look

	exit codes: 0 measured, 1 an answer or the ledger was not as it must be,
	2 could not measure
	HELP
}

say() {
	printf '%s\n' "$*"
}

die() {
	printf 'bench.sh: %s\n' "$*" >&2
	exit 2
}

# What is being done, to stderr: a line that the next one replaces, or lines
# where that is no terminal.
tell() {
	if [ -t 2 ]; then
		printf '\r%s\033[K' "$*" >&2
	else
		printf '%s\n' "$*" >&2
	fi
}

tell_no_more() {
	if [ -t 2 ]; then
		printf '\r\033[K' >&2
	fi
}

median() {	# of the numbers on stdin
	sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# ---- the servers ----------------------------------------------------------

start_servers() {	# SERVER...
	run_dir=$(mktemp -d "${TMPDIR:-/tmp}/withdraw-bench.XXXXXX") || exit 2
	chmod 755 "$run_dir"
	export RUN_DIR=$run_dir BUILD RECONCILE_S=0
	tell "starting $*"
	PORT=0 tests/servers.sh start "$@" >"$run_dir/start.log" ||
		die "could not start: $*"
	set -a
	# shellcheck disable=SC1091
	. "$run_dir/env"
	set +a
}

stop_servers() {
	tell_no_more
	[ -n "$run_dir" ] || return 0
	if [ -x tests/bench/peers.sh ]; then
		tests/bench/peers.sh stop >/dev/null
	fi
	if [ -n "$own" ]; then
		kill "$own" 2>/dev/null
		own=
	fi
	tests/servers.sh stop >/dev/null
	wait
	if [ "${KEEP:-0}" = 1 ]; then
		say "kept: $run_dir"
	else
		# it is a link where others may not enter its place
		rm -rf "$(realpath "$run_dir")" "$run_dir"
	fi
	run_dir=
}

on_exit() {
	local status=$?
	trap '' INT TERM HUP PIPE
	stop_servers
	exit "$status"
}

sql() {	# ARGUMENT...: psql as superuser
	psql -XqAt -v ON_ERROR_STOP=1 "$@"
}

# ---- the command line -----------------------------------------------------

if [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
	usage
	exit 0
fi
BUILD=$(realpath -m "${BUILD:-build}")
QUICK=${QUICK:-0}
json=
case ${1:-} in
--json=?*)
	json=$(realpath -m "${1#--json=}")
	: >"$json" || exit 2
	shift
	;;
-*) die "there is no option $1; see --help" ;;
esac
PEERS=${PEERS-php node}
SPAN=${SPAN:-$((QUICK ? 1 : 3))}
# shellcheck disable=SC2034 # these are for the sections
ROUNDS_SERVICE=${ROUNDS:-$((QUICK ? 1 : 5))}
SIZES=${SIZES:-10000 $((QUICK ? 100000 : 1000000))}
RECORDS=${RECORDS:-$((QUICK ? 300000 : 1000000))}
STEPS=${STEPS:-10 32 128 512 2000}
REQUESTS=${REQUESTS:-1000000}
PLOT=$(realpath -m "${PLOT:-$BUILD/growth.svg}")
ROUNDS=${ROUNDS:-5}
if [ "$QUICK" = 1 ]; then
	ACCOUNTS=${ACCOUNTS:-50000}
	ENTRIES=${ENTRIES:-500000}
fi
ACCOUNTS=${ACCOUNTS:-1000000}
ENTRIES=${ENTRIES:-10000000}
for number in "$ROUNDS" "$ACCOUNTS" "$ENTRIES" "$SPAN" $SIZES "$RECORDS" \
	$STEPS "$REQUESTS"; do
	[[ $number =~ ^[1-9][0-9]{0,11}$ ]] ||
		die "\"$number\" is no number above zero; see --help"
done
# shellcheck disable=SC2086 # one argument a section
[ $# -gt 0 ] || set -- $default
for section; do
	case " $sections " in
	*" $section "*) ;;
	*) die "there is no section \"$section\"; see --help" ;;
	esac
done
for name in measure load hello scripts; do
	[ -x "$BUILD/$name" ] ||
		die "there is no $name in $BUILD: run make bench"
done

run_dir=
own=	# processes that are no server of servers.sh
wrong=0	# answers and sums that were not as they must be
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
trap 'exit 141' PIPE
for section; do
	# shellcheck source=/dev/null
	. "tests/bench/$section.sh"
	"bench_$section"
	stop_servers
done
[ "$wrong" = 0 ] || exit 1
