/* fuzz_dane: records (2-octet length in front of each, an octet with their number first), then a certificate_list.
 * Promise: remembered or not, the result is the same; the order of the records does not decide whether one matches or how many are usable;
 * a match is one record, usable, that says so; without a match there is a reason; usage 3 knows no time. */
#include <assert.h>
#include <stdlib.h>
#include "judge/dane.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool only_ee(const struct tlsa_set *s)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->rr[i].n && s->rr[i].p[0] == 2)
			return false;
	return true;
}

static void check(const struct tlsa_set *set, const struct dane_result *r)
{
	unsigned usable = 0, match = 0;
	for (unsigned i = 0; i < set->n; i++) {
		usable += r->each[i] != tlsaresult_unusable;
		match += r->each[i] == tlsaresult_match;
	}
	assert(usable == r->usable && (match > 0) == (r->matched >= 0));
	assert(r->matched < 0 || (r->compared && r->each[r->matched] == tlsaresult_match && r->variant == danevariant_none));
	assert(!r->compared || r->matched >= 0 || r->variant != danevariant_none);
	assert(r->why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dane *a, *b;
	struct cur c = cur_of((struct bytes){ data, size });
	struct tlsa_set set = { 0 }, reversed = { 0 };
	struct dane_result r, again, turned;
	if (!a) {
		a = dane_init();
		b = dane_init();
		assert(a && b);
	}
	unsigned n = cur_u8(&c) % 8;
	for (unsigned i = 0; i < n && !c.bad; i++) {
		struct cur rr = cur_vec16(&c);
		set.rr[set.n++] = (struct bytes){ rr.p, cur_left(&rr) };
	}
	if (c.bad || set.n == 0)
		return 0;
	for (unsigned i = 0; i < set.n; i++)
		reversed.rr[reversed.n++] = set.rr[set.n - 1 - i];
	struct dane_case x = { &set, { c.p, cur_left(&c) }, { "mx.example.net", "example.org" }, 2, 1790000000LL * 1000000000 };
	dane_compare(a, &x, &r);
	dane_compare(a, &x, &again);
	assert(memcmp(&r, &again, sizeof(r)) == 0);
	check(&set, &r);
	x.set = &reversed;
	dane_compare(b, &x, &turned);
	check(&reversed, &turned);
	assert(turned.usable == r.usable && turned.compared == r.compared && (turned.matched >= 0) == (r.matched >= 0));
	if (only_ee(&set)) {
		x.set = &set;
		x.at = 0;
		dane_compare(b, &x, &turned);
		assert(turned.matched == r.matched && turned.variant == r.variant);
	}
	return 0;
}
