# reconcile.sh: withdraw-reconcile, for tests/bench.sh.
#
# Three looks at the same ledger: the bare sum of the journal by user, which
# is what the server can do at least, with memory for it; a full run; and an
# incremental one after a hundredth more was withdrawn, by the function that
# the service calls. The ledger therefore grows a little with each round.
# shellcheck shell=bash
# shellcheck disable=SC2153,SC2154 # from bench.sh

# shellcheck source=/dev/null
. tests/bench/fill.sh

bench_reconcile() {
	local round
	length=$((ENTRIES / ACCOUNTS))
	[ $length -ge 3 ] || die "less than 3 entries an account"
	start_servers postgres
	fill_ledger
	: >"$run_dir/rounds"
	for ((round = 1; round <= ROUNDS; round++)); do
		tell "round $round of $ROUNDS: bare sum"
		bare_sum
		tell "round $round of $ROUNDS: full run"
		reconcile full
		tell "round $round of $ROUNDS: new withdrawals"
		withdraw_more
		tell "round $round of $ROUNDS: incremental run"
		reconcile incremental --incremental
	done
	tell_no_more
	print_reconcile
}

# ---- the ledger -----------------------------------------------------------

# A hundredth of the journal, of random users, each once.
withdraw_more() {
	sql -c "SELECT count(*) FROM (SELECT user_id FROM account
			ORDER BY random() LIMIT $ENTRIES / 100) u,
		LATERAL withdraw_execute(u.user_id, gen_random_uuid(), 0.01,
			'CNY', NULL, NULL)" >/dev/null ||
		die "could not withdraw more"
}

# ---- the three looks ------------------------------------------------------

# One line a look: which, entries, seconds, KiB.
note() {
	say "$@" >>"$run_dir/rounds"
}

# count(total): a sum that nobody wants to see would not be computed.
bare_sum() {
	local answer
	answer=$(sql -c "SET work_mem = '1GB'" -c '\timing on' -c "
		SELECT count(total), sum(n) FROM (SELECT sum(delta) AS total,
			count(*) AS n FROM ledger_entry GROUP BY user_id) s") ||
		die "could not sum the journal"
	note "$(awk -F'[|: ]+' '/\|/ { n = $2 }
		/^Time/ { print "bare", n, $2 / 1000, 0 }' <<<"$answer")"
}

reconcile() {	# NAME OPTION...
	local name=$1 wall kib entries
	shift
	# the ledger alone: there is no Redis here to look at
	WITHDRAW_GUARDS=none PGUSER=withdraw_reconcile "$BUILD/measure" "$run_dir/took" \
		"$BUILD/withdraw-reconcile" --json "$@" \
		>"$run_dir/$name.json" ||
		die "withdraw-reconcile ended with status $?:" \
			"$(cat "$run_dir/$name.json")"
	grep -q "\"mode\": \"$name\"" "$run_dir/$name.json" ||
		die "withdraw-reconcile was not $name"
	read -r wall _ kib <"$run_dir/took"
	entries=$(sed -n 's/^ *"entries": \([0-9]*\).*/\1/p' \
		"$run_dir/$name.json")
	note "$name $entries $wall $kib"
}

# ---- the table ------------------------------------------------------------

median_of() {	# NAME COLUMN
	awk -v name="$1" -v column="$2" '$1 == name { print $column }' \
		"$run_dir/rounds" | median
}

print_row() {	# NAME TITLE
	awk -v title="$2" -v n="$(median_of "$1" 2)" -v s="$(median_of "$1" 3)" \
		-v kib="$(median_of "$1" 4)" 'BEGIN {
		printf "  %-28s %10d %9.2f s %11d %9s\n", title, n, s, n / s,
			(kib > 0) ? sprintf("%.1f MiB", kib / 1024) : "-" }'
}

print_reconcile() {
	local ratio
	ratio=$(awk '$1 == "bare" { s = $3 } $1 == "full" { print $3 / s }' \
		"$run_dir/rounds" | median)
	say "withdraw-reconcile: $ACCOUNTS accounts," \
		"$((ACCOUNTS * length)) entries to begin with"
	say "$(nproc) cores; medians of $ROUNDS rounds; no run found anything"
	printf '  %-28s %10s %11s %11s %9s\n' "" entries time "entries/s" \
		"memory"
	print_row bare "bare sum, by the server"
	print_row full "full run"
	print_row incremental "incremental run"
	awk -v r="$ratio" 'BEGIN {
		printf "  full / bare: %.2f (the aim: below 4)\n", r }'
}
