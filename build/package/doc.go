// Package installation holds what is needed to install the program: the unit of systemd, the recipe of the container with a
// compose file for three nodes, and the script that makes the release archives. Its tests check what can be checked
// without a container engine.
package installation
