/* pool: memory taken once, at start, and lent in blocks of one size. What is dry answers NULL, is counted, and
 * the caller degrades in the open (evicts a flow, declares a gap); nothing grows while packets arrive. */
#ifndef POOL_H
#define POOL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* block  octets per block (rounded up to 16 by pool_init)     count  blocks in all
 * used, peak  lent now, and at most so far                      dry    times that NULL was the answer */
struct pool {
	uint8_t *mem;
	void *back;
	size_t block, count, fresh;
	size_t used, peak;
	uint64_t dry;
};

/* Takes count blocks of block octets from the system, the only allocation of this module. The memory is not
 * touched until a block is lent, so an unused budget costs address space only.
 * false: no memory, or count * block overflows; the pool is then empty and pool_take answers NULL. */
bool pool_init(struct pool *p, size_t block, size_t count);

/* A block of p->block octets, aligned to 16, content undefined; NULL (counted in dry) when all are lent.
 * The caller owns it until pool_give. */
void *pool_take(struct pool *p);

/* Gives a block back; NULL is allowed. Giving what was not taken from p is a bug and ends in an assertion. */
void pool_give(struct pool *p, void *block);

/* Gives the memory back to the system; blocks still lent are gone with it. */
void pool_free(struct pool *p);
#endif
