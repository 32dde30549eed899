# stack.sh: what the sections service and growth of tests/bench.sh share: the
# whole stack, the programs that measure it, and the figures.
#
# A figure is a line of $run_dir/figures: round, name, value. Ratios are taken
# within a round; what is told is the median of the rounds.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2153,SC2154 # from bench.sh, for the sections

# 2,000 connections are more than the usual soft limit
ulimit -Sn "$(ulimit -Hn)"

# ---- the stack ------------------------------------------------------------

# Postgres first: accounts 1 and up are made before anybody else is there.
start_stack() {	# HOW THE ACCOUNTS ARE MADE...
	export NGINX_CONF=$PWD/tests/bench/nginx.conf.in
	start_servers postgres
	"$@"
	tell "starting the service"
	PORT=0 tests/servers.sh start redis withdrawd nginx \
		>"$run_dir/start.log" || die "could not start the service"
	set -a
	# shellcheck disable=SC1091
	. "$run_dir/env"
	set +a
	site_url=http://127.0.0.3:$PORT		# with a site's limits
	session_url=http://127.0.0.2:$PORT	# with our own sign-in
	start_hello
	: >"$run_dir/figures"
	debits=0	# that the driver counted
	ledger_calls=0	# that pgbench counted
}

# As the servers' user: nginx runs as it, and has to reach the socket.
start_hello() {
	local user
	user=$(stat -c %U "$run_dir/data")
	cp "$BUILD/hello" "$run_dir/app/bin/hello"
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid="$user" --regid="$user" --init-groups \
			"$run_dir/app/bin/hello" "$WITHDRAW_SOCKET.hello" \
			"$(nproc)" &
	else
		"$run_dir/app/bin/hello" "$WITHDRAW_SOCKET.hello" "$(nproc)" &
	fi
	own=$!
	disown
	until [ -S "$WITHDRAW_SOCKET.hello" ]; do
		kill -0 "$own" 2>/dev/null || die "hello ended while starting"
		read -rt 0.05 <> <(:)
	done
}

# A peer's URL goes to url_NAME; without it, it is left out. They may withdraw
# something to see that they are well, so that counting begins here.
start_peers() {
	local peer
	peers=""
	[ -x tests/bench/peers.sh ] || PEERS=""
	for peer in $PEERS; do
		tell "starting $peer"
		if CHECK=$((!QUICK)) tests/bench/peers.sh start "$peer" >"$run_dir/$peer.url" \
			2>"$run_dir/$peer.err"; then
			peers="$peers $peer"
			printf -v "url_$peer" '%s' "$(tail -n 1 "$run_dir/$peer.url")"
		else
			say "left out: $peer, which does not start:" \
				"$(tail -n 2 "$run_dir/$peer.err")" >&2
		fi
	done
	withdrawn_before=$(withdrawn)
}

# All that was ever withdrawn, in cents.
withdrawn() {
	sql -c "SELECT coalesce(-sum(delta) * 100, 0)::bigint FROM ledger_entry
		WHERE kind = 'withdraw'"
}

# The ledger against what the drivers counted, and against itself: 1 cent each
# time by HTTP, 2 by pgbench.
check_sums() {
	local ledger counted well=1
	tell "checking the sums"
	ledger=$(($(withdrawn) - withdrawn_before))
	counted=$((debits + 2 * ledger_calls))
	if [ "$ledger" != "$counted" ]; then
		say "WRONG: the ledger has withdrawn $ledger cents," \
			"the clients counted $counted"
		well=0
	fi
	if ! WITHDRAW_GUARDS=none PGUSER=withdraw_reconcile \
		"$BUILD/withdraw-reconcile" >"$run_dir/reconcile.txt" 2>&1; then
		say "WRONG: withdraw-reconcile says:" \
			"$(tail -n 3 "$run_dir/reconcile.txt")"
		well=0
	fi
	tell_no_more
	if [ $well = 0 ]; then
		wrong=1
		return
	fi
	say " sums: $((debits + ledger_calls)) withdrawals were counted, and" \
		"the ledger has just these; withdraw-reconcile found nothing"
}

# ---- figures --------------------------------------------------------------

note() {	# NAME VALUE
	say "$round $1 $2" >>"$run_dir/figures"
}

# The last one of this round.
figure() {	# NAME
	awk -v r="$round" -v name="$1" '$1 == r && $2 == name { v = $3 }
		END { print v }' "$run_dir/figures"
}

note_ratio() {	# NAME ABOVE BELOW: of figures of this round
	local above below
	above=$(figure "$2")
	below=$(figure "$3")
	[ -n "$above" ] && [ -n "$below" ] || return 0
	note "$1" "$(awk -v a="$above" -v b="$below" 'BEGIN {
		print (b > 0) ? a / b : 0 }')"
}

median_of() {	# NAME: "" if there is none
	awk -v name="$1" '$2 == name { print $3 }' "$run_dir/figures" | median
}

# Every figure, appended to the file of --json.
write_json() {	# SECTION
	[ -n "$json" ] || return 0
	sort -s -k2,2 "$run_dir/figures" | awk -v section="$1" '
	function put(  i, j, v, list) {
		for (i = 1; i <= n; i++) {
			list = list (i > 1 ? ", " : "") value[i]
			for (j = i; j > 1 && value[j] < value[j - 1]; j--) {
				v = value[j]; value[j] = value[j - 1]; value[j - 1] = v
			}
		}
		printf "%s{\"section\": \"%s\", \"name\": \"%s\", \"median\": %s, \"rounds\": [%s]}\n",
			"", section, name, value[int((n + 1) / 2)], list
	}
	$2 != name { if (n) put(); name = $2; n = 0 }
	{ value[++n] = $3 + 0 }
	END { if (n) put() }' >>"$json"
}

# ---- what measures --------------------------------------------------------

# Each figure of the driver becomes NAME.FIGURE. A bad answer of the service is
# no speed: the run ends with 1.
load() {	# NAME OPTION... MODE URL
	local name=$1 status key value
	shift
	tell "${label:-}: $name"
	"$BUILD/load" --json --first-user=1 --users="$ACCOUNTS_SERVICE" \
		--seconds="$SPAN" --warmup="$WARMUP" "$@" \
		>"$run_dir/load.json" 2>"$run_dir/load.err"
	status=$?
	[ "$status" != 2 ] || die "load $*: $(cat "$run_dir/load.err")"
	if [ "$status" != 0 ]; then
		tell_no_more
		say "BAD ANSWERS: $name" >&2
		cat "$run_dir/load.err" >&2
		case $name in	# theirs, not ours
		php.* | node.*) ;;
		*) wrong=1 ;;
		esac
	fi
	while read -r key value; do
		note "$name.$key" "$value"
		if [ "$key" = debits ]; then
			debits=$((debits + value))
		fi
	done < <(sed -n 's/^ *"\([a-z0-9_]*\)": \([0-9.]*\),\{0,1\}$/\1 \2/p' \
		"$run_dir/load.json")
}

# The ledger's function alone, by pgbench, as the service's role. The log has a
# line for each call, the third of it microseconds.
ledger_alone() {	# CLIENTS
	local name=pgbench$1 rate n
	tell "${label:-}: $name"
	rm -f "$run_dir"/pgbench_log.*
	PGUSER=withdraw_service pgbench -n -M prepared -c "$1" \
		-j $(($1 < 2 ? 1 : 2)) -T "$SPAN" -D users="$ACCOUNTS_SERVICE" \
		-l --log-prefix="$run_dir/pgbench_log" \
		-f tests/bench/withdraw.sql >"$run_dir/pgbench.txt" 2>&1 ||
		die "pgbench: $(tail -n 3 "$run_dir/pgbench.txt")"
	rate=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$run_dir/pgbench.txt")
	n=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' \
		"$run_dir/pgbench.txt")
	ledger_calls=$((ledger_calls + n))
	note "$name.per_second" "$rate"
	cut -d ' ' -f 3 "$run_dir"/pgbench_log.* | sort -n | awk -v n="$n" '
		NR == int((n + 1) / 2) { print "p50", $1 }
		NR == int(n * 0.99 + 0.99) { print "p99", $1 }' |
		while read -r key value; do
			note "$name.$key" "$value"
		done
}

# Redis alone, with the scripts of a withdrawal.
redis_alone() {	# CONNECTIONS
	local name=redis$1 key value
	tell "${label:-}: $name"
	"$BUILD/scripts" --connections="$1" --seconds="$SPAN" \
		"${WITHDRAW_SOCKET%/*}/redis.sock" >"$run_dir/scripts.json" ||
		die "could not run the scripts"
	while read -r key value; do
		note "$name.$key" "$value"
	done < <(sed -n 's/^ *"\([a-z0-9_]*\)": \([0-9.]*\),\{0,1\}$/\1 \2/p' \
		"$run_dir/scripts.json")
}

# ---- the processes --------------------------------------------------------

pids_of() {	# SERVER: the one that was started, and its children
	local pid
	read -r pid _ <"$run_dir/$1.pid"
	say "$pid"
	cat /proc/[0-9]*/stat 2>/dev/null | sed 's/(.*)/-/' |
		awk -v parent="$pid" '$4 == parent { print $1 }'
}

# Ticks of CPU, with those of children that are gone.
ticks_of() {	# SERVER
	local pid
	for pid in $(pids_of "$1"); do
		cat "/proc/$pid/stat" 2>/dev/null
	done | sed 's/(.*)/-/' |
		awk '{ n += $14 + $15 + $16 + $17 } END { print n + 0 }'
}

servers_measured=(nginx withdrawd redis postgres)

cpu_before() {
	local server
	for server in "${servers_measured[@]}"; do
		printf -v "ticks_$server" '%s' "$(ticks_of "$server")"
	done
}

# Microseconds of CPU for each of COUNT, as NAME.cpu_SERVER and NAME.cpu.
cpu_after() {	# NAME COUNT
	local server before each all=0 hz
	hz=$(getconf CLK_TCK)
	[ "$2" -gt 0 ] || return 0
	for server in "${servers_measured[@]}"; do
		before=ticks_$server
		each=$(awk -v t="$(($(ticks_of "$server") - ${!before}))" \
			-v hz="$hz" -v n="$2" 'BEGIN { printf "%.1f", t / hz * 1e6 / n }')
		note "$1.cpu_$server" "$each"
		all=$(awk -v a="$all" -v b="$each" 'BEGIN { print a + b }')
	done
	note "$1.cpu" "$all"
}

# KiB that are the processes' own, shared pages by share.
pss_of() {	# SERVER
	local pid
	for pid in $(pids_of "$1"); do
		cat "/proc/$pid/smaps_rollup" 2>/dev/null
	done | awk '/^Pss:/ { n += $2 } END { print n + 0 }'
}
