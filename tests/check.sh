#!/bin/sh
# check.sh BUILD: runs everything (PAIRS: about how many invariance.py tries) that `make check` promises and ends in "N passed, N failed".
# Each part prints a line of its own; what fails is shown in full.
B=$1
here=$(dirname "$0")
passed=0 failed=0 skipped=0

begun=$(date +%s)
count() { # NAME PASSED FAILED
	passed=$((passed + $2)) failed=$((failed + $3)) now=$(date +%s)
	printf '%-28s %4d passed, %d failed, %d s\n' "$1" "$2" "$3" $((now - begun))
	begun=$now
}

for t in "$B"/tests/unit/test_*; do
	case $t in *.o | *.d) continue ;; esac
	[ -x "$t" ] || continue
	out=$("$t" 2>&1)
	rc=$?
	ok=$(printf '%s\n' "$out" | sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' | tail -1)
	bad=$(printf '%s\n' "$out" | grep -c '^\[  FAILED  \] [a-z]')
	[ "$rc" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
	[ "$bad" -gt 0 ] && printf '%s\n' "$out" | tail -60
	count "$(basename "$t")" "${ok:-0}" "$bad"
done

for t in "$B"/tests/fuzz/fuzz_*; do
	case $t in *.o | *.d) continue ;; esac
	[ -x "$t" ] || continue
	name=${t##*/fuzz_}
	if out=$("$t" "$here/fuzz/corpus/$name" 2>&1); then
		count "replay $name" "$(printf '%s\n' "$out" | sed -n 's/^\([0-9]*\) inputs.*/\1/p')" 0
	else
		printf '%s\n' "$out" | tail -40
		count "replay $name" 0 1
	fi
done

script() { # NAME COMMAND...: its last line is "NAME: N passed, N failed[, N skipped ...]"
	name=$1
	shift
	out=$("$@" 2>&1)
	rc=$?
	last=$(printf '%s\n' "$out" | tail -1)
	p=$(printf '%s\n' "$last" | sed -n 's/.*: \([0-9]*\) passed, \([0-9]*\) failed.*/\1/p')
	f=$(printf '%s\n' "$last" | sed -n 's/.*: \([0-9]*\) passed, \([0-9]*\) failed.*/\2/p')
	s=$(printf '%s\n' "$last" | sed -n 's/.* failed, \([0-9]*\) skipped.*/\1/p')
	if [ -z "$p" ] || { [ "$rc" -ne 0 ] && [ "$f" -eq 0 ]; }; then
		p=${p:-0} f=$((${f:-0} + 1))
	fi
	[ "$f" -gt 0 ] && printf '%s\n' "$out" | tail -60
	[ -n "$s" ] && skipped=$((skipped + s)) && printf '%s\n' "$last"
	count "$name" "$p" "$f"
}
# Not for a sanitizer, or needing too long under one: BRIEF leaves them out.
long() { [ -n "${BRIEF:-}" ] || script "$@"; }
# Two lanes at a time, about as long: what waits for networks, processes and clocks, with one long computation at its end, and what
# computes.
lane_of_processes() {
	long "other ports" python3 "$here/other_ports.py" "$B/mxwitness"
	script sandbox "$B/tests/sandbox/attempt"
	[ "$(id -u)" -ne 0 ] || script "sandbox of nobody" "$B/tests/sandbox/attempt" nobody
	script "incident command" python3 "$here/incident_command.py" "$B/mxwitness"
	long tlsrpt python3 "$here/tlsrpt.py" "$B/mxwitness"
	script baseline python3 "$here/baseline.py" "$B/mxwitness"
	POINTS="${POINTS:-10}" long "kill state" python3 "$here/kill_state.py" "$B/mxwitness"
	script processes python3 "$here/processes.py" "$B/mxwitness"
	long "watch rights" python3 "$here/watch_rights.py" "$B/mxwitness"
	long "unit file" python3 "$here/unit_file.py" "$B/mxwitness"
	long "live capture" python3 "$here/live_capture.py" "$B/tests/bench/live_loop"
	long rotate python3 "$here/rotate.py" "$B/mxwitness"
	long "watch status" python3 "$here/watch_status.py" "$B/mxwitness"
	long discover python3 "$here/discover.py" "$B/mxwitness"
	long receivers python3 "$here/receivers.py" "$B/tests/deliver/send"
	long delivery python3 "$here/delivery.py" "$B/mxwitness"
	long "judge nats" python3 "$here/judge_nats.py" "$B/mxwitness" "$B/tests/deliver/send"
	long brokers python3 "$here/brokers.py" "$B/tests/deliver/send"
	long kafka python3 "$here/kafka.py" "$B/tests/deliver/send" "$B/tests/deliver/kafka"
	long "mxcheck sts" python3 "$here/mxcheck_sts.py" "$B/mxcheck"
	long "mxcheck tlsa" python3 "$here/mxcheck_tlsa.py" "$B/mxcheck"
	long watch python3 "$here/watch.py" "$B/mxwitness"
	long load python3 "$here/load.py" "$B/mxwitness" "$B/tests/load/flood"
	long "sigma referee" python3 "$here/sigma_referee.py" "$B/mxwitness" "$B" "${REFEREE:-60}"
}
lane_of_files() {
	script captures python3 "$here/captures.py" "$B/mxwitness"
	script truth python3 "$here/truth.py" "$B/mxwitness" "$here/../../shared/pcaps"
	script "bad input" python3 "$here/bad_input.py" "$B/mxwitness"
	long schema python3 "$here/schema.py" "$B/mxwitness" "$here/../../shared/referees/ecs-fields.csv" "${SCHEMA:-3}"
	long formats python3 "$here/formats.py" "$B/mxwitness"
	script contrib python3 "$here/contrib.py" "$B/mxwitness"
	long community python3 "$here/community.py" "$B/mxwitness"
	long "sigma schema" sh "$here/sigma_schema.sh"
	long vectors python3 "$here/vectors.py"
	long "rules command" python3 "$here/rules_command.py" "$B/mxwitness"
	long "config command" python3 "$here/config_command.py" "$B/mxwitness"
	long sts python3 "$here/sts.py" "$B/mxwitness"
	script "dns from" python3 "$here/dns_from.py" "$B/mxwitness"
	long later python3 "$here/later.py" "$B/mxwitness"
	long mutate python3 "$here/mutate.py"
	long mutations python3 "$here/../tools/mutate/mutate.py" check "$here/pcaps" "$here"/mutations/*.toml
	script invariance python3 "$here/invariance.py" "$B/mxwitness" --pairs "${PAIRS:-4000}"
	long interims "$B/tests/latency/interims" "$here/pcaps"
	long judge python3 "$here/judge_again.py" "$B/mxwitness" "$B/tests/again/roundtrip"
	long fleet python3 "$here/fleet.py" "$B/mxwitness"
	long quarter python3 "$here/quarter.py" "$B/mxwitness" "$B/tests/quarter/quarter"
	script evidence python3 "$here/evidence.py" "$B/mxwitness"
	script tamper python3 "$here/tamper.py" "$B/mxwitness" "$B/tests/tamper/tamper"
}

lane=$(mktemp -d)
trap 'rm -rf "$lane"' EXIT
(
	passed=0 failed=0 skipped=0
	lane_of_processes
	echo "$passed $failed $skipped" >"$lane/sum"
) >"$lane/out" 2>&1 &
lane_of_files
wait
cat "$lane/out"
read -r p f s <"$lane/sum" || p=0 f=1 s=0
passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))

[ "$skipped" -gt 0 ] && printf '%d skipped\n' "$skipped"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
