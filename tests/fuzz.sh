#!/bin/bash
# Fuzzing: random inputs into the project's code, which has to stand them.
#
#   tests/fuzz.sh SECONDS [TARGET...]   search, AT_ONCE=2 targets (make fuzz)
#   tests/fuzz.sh replay [TARGET...]    only what is kept (make check-fuzz)
#   tests/fuzz.sh keep [TARGET...]      keep, of what a search found, a little
#                                       that reaches new places
#
# A target is a file tests/fuzz/TARGET.c, its kept inputs are in
# tests/fuzz/corpus/TARGET/, and its words in tests/fuzz/dict/TARGET. BUILD
# (build/fuzz) is where the programs are, and what a search finds goes: inputs
# that reach new places to found/TARGET/, those that break something to
# findings/TARGET/. Without a name: all.
#
# exit codes: 0 nothing was found, 1 something was, 2 could not be run
set -u
cd "$(dirname "$0")/.." || exit 2

BUILD=${BUILD:-build/fuzz}
AT_ONCE=${AT_ONCE:-2}
KEPT=100	# files a target at most

usage() {
	sed -n '2,16s/^# \{0,1\}//p' "$0"
}

die() {
	echo "fuzz.sh: $*" >&2
	exit 2
}

# A frame has a limit of 64 KiB; other inputs are short.
longest() {
	case $1 in
	frame) echo 70000 ;;
	server) echo 16384 ;;	# two blocks of libfcgi's; slow beyond
	*) echo 4096 ;;
	esac
}

# search TARGET SECONDS: into found/, findings/ and search/TARGET.log
search() {
	local name=$1 dict=tests/fuzz/dict/$1 args
	mkdir -p "$BUILD/found/$name" "$BUILD/findings/$name" "$BUILD/search"
	args=(-max_total_time="$2" -max_len="$(longest "$name")"
		-print_final_stats=1 -timeout=10 -rss_limit_mb=2048
		-artifact_prefix="$BUILD/findings/$name/")
	[ ! -e "$dict" ] || args+=(-dict="$dict")
	# Freed memory is kept from use for 1 MiB, which is an input or more, and
	# not for 256: most of the time went into pages that were new each time.
	ASAN_OPTIONS=quarantine_size_mb=1:thread_local_quarantine_size_kb=64${ASAN_OPTIONS:+:$ASAN_OPTIONS} \
		"$BUILD/fuzz_$name" "${args[@]}" "$BUILD/found/$name" \
		"tests/fuzz/corpus/$name" >"$BUILD/search/$name.log" 2>&1
	echo $? >"$BUILD/search/$name.status"
}

# stat TARGET NAME
stat_of() {
	sed -n "s/^stat::$2: *//p" "$BUILD/search/$1.log" | tail -n 1
}

# progress TARGET WORD: the number behind it in the last line of progress
progress_of() {
	grep -E '^#[0-9]+.* cov: ' "$BUILD/search/$1.log" | tail -n 1 |
		sed -n "s/.* $2: \([0-9]*\).*/\1/p"
}

row() {
	printf '%-12s %12s %9s %7s %9s %7s %9s\n' "$@"
}

# What broke, and how to see it again.
tell_finding() {
	local file
	echo
	echo "$1: a finding"
	grep -E 'does not hold|ERROR: |SUMMARY|runtime error|deadly signal' \
		"$BUILD/search/$1.log" | head -n 5 | sed 's/^/  /'
	for file in "$BUILD/findings/$1"/*; do
		[ ! -e "$file" ] || echo "  again: $BUILD/fuzz_$1 $file"
	done
	echo "  all of it: $BUILD/search/$1.log"
}

search_all() {
	local seconds=$1 name status n bad=() few=()
	shift
	echo "searching for $seconds s each, $AT_ONCE at a time: $*"
	export BUILD
	printf '%s\n' "$@" |
		xargs -P "$AT_ONCE" -I '{}' "$0" search '{}' "$seconds" || return 2
	row target executions exec/s edges features corpus findings
	for name; do
		status=$(cat "$BUILD/search/$name.status")
		n=$(stat_of "$name" number_of_executed_units)
		[ "$status" = 0 ] || bad+=("$name")
		# the slowest does ten times as many
		if [ "$status" = 0 ] && [ "${n:-0}" -lt $((seconds * 100)) ]; then
			few+=("$name")
		fi
		row "$name" "$n" \
			"$(stat_of "$name" average_exec_per_sec)" \
			"$(progress_of "$name" cov)" \
			"$(progress_of "$name" ft)" \
			"$(progress_of "$name" corp)" \
			"$([ "$status" = 0 ] && echo 0 || echo 1)"
	done
	for name in ${bad[@]+"${bad[@]}"}; do
		tell_finding "$name"
	done
	for name in ${few[@]+"${few[@]}"}; do
		echo "FAIL  $name: fewer than $((seconds * 100)) executions prove nothing"
	done
	n=$((${#bad[@]} + ${#few[@]}))
	echo "$(($# - n)) passed, $n failed"
	[ "$n" = 0 ]
}

replay_all() {
	local name out passed=0 failed=0
	export UBSAN_OPTIONS=print_stacktrace=1
	for name; do
		if out=$("$BUILD/fuzz_$name" "tests/fuzz/corpus/$name"/* 2>&1); then
			echo "ok    $name: $(grep -c '^Running: ' <<<"$out")" \
				"inputs"
			passed=$((passed + 1))
		else
			echo "FAIL  $name"
			# from the input that did it to the end
			tac <<<"$out" | sed '/^Running: /q' | tac | head -n 60
			failed=$((failed + 1))
		fi
	done
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}

# What reaches something that the kept ones do not: the smallest of them, as
# long as there are not too many. Those that are there stay: some repeat what
# was wrong once.
keep_all() {
	local name to new
	for name; do
		to=tests/fuzz/corpus/$name
		new=$(mktemp -d) || exit 2
		cp "$to"/* "$new"/
		"$BUILD/fuzz_$name" -merge=1 -max_len="$(longest "$name")" \
			"$new" "$BUILD/found/$name" \
			>"$BUILD/search/$name.keep" 2>&1 ||
			die "could not merge $name: $BUILD/search/$name.keep"
		find "$new" -type f -size -4k -printf '%s %p\n' | sort -n |
			cut -d' ' -f2- | while read -r file; do
			[ "$(find "$to" -type f | wc -l)" -lt "$KEPT" ] || break
			cp -n "$file" "$to"/
		done
		rm -rf "$new"
		echo "$name: $(find "$to" -type f | wc -l) kept," \
			"$(du -sb "$to" | cut -f1) bytes"
	done
}

what=${1:---help}
shift
case $what in
-h | --help)
	usage
	exit 0
	;;
search)	# of search_all
	search "$@"
	exit 0
	;;
esac
if [ $# = 0 ]; then
	mapfile -t targets < <(cd tests/fuzz/corpus && printf '%s\n' *)
	set -- "${targets[@]}"
fi
for name; do
	[ -x "$BUILD/fuzz_$name" ] ||
		die "there is no $BUILD/fuzz_$name: make fuzz builds it"
done
case $what in
replay) replay_all "$@" ;;
keep) keep_all "$@" ;;
*[!0-9]* | '') die "SECONDS must be a number; see --help" ;;
*) search_all "$what" "$@" ;;
esac
