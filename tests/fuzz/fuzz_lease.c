/* fuzz_lease: what stands in the store was written by others: what is taken for a value is written as the same text again, and changes
 * nothing but what it is for. */
#include <stdlib.h>
#include <string.h>

#include "lease.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* Numbers may have zeros in front. */
static void same(const struct lease_value *v)
{
	struct lease_value again;
	char text[LEASE_TEXT], twice[LEASE_TEXT];
	lease_write(v, text);
	must(lease_read(bytes_of(text), &again));
	lease_write(&again, twice);
	must(strcmp(text, twice) == 0 && again.epoch == v->epoch && again.upto == v->upto);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lease_value v;
	static struct leases l;
	size_t share;
	const bool good = lease_read((struct bytes){ data, size }, &v);
	must(good || (!v.holder[0] && !v.epoch && !v.upto));
	must(memchr(v.holder, 0, sizeof(v.holder)) != NULL && v.epoch >= 0 && v.upto <= INT64_MAX);
	if (good)
		same(&v);
	leases_init(&l, "a1", 5);
	lease_seen(&l, size % LEASES, 7, &v, 1000);
	must(l.at[size % LEASES].upto == (v.epoch == 5 ? v.upto : 0));
	must(!lease_held(&l, size % LEASES, 1000));
	for (int i = 0; i < LEASES; i++)
		if (lease_next(&l, 1000, &share) == LEASE_TAKE)
			lease_done(&l, LEASE_TAKE, share, LEASE_DONE, 8, 1000);
	must(lease_held(&l, size % LEASES, 1000) == (!v.holder[0] || strcmp(v.holder, "a1") == 0));
	return 0;
}
