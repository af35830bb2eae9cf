"""The shells' part of completion: hand over the words, take the lines, offer files if told to."""

_BASH = r"""# bash completion for wherry
_wherry() {
    # Colons and equals signs divide words for bash, but not for wherry: join what touches.
    local -a words=()
    local at word touches="" line=${COMP_LINE#*"${COMP_WORDS[0]}"}
    for ((at = 1; at <= COMP_CWORD; at++)); do
        word=${COMP_WORDS[at]}
        if [[ -n $touches ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        line=${line#*"$word"}
        touches=""
        [[ -z $line || $line == [[:space:]]* ]] || touches=yes
    done
    local current=${words[${#words[@]} - 1]}
    local -a lines
    mapfile -t lines < <(wherry __complete "${words[@]}" 2>/dev/null)
    [[ ${#lines[@]} -gt 0 ]] || return
    local rest=${lines[${#lines[@]} - 1]}
    unset "lines[${#lines[@]}-1]"
    local keep=${current%"${current##*[:=]}"}  # what bash has as words of their own already
    COMPREPLY=()
    for word in "${lines[@]}"; do
        word=${word%%$'\t'*}
        COMPREPLY+=("${word#"$keep"}")
    done
    local of=""
    case $rest in
        :files) of=-f ;;
        :folders) of=-d ;;
    esac
    if [[ -n $of ]]; then
        while IFS= read -r word; do
            [[ -d $word ]] && word+=/
            printf -v word %q "$word"
            COMPREPLY+=("$word")
        done < <(compgen "$of" -- "${current##*[:=]}")
    fi
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[:=,/] ]]; then
        compopt -o nospace
    fi
}
complete -F _wherry wherry
"""

_FISH = r"""# fish completion for wherry
function __wherry_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (wherry __complete $words[2..-1] 2>/dev/null)
    test (count $lines) -gt 0; or return
    switch $lines[-1]
        case :files
            __fish_complete_path (commandline -ct)
        case :folders
            __fish_complete_directories (commandline -ct)
    end
    test (count $lines) -gt 1; and printf '%s\n' $lines[1..-2]
end
complete -c wherry -f -a '(__wherry_complete)'
"""

_ZSH = r"""#compdef wherry
# zsh completion for wherry
_wherry() {
    local -a lines choices
    local line word
    lines=("${(@f)$(wherry __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    (( ${#lines} )) || return 1
    for line in "${(@)lines[1,-2]}"; do
        word=${${line%%$'\t'*}//:/\\:}
        [[ $line == *$'\t'* ]] && word+=":${line#*$'\t'}"
        choices+=("$word")
    done
    (( ${#choices} )) && _describe -V wherry choices
    case ${lines[-1]} in
        :files) _files ;;
        :folders) _files -/ ;;
    esac
}
if [[ ${funcstack[1]} == _wherry ]]; then
    _wherry "$@"
else
    compdef _wherry wherry
fi
"""

SCRIPTS = {"bash": _BASH, "fish": _FISH, "zsh": _ZSH}
