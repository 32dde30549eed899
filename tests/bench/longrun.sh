# longrun.sh: many requests through one worker, for tests/bench.sh.
#
# Memory or descriptors that a request leaves behind are too few to be seen
# after one, and many after a million. The requests come in slices; after each,
# with nobody asking, the worker is looked at. What it has after the first
# slices, the warm-up, is all that it may have in the end.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2153,SC2154 # from bench.sh and stack.sh

# shellcheck source=/dev/null
. tests/bench/service.sh

GROWTH_KIB=1024	# of resident memory, less than that

bench_longrun() {
	local slice=$((REQUESTS / 20)) worker tries=0
	ACCOUNTS_SERVICE=100
	SIGNED_IN=32
	export WITHDRAW_WORKERS=1 WITHDRAW_MAX_REQUESTS=0
	# it is about what is left behind: no moment in which the machine
	# stands still is to be an outage
	export WITHDRAW_REDIS_TIMEOUT_MS=20000 WITHDRAW_TOKEN_TTL_MS=60000
	export WITHDRAW_LEDGER_TIMEOUT_MS=20000 WITHDRAW_LOCK_TTL_MS=30000
	export WITHDRAW_READ_TIMEOUT_MS=200000 WITHDRAW_PAGE_TIMEOUT_MS=300000
	start_stack open_accounts
	sign_in
	withdrawn_before=$(withdrawn)
	worker=$(pids_of withdrawd | tail -n 1)
	printf '%10s %8s %12s %8s %8s\n' requests a\ second 'memory, KiB' \
		own clients
	for ((round = 1; round <= 20; round++)); do
		run_slice "$slice"
		if [ "$(pids_of withdrawd | tail -n 1)" != "$worker" ]; then
			say "WRONG: worker $worker is not there any more"
			wrong=1
			break
		fi
		look_at "$worker"
		say_slice "$slice"
	done
	tell_no_more
	judge_worker "$worker"
	print_kinds
	check_sums
}

run_slice() {	# REQUESTS
	label="$(((round - 1) * $1)) of $REQUESTS requests"
	load people --connections="$SIGNED_IN" --cookies="$run_dir/cookies" \
		--requests="$1" people "$session_url"
}

# After the first two of twenty all that is made once has been made.
warm() {
	[ "$round" -ge 2 ]
}

# Its descriptors, which are nginx' connections, and which its own?
look_at() {	# PID
	local fd target clients=0 all=0
	local -A connected=()
	# connections that were accepted bear the name of the listener's socket
	while read -r target; do
		connected["socket:[$target]"]=1
	done < <(awk -v path="$WITHDRAW_SOCKET" \
		'$8 == path && $6 == "03" { print $7 }' /proc/net/unix)
	for fd in "/proc/$1/fd/"*; do
		target=$(readlink "$fd") || continue
		all=$((all + 1))
		clients=$((clients + ${connected["$target"]:-0}))
	done
	note memory "$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' \
		"/proc/$1/status")"
	note own $((all - clients))
	note clients "$clients"
}

say_slice() {	# REQUESTS
	tell_no_more
	printf '%10d %8.0f %12d %8d %8d%s\n' $((round * $1)) \
		"$(awk -v n="$1" -v s="$(figure people.seconds)" \
			'BEGIN { print n / s }')" \
		"$(figure memory)" "$(figure own)" "$(figure clients)" \
		"$(warm || say '  (warm-up)')"
}

# Of the slices after the warm-up: least and most.
extremes() {	# NAME
	awk -v name="$1" '$1 >= 2 && $2 == name {
			if (!n++ || $3 < least) least = $3
			if (n == 1) first = $3
			if ($3 > most) most = $3
		} END { print first + 0, least + 0, most + 0 }' \
		"$run_dir/figures"
}

judge_worker() {	# PID
	local first least most
	read -r first least most < <(extremes memory)
	say " resident memory: $first KiB after the warm-up, at most $most" \
		"since: $((most - first)) KiB more"
	if [ $((most - first)) -ge $GROWTH_KIB ]; then
		say "WRONG: it grew by $GROWTH_KIB KiB or more"
		wrong=1
	fi
	read -r first least most < <(extremes own)
	say " descriptors of its own: $least to $most"
	if [ "$least" != "$most" ]; then
		say "WRONG: they are not always as many"
		wrong=1
	fi
	# whoever asks has gone: so do their connections
	tests/servers.sh stop nginx
	round=$((round > 20 ? 20 : round))
	until look_at "$1" && [ "$(figure clients)" = 0 ]; do
		[ $((tries += 1)) -lt 200 ] || break
		read -rt 0.05 <> <(:)
	done
	say " descriptors of clients, when nginx has stopped: $(figure clients)"
	if [ "$(figure clients)" != 0 ]; then
		say "WRONG: connections are left"
		wrong=1
	fi
}

print_kinds() {
	local kind
	for kind in token withdraw replay history account session show void \
		declined mismatch tokenless malformed unknown; do
		awk -v name="people.${kind}_n" -v kind="$kind" '$2 == name {
			n += $3 } END { printf " %-10s %10d\n", kind, n }' \
			"$run_dir/figures"
	done
}
