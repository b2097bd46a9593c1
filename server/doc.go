// Command trivium is a learning management system that keeps working when a machine dies: a node (serve), a cluster to try
// out on one machine (demo), and the tool of those who run it.
//
// main only exits; run parses the command line and can be called by a test; Node assembles the layers and takes them
// apart in the opposite order.
package main
