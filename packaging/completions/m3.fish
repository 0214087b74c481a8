# Completion of m3 in fish. m3 itself says what there is: `m3 --complete WORDS…`.
function __m3_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l settled (string match -r '^--[^=]*=' -- $word)
    for line in ($words[1] --complete $words[2..-1] $word 2>/dev/null)
        switch $line
            case :files
                printf "$settled%s\n" (__fish_complete_path (string replace -- "$settled" '' $word))
            case :folders
                printf "$settled%s\n" (__fish_complete_directories \
                    (string replace -- "$settled" '' $word))
            case '*'
                echo $line
        end
    end
end
complete -c m3 -f -a '(__m3_complete)'
