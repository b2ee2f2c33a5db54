/* spool_record: see the header. It knows nothing of files, nor of which records are still wanted; what it reads lies in memory that
 * is the caller's. A file may have been torn by a loss of power or altered: nothing in it is believed before its checksum. */
#include "spool_record.h"

#include <string.h>
#include <zlib.h>

static uint8_t *put_number(uint8_t *out, uint64_t n, unsigned octets)
{
	for (unsigned i = 0; i < octets; i++)
		out[i] = (uint8_t)(n >> 8 * (octets - 1 - i));
	return out + octets;
}

static uint8_t *put_span(uint8_t *out, struct bytes b)
{
	if (b.n)
		memcpy(out, b.p, b.n);
	return out + b.n;
}

static uint64_t cur_u64(struct cur *c)
{
	uint64_t high = cur_u32(c);
	return high << 32 | cur_u32(c);
}

static uint32_t checksum(const uint8_t *p, size_t n)
{
	return (uint32_t)crc32_z(crc32_z(0, NULL, 0), p, n);
}

size_t spool_record_size(const struct spool_item *item)
{
	if (item->id.n > UINT16_MAX || item->key.n > UINT16_MAX || item->payload.n > SPOOL_RECORD_MAX)
		return 0;
	size_t body = SPOOL_RECORD_FIXED + item->id.n + item->key.n + item->payload.n;
	return body > SPOOL_RECORD_MAX ? 0 : SPOOL_RECORD_HEAD + body;
}

void spool_record_write(const struct spool_item *item, uint8_t *out)
{
	uint8_t *body = out + SPOOL_RECORD_HEAD, *p = body;
	p = put_number(p, item->number, 8);
	p = put_number(p, (uint64_t)item->at, 8);
	p = put_number(p, item->dataset, 1);
	p = put_number(p, item->level, 1);
	p = put_number(p, item->id.n, 2);
	p = put_number(p, item->key.n, 2);
	p = put_span(p, item->id);
	p = put_span(p, item->key);
	p = put_span(p, item->payload);
	put_number(out, (uint64_t)(p - body), 4);
	put_number(out + 4, checksum(body, (size_t)(p - body)), 4);
}

size_t spool_record_read(struct bytes file, struct spool_item *item)
{
	struct cur c = cur_of(file);
	uint32_t length = cur_u32(&c), sum = cur_u32(&c);
	if (c.bad || length < SPOOL_RECORD_FIXED || length > SPOOL_RECORD_MAX)
		return 0;
	struct bytes body = cur_take(&c, length);
	if (c.bad || checksum(body.p, body.n) != sum)
		return 0;
	struct cur b = cur_of(body);
	struct spool_item got = { .number = cur_u64(&b) };
	got.at = (int64_t)cur_u64(&b);
	got.dataset = cur_u8(&b);
	got.level = cur_u8(&b);
	size_t id = cur_u16(&b), key = cur_u16(&b);
	got.id = cur_take(&b, id);
	got.key = cur_take(&b, key);
	got.payload = cur_take(&b, cur_left(&b));
	if (b.bad)
		return 0;
	*item = got;
	return SPOOL_RECORD_HEAD + (size_t)length;
}
