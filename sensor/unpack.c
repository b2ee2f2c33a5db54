/* unpack: a descriptor in, the octets that were meant out.
 *
 * It knows the containers (gzip RFC 1952 by zlib, zstd RFC 8878 by libzstd, xz by liblzma), each possibly several in
 * a row, and not what is inside them. Plain octets are read straight into the caller's buffer. The libraries get one
 * bounded piece at a time and keep no more than their window, so a bomb costs time and not memory. Each decoder is
 * made when the first input needs it and used again for the next.
 *
 * A decoder that fails has often produced octets in the same call: those go out first, and the failure is kept in
 * why for the call after. */
#define ZLIB_CONST
#include "unpack.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum { IN = 128 * 1024, MAGIC = 6, GZIP_WINDOW = 15 + 16, ZSTD_WINDOW_LOG = 27, ZSTD_FIRST = 5, ZSTD_BLOCK_HEAD = 3,
       XZ_MIB = 128 };

enum packing { PACK_UNKNOWN, PACK_NONE, PACK_GZIP, PACK_ZSTD, PACK_XZ };

/* src    octets read and not used yet: in head, or in in
 * used   octets read, those of src included
 * eof    fd has no more
 * whole  the last gzip member, zstd frame or xz file was read to its end
 * hint   how many octets zstd wants next; given more at once, it loses good blocks before a bad one
 * why    not NULL: it is over, and why */
struct unpack {
	int fd;
	enum packing packing;
	struct bytes src;
	uint64_t used;
	bool eof, whole, has_gzip;
	size_t hint;
	const char *why;
	z_stream gzip;
	ZSTD_DCtx *zstd;
	lzma_stream xz;
	uint8_t in[IN];
};

struct unpack *unpack_new(void)
{
	struct unpack *u = malloc(sizeof(*u));
	if (!u)
		return NULL;
	u->has_gzip = false;
	u->zstd = NULL;
	u->xz = (lzma_stream)LZMA_STREAM_INIT;
	unpack_start(u, -1, (struct bytes){ NULL, 0 });
	return u;
}

void unpack_start(struct unpack *u, int fd, struct bytes head)
{
	u->fd = fd;
	u->packing = PACK_UNKNOWN;
	u->src = head;
	u->used = head.n;
	u->eof = fd < 0;
	u->whole = false;
	u->why = NULL;
}

void unpack_free(struct unpack *u)
{
	if (!u)
		return;
	if (u->has_gzip)
		inflateEnd(&u->gzip);
	ZSTD_freeDCtx(u->zstd);
	lzma_end(&u->xz);
	free(u);
}

const char *unpack_why(const struct unpack *u)
{
	return u->why ? u->why : "no damage";
}

bool unpack_packed(const struct unpack *u)
{
	return u->packing > PACK_NONE;
}

uint64_t unpack_used(const struct unpack *u)
{
	return u->used - u->src.n;
}

/* What came out, or else why nothing more will. */
static enum unpack_result failed(struct unpack *u, const char *why, size_t got)
{
	u->why = why;
	return got ? UNPACK_OK : UNPACK_BAD;
}

/* One read of at most n octets to out. false: the descriptor is broken, why is set. */
static bool read_fd(struct unpack *u, uint8_t *out, size_t n, size_t *got)
{
	ssize_t r;
	do
		r = read(u->fd, out, n);
	while (r < 0 && errno == EINTR);
	*got = r > 0 ? (size_t)r : 0;
	u->used += *got;
	if (r == 0)
		u->eof = true;
	if (r < 0)
		u->why = "the system cannot read on";
	return r >= 0;
}

/* More octets in src, if there is none and fd has some. */
static bool fill(struct unpack *u)
{
	size_t got;
	if (u->src.n || u->eof)
		return true;
	if (!read_fd(u, u->in, IN, &got))
		return false;
	u->src = (struct bytes){ u->in, got };
	return true;
}

/* At least MAGIC octets in one piece, unless there are fewer at all. */
static bool fill_magic(struct unpack *u)
{
	size_t n = u->src.n, got;
	if (n >= MAGIC || u->eof)
		return true;
	if (n)
		memmove(u->in, u->src.p, n);
	while (n < MAGIC && !u->eof) {
		if (!read_fd(u, u->in + n, IN - n, &got))
			return false;
		n += got;
	}
	u->src = (struct bytes){ u->in, n };
	return true;
}

static bool starts(struct bytes b, const char *magic, size_t n)
{
	return b.n >= n && memcmp(b.p, magic, n) == 0;
}

static bool start_gzip(struct unpack *u)
{
	if (u->has_gzip)
		return inflateReset(&u->gzip) == Z_OK;
	memset(&u->gzip, 0, sizeof(u->gzip));
	u->has_gzip = inflateInit2(&u->gzip, GZIP_WINDOW) == Z_OK;
	return u->has_gzip;
}

static bool start_zstd(struct unpack *u)
{
	u->hint = ZSTD_FIRST;
	if (!u->zstd)
		u->zstd = ZSTD_createDCtx();
	return u->zstd && !ZSTD_isError(ZSTD_DCtx_reset(u->zstd, ZSTD_reset_session_and_parameters)) &&
	       !ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG));
}

static bool start_xz(struct unpack *u)
{
	return lzma_stream_decoder(&u->xz, (uint64_t)XZ_MIB << 20, LZMA_CONCATENATED) == LZMA_OK;
}

static bool detect(struct unpack *u)
{
	bool ok = true;
	if (!fill_magic(u))
		return false;
	/* pzstd begins with a skippable frame: 0x184D2A5? (RFC 8878 3.1.2) */
	bool skippable = u->src.n >= 4 && (u->src.p[0] & 0xf0) == 0x50 && memcmp(u->src.p + 1, "\x2a\x4d\x18", 3) == 0;
	if (starts(u->src, "\x1f\x8b\x08", 3)) {
		u->packing = PACK_GZIP;
		ok = start_gzip(u);
	} else if (starts(u->src, "\x28\xb5\x2f\xfd", 4) || skippable) {
		u->packing = PACK_ZSTD;
		ok = start_zstd(u);
	} else if (starts(u->src, "\xfd" "7zXZ\0", 6)) {
		u->packing = PACK_XZ;
		ok = start_xz(u);
	} else {
		u->packing = PACK_NONE;
	}
	if (!ok)
		u->why = "no memory to decompress it";
	return ok;
}

static enum unpack_result read_plain(struct unpack *u, uint8_t *out, size_t n, size_t *got)
{
	if (u->src.n) {
		*got = u->src.n < n ? u->src.n : n;
		memcpy(out, u->src.p, *got);
		u->src = bytes_skip(u->src, *got);
		return UNPACK_OK;
	}
	if (!u->eof && !read_fd(u, out, n, got))
		return UNPACK_BAD;
	return *got ? UNPACK_OK : UNPACK_END;
}

/* Behind a gzip member: zeros (tapes pad with them, and gzip takes them), another member, or nothing. OK: go on. */
static enum unpack_result next_member(struct unpack *u)
{
	while (u->src.n && u->src.p[0] == 0)
		u->src = bytes_skip(u->src, 1);
	if (!u->src.n)
		return u->eof ? UNPACK_END : UNPACK_OK;
	if (u->src.p[0] != 0x1f || inflateReset(&u->gzip) != Z_OK)
		return failed(u, "what follows the gzip data is not gzip data", 0);
	u->whole = false;
	return UNPACK_OK;
}

static enum unpack_result inflate_some(struct unpack *u, uint8_t *out, size_t n, size_t *got)
{
	u->gzip.next_in = u->src.p;
	u->gzip.avail_in = (uInt)u->src.n;
	u->gzip.next_out = out;
	u->gzip.avail_out = (uInt)n;
	int rc = inflate(&u->gzip, Z_NO_FLUSH);
	u->src = bytes_skip(u->src, u->src.n - u->gzip.avail_in);
	*got = n - u->gzip.avail_out;
	u->whole = rc == Z_STREAM_END;
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		return failed(u, "the gzip data is damaged", *got);
	if (!*got && !u->whole && u->eof && !u->src.n)
		return failed(u, "the gzip data ends early", 0);
	return UNPACK_OK;
}

static enum unpack_result read_gzip(struct unpack *u, uint8_t *out, size_t n, size_t *got)
{
	enum unpack_result r = UNPACK_OK;
	while (*got == 0 && r == UNPACK_OK) {
		if (!fill(u))
			return UNPACK_BAD;
		if (u->whole)
			r = next_member(u);
		if (!u->whole)
			r = inflate_some(u, out, n, got);
	}
	return r;
}

/* The hint counts the head of the next block in; if that is bad, the block before it would be lost with it. */
static size_t zstd_wants(size_t hint)
{
	return hint > ZSTD_BLOCK_HEAD ? hint - ZSTD_BLOCK_HEAD : hint;
}

static enum unpack_result read_zstd(struct unpack *u, uint8_t *out, size_t n, size_t *got)
{
	while (*got == 0) {
		if (!fill(u))
			return UNPACK_BAD;
		if (!u->src.n && u->eof && u->whole)
			return UNPACK_END;
		ZSTD_outBuffer o = { out, n, 0 };
		ZSTD_inBuffer i = { u->src.p, bytes_head(u->src, zstd_wants(u->hint)).n, 0 };
		size_t rc = ZSTD_decompressStream(u->zstd, &o, &i);
		u->src = bytes_skip(u->src, i.pos);
		*got = o.pos;
		if (ZSTD_isError(rc))
			return failed(u, ZSTD_getErrorCode(rc) == ZSTD_error_frameParameter_windowTooLarge ?
					 "the zstd data needs a window of more than 128 MiB" : "the zstd data is damaged", *got);
		u->whole = rc == 0;
		u->hint = rc ? rc : ZSTD_FIRST;
		if (!*got && !u->whole && u->eof && !u->src.n)
			return failed(u, "the zstd data ends early", 0);
	}
	return UNPACK_OK;
}

static const char *xz_why(lzma_ret rc)
{
	if (rc == LZMA_BUF_ERROR)
		return "the xz data ends early";
	if (rc == LZMA_MEMLIMIT_ERROR)
		return "the xz data needs more than 128 MiB of memory";
	return rc == LZMA_MEM_ERROR ? "no memory to decompress it" : "the xz data is damaged";
}

static enum unpack_result read_xz(struct unpack *u, uint8_t *out, size_t n, size_t *got)
{
	while (*got == 0) {
		if (u->whole)
			return UNPACK_END;
		if (!fill(u))
			return UNPACK_BAD;
		u->xz.next_in = u->src.p;
		u->xz.avail_in = u->src.n;
		u->xz.next_out = out;
		u->xz.avail_out = n;
		lzma_ret rc = lzma_code(&u->xz, u->eof ? LZMA_FINISH : LZMA_RUN);
		u->src = bytes_skip(u->src, u->src.n - u->xz.avail_in);
		*got = n - u->xz.avail_out;
		u->whole = rc == LZMA_STREAM_END;
		/* a buffer error says "no progress": only at the end of the file it means more than that */
		if (rc != LZMA_OK && !u->whole && (rc != LZMA_BUF_ERROR || u->eof))
			return failed(u, xz_why(rc), *got);
	}
	return UNPACK_OK;
}

enum unpack_result unpack_read(struct unpack *u, uint8_t *out, size_t n, size_t *got)
{
	*got = 0;
	if (u->why || (u->packing == PACK_UNKNOWN && !detect(u)))
		return UNPACK_BAD;
	switch (u->packing) {
	case PACK_UNKNOWN:
	case PACK_NONE:
		return read_plain(u, out, n, got);
	case PACK_GZIP:
		return read_gzip(u, out, n, got);
	case PACK_ZSTD:
		return read_zstd(u, out, n, got);
	case PACK_XZ:
		return read_xz(u, out, n, got);
	}
	return UNPACK_END;
}
