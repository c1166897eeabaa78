// SPDX-License-Identifier: Apache-2.0

// Package director runs xlb's programs on a director of a lab, as an operator
// would: xlbd with a configuration file, xlbctl beside it, directories of
// their own. It knows xlb by its command line and its JSON output alone.
package director
