package certs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/seal"
	"trivium/server/store"
)

const (
	lockLife  = 30 * time.Second // a lock is free so long after its owner's death
	lockPoll  = 500 * time.Millisecond
	freshRead = 3 * time.Second // how long a read waits for a majority
)

// Items is where the storage keeps its values; *store.Store is one.
type Items interface {
	PutCertificateItem(ctx context.Context, item store.CertificateItem) error
	CertificateItem(ctx context.Context, level consensus.Level, key string) (store.CertificateItem, error)
	CertificateKeys(ctx context.Context, level consensus.Level, folder string) ([]string, error)
	DeleteCertificateItems(ctx context.Context, key string) error
	LockCertificates(ctx context.Context, name, owner string, life time.Duration) (bool, error)
	UnlockCertificates(ctx context.Context, name, owner string) error
}

// storage is a certmagic.Storage over the replicated database. The nodes of a cluster share it.
type storage struct {
	items Items
	keys  *seal.Ring

	mu   sync.Mutex
	held map[string]*hold // locks of this process, by name
}

// hold is a lock that this process has, kept alive until it is given back.
type hold struct {
	owner  string
	cancel context.CancelFunc
	done   chan struct{}
}

var (
	_ certmagic.Storage          = (*storage)(nil)
	_ certmagic.TryLocker        = (*storage)(nil)
	_ certmagic.LockLeaseRenewer = (*storage)(nil)
)

func newStorage(items Items, keys *seal.Ring) *storage {
	return &storage{items: items, keys: keys, held: map[string]*hold{}}
}

func place(key string) string { return "certificate item " + key }

// Store puts the value at the key.
func (s *storage) Store(ctx context.Context, key string, value []byte) error {
	return s.items.PutCertificateItem(ctx, store.CertificateItem{Key: key, Box: s.keys.Seal(place(key), value), Size: int64(len(value))})
}

// Load returns the last value that any node has stored; without a majority, the last that this node knows.
func (s *storage) Load(ctx context.Context, key string) ([]byte, error) {
	item, err := s.item(ctx, key)
	if err != nil {
		return nil, err
	}
	value, err := s.keys.Open(place(key), item.Box)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return value, nil
}

func (s *storage) item(ctx context.Context, key string) (item store.CertificateItem, err error) {
	err = read(ctx, func(ctx context.Context, level consensus.Level) error {
		item, err = s.items.CertificateItem(ctx, level, key)
		return err
	})
	if lms.KindOf(err) == lms.KindNotFound {
		err = fs.ErrNotExist
	}
	return item, err
}

// keysBelow lists the keys below a folder; the empty one is everything.
func (s *storage) keysBelow(ctx context.Context, folder string) (keys []string, err error) {
	if folder = strings.Trim(folder, "/"); folder != "" {
		folder += "/"
	}
	err = read(ctx, func(ctx context.Context, level consensus.Level) error {
		keys, err = s.items.CertificateKeys(ctx, level, folder)
		return err
	})
	return keys, err
}

// read asks for the newest first, and for what this node has when no majority answers.
func read(ctx context.Context, ask func(context.Context, consensus.Level) error) error {
	fresh, cancel := context.WithTimeout(ctx, freshRead)
	defer cancel()
	err := ask(fresh, consensus.Linearizable)
	if ctx.Err() != nil || err == nil || lms.KindOf(err) != lms.KindUnavailable && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return ask(consensus.AllowStale(ctx), consensus.Local)
}

// Delete removes the key and what is below it.
func (s *storage) Delete(ctx context.Context, key string) error {
	return s.items.DeleteCertificateItems(ctx, key)
}

// Exists reports whether there is a value at the key or below it.
func (s *storage) Exists(ctx context.Context, key string) bool {
	_, err := s.Stat(ctx, key)
	return err == nil
}

// List returns the keys below the path: recursive all of them and the folders between, else the next step of each.
func (s *storage) List(ctx context.Context, path string, recursive bool) ([]string, error) {
	keys, err := s.keysBelow(ctx, path)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, fs.ErrNotExist
	}
	path = strings.Trim(path, "/")
	var list []string
	seen := map[string]bool{}
	for _, key := range keys {
		steps := strings.Split(strings.TrimPrefix(strings.TrimPrefix(key, path), "/"), "/")
		for n := range steps {
			name := strings.TrimPrefix(path+"/"+strings.Join(steps[:n+1], "/"), "/")
			if !seen[name] {
				seen[name] = true
				list = append(list, name)
			}
			if !recursive {
				break
			}
		}
	}
	return list, nil
}

// Stat describes the value at the key, or the folder.
func (s *storage) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	item, err := s.item(ctx, key)
	if err == nil {
		return certmagic.KeyInfo{Key: key, Modified: item.Modified, Size: item.Size, IsTerminal: true}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return certmagic.KeyInfo{}, err
	}
	keys, err := s.keysBelow(ctx, key)
	if err == nil && len(keys) == 0 {
		err = fs.ErrNotExist
	}
	return certmagic.KeyInfo{Key: key}, err
}

// TryLock takes the lock if nobody has it.
func (s *storage) TryLock(ctx context.Context, name string) (bool, error) {
	owner := lms.NewID() // of this one holding: two goroutines of a node exclude one another as well
	ok, err := s.items.LockCertificates(ctx, name, owner, lockLife)
	if err != nil || !ok {
		return false, err
	}
	alive, cancel := context.WithCancel(context.Background())
	h := &hold{owner: owner, cancel: cancel, done: make(chan struct{})}
	s.mu.Lock()
	s.held[name] = h
	s.mu.Unlock()
	go func() {
		defer close(h.done)
		s.keep(alive, name, owner)
	}()
	return true, nil
}

// keep renews the lock while its owner works.
func (s *storage) keep(ctx context.Context, name, owner string) {
	t := time.NewTicker(lockLife / 3)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.items.LockCertificates(ctx, name, owner, lockLife) // in vain without a majority: then nobody else gets it either
		}
	}
}

// Lock waits until it has the lock.
func (s *storage) Lock(ctx context.Context, name string) error {
	for {
		ok, err := s.TryLock(ctx, name)
		if ok {
			return nil
		}
		if err != nil && lms.KindOf(err) != lms.KindUnavailable && lms.KindOf(err) != lms.KindUnknown {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPoll):
		}
	}
}

// Unlock gives the lock back. When that fails the lock ends by itself.
func (s *storage) Unlock(ctx context.Context, name string) error {
	s.mu.Lock()
	h := s.held[name]
	delete(s.held, name)
	s.mu.Unlock()
	if h == nil {
		return fmt.Errorf("the lock %s is not held", name)
	}
	h.cancel()
	<-h.done
	return s.items.UnlockCertificates(ctx, name, h.owner)
}

// RenewLockLease prolongs a lock that this process has.
func (s *storage) RenewLockLease(ctx context.Context, name string, life time.Duration) error {
	s.mu.Lock()
	h := s.held[name]
	s.mu.Unlock()
	if h == nil {
		return fmt.Errorf("the lock %s is not held", name)
	}
	ok, err := s.items.LockCertificates(ctx, name, h.owner, max(life, lockLife))
	if err == nil && !ok {
		err = fmt.Errorf("the lock %s was lost", name)
	}
	return err
}
