#!/bin/sh
# live.sh MXWITNESS [SCENARIO...]: real servers, real senders, now: records scenarios anew in network namespaces and
# judges what was captured. Needs root; what it starts and creates it ends and removes. "live: N passed, N failed".
program=$1
shift
[ $# -gt 0 ] || set -- dane-match-tls12 strip-dane-clear intercept-tls12-dane dane-match-tls13 starttls-not-used-own \
	dane-exim-server no-starttls-opensmtpd auth-in-clear
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" -ne 0 ] || ! command -v ip >/dev/null || ! command -v nsd >/dev/null || ! command -v unbound >/dev/null; then
	echo "live: 0 passed, 0 failed, 1 skipped (it needs root, ip, nsd and unbound: sh tools/setup live)"
	exit 0
fi
if ! ip netns add "mxw-probe-$$" 2>/dev/null; then
	echo "live: 0 passed, 0 failed, 1 skipped (no network namespaces can be made here)"
	exit 0
fi
ip netns del "mxw-probe-$$"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/pcaps"
if ! "$here/../tools/record/record" --work "$dir/work" --out "$dir/pcaps" --fresh --watch "$program" "$@" >"$dir/log" 2>&1; then
	tail -20 "$dir/log"
	echo "live: 0 passed, 1 failed"
	exit 1
fi
python3 "$here/captures.py" "$program" "$dir/pcaps" >"$dir/result"
rc=$?
sed 's/^captures:/live:/' "$dir/result"
python3 "$here/watch.py" "$program" --compare "$dir/pcaps" || rc=1
exit $rc
