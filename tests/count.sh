# Counts the tests of a shell script, which sources this with `suite` and `build` set: its name and
# the build folder. Leaves "<passed> <failed> <skipped>" in BUILDDIR/SUITE.count, or nothing if the
# script does not come to its end.
case $build in /*) ;; *) build=$PWD/$build ;; esac
rm -f "$build/$suite.count"
passed=0 failed=0 skipped=0
# verdict "WHAT" STATUS: counts one test.
verdict() {
    if [ "$2" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$suite: failed: $1"
    fi
}
# skip "WHY": counts what can't be run here.
skip() {
    skipped=$((skipped + 1))
    echo "$suite: skipped, $1"
}
# skip_all "WHY": ends the script, whose tests can't be run here.
skip_all() {
    echo "$suite: skipped: $1"
    echo "0 0 1" >"$build/$suite.count"
    exit 0
}
# conclude: leaves the counts; the status says whether all passed. To be called last.
conclude() {
    [ $skipped = 0 ] && rest= || rest=", $skipped skipped"
    echo "$suite: $passed passed, $failed failed$rest"
    echo "$passed $failed $skipped" >"$build/$suite.count"
    [ $failed = 0 ]
}
