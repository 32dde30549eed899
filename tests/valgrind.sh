#!/bin/bash
# valgrind.sh: withdrawd under some of the integration tests, and each command
# of withdrawctl that reads, and withdraw-reconcile, under valgrind's memcheck:
# no error, nothing leaked when they end. What is not ours to mend is in
# valgrind.supp, each with its reason.
#
# SUITES="contract identity" chooses the suites. BUILD (build) is where the programs
# are. The last line is "N passed, N failed"; exit status 0, 1, or 2 if it could
# not be run.
set -u
cd "$(dirname "$0")/.." || exit 2

BUILD=${BUILD:-build}
SUITES=${SUITES-contract identity signin}
passed=0
failed=0
deps=longrun
# shellcheck source=tests/shell.sh
. tests/shell.sh
need valgrind

# Valgrind writes while a worker may not, and is itself what a worker calls.
export WITHDRAW_SANDBOX=off
# all is slower by an order of magnitude
export CK_TIMEOUT_MULTIPLIER=10
dir=$(mktemp -d /tmp/withdraw-valgrind.XXXXXX) || exit 2
chmod 777 "$dir"	# the servers' user writes its findings there
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What is still reachable at the end leaks nothing: it is there once.
memcheck="valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect,possible
	--errors-for-leak-kinds=definite,indirect,possible --num-callers=30
	--suppressions=$PWD/tests/valgrind.supp"

# judge NAME STATUS FINDINGS...: empty files are well; without one, valgrind has
# watched nothing
judge() {
	local name=$1 status=$2 bad=0
	shift 2
	[ "$status" = 0 ] || bad=1
	if [ ! -e "$1" ]; then
		echo "valgrind has left no findings, not even none"
		set -- /dev/null
		bad=1
	fi
	if [ "$(cat "$@" | wc -c)" != 0 ]; then
		head -n 100 "$@"
		bad=1
	fi
	if [ $bad = 0 ]; then
		echo "ok    $name"
		passed=$((passed + 1))
	else
		echo "FAIL  $name"
		failed=$((failed + 1))
	fi
}

# A process of the service that ended has a file; its name says which it was.
run_suite() {	# SUITE
	local status
	mkdir -m 777 "$dir/$1"
	cp tests/valgrind.supp "$dir/supp"
	CK_RUN_SUITE=$1 BUILD=$BUILD WITHDRAWD_UNDER="${memcheck//$PWD\/tests\/valgrind.supp/$dir/supp} --log-file=$dir/$1/%p" \
		tests/run.sh integration >"$dir/$1.log" 2>&1
	status=$?
	[ "$status" = 0 ] || grep -E '^[0-9]+%|:[FE]:' "$dir/$1.log"
	judge "withdrawd, suite $1 ($(find "$dir/$1" -type f | wc -l) processes)" \
		"$status" "$dir/$1"/*
}

run_command() {	# PROGRAM ARGUMENT...
	local status
	rm -f "$dir/command"	# of the one before
	# shellcheck disable=SC2086 # words
	$memcheck --log-file="$dir/command" "$BUILD/$1" "${@:2}" \
		>"$dir/out" 2>&1 </dev/null
	status=$?
	# 1: found something wrong with the data, which is no fault of it
	[ "$status" != 1 ] || status=0
	[ "$status" = 0 ] || cat "$dir/out"
	judge "$*" "$status" "$dir/command"
}

withdraw_by_curl() {	# ORDER: of alice, 1.00
	local token
	token=$(curl -sS -u alice:alice -X POST -H "Idempotency-Key: $1" \
		"$BASE_URL/api/token" | sed -n 's/.*"token":"\([^"]*\)".*/\1/p')
	curl -sS -f -o "$dir/out" -u alice:alice -H "Idempotency-Key: $1" \
		-H 'Content-Type: application/json' \
		-d "{\"token\":\"$token\",\"amount\":\"1.00\"}" \
		"$BASE_URL/api/withdraw"
}

run_commands() {
	local order
	export RUN_DIR=$dir/run RECONCILE_S=0
	mkdir -m 755 "$RUN_DIR"
	trap 'tests/servers.sh stop; rm -rf "$dir"' EXIT
	PORT=0 BUILD=$BUILD tests/servers.sh start >"$dir/start.log" ||
		die "the servers did not start"
	set -a
	# shellcheck disable=SC1091
	. "$RUN_DIR/env"
	set +a
	order=$(cat /proc/sys/kernel/random/uuid)
	withdraw_by_curl "$order" || die "could not make an order"
	export PGUSER=withdraw_operator
	run_command withdrawctl --help
	run_command withdrawctl account show 1001
	run_command withdrawctl account list --json
	run_command withdrawctl --yes account credit 1001 1.00
	run_command withdrawctl withdrawals list
	run_command withdrawctl explain "$order"
	run_command withdrawctl payouts export
	run_command withdrawctl payouts batches --json
	run_command withdrawctl limits show
	run_command withdrawctl verify 1001
	run_command withdrawctl findings
	run_command withdrawctl audit
	run_command withdrawctl user list
	run_command withdrawctl completion bash
	export PGUSER=withdraw_reconcile
	run_command withdraw-reconcile
	run_command withdraw-reconcile --incremental --json
}

for suite in $SUITES; do
	run_suite "$suite"
done
run_commands
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
