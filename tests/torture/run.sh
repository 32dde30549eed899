#!/bin/bash
# Clients that behave like the page, faults by a schedule, and a checker that
# says whether the promises held. On servers of its own, which it stops.
#
#   tests/torture/run.sh [faults] [liars] [checker]      without a name: all
#
#   faults   for SECONDS (60) everything goes wrong, in more than thirty ways;
#            from 120 on for up to 1.7 times that, until 2.5 faults for each
#            second have happened, a tenth of them to a service at work
#   liars    a Redis that must not be believed, a few seconds for each way
#   checker  the checker itself: tampered histories, each of which it refuses;
#            and that a seed gives one schedule
#
# SEED (of the clock) decides what the clients do and what the schedule is.
# SCHEDULE=file repeats the one that a run has left in its folder, which has
# the seed and the length in its first line. LIARS names some of them. RATE=60
# times a second somebody begins. BUILD (build) is where the programs are.
# KEEP=1 leaves the folder, with history, tables and logs; it stays in any case
# where a promise was broken. The last line is "N passed, N failed"; exit status
# 0 if none failed, 1 if some did, 2 if it could not work.
length=${TORTURE_SECONDS:-$SECONDS}	# bash counts on from what it was given
set -u
cd "$(dirname "$0")/../.." || exit 2

if [ -n "${SCHEDULE:-}" ]; then
	read -r SEED length < <(awk -F '[ =]' '{ print $3, $5; exit }' \
		"$SCHEDULE")
	[[ "$SEED $length" =~ ^[0-9]+\ [0-9]+$ ]] || {
		echo "torture: $SCHEDULE is no schedule of ours" >&2
		exit 2
	}
fi
if [ "$length" -lt 5 ]; then
	length=60
fi
least=$((length < 120 ? 1 : 3))	# times that each fault has to happen
BUILD=$(realpath -m "${BUILD:-build}")
SEED=${SEED:-$(date +%s)}
RATE=${RATE:-60}
LIARS=${LIARS:-yes nil shifted numbered garbage old late silent}
users=60
first_user=2001
settle_s=30	# in which every order has to become final
killed='worker [0-9]+ was killed by signal'	# as the master says it
liar_s=5
passed=0
failed=0
work=
run=
ours=()		# processes

. tests/torture/schedule.sh
. tests/torture/faults.sh

usage() {
	sed -n '2,/^length/s/^# \{0,1\}//p' "$0"
}

die() {
	printf 'torture: %s\n' "$*" >&2
	exit 2
}

pass() {
	printf 'ok    %s\n' "$*"
	passed=$((passed + 1))
}

fail() {
	printf 'FAIL  %s\n' "$*"
	failed=$((failed + 1))
}

# ---- servers ----------------------------------------------------------------

stop_ours() {
	local pid
	for pid in "${ours[@]}"; do
		kill -s TERM "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	ours=()
}

stop_all() {
	[ -n "$work" ] || return 0
	stop_ours
	"${servers[@]}" stop >/dev/null 2>&1
	if [ "${KEEP:-0}" = 1 ] || [ "$failed" != 0 ]; then
		echo "kept: $work"
	else
		rm -rf "$work"
	fi
	work=
}
# whoever reads our words may be gone already
trap 'trap "" INT TERM PIPE; stop_all' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 141' PIPE

begin() {	# PROGRAM OUT ARGUMENT...
	local program=$1 out=$2
	shift 2
	nice -n 10 "$BUILD/torture-$program" "$@" >"$out" 2>&1 &
	ours+=($!)
}

# Redis runs with a clock of ours: servers.sh finds it first in PATH. Its user
# has to get at the library.
wrap_redis() {
	mkdir "$work/bin"
	cp "$BUILD/torture-clock.so" "$work/bin/"
	printf '%-15s\n' 0 >"$work/clock"
	chmod 644 "$work/clock"
	cat >"$work/bin/redis-server" <<-WRAP
		#!/bin/sh
		export LD_PRELOAD=$work/bin/torture-clock.so CLOCK_FILE=$work/clock
		exec $(command -v redis-server) "\$@"
	WRAP
	chmod 755 "$work/bin/redis-server" "$work/bin/torture-clock.so"
}

# FOLDER has all of one part: the servers in run/, our files beside them.
start_servers() {	# NAME
	work=$(mktemp -d "/tmp/withdraw-$1.XXXXXX") || exit 2
	chmod 755 "$work"
	run=$work/run
	base=(env "PATH=$work/bin:$PATH" "RUN_DIR=$run" PORT=0
		"BUILD=$BUILD" "EXTRA_USERS=$users" RECONCILE_S=2
		RATE=100000r/s BURST=100000 "WITHDRAWD_PGHOST=$work/pg"
		"WITHDRAWD_REDIS_URL=unix://$work/redis.sock")
	servers=("${base[@]}" tests/servers.sh)
	mkdir "$work/pg"
	wrap_redis
	mkfifo "$work/pg.control" "$work/redis.control"
	begin proxy "$work/pg.did" "$work/pg/.s.PGSQL.5432" \
		"$run/sockets/.s.PGSQL.5432" "$work/pg.control"
	begin proxy "$work/redis.did" "$work/redis.sock" \
		"$run/sockets/redis.sock" "$work/redis.control"
	"${servers[@]}" start >"$work/servers.log" 2>&1 || {
		cat "$work/servers.log"
		die "the servers did not start"
	}
	url=$(sed -n 's/^BASE_URL=//p' "$run/env")
	psql=$(compgen -G '/usr/lib/postgresql/*/bin/psql' | tail -n 1)
	psql=${psql:-psql}
	[ "$(sql "SELECT count(*)
		FROM generate_series($first_user, $first_user + $users - 1) u,
			account_open(u, 30, 'torture', 'begin')")" = "$users" ] ||
		die "could not open the accounts"
	PGHOST=$run/sockets PGPORT=5432 PGDATABASE=withdraw \
		PGUSER=withdraw_operator begin credit "$work/credit.log" \
		"$work/credits" "$SEED" "$first_user" "$users" 200
	credit=$!
}

dump() {	# FILE QUERY
	sql "COPY ($2) TO STDOUT" >"$work/$1" || die "could not read $1"
}

dump_tables() {
	local us='(extract(epoch FROM created_at) * 1000000)::bigint'
	dump account 'SELECT user_id, balance, version, state FROM account
		WHERE user_id > 2000'
	dump entry "SELECT user_id, version, kind, delta, balance_after,
		order_id, $us FROM ledger_entry WHERE user_id > 2000"
	dump record "SELECT order_id, user_id, amount, status, reason,
		balance_after, version, $us FROM withdraw_record"
	dump finding "SELECT kind, user_id, order_id, what
		FROM reconcile_finding"
}

# Adds what the checker says to ours.
judge() {	# OPTION...
	local sums status
	dump_tables
	"$BUILD/torture-check" "$@" "$work" >"$work/verdict"
	status=$?
	cat "$work/verdict"
	[ "$status" -le 1 ] || die "the checker could not look"
	sums=$(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' \
		"$work/verdict")
	[ -n "$sums" ] || die "the checker came to no end"
	passed=$((passed + ${sums% *}))
	failed=$((failed + ${sums#* }))
}

at_least() {	# NAME NUMBER: of the verdict's counts
	local n
	n=$(awk -v name="$1" '$1 == "count" && $2 == name { print $3 }' \
		"$work/verdict")
	if [ "${n:-0}" -ge "$2" ]; then
		pass "$1: $n, at least $2"
	else
		fail "$1: ${n:-none}, and at least $2 are needed to prove anything"
	fi
}

# A sanitizer, or an assertion, writes to the log of the service; so does the
# master of a worker that was killed, but for 9 by none of us.
check_log() {
	local log=$run/log/withdrawd.log
	[ -s "$log" ] || die "there is no $log"
	if grep -E 'ERROR: (Address|Leak)Sanitizer|runtime error:|Assertion|stack smashing' \
		"$log" || grep -E "$killed" "$log" | grep -vE "$killed 9\\b"; then
		fail "withdrawd crashed by itself: see above"
	else
		pass "withdrawd never crashed by itself"
	fi
}

# ---- faults -----------------------------------------------------------------

now_ms() {	# sets now
	now=$((${EPOCHREALTIME/./} / 1000))
}

# Of the present lane, which is a process: how often each kind has happened.
declare -A times=()
enough() {	# KIND: has it happened as often as it has to?
	[ "${times[$1]:-0}" -ge "$least" ]
}

# All lanes together: as many as are aimed at, or no time is left.
enough_of_all() {	# BEGAN
	local all met
	now_ms
	[ "$length" -ge 120 ] && [ $((now - $1)) -lt $((length * 1700)) ] ||
		return 0
	read -r all met < <(awk '$4 == "yes" { all++; met += $5 == "yes" }
		END { print all + 0, met + 0 }' "$work"/lane.*)
	[ "$all" -ge $((length * 5 / 2)) ] && [ "$met" -ge $((length / 4)) ]
}

# Some find nothing to harm just then: no connection, no statement under way.
# They are tried again for a while.
inject() {	# KIND VALUE MS
	local now end
	now_ms
	end=$((now + $3))
	until "fault_$1" "$2"; do
		now_ms
		[ "$now" -lt "$end" ] || return 1
		pause_ms 250
	done
}

# The faults of one lane, each at its time, or as soon as the one before it is
# over. Notes each in lane.NAME: when, kind, argument, whether it happened, and
# whether it met a service at work.
run_lane() {	# NAME BEGAN
	local at lane kind value now over=0
	RANDOM=$SEED
	exec >>"$work/log.$1" 2>&1
	while read -r at lane kind value; do
		[ "$lane" = "$1" ] || continue
		now_ms
		[ $((now - $2)) -ge "$at" ] || pause_ms $(($2 + at - now))
		# a lane that is late is not made longer, but for what has
		# not happened often enough
		if [ $((now - $2)) -gt $((length * 1000)) ] && enough "$kind" &&
			{ [ "$over" = 1 ] || enough_of_all "$2"; }; then
			over=1
			continue
		fi
		inject_noted "$1" "$2" "$kind" "$value" 2000
	done <"$work/schedule"
	# what found too little to harm: servers that were down come back
	while read -r at lane kind value; do
		[ "$lane" != "$1" ] || enough "$kind" ||
			inject_noted "$1" "$2" "$kind" "$value" 30000
	done <"$work/schedule"
}

# Of the present lane: its faults so far, and those that met a service at work.
tried=0
met_ones=0

# Most are to find a service at work: waits until the ledger has given a final
# answer since the last strike of any lane, but for half a second at most, or
# for three where fewer than a tenth of the lane's have met one: so there are
# some on any machine, and many on a fast one. Returns 0 if it has.
await_final() {
	local tries=10
	[ $((met_ones * 10)) -ge "$tried" ] || tries=60
	while [ "$tries" -gt 0 ]; do
		[ ! "$work/history.final" -nt "$work/struck" ] || return 0
		pause_ms 50
		tries=$((tries - 1))
	done
	return 1
}

inject_noted() {	# LANE BEGAN KIND VALUE MS
	local did=no met=yes now at
	await_final || met=no
	tried=$((tried + 1))
	[ "$met" = no ] || met_ones=$((met_ones + 1))
	: >"$work/struck"
	now_ms
	at=$((now - $2))
	if inject "$3" "$4" "$5"; then
		did=yes
		times[$3]=$((${times[$3]:-0} + 1))
	fi
	# what was said before it took effect does not count
	: >"$work/struck"
	echo "$at $3 $4 $did $met" >>"$work/lane.$1"
}

# All that was stopped goes on, all that is gone comes back. What lives stays as
# the faults have left it: it has to find its way by itself.
heal() {
	local pid
	for pid in $(pid_of postgres) $(pgrep -P "$(pid_of postgres)") \
		$(pid_of redis) $(pid_of withdrawd) \
		$(pgrep -P "$(pid_of withdrawd)"); do
		# see stop_server in servers.sh
		! grep -qs '^State:.T' "/proc/$pid/status" ||
			kill -s CONT "$pid" 2>/dev/null
	done
	set_clock 0
	{
		"${servers[@]}" start
	} >>"$work/servers.log" 2>&1 || {
		tail -n 20 "$work/servers.log"
		die "the servers did not come up again"
	}
}

print_faults() {
	local kind n of met lane list all=0 all_met=0
	echo "faults: kind, how often it happened, of how many tries"
	for lane in "${!kinds[@]}"; do
		read -rd '' -a list <<<"${kinds[$lane]}" || true
		for kind in "${list[@]%%:*}"; do
			read -r n of met < <(awk -v kind="$kind" \
				'$2 == kind { of++; n += $4 == "yes"
					met += $4 == "yes" && $5 == "yes" }
				END { print n + 0, of + 0, met + 0 }' \
				"$work/lane.$lane")
			printf '  %-16s %4d of %d\n' "$kind" "$n" "$of"
			all=$((all + n))
			all_met=$((all_met + met))
			if [ -z "${SCHEDULE:-}" ] && [ "$n" -lt "$least" ]; then
				fail "$kind: at least $least are needed"
			fi
		done
	done
	printf '  %-16s %4d, %d of them after a final answer since the last\n' \
		all "$all" "$all_met"
	# a short run on a slow machine is over when each kind has been there
	[ "$length" -ge 120 ] || return 0
	if [ "$all" -ge "$length" ]; then
		pass "faults: $all, at least $length"
	else
		fail "faults: $all, and at least $length are needed"
	fi
	# where all meet what is down already, they prove little
	if [ "$all_met" -ge $((length / 10)) ]; then
		pass "faults that met a service at work: $all_met, at least $((length / 10))"
	else
		fail "faults that met a service at work: $all_met, and at least $((length / 10)) are needed"
	fi
}

part_faults() {
	local now began lane client status
	echo "== faults: SEED=$SEED, $length s"
	start_servers torture
	if [ -n "${SCHEDULE:-}" ]; then
		cp "$SCHEDULE" "$work/schedule" || exit 2
	else
		echo "# SEED=$SEED SECONDS=$length" >"$work/schedule"
		make_schedule "$SEED" "$length" >>"$work/schedule"
	fi
	mkdir -p "$BUILD/torture"
	cp "$work/schedule" "$BUILD/torture/schedule.$SEED"
	echo "schedule: $(grep -vc '^#' "$work/schedule") faults; again by" \
		"make torture SECONDS=$length SEED=$SEED RATE=$RATE"
	begin client "$work/client.log" "$url" "$work/history" "$SEED" \
		"$first_user" "$users" "$RATE" "$settle_s"
	client=$!
	now_ms
	began=$now
	local lanes_pids=()
	for lane in $lanes; do
		run_lane "${lane%:*}" "$began" &
		lanes_pids+=($!)
	done
	ours+=("${lanes_pids[@]}")
	wait "${lanes_pids[@]}"
	heal
	kill -s USR1 "$client" || die "the clients ended: $(cat "$work/client.log")"
	wait "$client"
	status=$?
	[ "$status" = 0 ] || die "the clients failed: $(cat "$work/client.log")"
	cat "$work/client.log"
	kill -s TERM "$credit"
	wait "$credit" || die "the credits failed: $(cat "$work/credit.log")"
	print_faults
	judge
	at_least requests $((length * 100))
	# where a service takes longer to come back than the next fault to
	# come, it answers to few
	at_least orders $((length * 3))
	at_least succeeded "$length"
	at_least declined $((length / 4))
	at_least void $((length / 4))
	at_least replayed "$length"
	at_least twins 1
	at_least busy "$length"
	at_least token-invalid 10
	at_least mismatch 5
	at_least unknown 10
	at_least outcome-unknown $((length / 20))
	at_least no-answer 10
	at_least none 10
	at_least listed 10
	at_least foreign 5
	at_least credits $((length / 2))
	at_least version-conflicts 1
	# the words that check_log looks for are those of the log
	if grep -qE "$killed 9\\b" "$run/log/withdrawd.log"; then
		pass "the log tells of workers that were killed"
	else
		fail "the log does not tell of workers that were killed"
	fi
	check_log
	stop_all
}

# ---- liars ------------------------------------------------------------------

part_liars() {
	local how client liar n=0 before=0 now asked lies
	echo "== liars: SEED=$SEED, $liar_s s each"
	start_servers liars
	: >"$work/history"
	for how in $LIARS; do
		n=$((n + 1))
		begin liar "$work/liar.$how.log" "$work/liar.sock" "$how"
		liar=$!
		until [ -S "$work/liar.sock" ]; do pause_ms 10; done
		restart_withdrawd \
			"WITHDRAWD_REDIS_URL=unix://$work/liar.sock" \
			>>"$work/servers.log" 2>&1 ||
			die "withdrawd did not start: $work/servers.log"
		begin client "$work/client.$how.log" "$url" \
			"$work/history.$how" "$((SEED + n))" "$first_user" \
			"$users" "$RATE" 3
		client=$!
		pause_ms $((liar_s * 1000))
		kill -s USR1 "$client"
		wait "$client" || die "the clients failed: $(cat "$work/client.$how.log")"
		echo "liar $how: $(cat "$work/client.$how.log")"
		cat "$work/history.$how" >>"$work/history"
		kill -s TERM "$liar"
		wait "$liar" || die "the liar failed: $(cat "$work/liar.$how.log")"
		rm -f "$work/liar.sock"
		read -r asked lies <"$work/liar.$how.log"
		if [ "$lies" -ge 10 ]; then
			pass "liar $how: was asked $asked times, and lied $lies times"
		else
			fail "liar $how: lied $lies times of $asked, and so nothing is proved"
		fi
		now=$(sql 'SELECT count(*) FROM withdraw_record WHERE status = 1')
		if [ "$now" -gt "$before" ]; then
			pass "liar $how: $((now - before)) withdrawals succeeded"
		else
			fail "liar $how: nothing succeeded, and so nothing is proved"
		fi
		before=$now
	done
	kill -s TERM "$credit"
	wait "$credit" || die "the credits failed: $(cat "$work/credit.log")"
	judge -l
	at_least requests $((n * 500))
	check_log
	stop_all
}

# ---- the checker ------------------------------------------------------------

check_schedule() {
	local one again other
	one=$(make_schedule 5 60)
	again=$(make_schedule 5 60)
	other=$(make_schedule 6 60)
	if [ -n "$one" ] && [ "$one" = "$again" ] && [ "$one" != "$other" ]
	then
		pass "a seed gives one schedule, another seed another"
	else
		fail "a seed gives one schedule, another seed another"
	fi
}

part_checker() {
	local sums
	echo "== the checker"
	sums=$(BUILD=$BUILD tests/torture/tampered.sh) || true
	printf '%s\n' "$sums" | sed '$d'
	sums=$(printf '%s\n' "$sums" |
		sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p')
	[ -n "$sums" ] || die "its tests came to no end"
	passed=$((passed + ${sums% *}))
	failed=$((failed + ${sums#* }))
	check_schedule
}

if [ "${1:-}" = --help ]; then
	usage
	exit 0
fi
[ $# -gt 0 ] || set -- checker liars faults
for part; do
	case $part in
	faults | liars | checker) ;;
	*) die "there is no part named \"$part\"; see --help" ;;
	esac
done
for part; do
	"part_$part"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
