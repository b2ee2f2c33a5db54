/* spool_record: what was written is read; any cut and any altered bit is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spool_record.h"

static const struct {
	const char *id, *key, *payload, *why;
	uint64_t number;
	int64_t at;
} items[] = {
	{ "", "", "", "nothing in it", 1, 0 },
	{ "01J", "192.0.2.1", "{\"a\":1}", "an ordinary one", 7, 1764115200000000000 },
	{ "x", "", "p", "numbers with all bits", UINT64_MAX, -1 },
};

static struct spool_item item_of(size_t i)
{
	return (struct spool_item){ .number = items[i].number, .at = items[i].at, .dataset = 3, .level = 200,
		.id = bytes_of(items[i].id), .key = bytes_of(items[i].key), .payload = bytes_of(items[i].payload) };
}

/* Reads from a buffer of exactly n octets. */
static size_t read_copy(const uint8_t *from, size_t n, struct spool_item *got, uint8_t **copy)
{
	*copy = malloc(n ? n : 1);
	assert_non_null(*copy);
	memcpy(*copy, from, n);
	return spool_record_read((struct bytes){ *copy, n }, got);
}

static void every_record(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++) {
		struct spool_item in = item_of(i), got = { 0 };
		size_t n = spool_record_size(&in);
		uint8_t *file = malloc(n), *copy;
		assert_non_null(file);
		print_message("%s\n", items[i].why);
		spool_record_write(&in, file);
		assert_int_equal(read_copy(file, n, &got, &copy), n);
		assert_true(got.number == in.number && got.at == in.at && got.dataset == 3 && got.level == 200);
		assert_true(bytes_eq(got.id, in.id) && bytes_eq(got.key, in.key) && bytes_eq(got.payload, in.payload));
		free(copy);
		for (size_t cut = 0; cut < n; cut++) {
			assert_int_equal(read_copy(file, cut, &got, &copy), 0);
			free(copy);
		}
		for (size_t bit = 0; bit < 8 * n; bit++) {
			file[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(read_copy(file, n, &got, &copy), 0);
			file[bit / 8] ^= (uint8_t)(1u << bit % 8);
			free(copy);
		}
		free(file);
	}
}

static void too_long_is_refused(void **state)
{
	struct spool_item in = item_of(1);
	(void)state;
	in.payload.n = SPOOL_RECORD_MAX;
	assert_int_equal(spool_record_size(&in), 0);
	in = item_of(1);
	in.id.n = UINT16_MAX + 1;
	assert_int_equal(spool_record_size(&in), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_record), cmocka_unit_test(too_long_is_refused) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
