/* A record from another process: whatever record_check lets pass can be read, compacted, extended and written. The
 * input is laid over a record that is sound, so that mutations reach behind the first test. */
#include <assert.h>
#include <stdlib.h>

#include "json.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void base(struct record *r)
{
	record_init(r);
	record_cstr(r, F_smtp_banner, "220 mx.example.net ESMTP");
	record_add_cstr(r, F_smtp_keywords, "STARTTLS");
	record_add_num(r, F_tlsa_usage, 3);
	record_add_num(r, F_tlsa_result, tlsaresult_match);
	record_num(r, F_verdict, verdict_clear);
	record_addr(r, F_src_ip, &(struct addr){ 4, { 192, 0, 2, 1 } });
	record_add_num(r, F_expect_all, expect_dane);
}

/* Triples of offset (2 octets) and value change octets of the record; the rest of the input is its text. */
static size_t mutate(struct record *r, const uint8_t *data, size_t size)
{
	uint8_t *p = (uint8_t *)r;
	size_t n = size ? data[0] % 32 : 0, at = 1;
	for (; n && at + 3 <= size; n--, at += 3)
		p[(size_t)(data[at] << 8 | data[at + 1]) % offsetof(struct record, text)] = data[at + 2];
	size_t rest = at < size ? size - at : 0;
	if (rest > RECORD_TEXT - 64)
		rest = RECORD_TEXT - 64;
	if (rest)
		memcpy(r->text, data + at, rest);
	return record_size(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record *r = malloc(sizeof(*r));
	char *line = malloc(JSON_LINE);
	base(r);
	size_t n = mutate(r, data, size);
	if (r->used <= RECORD_TEXT && record_check(r, n)) {
		struct text t = { line, 0, JSON_LINE, false };
		bool fits = json_event(r, JSON_LINE, &t);
		assert(!fits || (t.n >= 3 && line[0] == '{' && line[t.n - 2] == '}'));
		for (size_t i = 0; fits && i + 1 < t.n; i++)
			assert((uint8_t)line[i] >= 0x20);
		record_cstr(r, F_id_host, "mx.example.net");
		record_add_cstr(r, F_findings, "starttls-not-offered");
		assert(record_check(r, record_size(r)));
	}
	free(line);
	free(r);
	return 0;
}
