# Completion of plexyctl in bash: `plexyctl complete` knows what could stand where. It is told all of the
# line up to the cursor, and which end of it bash replaces: bash takes words apart at colons and equals
# signs. Where it answers with a tab, a file could stand there.
_plexyctl() {
    local offer
    COMPREPLY=()
    while IFS= read -r offer; do
        if [[ $offer == $'\t'* ]]; then
            compopt -o default +o nospace 2>/dev/null
        else
            COMPREPLY+=("$offer")
        fi
    done < <(plexyctl complete bash -- "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null </dev/null)
}
complete -o nospace -F _plexyctl plexyctl
