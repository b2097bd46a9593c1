#!/bin/sh
# fuzz.sh TAGS TIME [PATTERN]: runs each fuzz target of the repository for TIME, one after the other. What fails is kept below the
# package's testdata/fuzz and runs with the tests from then on.
set -u
tags=$1 time=$2 pattern=${3:-.}
failed=0
for target in $(grep -rn --include='*_test.go' -o '^func Fuzz[A-Za-z0-9]*' app consensus server | sed 's,/[^/]*_test.go:[0-9]*:func ,:,' | sort -u | grep -E "$pattern"); do
	echo "== ./${target%%:*} ${target##*:}"
	go test -tags "$tags" -run '^$' -fuzz "^${target##*:}\$" -fuzztime "$time" -timeout 0 "./${target%%:*}" || failed=$((failed + 1))
done
[ $failed = 0 ] || { echo "$failed targets failed"; exit 1; }
