/* What answers on the status socket, or stands in a line for `mxwitness judge`, as any octets: no event, or a possible record, which the
 * live table and the metrics can show, and of which, once it was written as ours, no more gets lost. Of a session nothing stays that a
 * line may not say. The first octet chooses the width. */
#include <assert.h>
#include <stdlib.h>

#include "event_read.h"
#include "json.h"
#include "judge/afresh.h"
#include "metrics.h"
#include "session_line.h"
#include "status_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SCREEN = 64 * 1024 };

static void show(const struct record *r, const struct record *before, unsigned width)
{
	static char screen[SCREEN], page[METRICS_TEXT];
	struct text t = { screen, 0, sizeof(screen), false }, m = { page, 0, sizeof(page), false };
	status_table(r, before, width & 1, width, &t);
	metrics_render(r, &m);
	assert(!t.full && !m.full);
	for (size_t i = 0; i < t.n; i++) /* the terminal is told nothing but colours */
		assert(t.p[i] == '\n' || (uint8_t)t.p[i] >= ' ' || ((width & 1) && t.p[i] == '\033' && t.p[i + 1] == '['));
}

static void judge_again(struct bytes line)
{
	static struct record r;
	const char *why = NULL;
	const enum session_line kind = session_line_read(line, INT64_MAX, &r, &why);
	assert((kind == SESSION_LINE_BAD) == (why != NULL));
	if (kind != SESSION_LINE_SESSION)
		return;
	afresh(&r);
	assert(record_check(&r, record_size(&r)));
	for (unsigned f = 0; f < FACT_COUNT; f++)
		assert(!record_has(&r, (enum fact)f) || !afresh_takes((enum fact)f));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct record r, again;
	static char first[JSON_LINE], second[JSON_LINE];
	struct text a = { first, 0, sizeof(first), false }, b = { second, 0, sizeof(second), false };
	if (size < 1)
		return 0;
	judge_again((struct bytes){ data + 1, size - 1 });
	if (!event_read((struct bytes){ data + 1, size - 1 }, &r))
		return 0;
	assert(record_check(&r, record_size(&r)));
	show(&r, NULL, data[0]);
	if (!json_event(&r, JSON_LINE, &a))
		return 0;
	assert(event_read((struct bytes){ (const uint8_t *)first, a.n }, &again));
	assert(record_check(&again, record_size(&again)));
	show(&r, &again, data[0]);
	assert(json_event(&again, JSON_LINE, &b));
	a.n = 0;
	assert(event_read((struct bytes){ (const uint8_t *)second, b.n }, &r) && json_event(&r, JSON_LINE, &a));
	if (!r.truncated) /* octets that are no UTF-8 are written as characters, which may be too long to be read again */
		assert(a.n == b.n && memcmp(first, second, a.n) == 0);
	return 0;
}
