#!/bin/bash -eu
# Builds the fuzzers into $OUT as OSS-Fuzz wants them, with seeds and dictionaries. It sets CC,
# CFLAGS, LIB_FUZZING_ENGINE, OUT and WORK. The machine that fuzzes has no libraries: they are
# linked in, or, where the system has no archive of one, put beside the fuzzers.
mkdir -p "$OUT/tests/cli" "$OUT/lib"
libraries=
for name in cjson openblas expat yaml; do
    if [ -f "$($CC -print-file-name=lib$name.a)" ]; then
        libraries+=" -l:lib$name.a"
    else
        cp -L "$($CC -print-file-name=lib$name.so)" "$OUT/lib"
        (cd "$OUT/lib" && soname=$(objdump -p lib$name.so | awk '$1 == "SONAME" { print $2 }') &&
            mv lib$name.so "$soname")
        libraries+=" -l$name -Wl,-rpath,\\\$\$ORIGIN/lib"
    fi
done
LDFLAGS="$CFLAGS" make -j"$(nproc)" B="$WORK/m3" OPT=-O1 FUZZ_ENGINE="$LIB_FUZZING_ENGINE" \
    LDLIBS="$libraries -lm -ldl -lpthread" fuzzers
cp -r tests/cli/net "$OUT/tests/cli"
for fuzzer in "$WORK"/m3/fuzz/*; do
    name=$(basename "$fuzzer")
    cp "$fuzzer" "$OUT/fuzz_$name"
    zip -jqr "$OUT/fuzz_${name}_seed_corpus.zip" "tests/fuzz/seeds/$name"
    [ ! -f "tests/fuzz/dict/$name.dict" ] || cp "tests/fuzz/dict/$name.dict" "$OUT/fuzz_$name.dict"
done
