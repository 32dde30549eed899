# shellcheck shell=bash
# schedule.sh: which faults, and when; each kind $least times at least. A line
# each: milliseconds since the start, the lane, the kind and its argument. The
# faults of a lane come one after another, and each may wait for a while:
# see await_final in run.sh.

# LANE:GAP, the mean of milliseconds between two faults. What takes a server away
# is seldom: most faults are to find all of them at work.
lanes="processes:1600 withdrawd:6000 keys:1200 redis:4500 backends:1700
	postgres:9000 pg-link:1000 redis-link:800"

# KIND:FROM:TO, the argument is of that range; and what each does is in
# faults.sh.
declare -A kinds=(
	[processes]="worker-kill worker-stop:200:3000 withdrawd-hup nginx-reload
		nginx-kill"
	[withdrawd]="master-kill master-stop:200:2000 tiny-lease:30:200
		tiny-token:1:20"
	[keys]="redis-flush script-flush clock-jump:-7200:7200
		locks-expire:200:1500"
	[redis]="redis-empty redis-old redis-away:1000:4000
		redis-sleep:100:1500 redis-stop:100:2000"
	[backends]="pg-terminate backend-stop:200:3000 pg-cancel"
	[postgres]="pg-kill pg-away:1000:4000 pg-stop:100:2500"
	[pg-link]="pg-reset pg-refuse:50:500 pg-stall:50:1500 pg-cut:0:120
		pg-swallow pg-garbage"
	[redis-link]="redis-reset redis-refuse:50:500 redis-stall:50:1200
		redis-cut:0:40 redis-swallow redis-garbage")

# Sets picked to a number from $1 to $2; a call in $( ) would not move RANDOM.
pick() {
	picked=$(($1 + (RANDOM * 32768 + RANDOM) % ($2 - $1 + 1)))
}

# Sets deck[]: all kinds of a lane, in any order.
shuffle() {	# LANE
	local i swap
	read -rd '' -a deck <<<"${kinds[$1]}" || true
	for ((i = ${#deck[@]} - 1; i > 0; i--)); do
		pick 0 "$i"
		swap=${deck[i]}
		deck[i]=${deck[picked]}
		deck[picked]=$swap
	done
}

# Every kind as often as the others, and as often as it has to happen: in a
# short run the last of them come together at the end.
deal() {	# LANE GAP SECONDS
	local at=1000 dealt=0 kind from to deck=() picked words
	read -rd '' -a words <<<"${kinds[$1]}" || true
	# shellcheck disable=SC2154 # run.sh says it
	while ((at < $3 * 1000 || dealt < least * ${#words[@]})); do
		((at < $3 * 1000)) || at=$(($3 * 1000))
		[ "${#deck[@]}" -gt 0 ] || shuffle "$1"
		IFS=: read -r kind from to <<<"${deck[0]}"
		deck=("${deck[@]:1}")
		picked=-
		[ -z "$from" ] || pick "$from" "$to"
		printf '%d %s %s %s\n' "$at" "$1" "$kind" "$picked"
		dealt=$((dealt + 1))
		pick $(($2 / 2)) $(($2 * 3 / 2))
		at=$((at + picked))
	done
}

# A seed gives one schedule. It is set where it is used: a part of a pipeline
# that does not do so has a RANDOM of its own.
make_schedule() {	# SEED SECONDS
	local lane
	{
		RANDOM=$1
		for lane in $lanes; do
			deal "${lane%:*}" "${lane#*:}" "$2"
		done
	} | sort -n
}
