/* key_proof: what is written is read again, and what is no such value is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "key_proof.h"

static uint8_t octets[2 * KEY_PROOF_MAX];

static struct key_proof proof_of(size_t params, size_t signature)
{
	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(i * 7 + i / 256);
	return (struct key_proof){ .version = 0x0303, .suite = 0xc02f, .scheme = 0x0804,
				   .client_random = { octets, 32 }, .server_random = { octets + 32, 32 },
				   .params = { octets + 64, params }, .signature = { octets + 64 + params, signature } };
}

static void test_there_and_back(void **state)
{
	(void)state;
	static const struct {
		size_t params, signature, max;
		bool ok;
		const char *why;
	} t[] = {
		{ 36, 256, KEY_PROOF_MAX, true, "X25519, RSA of 2048 bits" },
		{ 1, 1, KEY_PROOF_HEAD + 2, true, "the room is just enough" },
		{ 1, 1, KEY_PROOF_HEAD + 1, false, "an octet short" },
		{ 0, 64, KEY_PROOF_MAX, false, "no parameters" },
		{ 36, 0, KEY_PROOF_MAX, false, "no signature" },
		{ KEY_PROOF_MAX - KEY_PROOF_HEAD - 512, 512, 2 * KEY_PROOF_MAX, true, "the longest" },
		{ KEY_PROOF_MAX - KEY_PROOF_HEAD - 511, 512, 2 * KEY_PROOF_MAX, false, "longer than any" },
	};
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct key_proof p = proof_of(t[i].params, t[i].signature), q;
		uint8_t *out = malloc(t[i].max);
		size_t n = key_proof_write(&p, out, t[i].max);
		if (n != (t[i].ok ? KEY_PROOF_HEAD + t[i].params + t[i].signature : 0))
			fail_msg("%s: %zu octets", t[i].why, n);
		if (t[i].ok) {
			struct bytes in = { out, n }, text;
			assert_true(key_proof_read(in, &q));
			assert_int_equal(q.version, p.version);
			assert_int_equal(q.suite, p.suite);
			assert_int_equal(q.scheme, p.scheme);
			assert_true(bytes_eq(q.client_random, p.client_random) && bytes_eq(q.server_random, p.server_random));
			assert_true(bytes_eq(q.params, p.params) && bytes_eq(q.signature, p.signature));
			text = key_proof_signed(in);
			assert_true(bytes_eq(text, (struct bytes){ octets, 64 + t[i].params }));
			static const uint8_t other[32] = { 1, 2, 3 };
			key_proof_client(out, other);
			assert_true(key_proof_read(in, &q) && bytes_eq(q.client_random, (struct bytes){ other, 32 }));
			assert_true(bytes_eq(q.server_random, p.server_random) && bytes_eq(q.params, p.params));
		}
		free(out);
	}
}

static void test_refused(void **state)
{
	(void)state;
	struct key_proof p = proof_of(36, 64), q;
	uint8_t whole[KEY_PROOF_HEAD + 100];
	size_t n = key_proof_write(&p, whole, sizeof(whole));
	assert_int_equal(n, sizeof(whole));
	for (size_t less = 0; less < n; less++) {
		uint8_t *in = malloc(less + 1);
		memcpy(in, whole, less);
		assert_false(key_proof_read((struct bytes){ in, less }, &q));
		free(in);
	}
	uint8_t *more = malloc(n + 1);
	memcpy(more, whole, n);
	more[n] = 0;
	assert_false(key_proof_read((struct bytes){ more, n + 1 }, &q));
	more[7]++; /* a longer params would take of the signature, and be whole with what is too much */
	assert_true(key_proof_read((struct bytes){ more, n + 1 }, &q));
	more[0] = 2;
	assert_false(key_proof_read((struct bytes){ more, n + 1 }, &q));
	assert_int_equal(key_proof_signed((struct bytes){ more, n + 1 }).n, 0);
	free(more);
	p.server_random.n = 31;
	assert_int_equal(key_proof_write(&p, whole, sizeof(whole)), 0);
	p = proof_of(36, 64);
	p.version = 0x0304;
	assert_int_equal(key_proof_write(&p, whole, sizeof(whole)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_refused) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
