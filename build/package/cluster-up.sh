#!/bin/sh
# Forms the cluster of compose.yaml: n1 founds it, n2 and n3 join with a token each. To be run once; again does no harm.
set -eu
cd "$(dirname "$0")"
compose="docker compose"
ask() { $compose exec -T n1 /trivium "$@"; }

$compose up -d n1
tries=0
until ask status >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ $tries -lt 60 ] || { echo "n1 does not answer; look at: $compose logs n1" >&2; exit 1; }
	sleep 1
done
known=$(ask nodes --json)
for n in n2 n3; do
	case $known in
	*"\"id\": \"$n\""*) $compose up -d $n ;; # a member already: it needs no token
	*) token=$(ask join-token 2>/dev/null) && env "TOKEN_$(echo $n | tr a-z A-Z)=$token" $compose up -d $n ;;
	esac
	tries=0
	until ask nodes --json | grep -q "\"id\": \"$n\""; do
		tries=$((tries + 1))
		[ $tries -lt 60 ] || { echo "$n does not join; look at: $compose logs $n" >&2; exit 1; }
		sleep 1
	done
done
ask status
echo "The link that claims the first administrator: $compose logs n1 | grep setup"
