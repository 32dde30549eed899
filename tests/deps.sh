#!/bin/bash
# deps.sh: installs what is missing on a bare Debian 12, or says how to. The
# daemons of the packages that it installs are not started: the project runs
# servers of its own (servers.sh).
set -eu

usage() {
	cat <<-'HELP'
	usage: tests/deps.sh [run|test|lint|fuzz|bench|longrun]

	  run   what building and running needs (default)
	  test  that, and what the tests need
	  lint  run's, and the checkers
	  fuzz  run's, and what make fuzz builds with
	  bench run's, and the peers that the benchmark compares with
	  longrun
	        test's, and what make check-valgrind looks with

	Installs with apt-get as root; says the command to others. The browser
	test's packages come by npm, into tests/browser/node_modules, and those
	of the Node peer into tests/bench/peers/node/node_modules.

	exit codes: 0 all is there (now), 2 something is missing
	HELP
}

root=$(cd "$(dirname "$0")/.." && pwd -P)
PATH=$PATH:/usr/sbin:/sbin
tries=3		# a mirror may hiccup

# PACKAGE, or PACKAGE:COMMAND where any program of that name will do.
run="gcc:gcc make:make pkg-config:pkg-config libc6-dev libfcgi-dev libpq-dev
	libhiredis-dev libyajl-dev uuid-dev libev-dev libssl-dev libcsv-dev libcrypt-dev
	libseccomp-dev redis-server:redis-server
	redis-tools:redis-cli nginx-light:nginx util-linux:setpriv"
# the font is for the Chinese of the screenshots
test="check libcurl4-openssl-dev ca-certificates chromium:chromium
	fonts-droid-fallback firefox-esr:firefox-esr
	nodejs:node npm:npm spawn-fcgi:spawn-fcgi curl:curl procps:ps spin:spin
	strace:strace"
lint="check libcurl4-openssl-dev git:git nodejs:node clang:clang clang-tidy:clang-tidy clang-format:clang-format
	cppcheck:cppcheck shellcheck:shellcheck
	systemd:systemd-analyze"
# libFuzzer is in the second
fuzz="clang:clang libclang-rt-dev"
longrun="valgrind:valgrind libc6-dbg"
bench="php8.2-fpm php8.2-pgsql php8.2-opcache php-redis php-apcu
	nodejs:node npm:npm curl:curl procps:ps"

die() {
	printf 'deps.sh: %s\n' "$*" >&2
	exit 2
}

# Sets missing[].
find_missing() {	# PACKAGE[:COMMAND]...
	local item installed
	missing=()
	# dpkg-query fails for a package that it has never heard of
	installed=" $(dpkg-query -W -f '${Package}=${db:Status-Status} ' \
		"${@%%:*}" 2>/dev/null || true)"
	for item; do
		if [ "$item" != "${item#*:}" ]; then
			[ -z "$(command -v "${item#*:}")" ] || continue
		elif [[ $installed == *" $item=installed "* ]]; then
			continue
		fi
		missing+=("${item%%:*}")
	done
	# its programs are not in PATH; which version does not matter
	if [ -z "$(command -v initdb)" ] &&
	   [ -z "$(compgen -G '/usr/lib/postgresql/*/bin/initdb')" ]; then
		missing+=(postgresql)
	fi
}

# Packages ask this file before they start a daemon. One that is there
# already is the administrator's, and stays.
policy=/usr/sbin/policy-rc.d
mark="# made by tests/deps.sh for the time of an installation"

forbid_daemons() {
	if [ -e "$policy" ] && ! grep -qxF "$mark" "$policy"; then
		return
	fi
	trap 'rm -f "$policy"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	printf '%s\n' '#!/bin/sh' "$mark" 'exit 101' >"$policy"
	chmod 755 "$policy"
}

install_packages() {
	local try
	echo "installing with apt-get: ${missing[*]}"
	forbid_daemons
	for ((try = 1; try <= tries; try++)); do
		# The lists may be absent, or older than the mirror's packages.
		# One broken source must not keep us from the others.
		apt-get -q update ||
			echo "going on with the package lists that are here" >&2
		if DEBIAN_FRONTEND=noninteractive apt-get -qy \
			-o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 \
			install --no-install-recommends "${missing[@]}"; then
			echo "installed. Their daemons were not started, but" \
				"Debian starts them at the next boot;" \
				"systemctl disable NAME prevents that."
			return
		fi
		echo "apt-get failed ($try of $tries)" >&2
	done
	die "apt-get could not install: ${missing[*]}"
}

install_npm_packages() {	# FOLDER OF package-lock.json
	local dir=$root/$1
	if [ -e "$dir/node_modules/.package-lock.json" ] &&
	   [ ! "$dir/package-lock.json" -nt \
	     "$dir/node_modules/.package-lock.json" ]; then
		return
	fi
	echo "installing the packages of $1 with npm"
	# the browsers are Debian's; npm tries again by itself
	(cd "$dir" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 \
		PUPPETEER_SKIP_DOWNLOAD=1 \
		npm ci --ignore-scripts --no-audit --no-fund) ||
		die "npm could not install $1/package-lock.json"
}

case ${1:-run} in
-h | --help | help)
	usage
	exit 0
	;;
run) wanted=$run ;;
test) wanted="$run $test" ;;
lint) wanted="$run $lint" ;;
fuzz) wanted="$run $fuzz" ;;
bench) wanted="$run $bench" ;;
longrun) wanted="$run $test $longrun" ;;
*)
	usage >&2
	exit 2
	;;
esac

[ -n "$(command -v dpkg-query)" ] ||
	die "this is not Debian; install by hand what stands for:" \
		"${wanted//[$'\n\t']/ }"
# shellcheck disable=SC2086 # a list of words
find_missing $wanted
if [ "${#missing[@]}" -gt 0 ]; then
	if [ "$(id -u)" != 0 ]; then
		die "some packages are missing; to install them:" \
			"sudo apt-get install --no-install-recommends" \
			"${missing[*]}"
	fi
	install_packages
fi
case ${1:-run} in
test | longrun) install_npm_packages tests/browser ;;
bench) install_npm_packages tests/bench/peers/node ;;
esac
