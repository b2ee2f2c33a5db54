# mxwitness: `make help` says what this file can do.
CC       ?= gcc
CFLAGS   ?= -O2 -g
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes
HARDEN   ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -fstack-clash-protection
PKGS     := libpcap libcrypto libssl libunbound yaml-0.1 libpcre2-8 zlib libzstd liblzma libseccomp libmicrohttpd sqlite3 libpsl
PKGFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LDLIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
NDPI     ?= $(shell pkg-config --exists libndpi 2>/dev/null && echo yes)
ifeq ($(NDPI),yes)               # optional: `make NDPI=no` builds without it
PKGFLAGS += -DHAVE_NDPI $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libndpi))
LDLIBS   += $(shell pkg-config --libs libndpi)
endif
NATS     ?= $(shell pkg-config --exists libnats 2>/dev/null && echo yes)
ifeq ($(NATS),yes)               # likewise
PKGFLAGS += -DHAVE_NATS $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libnats))
LDLIBS   += $(shell pkg-config --libs libnats)
endif
KAFKA    ?= $(shell pkg-config --exists rdkafka 2>/dev/null && echo yes)
ifeq ($(KAFKA),yes)              # likewise
PKGFLAGS += -DHAVE_KAFKA $(patsubst -I%,-isystem %,$(shell pkg-config --cflags rdkafka))
LDLIBS   += $(shell pkg-config --libs rdkafka)
endif
FLAGS     = -std=c17 -D_GNU_SOURCE $(WARN) $(WERROR) $(HARDEN) -Isrc -Isensor $(PKGFLAGS) \
            -DMXWITNESS_RULES='"$(PREFIX)/share/mxwitness/rules"' -MMD -MP $(CFLAGS)
LDHARD   ?= -pie -Wl,-z,relro,-z,now
B        ?= build
PREFIX   ?= /usr/local
FUZZMAIN ?= $B/tests/fuzz/standalone.o
T        ?= 60
LIB      := $(patsubst %.c,$B/%.o,$(wildcard src/*.c src/*/*.c))
SENSOR   := $(patsubst %.c,$B/%.o,$(wildcard sensor/*.c))
PARTS    := $(filter-out $B/sensor/main.o,$(SENSOR))
CHECK    := $(patsubst %.c,$B/%.o,$(filter-out tools/mxcheck/main.c,$(wildcard tools/mxcheck/*.c)))
UNIT     := $(patsubst %.c,$B/%,$(wildcard tests/unit/test_*.c))
CHECKUNIT := $(patsubst %.c,$B/%,$(wildcard tests/unit/test_mxcheck*.c))
HELPERS  := $(addprefix $B/tests/,again/roundtrip live/ask latency/interims sandbox/attempt bench/live_loop tamper/tamper deliver/send load/flood quarter/quarter \
            $(if $(findstring -DHAVE_KAFKA,$(PKGFLAGS)),deliver/kafka))
FUZZ     := $(patsubst %.c,$B/%,$(wildcard tests/fuzz/fuzz_*.c))

all: $B/mxwitness $B/mxcheck     ## build the sensor and its companion
$B/mxwitness: $(SENSOR) $B/libmxwitness.a
	@echo "  LD $@" && $(CC) $(FLAGS) $(LDFLAGS) $(LDHARD) -o $@ $^ $(LDLIBS)
$B/mxcheck: $B/tools/mxcheck/main.o $(CHECK) $B/libsensor.a $B/libmxwitness.a
	@echo "  LD $@" && $(CC) $(FLAGS) $(LDFLAGS) $(LDHARD) -Wl,--as-needed -o $@ $^ $(LDLIBS) -lcurl -lldns
$B/tools/mxcheck/%.o $(CHECKUNIT:%=%.o): FLAGS += -Itools/mxcheck
$B/libsensor.a: $(PARTS)
	@rm -f $@ && $(AR) rcs $@ $(PARTS)
$(CHECKUNIT): $(CHECK)
$(CHECKUNIT): LDLIBS += -lcurl -lldns
$B/libmxwitness.a: $(LIB) src src/wire src/judge
	@rm -f $@ && $(AR) rcs $@ $(LIB)
$B/%.o: %.c
	@mkdir -p $(@D) && echo "  CC $@" && $(CC) $(FLAGS) -c -o $@ $<
$(UNIT): $B/%: $B/%.o $(PARTS) $B/libmxwitness.a
	@echo "  LD $@" && $(CC) $(FLAGS) $(LDFLAGS) $(LDHARD) -o $@ $^ $(LDLIBS) -lcmocka
$(FUZZ): $B/%: $B/%.o $(FUZZMAIN) $(PARTS) $B/libmxwitness.a
	@echo "  LD $@" && $(CC) $(FLAGS) $(LDFLAGS) $(LDHARD) -o $@ $^ $(LDLIBS)
$(HELPERS): $B/%: $B/%.o $(PARTS) $B/libmxwitness.a
	@echo "  LD $@" && $(CC) $(FLAGS) $(LDFLAGS) $(LDHARD) -o $@ $^ $(LDLIBS)
QUARTER  := $(patsubst %.c,$B/%.o,$(wildcard tests/quarter/*.c))
$B/tests/quarter/quarter: $(QUARTER)
demo: all                        ## judge the captures under tests/pcaps/demo/, offline
	@$B/mxwitness read --all --format table --trust-anchor tests/pcaps/root.anchor tests/pcaps/demo || [ $$? -eq 1 ]
tests: all $(UNIT) $(FUZZ) $(HELPERS)
check: tests pure                ## all that a change must pass
	@sh tests/check.sh $B
asan:                            ## the tests under ASan and UBSan
	BRIEF=1 CAPTURE_SHARE=12 SHARE=400 EVIDENCE_SHARE=300 TAMPER=4 $(MAKE) B=build/asan HARDEN= LDHARD= CFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all' \
	        WARN= PAIRS=120 check-only
check-only: tests
	@PAIRS=$(PAIRS) sh tests/check.sh $B
fuzz:                            ## libFuzzer, T seconds for each parser
	$(MAKE) B=build/fuzz CC=clang HARDEN= LDHARD= CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined' \
	        LDFLAGS=-fsanitize=fuzzer FUZZMAIN= fuzz-run
fuzz-run: $(FUZZ)
	@set -e; for t in $^; do n=$${t##*/fuzz_}; mkdir -p $B/corpus/$$n; echo "== $$n"; \
	        $$t -max_total_time=$T -rss_limit_mb=2048 -print_final_stats=0 $B/corpus/$$n tests/fuzz/corpus/$$n; done
live: all $(HELPERS)             ## record scenarios anew with real servers and judge them (root); BRIEF=1: the shorter half
	@sh tests/live.sh $B/mxwitness $(SCENARIOS)
	@python3 tests/live_dns.py $B/tests/live/ask $B/mxwitness
	@python3 tests/live_postfix.py $B/mxwitness
	@python3 tests/mxcheck_sts.py $B/mxcheck
	@[ -n "$(BRIEF)" ] || python3 tests/receivers.py $B/tests/deliver/send --long
	@[ -n "$(BRIEF)" ] || python3 tests/brokers.py $B/tests/deliver/send --long
	@[ -n "$(BRIEF)" ] || python3 tests/kafka.py $B/tests/deliver/send $B/tests/deliver/kafka --long
	@[ -n "$(BRIEF)" ] || python3 tests/watch.py $B/mxwitness --long
	@[ -n "$(BRIEF)" ] || python3 tests/watch_dns.py $B/mxwitness
	@[ -n "$(BRIEF)" ] || python3 tests/watch_domains.py $B/mxwitness
	@[ -n "$(BRIEF)" ] || python3 tests/load.py $B/mxwitness $B/tests/load/flood --long
proof: all $(HELPERS)            ## long runs, by hand: every cut, every lost packet, every altered octet, ten minutes of fuzzing a parser
	THOROUGH=1 python3 tests/evidence.py $B/mxwitness
	SHARE=1 python3 tests/tamper.py $B/mxwitness $B/tests/tamper/tamper
	python3 tests/invariance.py $B/mxwitness --pairs 200000
	POINTS=100 python3 tests/kill_state.py $B/mxwitness
	python3 tests/schema.py $B/mxwitness ../shared/referees/ecs-fields.csv
	python3 tests/judge_again.py $B/mxwitness $B/tests/again/roundtrip --long
	python3 tests/fleet.py $B/mxwitness --long
	$(MAKE) fuzz T=600
invariance: all                  ## captures under transforms: the same findings and facts, PAIRS of them
	@python3 tests/invariance.py $B/mxwitness --pairs $(or $(PAIRS),20000)
mutations: all                   ## make the captures that tests/mutations/ describes
	@python3 tools/mutate/mutate.py make tests/pcaps tests/mutations/*.toml
bench: all $B/tests/live/ask $B/tests/bench/live_loop $B/tests/quarter/quarter  ## CPU and memory beside tcpdump, tshark and bare libpcap
	@python3 tests/bench/bench.py $B/mxwitness
	@python3 tests/bench/live_dns.py $B/tests/live/ask $B/mxwitness
	@python3 tests/bench/live_rates.py $B/mxwitness $B/tests/bench/live_loop
	@python3 tests/bench/state_rates.py $B/mxwitness $B/tests/quarter/quarter
quarter: all $B/tests/quarter/quarter  ## a quarter of a made-up mail world, of eight seeds: recall and false alarms
	@python3 tests/quarter.py $B/mxwitness $B/tests/quarter/quarter --long
soak: all $B/tests/load/flood    ## twenty minutes (SOAK=seconds) of all captures into the sensor: how its memory grows (root)
	@python3 tests/load/soak.py $B/mxwitness $B/tests/load/flood
record:                          ## record the scenarios anew, with real MTAs (root)
	tools/record/record
pure: $B/libmxwitness.a          ## src/: no state, no I/O, no clock; wire and judge do not meet
	@! size -A $< | awk '/^\.(data|bss) / && $$2' | grep .
	@! nm -u $< | grep -wE 'open|read|write|socket|connect|fopen|s?n?printf|getenv|time|clock_gettime|fork|pthread_create'
	@! grep -rn '"judge/' src/wire && ! grep -rn '"wire/' src/judge
docs: all                        ## write the generated pages and the example anew
	$B/mxwitness rules list --format mdoc -o man/mxwitness-findings.7
	$B/mxwitness rules fields --format mdoc -o man/mxwitness-fields.7
	$B/mxwitness config keys -o contrib/mxwitness.yaml
	$B/mxwitness config keys --format mdoc -o $B/keys.mdoc
	sed -i -e '/^\.\\" BEGIN/,/^\.\\" END/{//!d}' -e '/^\.\\" BEGIN/r $B/keys.mdoc' man/mxwitness.conf.5
	$B/mxwitness rules fields --format metrics -o man/mxwitness-metrics.7
	$B/mxwitness rules fields --format schema -o schema/event.schema.json
	$B/mxwitness rules fields --format template -o contrib/elasticsearch/index-template.json
	python3 tests/formats.py $B/mxwitness --write
PAGES    := $(wildcard man/*.[1-8])
RULES     = $(wildcard rules/*.yaml) $(wildcard rules/tests/*.yaml)
UNITS     = $(DESTDIR)$(PREFIX)/lib/systemd/system/mxwitness.service $(DESTDIR)$(PREFIX)/lib/systemd/system/mxwitness@.service \
            $(DESTDIR)$(PREFIX)/lib/systemd/system/mxcheck-sts.service $(DESTDIR)$(PREFIX)/lib/systemd/system/mxcheck-sts.timer
SYSTEMD   = $(DESTDIR)$(PREFIX)/lib/sysusers.d/mxwitness.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/mxwitness.conf
TEXTS     = $(foreach d,elasticsearch filebeat grafana logrotate rsyslog splunk syslog-ng vector,$(wildcard contrib/$d/*))
install: all                     ## into DESTDIR and PREFIX, units of systemd too; starts nothing
	for p in mxwitness mxcheck; do install -D -m 755 $B/$$p $(DESTDIR)$(PREFIX)/bin/$$p || exit; done
	for f in $(RULES); do install -D -m 644 $$f $(DESTDIR)$(PREFIX)/share/mxwitness/$$f || exit; done
	install -D -m 644 contrib/mxwitness.yaml $(DESTDIR)$(PREFIX)/share/doc/mxwitness/mxwitness.yaml
	install -D -m 644 schema/event.schema.json $(DESTDIR)$(PREFIX)/share/mxwitness/schema/event.schema.json
	for f in $(TEXTS); do install -D -m 644 $$f $(DESTDIR)$(PREFIX)/share/doc/mxwitness/$${f#contrib/} || exit; done
	for p in $(PAGES); do install -D -m 644 $$p $(DESTDIR)$(PREFIX)/share/man/man$${p##*.}/$${p##*/} || exit; done
	install -d $(dir $(UNITS) $(SYSTEMD))
	for u in $(UNITS); do sed 's|@PREFIX@|$(PREFIX)|' contrib/systemd/$${u##*/} > $$u && chmod 644 $$u || exit; done
	install -m 644 contrib/systemd/mxwitness.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/mxwitness.conf
	install -m 644 contrib/systemd/mxwitness.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/mxwitness.conf
uninstall:                       ## what install put there; configuration, state and events stay
	rm -f $(DESTDIR)$(PREFIX)/bin/mxwitness $(DESTDIR)$(PREFIX)/bin/mxcheck $(UNITS) $(SYSTEMD)
	for p in $(PAGES); do rm -f $(DESTDIR)$(PREFIX)/share/man/man$${p##*.}/$${p##*/}; done
	rm -rf $(DESTDIR)$(PREFIX)/share/mxwitness $(DESTDIR)$(PREFIX)/share/doc/mxwitness
clean:                           ## remove build/
	rm -rf build
help:                            ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile
.PHONY: all tests docs demo check check-only asan fuzz fuzz-run live proof invariance mutations bench quarter soak record pure install uninstall clean help
.SECONDARY:
-include $(shell find $B -name '*.d' 2>/dev/null)
