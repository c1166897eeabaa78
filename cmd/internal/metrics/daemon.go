// SPDX-License-Identifier: Apache-2.0

package metrics

import "runtime"

// daemonFamilies are about the daemon itself.
type daemonFamilies struct {
	build, engine, engineUp         family
	attached, mode                  family
	checkUp, checks, checkTook      family
	reloadOK, reloadTime            family
	failing, reconcileTime, repairs family
	foreign, overrides              family
}

func newDaemonFamilies() daemonFamilies {
	server := []string{"virtual_server", "real_server"}
	return daemonFamilies{
		build:    gauge("build_info", "The running version.", "version", "goversion"),
		engine:   gauge("engine_info", "The engine in use.", "engine"),
		engineUp: gauge("engine_up", "Whether the engine's counters could be read."),
		attached: gauge("interface_attached", "Whether a configured interface is attached.", "interface"),
		mode:     gauge("interface_info", "How an interface is attached.", "interface", "mode"),
		checkUp:  gauge("check_up", "Whether the check holds a real server in service.", server...),
		checks: counter("checks_total", "Completed checks of a real server.",
			"virtual_server", "real_server", "result"),
		checkTook:  gauge("check_duration_seconds", "How long the last check's last attempt took.", server...),
		reloadOK:   gauge("config_last_reload_successful", "Whether the last reading of the configuration was good."),
		reloadTime: gauge("config_last_reload_success_timestamp_seconds", "When the configuration was last read well."),
		failing: gauge("reconcile_failing",
			"Virtual servers, and whatever else, that the engine could not be brought to."),
		reconcileTime: gauge("reconcile_last_success_timestamp_seconds",
			"When the engine was last as it should be."),
		repairs: counter("reconcile_repairs_total",
			"Differences in the kernel that nobody had asked for, and that were undone."),
		foreign:   gauge("foreign_virtual_servers", "Virtual servers in the kernel that belong to somebody else."),
		overrides: gauge("overrides", "Operator's edits that are in force over the configuration file."),
	}
}

func (f daemonFamilies) all() []family {
	return []family{
		f.build, f.engine, f.engineUp, f.attached, f.mode, f.checkUp, f.checks, f.checkTook, f.reloadOK, f.reloadTime,
		f.failing, f.reconcileTime, f.repairs, f.foreign, f.overrides,
	}
}

func (f daemonFamilies) collect(out sink, s Snapshot) {
	out.put(f.build, 1, s.Version, runtime.Version())
	if s.Engine != "" {
		out.put(f.engine, 1, s.Engine)
	}
	for _, i := range s.Interfaces {
		out.flag(f.attached, i.Attached, i.Name)
		if i.Attached {
			out.put(f.mode, 1, i.Name, i.Mode)
		}
	}
	for _, c := range s.Checks {
		out.flag(f.checkUp, c.Up, c.VirtualServer, c.RealServer)
		out.put(f.checks, float64(c.Passed), c.VirtualServer, c.RealServer, "passed")
		out.put(f.checks, float64(c.Failed), c.VirtualServer, c.RealServer, "failed")
		out.put(f.checkTook, c.Took.Seconds(), c.VirtualServer, c.RealServer)
	}
	out.flag(f.reloadOK, s.Reload.OK)
	out.time(f.reloadTime, s.Reload.Success)
	out.put(f.failing, float64(s.Reconcile.Failing))
	out.time(f.reconcileTime, s.Reconcile.Success)
	out.put(f.repairs, float64(s.Reconcile.Repairs))
	out.put(f.foreign, float64(s.Foreign))
	out.put(f.overrides, float64(s.Overrides))
}
