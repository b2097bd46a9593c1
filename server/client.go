package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"trivium/app/api"
	"trivium/app/lms"
)

// clientFlags tell a command how to reach a node and who asks.
type clientFlags struct {
	url, data, token string
	json             bool
}

func (c *clientFlags) add(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&c.url, "url", "", "where a node serves people (default: the node of --data)")
	f.StringVar(&c.data, "data", defaultData, "directory of a node on this machine, whose operator one is")
	f.StringVar(&c.token, "token", "", "operator token or session token (default: the operator token of --data)")
	f.BoolVar(&c.json, "json", false, "print JSON")
}

// reach finds the node and the token.
func (c *clientFlags) reach() (url, token string, err error) {
	url, token = c.url, c.token
	if url == "" {
		if url, err = readLine(filepath.Join(c.data, urlFile)); err != nil {
			return "", "", fmt.Errorf("no node has run in %s; name its directory with --data, or where it serves people with --url", c.data)
		}
	}
	if token == "" {
		token, err = readLine(filepath.Join(c.data, operatorFile))
		switch {
		case errors.Is(err, fs.ErrPermission):
			return "", "", fmt.Errorf("only the user who runs the node may read its operator token in %s; use that account, or --token", c.data)
		case err != nil:
			return "", "", fmt.Errorf("there is no operator token in %s; name the node's directory with --data, or give --token (TRIVIUM_TOKEN)", c.data)
		}
	}
	return strings.TrimRight(url, "/"), token, nil
}

func readLine(path string) (string, error) {
	data, err := os.ReadFile(path)
	return strings.TrimSpace(string(data)), err
}

// client makes an API client that gives up within half a minute.
func (c *clientFlags) client() (*api.Client, error) {
	url, token, err := c.reach()
	if err != nil {
		return nil, err
	}
	return api.NewClient(url, api.WithBearer(token), api.WithTimeouts(15*time.Second, 30*time.Second)), nil
}

// call makes one call and prints its answer: as JSON if that is asked for, else in words.
func call[In, Out any](cmd *cobra.Command, c *clientFlags, e api.Endpoint[In, Out], in In, words func(io.Writer, Out)) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	if v, ok := any(in).(api.Validator); ok {
		if err := v.Validate(); err != nil {
			return err
		}
	}
	out, err := api.Call(cmd.Context(), client, e, in)
	if err != nil {
		return unreachable(client, err)
	}
	if c.json {
		writeJSON(cmd.OutOrStdout(), out)
		return nil
	}
	words(cmd.OutOrStdout(), out)
	return nil
}

// unreachable says which node does not answer, instead of what a browser would say.
func unreachable(client *api.Client, err error) error {
	if errors.Is(err, context.Canceled) {
		return errors.New("stopped; what was under way may or may not have been done")
	}
	if lms.KindOf(err) == lms.KindUnavailable {
		return fmt.Errorf("%s does not answer, or its cluster has no majority: %w", client.Nodes()[0], err)
	}
	return err
}

// askOperator calls what is no part of the API but of the node itself.
func (c *clientFlags) askOperator(ctx context.Context, path string, out any) error {
	return c.request(ctx, http.MethodPost, path, 30*time.Second, func(body io.Reader) error { return json.NewDecoder(body).Decode(out) })
}

// fetch copies what an endpoint answers that is no JSON.
func (c *clientFlags) fetch(ctx context.Context, path string, w io.Writer) error {
	return c.request(ctx, http.MethodGet, path, 2*time.Minute, func(body io.Reader) error {
		_, err := io.Copy(w, body)
		return err
	})
}

// request makes one request outside of the typed endpoints and hands its answer over.
func (c *clientFlags) request(ctx context.Context, method, path string, limit time.Duration, read func(io.Reader) error) error {
	url, token, err := c.reach()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url+path, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", url, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refusal(url, resp)
	}
	return read(resp.Body)
}

// refusal is what a node answered instead of what was asked for.
func refusal(url string, resp *http.Response) error {
	e := &lms.Error{}
	if json.NewDecoder(resp.Body).Decode(e) != nil || e.Message == "" {
		return fmt.Errorf("%s answered %s; is it a node of Trivium?", url, resp.Status)
	}
	return e
}
