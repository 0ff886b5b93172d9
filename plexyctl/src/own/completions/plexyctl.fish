# Completion of plexyctl in fish: `plexyctl complete` knows what could stand where. Where it answers with a
# tab, a file could.
function __plexyctl_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l current (string unescape -- "$typed"; or string replace -r -- '^[\'"]' '' "$typed")
    for offer in (plexyctl complete fish -- $words[2..-1] "$current" 2>/dev/null </dev/null)
        if string match -q -- \t'*' $offer
            # The name of an option stays before that of the file.
            set -l option (string match -r -- '^--[a-z-]+=' "$current")
            for path in (__fish_complete_path (string replace -- "$option" '' "$current"))
                printf '%s\n' "$option$path"
            end
        else
            printf '%s\n' $offer
        end
    end
end
complete -c plexyctl -f -a '(__plexyctl_complete)'
