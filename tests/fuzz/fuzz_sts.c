/* fuzz_sts: octets as a policy, as a TXT record, as a file of the cache. Promises: what is read points into the octets; a
 * policy has what its mode needs; what is read once is read again from its own text with one more empty line. */
#include <assert.h>
#include <stdlib.h>

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
