#!/bin/bash
# check.sh URL PIDFILE: does a peer keep the promise of design, section 4? A
# comparison with one that does not would say nothing. Ends at the first thing
# that is wrong, with status 1.
#
# URL is a peer's nginx, PIDFILE names the process whose children are the
# peer's workers, and RUN_DIR/env the Postgres and the Redis that it uses.
# Each check has an account of its own.
set -eu

if [ $# != 2 ]; then
	sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
url=$1
read -r leader _ <"$2"
set -a
# shellcheck disable=SC1091
. "${RUN_DIR:?}/env"
set +a
tmp=$(mktemp -d)
holder=
trap 'exec 7>&-; [ -z "$holder" ] || kill "$holder" 2>/dev/null || true; rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

fail() {
	printf 'FAIL  %s: %s\n' "$name" "$*" >&2
	exit 1
}

sql() {	# STATEMENT
	psql -XqAt -v ON_ERROR_STOP=1 -c "$1"
}

uuid() {
	cat /proc/sys/kernel/random/uuid
}

wait_ticks() {	# N COMMAND...: N times 50 ms
	local i n=$1
	shift
	for ((i = 0; i < n; i++)); do
		! "$@" || return 0
		sleep 0.05
	done
	return 1
}

wait_until() {	# SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# ---- one request ----------------------------------------------------------
# The user is $user, the order $order. Each leaves FILE.head and FILE.body.

post() {	# FILE PATH BODY [HEADER...]: prints the status
	local file=$1 path=$2 body=$3 h more=()
	shift 3
	for h; do
		more+=(-H "$h")
	done
	curl -sS -m 20 -D "$tmp/$file.head" -o "$tmp/$file.body" -w '%{http_code}' \
		-H "X-Bench-User: $user" -H "Idempotency-Key: $order" \
		-H 'Content-Type: application/json' "${more[@]}" -d "$body" \
		"$url$path"
}

token() {	# prints it
	local status
	status=$(post token /api/token '')
	[ "$status" = 201 ] || fail "/api/token answered $status"
	sed -n 's/^{"token":"\([0-9a-f-]\{36\}\)","order_id":"'"$order"'","expires_in_ms":[0-9]*}$/\1/p' \
		"$tmp/token.body"
}

withdraw() {	# FILE AMOUNT TOKEN: prints the status
	post "$1" /api/withdraw "{\"token\":\"$3\",\"amount\":\"$2\"}"
}

is_replay() {	# FILE
	grep -qi '^Idempotent-Replayed: true.$' "$tmp/$1.head"
}

says() {	# FILE TEXT: the body has it
	grep -qF -- "$2" "$tmp/$1.body" || fail "no $2 in: $(cat "$tmp/$1.body")"
}

expect() {	# STATUS WANTED FILE
	[ "$1" = "$2" ] || fail "status $1, not $2: $(cat "$tmp/$3.body")"
}

same() {	# FILE FILE
	cmp -s "$tmp/$1.body" "$tmp/$2.body" ||
		fail "two answers: $(cat "$tmp/$1.body") and: $(cat "$tmp/$2.body")"
}

# ---- accounts -------------------------------------------------------------

first_user=$((RANDOM * 32768 + RANDOM + 1000000000))
user=$first_user

begin() {	# NAME BALANCE: an account and an order of its own
	name=$1
	user=$((user + 1))
	order=$(uuid)
	sql "SELECT account_open($user, $2, 'bench', 'check')" >/dev/null
}

# What the ledger has of the user: balance, debits, and whether both agree.
ledger_is() {	# BALANCE DEBITS
	local is
	is=$(sql "SELECT a.balance, count(*) FILTER (WHERE e.kind = 'withdraw'),
			a.balance = sum(e.delta)
		FROM account a JOIN ledger_entry e USING (user_id)
		WHERE user_id = $user GROUP BY a.balance")
	[ "$is" = "$1|$2|t" ] ||
		fail "balance|debits|agree is $is, not $1|$2|t"
	printf 'ok    %s\n' "$name"
}

redis_socket=${REDIS_URL#unix://}
redis_socket=${redis_socket%%\?*}

forget() {	# all that Redis has of the user
	redis-cli -s "$redis_socket" eval "for _, key in ipairs(redis.call(
		'KEYS', 'withdraw:{$user}:*')) do redis.call('DEL', key) end" 0 \
		>/dev/null
}

# ---- the account's row, held so that a withdrawal stands in the ledger ------

hold() {
	mkfifo "$tmp/holder"
	psql -XqAt -v ON_ERROR_STOP=1 <"$tmp/holder" >"$tmp/held" &
	holder=$!
	exec 7>"$tmp/holder"
	rm "$tmp/holder"
	printf 'BEGIN; SELECT version FROM account WHERE user_id = %s FOR UPDATE;\n' \
		"$user" >&7
	wait_until 10 test -s "$tmp/held" || fail "could not hold the account"
}

release() {
	# not by closing it: a request in the background has it open as well
	printf 'ROLLBACK;\n\\q\n' >&7
	wait "$holder"
	exec 7>&-
	holder=
	: >"$tmp/held"
}

# Sends a withdrawal of 100.00 that stands there; request becomes its process.
withdraw_held() {	# FILE
	local t
	t=$(token)
	hold
	withdraw "$1" 100.00 "$t" >"$tmp/$1.status" &
	request=$!
}

# The backend that waits for our row, in ours or its own right.
blocked() {
	sql "SELECT pid FROM pg_stat_activity WHERE usename = 'withdraw_service'
		AND wait_event_type = 'Lock'" | head -n 1
}

is_blocked() {
	[ -n "$(blocked)" ]
}

is_free() {
	[ -z "$(blocked)" ]
}

workers() {
	ps -o pid= --ppid "$leader"
}

# Sends the same order again until it has succeeded. On the way only that
# may be said which claims nothing final.
insist() {	# SECONDS AMOUNT
	local end=$((SECONDS + $1)) status t
	while :; do
		# while all workers are starting anew there is no token either
		t=$(token 2>/dev/null) || t=$(uuid)
		status=$(withdraw again "$2" "$t")
		case $status in
		201) return 0 ;;
		409 | 503)
			! grep -q '"safe_new_order":true' "$tmp/again.body" ||
				fail "a new order is called safe: $(cat "$tmp/again.body")"
			;;
		*) fail "status $status: $(cat "$tmp/again.body")" ;;
		esac
		[ "$SECONDS" -lt "$end" ] || fail "no success: $(cat "$tmp/again.body")"
		sleep 0.2
	done
}

# ---- the checks -----------------------------------------------------------

check_input() {
	local body status
	begin "what is malformed is refused" 100.00
	for body in '{"amount":100}' '{"amount":1.5}' '{"amount":null}' \
		'{"amount":"1e2"}' '{"amount":"-1"}' '{"amount":"+1"}' \
		'{"amount":"01"}' '{"amount":"1."}' '{"amount":".5"}' \
		'{"amount":"0"}' '{"amount":"0.00"}' '{"amount":"1.001"}' \
		'{"amount":" 1"}' '{"amount":"1\n"}' '{"amount":"12345678901234"}' \
		'{"amount":"NaN"}' '{"amount":"Infinity"}' '{"amount":"١"}' \
		'{"amount":["1"]}' '{"amount":{"a":"1"}}' '{"amount":"1","x":"1"}' \
		'{"token":1,"amount":"1"}' '{}' '[]' '"1"' 'null' '{"amount":"1"'; do
		status=$(post bad /api/withdraw "$body")
		[ "$status" = 400 ] || fail "$body was answered $status"
		says bad '/problems/malformed'
	done
	for order in '' x "$(uuid)0" 00000000-0000-0000-0000-000000000000; do
		status=$(withdraw bad 1.00 "$(uuid)")
		[ "$status" = 400 ] || fail "order \"$order\" was answered $status"
	done
	order=$(uuid)
	status=$(user='' withdraw bad 1.00 "$(uuid)")
	expect "$status" 401 bad
	ledger_is 100.00 0
}

check_replay() {
	local t
	begin "an order is debited once, and its answer replayed" 100.00
	t=$(token)
	expect "$(withdraw one 40 "$t")" 201 one
	! is_replay one || fail "the first answer is called a replay"
	grep -qE '^\{"order_id":"'"$order"'","status":"succeeded","amount":"40.00","currency":"CNY","balance_after":"60.00","created_at":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z"\}$' \
		"$tmp/one.body" || fail "another answer: $(cat "$tmp/one.body")"
	expect "$(withdraw two 40.00 "$t")" 201 two
	is_replay two || fail "a replay is not called one"
	same one two
	expect "$(withdraw three 40.0 "$(token)")" 201 three
	same one three
	forget
	expect "$(withdraw four 40.00 "$t")" 201 four
	is_replay four || fail "a replay by the ledger is not called one"
	same one four
	forget
	expect "$(withdraw five 40.00 "$(token)")" 201 five
	is_replay five || fail "a replay by the ledger is not called one"
	same one five
	expect "$(withdraw other 40.01 "$t")" 422 other
	says other '/problems/order-mismatch'
	says other "\"original\":\"/api/withdrawals/$order\""
	forget
	expect "$(withdraw other 40.01 "$(token)")" 422 other
	ledger_is 60.00 1
}

check_token() {
	local t mine foreign
	begin "a token is good for one user and one order" 100.00
	t=$(token)
	mine=$order
	order=$(uuid)
	expect "$(withdraw bad 1.00 "$t")" 409 bad
	says bad '/problems/token-invalid'
	says bad '"order_state":"none"'
	order=$mine
	foreign=$user
	user=$first_user
	expect "$(withdraw bad 1.00 "$t")" 409 bad
	says bad '/problems/token-invalid'
	user=$foreign
	expect "$(withdraw bad 1.00 "$(uuid)")" 409 bad
	expect "$(post bad /api/withdraw '{"amount":"1.00"}')" 409 bad
	expect "$(withdraw good 1.00 "$t")" 201 good
	order=$(uuid)	# it is spent
	expect "$(withdraw bad 1.00 "$t")" 409 bad
	ledger_is 99.00 1
}

check_final() {
	begin "what was declined or void stays so" 10.00
	expect "$(withdraw one 10.01 "$(token)")" 402 one
	says one '"order_state":"declined","safe_new_order":true'
	sql "SELECT account_credit($user, 5.00, 'bench', 'check')" >/dev/null
	expect "$(withdraw two 10.01 "$(token)")" 402 two
	is_replay two || fail "a replay is not called one"
	same one two
	order=$(uuid)
	sql "SELECT withdraw_void($user, '$order', 'CNY')" >/dev/null
	expect "$(withdraw void 1.00 "$(token)")" 409 void
	says void '"order_state":"void"'
	ledger_is 15.00 0
}

# parallel N AMOUNT TOKEN: N equal requests at once; sets statuses
parallel() {
	local i n=$1 amount=$2
	for ((i = 1; i <= n; i++)); do
		withdraw "p$i" "$amount" "$3" >"$tmp/p$i.status" &
		pids[i]=$!
	done
	for ((i = 1; i <= n; i++)); do
		wait "${pids[i]}"
	done
}

check_parallel() {
	local i firsts=0
	local -a pids
	begin "20 equal orders at once are one" 100.00
	parallel 20 100.00 "$(token)"
	for ((i = 1; i <= 20; i++)); do
		expect "$(<"$tmp/p$i.status")" 201 "p$i"
		same p1 "p$i"
		is_replay "p$i" || firsts=$((firsts + 1))
	done
	[ "$firsts" = 1 ] || fail "$firsts answers are not called replays"
	ledger_is 0.00 1
}

check_orders() {
	local i paid=0 status
	local -a pids orders tokens
	begin "20 orders at once never take more than there is" 50.00
	for ((i = 1; i <= 20; i++)); do
		order=$(uuid)
		orders[i]=$order
		tokens[i]=$(token)
	done
	for ((i = 1; i <= 20; i++)); do
		order=${orders[i]}
		withdraw "o$i" 10.00 "${tokens[i]}" >"$tmp/o$i.status" &
		pids[i]=$!
	done
	for ((i = 1; i <= 20; i++)); do
		wait "${pids[i]}"
		status=$(<"$tmp/o$i.status")
		case $status in
		201) paid=$((paid + 1)) ;;
		402) ;;
		409) says "o$i" '/problems/busy' ;;
		*) fail "status $status: $(cat "$tmp/o$i.body")" ;;
		esac
	done
	[ "$paid" -ge 1 ] || fail "none of them was paid"
	ledger_is "$((50 - 10 * paid)).00" "$paid"
}

# One that comes while the first stands in the ledger.
check_twin() {
	local first twin t
	begin "a twin waits for the first one's answer" 100.00
	t=$(token)
	hold
	withdraw first 100.00 "$t" >"$tmp/first.status" &
	first=$!
	wait_until 10 is_blocked || fail "the withdrawal does not reach the ledger"
	withdraw twin 100.00 "$t" >"$tmp/twin.status" &
	twin=$!
	# half of the time that it has to wait: too early for any answer
	! wait_ticks 10 test -s "$tmp/twin.status" ||
		fail "it did not wait: $(cat "$tmp/twin.body")"
	release
	wait $first $twin
	expect "$(<"$tmp/first.status")" 201 first
	if [ "$(<"$tmp/twin.status")" = 409 ]; then	# a slow machine
		says twin '/problems/in-progress'
	else
		expect "$(<"$tmp/twin.status")" 201 twin
		same first twin
	fi
	ledger_is 0.00 1
}

# The reply is lost, the peer itself asks again.
check_lost() {
	local request
	begin "a lost connection to Postgres is no failure" 100.00
	withdraw_held lost
	wait_until 10 is_blocked || fail "the withdrawal does not reach the ledger"
	sql "SELECT pg_terminate_backend($(blocked), 5000)" >/dev/null
	release
	wait "$request"
	expect "$(<"$tmp/lost.status")" 201 lost
	ledger_is 0.00 1
}

check_refused() {
	local request
	begin "a statement that took too long is 503, and may be repeated" 100.00
	withdraw_held slow
	wait "$request"
	expect "$(<"$tmp/slow.status")" 503 slow
	says slow '"order_state":"unknown","safe_new_order":false'
	release
	insist 15 100.00
	ledger_is 0.00 1
}

# All workers die with the withdrawal between admit and settle; the ledger
# goes on without them, or does not.
check_killed() {	# commit | rollback
	local request backend
	begin "a worker killed in the ledger step, before $1" 100.00
	withdraw_held killed
	wait_until 10 is_blocked || fail "the withdrawal does not reach the ledger"
	backend=$(blocked)	# ends by itself, a second after its client
	# shellcheck disable=SC2046 # one argument a pid
	kill -KILL $(workers)
	if [ "$1" = rollback ]; then
		sql "SET client_min_messages = error;
			SELECT pg_terminate_backend($backend, 5000)" >/dev/null
	fi
	release
	wait "$request"
	case $(<"$tmp/killed.status") in
	201) [ "$1" = commit ] || fail "a success that nobody has committed" ;;
	409 | 503) says killed '"safe_new_order":false' ;;
	*) fail "status $(<"$tmp/killed.status")" ;;
	esac
	wait_until 10 is_free || fail "the withdrawal is stuck"
	insist 20 100.00
	ledger_is 0.00 1
}

check_input
check_replay
check_token
check_final
check_parallel
check_orders
check_twin
check_lost
check_refused
check_killed commit
check_killed rollback
