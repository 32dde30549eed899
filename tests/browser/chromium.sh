#!/bin/sh
# chromium.sh ARG...: Chromium without the pages of its address bar, which it
# would make for each context, in a process of their own: a third of the work
# of a test. Of several --disable-features it heeds the last, and Playwright
# has one with a list of its own, so ours are added to that.
unused=WebUIOmniboxPopup,WebUIOmniboxAimPopup

for arg; do
	shift
	case $arg in --disable-features=*) arg=$arg,$unused ;; esac
	set -- "$@" "$arg"
done
exec "${CHROMIUM:-/usr/bin/chromium}" "$@"
