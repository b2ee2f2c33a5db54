/* roundtrip: are events, as lines, read back to records that are written as the same lines?
 *
 * usage: roundtrip < LINES         prints those that are not, each with what it became
 * The last line is "roundtrip: N passed, N failed", a line each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_read.h"
#include "json.h"

static bool same(struct bytes line, char *again, size_t cap)
{
	static struct record r;
	struct text t = { again, 0, cap - 1, false };
	uint8_t *exact = malloc(line.n ? line.n : 1); /* its size and no octet more, for who watches reads */
	if (!exact)
		abort();
	memcpy(exact, line.p, line.n);
	const bool good = event_read((struct bytes){ exact, line.n }, &r) && record_check(&r, record_size(&r)) &&
			  json_event(&r, record_has(&r, F_alert_level) ? JSON_ALERT_LINE : JSON_LINE, &t);
	free(exact);
	again[t.n] = '\0';
	return good && t.n == line.n && memcmp(again, line.p, line.n) == 0;
}

int main(void)
{
	static char again[JSON_LINE + 1];
	char *line = NULL;
	size_t cap = 0, passed = 0, failed = 0;
	for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0;) {
		if (same((struct bytes){ (const uint8_t *)line, (size_t)n }, again, sizeof(again))) {
			passed++;
			continue;
		}
		failed++;
		printf("line %zu\n%sbecame\n%s\n", passed + failed, line, again);
	}
	free(line);
	printf("roundtrip: %zu passed, %zu failed\n", passed, failed);
	return failed > 0;
}
