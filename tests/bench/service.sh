# service.sh: withdrawals through nginx, for tests/bench.sh.
#
# In each round everything is measured once, so that a machine that is busy
# slows down all of it alike: the service at several numbers of connections,
# and between that what its parts can do alone, and the peers.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2153,SC2154 # from bench.sh and stack.sh

# shellcheck source=/dev/null
. tests/bench/stack.sh

ACCOUNTS_SERVICE=10000
WARMUP=0.3
SIGNED_IN=8	# users with a session
# A refusal takes two seconds: a turn of the flood has to be longer. One without
# and one with it.
FLOOD_TURN=$((QUICK ? 3 : 6))
FLOOD_SPAN=$((2 * FLOOD_TURN))

bench_service() {
	start_stack open_accounts
	sign_in
	start_peers
	for ((round = 1; round <= ROUNDS_SERVICE; round++)); do
		label="round $round of $ROUNDS_SERVICE"
		sql -c CHECKPOINT
		measure_ceilings
		measure_service
		measure_peers
		note_ratios
	done
	tell_no_more
	print_service
	check_sums
	print_targets
	write_json service
}

open_accounts() {
	tell "opening $ACCOUNTS_SERVICE accounts"
	sql -c "SELECT count(*) FROM generate_series(1, $ACCOUNTS_SERVICE) u,
		LATERAL account_open(u, 1000000.00)" -c VACUUM -c ANALYZE \
		>/dev/null || die "could not open accounts"
}

# ---- sessions of our own sign-in -----------------------------------------

# One password is hashed, and all have it: hashing is slow, on purpose.
sign_in() {
	local user
	tell "signing in $SIGNED_IN users"
	say benchmark | PGUSER=withdraw_operator "$BUILD/withdrawctl" user add \
		bench1 1 >/dev/null 2>&1 || die "could not add a sign-in"
	sql -c "INSERT INTO sign_in (name, user_id, password, created_at,
			changed_at)
		SELECT 'bench' || u, u, password, created_at, changed_at
			FROM sign_in, generate_series(2, $SIGNED_IN) u
			WHERE name = 'bench1'" || die "could not add sign-ins"
	for ((user = 1; user <= SIGNED_IN; user++)); do
		cookie_of "bench$user" || die "bench$user could not sign in"
	done >"$run_dir/cookies"
}

cookie_of() {	# NAME
	local body="{\"name\":\"$1\",\"password\":\"benchmark\"}" line cookie=
	exec 8<>"/dev/tcp/127.0.0.2/$PORT" || return 1
	printf 'POST /api/session HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' \
		${#body} "$body" >&8
	while read -r line <&8; do
		case $line in
		Set-Cookie:*)
			cookie=${line#*: }
			cookie=${cookie%%;*}
			;;
		esac
	done
	exec 8>&-
	[ -n "$cookie" ] && say "$cookie"
}

# ---- what is measured -----------------------------------------------------

measure_ceilings() {
	local n
	for n in 1 8 16 32; do
		ledger_alone "$n"
	done
	redis_alone 1
	redis_alone 8
	load hello1 --connections=1 --path=/hello get "$BASE_URL"
	load hello128 --connections=128 --path=/hello get "$BASE_URL"
	load static128 --connections=128 --path=/money.js get "$BASE_URL"
}

measure_service() {
	local n before
	for n in 1 8 32 128; do
		cpu_before
		before=$debits
		load "pairs$n" --connections="$n" pairs "$BASE_URL"
		cpu_after "pairs$n" $((debits - before))
	done
	measure_many
	load replays32 --connections=32 replays "$BASE_URL"
	load replays128 --connections=128 replays "$BASE_URL"
	load storm100 --connections=100 storm "$BASE_URL"
	load hot32 --connections=32 hot "$BASE_URL"
	load mix32 --connections=32 mix "$BASE_URL"
	load flood --connections=32 --turn=$FLOOD_TURN --seconds=$FLOOD_SPAN \
		flood "$site_url"
	[ "$(figure flood.refused)" -gt 0 ] || die "the flood was not refused"
	load flood_open --connections=32 flood "$BASE_URL"
	load header$SIGNED_IN --connections=$SIGNED_IN --users=$SIGNED_IN \
		pairs "$BASE_URL"
	load session$SIGNED_IN --connections=$SIGNED_IN \
		--cookies="$run_dir/cookies" pairs "$session_url"
}

# And, in the midst of it, the memory that the service has.
measure_many() {
	local pss
	(
		read -rt "$(awk -v s="$SPAN" -v w="$WARMUP" \
			'BEGIN { print w + s / 2 }')" _ < <(sleep 60)
		pss_of withdrawd >"$run_dir/pss"
	) &
	load pairs512 --connections=512 pairs "$BASE_URL"
	wait $!
	pss=$(<"$run_dir/pss")
	note pairs512.pss_kib "$pss"
}

measure_peers() {
	local peer url n
	for peer in $peers; do
		url=url_$peer
		for n in 32 128; do
			load "$peer.pairs$n" --connections="$n" pairs "${!url}"
		done
		load "$peer.replays128" --connections=128 replays "${!url}"
		load "$peer.storm100" --connections=100 storm "${!url}"
	done
}

note_ratios() {
	local n best=0 peer
	for n in 1 8 16 32; do
		best=$(awk -v a="$best" -v b="$(figure "pgbench$n.per_second")" \
			'BEGIN { print (a > b) ? a : b }')
	done
	note pgbench.best "$best"
	note_ratio pairs.of_ledger pairs128.per_second pgbench.best
	note_ratio replays.of_hello replays128.per_second hello128.per_second
	note_ratio p99.of_ledger pairs8.withdraw_p99 pgbench8.p99
	note_ratio flood.p99 flood.flooded_p99 flood.alone_p99
	note_ratio flood_open.p99 flood_open.flooded_p99 flood_open.alone_p99
	note_ratio session.of_header session$SIGNED_IN.per_second \
		header$SIGNED_IN.per_second
	for peer in $peers; do
		for n in 32 128; do
			note_ratio "pairs$n.of_$peer" "pairs$n.per_second" \
				"$peer.pairs$n.per_second"
		done
	done
	note lone.parts "$(awk -v pg="$(figure pgbench1.p50)" \
		-v admit="$(figure redis1.admit_p50)" \
		-v settle="$(figure redis1.settle_p50)" \
		-v hello="$(figure hello1.get_p50)" \
		'BEGIN { print pg + admit + settle + 2 * hello }')"
	note_ratio lone.of_parts pairs1.pair_p50 lone.parts
	note pss.mib "$(awk -v k="$(figure pairs512.pss_kib)" \
		'BEGIN { printf "%.1f", k / 1024 }')"
}

# ---- the tables -----------------------------------------------------------

print_row() {	# TITLE NAME KIND
	printf '  %-34s %10.0f %9.0f %9.0f %9.0f %7.0f %%\n' "$1" \
		"$(median_of "$2.per_second")" "$(median_of "$2.$3_p50")" \
		"$(median_of "$2.$3_p99")" "$(median_of "$2.$3_p999")" \
		"$(median_of "$2.cpu_share" | awk '{ print 100 * $1 }')"
}

print_ceiling() {	# TITLE FIGURE [P50 P99]
	printf '  %-34s %10.0f' "$1" "$(median_of "$2")"
	[ $# -lt 4 ] || printf ' %9.0f %9.0f' "$(median_of "$3")" \
		"$(median_of "$4")"
	printf '\n'
}

print_service() {
	local n peer
	say "withdrawals over HTTP: $ACCOUNTS_SERVICE accounts, $(nproc) cores;" \
		"medians of $ROUNDS_SERVICE rounds, $SPAN s each; times in us;" \
		"\"driver\" is the CPU of the load driver, of one core"
	printf '  %-34s %10s %9s %9s %9s %9s\n' "" "per s" p50 p99 p99.9 driver
	say " what the parts can do alone"
	for n in 1 8 16 32; do
		print_ceiling "ledger, pgbench, $n clients" \
			"pgbench$n.per_second" "pgbench$n.p50" "pgbench$n.p99"
	done
	for n in 1 8; do
		print_ceiling "redis, 3 scripts, $n connections" \
			"redis$n.per_second" "redis$n.all_p50" "redis$n.all_p99"
	done
	print_row "nginx, a file, 128 connections" static128 get
	print_row "FastCGI hello, 1 connection" hello1 get
	print_row "FastCGI hello, 128 connections" hello128 get
	say " the service: a token and a withdrawal; time of the withdrawal"
	for n in 1 8 32 128 512; do
		print_row "withdrawals, $n connections" "pairs$n" withdraw
	done
	print_row "replays, 32 connections" replays32 replay
	print_row "replays, 128 connections" replays128 replay
	print_row "storms of 100 clients, one order" storm100 round
	print_row "one account, 32 connections" hot32 withdraw
	print_row "mixed with reads, 32 connections" mix32 withdraw
	print_row "$SIGNED_IN users, by a header" header$SIGNED_IN withdraw
	print_row "$SIGNED_IN users, by a session" session$SIGNED_IN withdraw
	for peer in $peers; do
		say " $peer"
		for n in 32 128; do
			print_row "withdrawals, $n connections" \
				"$peer.pairs$n" withdraw
		done
		print_row "replays, 128 connections" "$peer.replays128" replay
		print_row "storms of 100 clients, one order" \
			"$peer.storm100" round
	done
	print_floods
	print_cpu
}

print_floods() {
	say " another user's withdrawal, without and with a flood of one user's"
	printf '  %-34s %9s %9s   %9s %9s %9s\n' "" p50 p99 p50 p99 "flood/s"
	print_flood "with a site's limits" flood "$FLOOD_SPAN"
	print_flood "without limits" flood_open "$SPAN"
}

print_flood() {	# TITLE NAME SPAN
	printf '  %-34s %9.0f %9.0f   %9.0f %9.0f %9.0f\n' "$1" \
		"$(median_of "$2.alone_p50")" "$(median_of "$2.alone_p99")" \
		"$(median_of "$2.flooded_p50")" \
		"$(median_of "$2.flooded_p99")" \
		"$(median_of "$2.flood_sent" | awk -v s="$3" '{ print 2 * $1 / s }')"
}

print_cpu() {
	local n server
	say " us of CPU for a withdrawal, with its token"
	printf '  %-24s' ""
	printf ' %10s' "${servers_measured[@]}" all
	printf '\n'
	for n in 1 8 32 128; do
		printf '  %-24s' "$n connections"
		for server in "${servers_measured[@]}"; do
			printf ' %10.0f' "$(median_of "pairs$n.cpu_$server")"
		done
		printf ' %10.0f\n' "$(median_of "pairs$n.cpu")"
	done
}

# ---- the targets ----------------------------------------------------------

target() {	# TITLE FIGURE at-least|at-most LIMIT
	local value
	value=$(median_of "$2")
	if [ -z "$value" ]; then
		printf '  %-52s %8s   %s %s\n' "$1" - "${3/-/ }" "$4"
		return
	fi
	printf '  %-52s %8.2f   %s %s: %s\n' "$1" "$value" "${3/-/ }" "$4" \
		"$(awk -v v="$value" -v l="$4" -v how="$3" 'BEGIN {
			print (how == "at-least" ? v >= l : v <= l) ? "yes" : "no" }')"
}

print_targets() {
	say " targets"
	target "withdrawals/s at 128 / best of pgbench" \
		pairs.of_ledger at-least 0.60
	target "withdrawals/s / Node's, at 32" pairs32.of_node at-least 2
	target "withdrawals/s / Node's, at 128" pairs128.of_node at-least 2
	target "withdrawals/s / PHP's, at 32" pairs32.of_php at-least 3
	target "withdrawals/s / PHP's, at 128" pairs128.of_php at-least 3
	target "replays/s / FastCGI hello, at 128" \
		replays.of_hello at-least 0.60
	target "p99 at 8 connections / pgbench's, 8 clients" \
		p99.of_ledger at-most 4
	target "another user's p99 during a flood / without" \
		flood.p99 at-most 2
	target "a lone withdrawal's p50 / the sum of its parts" \
		lone.of_parts at-most 1.3
	target "memory of the service with 512 connections, MiB" \
		pss.mib at-most 16
	say "  (sessions cost: withdrawals/s of $SIGNED_IN users by session /" \
		"by a header: $(median_of session.of_header))"
}
