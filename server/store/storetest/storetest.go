// Package storetest opens stores on real one-node databases and fills them with fixtures as code.
package storetest
