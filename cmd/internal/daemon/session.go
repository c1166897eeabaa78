// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/xlb-project/xlb/lb"
)

// session is an open engine and what runs on it. It begins when interfaces are
// wanted or attached, and ends with the daemon, with "detach --all", or when
// the engine's upkeep fails.
type session struct {
	engine     Engine
	reconciler *lb.Reconciler
	desired    *lb.State // as last told to the reconciler; nil: nothing yet
	cancel     context.CancelFunc
	ended      chan struct{} // closed when nothing runs any more
	err        error         // why it ended; read after ended
}

// openSession opens the engine and starts what runs on it.
func openSession(ctx context.Context, node Node, changed func(), own lb.Ownership, log *slog.Logger) (*session, error) {
	engine, err := node.Open(ctx, changed)
	if err != nil {
		return nil, fmt.Errorf("opening the engine: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &session{
		engine:     engine,
		reconciler: lb.NewReconciler(engine, lb.ReconcilerOptions{Ownership: own, Log: log}),
		cancel:     cancel,
		ended:      make(chan struct{}),
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.reconciler.Run(ctx) })
	group.Go(func() error { return engine.Run(ctx) })
	go func() {
		defer close(s.ended)
		s.err = group.Wait()
	}()
	return s, nil
}

// want tells the reconciler what to bring about, if that is something new: a
// difference in the kernel after it is then known to be somebody else's doing.
func (s *session) want(state lb.State) {
	if s.desired != nil && s.desired.Equal(state) {
		return
	}
	s.desired = &state
	s.reconciler.Set(state)
}

// failed says why the session ended by itself; nil while it runs.
func (s *session) failed() error {
	select {
	case <-s.ended:
		return fmt.Errorf("the engine's upkeep has ended: %w", s.err)
	default:
		return nil
	}
}

// close ends what runs and lets go of the engine. What the kernel holds stays.
func (s *session) close() error {
	s.cancel()
	<-s.ended
	return s.engine.Close()
}
