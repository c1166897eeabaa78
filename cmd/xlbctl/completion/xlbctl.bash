# SPDX-License-Identifier: Apache-2.0
# bash completion for xlbctl
_xlbctl() {
	local line=${COMP_LINE:0:COMP_POINT} candidate cut
	local -a words
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=("")
	cut=${words[-1]}
	# Readline takes a colon for the end of a word; what is before it stays.
	if [[ $COMP_WORDBREAKS == *:* ]]; then
		cut=${cut%"${cut##*[:=]}"}
	else
		cut=${cut%"${cut##*=}"}
	fi
	COMPREPLY=()
	while IFS= read -r candidate; do
		COMPREPLY+=("${candidate#"$cut"}")
	done < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _xlbctl xlbctl
