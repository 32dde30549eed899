#!/bin/bash
# run.sh: searches the model of the pipeline, sound and weakened.
#
#   tests/model/run.sh           less than a minute of CPU
#   MODEL=long tests/model/run.sh     that, and the large configurations:
#                                hours, up to 8 GB of memory
#
# KEEP=1 leaves the folder with all output. A sound model must be searched to
# its end without an error, a weakened one must break the very invariant that
# stands beside it: a search that was cut off is a failure. The last line is
# "N passed, N failed"; exit status 0 if none failed, 1 if some did, 2 if
# nothing could be run.
set -u
cd "$(dirname "$0")" || exit 2

if [ "${1:-}" = --help ]; then
	sed -n '2,12s/^# \{0,1\}//p' "$0"
	exit 0
fi
for program in spin gcc; do
	if [ -z "$(command -v "$program")" ]; then
		echo "$program is missing: tests/deps.sh test installs it" >&2
		exit 2
	fi
done

MODEL=${MODEL:-small}
case $MODEL in
small | long) ;;
*)
	echo "MODEL is small or long, not \"$MODEL\"" >&2
	exit 2
	;;
esac
passed=0
failed=0
n=0
out=$(mktemp -d) || exit 2
cleanup() {
	if [ "${KEEP:-0}" = 1 ]; then
		echo "kept: $out"
	else
		rm -rf "$out"
	fi
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The second fences: the sound model never meets them. They are reached, and
# hold, where the first one is taken away.
second_fences='journal_key debit_key'

pass() {
	passed=$((passed + 1))
}

fail() {	# WHY [FILE]
	failed=$((failed + 1))
	printf '      FAIL: %s\n' "$1"
	[ -z "${2:-}" ] || sed 's/^/      /' "$2" | head -n 30
}

# build DIR OPTIMIZE DEFINITIONS... -- PAN-DEFINITIONS...
build() {
	local dir=$1 optimize=$2 defs=() root=$PWD
	shift 2
	while [ "$1" != -- ]; do
		defs+=("$1")
		shift
	done
	shift
	mkdir "$dir" && cp pipeline.pml search.c ./*.h "$dir" && cd "$dir" &&
		spin "${defs[@]}" -a pipeline.pml >build.log 2>&1 &&
		gcc "$optimize" -w -DNOREDUCE -DMEMLIM=7600 "$@" "${defs[@]}" \
			-o pan search.c >>build.log 2>&1
	local status=$?
	cd "$root" || exit 2
	return $status
}

# What a search came to: safe, invN, cycle, or cut off.
verdict() {	# DIR STATUS
	local log=$1/log
	if [ "$2" != 0 ] || grep -qE 'max search depth|reached -DMEMLIM|out of memory|hash table full|memory limit|interrupted|truncated' "$log" ||
	   ! grep -q 'errors: [0-9]' "$log"; then
		echo "cut off"
	elif grep -q 'errors: 0$' "$log"; then
		# memory that ran out is no error to pan
		if grep -q 'Search not completed' "$log" ||
		   ! grep -q '^ *[1-9][0-9.e+]* states, stored' "$log"; then
			echo "cut off"
		else
			echo safe
		fi
	elif grep -q '^pan:1: acceptance cycle' "$log"; then
		echo cycle
	elif grep -q '^pan:1: assertion violated (inv[1-6]||' "$log"; then
		sed -n 's/^pan:1: assertion violated (\(inv[1-6]\)||.*/\1/p' "$log"
	else
		echo "another error"
	fi
}

# What is searched for long is worth the compiler's time.
level() {	# KIND
	case $1:$MODEL in
	*:long) echo -O2 ;;
	sound:*) echo -O1 ;;
	*) echo -O0 ;;
	esac
}

# One line of the table. KIND: sound, fence (weaker, and safe all the same),
# weak, live, dead. WHAT is for people; DEFS for spin and gcc.
search() {	# KIND WANTED WHAT DEFS [PAN-DEFS [PAN-ARGS]]
	local kind=$1 wanted=$2 what=$3 dir seen states seconds status
	local -a defs pan=() args=(-m8000000)
	read -ra defs <<<"$4"
	read -ra pan <<<"${5:-}"
	[ -z "${6:-}" ] || read -ra args <<<"$6"
	n=$((n + 1))
	dir=$out/$n.$kind
	case $kind in
	live | dead)
		defs+=(-DLIVE)
		pan+=(-DNFAIR=3)
		args+=(-a -f)
		;;
	*)
		pan+=(-DSAFETY)
		args+=(-E)
		;;
	esac
	# only the invariant that is meant can be broken
	case $wanted in
	inv*) defs+=("-DONLY=${wanted#inv}") ;;
	esac
	if ! build "$dir" "$(level "$kind")" \
		"${defs[@]}" -- "${pan[@]}"; then
		printf '%-6s %s\n' "$kind" "$what"
		fail "not built" "$dir/build.log"
		return
	fi
	(cd "$dir" && ./pan "${args[@]}" >log 2>&1)
	status=$?
	[ "$kind" != sound ] || (cd "$dir" && ./pan -d >steps)
	seen=$(verdict "$dir" "$status")
	states=$(awk '/states, stored/ { print $1 }' "$dir/log")
	seconds=$(sed -n 's/^pan: elapsed time \([0-9.e+]*\) seconds$/\1/p' \
		"$dir/log")
	printf '%-6s %-50s %12s %-8s %-8s %8s\n' "$kind" "$what" \
		"${states:--}" "$wanted" "$seen" "${seconds:--}"
	if [ "$seen" = "$wanted" ]; then
		pass
	else
		fail "wanted $wanted, seen $seen" "$dir/log"
	fi
}

sound() { search sound safe "$@"; }
fence() { search fence safe "$@"; }
weak() { search weak "$@"; }

# --- the configurations ---------------------------------------------------------

printf '%-6s %-50s %12s %-8s %-8s %8s\n' kind configuration states wanted \
	seen seconds
sound "two orders, money for one" "-DNO_VOID -DCREDITS=0"
sound "one order, twins in one worker, void, credit" \
	"-DONE_ORDER -DPER_WORKER=2"
sound "one order, declined, credited, sent again" \
	"-DONE_ORDER -DBALANCE=0 -DNO_VOID"
sound "the same, no state exchanged for an equal one" \
	"-DONE_ORDER -DBALANCE=0 -DNO_VOID -DNO_SYMMETRY"
sound "one request, reconciler, wrong and old Redis" \
	"-DONE_ORDER -DSLOTS=1 -DRECONCILE -DGARBLE -DRESTORE -DNO_VOID"

one="-DONE_ORDER -DNO_VOID"
small="$one -DSLOTS=1"
fence "no token, no lock, no cache" "$one -DNO_TOKEN -DNO_LOCK -DNO_CACHE"
fence "anybody releases the lock" "$one -DLOCK_ANYONE -DCREDITS=0"
fence "no version check: the journal's key holds" "$small -DNO_VERSION"
fence "no unique key on orders: invariant 1 holds" \
	"$small -DNO_ORDER_KEY -DONLY=1"

weak inv1 "no unique key on orders, none on debits" \
	"$small -DNO_ORDER_KEY -DNO_DEBIT_KEY"
weak inv4 "no unique key on orders, one on debits" \
	"-DONE_ORDER -DSLOTS=1 -DCREDITS=0 -DNO_ORDER_KEY"
weak inv6 "a SELECT resolves a lost reply" "$small -DEXACT -DSELECT_RESOLVES"
weak inv6 "a timeout is called failed" "$small -DEXACT -DTIMEOUT_FAILED"
weak inv3 "cached before COMMIT" "$small -DCACHE_EARLY"
weak inv3 "answered before COMMIT" "$small -DROWS_EARLY"
weak inv4 "a token miss is final" "$small -DTOKEN_FINAL"
weak inv4 "a token miss and a look are final" "$small -DLOOKUP_FINAL"
weak inv2 "no version check, no key on the journal" \
	"$small -DNO_VERSION -DNO_JOURNAL_KEY"
weak inv2 "the same by another order, when a lease has ended" \
	"-DNO_VOID -DCREDITS=0 -DBALANCE=2 -DNO_VERSION -DNO_JOURNAL_KEY"
weak inv4 "void by look-up, no insert" "-DONE_ORDER -DSLOTS=1 -DVOID_LOOKUP"
weak inv4 "a decline is not recorded" "$small -DBALANCE=0 -DNO_TOMBSTONE"
weak inv2 "accounts repaired without the lock" \
	"$small -DNO_CACHE -DRECONCILE -DRECONCILE_BLIND"

live="-DNO_VOID -DCREDITS=0 -DFAULTS=1"
search live safe "one order becomes final, 1 fault" "-DONE_ORDER $live"
search live safe "one order becomes final, void, 1 fault" \
	"-DONE_ORDER -DCREDITS=0 -DFAULTS=1"
search live safe "one order becomes final, reconciler, 1 fault" \
	"-DONE_ORDER -DSLOTS=1 -DRECONCILE $live"
search dead cycle "the lock has no lease" "-DONE_ORDER $live -DNO_LEASE"

if [ "$MODEL" = long ]; then
	two="-DNO_VOID -DCREDITS=0"
	fence "two orders, no token, no lock, no cache" \
		"$two -DNO_TOKEN -DNO_LOCK -DNO_CACHE"
	fence "two orders, no version check" "$two -DNO_VERSION"
	fence "two orders, no key on the journal" "$two -DNO_JOURNAL_KEY"
	fence "two orders, no key on debits" "$two -DNO_DEBIT_KEY"
	fence "two orders, an unknown outcome unlocks" "$two -DUNKNOWN_UNLOCKS"
	fence "two orders, anybody releases the lock" "$two -DLOCK_ANYONE"
	search live safe "one order becomes final, 3 faults, void" \
		"-DONE_ORDER -DCREDITS=0 -DFAULTS=3"
	search live safe "both orders become final, 1 fault" "$live"
	search dead cycle "two orders, the lock has no lease" "$live -DNO_LEASE"
	sound "one order, twins, three statements, void, credit" \
		"-DONE_ORDER -DPER_WORKER=2 -DBACKENDS=3"
	sound "one order, three requests in two workers" \
		"-DONE_ORDER -DSLOTS=3 -DPER_WORKER=2 -DCREDITS=0"
	sound "two orders, twins in one worker, void" \
		"-DPER_WORKER=2 -DCREDITS=0"
	# states are kept as hashes of 12 bytes: two that collide are one, which
	# is unlikely, and not impossible
	sound "two orders, twins, three statements, void" \
		"-DPER_WORKER=2 -DCREDITS=0 -DBACKENDS=3" \
		"-DHC4 -DREVERSE" "-m8000000 -w27"
	sound "two orders, twins, void, reconciler, old Redis" \
		"-DPER_WORKER=2 -DCREDITS=0 -DRECONCILE -DRESTORE" \
		"-DHC4 -DREVERSE" "-m8000000 -w27"

	# searched to their end without an error, all sound ones together
	total=$(awk '/states, stored/ { n += $1 } END { printf "%.0f", n }' \
		"$out"/*.sound/log)
	if [ "$total" -ge 100000000 ]; then
		echo "states: $total in sound searches, at least 100000000"
		pass
	else
		echo "states: $total in sound searches"
		fail "100000000 are needed"
	fi
fi

# --- was everything reached? -----------------------------------------------------

# Steps of the model, by line: a step that no sound search could take is dead.
grep -ho 'D_STEP[0-9]*' "$out"/*.sound/steps | sort -u >"$out/steps"
for dir in "$out"/*.sound; do
	grep -o 'D_STEP[0-9]*' "$dir/steps" | sort -u >"$dir/all"
	grep '^	pipeline.pml' "$dir/log" | grep -o 'D_STEP[0-9]*' | sort -u \
		>"$dir/missed"
	comm -23 "$dir/all" "$dir/missed"
done | sort -u >"$out/taken"
comm -23 "$out/steps" "$out/taken" >"$out/missed"
if [ -s "$out/steps" ] && [ ! -s "$out/missed" ]; then
	echo "steps: all $(wc -l <"$out/steps") are taken in a sound search"
	pass
else
	echo "steps: some are taken in no sound search"
	fail "D_STEP and the line in pipeline.pml:" "$out/missed"
fi

count_paths() {	# KIND...: "path times" over all searches of these kinds
	local kind
	for kind; do
		cat "$out"/*."$kind"/log
	done | awk '$1 == "reached" { n[$2] += $3 }
		END { for (path in n) print path, n[path] }' | sort
}

count_paths sound >"$out/paths"
awk -v later="$second_fences" 'BEGIN { split(later, l); for (i in l) skip[l[i]] }
	($1 in skip) ? $2 != 0 : $2 == 0' "$out/paths" >"$out/wrong"
for path in $second_fences; do
	count_paths fence | grep -q "^$path [1-9]" || echo "$path 0" >>"$out/wrong"
done
if [ -s "$out/paths" ] && [ ! -s "$out/wrong" ]; then
	echo "paths: all $(wc -l <"$out/paths") are gone, and how often:"
	awk '{ printf "  %s %s", $1, $2; if (NR % 3 == 0) print "" }
		END { print "" }' "$out/paths" | column -t
	pass
else
	fail "paths that are not gone, or that should not be:" "$out/wrong"
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
