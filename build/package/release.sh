#!/bin/sh
# Makes the release archives below build/bin/release: static binaries, reproducible, with signed checksums.
#
#   RELEASE_KEY=~/.ssh/trivium_release build/package/release.sh          (an ed25519 key: ssh-keygen -t ed25519 -f …)
#   UNSIGNED=1 build/package/release.sh                                  for a trial
#
# The same commit and toolchain give the same bytes: no paths, no build ids, no names and times but the commit's.
set -eu
cd "$(dirname "$0")/../.."
: "${TAGS:=sqlite_fts5 osusergo netgo sqlite_omit_load_extension}"
: "${ARCHES:=amd64 arm64}"
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct)}"
export SOURCE_DATE_EPOCH
out=build/bin/release

if [ -z "${RELEASE_KEY:-}" ] && [ -z "${UNSIGNED:-}" ]; then
	echo "RELEASE_KEY names the ed25519 key that signs the checksums (ssh-keygen -t ed25519); UNSIGNED=1 makes a trial without." >&2
	exit 1
fi
version=$(sed -n 's/^const release = "\(.*\)"$/\1/p' server/version.go)
[ -n "$version" ] || { echo "server/version.go has no release" >&2; exit 1; }
rm -rf "$out"
mkdir -p "$out"

for arch in $ARCHES; do
	case $arch in
	"$(go env GOHOSTARCH)") cc=${CC:-gcc} ;;
	arm64) cc=aarch64-linux-gnu-gcc ;;
	amd64) cc=x86_64-linux-gnu-gcc ;;
	*) echo "no C compiler is known for $arch" >&2; exit 1 ;;
	esac
	command -v "$cc" >/dev/null || { echo "$cc is missing: install the package gcc-aarch64-linux-gnu or gcc-x86-64-linux-gnu" >&2; exit 1; }
	name=trivium-$version-linux-$arch
	dir=$out/$name
	mkdir -p "$dir"
	CGO_ENABLED=1 CC=$cc GOOS=linux GOARCH=$arch go build -tags "$TAGS" -trimpath \
		-ldflags '-s -w -buildid= -linkmode external -extldflags "-static -Wl,--build-id=none"' -o "$dir/trivium" ./server
	sh build/package/texts.sh "$dir"
	cp LICENSE build/package/trivium.service build/package/compose.yaml build/package/cluster-up.sh "$dir/"
	chmod 755 "$dir" "$dir/trivium" "$dir/cluster-up.sh"
	chmod 644 "$dir"/*.md "$dir/home.png" "$dir/LICENSE" "$dir/trivium.service" "$dir/compose.yaml"
	tar --sort=name --format=ustar --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -C "$out" -cf - "$name" | gzip -9n >"$out/$name.tar.gz"
	rm -r "$dir"
done

cd "$out"
sha256sum -- *.tar.gz >SHA256SUMS
if [ -n "${RELEASE_KEY:-}" ]; then
	ssh-keygen -q -Y sign -f "$RELEASE_KEY" -n trivium-release SHA256SUMS
	echo "signed: SHA256SUMS.sig"
fi
cat SHA256SUMS
