/* A report of others as any octets: it is refused, or gives rows that are whole, can be held against a session, and can be shown without
 * telling the terminal anything. The first octet says for how many rows there is room. */
#include <assert.h>
#include <stdlib.h>

#include "rule_file.h"
#include "tlsrpt_compare.h"

enum { ROWS = 255 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ended(const char *text, size_t cap)
{
	assert(memchr(text, '\0', cap));
}

static void whole(const struct tlsrpt_row *r)
{
	ended(r->organization, sizeof(r->organization));
	ended(r->id, sizeof(r->id));
	ended(r->domain, sizeof(r->domain));
	ended(r->host, sizeof(r->host));
	ended(r->type, sizeof(r->type));
	ended(r->reason, sizeof(r->reason));
	assert(*r->type && *r->domain && r->from <= r->to && r->failed > 0);
	assert((r->sender.v == 0 || r->sender.v == 4 || r->sender.v == 6) && (r->receiver.v == 0 || r->receiver.v == 4 || r->receiver.v == 6));
}

static void show(const struct tlsrpt_match *m, size_t n, bool ndjson)
{
	char *page = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&page, &size);
	assert(out);
	tlsrpt_print(m, n, ndjson, out);
	assert(fclose(out) == 0);
	for (size_t i = 0; i < size; i++)
		assert(page[i] == '\n' || (uint8_t)page[i] >= ' ');
	free(page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tlsrpt_row row[ROWS];
	static struct tlsrpt_match match[ROWS];
	static struct record session;
	static struct rules none;
	size_t n = 0, cut = 0;
	const char *why = NULL;
	if (size < 1)
		return 0;
	const bool good = tlsrpt_read((struct bytes){ data + 1, size - 1 }, row, &n, data[0], &cut, &why);
	assert(why && n <= data[0] && (good || (n == 0 && cut == 0)));
	record_init(&session);
	record_num(&session, F_net_direction, direction_inbound);
	record_num(&session, F_event_start, n ? row[0].from : 0);
	record_num(&session, F_event_end, n ? row[0].from : 0);
	for (size_t i = 0; i < n; i++) {
		whole(&row[i]);
		match[i] = (struct tlsrpt_match){ .row = row[i] };
	}
	tlsrpt_compare(&none, &session, match, n);
	for (size_t i = 0; i < n; i++)
		assert(match[i].all >= match[i].seen && match[i].seen >= match[i].same);
	show(match, n, size & 1);
	return 0;
}
