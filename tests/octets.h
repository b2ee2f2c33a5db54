/* octets: big-endian numbers for packets that tests put together; each returns how many octets it wrote. */
#ifndef TESTS_OCTETS_H
#define TESTS_OCTETS_H
#include <stddef.h>
#include <stdint.h>

static inline size_t put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return 2;
}

static inline size_t put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	return 2 + put16(p + 2, v & 0xffff);
}
#endif
