# growth.sh: withdrawals over accounts and over connections, for
# tests/bench.sh.
#
# For each size a ledger of its own, as the section reconcile has it: what differs is
# how deep the indexes are, and how little of them is in memory. Processor time
# is what is compared between sizes, since they are not measured in turns.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2153,SC2154 # from bench.sh and stack.sh

# shellcheck source=/dev/null
. tests/bench/stack.sh
# shellcheck source=/dev/null
. tests/bench/fill.sh

WARMUP=1

# Lines of $BUILD/growth.txt:
#   connections WHO CONNECTIONS PER_SECOND P99_US
#   accounts ACCOUNTS CPU_US PER_SECOND P99_US
bench_growth() {
	local size
	: >"$BUILD/growth.txt"
	for size in $SIZES; do
		grow_to "$size"
	done
	awk -f tests/bench/plot.awk "$BUILD/growth.txt" >"$PLOT" ||
		die "could not write $PLOT"
	print_growth
}

grow_to() {	# ACCOUNTS
	local n peer
	ACCOUNTS_SERVICE=$1
	start_stack make_ledger "$1"
	[ "$1" = "${SIZES%% *}" ] || PEERS=""	# the smallest is enough
	start_peers
	for ((round = 1; round <= ROUNDS_SERVICE; round++)); do
		label="$1 accounts, round $round of $ROUNDS_SERVICE"
		sql -c CHECKPOINT
		cpu_of_one
		for n in $STEPS; do
			grow_connections "$n"
		done
	done
	tell_no_more
	check_sums
	keep_figures "$1"
	write_json "growth $1"
	stop_servers
}

# The servers are as they come again: the ledger alone was made in a hurry.
make_ledger() {	# ACCOUNTS
	ACCOUNTS=$1
	length=$((RECORDS / ACCOUNTS))
	[ $length -ge 3 ] || length=3
	ENTRIES=$((ACCOUNTS * length))
	fill_ledger
	sql -c "ALTER SYSTEM RESET ALL" -c "SELECT pg_reload_conf()" >/dev/null ||
		die "could not reset the settings"
}

cpu_of_one() {
	local before=$debits
	cpu_before
	load one --connections=32 pairs "$BASE_URL"
	cpu_after one $((debits - before))
}

grow_connections() {	# CONNECTIONS
	local peer url
	load "us$1" --connections="$1" pairs "$BASE_URL"
	for peer in $peers; do
		url=url_$peer
		load "$peer.us$1" --connections="$1" pairs "${!url}"
	done
}

keep_figures() {	# ACCOUNTS
	local n peer
	say accounts "$1" "$(median_of one.cpu)" \
		"$(median_of one.per_second)" \
		"$(median_of one.withdraw_p99)" >>"$BUILD/growth.txt"
	for n in $STEPS; do
		keep_step "withdrawd,$1" "us$n" "$n"
		for peer in $peers; do
			keep_step "$peer" "$peer.us$n" "$n"
		done
	done
}

# A peer that gave up at so many connections has no line.
keep_step() {	# WHO NAME CONNECTIONS
	[ "$(median_of "$2.bad")" = 0 ] || return 0
	say connections "$1" "$3" "$(median_of "$2.per_second")" \
		"$(median_of "$2.withdraw_p99")" >>"$BUILD/growth.txt"
}

print_growth() {
	say "growth: $(nproc) cores, medians of $ROUNDS_SERVICE rounds, $SPAN s" \
		"each; p99 of the withdrawal"
	awk '$1 == "connections" {
		printf "  %-24s %6d connections %9.0f/s %9.1f ms\n", $2, $3, $4,
			$5 / 1000 }
	$1 == "accounts" {
		printf "  %-24s %9.0f us of CPU each at 32 connections, %.2f times the first\n",
			$2 " accounts", $3, $3 / (first ? first : first = $3)
		last = $3 / first }
	END { printf "  most accounts / least: %.2f (target: at most 1.3: %s)\n",
			last, (last <= 1.3) ? "yes" : "no" }' "$BUILD/growth.txt"
	say "  picture: $PLOT"
}
