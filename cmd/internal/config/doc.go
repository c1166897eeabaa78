// SPDX-License-Identifier: Apache-2.0

// Package config reads /etc/xlb/xlb.yaml into validated, typed values.
//
// Reading is strict and complete: an unknown key, a wrong type or a value out
// of range is a [Finding] with file, line, column and excerpt, and one reading
// reports all of them, because an operator who mends one mistake at a time
// restarts a load balancer once per mistake. Only a file that is no YAML at
// all ends at its first syntax error.
//
// A value that comes out of [Parse] without findings needs no further check of
// its form; whether it can work on this node (routes, interfaces) is judged by
// the engine. docs/configuration.md describes every key.
package config
