package ui

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// work is what runs away from the UI goroutine.
type work[T any] = func(context.Context) (T, error)

// Async runs work away from the UI goroutine and hands its result to done on it. A panic in work becomes an error: on
// the node an unrecovered one would end the process, in the browser the page. The context ends with ctx.
//
// The element whose handler started the work may be gone when the answer comes (a button of a dialog that was closed);
// go-app would then drop the answer silently, so it goes to the page's shell instead, if that is still the same one.
func Async[T any](ctx app.Context, work func(context.Context) (T, error), done func(app.Context, T, error)) {
	var v T
	async(ctx, func(c context.Context) (err error) {
		v, err = work(c)
		return err
	}, func(ctx app.Context, err error) { done(ctx, v, err) })
}

// async is the part of Async that the program holds once, whatever the number of types.
func async(ctx app.Context, work func(context.Context) error, done func(app.Context, error)) {
	shell := onScreen
	if _, ok := ctx.Src().(app.Composer); ok {
		shell = nil // a component that is gone does not want the answer
	}
	ctx.Async(func() {
		err := guarded(ctx, work)
		finish := func(ctx app.Context) {
			switch lms.KindOf(err) {
			case lms.KindSignIn:
				signedOut(ctx)
			case lms.KindEnrol:
				if ctx.Page().URL().Path != "/account" {
					ctx.Navigate("/account")
				}
			case lms.KindConfirm:
				askConfirm(ctx, func() { async(ctx, work, done) }, func() { done(ctx, err) })
				return
			}
			done(ctx, err)
		}
		if shell == nil {
			ctx.Dispatch(finish)
			return
		}
		shell.Dispatch(func(of app.Context) {
			if !ctx.Src().Mounted() {
				finish(of)
				return
			}
			ctx.Update()
			finish(ctx)
		})
	})
}

// later runs f after a while, or as soon as the element of ctx is gone: a button that has done its work.
func later(ctx app.Context, d time.Duration, f func(app.Context)) {
	async(ctx, func(c context.Context) error {
		select {
		case <-time.After(d):
		case <-c.Done():
		}
		return nil
	}, func(ctx app.Context, _ error) { f(ctx) })
}

// onScreen is the context of the shell that is on screen; nil on pages without one and on the node.
var onScreen *app.Context

func guarded(ctx context.Context, work func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			app.Log(fmt.Sprintf("page: %v\n%s", r, debug.Stack()))
			err = lms.ErrInternal
		}
	}()
	return work(ctx)
}

// Remote is a value that a page loads from the node. The zero value is "loading". Only the UI goroutine touches it.
type Remote[T any] struct {
	Value T
	remote
}

// remote is the part of a Remote that the program holds once, whatever the number of types.
type remote struct {
	Ready bool  // Value was loaded at least once
	Err   error // of the last attempt
	round int
	busy  bool
}

func (r *remote) begin() int {
	r.round++
	r.busy = true
	return r.round
}

// end takes the end of an attempt and reports whether its value counts.
func (r *remote) end(round int, err error) bool {
	if r.round != round {
		return false
	}
	r.Err, r.busy = err, false
	r.Ready = r.Ready || err == nil
	return err == nil
}

// Load fetches the value; a late answer to an earlier Load is dropped. What is shown stays until the answer is there.
// The optional then runs after a success.
func (r *Remote[T]) Load(ctx app.Context, fetch func(context.Context) (T, error), then ...func(app.Context)) {
	if app.IsServer {
		return
	}
	var v T
	r.load(ctx, func(c context.Context) (err error) {
		v, err = fetch(c)
		return err
	}, func() { r.Value = v }, then)
}

func (r *remote) load(ctx app.Context, work func(context.Context) error, keep func(), then []func(app.Context)) {
	round := r.begin()
	async(ctx, work, func(ctx app.Context, err error) {
		if !r.end(round, err) {
			return
		}
		keep()
		for _, f := range then {
			f(ctx)
		}
	})
}

// Reset forgets the value, for a page whose path parameter has changed; an answer on its way is dropped.
func (r *Remote[T]) Reset() { *r = Remote[T]{remote: remote{round: r.round + 1}} }

// Loading reports whether an answer is awaited. A poll leaves that one to come: asking again would drop it.
func (r *remote) Loading() bool { return r.busy }

// Set puts a value that a write has returned.
func (r *Remote[T]) Set(v T) {
	r.Value, r.remote = v, remote{Ready: true, round: r.round + 1}
}

// View draws the value in its three states: loading (a skeleton of so many rows), failed, ready. A failed refresh keeps
// what was there below the reason.
func (r *Remote[T]) View(rows int, retry func(app.Context), ready func(T) app.UI) app.UI {
	return r.view(rows, retry, func() app.UI { return ready(r.Value) })
}

func (r *remote) view(rows int, retry func(app.Context), ready func() app.UI) app.UI {
	switch {
	case !r.Ready && r.Err != nil:
		return app.Div().Body(ErrorBox(r.Err, retry))
	case !r.Ready:
		return app.Div().Body(Skeleton(rows))
	case r.Err != nil:
		return app.Div().Class("stack").Body(ErrorBox(r.Err, retry), ready())
	}
	return app.Div().Body(ready())
}

// Call makes the work for Async or Load out of an endpoint and its input.
func Call[In, Out any](e api.Endpoint[In, Out], in In) func(context.Context) (Out, error) {
	do := call(api.Route{Method: e.Method, Path: e.Path, Access: e.Access}, in)
	return func(ctx context.Context) (out Out, err error) {
		err = do(ctx, &out)
		return out, err
	}
}

// call is the part of Call that the program holds once, whatever the number of endpoints.
func call(route api.Route, in any) func(ctx context.Context, out any) error {
	return func(ctx context.Context, out any) error { return API.Do(ctx, route, in, out) }
}

// afterCall makes one work of two: the second is done when the first has succeeded.
func afterCall[A, B any](one work[A], two work[B]) work[B] {
	return func(ctx context.Context) (B, error) {
		if _, err := one(ctx); err != nil {
			var none B
			return none, err
		}
		return two(ctx)
	}
}
