#!/bin/bash
# Runs the tests against private servers of their own, and counts.
#
#   tests/run.sh [unit] [fuzz] [integration] [browser] [torture] [longrun]
#                                                     without a name: all
#
# BROWSER_TESTS="sign-in load" chooses files of tests/browser/; SUITES="signin
# batch" of the integration tests, CK_RUN_SUITE=signin one suite, of the unit
# tests too. BUILD (build) is where the programs are. KEEP=1 leaves the servers'
# folder, with all logs, for a look. FAULTS=all puts faults everywhere, and not
# at a sample of places that follows from FAULTS_SEED (make faults). In the
# suite "attack", ATTACK_CROWD=1000 connections (4000 at most) are in the way,
# users send ATTACK_OVERLOAD=10 times what they may, and after a shortage the
# service must be well again within ATTACK_RECOVERY_MS=5000. In the suite
# "commits" an order must have its final answer COMMITS_FINAL_MS=5000 after the
# ledger is well again. (For both, moments in which the machine stands still do
# not count.) In the suite "protocol" a worker that crashed must have been
# replaced after PROTOCOL_REPLACED_MS=1000, once in three times.
# TORTURE_SECONDS=60 of faults while somebody begins TORTURE_RATE=60 times a
# second, and LIARS="yes old" of the ways to lie. The last line is "N passed, N
# failed"; exit status 0 if none failed, 1 if some did, 2 if the tests could not
# be run.
set -u
cd "$(dirname "$0")/.." || exit 2

BUILD=${BUILD:-build}
passed=0
failed=0
run_dir=
log=
failures=

usage() {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
}

# Debian's psql is a script that looks for this one, and takes longer than it.
for dir in /usr/lib/postgresql/*/bin; do
	[ ! -x "$dir/psql" ] || PATH=$dir:$PATH
done

# What these write at their end, a worker may not: sanitizers, gcov.
if grep -qE '__asan_init|__gcov_exit' "$BUILD/withdrawd" 2>/dev/null; then
	export WITHDRAW_SANDBOX=${WITHDRAW_SANDBOX:-off}
	# and all is slower by several times
	export ATTACK_RECOVERY_MS=${ATTACK_RECOVERY_MS:-15000}
	export COMMITS_FINAL_MS=${COMMITS_FINAL_MS:-15000}
	export PROTOCOL_REPLACED_MS=${PROTOCOL_REPLACED_MS:-5000}
fi

stop_servers() {
	local dir
	[ -n "$run_dir" ] || return 0
	for dir in "$run_dir"/*/; do
		RUN_DIR=${dir%/} BUILD=$BUILD tests/servers.sh stop >/dev/null
	done
	if [ "${KEEP:-0}" = 1 ]; then
		echo "kept: $run_dir"
	else
		rm -rf "$run_dir"
	fi
	run_dir=
}

# Whoever reads our words may be gone already, and Ctrl-C come twice: the
# servers are stopped all the same.
cleanup() {
	trap '' INT TERM PIPE
	stop_servers
	[ -z "$log" ] || rm -f "$log" "$failures"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 141' PIPE

# start_servers NAME SLOT...: servers of its own for each slot, on free ports,
# in $run_dir/SLOT, where env has what their users have to know.
start_servers() {
	local name=$1 slot pid pids=() bad=0
	shift
	run_dir=$(mktemp -d "${TMPDIR:-/tmp}/withdraw-$name.XXXXXX") || exit 2
	chmod 755 "$run_dir"
	# a sign-in for each test: tests share no accounts
	# nothing repairs behind a test's back
	export EXTRA_USERS=999 RECONCILE_S=0
	# a slow moment of this machine is no Redis that is down
	export WITHDRAW_REDIS_TIMEOUT_MS=${WITHDRAW_REDIS_TIMEOUT_MS:-2000}
	# a message longer than this many bytes ends the test without a word; the
	# more, the slower
	export CK_MAX_MSG_SIZE=9000
	for slot; do
		mkdir "$run_dir/$slot"
		RUN_DIR=$run_dir/$slot PORT=0 BUILD=$BUILD \
			tests/servers.sh start &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || bad=1
	done
	if [ "$bad" != 0 ]; then
		echo "the servers of the $name tests did not start" >&2
		exit 2
	fi
}

# use_servers SLOT: what the tests are told of them.
use_servers() {
	export RUN_DIR=$run_dir/$1
	set -a
	# shellcheck disable=SC1091
	. "$RUN_DIR/env"
	set +a
}

# A sanitizer writes to the log of the service; its finding is a failure.
check_logs() {
	if grep -E 'ERROR: (Address|Leak)Sanitizer|runtime error:' \
		"$run_dir"/*/log/withdrawd.log; then
		echo "a sanitizer found something in withdrawd: see above" |
			tee -a "$failures" >&2
		failed=$((failed + 1))
	fi
}

# count STATUS CHECKS FAILURES NAME: no numbers, or a status that they do not
# explain, is one failure more.
count() {
	local status=$1 checks=${2:-0} wrong=${3:-0}
	if [ "$checks" = 0 ] || { [ "$status" != 0 ] && [ "$wrong" = 0 ]; }; then
		echo "the $4 tests ended with status $status" |
			tee -a "$failures" >&2
		wrong=$((wrong + 1))
		checks=$((checks + 1))
	fi
	failed=$((failed + wrong))
	passed=$((passed + checks - wrong))
}

# What failed is said once more at the end, where it is found.
keep_failures() {	# NAME FILE
	grep -E '^[^ :]+:[0-9]+:[FE]:|^ *not ok |^ *FAIL' "$2" |
		sed "s/^/$1: /" >>"$failures"
}

# The programs that use libcheck say "97%: Checks: 52, Failures: ...".
count_check() {	# STATUS FILE NAME
	local sums
	sums=$(sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)$/\1 \2 \3/p' "$2" | tail -n 1)
	keep_failures "$3" "$2"
	# shellcheck disable=SC2086
	set -- "$1" "$3" $sums
	count "$1" "${3:-0}" "$((${4:-0} + ${5:-0}))" "$2"
}

# Those that run programs of their own end with "12 passed, 0 failed".
count_sums() {	# STATUS FILE NAME
	local sums
	sums=$(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$2")
	keep_failures "$3" "$2"
	# shellcheck disable=SC2086
	set -- "$1" "$3" $sums
	count "$1" "$((${3:-0} + ${4:-0}))" "${4:-0}" "$2"
}

run_unit() {
	"$BUILD/check_unit" 2>&1 | tee "$log"
	count_check "${PIPESTATUS[0]}" "$log" unit
}

# The fuzz targets on the inputs that are kept.
run_fuzz() {
	# its own sum is in ours
	BUILD=$BUILD tests/fuzz.sh replay 2>&1 | tee "$log" |
		sed '/^[0-9]* passed, [0-9]* failed$/d'
	count_sums "${PIPESTATUS[0]}" "$log" fuzz
}

# One suite, on the servers of the slot that xargs has for it.
run_suite() {	# SUITE
	# shellcheck disable=SC2153 # it is not "slot"
	use_servers "$SLOT"
	"$BUILD/check_integration" "$1" >"$run_dir/$1.out" 2>&1
	echo $? >"$run_dir/$1.status"
	echo "$1: $(grep -E '^[0-9]+%: ' "$run_dir/$1.out")"
}

# Two suites at a time, each on servers of its own: a test waits more than it
# works. The longest first, so that none is left alone at the end.
run_integration() {
	local suites suite
	suites=$("$BUILD/check_integration" --list)
	if [ -z "$suites" ]; then
		count 2 0 0 integration
		return
	fi
	suites=${SUITES:-${CK_RUN_SUITE:-$(printf '%s\n' reconcile attack \
		faults signin replies once twins site running "$suites" |
		awk '!seen[$0]++')}}
	# a slot for each of the two, or for the only one
	# shellcheck disable=SC2046,SC2086 # words
	start_servers integration $(seq 0 $(($(wc -w <<<"$suites") > 1)))
	export -f run_suite use_servers
	export run_dir BUILD
	# shellcheck disable=SC2016,SC2086 # the other shell expands $0
	printf '%s\n' $suites | xargs -P 2 --process-slot-var=SLOT -n 1 \
		bash -c 'run_suite "$0"'
	for suite in $suites; do
		grep -vE '^Running suite' "$run_dir/$suite.out"
		count_check "$(cat "$run_dir/$suite.status")" \
			"$run_dir/$suite.out" "$suite"
	done
	check_logs
	stop_servers
}

# Three files at a time: a browser's test waits more than it works. Each ends
# with "# tests 12", "# fail 0".
run_browser() {
	local file name files
	# the longest first
	# shellcheck disable=SC2046,SC2086 # words
	files=$(printf 'tests/browser/%s.test.mjs\n' ${BROWSER_TESTS:-random \
		access states firefox flow $(basename -as .test.mjs \
		tests/browser/*.test.mjs)} | awk '!seen[$0]++')
	start_servers browser 0
	use_servers 0
	# shellcheck disable=SC2016 # sh expands it
	xargs -P 3 -n 1 sh -c \
		'node --test --test-reporter=tap "$1" >"$0/${1##*/}.tap" 2>&1
		echo $? >"$0/${1##*/}.status"' "$run_dir" \
		<<<"$files"
	for file in $files; do
		name=${file##*/}
		echo "# $name"
		grep -vE '^ *(---|\.\.\.|duration_ms|type:)|^(TAP|1\.\.)|^# (suites|pass|cancelled|skipped|todo) |^# Subtest' \
			"$run_dir/$name.tap"
		keep_failures "$name" "$run_dir/$name.tap"
		count "$(cat "$run_dir/$name.status")" \
			"$(sed -n 's/^# tests //p' "$run_dir/$name.tap" | tail -n 1)" \
			"$(sed -n 's/^# \(fail\|cancelled\) //p' \
				"$run_dir/$name.tap" |
				awk '{ n += $1 } END { print n }')" "$name"
	done
	check_logs
	stop_servers
}

# A short one, of whatever seed the clock gives (it is printed): the checker,
# two liars, and a minute of faults. "make torture" does more of it.
run_torture() {
	# the service as it is: what start_servers has set is for other tests
	BUILD=$BUILD TORTURE_SECONDS=${TORTURE_SECONDS:-60} \
		RATE=${TORTURE_RATE:-60} LIARS="${LIARS:-yes old}" \
		env -u WITHDRAW_REDIS_TIMEOUT_MS tests/torture/run.sh 2>&1 |
		tee "$log"
	count_sums "${PIPESTATUS[0]}" "$log" torture
}

# A short one: what each request leaves behind shows after 20,000, if it is as
# much as 60 bytes. "make longrun" does a million.
run_longrun() {
	BUILD=$BUILD REQUESTS=${REQUESTS:-20000} tests/bench.sh longrun \
		2>"$log"
	local status=$?
	# all but its progress
	[ "$status" = 0 ] || grep -v ' requests: people$' "$log" >&2
	count "$status" 1 "$((status != 0))" longrun
}

if [ "${1:-}" = --help ]; then
	usage
	exit 0
fi
[ $# -gt 0 ] || set -- unit fuzz integration browser torture longrun
for part in "$@"; do
	case $part in
	unit | fuzz | integration | browser | torture | longrun) ;;
	*)
		echo "there are no tests named \"$part\"; see --help" >&2
		exit 2
		;;
	esac
done
log=$(mktemp) || exit 2
failures=$(mktemp) || exit 2
for part in "$@"; do
	echo "== $part tests"
	"run_$part"
done
[ ! -s "$failures" ] || { echo "== what failed"; cat "$failures"; }
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
