# shellcheck shell=bash disable=SC2154 # run.sh has the variables
# faults.sh: a function for each kind of fault. It returns 0 when the fault
# has happened, whatever came of it, and 1 when there was nothing to harm.
# Argument: a number, see schedule.sh. Uses run (the servers' folder), work
# (ours) and servers().

# Waiting without a child. There are many lanes on few cores: what they fork,
# the servers lack.
exec {nothing}<> <(:)
pause_ms() {
	local s
	printf -v s '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
	read -rt "$s" -u "$nothing" _ || true
}

pid_of() {	# SERVER
	cat "$run/$1.pid" 2>/dev/null
}

# Sets child to one of its processes, any: here, since a call in $( ) would not
# take the lane's RANDOM.
pick_child() {	# SERVER
	local parent all=()
	child=
	parent=$(pid_of "$1") && mapfile -t all < <(pgrep -P "$parent")
	[ "${#all[@]}" = 0 ] || child=${all[RANDOM % ${#all[@]}]}
}

# Signals a process of the servers: they are in sessions of their own.
hit() {	# SIGNAL PID
	[ -n "$2" ] && kill -s "$1" "$2" 2>/dev/null
}

freeze() {	# MS PID...
	local ms=$1
	shift
	[ $# -gt 0 ] && kill -s STOP "$@" 2>/dev/null || return 1
	pause_ms "$ms"
	kill -s CONT "$@" 2>/dev/null || true
}

# One at a time: withdrawd does not come up while there is no Postgres.
alone() {
	(
		flock 7
		"$@"
	) 7>>"$work/alone"
}

# Whoever took a server away brings it back; others may be at it just then, and
# withdrawd waits for Postgres.
revive() {	# SERVER
	for _ in {1..10}; do
		! "${servers[@]}" start "$1" 7>&- || return 0
		pause_ms 100
	done
	return 1
}

cli() {
	redis-cli -s "$run/sockets/redis.sock" "$@" >/dev/null 2>&1
}

sql() {
	PGHOST=$run/sockets PGPORT=5432 PGUSER=postgres PGDATABASE=withdraw \
		PGCONNECT_TIMEOUT=5 "$psql" -XAtq -c "$1" 2>/dev/null
}

# ---- withdrawd and nginx ----------------------------------------------------

fault_worker-kill() {
	pick_child withdrawd
	hit KILL "$child"
}
fault_worker-stop() {
	pick_child withdrawd
	freeze "$1" ${child:+"$child"}
}
fault_master-stop() { freeze "$1" "$(pid_of withdrawd)"; }
fault_withdrawd-hup() { hit HUP "$(pid_of withdrawd)"; }
fault_nginx-reload() { hit HUP "$(pid_of nginx)"; }
fault_nginx-kill() {
	pick_child nginx
	hit KILL "$child"
}

restart_withdrawd() {	# SETTING...
	"${servers[@]}" stop withdrawd 7>&- &&
		"${base[@]}" "$@" tests/servers.sh start withdrawd 7>&-
}

# Is it gone already, it comes back all the same.
master_kill() {
	local there=0
	hit KILL "$(pid_of withdrawd)" || there=1
	revive withdrawd && return $there
}
fault_master-kill() { alone master_kill; }

# For a while, since the last of them would be what the end is judged with.
for_a_while() {	# SETTING...
	if ! alone restart_withdrawd "$@"; then
		# it ends at once where it cannot reach what it needs
		alone revive withdrawd
		return 1
	fi
	pause_ms 1500
	alone restart_withdrawd || alone revive withdrawd
}

# A lease that ends while the ledger is still at work: it may be no shorter
# than the ledger's deadline, so that is as short.
fault_tiny-lease() {
	for_a_while WITHDRAW_LEDGER_TIMEOUT_MS="$1" \
		WITHDRAW_LOCK_TTL_MS=$(($1 + 1))
}

fault_tiny-token() { for_a_while WITHDRAW_TOKEN_TTL_MS="$1"; }

# ---- Redis ------------------------------------------------------------------

restart_redis() {	# MS that it is away [a dump to begin with]
	cli SAVE && cp "$run/redis/dump.rdb" "$work/dump.new"
	hit KILL "$(pid_of redis)" || {
		revive redis
		return 1
	}
	pause_ms "$1"
	shift
	rm -f "$run/redis/dump.rdb"
	if [ -n "${1:-}" ]; then
		cp "$1" "$run/redis/dump.rdb"
		chmod 644 "$run/redis/dump.rdb"
	fi
	revive redis
}

# What it has now is what redis-old restores later.
fault_redis-empty() {
	restart_redis 0 && mv "$work/dump.new" "$work/dump.old"
}

fault_redis-old() {
	[ -e "$work/dump.old" ] || { cli SAVE && pause_ms 500 &&
		cp "$run/redis/dump.rdb" "$work/dump.old"; } || return 1
	restart_redis 0 "$work/dump.old"
	mv "$work/dump.new" "$work/dump.old"
}

fault_redis-away() { restart_redis "$1"; }

fault_redis-flush() { cli FLUSHALL; }
fault_script-flush() { cli SCRIPT FLUSH; }
fault_redis-sleep() { cli DEBUG SLEEP "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"; }
fault_redis-stop() { freeze "$1" "$(pid_of redis)"; }

# Redis looks at it each time that it asks for the time: torture-clock.so.
set_clock() {	# SECONDS
	printf '%-15s\n' "$1" 1<>"$work/clock"
}

fault_clock-jump() {
	local before after
	before=$(redis-cli -s "$run/sockets/redis.sock" TIME | head -n 1)
	set_clock "$1"
	after=$(redis-cli -s "$run/sockets/redis.sock" TIME | head -n 1)
	[ -n "$before" ] && [ -n "$after" ] && [ "$before" != "$after" ]
}

# A lease far too short: no lock lives longer than a few milliseconds.
fault_locks-expire() {
	redis-cli -s "$run/sockets/redis.sock" -r $(($1 / 5)) -i 0.005 EVAL \
		"local n = 0
		for _, k in ipairs(redis.call('KEYS', 'withdraw:{*}:lock')) do
			n = n + redis.call('PEXPIRE', k, 1)
		end
		return n" 0 2>/dev/null | awk '{ n += $1 } END { exit n == 0 }'
}

# ---- Postgres ---------------------------------------------------------------

backends="FROM pg_stat_activity WHERE usename = 'withdraw_service'"

some() {	# of a query's count, at least one
	[[ $(sql "$1") == [1-9]* ]]
}

fault_pg-terminate() {
	some "SELECT count(pg_terminate_backend(pid)) $backends"
}

# A statement takes less than a millisecond: it is lain in wait for.
fault_pg-cancel() {
	sql "DO \$\$
		BEGIN
			FOR i IN 1..200 LOOP
				PERFORM pg_cancel_backend(pid) $backends
					AND state = 'active';
				IF FOUND THEN
					RETURN;
				END IF;
				PERFORM pg_stat_clear_snapshot(), pg_sleep(0.002);
			END LOOP;
			RAISE EXCEPTION 'there was none';
		END \$\$"
}

fault_backend-stop() {
	local pid
	pid=$(sql "SELECT pid $backends ORDER BY state = 'active' DESC,
		state_change DESC LIMIT 1")
	freeze "$1" ${pid:+"$pid"}
}

fault_pg-stop() {
	local pid
	pid=$(pid_of postgres)
	# shellcheck disable=SC2046 # a word each
	freeze "$1" ${pid:+"$pid" $(pgrep -P "$pid")}
}

pg_kill() {	# MS that it is away
	hit KILL "$(pid_of postgres)" || {
		revive postgres
		return 1
	}
	pause_ms "$1"
	revive postgres
}
fault_pg-kill() { alone pg_kill 0; }
fault_pg-away() { alone pg_kill "$1"; }

# ---- the links between withdrawd and the two --------------------------------

for link in pg redis; do
	for word in reset refuse stall cut swallow garbage; do
		eval "fault_$link-$word() { order_proxy $link $word \"\$1\"; }"
	done
done

# Sets struck.
count_struck() {	# LINK COMMAND
	local line lines
	mapfile -t lines <"$work/$1.did"
	struck=0
	for line in ${lines[@]+"${lines[@]}"}; do
		[ "$line" != "$2" ] || struck=$((struck + 1))
	done
}

# It says so each time that something has come of it, which is when there was
# something to harm.
order_proxy() {	# LINK COMMAND VALUE
	local before struck
	count_struck "$1" "$2"
	before=$struck
	printf '%s %s\n' "$2" "${3/-/0}" >"$work/$1.control"
	for _ in {1..20}; do
		count_struck "$1" "$2"
		[ "$struck" = "$before" ] || return 0
		pause_ms 50
	done
	return 1
}
