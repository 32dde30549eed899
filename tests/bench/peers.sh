#!/bin/bash
# peers.sh: what the benchmark compares withdrawd with: the same withdrawals
# by PHP (FPM) and by Node, each behind an nginx of its own, on the Postgres
# and the Redis that tests/servers.sh has started in RUN_DIR.
#
# As there, all runs as user postgres if the caller is root, each server in a
# session of its own, with its files in RUN_DIR/peers/PEER.
set -eu
umask 022

usage() {
	cat <<-'HELP'
	usage: tests/bench/peers.sh COMMAND [PEER] [PROCESSES]

	commands:
	  start PEER [PROCESSES]
	         start it in the background, see that it keeps the promise
	         (check), print its URL
	  check PEER   tests/bench/peers/check.sh against one that runs
	  stop [PEER]  stop it, or both; fine when nothing runs
	  status       one line a peer; exit 1 if none of them runs
	peers:
	  php    FPM; PROCESSES children (16)
	  node   fastify; PROCESSES workers (1)

	Who is calling is what the client says in the header X-Bench-User.

	environment:
	  RUN_DIR=.run      where servers.sh has put "env"
	  PG_POOL=8         Postgres connections of each worker of Node
	  PHP_KEEPALIVE     idle FastCGI connections that each worker of nginx
	                    keeps; the children must be more than all of them
	                    (as many as they can be: 7 with 16 children and two
	                    workers)
	  PHP_JIT=off       opcache.jit
	  REDIS_AUTO_PIPELINING=1
	                    0: Node's commands to Redis go out one by one
	  RATE=1000000r/s, BURST=1000000
	                    nginx' limit for one user
	  CHECK=1           0: start does not check
	  WITHDRAW_*        timeouts, named as withdrawd's

	exit codes: 0 done, 1 not running or a promise was broken, 2 could not
	HELP
}

root=$(cd "$(dirname "$0")/../.." && pwd -P)
deps=bench
# shellcheck source=tests/shell.sh
. "$root/tests/shell.sh"
peers=$root/tests/bench/peers
PATH=$PATH:/usr/sbin:/sbin
RUN_DIR=$(realpath -ms "${RUN_DIR:-$root/.run}")
start_s=30
stop_s=20

ulimit -Sn "$(ulimit -Hn)"

# ---- processes ------------------------------------------------------------
# Each server is the leader of a session, and what it starts stays in there.
# A number may be given to another process later: its birth tells.

birth() {	# PID
	local line
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
	read -ra fields <<<"${line##*) }"
	say "$(</proc/sys/kernel/random/boot_id) ${fields[19]}"
}

launch() {	# NAME COMMAND...
	local name=$1 log=$dir/$1.log
	shift
	(cd "$dir" && exec "${as_user[@]}" env --default-signal=INT,QUIT \
		HOME="$dir" setsid "$@") </dev/null >>"$log" 2>&1 9>&- &
	disown
	say "$! $(birth $!)" >"$dir/$name.pid"
	started="$name $started"
}

# Those of the session that have not ended.
processes() {	# NAME
	local pid born now
	{ read -r pid born <"$dir/$1.pid"; } 2>/dev/null || return 0
	now=$(birth "$pid") || now=$born
	[ "$now" = "$born" ] || return 0
	ps -eo pid=,sid=,stat= | awk -v sid="$pid" '$2 == sid && $3 !~ /^Z/ { print $1 }'
}

alive() {	# NAME
	local pid born
	{ read -r pid born <"$dir/$1.pid"; } 2>/dev/null &&
		processes "$1" | grep -qx "$pid"
}

gone() {	# NAME
	[ -z "$(processes "$1")" ]
}

stop_server() {	# NAME: gracefully, if its leader is there to do so
	local name=$1 signal=TERM pid rest
	# shellcheck disable=SC2046 # one argument a pid, here and below
	if alive "$name"; then
		[ "$name" = app ] && [ "$(<"$dir/peer")" = node ] || signal=QUIT
		read -r pid rest <"$dir/$name.pid"
		send "$signal" "$pid"
	else
		send TERM $(processes "$name")
	fi
	if ! wait_until $stop_s gone "$name"; then
		say "$name does not stop, killing it" >&2
		# shellcheck disable=SC2046
		send KILL $(processes "$name")
		wait_until $stop_s gone "$name" || die "cannot kill $name"
	fi
	rm -f "$dir/$name.pid"
}

await() {	# NAME CONDITION...
	local name=$1 end=$((SECONDS + start_s))
	shift
	until "$@"; do
		if ! alive "$name" || [ "$SECONDS" -ge "$end" ]; then
			say "peers.sh: $name is not well. The ends of its logs:" >&2
			tail -n 15 "$dir"/*.log >&2
			exit 2
		fi
		pause 0.05
	done
}

# ---- what they need -------------------------------------------------------

own() {	# PATH...
	if [ "$(id -u)" = 0 ]; then
		chown -R "$service_user:" "$@"
	fi
}

# The texts of withdrawd's own scripts, out of their C strings.
script_text() {	# FILE
	sed -n '/\.text =/,/};/s/^\t\(    \.text = \)\{0,1\}"\(.*\)\\n"[^"]*$/\2/p' "$1"
}

make_scripts() {
	local name
	for name in admit settle; do
		script_text "$root/fcgi/pipeline/$name.c" >"$dir/$name.lua"
		[[ $(<"$dir/$name.lua") == "local "*"return {n"* ]] ||
			die "the script in fcgi/pipeline/$name.c is not where it was"
	done
}

start_php() {	# PROCESSES
	local children=${1:-16} name keepalive workers
	need php-fpm8.2
	workers=$(nproc)	# of nginx
	keepalive=$(((children - 1) / workers))
	keepalive=${PHP_KEEPALIVE:-$((keepalive > 0 ? keepalive : 1))}
	# a kept connection pins its child, also while it is idle
	[ $((keepalive * workers)) -lt "$children" ] ||
		die "$children children are too few for $workers times $keepalive" \
			"kept connections"
	cp "$peers"/php/*.php "$peers/problems.json" "$dir/app/"
	{
		say "<?php return ["
		for name in admit settle; do
			say "'$name' => ['$(sha1sum <"$dir/$name.lua" | cut -c -40)',"
			say "<<<'LUA'"
			cat "$dir/$name.lua"
			say "LUA],"
		done
		say "];"
	} >"$dir/app/scripts.php"
	sed -e "s|@JIT@|${PHP_JIT:-off}|" -e "s|@DIR@|$dir|" "$peers/php/php.ini.in" \
		>"$dir/php.ini"
	sed -e "s|@SOCKET@|$socket|" -e "s|@CHILDREN@|$children|" \
		-e "s|@DIR@|$dir|" "$peers/php/fpm.conf.in" >"$dir/fpm.conf"
	render "$keepalive"
	launch app "${app_env[@]}" php-fpm8.2 -F -c "$dir/php.ini" \
		-y "$dir/fpm.conf"
}

start_node() {	# PROCESSES
	need node
	[ "$(node -p 'parseInt(process.versions.node)')" -ge 20 ] ||
		die "the Node peer needs Node 20 or newer, and this is" \
			"$(node --version)"
	[ -e "$peers/node/node_modules/.package-lock.json" ] ||
		die "Node's packages are missing: run tests/deps.sh bench"
	cp -r "$peers"/node/{package.json,node_modules,*.mjs} "$dir/app/"
	cp "$peers/problems.json" "$dir/app/"
	render 64
	launch app "${app_env[@]}" NODE_ENV=production \
		WEB_CONCURRENCY="${1:-1}" PG_POOL="${PG_POOL:-8}" \
		PEER_SOCKET="$socket" PEER_SCRIPTS="$dir" \
		PEER_PROBLEMS="$dir/app/problems.json" node "$dir/app/server.mjs"
}

port_taken() {	# PORT
	(: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

pick_port() {
	port=$((10000 + RANDOM % 20000))
	while port_taken "$port"; do
		port=$((10000 + RANDOM % 20000))
	done
}

render() {	# KEPT CONNECTIONS: nginx' configuration
	cp -r "$root/nginx/snippets" "$dir/snippets"
	sed -e "s|@SOCKET@|$socket|" -e "s|@PORT@|$port|" \
		-e "s|@KEEPALIVE@|$1|" "$peers/nginx.conf.in" >"$dir/nginx.conf"
	sed -e "s|@APP@|$dir/app|" "$peers/$peer/nginx.conf" >"$dir/peer.conf"
}

answers() {	# and not nginx in its place
	[ "$(curl -s -o /dev/null -w '%{http_code}' -H 'X-Bench-User: 1' \
		"http://127.0.0.1:$port/api/")" = 404 ]
}

# ---- the commands ---------------------------------------------------------

undo() {
	local status=$? name
	trap '' INT TERM HUP
	for name in $started; do
		stop_server "$name"
	done
	exit "$status"
}

cmd_start() {	# PROCESSES
	need nginx curl setsid setpriv ps
	[ -e "$RUN_DIR/env" ] ||
		die "there is no $RUN_DIR/env: run tests/servers.sh start"
	[ -z "${1:-}" ] || [[ $1 =~ ^[1-9][0-9]{0,2}$ ]] ||
		die "\"$1\" is no number of processes"
	set -a
	# shellcheck disable=SC1091
	. "$RUN_DIR/env"
	set +a
	stop_peer
	rm -rf "$dir"
	mkdir -p "$dir/temp" "$dir/app"
	say "$peer" >"$dir/peer"
	: >"$dir/nginx-access.log"
	# its own address must be short
	socket=${WITHDRAW_SOCKET%/*}/$peer.sock
	rm -f "$socket"
	app_env=(env PGUSER=withdraw_service)
	pick_port
	started=""
	trap undo EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	make_scripts
	own "$dir"
	"start_$peer" "${1:-}"
	await app test -S "$socket"
	launch nginx nginx -e stderr -p "$dir/" -c "$dir/nginx.conf"
	await nginx answers
	say "http://127.0.0.1:$port" >"$dir/url"
	if [ "${CHECK:-1}" != 0 ]; then
		cmd_check
	fi
	trap - EXIT
	cat "$dir/url"
}

cmd_check() {
	alive nginx || die "$peer does not run"
	RUN_DIR=$RUN_DIR "$peers/check.sh" "$(<"$dir/url")" "$dir/app.pid" >&2 ||
		{ say "peers.sh: $peer does not keep the promise" >&2; exit 1; }
}

stop_peer() {
	local name
	[ -d "$dir" ] || return 0
	for name in nginx app; do
		stop_server "$name"
	done
	rm -f "$dir/url"
}

cmd_status() {
	local status=1
	for peer in php node; do
		dir=$run/peers/$peer
		if alive nginx && alive app; then
			say "$peer running at $(cat "$dir/url")"
			status=0
		else
			say "$peer not running"
		fi
	done
	return $status
}

run=$(realpath -m "$RUN_DIR")
command=${1:-}
peer=${2:-}
dir=$run/peers/$peer
case "$command $peer" in
"start php" | "start node") cmd_start "${3:-}" ;;
"check php" | "check node") cmd_check ;;
"stop php" | "stop node") stop_peer ;;
"stop ")
	for peer in php node; do
		dir=$run/peers/$peer
		stop_peer
	done
	;;
"status ") cmd_status ;;
"--help " | "-h " | "help ") usage ;;
*)
	usage >&2
	exit 2
	;;
esac
