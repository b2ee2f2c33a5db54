/* fuzz_judge: any facts a record can hold, then site, outcome and gate. Promise: the record stays a possible one; facts of
 * the wire room stay as they were; judging twice changes nothing; what could not be judged is listed in pairs; an
 * unknown outcome is explained by one of them, or by a suite that encrypts nothing. */
#include <assert.h>
#include <stdlib.h>

#include "judge/gate.h"
#include "judge/outcome.h"
#include "judge/site.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(struct record *r, enum fact f, struct cur *c)
{
	const struct fact_info *info = &fact_table[f];
	static const char *const suites[] = { "TLS_RSA_WITH_NULL_SHA", "TLS_AES_128_GCM_SHA256", "TLS_SHA256_SHA256", "1.3" };
	uint8_t v = cur_u8(c);
	int64_t words = 0;
	struct addr a = { 4, { 192, 0, 2, v } };
	while (info->words && info->words[words])
		words++;
	switch (info->type) {
	case T_TRI:
		record_tri(r, f, (enum tri)(v % 3));
		break;
	case T_NUM:
	case T_TIME:
	case T_DUR:
		record_num(r, f, f == F_smtp_stls_code || f == F_smtp_ehlo_code || v & 1 ? (int64_t)v * 2 : (int64_t)v << 12);
		break;
	case T_ENUM:
		record_num(r, f, v % words);
		break;
	case T_IP:
		record_addr(r, f, &a);
		break;
	case T_STR:
	case T_HEX:
		record_cstr(r, f, suites[v & 3]);
		break;
	case T_LSTR:
	case T_LHEX:
		record_add_cstr(r, f, suites[v & 3]);
		break;
	case T_LNUM:
		record_add_num(r, f, (int64_t)v * 8);
		break;
	case T_LENUM:
		record_add_num(r, f, v % words);
		break;
	case T_LIP:
		break;
	}
}

static void judge(const struct site *site, struct record *r)
{
	site_judge(site, r);
	outcome_judge(r);
	gate_judge(r);
}

static bool same(const struct record *a, const struct record *b, enum fact f)
{
	size_t x = 0, y = 0;
	struct bytes i, k;
	if (record_has(a, f) != record_has(b, f))
		return false;
	switch (fact_table[f].type) {
	case T_TRI:
	case T_NUM:
	case T_TIME:
	case T_DUR:
	case T_ENUM:
		return record_get_num(a, f, 0) == record_get_num(b, f, 0);
	case T_STR:
	case T_HEX:
	case T_IP:
		return bytes_eq(record_get_str(a, f), record_get_str(b, f));
	case T_LSTR:
	case T_LNUM:
	case T_LENUM:
	case T_LHEX:
	case T_LIP:
		break;
	}
	while (record_next(a, f, &x, &i))
		if (!record_next(b, f, &y, &k) || !bytes_eq(i, k))
			return false;
	return !record_next(b, f, &y, &k);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct record before, once, twice;
	struct cur c = cur_of((struct bytes){ data, size });
	struct site site = { .mirror_all = cur_u8(&c) & 1 };
	assert(networks_add(&site.own, bytes_of("192.0.2.0/25")) && networks_add(&site.seen_as, bytes_of("192.0.2.7")));
	record_init(&before);
	while (cur_left(&c) >= 3)
		put(&before, (enum fact)(cur_u16(&c) % FACT_COUNT), &c);
	once = before;
	judge(&site, &once);
	assert(record_check(&once, record_size(&once)));
	for (enum fact f = 0; f < FACT_COUNT; f++)
		assert(fact_table[f].room != ROOM_WIRE || same(&before, &once, f));
	twice = once;
	judge(&site, &twice);
	for (enum fact f = 0; f < FACT_COUNT; f++)
		assert(same(&once, &twice, f));
	assert(record_count(&once, F_unknown_what) == record_count(&once, F_unknown_why));
	struct bytes suite = record_get_str(&once, F_tls_cipher);
	bool null = bytes_eq(suite, bytes_of("TLS_RSA_WITH_NULL_SHA")) || bytes_eq(suite, bytes_of("TLS_SHA256_SHA256"));
	if (record_get_num(&once, F_outcome, outcome_unknown) == outcome_unknown)
		assert(null || record_has(&once, F_unknown_what));
	return 0;
}
