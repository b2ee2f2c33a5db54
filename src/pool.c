/* pool: the only place where src/ keeps memory for what arrives. A pool knows blocks, not what is in them; it
 * hands memory out and never clears it. Free blocks are a stack, so that the block used last, still in the cache,
 * is used next; blocks never used yet are taken in order behind it, so that untouched budget stays untouched. */
#include "pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool pool_init(struct pool *p, size_t block, size_t count)
{
	*p = (struct pool){ 0 };
	if (block < sizeof(void *))
		block = sizeof(void *);
	if (block > SIZE_MAX - 15)
		return false;
	block = (block + 15) & ~(size_t)15;
	if (count == 0 || count > SIZE_MAX / block)
		return false;
	p->mem = malloc(block * count);
	if (!p->mem)
		return false;
	p->block = block;
	p->count = count;
	return true;
}

void *pool_take(struct pool *p)
{
	void *b = p->back;
	if (b) {
		memcpy(&p->back, b, sizeof(p->back));
	} else if (p->fresh < p->count) {
		b = p->mem + p->fresh++ * p->block;
	} else {
		p->dry++;
		return NULL;
	}
	if (++p->used > p->peak)
		p->peak = p->used;
	return b;
}

void pool_give(struct pool *p, void *block)
{
	if (!block)
		return;
	uintptr_t at = (uintptr_t)block - (uintptr_t)p->mem;
	assert(p->used > 0 && at < p->fresh * p->block && at % p->block == 0);
	memcpy(block, &p->back, sizeof(p->back));
	p->back = block;
	p->used--;
}

void pool_free(struct pool *p)
{
	free(p->mem);
	*p = (struct pool){ 0 };
}
