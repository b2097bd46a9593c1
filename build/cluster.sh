#!/bin/sh
# Starts three nodes the way they are started on three machines, and shows each command. Ctrl-C stops them.
set -eu
trivium=$1
dir=$(mktemp -d)
pids=
stop() {
	trap - INT TERM EXIT
	for p in $pids; do kill "$p" 2>/dev/null || true; done
	wait
	rm -rf "$dir"
}
trap stop INT TERM EXIT

start() {
	printf '$ %s serve' "$trivium"
	printf ' %s' "$@"
	echo
	"$trivium" serve "$@" 2>>"$dir/log" &
	pids="$pids $!"
}

ready() {
	i=0
	until "$trivium" status --data "$1" >/dev/null 2>&1; do
		i=$((i + 1))
		[ $i -lt 100 ] || { echo "The node does not start:"; tail -n 5 "$dir/log"; exit 1; }
		sleep 0.2
	done
}

start --data "$dir/1" --http 127.0.0.1:5001 --cluster 127.0.0.1:5101
ready "$dir/1"
for n in 2 3; do
	echo "\$ $trivium join-token --data $dir/1"
	token=$("$trivium" join-token --data "$dir/1" 2>/dev/null)
	start --data "$dir/$n" --http 127.0.0.1:500$n --cluster 127.0.0.1:510$n --join 127.0.0.1:5101 --token "$token"
	ready "$dir/$n"
done
echo "\$ $trivium status --data $dir/1 --watch"
"$trivium" status --data "$dir/1" --watch
