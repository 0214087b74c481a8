# m3: binary, library, tests, benchmarks. `make help` lists the targets.
#
#   make B=DIR              puts everything built into DIR (default: build)
#   make SAN=address,undefined    builds with sanitizers
#   make V=1                shows the commands

B       ?= build
CC      ?= gcc
CXX     ?= g++
OBJCOPY ?= objcopy
# The newest entry of the change log says which version this is, and of which day.
CHANGES := packaging/CHANGELOG.md
RELEASE := $(shell sed -n 's/^\#\# \([0-9.]*\) (\([0-9-]*\))$$/\1 \2/p' $(CHANGES) | head -n 1)
VERSION := $(firstword $(RELEASE))
MAJOR   := $(firstword $(subst ., ,$(VERSION)))
OPT     ?= -O2
SAN     ?=
# The last members of a struct may be left out: they are 0.
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes \
    -Wno-missing-field-initializers
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
CPPFLAGS += -Isrc -Iinclude -D_GNU_SOURCE -DM3_VERSION='"$(VERSION)"' \
    -DM3_RELEASED='"$(lastword $(RELEASE))"' -DM3_BUILD='"$(strip $(OPT) $(SANFLAGS))"'
# Against attacks by input: checks at run time, which end the program. Without optimisation glibc
# has none of _FORTIFY_SOURCE, and with sanitizers it would hide what they report.
HARDEN  ?= -fstack-protector-strong $(if $(filter -O0,$(OPT))$(SAN),,-U_FORTIFY_SOURCE \
    -D_FORTIFY_SOURCE=2)
# The prefix map keeps the checkout's folder out of debug information: same source, same bytes.
CFLAGS  += -std=c11 $(OPT) -g "-ffile-prefix-map=$(CURDIR)=." $(WARN) -fno-common -fPIC \
    -fvisibility=hidden -pthread $(SANFLAGS) $(HARDEN)
PLUGIN_LDFLAGS := $(LDFLAGS)
LDFLAGS += -pthread -Wl,-z,relro,-z,now $(SANFLAGS)
LDLIBS  += -lcjson -lopenblas -lexpat -lyaml -lm -ldl

# Short lines unless V=1.
ifneq ($(V),1)
say = @echo "  $(1)	$(2)";
endif

# src/plugin/mpi_shim.c is a plug-in of its own.
LIB_SRC  := $(filter-out src/cli/% src/plugin/mpi_shim.c,$(sort $(wildcard src/*/*.c)))
CLI_SRC  := $(sort $(wildcard src/cli/*.c))
TEST_SRC := $(wildcard tests/test_*.c)
BENCH_SRC := $(wildcard tests/bench/*.c)
LIB_OBJ  := $(LIB_SRC:%.c=$B/%.o)
CLI_OBJ  := $(CLI_SRC:%.c=$B/%.o)
TESTS    := $(TEST_SRC:tests/%.c=$B/tests/%)
BENCHES  := $(BENCH_SRC:tests/bench/%.c=$B/bench/%)

RUN_PACKAGES   := gcc make libc6-dev libopenblas-dev libcjson-dev libexpat1-dev libyaml-dev
CHECK_PACKAGES := $(RUN_PACKAGES) g++ pkg-config libcmocka-dev libtorch-dev gnuplot-nox

# The training plug-in is built where libtorch is; everything else never needs it.
comma := ,
TORCH_API := include/torch/csrc/api/include
TORCH_INC := $(firstword $(wildcard /usr/$(TORCH_API) /usr/local/$(TORCH_API) \
    $(TORCH_HOME)/$(TORCH_API)))
TORCH_LIB := $(if $(TORCH_HOME),-L$(TORCH_HOME)/lib -Wl$(comma)-rpath$(comma)$(TORCH_HOME)/lib)

.DEFAULT_GOAL := all
.PHONY: all library torch mpi man deps deps-check run tests check check-unit check-cli \
    check-library check-manual check-slurm check-mpi check-page check-python check-fuzz \
    check-faults check-bench record debug asan ubsan tsan fuzzers fuzz fuzz-long faults kills \
    coverage mutants print-flags print-libraries bench paper layers lint analyze format ckpt \
    ckpt-measure install uninstall source deb check-deb deps-deb clean help

all: $B/m3 $(if $(SAN),,library man) ## build binary, library, man pages and training plug-in

# Every room but cli, for the binary, tests and benchmarks, which use internal names.
ROOMS := $B/rooms.a
$B/m3: $(CLI_OBJ) $(ROOMS) | $B/spec $B/ckpts
	$(call say,LD,$@)$(CC) -pie $(LDFLAGS) -o $@ $(CLI_OBJ) $(ROOMS) $(LDLIBS)

# The binary looks for its spec and checkpoint beside itself, wherever B is.
$B/spec $B/ckpts:
	@mkdir -p $(@D) && ln -sfn "$(CURDIR)/$(@F)" $@

$(ROOMS): $(LIB_OBJ)
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $(LIB_OBJ)

# The library: the implementation of include/m3.h and what it draws from the rooms. Everything is
# compiled with -fvisibility=hidden and m3.h makes its own functions visible, so libm3.so exports
# these alone; for libm3.a the objects become one, whose hidden names are then made local.
API_OBJ := $B/src/estimate/m3.o $B/src/estimate/m3_job.o
library: $B/libm3.a $B/libm3.so ## build libm3.a and libm3.so
$B/libm3.a: $(API_OBJ) $(ROOMS)
	@rm -f $@
	$(call say,AR,$@)$(CC) -r -nostdlib -o $B/libm3.o $(API_OBJ) $(ROOMS) && \
	    $(OBJCOPY) --localize-hidden $B/libm3.o && $(AR) rcs $@ $B/libm3.o
$B/libm3.so.$(VERSION): $(API_OBJ) $(ROOMS)
	$(call say,LD,$@)$(CC) -shared $(LDFLAGS) -Wl,-soname,libm3.so.$(MAJOR) -Wl,-z,defs -o $@ \
	    $(API_OBJ) $(ROOMS) $(LDLIBS)
$B/libm3.so: $B/libm3.so.$(VERSION)
	@ln -sf $(<F) $B/libm3.so.$(MAJOR) && ln -sf libm3.so.$(MAJOR) $@

man: $B/man/m3.1 ## write the man pages into B/man
$B/man/m3.1: $B/m3
	@rm -rf $(@D) && $B/m3 --man $(@D)

$B/%.o: %.c Makefile $(CHANGES)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$B/tests/%: tests/%.c $(ROOMS) Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(ROOMS) \
	    $(LDFLAGS) -lcmocka $(LDLIBS)

$B/bench/%: tests/bench/%.c $(ROOMS) Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(ROOMS) \
	    $(LDFLAGS) $(LDLIBS)

ifneq ($(TORCH_INC),)
all: torch
torch: $B/m3-torch.so ## build the training plug-in (needs libtorch)
TORCH_SRC := $(sort $(wildcard src/plugin/torch_*.cpp))
TORCH_HDR := $(addprefix src/,plugin/torch_shim.h plugin/torch_private.h model/modelspec.h \
    model/modelinput.h)
TORCH_SYSTEM := $(addprefix -isystem ,$(TORCH_INC) \
    $(filter-out /usr/include,$(TORCH_INC:%$(TORCH_API)=%include)))
$B/m3-torch.so: $(TORCH_SRC) $(TORCH_HDR) Makefile
	@mkdir -p $(@D)
	$(call say,CXX,$<)$(CXX) $(CXXFLAGS) -std=c++17 -O1 -g0 -fPIC -shared -Isrc \
	    $(TORCH_SYSTEM) -Wall -Wextra $(PLUGIN_LDFLAGS) -o $@ $(TORCH_SRC) $(TORCH_LIB) \
	    -ltorch -ltorch_cpu -lc10
else
torch:
	@echo "m3: libtorch not found, no training plug-in (apt-get install libtorch-dev)"
endif

# The MPI plug-in is built where Open MPI (or another MPI's mpicc) is; mpirun m3 alone needs it.
MPICC ?= $(shell command -v mpicc 2>/dev/null)
ifneq ($(MPICC),)
all: mpi
mpi: $B/m3-mpi.so ## build the MPI plug-in (needs Open MPI's mpicc)
# MPI's own include and link flags; the compiler stays ours.
MPI_FLAGS = $(shell $(MPICC) -show)
MPI_INC   = $(patsubst -I%,-isystem %,$(filter -I%,$(MPI_FLAGS)))
$B/m3-mpi.so: src/plugin/mpi_shim.c src/base/ranks.h src/base/diag.h src/base/par.h Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -shared $(MPI_INC) -o $@ $< $(LDFLAGS) \
	    $(filter -L% -l% -Wl%,$(MPI_FLAGS))
else
mpi:
	@echo "m3: mpicc not found, no MPI plug-in (apt-get install libopenmpi-dev)"
endif

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) \
    $(wildcard $B/tests/*.d $B/tests/fuzz/*.d $B/bench/*.d)

deps: ## install what `make run` needs (apt)
	@.ci/deps $(RUN_PACKAGES)
deps-check: ## install what `make check` needs (apt)
	@.ci/deps $(CHECK_PACKAGES)

run: deps ## install, build, and run the main job on the shipped spec and checkpoint
	@$(MAKE) --no-print-directory $B/m3
	$B/m3 estimate --topo spec/clos-256-2to1.json --mix spec/demo.json

check: deps-check ## install, build and pass all tests
	@$(MAKE) --no-print-directory all
	@rm -f $B/*.count
	@$(MAKE) --no-print-directory -k check-unit check-cli check-library check-manual \
	    check-slurm check-mpi check-page check-python check-fuzz check-faults check-bench \
	    layers; status=$$?; tests/summary $B && exit $$status

tests: $(TESTS) ## build the unit tests
check-unit: tests ## unit tests alone
	@tests/run-unit $B $(TESTS)

check-cli: $B/m3 ## command-line cases alone
	@tests/cli/run $B/m3 $B

check-library: all ## tests of libm3.a, libm3.so and make install alone
	@tests/library $B

check-manual: all ## man pages and completions alone (of mandoc, zsh and fish what is there)
	@tests/manual $B

check-slurm: $B/m3 ## a batch on a Slurm cluster that the test starts (root, slurm-wlm, munge)
	@tests/slurm $B

check-mpi: all ## commands over several ranks alone (skipped without Open MPI)
	@tests/mpi $B

check-page: $B/m3 ## pages of m3 report in headless Chromium alone (skipped where there is none)
	@tests/page/run $B

check-python: all ## the Python module alone (skipped without python3-pytest, python3-numpy)
	@tests/python/run $B

check-bench: ## the table of make bench alone, on made-up programs (skipped without python3)
	@tests/bench/check $B

record: $B/m3 ## re-record the expected output of tests/cli
	@tests/cli/run --record $B/m3 $B

debug: ## build without optimisation into B/debug
	@$(MAKE) B=$B/debug OPT=-O0 all
# A program would have to be built with the sanitizer, too, to use the library: not tested here.
SAN_CHECKS := check-unit check-cli check-fuzz check-faults
asan: export LSAN_OPTIONS = suppressions=$(CURDIR)/tests/lsan.suppressions
asan: ## tests and fuzzers' inputs under AddressSanitizer
	@$(MAKE) B=$B/asan OPT=-O1 SAN=address $(SAN_CHECKS)
ubsan: ## tests and fuzzers' inputs under UndefinedBehaviorSanitizer
	@$(MAKE) B=$B/ubsan OPT=-O1 SAN=undefined $(SAN_CHECKS)
tsan: ## tests and fuzzers' inputs under ThreadSanitizer
	@$(MAKE) B=$B/tsan OPT=-O1 SAN=thread $(SAN_CHECKS)

# One fuzzer a format of input: a program that replays files, unless FUZZ_ENGINE is libFuzzer.
FUZZ_ENGINE ?= $B/tests/fuzz/replay.o
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZERS  := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$B/fuzz/%)
fuzzers: $(FUZZERS)
$B/fuzz/%: $B/tests/fuzz/fuzz_%.o $B/tests/fuzz/harness.o $(filter %.o,$(FUZZ_ENGINE)) $(ROOMS) \
    $(filter-out %/main.o,$(CLI_OBJ))
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -Wl,--wrap=diag_out_of_memory -o $@ $(filter %.o,$^) \
	    $(ROOMS) $(filter-out %.o,$(FUZZ_ENGINE)) $(LDLIBS)
.SECONDARY: $(FUZZ_SRC:%.c=$B/%.o) $B/tests/fuzz/harness.o $B/tests/fuzz/replay.o

check-fuzz: fuzzers ## replay the fuzzers' seeds and regressions alone
	@tests/fuzz/check $B
fuzz: ## run each fuzzer for 60 s (needs clang; FUZZ="topo mix" names some)
	@tests/fuzz/run $B 60 $(FUZZ)
fuzz-long: ## run each fuzzer for an hour (HOURS=8: for eight)
	@tests/fuzz/run $B $$((3600 * $(or $(HOURS),1))) $(FUZZ)

# The library is built without sanitizers: it is loaded before theirs.
$B/faults/inject.so: tests/faults/inject.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -std=c11 -O1 -g $(WARN) -Wno-pedantic -fPIC -shared -o $@ $<
$B/faults/faults: $B/tests/faults/faults.o $(ROOMS)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $< $(ROOMS) $(LDLIBS)
FAULTS := $B/faults/faults $B/faults/inject.so
check-faults: all $(FAULTS) ## some failing calls and kills of each command alone
	@tests/faults/run $B some
	@tests/faults/kill $B 2
faults: all $(FAULTS) ## every allocation and system call of each command failing once
	@tests/faults/run $B all
kills: all ## 100 kills of each command that is gone on with
	@tests/faults/kill $B 100

coverage: ## measure which lines of src the tests run, at least 94 % (gcov)
	@tests/coverage $B
print-flags: # for tests/mutants
	@echo '$(CPPFLAGS) -std=c11 $(OPT) -w -fno-common -pthread'
print-libraries:
	@echo '-pthread -lcmocka $(LDLIBS)'
mutants: tests ## flip operators in central files: tests notice 90 % (MUTANTS=30 a file)
	@nice tests/mutants $B $(or $(MUTANTS),30)

# tests/bench/README.md keeps the numbers.
bench: all $(BENCHES) ## measure speed as one table (BENCH="--quick threads": in short, some rows)
	@tests/bench/run --build $B $(BENCH)

# QUICK=quick: m3 alone, 1 M flows.
PAPER ?= ../shared/paper
RUNS  ?= $B/paper
paper: $B/m3 ## run the paper's experiments on the published mixes in PAPER, into RUNS
	@tests/paper/run $B/m3 $(PAPER) $(RUNS) $(QUICK)

layers: ## fail on an include that points upward
	@tests/layers && tests/layers-can-fail

SOURCES := $(wildcard src/*/*.[ch] src/*/*.cpp tests/*.[ch] tests/bench/*.[ch] \
    tests/fuzz/*.[ch] tests/faults/*.c tests/python/*.[ch] include/*.h)
PYTHONS := $(wildcard src/python/*.py tests/python/*.py tests/bench/*.py) tests/bench/run \
    tests/bench/scale
SCRIPTS := Makefile include/m3.pc.in $(wildcard .ci/* tests/cli/*/*.case) $(addprefix tests/, \
    layers layers-can-fail library manual mpi readme run-unit slurm summary columns cli/run \
    cli/is-json page/run python/run fuzz/run fuzz/check fuzz/make-seeds fuzz/keep \
    fuzz/oss-fuzz/build.sh fuzz/oss-fuzz/Dockerfile coverage mutants analyze faults/run \
    faults/kill bench/check bench/ns3-agreement paper/run) \
    $(addprefix packaging/,source deb check Containerfile debian/rules debian/control) \
    $(wildcard packaging/completions/* packaging/debian/tests/*)
lint: layers ## static checks and formatting
	@clang-format --dry-run -Werror $(SOURCES)
	@tests/columns $(SOURCES) $(SCRIPTS) $(PYTHONS) $$(git ls-files '*.md')
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	    --error-exitcode=1 -Isrc -Iinclude src
	@tests/analyze changed
analyze: ## gcc -fanalyzer and clang-tidy with its analyzer on all of src (minutes)
	@tests/analyze all
format: ## format the C and C++ sources
	@clang-format -i $(SOURCES)

# What ckpts/default was made with: an hour or two; an interrupted run is resumed. DATA is a folder
# whose nets/ holds networks with known completion times (ns-3's); if it is there, they are measured
# as well.
DATA ?= ../shared/ref/ns3
ckpt: all ## train ckpts/default again from nothing and measure it (DATA=folder with nets/)
	$B/m3 dataset networks --out $B/ckpt/large --seed 1 --count 3000
	$B/m3 dataset networks --out $B/ckpt/small --seed 2 --count 4000 --n-flows 1000..6000 \
	    --max-hops 6M
	mkdir -p $B/ckpt/train
	for s in large small; do for n in $B/ckpt/$$s/net*; do \
	    ln -sfn ../$$s/$${n##*/} $B/ckpt/train/$$s-$${n##*/}; done; done
	$B/m3 dataset flows --networks $B/ckpt/train --out $B/ckpt/flows --paths 70
	$B/m3 train --dataset $B/ckpt/flows --out $B/ckpt/run --epochs 6 --batch 128 --lr 0.002 \
	    --average 0.998 --holdout 0.04 --input-noise 0.1 --weight-decay 0.05 --collapsed 0.01 \
	    --threads 1 $$(test -f $B/ckpt/run/progress.json && echo --resume)
	$B/m3 dataset networks --out $B/ckpt/calib6011 --seed 6011 --count 40 $(LARGE)
	$B/m3 dataset networks --out $B/ckpt/calib6013 --seed 6013 --count 40 $(LARGE)
	mkdir -p $B/ckpt/calib
	for s in a:calib6011 b:calib6013; do for n in $B/ckpt/$${s#*:}/net*; do \
	    ln -sfn "$$PWD/$$n" "$B/ckpt/calib/$${s%:*}-$$(basename $$n)"; done; done
	$B/m3 evaluate --networks $B/ckpt/calib --ckpt $B/ckpt/run --paths 600 \
	    --calibrate $B/ckpt/model.m3
	cp $B/ckpt/model.m3 ckpts/default/model.m3
	@$(MAKE) --no-print-directory ckpt-measure

CKPT ?= ckpts/default
HELD := --n-flows 5000..20000 --max-hops 40M
LARGE := --n-flows 150k..800k --max-hops 350M
# ckpts/README.md keeps the tables.
ckpt-measure: all ## measure CKPT (default: ckpts/default) on networks it has not seen
	$B/m3 dataset networks --out $B/ckpt/held --seed 1001 --count 120 $(HELD)
	$B/m3 dataset networks --out $B/ckpt/shifted --seed 2001 --shifted --count 40 $(HELD)
	$B/m3 evaluate --networks $B/ckpt/held --ckpt $(CKPT) --paths 2000
	$B/m3 evaluate --networks $B/ckpt/shifted --ckpt $(CKPT) --paths 2000
	@if [ -d $(DATA)/nets ]; then set -x; \
	    $B/m3 evaluate --networks $(DATA)/nets --ckpt $(CKPT) --paths 2000; fi

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
BIN_DEST   = $(DESTDIR)$(PREFIX)/bin
INC_DEST   = $(DESTDIR)$(PREFIX)/include
LIB_DEST   = $(DESTDIR)$(LIBDIR)
SHARE_DEST = $(DESTDIR)$(PREFIX)/share/m3
MAN_DEST   = $(DESTDIR)$(PREFIX)/share/man
# Where bash-completion, zsh and fish look for completions.
BASH_DEST  = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSHDIR    ?= $(PREFIX)/share/zsh/site-functions
ZSH_DEST   = $(DESTDIR)$(ZSHDIR)
FISH_DEST  = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
# Private to the binary, which looks for it there whatever LIBDIR is.
PLUGIN_DEST = $(DESTDIR)$(PREFIX)/lib/m3
# Where the system's Python looks for modules below PREFIX; elsewhere PYTHONPATH has to name it.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
PYTHONDIR ?= $(or $(shell $(PYTHON) -I -c 'import site, sys; \
    print(*[p for p in site.getsitepackages() if p.startswith(sys.argv[1] + "/lib/")][:1])' \
    "$(PREFIX)" 2>/dev/null),$(PREFIX)/lib/python3/dist-packages)
PYTHON_DEST = $(DESTDIR)$(PYTHONDIR)
install: all man ## install all that is needed at run time (PREFIX, LIBDIR, PYTHONDIR, DESTDIR)
	install -D $B/m3 "$(BIN_DEST)/m3"
	install -D -m 644 include/m3.h "$(INC_DEST)/m3.h"
	install -D -m 644 $B/libm3.a "$(LIB_DEST)/libm3.a"
	install -m 644 $B/libm3.so.$(VERSION) "$(LIB_DEST)"
	cp -P $B/libm3.so.$(MAJOR) $B/libm3.so "$(LIB_DEST)"
	install -D -m 644 src/python/m3.py "$(PYTHON_DEST)/m3.py"
	install -d "$(LIB_DEST)/pkgconfig"
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|' \
	    -e 's|@PRIVATE@|$(LDLIBS) -pthread|' include/m3.pc.in >"$(LIB_DEST)/pkgconfig/m3.pc"
	if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ]; then ldconfig || true; fi
	if [ -f $B/m3-torch.so ]; then \
	    install -D -m 644 $B/m3-torch.so "$(PLUGIN_DEST)/m3-torch.so"; fi
	if [ -f $B/m3-mpi.so ]; then \
	    install -D -m 644 $B/m3-mpi.so "$(PLUGIN_DEST)/m3-mpi.so"; fi
	install -d "$(MAN_DEST)/man1" "$(MAN_DEST)/man7"
	install -m 644 $B/man/*.1 "$(MAN_DEST)/man1"
	install -m 644 $B/man/*.7 "$(MAN_DEST)/man7"
	install -D -m 644 packaging/completions/m3.bash "$(BASH_DEST)/m3"
	install -D -m 644 packaging/completions/_m3 "$(ZSH_DEST)/_m3"
	install -D -m 644 packaging/completions/m3.fish "$(FISH_DEST)/m3.fish"
	for f in spec/* spec/*/* ckpts/* ckpts/*/*; do if [ -f $$f ]; then \
	    install -D -m 644 $$f "$(SHARE_DEST)/$$f" || exit 1; fi; done
uninstall: ## remove what install put there (same PREFIX, LIBDIR, PYTHONDIR, DESTDIR)
	rm -f "$(BIN_DEST)/m3" "$(INC_DEST)/m3.h" "$(LIB_DEST)/libm3.a" "$(LIB_DEST)/libm3.so" \
	    "$(LIB_DEST)/libm3.so.$(MAJOR)" "$(LIB_DEST)/libm3.so.$(VERSION)" \
	    "$(LIB_DEST)/pkgconfig/m3.pc" "$(PLUGIN_DEST)/m3-torch.so" \
	    "$(PLUGIN_DEST)/m3-mpi.so" "$(PYTHON_DEST)/m3.py" \
	    "$(PYTHON_DEST)"/__pycache__/m3.*.pyc "$(MAN_DEST)/man1/m3.1" \
	    "$(MAN_DEST)"/man1/m3-*.1 "$(MAN_DEST)"/man7/m3-*.7 "$(BASH_DEST)/m3" \
	    "$(ZSH_DEST)/_m3" "$(FISH_DEST)/m3.fish"
	rm -rf "$(SHARE_DEST)"
	rmdir "$(PLUGIN_DEST)" 2>/dev/null || true

# What is made for others goes here; packaging/README.md says how.
DIST ?= dist
source: ## write the source as DIST/m3-VERSION.tar.xz (DIST: dist)
	@packaging/source "$(DIST)/m3-$(VERSION).tar.xz" $(RELEASE)
deb: ## build Debian packages into DIST (needs what `make deps-deb` installs)
	@packaging/deb $B/deb "$(DIST)" $(RELEASE)
check-deb: ## build them twice, compare, lint, and install them into a fresh Debian
	@packaging/check $B "$(DIST)" $(RELEASE)
deps-deb: ## install what `make deb` and `make check-deb` need (apt)
	@.ci/deps build-essential debhelper dh-python libopenmpi-dev lintian mandoc mmdebstrap \
	    $(CHECK_PACKAGES)

clean: ## remove what was built
	rm -rf $B
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 22
