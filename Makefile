# make help lists the targets. GNU make.
#
# What a user gives (CFLAGS, LDFLAGS, CC) comes last and wins; what the code
# needs stands in its own variables.

VERSION = 0.1.0

prefix   ?= /usr/local
DESTDIR  ?=
INSTALL  ?= install
BUILD    ?= build
RUN_DIR  ?= .run
PORT     ?= 8080
CFLAGS   ?= -O2 -g
WERROR   ?= 0
SANITIZE ?=
COVERAGE ?= 0
SECONDS  ?= 60
SUITES   ?=
TARGET   ?=
MUTANT   ?=
RUNS     ?= 500
SEED     ?=
REQUESTS ?= 1000000
TURNS    ?= 200

PKGS   = libpq hiredis yajl uuid fcgi libseccomp
PKGDEP = $(shell pkg-config --exists $(PKGS) 2>/dev/null && echo yes)

# -isystem: the warnings are for our code, not for the libraries' headers
OUR_CPPFLAGS = -Ifcgi -D_GNU_SOURCE -DWITHDRAW_VERSION='"$(VERSION)"' \
	$(subst -I,-isystem ,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))
OUR_CFLAGS = -std=c17 -fno-strict-aliasing -Wall -Wextra -Wshadow \
	-Wconversion -Wno-sign-conversion -Wcast-qual -Wvla \
	-Wmissing-prototypes -Wstrict-prototypes -Wswitch-enum -Wpointer-arith
OUR_LDLIBS = $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lev

ifeq ($(WERROR),1)
OUR_CFLAGS += -Werror
endif
ifneq ($(SANITIZE),)
OUR_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
else ifeq ($(COVERAGE),1)
OUR_CFLAGS += --coverage -fprofile-update=atomic
COUNTERS   = $(BUILD)/obj/tests/coverage/dump.o
else
OUR_CPPFLAGS += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
OUR_CFLAGS   += -fstack-protector-strong -fPIE
OUR_LDFLAGS  += -pie -Wl,-z,relro,-z,now
endif

MAINS = fcgi/withdrawd.c fcgi/withdrawctl.c fcgi/reconcile.c
CTL   = $(wildcard fcgi/ctl/*.c)
RECONCILE = $(wildcard fcgi/reconcile/*.c)
PARTS = $(filter-out $(CTL) $(RECONCILE),$(wildcard fcgi/*/*.c))
UNIT  = $(wildcard tests/unit/*.c)
INTEG = $(wildcard tests/integration/*.c)
BENCH = $(wildcard tests/bench/*.c tests/bench/*/*.c)
FUZZ  = $(wildcard tests/fuzz/*.c)
TORTURE = $(wildcard tests/torture/*.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

PROGRAMS = $(BUILD)/withdrawd $(BUILD)/withdrawctl $(BUILD)/withdraw-reconcile
SHIM     = $(BUILD)/faults.so
FULL     = $(BUILD)/full.so
CHECKS   = $(BUILD)/check_unit $(BUILD)/check_integration
BENCHERS = $(addprefix $(BUILD)/,measure load hello scripts)
TORTURERS = $(addprefix $(BUILD)/torture-,client credit check proxy liar \
	clock.so)

# a file a target, but for these, which all of them share
FUZZ_SHARED = fuzz flat records
FUZZ_TARGETS = $(filter-out $(FUZZ_SHARED) replay,$(FUZZ:tests/fuzz/%.c=%))
FUZZERS  = $(FUZZ_TARGETS:%=$(BUILD)/fuzz_%)

all: $(PROGRAMS) ## build the programs

$(BUILD)/withdrawd: $(call obj,fcgi/withdrawd.c $(PARTS))
# hashes of passwords and of session ids
$(BUILD)/withdrawd: OUR_LDLIBS += -lcrypt -lcrypto -lpthread
$(BUILD)/withdrawctl: $(call obj,fcgi/withdrawctl.c $(CTL) \
	fcgi/reconcile/snapshot.c fcgi/reconcile/chain.c fcgi/reconcile/entry.c \
	fcgi/signin/name.c fcgi/web/strict.c \
	$(wildcard fcgi/base/*.c))
$(BUILD)/withdrawctl: OUR_LDLIBS += -lcsv -lcrypt -lcrypto
$(BUILD)/withdraw-reconcile: $(call obj,fcgi/reconcile.c $(RECONCILE) \
	fcgi/ctl/actor.c fcgi/ctl/db.c fcgi/ctl/json.c fcgi/ctl/output.c \
	fcgi/ctl/redis.c fcgi/pipeline/record.c $(wildcard fcgi/base/*.c))
# the hash of an entry, computed anew; libpq brings libcrypto in any case
$(BUILD)/check_unit: OUR_LDLIBS += -lcsv -lcrypt -lcrypto -lpthread
$(BUILD)/withdraw-reconcile: OUR_LDLIBS += -lcrypto
$(BUILD)/check_unit: $(call obj,$(UNIT) $(PARTS) fcgi/ctl/results.c \
	fcgi/reconcile/chain.c fcgi/reconcile/fold.c fcgi/reconcile/numeric.c \
	tests/bench/load/histogram.c)
$(BUILD)/check_integration: $(call obj,$(INTEG) $(wildcard fcgi/base/*.c))

$(BUILD)/measure: $(call obj,tests/bench/measure.c)
$(BUILD)/load: $(call obj,tests/bench/load.c $(wildcard tests/bench/load/*.c))
$(BUILD)/hello: $(call obj,tests/bench/hello.c fcgi/web/server.c \
	fcgi/web/frame.c fcgi/web/request.c fcgi/process/listen.c \
	$(wildcard fcgi/base/*.c))
$(BUILD)/scripts: $(call obj,tests/bench/scripts.c tests/bench/load/histogram.c \
	tests/bench/load/http.c $(PARTS))
$(BUILD)/scripts: OUR_LDLIBS += -lcrypt -lcrypto -lpthread

# Of the archive, a fuzz target gets what it calls, and none of the main's. It
# makes its inputs up with libFuzzer, and repeats those of a file without.
LIBFUZZER ?= 0
ifeq ($(LIBFUZZER),1)
FUZZ_MAIN = -fsanitize=fuzzer
else
FUZZ_MAIN = $(call obj,tests/fuzz/replay.c)
$(FUZZERS): $(FUZZ_MAIN)
endif

$(BUILD)/fuzzed.a: $(call obj,$(PARTS) fcgi/ctl/results.c \
	fcgi/reconcile/chain.c fcgi/reconcile/fold.c fcgi/reconcile/numeric.c \
	$(FUZZ_SHARED:%=tests/fuzz/%.c))
	rm -f $@
	$(AR) rcs $@ $^

$(FUZZERS): $(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/fuzzed.a
	$(CC) $(OUR_CFLAGS) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) \
		-Wl,--wrap=write -o $@ $< $(FUZZ_MAIN) $(BUILD)/fuzzed.a \
		$(OUR_LDLIBS) -lcsv -lcrypt -lcrypto -lpthread $(LDLIBS)
torture = $(call obj,$(patsubst %,tests/torture/%.c,$(1)))

$(BUILD)/torture-client: $(call torture,client http history)
$(BUILD)/torture-client: OUR_LDLIBS += \
	$(shell pkg-config --libs libcurl 2>/dev/null)
$(BUILD)/torture-credit: $(call torture,credit history)
$(BUILD)/torture-check: $(call torture,check lines rules tables)
$(BUILD)/torture-proxy $(BUILD)/torture-liar: $(BUILD)/torture-%: \
	$(BUILD)/obj/tests/torture/%.o $(call obj,tests/integration/usock.c)

# preloaded into Redis: no sanitizer in it
$(BUILD)/torture-clock.so: tests/torture/clock.c
	@mkdir -p $(@D)
	$(CC) -std=c17 -D_GNU_SOURCE -Wall -Wextra -O2 -fPIC -shared -o $@ $<

# nothing that was counted is lost where a process ends by _exit()
ifneq ($(COUNTERS),)
$(PROGRAMS) $(CHECKS): $(COUNTERS)
$(PROGRAMS) $(CHECKS): OUR_LDFLAGS += -Wl,--wrap=_exit
endif

$(CHECKS): OUR_LDLIBS += $(shell pkg-config --libs check libcurl 2>/dev/null) \
	-lpthread

$(PROGRAMS) $(CHECKS) $(filter-out %.so,$(TORTURERS)) $(BENCHERS):
	@mkdir -p $(@D)
	$(CC) $(OUR_CFLAGS) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ \
		$(OUR_LDLIBS) $(LDLIBS)

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -MMD -MP \
		-c -o $@ $<

-include $(patsubst %.o,%.d,$(call obj,$(MAINS) $(CTL) $(RECONCILE) $(PARTS) \
	$(UNIT) $(INTEG) $(BENCH) $(FUZZ) $(TORTURE)) $(COUNTERS))

# --- running it ---------------------------------------------------------------
# deps may install pkg-config itself: what follows runs in a make of its own,
# which asks it anew.

SERVERS = RUN_DIR='$(RUN_DIR)' PORT='$(PORT)' BUILD='$(BUILD)' tests/servers.sh

run: deps-run ## start it all under .run/, in the foreground; PORT=8080
	@$(MAKE) --no-print-directory -s all
	@exec env $(SERVERS) run

start: deps-run ## the same in the background
	@$(MAKE) --no-print-directory -s all
	@$(SERVERS) start

stop: ## stop what start (or run) started
	@$(SERVERS) stop

status: ## what is running
	@$(SERVERS) status

deps-run deps-test deps-lint deps-fuzz deps-longrun:
	@tests/deps.sh $(@:deps-%=%)

# --- tests ----------------------------------------------------------------------

test: deps-test ## run every test
	@$(MAKE) --no-print-directory -s -j2 all checks
	@BUILD='$(BUILD)' tests/run.sh

checks: $(CHECKS) $(FUZZERS) $(TORTURERS) $(BENCHERS) $(SHIM) $(FULL)

# stands before calls of withdrawd and of its libraries, sanitized or not
$(SHIM): tests/faults/shim.c tests/faults/shim.h Makefile
	@mkdir -p $(@D)
	$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) \
		$(filter-out -fsanitize=% --coverage,$(OUR_CFLAGS)) \
		$(CFLAGS) -fPIC -shared $(LDFLAGS) -o $@ $< -ldl

# stands before calls of Postgres
$(FULL): tests/faults/full.c Makefile
	@mkdir -p $(@D)
	$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(filter-out -fsanitize=%,$(OUR_CFLAGS)) \
		$(CFLAGS) -fPIC -shared $(LDFLAGS) -o $@ $< -ldl

torture: deps-test ## faults of all kinds, and liars; SECONDS=60, SEED=1
	@$(MAKE) --no-print-directory -s -j2 all $(TORTURERS)
	@BUILD='$(BUILD)' TORTURE_SECONDS='$(SECONDS)' SEED='$(SEED)' \
		SCHEDULE='$(SCHEDULE)' tests/torture/run.sh

check-asan: deps-test ## unit, integration under ASan and UBSan; SUITES="calls days"
	@$(MAKE) --no-print-directory -s -j2 BUILD=$(BUILD)/asan \
		SANITIZE=address,undefined CFLAGS='-O1 -g' all checks
	@BUILD=$(BUILD)/asan SUITES='$(SUITES)' tests/run.sh unit fuzz integration

coverage: deps-test ## branches of the pipeline, the parsers and money: all taken?
	@$(MAKE) --no-print-directory -s -j2 BUILD=$(BUILD)/coverage COVERAGE=1 \
		CC=gcc CFLAGS='-O0 -g' all checks
	@BUILD=$(BUILD)/coverage tests/coverage.sh

faults: deps-test ## the worker killed, and its calls failing, at every point
	@$(MAKE) --no-print-directory -s -j2 all checks
	@BUILD='$(BUILD)' FAULTS=all CK_INCLUDE_TAGS=struck \
		tests/run.sh integration

longrun: deps-longrun ## REQUESTS=1000000 by one worker, TURNS=200, valgrind
	@$(MAKE) --no-print-directory -s -j2 all checks
	@BUILD='$(BUILD)' REQUESTS='$(REQUESTS)' tests/run.sh longrun
	@BUILD='$(BUILD)' TURNS='$(TURNS)' CK_RUN_SUITE=process \
		CK_RUN_CASE=turns CK_TIMEOUT_MULTIPLIER=60 \
		tests/run.sh integration
	@BUILD='$(BUILD)' tests/valgrind.sh

check-valgrind: deps-longrun ## the programs under valgrind: errors and leaks
	@$(MAKE) --no-print-directory -s -j2 all checks
	@BUILD='$(BUILD)' tests/valgrind.sh

check-random: deps-test ## reset the page's network at random; RUNS=500, SEED=
	@$(MAKE) --no-print-directory -s -j2 all
	@BUILD='$(BUILD)' BROWSER_TESTS=random RUNS='$(RUNS)' \
		$(if $(SEED),SEED='$(SEED)') tests/run.sh browser

check-fuzz: deps-test ## the fuzz targets on the inputs that are kept; seconds
	@$(MAKE) --no-print-directory -s -j2 fuzzers
	@BUILD='$(BUILD)' tests/run.sh fuzz

fuzz: deps-fuzz ## search for faults; SECONDS=60 each, TARGET=name for one
	@$(MAKE) --no-print-directory -s -j2 BUILD=$(BUILD)/fuzz CC=clang \
		LIBFUZZER=1 SANITIZE=address,undefined,fuzzer-no-link \
		CFLAGS='-O1 -g' fuzzers
	@BUILD='$(BUILD)/fuzz' tests/fuzz.sh '$(SECONDS)' $(TARGET)

fuzzers: $(FUZZERS)

mutants: deps-test ## weaken one place at a time: a test goes red; MUTANT=name
	@$(MAKE) --no-print-directory -s -j2 all $(CHECKS) $(SHIM) $(FULL)
	@BUILD='$(BUILD)' MUTANT='$(MUTANT)' tests/mutants.sh

model: deps-test ## search the model of the pipeline; MODEL=long: for hours
	@tests/model/run.sh

bench: deps-run ## how fast it is, on servers of its own; QUICK=1, SECTION=growth
	@$(MAKE) --no-print-directory -s -j2 all $(BENCHERS)
	@BUILD='$(BUILD)' tests/bench.sh $(if $(JSON),'--json=$(JSON)') $(SECTION)

lint: deps-lint ## analyzers, formats, configuration of nginx, scripts
	@tests/lint.sh

format: ## put the C files into the house format
	clang-format -i $$(git ls-files '*.c' '*.h')

# --- installing -------------------------------------------------------------------

share = $(DESTDIR)$(prefix)/share/withdraw

install: all ## install under prefix (DESTDIR for packagers)
	$(INSTALL) -d $(DESTDIR)$(prefix)/sbin $(DESTDIR)$(prefix)/bin \
		$(DESTDIR)$(prefix)/share/man/man8 \
		$(DESTDIR)$(prefix)/lib/systemd/system \
		$(DESTDIR)$(prefix)/share/bash-completion/completions \
		$(share)/sql $(share)/static/words $(share)/nginx/snippets \
		$(share)/redis
	$(INSTALL) $(BUILD)/withdrawd $(BUILD)/withdraw-reconcile \
		$(DESTDIR)$(prefix)/sbin/
	$(INSTALL) $(BUILD)/withdrawctl $(DESTDIR)$(prefix)/bin/
	$(BUILD)/withdrawctl completion bash > \
		$(DESTDIR)$(prefix)/share/bash-completion/completions/withdrawctl
	$(INSTALL) -m 644 fcgi/man/*.8 $(DESTDIR)$(prefix)/share/man/man8/
	$(INSTALL) -m 644 sql/*.sql $(share)/sql/
	$(INSTALL) -m 644 fcgi/redis/withdraw.conf $(share)/redis/
	$(INSTALL) -m 644 static/*.* $(share)/static/
	$(INSTALL) -m 644 static/words/* $(share)/static/words/
	sed 's|/usr/share/withdraw/|$(prefix)/share/withdraw/|' \
		nginx/withdraw.conf > $(share)/nginx/withdraw.conf
	$(INSTALL) -m 644 nginx/snippets/* $(share)/nginx/snippets/
	for unit in fcgi/systemd/*; do \
		sed 's|@prefix@|$(prefix)|g' $$unit > \
		$(DESTDIR)$(prefix)/lib/systemd/system/$${unit##*/} || exit; \
	done

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(prefix)/sbin/withdrawd \
		$(DESTDIR)$(prefix)/sbin/withdraw-reconcile \
		$(DESTDIR)$(prefix)/bin/withdrawctl \
		$(DESTDIR)$(prefix)/share/bash-completion/completions/withdrawctl \
		$(DESTDIR)$(prefix)/share/man/man8/withdraw*.8 \
		$(DESTDIR)$(prefix)/lib/systemd/system/withdrawd.* \
		$(DESTDIR)$(prefix)/lib/systemd/system/withdraw-reconcile.*
	rm -rf $(share)

clean: ## remove what was built (not .run/)
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | \
		expand -t 16

.PHONY: all run start stop status deps-run deps-test deps-lint deps-fuzz \
	deps-longrun test checks check-asan check-valgrind check-fuzz \
	check-random coverage fuzz fuzzers torture model faults mutants longrun \
	bench lint format install uninstall clean help
.DELETE_ON_ERROR:
