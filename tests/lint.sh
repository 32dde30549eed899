#!/bin/bash
# Looks for faults without running anything: compilers' and other analyzers,
# formats, the order of the floors, scripts, and nginx's own check of our
# configuration. The last line is "N passed, N failed"; exit status 0 or 1.
set -u
cd "$(dirname "$0")/.." || exit 2

passed=0
failed=0
out=$(mktemp -d) || exit 2
trap 'rm -rf "$out"' EXIT

# check NAME COMMAND...: quiet when it is well
check() {
	local name=$1
	shift
	if "$@" >"$out/log" 2>&1; then
		echo "ok    $name"
		passed=$((passed + 1))
	else
		echo "FAIL  $name"
		sed 's/^/      /' "$out/log" | head -n 60
		failed=$((failed + 1))
	fi
}

mapfile -t sources < <(git ls-files '*.c')
mapfile -t c_files < <(git ls-files '*.c' '*.h')
mapfile -t ours < <(git ls-files 'fcgi/*.c')
mapfile -t shells < <(git ls-files '*.sh' .ci/run)
mapfile -t scripts < <(git ls-files '*.js' '*.mjs')

flags="-std=c17 -D_GNU_SOURCE -Ifcgi $(pkg-config --cflags libpq hiredis yajl \
	uuid fcgi libseccomp check libcurl)"

analyze() {
	local f bad=0
	for f in "${ours[@]}"; do
		# shellcheck disable=SC2086
		gcc $flags -O1 -fanalyzer -Werror -c -o "$out/x.o" "$f" || bad=1
	done
	return $bad
}

tidy() {
	# shellcheck disable=SC2086
	clang-tidy --quiet --warnings-as-errors='*' "${ours[@]}" -- $flags \
		2>"$out/tidy.err"
}

# No include runs upwards: base < store < pipeline < web < process.
floors() {
	local bad=0
	forbid() {
		if grep -nE "#include \"($2)/" fcgi/"$1"/*.[ch]; then
			echo "fcgi/$1 must not include from: $2"
			bad=1
		fi
	}
	forbid base 'store|pipeline|web|process'
	forbid store 'pipeline|web|process'
	forbid pipeline 'web|process'
	forbid web 'process'
	# the libraries stay on their floor
	if grep -lE 'libpq-fe\.h|hiredis\.h' fcgi/{base,pipeline,web,process}/*.[ch] ||
		grep -lE 'fcgiapp\.h' fcgi/{base,store,pipeline}/*.[ch]; then
		echo "a library is used outside of its floor"
		bad=1
	fi
	# never clear an error of hiredis, never reconnect with it (pitfalls)
	if grep -nE 'redisReconnect|->err = 0' fcgi/*/*.c; then
		bad=1
	fi
	return $bad
}

javascript() {
	local f bad=0
	for f in "${scripts[@]}"; do
		case $f in
		*.mjs) node --check "$f" || bad=1 ;;
		*) node --input-type=module --check <"$f" || bad=1 ;;
		esac
	done
	return $bad
}

# The mutants still fit the code, say what they are (tests/mutants.sh), and by
# which tests they are caught: those are there.
mutants() {
	local patch name suite tcase bad=0
	for patch in tests/mutants/*.patch; do
		git apply --check "$patch" || bad=1
		for name in Weakens Breaks Suite; do
			if ! sed '/^diff /q' "$patch" | grep -q "^$name: ."; then
				echo "$patch has no \"$name:\" in its head"
				bad=1
			fi
		done
		while IFS=/ read -r suite tcase; do
			grep -qs "case(suite, \"$tcase\"" \
				tests/integration/"$suite"*.c || {
				echo "$patch: no tests are named $suite/$tcase"
				bad=1
			}
		done < <(sed -n '/^diff /q; s/^Suite: //p' "$patch" |
			tr ',' '\n' | sed -n 's/^ *integration  *//p')
	done
	return $bad
}

# What systemd itself says of the units: that they can be read, and how much
# the services may do, out of 100 ("exposure").
units() {
	local unit bad=0
	mkdir "$out/units"
	for unit in fcgi/systemd/*; do
		sed 's|@prefix@/sbin/[a-z-]*|/bin/true|' "$unit" \
			>"$out/units/${unit##*/}"
	done
	(
		cd "$out/units" || exit
		systemd-analyze verify --man=no ./*
	) || bad=1
	for unit in withdrawd withdraw-reconcile; do
		systemd-analyze security --offline=true --no-pager \
			--threshold=12 "$out/units/$unit.service" || bad=1
	done
	return $bad
}

check "gcc, no warning" make -s -j2 BUILD="$out/gcc" WERROR=1 CC=gcc all checks
check "clang, no warning" make -s -j2 BUILD="$out/clang" WERROR=1 CC=clang \
	all checks
check "gcc -fanalyzer" analyze
check "clang-tidy" tidy
check "cppcheck" cppcheck --quiet --std=c11 --enable=warning,portability \
	--inline-suppr --suppress=missingIncludeSystem \
	--suppress=varFuncNullUB --error-exitcode=1 \
	-Ifcgi -D_GNU_SOURCE "${sources[@]}"
check "clang-format" clang-format --dry-run -Werror "${c_files[@]}"
check "floors" floors
check "shellcheck" shellcheck "${shells[@]}"
check "javascript" javascript
check "mutants" mutants
check "systemd units" units
check "nginx -t" tests/servers.sh check-nginx
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
