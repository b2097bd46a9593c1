#!/bin/sh
# Puts what an archive of a release has to be read into the folder $1, named from the root of the sources. The texts lie
# beside each other there, without the sources: links to other texts lead there, and names of folders are no links.
set -eu
cd "$(dirname "$0")/../.."
copy() { sed -e 's/\[\(`[^`]*`\)\]([^)]*)/\1/g' -e 's|](assets/docs/|](|g' -e 's|](build/package/README.md)|](INSTALL.md)|g' "$1" >"$2"; }
copy README.md "$1/README.md"
copy CHANGELOG.md "$1/CHANGELOG.md"
copy build/package/README.md "$1/INSTALL.md"
copy assets/docs/operating.md "$1/operating.md"
cp assets/docs/home.png "$1/"
