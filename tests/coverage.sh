#!/bin/bash
# Runs tests of a build that counts (make coverage), and looks whether they
# took every branch of the pipeline, of what reads others' input, and of what
# computes with money.
#
#   tests/coverage.sh            the tests, then the report
#   tests/coverage.sh report     the report of what was counted so far
#
# tests/coverage/files says which files count, and tests/coverage/exceptions
# which branches nobody can take, and why. BUILD (build/coverage) is where the
# programs are. The last line is "N passed, N failed": one a file, and one for
# tests that failed; exit status 0 if none failed, 1 if some did, 2 if nothing
# could be run.
set -u
cd "$(dirname "$0")/.." || exit 2

BUILD=${BUILD:-build/coverage}
# what unit tests and fuzz inputs do not reach: the commands, the check of the
# ledger, and real stores
suites="contract operator operations replies"
failed=0
counts=

cleanup() {
	[ -z "$counts" ] || rm -rf "$counts"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

usage() {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
}

# run NAME COMMAND...
run() {
	local name=$1
	shift
	if ! "$@"; then
		echo "coverage.sh: the $name tests failed" >&2
		failed=$((failed + 1))
	fi
}

# The servers' user cannot write where the programs were built: what is counted
# goes to a folder for everybody, in folders that are there already.
open_counts() {
	local abs
	abs=$(cd "$BUILD" && pwd -P) || exit 2
	find "$BUILD" -name '*.gcda' -delete || exit 2
	umask 0
	counts=$(mktemp -d /tmp/withdraw-coverage.XXXXXX) || exit 2
	chmod 755 "$counts"
	(cd "$BUILD" && find obj -type d) | (cd "$counts" && xargs mkdir -p)
	export GCOV_PREFIX=$counts
	GCOV_PREFIX_STRIP=$(tr -dc / <<<"$abs" | wc -c)
	export GCOV_PREFIX_STRIP
}

run_tests() {
	local suite
	open_counts
	run "unit and fuzz" tests/run.sh unit fuzz
	for suite in $suites; do
		export CK_RUN_SUITE=$suite
		run "$suite" tests/run.sh integration
	done
	cp -r "$counts/obj" "$BUILD/" || exit 2
}

export BUILD
case ${1:-} in
--help)
	usage
	exit 0
	;;
report) ;;
"") run_tests ;;
*)
	echo "coverage.sh: there is no \"$1\"; see --help" >&2
	exit 2
	;;
esac
node tests/coverage/report.mjs "$BUILD" "$failed"
