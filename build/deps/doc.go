// Package deps holds the test that keeps the dependency rules of the folders.
package deps
