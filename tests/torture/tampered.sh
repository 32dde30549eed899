#!/bin/bash
# The checker itself: a small history with its tables, which it accepts, and
# tampered ones, each of which it must refuse, by the rule that was broken.
#
#   tests/torture/tampered.sh
#
# BUILD (build) is where torture-check is. The last line is "N passed, N
# failed"; exit status 0 or 1.
set -u
cd "$(dirname "$0")/../.." || exit 2

check=${BUILD:-build}/torture-check
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
passed=0
failed=0
A=aaaaaaaa-0000-4000-8000-000000000001	# succeeded
B=bbbbbbbb-0000-4000-8000-000000000002	# declined
C=cccccccc-0000-4000-8000-000000000003	# void

# An exchange: sent, received (s), user, order, kind, asked, status, and
# NAME=VALUE for the columns of history.h. The body stands for all of it.
say() {
	local sent=$1 received=$2 user=$3 order=$4 kind=$5 asked=$6 status=$7
	local state=- code=- safe=- replayed=false record=- amount=- balance=-
	local version=- named=- body
	shift 7
	[ $# = 0 ] || local "$@"
	printf '%s000000\t%s000000\t1\t' "$sent" "$received"
	printf '%s\t' "$user" "$order" "$kind" "$asked" "$status" "$state" \
		"$code" "$safe" "$replayed" "$record" "$amount" "$balance" \
		"$version" "$named"
	printf '%s\n' "${body:-$status $state $code $record $amount $balance}"
}

row() {
	local IFS=$'\t'
	printf '%s\n' "$*"
}

none=(state=none safe=false)
unknown=(state=unknown safe=false)
paid=(record=succeeded amount=60.00 balance=40.00 "named=$A")
declined=(state=declined code=insufficient-funds safe=true amount=50.00)
void=(state=void code=order-void safe=true)

# Everything as it should be.
make_good() {
	{
		say 1 2 7 $A token - 201
		say 2 3 7 $A withdraw 60.00 409 "${none[@]}" code=token-invalid
		say 4 5 7 $A withdraw 60.00 0
		say 5 6 7 $A withdraw 60.00 503 "${unknown[@]}" \
			code=outcome-unknown
		say 6 7 7 $A withdraw 60.00 201 "${paid[@]}"
		say 7 8 7 $A withdraw 60.00 201 "${paid[@]}" replayed=true
		say 8 9 7 $A show - 200 "${paid[@]}"
		say 8 9 8 $A show - 404 "${none[@]}" code=order-unknown
		say 8 9 7 - list - 200
		say 8 9 7 $A listed - 200 "${paid[@]}"
		say 9 9 7 - account - 200 balance=40.00 version=2 named=7
		say 10 11 7 $B withdraw 50.00 409 "${unknown[@]}" code=busy
		say 11 12 7 $B withdraw 50.00 402 "${declined[@]}"
		say 12 13 7 $C show - 404 "${none[@]}" code=order-unknown
		say 13 14 7 $C void - 200 record=void "named=$C"
		say 14 15 7 $C withdraw 5.00 409 "${void[@]}" replayed=true
		say 20 20 0 - calm - 0
	} >"$dir/history"
	say 15 16 7 - credit 10.00 201 balance=50.00 version=3 >"$dir/credits"
	{
		row 7 50.00 3 active
		row 8 5.00 1 active
	} >"$dir/account"
	{
		row 7 1 open 100.00 100.00 '\N' 0
		row 7 2 withdraw -60.00 40.00 $A 6500000
		row 7 3 credit 10.00 50.00 '\N' 15500000
		row 8 1 open 5.00 5.00 '\N' 0
	} >"$dir/entry"
	{
		row $A 7 60.00 1 '\N' 40.00 2 6500000
		row $B 7 50.00 2 insufficient-funds 40.00 2 11500000
		row $C 7 '\N' 3 '\N' '\N' '\N' 13500000
	} >"$dir/record"
	row lock-outlives-lease 7 '\N' "no end" >"$dir/finding"
}

# more FILE LINE: adds it
more() {
	local file=$1
	shift
	"$@" >>"$dir/$file"
}

# change FILE SED: changes it, and has to
change() {
	cp "$dir/$1" "$dir/before"
	sed -i "$2" "$dir/$1"
	if cmp -s "$dir/$1" "$dir/before"; then
		echo "FAIL  \"$2\" changed nothing"
		failed=$((failed + 1))
	fi
}

# refused WHAT RULE: the files as they are, for that rule
refused() {
	local status said
	said=$("$check" "$dir" 2>&1)
	status=$?
	if [ $status = 1 ] && grep -q "^FAIL  . $2" <<<"$said"; then
		echo "ok    refused: $1"
		passed=$((passed + 1))
	else
		echo "FAIL  $1: status $status, and not for \"$2\""
		grep -E '^FAIL|violation' <<<"$said"
		failed=$((failed + 1))
	fi
	make_good
}

make_good
if said=$("$check" "$dir" 2>&1); then
	echo "ok    accepted: all is well"
	passed=$((passed + 1))
else
	echo "FAIL  what is well is refused"
	echo "$said"
	failed=$((failed + 1))
fi

# ---- the tables -------------------------------------------------------------

more entry row 7 4 withdraw -10.00 40.00 $A 16000000
change account 's/^7\t50.00\t3/7\t40.00\t4/'
refused "a second debit" "an order is debited at most once"

change entry '/withdraw/d'
refused "a missing entry" "a record of a success has its entry"

change record "/$A/d"
refused "a missing record" "a final answer that was told"

change entry 's/^7\t3\tcredit\t10.00\t50.00/7\t3\tcredit\t10.00\t110.00/'
refused "a lost update" "entries are numbered without gap"

change entry 's/^7\t3\t/7\t4\t/'
refused "a gap" "entries are numbered without gap"

change account 's/^7\t50.00/7\t110.00/'
refused "a balance that is not the journal's" "each account is the head"

change account 's/^7\t50.00\t3/7\t40.00\t2/'
refused "an account behind its journal" "each account is the head"

change entry 's/-60.00\t40.00/-160.00\t-60.00/'
refused "a balance below zero" "entries are numbered without gap"

change record "/$B/s/50.00/30.00/"
change history "/$B/s/50.00/30.00/"
refused "declined though there was enough" "what was declined"

change account 's/active/frozen/'
refused "a frozen account" "withdraw-reconcile found no journal"

more finding row balance-differs 7 '\N' "repaired"
refused "a balance that was repaired" "withdraw-reconcile had nothing"

more record row dddddddd-0000-4000-8000-000000000004 8 '\N' 3 '\N' '\N' '\N' 5
refused "a record that nobody has sent" "nothing is recorded that its user"

change history "/$A.*withdraw/s/^[24567]000000/7000000/"
refused "a debit before the order was sent" "nothing is recorded that its user"

change entry '/credit/d'
change account 's/^7\t50.00\t3/7\t40.00\t2/'
refused "a credit that is gone" "each credit is there once"

more entry row 7 4 credit 10.00 60.00 '\N' 16000000
change account 's/^7\t50.00\t3/7\t60.00\t4/'
refused "a credit that is there twice" "each credit is there once"

# ---- the answers ------------------------------------------------------------

more history say 16 17 7 $A withdraw 60.00 201 "${paid[@]}" balance=41.00 \
	replayed=true
refused "an answer of other bytes" "final answers to an order are the same"

more history say 16 17 7 $A withdraw 60.00 402 state=declined safe=true \
	code=insufficient-funds amount=60.00 replayed=true
refused "an answer that changed" "final answers to an order are the same"

more history say 16 17 7 $B show - 200 record=succeeded amount=50.00 \
	balance=0.00 "named=$B"
refused "success that was told and never was" "a final answer that was told"

more history say 16 17 7 $A withdraw 61.00 201 "${paid[@]}" replayed=true
refused "success for another amount" "a final answer that was told"

more history say 16 17 7 $A withdraw 60.00 201 "${paid[@]}"
refused "two answers that are the first" "all of them but one"

more history say 16 17 7 $A withdraw 60.00 409 "${none[@]}" code=token-invalid
refused "\"none\" about money that left" "nobody is told \"none\" after"

# the only one who knew went away at 5, and it is recorded all the same
change history "/$A/{/\t201\t\|\t200\t\|503/d}"
more history say 40 41 7 $A show - 404 "${none[@]}" code=order-unknown
refused "\"none\" long after the last try" "nobody is told \"none\" of what"

# the same, but tried again since: it may have left then
change history "/$A/{/\t201\t\|\t200\t\|503/d}"
more history say 40 41 7 $A show - 404 "${none[@]}" code=order-unknown
more history say 42 43 7 $A withdraw 60.00 201 "${paid[@]}"
change record "/$A/s/6500000/42500000/"
if said=$("$check" -f 60 "$dir" 2>&1); then
	echo "ok    accepted: \"none\", and then it was sent again"
	passed=$((passed + 1))
else
	echo "FAIL  \"none\" before a further try is refused"
	echo "$said"
	failed=$((failed + 1))
fi
make_good

more history say 3 4 7 $A withdraw 60.00 409 state=unknown code=busy safe=true
refused "a new order is safe, it says, and the old one was paid" \
	"a new order is called safe"

more history say 3 4 7 $A withdraw 60.00 503 "${none[@]}" code=unavailable
refused "a failure that claims \"none\"" "a failure is an unknown outcome"

more history say 3 4 7 $A withdraw 60.00 502
refused "a failure that says nothing" "a failure is an unknown outcome"

more history say 3 4 7 $A withdraw 60.00 409 "${none[@]}" code=busy
refused "busy that claims \"none\"" "who has not looked"

more history say 16 17 8 $A show - 200 "${paid[@]}"
refused "somebody else's order" "nobody learns anything"

more history say 16 17 8 $A withdraw 1.00 422 state=void safe=true \
	code=order-mismatch
refused "the existence of somebody else's order" "nobody learns anything"

more history say 16 17 8 $A listed - 200 "${paid[@]}"
refused "somebody else's order in a list" "nobody learns anything"

more history say 16 17 7 $B listed - 200 record=succeeded amount=50.00 \
	balance=0.00 "named=$B"
refused "a success in a list that never was" "a final answer that was told"

more history say 16 17 7 - account - 200 balance=60.00 version=3 named=7
refused "a balance that never was" "each balance that was told"

more history say 9 9 8 - account - 200 balance=40.00 version=2 named=7
refused "somebody else's account" "each answer is about what was asked"

more history say 3 4 7 $A token - 201 "named=$B"
refused "a token for another order" "each answer is about what was asked"

more history say 3 4 7 $A withdraw 60.00 401 "${unknown[@]}" \
	code=unauthenticated
refused "a user who is not known any more" "no request that is right"

more history say 18 19 7 - account - 200 balance=40.00 version=2 named=7
refused "a balance of the past" "no balance is older"

more history say 14 15 7 dddddddd-0000-4000-8000-000000000004 withdraw 1.00 \
	503 "${unknown[@]}" code=unavailable
refused "an order that never came to its end" "every order is final soon"

change history '/calm/s/^20000000/1000000/;'
"$check" -f 5 "$dir" >"$dir/said" 2>&1
if [ $? = 1 ] && grep -q '^FAIL    every order is final' "$dir/said"; then
	echo "ok    refused: orders that came late to their end"
	passed=$((passed + 1))
else
	echo "FAIL  orders that came late to their end are accepted"
	failed=$((failed + 1))
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
