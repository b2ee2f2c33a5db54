/* fuzz_sts: octets as a policy, as a TXT record, as TXT RDATA in an answer, as a file of the cache. Promises: what is read points into the octets; a
 * policy has what its mode needs; what is read once is read again from its own text with one more empty line. */
#include <assert.h>
#include <stdlib.h>

#include "judge/freshness.h"
#include "sts_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct bytes whole, struct bytes part)
{
	assert(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void try_policy(struct bytes in)
{
	struct sts_policy p, again;
	if (sts_policy_read(in, &p) != STS_OK)
		return;
	assert(p.mode < stsmode_COUNT && p.max_age <= STS_AGE_MAX && p.mxs <= STS_MX);
	assert(p.mxs > 0 || p.mode == stsmode_none);
	for (size_t i = 0; i < p.mxs; i++) {
		inside(in, p.mx[i]);
		bool star = p.mx[i].p[0] == '*';
		assert(sts_names_host(&p, p.mx[i]) || star);
	}
	uint8_t *longer = malloc(in.n + 1);
	assert(longer);
	memcpy(longer, in.p, in.n);
	longer[in.n] = '\n';
	assert(in.n == STS_OCTETS || sts_policy_read((struct bytes){ longer, in.n + 1 }, &again) == STS_OK);
	assert(in.n == STS_OCTETS || (again.mode == p.mode && again.mxs == p.mxs && again.max_age == p.max_age));
	free(longer);
}

/* The octets as the one record of the answer, in a block of its size. An id is never the policy's without its letters. */
static void try_answer(struct bytes in)
{
	static struct record s;
	const struct sts_held h = { .domain = bytes_of("a.example"), .id = bytes_of("7"), .policy = { .max_age = 9 } };
	const struct sts_held *held[] = { &h };
	struct freshness f;
	struct question q;
	record_init(&s);
	record_num(&s, F_service, service_mx);
	record_num(&s, F_event_start, 1);
	record_add_cstr(&s, F_id_domains, "a.example");
	freshness_start(&f, &s, held, 1);
	assert(freshness_next(&f, &q));
	size_t head = offsetof(struct answer, data);
	struct answer *a = calloc(1, head + in.n);
	assert(a);
	a->id = q.id;
	a->type = q.type;
	a->status = dnsstatus_insecure;
	memcpy(a->name, q.name, sizeof(a->name));
	a->rrs = 1;
	a->used = a->rr[0].n = (uint32_t)in.n;
	if (in.n)
		memcpy((uint8_t *)a + head, in.p, in.n);
	freshness_answer(&f, a);
	struct sts_hint hint = freshness_hint(&f, h.domain);
	assert(hint.id_n <= STS_ID && hint.link == ststxt_unknown);
	assert((hint.txt == ststxt_same) == (hint.id_n == 1 && hint.id[0] == '7'));
	assert((hint.txt == ststxt_same || hint.txt == ststxt_other) == (hint.id_n > 0));
	free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes id = { 0 };
	struct sts_file file;
	const char *why;
	uint8_t *block = malloc(size ? size : 1);
	assert(block);
	if (size)
		memcpy(block, data, size);
	struct bytes in = { block, size };
	try_policy(in);
	if (in.n <= ANSWER_DATA)
		try_answer(in);
	if (sts_txt_read(&in, 1, &id) == STS_OK) {
		inside(in, id);
		assert(id.n > 0 && id.n <= STS_ID);
	}
	if (sts_file_read("example.org.sts", in, &file, &why)) {
		inside(in, file.held.domain);
		inside(in, file.held.id);
		assert(file.held.domain.n == 11 && file.held.fetched >= 0 && sts_until(&file.held) >= file.held.fetched);
	} else {
		assert(why && why[0]);
	}
	free(block);
	return 0;
}
