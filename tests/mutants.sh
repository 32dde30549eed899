#!/bin/bash
# mutants.sh: weakens the code and the SQL, one place at a time: each time some
# test has to go red.
#
#   tests/mutants.sh            all of tests/mutants/ (make mutants)
#   MUTANT=NAME ...             one of them, or several; NAME is that of the
#                               file, with its number or without
#
# A mutant is a patch with a head of three fields before the diff, a line each:
#   Weakens: what it takes away
#   Breaks: what is not kept then (the numbers are those of README.md)
#   Suite: unit SUITE, or integration SUITE/CASE; more of them by commas
# What "Suite" names has to be green without the mutant, and is run first with
# it. If it stays green, all integration tests are run; one that goes red there
# counts if it is green without the mutant. A patch that does not apply, a tree
# that does not build and servers that do not start are failures, not catches.
#
# It works in a copy of the tracked files as they are, committed or not. BUILD
# (build) has objects to begin with: only what a mutant changes is built anew.
# KEEP=1 leaves the copy, with all logs. The last line is "N passed, N failed";
# exit status 0 if each was caught, 1 if some were not, 2 if nothing could be
# run.
set -u
cd "$(dirname "$0")/.." || exit 2
# shellcheck source=tests/shell.sh
. tests/shell.sh

usage() {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
}

if [ $# -gt 0 ]; then
	usage
	[ "$1" = --help ] && exit 0
	exit 2
fi

LIMIT_S=1800	# of one run of tests: it only ends what hangs
BUILD=${BUILD:-build}
passed=0
failed=0
child=
table=()
patches=()
declare -A sound	# of what is named: "green", or what is red

cleanup() {
	if [ -n "$child" ]; then
		kill "$child" 2>/dev/null
		wait "$child"
	fi
	if [ "${KEEP:-0}" = 1 ]; then
		echo "kept: $out"
	else
		rm -rf "$out"
	fi
}

# --- the copy -------------------------------------------------------------------

# With the files' times, and the objects made of them: make finds little to do.
copy_tree() {
	mkdir -p "$tree/build" || exit 2
	git ls-files -z | tar -c --null -T - | tar -x -C "$tree"
	if [ "${PIPESTATUS[*]}" != "0 0 0" ]; then
		echo "could not copy the tree" >&2
		exit 2
	fi
	[ ! -d "$BUILD/obj" ] || cp -a "$BUILD/obj" "$tree/build/" || exit 2
}

# run LOG COMMAND...: in the background, so that signals find us awake; timeout
# hands ours on to all that it started. It ends early when a test goes red.
run() {
	local log=$1
	shift
	rm -f "$tap"
	(cd "$tree" && exec env --default-signal=INT,QUIT \
		timeout -k 60 "$LIMIT_S" "$@") >"$log" 2>&1 </dev/null 9>&- &
	child=$!
	while kill -0 "$child" 2>/dev/null; do
		if is_red; then
			kill "$child" 2>/dev/null
			break
		fi
		pause 0.2
	done
	wait "$child"
	local status=$?
	child=
	return $status
}

# Has a test gone red? libcheck notes each as it ends:
# not ok 3 - tests/integration/once.c:storm:two_hundred_clicks: ...
is_red() {
	grep -qs '^not ok' "$tap"
}

# build KIND LOG: what the tests of that kind need
build() {
	local what=(build/check_unit)
	if [ "$1" = integration ]; then
		what=(all build/check_integration build/faults.so build/full.so)
	fi
	run "$2" env -u BUILD -u MAKEFLAGS make -s -j2 "${what[@]}"
}

# --- a run of tests ---------------------------------------------------------------

# test_with SPEC LOG: 0 green, 1 red, 2 neither; "first" is the test that went
# red first, as KIND SUITE/CASE/TEST, or what happened.
test_with() {
	local kind=${1%% *} name="" only=() status suite
	case $1 in
	*' '*)
		name=${1#* }
		only+=("CK_RUN_SUITE=${name%%/*}")
		;;
	esac
	case $name in
	*/*) only+=("CK_RUN_CASE=${name#*/}") ;;
	esac
	run "$2" env -u CK_RUN_SUITE -u CK_RUN_CASE -u RUN_DIR -u KEEP \
		BUILD=build CK_TAP_LOG_FILE_NAME="$tap" "${only[@]}" \
		tests/run.sh "$kind"
	status=$?
	if ! is_red; then
		[ $status != 0 ] || return 0
		first="no test ended as tests do: status $status"
		return 2
	fi
	# the file is that of the line, which may be a helper's
	first=$(sed -nE 's,^not ok [0-9]+ - [^:]*:([^:]*):([^:]*):.*,\1/\2,p' \
		"$tap" | head -n 1)
	grep '^not ok' "$tap" >>"$2"
	suite=${name%%/*}
	if [ -z "$suite" ]; then
		suite=$(grep -lF "START_TEST(${first#*/})" tests/"$kind"/*.c |
			head -n 1)
		suite=$(basename "$suite" .c)
	fi
	first="$kind $suite/$first"
	return 1
}

# Is it green without a mutant?
is_sound() {	# SPEC
	local log="$out/sound-${1//[ \/]/-}.log" first began=$SECONDS
	if [ -z "${sound[$1]:-}" ]; then
		if ! build "${1%% *}" "$log"; then
			sound[$1]="does not build"
		elif test_with "$1" "$log"; then
			sound[$1]=green
			echo "green $1 ($((SECONDS - began)) s)"
		else
			sound[$1]=$first
		fi
		if [ "${sound[$1]}" != green ]; then
			echo "RED   $1 without a mutant: ${sound[$1]}"
			tail -n 20 "$log" | sed 's/^/      /'
		fi
	fi
	[ "${sound[$1]}" = green ]
}

# --- a mutant ---------------------------------------------------------------------

field() {	# NAME PATCH
	sed -n "/^diff /q; s/^$1: *//p" "$2"
}

specs() {	# PATCH: one a line
	field Suite "$1" | tr ',' '\n' | sed 's/^ *//; s/ *$//'
}

# try SPEC LOG: true if the search is over: sets caught or why
try() {
	local first
	if ! build "${1%% *}" "$2"; then
		why="does not build"
		return 0
	fi
	test_with "$1" "$2"
	case $? in
	0) return 1 ;;
	1) caught=$first ;;
	*) why=$first ;;
	esac
}

# hunt PATCH LOG: sets caught, the test that saw it, or why that is none
hunt() {
	local spec
	while read -r spec; do
		try "$spec" "$2" && return
	done < <(specs "$1")
	echo "      what it names stays green: now all integration tests"
	far=yes
	try integration "$2" || why="not caught"
}

mutant() {	# PATCH
	local patch=$PWD/$1 name log what spec caught='' why='' far=no
	local began=$SECONDS
	name=$(basename "$1" .patch)
	log=$out/$name.log
	what=$(field Weakens "$1")
	: >"$log"
	if [ -z "$what" ] || [ -z "$(field Breaks "$1")" ] ||
	   [ -z "$(specs "$1")" ]; then
		why="its head lacks Weakens, Breaks or Suite"
	elif ! (cd "$tree" && git apply --check "$patch") >"$log" 2>&1; then
		why="does not apply any more"
	else
		while read -r spec; do
			is_sound "$spec" || why="\"$spec\" is red without it"
		done < <(specs "$1")
	fi
	if [ -z "$why" ]; then
		(cd "$tree" && git apply "$patch") || exit 2
		hunt "$1" "$log"
		(cd "$tree" && git apply -R "$patch") || exit 2
	fi
	# a test that nobody named may be red by itself
	if [ -n "$caught" ] && [ $far = yes ] && ! is_sound "${caught%/*}"; then
		why="$caught is red without it"
		caught=
	fi
	if [ -n "$caught" ]; then
		passed=$((passed + 1))
		echo "ok    $name: $caught ($((SECONDS - began)) s)"
	else
		failed=$((failed + 1))
		echo "FAIL  $name: $why"
		tail -n 20 "$log" | sed 's/^/      /'
		caught="FAILED: $why"
	fi
	table+=("$name|${what:-?}|$caught")
}

# Those that MUTANT names; all without it.
choose() {
	local name patch found
	if [ -z "${MUTANT:-}" ]; then
		patches=(tests/mutants/*.patch)
		return
	fi
	for name in $MUTANT; do
		found=no
		for patch in tests/mutants/*.patch; do
			case $(basename "$patch" .patch) in
			"$name" | [0-9][0-9]-"$name")
				patches+=("$patch")
				found=yes
				;;
			esac
		done
		if [ $found = no ]; then
			echo "there is no mutant \"$name\" in tests/mutants/" >&2
			exit 2
		fi
	done
}

choose
out=$(mktemp -d /tmp/withdraw-mutants.XXXXXX) || exit 2
tree=$out/tree
tap=$out/tap
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
chmod 755 "$out"	# the servers' user works in it
# whatever repository is around the copy, it is no part of it
export GIT_CEILING_DIRECTORIES=$out
copy_tree
for patch in "${patches[@]}"; do
	mutant "$patch"
done
printf '\n%-28s %-70s %s\n' mutant 'what it weakens' 'caught by'
for row in "${table[@]}"; do
	IFS='|' read -r name what caught <<<"$row"
	printf '%-28s %-70s %s\n' "$name" "$what" "$caught"
done
echo "it took $((SECONDS / 60)) min $((SECONDS % 60)) s"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
