#compdef xlbctl
# SPDX-License-Identifier: Apache-2.0
# zsh completion for xlbctl
_xlbctl() {
	local -a candidates
	candidates=(${(f)"$(${words[1]} __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
	compadd -a candidates
}
if [ "${funcstack[1]}" = _xlbctl ]; then
	_xlbctl "$@"
else
	compdef _xlbctl xlbctl
fi
