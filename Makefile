# mxwitness: `make help` says what this file can do.
CC       ?= gcc
CFLAGS   ?= -O2 -g
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes
HARDEN   ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -fstack-clash-protection
PKGS     := libpcap libcrypto libssl libunbound yaml-0.1 libpcre2-8 zlib libzstd liblzma libseccomp
PKGFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LDLIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
FLAGS     = -std=c17 -D_GNU_SOURCE $(WARN) $(WERROR) $(HARDEN) -Isrc -Isensor $(PKGFLAGS) -MMD -MP $(CFLAGS)
LDHARD   ?= -pie -Wl,-z,relro,-z,now
B        ?= build
PREFIX   ?= /usr/local
FUZZMAIN ?= $B/tests/fuzz/standalone.o
T        ?= 60
LIB      := $(patsubst %.c,$B/%.o,$(wildcard src/*.c src/*/*.c))
SENSOR   := $(patsubst %.c,$B/%.o,$(wildcard sensor/*.c))
PARTS    := $(filter-out $B/sensor/main.o,$(SENSOR))
UNIT     := $(patsubst %.c,$B/%,$(wildcard tests/unit/test_*.c))
FUZZ     := $(patsubst %.c,$B/%,$(wildcard tests/fuzz/fuzz_*.c))

all: $B/mxwitness                ## build the sensor
$B/mxwitness: $(SENSOR) $B/libmxwitness.a
	$(CC) $(FLAGS) $(LDFLAGS) $(LDHARD) -o $@ $^ $(LDLIBS)
$B/libmxwitness.a: $(LIB) src src/wire src/judge
	@rm -f $@ && $(AR) rcs $@ $(LIB)
$B/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -c -o $@ $<
$(UNIT): $B/%: $B/%.o $(PARTS) $B/libmxwitness.a
	$(CC) $(FLAGS) $(LDFLAGS) $(LDHARD) -o $@ $^ $(LDLIBS) -lcmocka
$(FUZZ): $B/%: $B/%.o $(FUZZMAIN) $(PARTS) $B/libmxwitness.a
	$(CC) $(FLAGS) $(LDFLAGS) $(LDHARD) -o $@ $^ $(LDLIBS)
clean:                           ## remove build/
	rm -rf build
help:                            ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' Makefile
.PHONY: all clean help
.SECONDARY:
-include $(shell find $B -name '*.d' 2>/dev/null)
