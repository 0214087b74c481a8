# Completion of m3 in bash. m3 itself says what there is: `m3 --complete WORDS…`.
_m3() {
    local line=${COMP_LINE:0:COMP_POINT} words=() word lines candidate settled
    # The line anew by blanks alone: bash also splits at = and :, which are parts of our words.
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    word=${words[-1]}
    settled=${word%"${word##*[=:]}"} # what bash keeps of the word
    COMPREPLY=()
    mapfile -t lines < <("$1" --complete "${words[@]:1}" 2>/dev/null)
    for candidate in "${lines[@]%%$'\t'*}"; do
        case $candidate in
        :files | :folders)
            local how=-f
            [[ $candidate == :folders ]] && how=-d
            compopt -o filenames 2>/dev/null
            while IFS= read -r candidate; do
                COMPREPLY+=("$candidate")
            done < <(compgen $how -- "${word#"$settled"}")
            ;;
        "$word"*)
            [[ $candidate == *= ]] && compopt -o nospace 2>/dev/null
            COMPREPLY+=("${candidate#"$settled"}")
            ;;
        esac
    done
}
complete -F _m3 m3
