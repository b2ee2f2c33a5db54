/* channel: see channel.h. */
#include "channel.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { HEAD = 8, OUT = 128 * 1024 + HEAD, IN = CHANNEL_RECORD_MAX + 256 * 1024 };

struct channel {
	int fd;
	size_t out_n;
	size_t in_from, in_to;
	uint8_t out[OUT];
	uint8_t in[IN];
};

struct channel *channel_new(int fd)
{
	struct channel *c = malloc(sizeof(*c));
	if (!c)
		return NULL;
	c->fd = fd;
	c->out_n = c->in_from = c->in_to = 0;
	return c;
}

void channel_free(struct channel *c)
{
	if (!c)
		return;
	channel_flush(c);
	close(c->fd);
	free(c);
}

int channel_fd(const struct channel *c)
{
	return c->fd;
}

static bool write_all(int fd, struct bytes b)
{
	while (b.n) {
		ssize_t n = write(fd, b.p, b.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		b = bytes_skip(b, (size_t)n);
	}
	return true;
}

bool channel_flush(struct channel *c)
{
	struct bytes b = { c->out, c->out_n };
	c->out_n = 0;
	return write_all(c->fd, b);
}

static bool put(struct channel *c, struct bytes b)
{
	if (b.n > OUT - c->out_n && !channel_flush(c))
		return false;
	if (b.n > OUT)
		return write_all(c->fd, b);
	if (b.n)
		memcpy(c->out + c->out_n, b.p, b.n);
	c->out_n += b.n;
	return true;
}

bool channel_send(struct channel *c, enum channel_kind kind, struct bytes head, struct bytes tail)
{
	uint32_t h[2] = { (uint32_t)kind, (uint32_t)(head.n + tail.n) };
	if (head.n > CHANNEL_RECORD_MAX || tail.n > CHANNEL_RECORD_MAX - head.n)
		return false;
	return put(c, (struct bytes){ (const uint8_t *)h, HEAD }) && put(c, head) && put(c, tail);
}

/* 1: a whole record is there, 0: not yet, -1: what is there is no record. */
static int whole(const struct channel *c, uint32_t h[2])
{
	if (c->in_to - c->in_from < HEAD)
		return 0;
	memcpy(h, c->in + c->in_from, HEAD);
	if (h[0] == 0 || h[0] >= CH_KINDS || h[1] > CHANNEL_RECORD_MAX)
		return -1;
	return c->in_to - c->in_from - HEAD >= h[1];
}

bool channel_ready(const struct channel *c)
{
	uint32_t h[2];
	return whole(c, h) != 0;
}

bool channel_fill(struct channel *c)
{
	if (c->in_from) {
		memmove(c->in, c->in + c->in_from, c->in_to - c->in_from);
		c->in_to -= c->in_from;
		c->in_from = 0;
	}
	ssize_t n;
	do
		n = read(c->fd, c->in + c->in_to, IN - c->in_to);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	c->in_to += (size_t)n;
	return true;
}

bool channel_recv(struct channel *c, enum channel_kind *kind, struct bytes *record)
{
	uint32_t h[2];
	int state;
	while ((state = whole(c, h)) == 0)
		if (!channel_fill(c))
			return false;
	if (state < 0)
		return false;
	*kind = (enum channel_kind)h[0];
	*record = (struct bytes){ c->in + c->in_from + HEAD, h[1] };
	c->in_from += HEAD + h[1];
	return true;
}
