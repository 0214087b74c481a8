#!/bin/bash -eu
# Builds the fuzzers into $OUT as OSS-Fuzz wants them, with seeds and dictionaries. It sets CC,
# CFLAGS, LIB_FUZZING_ENGINE, OUT and WORK. Libraries are linked in: the machine that fuzzes has
# none.
static='-Wl,-Bstatic -lcjson -lopenblas -lexpat -lyaml -Wl,-Bdynamic -lm -ldl -lpthread'
LDFLAGS="$CFLAGS" make -j"$(nproc)" B="$WORK/m3" OPT=-O1 FUZZ_ENGINE="$LIB_FUZZING_ENGINE" \
    LDLIBS="${M3_LIBS:-$static}" fuzzers
mkdir -p "$OUT/tests/cli"
cp -r tests/cli/net "$OUT/tests/cli"
for fuzzer in "$WORK"/m3/fuzz/*; do
    name=$(basename "$fuzzer")
    cp "$fuzzer" "$OUT/fuzz_$name"
    zip -jqr "$OUT/fuzz_${name}_seed_corpus.zip" "tests/fuzz/seeds/$name"
    [ ! -f "tests/fuzz/dict/$name.dict" ] || cp "tests/fuzz/dict/$name.dict" "$OUT/fuzz_$name.dict"
done
