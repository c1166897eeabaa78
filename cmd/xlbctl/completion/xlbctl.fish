# SPDX-License-Identifier: Apache-2.0
# fish completion for xlbctl
function __xlbctl_complete
	set -l before (commandline -opc)
	set -l current (commandline -ct)
	$before[1] __complete -- $before[2..-1] "$current" 2>/dev/null
end
complete -c xlbctl -f -a '(__xlbctl_complete)'
