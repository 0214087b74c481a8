# Counts the tests of a shell script, which sources this with `suite` and `build` set: its name and
# the build folder. Leaves "<passed> <failed> <skipped>" in BUILDDIR/SUITE.count, or nothing if the
# script does not come to its end.
case $build in /*) ;; *) build=$PWD/$build ;; esac
rm -f "$build/$suite.count"
passed=0 failed=0
# verdict "WHAT" STATUS: counts one test.
verdict() {
    if [ "$2" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$suite: failed: $1"
    fi
}
# skip_all "WHY": ends the script, whose tests can't be run here.
skip_all() {
    echo "$suite: skipped: $1"
    echo "0 0 1" >"$build/$suite.count"
    exit 0
}
# conclude: leaves the counts; the status says whether all passed. To be called last.
conclude() {
    echo "$suite: $passed passed, $failed failed"
    echo "$passed $failed 0" >"$build/$suite.count"
    [ $failed = 0 ]
}
