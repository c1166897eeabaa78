// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

// overridesName is the file in the state directory that keeps the operator's
// edits over restarts and reboots.
const overridesName = "overrides.json"

// overridesVersion is the version of that file.
const overridesVersion = 1

// overridesFile is what the file holds.
type overridesFile struct {
	Version int            `json:"version"`
	Edits   []control.Edit `json:"edits"`
}

// store keeps overrides. Its file is always whole: the old one or the new one.
type store struct{ dir string }

func (s store) path() string { return filepath.Join(s.dir, overridesName) }

// load reads the overrides; none if there is no file.
func (s store) load() ([]control.Edit, error) {
	data, err := os.ReadFile(s.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading overrides: %w", err)
	}
	var f overridesFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("%s does not hold overrides: %w; repair or remove it", s.path(), err)
	}
	if f.Version != overridesVersion {
		return nil, fmt.Errorf("%s is of version %d, this xlbd knows version %d; remove it to go on without overrides",
			s.path(), f.Version, overridesVersion)
	}
	return f.Edits, nil
}

// save replaces the overrides, and returns when they would survive a power
// failure.
func (s store) save(edits []control.Edit) error {
	data, err := json.MarshalIndent(overridesFile{overridesVersion, edits}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing overrides: %w", err)
	}
	if err := os.MkdirAll(s.dir, 0o750); err != nil {
		return fmt.Errorf("writing overrides: %w", err)
	}
	if err := replaceFile(s.path(), append(data, '\n')); err != nil {
		return fmt.Errorf("writing overrides: %w", err)
	}
	return nil
}

// replaceFile writes beside the file, then renames: a reader, and a crash at
// any time, sees the old or the new content.
func replaceFile(path string, data []byte) error {
	fresh, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = fresh.Write(data)
	err = errors.Join(err, fresh.Sync(), fresh.Close())
	if err == nil {
		err = os.Rename(fresh.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(fresh.Name()))
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
