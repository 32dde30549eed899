#!/bin/bash
# servers.sh: private Postgres, Redis, withdrawd and nginx in one folder, for
# "make run" and for the tests. It never touches the system's own daemons.
#
# As root everything runs as user postgres (Postgres refuses to run as root),
# otherwise as the caller. Each server gets a session of its own: Ctrl-C in
# the terminal reaches this script alone, which then stops them in order, and
# what a killed server leaves behind is found by its session.
set -eu
umask 022

usage() {
	cat <<-'HELP'
	usage: tests/servers.sh COMMAND [SERVER...]

	commands:
	  run          start, stay in the foreground, stop all on Ctrl-C or TERM
	  start        start in the background, return when they answer
	  stop         stop, gracefully first; fine when nothing runs
	  status       one line a server; exit 1 if any of them is not running
	  check-nginx  nginx -t for run.conf.in, the benchmark's and the site;
	               starts nothing
	  site DIR IDENTITY LOGIN_PORT SOCKET
	               nginx as on a real site, in the foreground, with its files
	               in DIR, which has to be there; DIR/url says where it listens.
	               IDENTITY is session (as withdraw.conf comes) or auth-request
	servers: postgres redis withdrawd nginx reconcile (default: all)

	environment:
	  RUN_DIR=.run      data, logs, pid files, and "env" for clients
	  PORT=8080         of nginx on 127.0.0.1; 0 picks a free one
	  BUILD=build       where withdrawd and withdrawctl are
	  RATE=2000r/s      requests that one user may send
	  BURST=4000        and how many at once beyond that
	  RECONCILE_S=60    seconds between two checks of the ledger by
	                    withdraw-reconcile; 0: none
	  EXTRA_USERS=0     more sign-ins: user2001 ... (password = name)
	  NGINX_CONF=nginx/run.conf.in
	                    another configuration of nginx
	  WITHDRAW_*        handed on to withdrawd
	  WITHDRAWD_PGHOST, WITHDRAWD_REDIS_URL
	                    for withdrawd, instead of the servers' addresses
	  WITHDRAWD_UNDER   the words of a command that withdrawd is started by,
	                    such as valgrind

	exit codes: 0 done, 1 not (all) running, 2 could not do it
	HELP
}

root=$(cd "$(dirname "$0")/.." && pwd -P)
deps=
# shellcheck source=tests/shell.sh
. "$root/tests/shell.sh"
PATH=$PATH:/usr/sbin:/sbin
RUN_DIR=$(realpath -ms "${RUN_DIR:-$root/.run}")
BUILD=$(realpath -m "${BUILD:-$root/build}")
RATE=${RATE:-2000r/s}
BURST=${BURST:-4000}
EXTRA_USERS=${EXTRA_USERS:-0}
NGINX_CONF=${NGINX_CONF:-$root/nginx/run.conf.in}

RECONCILE_S=${RECONCILE_S:-60}

all="postgres redis withdrawd nginx"	# in the order of dependence
if [ "$RECONCILE_S" != 0 ]; then
	all="$all reconcile"
fi
read -r boot_id </proc/sys/kernel/random/boot_id
busy="another servers.sh is at work in $RUN_DIR"
start_s=30				# bounds of all waiting
stop_s=20

# How each is asked to stop: Postgres' INT is "fast", it ends the sessions
# of its clients; nginx' QUIT lets requests finish.
declare -A stop_signal=(
	[postgres]=INT [redis]=TERM [withdrawd]=TERM [nginx]=QUIT [reconcile]=TERM)

# The usual soft limit of 1024 is too few for some tests.
ulimit -Sn "$(ulimit -Hn)"

# Settings of the caller's own Postgres have no say here.
unset PGHOSTADDR PGSERVICE PGSERVICEFILE PGPASSFILE PGPASSWORD PGSSLMODE \
	PGTARGETSESSIONATTRS

# ---- the folder -----------------------------------------------------------

# Configuration files take no blanks or quotes in a path, and the servers'
# user has to get through all the parents (think of a checkout in /root).
usable() {	# PATH OF A FOLDER TO BE
	case $1 in
	*[!A-Za-z0-9._/+-]*) return 1 ;;
	esac
	"${as_user[@]}" test -x "$(dirname "$1")"
}

# RUN_DIR, or a link there to a folder where the servers can work.
make_run_dir() {
	local real
	if [ -L "$RUN_DIR" ] && [ ! -e "$RUN_DIR" ]; then
		rm "$RUN_DIR"
	elif [ -d "$RUN_DIR" ] && [ ! -L "$RUN_DIR" ] &&
	     [ -z "$(ls -A "$RUN_DIR")" ]; then
		rmdir "$RUN_DIR"	# as mktemp makes it, closed to others
	fi
	if [ ! -e "$RUN_DIR" ]; then
		mkdir -p "$(dirname "$RUN_DIR")"
		if usable "$RUN_DIR"; then
			mkdir "$RUN_DIR"
		else
			real=$(mktemp -d /var/tmp/withdraw-run.XXXXXX)
			chmod 755 "$real"
			ln -s "$real" "$RUN_DIR"
		fi
	fi
	run=$(cd "$RUN_DIR" && pwd -P)
	[ -O "$run" ] || die "$RUN_DIR belongs to another user:" \
		"remove it, or set RUN_DIR to a folder of your own"
	usable "$run/x" || die "user $service_user cannot work in $run:" \
		"set RUN_DIR to another folder"
	mkdir -p "$run/log" "$run/nginx" "$run/app/bin"
}

# Socket addresses hold 107 bytes, however deep RUN_DIR lies.
make_socket_dir() {
	sockets=$(readlink "$run/sockets" || true)
	if [ -z "$sockets" ] || [ ! -d "$sockets" ]; then
		sockets=$(mktemp -d /tmp/withdraw.XXXXXX)
		ln -sfn "$sockets" "$run/sockets"
		own "$sockets"
	fi
}

own() {	# PATH...: gives them to the servers' user, closed to others
	chmod -R go= "$@"
	if [ "$EUID" = 0 ]; then
		chown -R "$service_user:" "$@"
	fi
}

# One at a time is at work on a server, and nobody else where it is on several.
# The servers must not inherit descriptors 7 to 9.
lock() {
	exec 8>"$run/lock"
	if [[ $chosen = *" "* ]]; then
		flock -w 60 8 || die "$busy"
	else
		exec 7>"$run/lock.$chosen"
		flock -w 60 -s 8 || die "$busy"
		flock -w 60 7 || die "$busy"
	fi
}

unlock() {
	exec 7>&- 8>&-
}

# ---- processes ------------------------------------------------------------

# /proc/PID/stat from its third field on: fields[0] is the state, [3] the
# session, [19] when it began.
read_stat() {	# PID
	local line
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
	read -ra fields <<<"${line##*) }"
}

# Sets birth, which tells a process from a later one of the same number, after
# a reboot too.
read_birth() {	# PID
	read_stat "$1" && birth="$boot_id ${fields[19]}"
}

launch() {	# NAME LOG [VARIABLE=VALUE...] COMMAND...
	local name=$1 log=$run/log/$2
	shift 2
	printf '== started %(%F %T)T\n' -1 >>"$log"
	# without --default-signal they would ignore INT and QUIT, as all
	# background processes of a script do
	(cd "$run" && exec "${as_user[@]}" setpriv --no-new-privs -- setsid \
		env --default-signal=INT,QUIT HOME="$run" "$@") \
		</dev/null >>"$log" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
	disown	# or bash would report its end in words of its own
	if read_birth $!; then	# or it has ended already: see await
		say "$birth" >"$run/$name.birth"
	fi
	say $! >"$run/$name.pid"
	started="$name $started"
}

# Sets pid and born as launch has noted them; they may vanish at any time.
recorded() {	# NAME
	{ read -r pid <"$run/$1.pid" && read -r born <"$run/$1.birth"; } \
		2>/dev/null
}

alive() {	# NAME
	local pid born birth
	recorded "$1" && read_birth "$pid" && [ "$birth" = "$born" ] &&
		[ "${fields[0]}" != Z ]
}

# The pids of a server and of all that it started, also after it was killed.
processes() {	# NAME
	local pid born birth dir
	recorded "$1" || return 0
	[ "${born% *}" = "$boot_id" ] || return 0
	# A number is not given away while a session has it: if another
	# process bears it, nothing of ours is left.
	if read_birth "$pid" && [ "$birth" != "$born" ]; then
		return 0
	fi
	for dir in /proc/[0-9]*; do
		if ! read_stat "${dir#/proc/}" || [ "${fields[0]}" = Z ]; then
			continue
		fi
		# Postgres' backends have sessions of their own
		if [ "${fields[3]}" = "$pid" ] || { [ "$1" = postgres ] &&
		     [ "$dir/cwd" -ef "$run/data" ]; }; then
			say "${dir#/proc/}"
		fi
	done
}

# Those of them that somebody has stopped.
stopped() {	# NAME
	local pid
	for pid in $(processes "$1"); do
		if read_stat "$pid" && [ "${fields[0]}" = T ]; then
			say "$pid"
		fi
	done
}

gone() {	# NAME: the one look is cheap, the other is at all processes
	! alive "$1" && [ -z "$(processes "$1")" ]
}

stop_server() {	# NAME
	local name=$1 pid born
	# shellcheck disable=SC2046 # one argument a pid, here and below
	if recorded "$name" && alive "$name"; then
		send "${stop_signal[$name]}" "$pid"
	else
		# nobody else tells them any more
		send TERM $(processes "$name")
	fi
	# What a test has stopped cannot end. Nobody else is told: a process that
	# looks for its leaks at its end waits for a STOP, which CONT would undo.
	# shellcheck disable=SC2046
	send CONT $(stopped "$name")
	if ! wait_until $stop_s gone "$name"; then
		say "$name does not stop, killing it" >&2
		# shellcheck disable=SC2046
		send KILL $(processes "$name")
		wait_until $stop_s gone "$name" ||
			die "cannot kill $name: pids" "$(processes "$name")"
	fi
	rm -f "$run/$name.pid" "$run/$name.birth"
}

# Explains why a server did not come up, and gives up.
failed() {	# NAME LOG WHAT
	printf 'servers.sh: %s %s. The end of %s:\n' "$1" "$3" \
		"$run/log/$2" >&2
	tac "$run/log/$2" | sed '/^== started/q' | head -n 15 | tac >&2
	exit 2
}

# Until a server that was launched answers.
await() {	# NAME LOG CONDITION...
	local name=$1 log=$2 end=$((SECONDS + start_s))
	shift 2
	until "$@"; do
		alive "$name" || failed "$name" "$log" "ended while starting"
		[ "$SECONDS" -lt "$end" ] ||
			failed "$name" "$log" "is not well after $start_s s"
		pause 0.05
	done
}

# ---- the servers ----------------------------------------------------------

# Debian keeps Postgres' programs out of PATH. Existing data needs its own
# version, new data gets the newest.
find_postgres() {
	local dir
	for dir in /usr/lib/postgresql/*/bin; do
		if [ -x "$dir/initdb" ]; then
			pgbin=$dir
		fi
	done
	if [ -e "$run/data/PG_VERSION" ]; then
		dir=/usr/lib/postgresql/$(<"$run/data/PG_VERSION")/bin
		if [ -x "$dir/postgres" ]; then
			pgbin=$dir
		fi
	fi
	if [ -z "${pgbin:-}" ]; then
		need initdb postgres
		pgbin=$(dirname "$(command -v initdb)")
	fi
}

psql_private() {
	PGOPTIONS='' "$pgbin/psql" -Xqw -v ON_ERROR_STOP=1 -h "$sockets" \
		-p 5432 -U postgres "$@"
}

make_database_cluster() {
	say "making a Postgres cluster in $RUN_DIR/data"
	# under another name until it is whole
	rm -rf "$run/data.new"
	mkdir "$run/data.new"
	own "$run/data.new"
	(cd "$run" && "${as_user[@]}" "$pgbin/initdb" -D data.new -U postgres \
		-A trust -E UTF8 --no-locale) >"$run/log/initdb.log" 2>&1 ||
		failed initdb initdb.log "failed"
	mv "$run/data.new" "$run/data"
}

# A killed server counts as running until process 1 takes note of its end,
# which in a container may be never. stop_server has seen to its backends.
forget_dead_postmaster() {
	local pid
	[ -e "$run/data/postmaster.pid" ] || return 0
	read -r pid <"$run/data/postmaster.pid"
	if read_stat "$pid" && [ "${fields[0]}" = Z ]; then
		rm -f "$run/data/postmaster.pid" \
			"$sockets/.s.PGSQL.5432.lock"
	fi
}

start_postgres() {
	local version file files=() quick=()
	if [ ! -d "$run/data" ]; then
		make_database_cluster
	fi
	forget_dead_postmaster
	# After a crash it would sync a thousand files one by one: seconds, on
	# a slow disk. Before 14 it knows no other way.
	version=$(<"$run/data/PG_VERSION")
	[ "${version%%.*}" -lt 14 ] ||
		quick=(-c recovery_init_sync_method=syncfs)
	# Durability is left as initdb has it: on. It is not set here, so
	# that a test can turn it off by ALTER SYSTEM.
	launch postgres postgres.log "$pgbin/postgres" -D "$run/data" \
		-p 5432 -k "$sockets" -c listen_addresses= \
		-c max_connections=100 "${quick[@]}" -c "log_line_prefix=%m [%p] %u "
	await postgres postgres.log \
		"$pgbin/pg_isready" -q -h "$sockets" -p 5432 -U postgres
	if [ -z "$(psql_private -d postgres -Atc \
	     "SELECT 1 FROM pg_database WHERE datname = 'withdraw'")" ]; then
		psql_private -d postgres -c 'CREATE DATABASE withdraw'
	fi
	for file in "$root"/sql/*.sql; do
		files+=(-f "$file")
	done
	psql_private -d withdraw "${files[@]}" >/dev/null ||
		die "could not apply sql/"
}

redis_answers() {
	[ "$(redis-cli -s "$sockets/redis.sock" ping 2>/dev/null)" = PONG ]
}

start_redis() {
	mkdir -p "$run/redis"
	own "$run/redis"
	# what a test has put in the way of what it saves
	[ ! -d "$run/redis/dump.rdb" ] || rmdir "$run/redis/dump.rdb"
	# Nothing is kept: Redis may lose everything at any moment. DEBUG is
	# for tests that make it slow.
	launch redis redis.log "$(command -v redis-server)" --port 0 \
		--unixsocket "$sockets/redis.sock" --unixsocketperm 700 \
		--dir "$run/redis" --save '' --appendonly no \
		--maxmemory-policy noeviction --enable-debug-command local
	await redis redis.log redis_answers
}

# A copy that the servers' user can reach. The old one may be running still:
# install makes new files.
install_programs() {
	install -C -m 755 "$BUILD/withdrawd" "$BUILD/withdrawctl" \
		"$BUILD/withdraw-reconcile" "$run/app/bin"
}

start_withdrawd() {
	install_programs
	rm -f "$sockets/withdraw.sock"
	# shellcheck disable=SC2086 # words
	launch withdrawd withdrawd.log \
		PGHOST="${WITHDRAWD_PGHOST:-$sockets}" PGPORT=5432 \
		PGDATABASE=withdraw PGUSER=withdraw_service \
		REDIS_URL="${WITHDRAWD_REDIS_URL:-$redis_url}" \
		WITHDRAW_SOCKET="$sockets/withdraw.sock" \
		${WITHDRAWD_UNDER:-} "$run/app/bin/withdrawd"
	await withdrawd withdrawd.log test -S "$sockets/withdraw.sock"
	if alive nginx; then
		await withdrawd withdrawd.log withdrawd_answers
	fi
}

render() {	# FOLDER SOCKET: nginx' configuration
	rm -rf "$1/snippets"
	cp -r "$root/nginx/snippets" "$1/snippets"
	sed -e "s|@SOCKET@|$2|" -e "s|@PORT@|$PORT|" -e "s|@RATE@|$RATE|" \
		-e "s|@BURST@|$BURST|" "$NGINX_CONF" \
		>"$1/nginx.conf"
	sign_ins "$1/withdraw.htpasswd" "$1/withdraw-users.map"
	mkdir -p "$1/temp"
	chmod -R go+rX "$1"
	own "$1/temp" "$1/withdraw.htpasswd"
}

sign_ins() {	# PASSWORDS MAP: alice, bob and EXTRA_USERS more
	local id last=$((2000 + EXTRA_USERS))
	printf '%s:{PLAIN}%s\n' alice alice bob bob >"$1"
	printf '%s %s;\n' alice 1001 bob 1002 >"$2"
	for ((id = 2001; id <= last; id++)); do
		say "user$id:{PLAIN}user$id" >&3
		say "user$id $id;" >&4
	done 3>>"$1" 4>>"$2"
}

start_nginx() {
	rm -rf "$run/app/static"
	cp -r "$root/static" "$run/app/static"
	chmod -R go+rX "$run/app/static"
	render "$run/nginx" "$sockets/withdraw.sock"
	: >>"$run/log/nginx-access.log"
	own "$run/log/nginx-access.log"
	if port_taken "$PORT"; then
		die "port $PORT is in use by another program;" \
			"choose another one, such as PORT=$((PORT + 1))," \
			"or PORT=0 for any"
	fi
	launch nginx nginx-error.log "$(command -v nginx)" -e stderr \
		-p "$run/nginx/" -c "$run/nginx/nginx.conf"
	await nginx nginx-error.log nginx_answers
}

# May be killed at any moment: it has no other way to stop.
start_reconcile() {
	launch reconcile reconcile.log PGHOST="$sockets" PGPORT=5432 \
		PGDATABASE=withdraw PGUSER=withdraw_reconcile REDIS_URL="$redis_url" \
		"$run/app/bin/withdraw-reconcile" --every "$RECONCILE_S"
}

port_taken() {	# PORT
	(: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# The port of an nginx that is running stays. Otherwise PORT as given, or that
# of before if other servers are running, or 8080; for 0 a free one, out of
# the range that outgoing connections take theirs from.
choose_port() {
	local before
	before=$(sed -n 's/^PORT=//p' "$run/env" 2>/dev/null || true)
	if [ -n "$before" ] && { alive nginx ||
	     { [ "${PORT:-0}" = 0 ] && any_alive; }; }; then
		PORT=$before
	fi
	PORT=${PORT:-8080}
	if [ "$PORT" = 0 ]; then
		pick_port
	fi
}

pick_port() {
	PORT=$((10000 + RANDOM % 20000))
	while port_taken "$PORT"; do
		PORT=$((10000 + RANDOM % 20000))
	done
}

# The whole answer of GET /api/health.
health() {
	(
		exec 3<>"/dev/tcp/127.0.0.1/$PORT" || exit 1
		printf 'GET /api/health HTTP/1.0\r\n\r\n' >&3
		cat <&3
	) 2>/dev/null || true
}

nginx_answers() {
	[[ $(health) == HTTP/* ]]
}

withdrawd_answers() {	# and not nginx in its place
	local answer
	answer=$(health)
	[[ $answer == HTTP/* && $answer != */problems/outcome-unknown* ]]
}

all_is_well() {
	[[ $(health) == HTTP/1.?\ 200\ * ]]
}

# ---- the commands ---------------------------------------------------------

any_alive() {
	local name
	for name in $all; do
		! alive "$name" || return 0
	done
	return 1
}

write_env() {
	redis_url="unix://$sockets/redis.sock?db=0"
	cat >"$run/env.$$" <<-ENV
		BASE_URL=http://127.0.0.1:$PORT
		PORT=$PORT
		PGHOST=$sockets
		PGPORT=5432
		PGDATABASE=withdraw
		PGUSER=postgres
		REDIS_URL=$redis_url
		WITHDRAW_SOCKET=$sockets/withdraw.sock
	ENV
	mv "$run/env.$$" "$run/env"
}

operator() {
	PGHOST=$sockets PGPORT=5432 PGDATABASE=withdraw \
		PGUSER=withdraw_operator "$run/app/bin/withdrawctl" "$@"
}

open_demo_accounts() {
	local user
	for user in 1001 1002; do
		operator account show "$user" >/dev/null 2>&1 ||
			operator --yes account open "$user" 100.00 >/dev/null ||
			die "could not open the demo account $user"
	done
	add_sign_in alice 1001
	add_sign_in bob 1002
}

# Its password is its name: for the demo alone.
add_sign_in() {	# NAME USER
	local said
	if [[ $(operator user list --user "$2" --json) == *"\"$1\""* ]]; then
		return
	fi
	said=$(say "$1" | operator user add "$1" "$2" 2>&1) ||
		die "could not add the demo sign-in $1: $said"
}

check_needs() {
	local name
	need flock setpriv setsid redis-server redis-cli nginx
	[ -n "$(getent passwd "$service_user")" ] ||
		die "there is no user $service_user, which comes with" \
			"Debian's postgresql: run tests/deps.sh"
	for name in withdrawd withdrawctl withdraw-reconcile; do
		[ -x "$BUILD/$name" ] ||
			die "there is no $name in $BUILD: run make first"
	done
}

# Stops what this call has started, in the reverse order.
undo() {
	local status=$? name
	trap '' INT TERM HUP
	lock
	for name in $started; do
		stop_server "$name"
	done
	remove_sockets
	exit "$status"
}

start() {
	local name pid born
	check_needs
	make_run_dir
	lock
	make_socket_dir
	started=""
	trap undo EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	find_postgres
	choose_port
	write_env
	for name in $chosen; do
		if recorded "$name" && alive "$name"; then
			say "$name is already running (pid $pid)"
			continue
		fi
		stop_server "$name"	# what is left of one that was killed
		"start_$name"
		if [ "$chosen $name" = "$all withdrawd" ]; then
			open_demo_accounts
		fi
	done
	if [ "$chosen" = "$all" ]; then
		await withdrawd withdrawd.log all_is_well
	fi
	unlock
}

cmd_start() {
	start
	trap - EXIT
	if alive nginx; then
		say "running at http://127.0.0.1:$PORT"
	fi
}

cmd_run() {
	local name down="" now
	make_run_dir
	if any_alive; then
		say "already running in $RUN_DIR:"
		cmd_status || true
		say "to stop it: tests/servers.sh stop"
		exit 1
	fi
	start
	trap 'exit 0' INT TERM
	cat <<-TEXT

		The withdraw page:  http://127.0.0.1:$PORT
		  sign in   alice / alice (user 1001), bob / bob (user 1002)
		  data      $RUN_DIR (kept; remove it to start afresh)
		  logs      $RUN_DIR/log
		  stop      Ctrl-C

	TEXT
	while any_alive; do
		now=""
		for name in $chosen; do
			alive "$name" || now="$now $name"
		done
		if [ "$now" != "$down" ] && [ -n "$now" ]; then
			say "not running any more:$now; the reason may be in" \
				"$RUN_DIR/log; to start again:" \
				"tests/servers.sh start$now"
		fi
		down=$now
		pause 0.5
	done
	say "all servers have been stopped"
	exit 1
}

# Of the last one, unless somebody is about to start another.
remove_sockets() {
	if flock -n 8 && ! any_alive; then
		rm -rf "$sockets"
		rm -f "$run/sockets"
	fi
}

cmd_stop() {
	local name reversed=""
	[ -d "$RUN_DIR" ] || return 0
	run=$(realpath "$RUN_DIR")
	lock
	sockets=$(readlink "$run/sockets" || true)
	for name in $chosen; do
		reversed="$name $reversed"
	done
	for name in $reversed; do
		stop_server "$name"
	done
	if [ -n "$sockets" ]; then
		remove_sockets
	fi
}

cmd_status() {
	local name pid born status=0
	run=$(realpath -m "$RUN_DIR")
	for name in $chosen; do
		if recorded "$name" && alive "$name"; then
			printf '%-10s running, pid %s\n' "$name" "$pid"
		else
			printf '%-10s not running\n' "$name"
			status=1
		fi
	done
	if alive nginx; then
		sed -n 's/^BASE_URL=//p' "$run/env"
	fi
	return $status
}

# The real site file in a folder. Its includes are relative, as below
# /etc/nginx; what it gets here is an http { } around it, and addresses and
# paths that need no root. One process: killing it leaves nothing behind.
render_site() {	# FOLDER LISTEN LOGIN SOCKET IDENTITY
	local name
	mkdir "$1/temp"
	cp -r "$root/nginx/snippets" "$root/static" "$1"
	sed -e "s|listen 80 |listen $2 |" -e '/listen \[::\]:80 /d' \
		-e "s|server 127.0.0.1:8081;|server $3;|" \
		-e "s|unix:/run/withdraw/withdraw.sock;|unix:$4;|" \
		-e "s|root /usr/share/withdraw/static;|root static;|" \
		-e "s|^\(\tinclude snippets/withdraw-identity-\)session.conf|\1$5.conf|" \
		"$root/nginx/withdraw.conf" >"$1/withdraw.conf"
	{
		say 'daemon off; master_process off; pid temp/nginx.pid;'
		say 'error_log stderr; events { } http {'
		for name in client_body proxy fastcgi uwsgi scgi; do
			say "${name}_temp_path temp/$name;"
		done
		# as Debian's nginx.conf has it around a site
		say 'gzip on; default_type application/octet-stream;'
		say 'access_log off; include withdraw.conf; }'
	} >"$1/nginx.conf"
}

# All configurations in a folder of their own. A socket to listen on, since
# port 80 is root's.
cmd_check_nginx() {
	local dir name
	need nginx
	dir=$(mktemp -d)
	# shellcheck disable=SC2064 # the folder of now
	trap "rm -rf '$dir'" EXIT
	mkdir "$dir/run" "$dir/bench" "$dir/session" "$dir/auth-request" \
		"$dir/log"
	PORT=8080
	as_user=()
	service_user=$(id -un)
	render "$dir/run" "$dir/withdraw.sock"
	NGINX_CONF=$root/tests/bench/nginx.conf.in
	render "$dir/bench" "$dir/withdraw.sock"
	for name in session auth-request; do
		render_site "$dir/$name" "unix:$dir/nginx.sock" \
			127.0.0.1:8081 "$dir/withdraw.sock" "$name"
	done
	for name in run bench session auth-request; do
		say "nginx/$name:"
		nginx -t -q -e stderr -p "$dir/$name/" \
			-c "$dir/$name/nginx.conf"
	done
}

cmd_site() {	# DIR IDENTITY LOGIN_PORT SOCKET
	local dir
	need nginx
	[ -e "$root/nginx/snippets/withdraw-identity-$2.conf" ] ||
		die "there is no identity \"$2\""
	dir=$(realpath -e "$1")
	pick_port
	render_site "$dir" "127.0.0.1:$PORT" "127.0.0.1:$3" "$4" "$2"
	say "http://127.0.0.1:$PORT" >"$dir/url"
	exec 9>&-
	exec nginx -e stderr -p "$dir/" -c "$dir/nginx.conf"
}

command=${1:-}
case $command in
-h | --help | help)
	usage
	exit 0
	;;
run | start | stop | status | check-nginx)
	shift
	;;
site)
	shift
	if [ $# != 4 ]; then
		usage >&2
		exit 2
	fi
	cmd_site "$@"
	;;
*)
	usage >&2
	exit 2
	;;
esac
for name; do
	case " $all " in
	*" $name "*) ;;
	*) die "there is no server \"$name\": $all" ;;
	esac
done
chosen=""
for name in $all; do
	case " $* " in
	"  " | *" $name "*) chosen="$chosen${chosen:+ }$name" ;;
	esac
done
"cmd_${command/-/_}"
