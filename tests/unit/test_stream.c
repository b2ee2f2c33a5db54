/* stream: whatever happens to the segments on the way, the same octets come out, once, in order; and what did not
 * come is said to be missing. Single stories first, then random ones against the text that was cut up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "wire/stream.h"

enum { MS = 1000000, LOG_MAX = 400, TEXT_MAX = 120000 };

static struct stream_memory mem;

/* One connection under test, and what came out of it: octets by direction, and a log of items. The payload of each
 * segment stands in a block of exactly its size that is gone after the segment. */
struct bench {
	struct streams ss;
	uint64_t number;
	int64_t ts;
	size_t greed; /* 0: drop all at once; n: leave what is less than n octets; SIZE_MAX: drop whole lines */
	uint8_t *out[2];
	size_t n[2];
	int ends[2];
	uint64_t gap[2];
	char log[LOG_MAX];
};

static void note(struct bench *b, const char *what, uint64_t n)
{
	size_t at = strlen(b->log);
	if (at + 24 < LOG_MAX)
		snprintf(b->log + at, LOG_MAX - at, "%s%llu ", what, (unsigned long long)n);
}

static void keep(struct bench *b, enum dir d, struct bytes data)
{
	assert_true(b->n[d] + data.n <= TEXT_MAX);
	if (data.n)
		memcpy(b->out[d] + b->n[d], data.p, data.n);
	b->n[d] += data.n;
}

static size_t wanted(const struct bench *b, struct bytes data)
{
	if (b->greed == 0)
		return data.n;
	if (b->greed != SIZE_MAX)
		return data.n < b->greed ? 0 : data.n - data.n % b->greed;
	for (size_t i = data.n; i > 0; i--)
		if (data.p[i - 1] == '\n')
			return i;
	return 0;
}

static void drain(struct bench *b)
{
	struct stream_view v;
	enum stream_item item;
	int turns = 0;
	while ((item = stream_next(&b->ss, &v)) != STREAM_NONE) {
		assert_true(++turns < 100000);
		const char *side = v.dir == C2S ? "c" : "s";
		size_t n;
		switch (item) {
		case STREAM_NONE:
			break;
		case STREAM_DATA:
			assert_true(v.data.n > 0);
			assert_false(b->ends[v.dir]);
			n = wanted(b, v.data);
			note(b, side, v.data.n);
			keep(b, v.dir, bytes_head(v.data, n));
			stream_drop(&b->ss, v.dir, n);
			break;
		case STREAM_GAP:
			assert_true(v.why == STREAM_LOST || v.why == STREAM_CUT || b->ss.side[v.dir].limit);
			note(b, v.why == STREAM_CUT ? "cut-" : "gap-", v.gap);
			note(b, v.dir == C2S ? "in-c" : "in-s", v.offset);
			b->gap[v.dir] += v.gap;
			break;
		case STREAM_END:
			note(b, v.dir == C2S ? "end-c" : "end-s", v.offset);
			b->ends[v.dir]++;
			break;
		}
	}
}

static void bench_open(struct bench *b, size_t greed)
{
	*b = (struct bench){ .greed = greed, .ts = 1000 };
	b->out[0] = malloc(TEXT_MAX);
	b->out[1] = malloc(TEXT_MAX);
	stream_init(&b->ss, &mem);
}

/* The end of input: it brings octets or gaps exactly if the streams were not settled. And nothing may be left in the pools. */
static void bench_close(struct bench *b)
{
	uint64_t got = b->n[0] + b->n[1] + b->gap[0] + b->gap[1];
	bool settled = stream_settled(&b->ss);
	stream_finish(&b->ss);
	drain(b);
	assert_int_equal(b->ends[0], 1);
	assert_int_equal(b->ends[1], 1);
	assert_int_equal(settled, got == b->n[0] + b->n[1] + b->gap[0] + b->gap[1]);
	stream_release(&b->ss);
	free(b->out[0]);
	free(b->out[1]);
	assert_int_equal(mem.work.used + mem.segment.used + mem.hold.used + mem.history.used + mem.conflict.used + mem.other.used, 0);
}

static void push(struct bench *b, enum dir d, uint8_t flags, uint32_t seq, uint32_t ack, const void *data, size_t n,
		 size_t wire)
{
	uint8_t *copy = malloc(n ? n : 1);
	if (n)
		memcpy(copy, data, n);
	struct segment seg = { .ts = b->ts += MS, .number = ++b->number, .proto = PROTO_TCP, .flags = flags, .seq = seq,
			       .ack = ack, .payload = { copy, n }, .payload_wire = (uint32_t)wire, .ttl = 64,
			       .ipid = (uint16_t)b->number };
	stream_push(&b->ss, d, &seg);
	drain(b);
	free(copy);
}

static void say(struct bench *b, enum dir d, uint32_t seq, uint32_t ack, const char *text)
{
	push(b, d, TCP_ACK, seq, ack, text, strlen(text), strlen(text));
}

/* SYN 99, SYN-ACK 499: the first octets are 100 and 500. */
static void handshake(struct bench *b)
{
	push(b, C2S, TCP_SYN, 99, 0, NULL, 0, 0);
	push(b, S2C, TCP_SYN | TCP_ACK, 499, 100, NULL, 0, 0);
	push(b, C2S, TCP_ACK, 100, 500, NULL, 0, 0);
}

static void expect(struct bench *b, enum dir d, const char *text)
{
	assert_int_equal(b->n[d], strlen(text));
	assert_memory_equal(b->out[d], text, b->n[d]);
}

/* ---- stories ---- */

enum { END_STORY, SAY_C, SAY_S, FIN_C, FIN_S, ACK_C, ACK_S, CUT_C, LATER };

struct beat {
	int what;
	uint32_t seq, ack;
	const char *text;
	uint32_t n; /* octets on the wire (CUT_C), ms (LATER) */
};

static const struct story {
	const char *why;
	struct beat beat[12];
	const char *c2s, *s2c, *log;
	uint32_t gaps, conflicts, late;
} stories[] = {
	{ "plain", { { SAY_S, 500, 100, "220 x\r\n", 0 }, { SAY_C, 100, 507, "EHLO y\r\n", 0 } },
	  "EHLO y\r\n", "220 x\r\n", "s7 c8 end-c8 end-s7 ", 0, 0, 0 },
	{ "second half first", { { SAY_C, 104, 500, "lo\r\n", 0 }, { SAY_C, 100, 500, "hel-", 0 } },
	  "hel-lo\r\n", "", "c4 c8 end-c8 end-s0 ", 0, 0, 0 },
	{ "exact duplicate", { { SAY_C, 100, 500, "ab\n", 0 }, { SAY_C, 100, 500, "ab\n", 0 } },
	  "ab\n", "", "c3 end-c3 end-s0 ", 0, 0, 0 },
	{ "other boundaries, same octets", { { SAY_C, 100, 500, "abc", 0 }, { SAY_C, 101, 500, "bcd\n", 0 } },
	  "abcd\n", "", "c3 c5 end-c5 end-s0 ", 0, 0, 0 },
	{ "first arrival wins over a later version", { { SAY_S, 500, 100, "250-XXXX\r\n", 0 }, { SAY_S, 500, 100, "250-STAR\r\n", 0 } },
	  "", "250-XXXX\r\n", "s10 end-s10 end-c0 ", 0, 1, 0 },
	{ "a version that goes on behind the first one", { { SAY_S, 500, 100, "ab\n", 0 }, { SAY_S, 500, 100, "aXcd\n", 0 } },
	  "", "ab\nd\n", "s3 s2 end-s5 end-c0 ", 0, 1, 0 },
	{ "two versions both out of order", { { SAY_S, 502, 100, "cd\n", 0 }, { SAY_S, 501, 100, "bXd\n", 0 }, { SAY_S, 500, 100, "a", 0 } },
	  "", "abcd\n", "s1 s2 s5 end-s5 end-c0 ", 0, 1, 0 },
	{ "a reply waits for the command that it answers", { { SAY_S, 500, 104, "250\n", 0 }, { SAY_C, 100, 500, "RSET", 0 }, { SAY_C, 104, 504, "\n", 0 } },
	  "RSET\n", "250\n", "c4 s4 c5 end-c5 end-s4 ", 0, 0, 0 },
	{ "sent again in one segment, and that overtakes: only the octets that came again had heard less",
	  { { SAY_S, 500, 104, "220\n250\n", 0 }, { SAY_S, 500, 100, "220\n", 0 }, { SAY_C, 100, 504, "NOO\n", 0 } },
	  "NOO\n", "220\n250\n", "s4 c4 s4 end-c4 end-s8 ", 0, 0, 0 },
	{ "the middle of a waiting segment came again",
	  { { SAY_S, 500, 104, "a\nb\nc\n", 0 }, { SAY_S, 502, 102, "b\n", 0 }, { SAY_C, 100, 500, "1\n", 0 }, { SAY_S, 500, 102, "a\n", 0 },
	    { SAY_C, 102, 504, "2\n", 0 } },
	  "1\n2\n", "a\nb\nc\n", "c2 s2 s2 c2 s2 end-c4 end-s6 ", 0, 0, 0 },
	{ "a lost command: the gap comes before its reply", { { SAY_S, 500, 104, "250\n", 0 }, { LATER, 0, 0, "", 600 }, { ACK_C, 104, 504, "", 0 } },
	  "", "250\n", "gap-4 in-c0 s4 end-c4 end-s4 ", 1, 0, 0 },
	{ "gap by acknowledgement, between data", { { SAY_C, 100, 500, "a\n", 0 }, { SAY_C, 105, 500, "b\n", 0 }, { ACK_S, 500, 107, "", 0 },
	    { LATER, 0, 0, "", 600 }, { ACK_S, 500, 107, "", 0 } },
	  "a\nb\n", "", "c2 gap-3 in-c2 c2 end-c7 end-s0 ", 1, 0, 0 },
	{ "late octets of a gap are counted, not given", { { SAY_C, 105, 500, "b\n", 0 }, { ACK_S, 500, 107, "", 0 }, { LATER, 0, 0, "", 600 },
	    { ACK_S, 500, 107, "", 0 }, { SAY_C, 100, 500, "xyzzy", 0 } },
	  "b\n", "", "gap-5 in-c0 c2 end-c7 end-s0 ", 1, 0, 5 },
	{ "gap at the end of input", { { SAY_C, 103, 500, "b\n", 0 } }, "b\n", "", "gap-3 in-c0 c2 end-c5 end-s0 ", 1, 0, 0 },
	{ "gap by time where nobody acknowledges", { { SAY_C, 103, 500, "b\n", 0 }, { LATER, 0, 0, "", 11000 }, { SAY_C, 105, 500, "c\n", 0 } },
	  "b\nc\n", "", "gap-3 in-c0 c2 c2 end-c7 end-s0 ", 1, 0, 0 },
	{ "snaplen: the octets behind the cut are a gap", { { CUT_C, 100, 500, "ab\n", 7 }, { SAY_C, 107, 500, "c\n", 0 } },
	  "ab\nc\n", "", "c3 cut-4 in-c3 c2 end-c9 end-s0 ", 1, 0, 0 },
	{ "snaplen 0 octets", { { CUT_C, 100, 500, "", 7 }, { SAY_C, 107, 500, "c\n", 0 } },
	  "c\n", "", "cut-7 in-c0 c2 end-c9 end-s0 ", 1, 0, 0 },
	{ "snaplen, out of order", { { CUT_C, 102, 500, "b\n", 4 }, { SAY_C, 100, 500, "a\n", 0 }, { SAY_C, 106, 500, "c\n", 0 } },
	  "a\nb\nc\n", "", "c2 c2 cut-2 in-c4 c2 end-c8 end-s0 ", 1, 0, 0 },
	{ "an unfinished line before a gap is gone", { { SAY_C, 100, 500, "hal", 0 }, { SAY_C, 105, 500, "b\n", 0 } },
	  "b\n", "", "c3 gap-2 in-c3 c2 end-c7 end-s0 ", 1, 0, 0 },
	{ "FIN ends its side at once", { { FIN_C, 100, 500, "q\n", 0 }, { FIN_S, 500, 103, "", 0 } },
	  "q\n", "", "c2 end-c2 end-s0 ", 0, 0, 0 },
	{ "FIN before its data", { { FIN_C, 102, 500, "", 0 }, { SAY_C, 100, 500, "q\n", 0 } },
	  "q\n", "", "c2 end-c2 end-s0 ", 0, 0, 0 },
	{ "a FIN that was not captured is no gap", { { SAY_C, 100, 500, "q\n", 0 }, { ACK_S, 500, 103, "", 0 } },
	  "q\n", "", "c2 end-c2 end-s0 ", 0, 0, 0 },
	{ "keep-alive with a garbage octet", { { SAY_C, 100, 500, "q\n", 0 }, { SAY_C, 101, 500, "Z", 0 } },
	  "q\n", "", "c2 end-c2 end-s0 ", 0, 0, 0 },
	{ "one far segment is not believed", { { SAY_C, 0x40000000, 500, "Z", 0 }, { SAY_C, 100, 500, "q\n", 0 } },
	  "q\n", "", "c2 end-c2 end-s0 ", 0, 0, 0 },
	{ "a forged acknowledgement stops nothing", { { SAY_S, 500, 0x30000000, "220\n", 0 }, { SAY_C, 100, 504, "q\n", 0 } },
	  "q\n", "220\n", "s4 c2 end-c2 end-s4 ", 0, 0, 0 },
	{ "each side acknowledges what never was: both are given at the end", { { SAY_S, 500, 101, "220\n", 0 }, { SAY_C, 100, 505, "q\n", 0 } },
	  "q\n", "220\n", "s4 end-s4 c2 end-c2 ", 0, 0, 0 },
};

static void play(struct bench *b, const struct beat *beat)
{
	const char *text = beat->text ? beat->text : "";
	switch (beat->what) {
	case SAY_C:
	case SAY_S:
		say(b, beat->what == SAY_C ? C2S : S2C, beat->seq, beat->ack, text);
		break;
	case FIN_C:
	case FIN_S:
		push(b, beat->what == FIN_C ? C2S : S2C, TCP_FIN | TCP_ACK, beat->seq, beat->ack, text, strlen(text),
		     strlen(text));
		break;
	case ACK_C:
	case ACK_S:
		push(b, beat->what == ACK_C ? C2S : S2C, TCP_ACK, beat->seq, beat->ack, NULL, 0, 0);
		break;
	case CUT_C:
		push(b, C2S, TCP_ACK, beat->seq, beat->ack, text, strlen(text), beat->n);
		break;
	case LATER:
		b->ts += (int64_t)beat->n * MS;
		break;
	}
}

static void test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		const struct story *s = &stories[i];
		struct bench b;
		bench_open(&b, SIZE_MAX);
		handshake(&b);
		for (const struct beat *beat = s->beat; beat->what != END_STORY; beat++)
			play(&b, beat);
		stream_finish(&b.ss);
		drain(&b);
		const struct stream *c = &b.ss.side[C2S], *v = &b.ss.side[S2C];
		if (strcmp(b.log, s->log) != 0)
			print_message("%s: %s\n", s->why, b.log);
		assert_string_equal(b.log, s->log);
		expect(&b, C2S, s->c2s);
		expect(&b, S2C, s->s2c);
		assert_int_equal(c->gaps + v->gaps, s->gaps);
		assert_int_equal(c->conflicts + v->conflicts, s->conflicts);
		assert_int_equal(c->late + v->late, s->late);
		assert_false(c->limit || v->limit || c->midstream || v->midstream);
		bench_close(&b);
	}
}

static void test_conflict_keeps_both(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, SIZE_MAX);
	handshake(&b);
	say(&b, S2C, 500, 100, "250-mx.example\r\n250-XXXXXXXX\r\n250 OK\r\n");
	say(&b, S2C, 500, 100, "250-mx.example\r\n250-STARTTLS\r\n250 OK\r\n");
	say(&b, S2C, 500, 100, "250-mx.example\r\n250-STARTTLS\r\n250 OK\r\n");
	assert_int_equal(stream_conflict_count(&b.ss, S2C), 1);
	assert_null(stream_conflict_at(&b.ss, S2C, 1));
	assert_null(stream_conflict_at(&b.ss, C2S, 0));
	const struct stream_conflict *c = stream_conflict_at(&b.ss, S2C, 0);
	assert_int_equal(c->offset, 20);
	assert_int_equal(c->length, 8);
	assert_int_equal(c->lead, 16);
	assert_int_equal(c->n[0], 34);
	assert_int_equal(c->n[1], 34);
	assert_memory_equal(c->first + c->lead, "XXXXXXXX\r\n250 OK\r\n", 18);
	assert_memory_equal(c->second + c->lead, "STARTTLS\r\n250 OK\r\n", 18);
	assert_memory_equal(c->first, c->second, c->lead);
	assert_true(c->delivered && c->from[0].known && c->from[1].known);
	assert_int_equal(c->from[0].number, 4);
	assert_int_equal(c->from[1].number, 5);
	assert_int_equal(c->from[1].ipid, 5);
	bench_close(&b);
}

static void other_is(const struct bench *b, enum dir d, uint64_t offset, const char *text)
{
	uint64_t at;
	struct bytes other = stream_other(&b->ss, d, &at);
	if (other.n != strlen(text) || (other.n && memcmp(other.p, text, other.n) != 0))
		print_message("%.*s, not %s\n", (int)other.n, (const char *)other.p, text);
	assert_true(bytes_eq(other, bytes_of(text)));
	assert_int_equal(at, offset);
}

/* A direction as it reads with the later versions, whichever way they came. */
static void test_other_reading(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, 0);
	handshake(&b);
	say(&b, S2C, 500, 100, "one two three ");
	other_is(&b, S2C, 0, "");
	say(&b, S2C, 504, 100, "TWO");
	other_is(&b, S2C, 0, "one TWO three ");
	other_is(&b, C2S, 0, "");
	say(&b, S2C, 504, 100, "two"); /* the first one again */
	other_is(&b, S2C, 0, "one TWO three ");
	say(&b, C2S, 100, 514, "ack"); /* the other side, which speaks only now */
	other_is(&b, C2S, 0, "ack");
	say(&b, S2C, 508, 103, "THREE four");
	other_is(&b, S2C, 0, "one TWO THREE four");
	say(&b, S2C, 523, 103, "SIX"); /* early, in two versions */
	say(&b, S2C, 522, 103, " six ");
	other_is(&b, S2C, 0, "one TWO THREE four");
	say(&b, S2C, 518, 103, " 5, ");
	other_is(&b, S2C, 0, "one TWO THREE four 5,  six ");
	other_is(&b, C2S, 0, "ack");
	expect(&b, S2C, "one two three four 5,  SIX ");
	stream_mode(&b.ss, C2S, STREAM_PASS);
	say(&b, C2S, 103, 527, "body");
	stream_mode(&b.ss, C2S, STREAM_KEEP);
	say(&b, C2S, 107, 527, "more"); /* behind octets that are not kept */
	other_is(&b, C2S, 0, "ack");
	stream_mode(&b.ss, S2C, STREAM_COUNT);
	other_is(&b, S2C, 0, "one TWO THREE four 5,  six ");
	bench_close(&b);
	/* A gap ends the text. */
	bench_open(&b, 0);
	handshake(&b);
	say(&b, C2S, 100, 500, "abcd");
	say(&b, C2S, 102, 500, "X");
	say(&b, C2S, 108, 500, "lost before");
	push(&b, S2C, TCP_ACK, 500, 119, NULL, 0, 0);
	b.ts += 600 * MS;
	push(&b, S2C, TCP_ACK, 500, 119, NULL, 0, 0);
	assert_int_equal(b.ss.side[C2S].gaps, 1);
	other_is(&b, C2S, 0, "abXd");
	bench_close(&b);
}

/* At most STREAM_HISTORY octets, those of the history at the first conflict. */
static void test_other_bounds(void **state)
{
	(void)state;
	struct bench b;
	uint64_t at;
	char line[1025];
	memset(line, 'a', 1024);
	line[1024] = 0;
	bench_open(&b, 0);
	handshake(&b);
	for (uint32_t i = 0; i < 10; i++)
		say(&b, S2C, 500 + i * 1024, 100, line);
	say(&b, S2C, 500 + 9 * 1024, 100, "b");
	assert_int_equal(b.ss.side[S2C].conflicts, 1);
	assert_false(b.ss.side[S2C].forgot); /* all that came again was compared */
	struct bytes other = stream_other(&b.ss, S2C, &at);
	assert_int_equal(other.n, STREAM_HISTORY);
	assert_int_equal(at, 2 * 1024);
	assert_int_equal(other.p[7 * 1024], 'b');
	say(&b, S2C, 500 + 10 * 1024, 100, line);
	assert_int_equal(stream_other(&b.ss, S2C, &at).n, STREAM_HISTORY);
	say(&b, S2C, 500, 100, "b");
	assert_int_equal(b.ss.side[S2C].conflicts, 1);
	assert_true(b.ss.side[S2C].forgot);
	bench_close(&b);
}

/* Without memory for the other reading a conflict is still a conflict. */
static void test_other_dry(void **state)
{
	(void)state;
	struct bench b[8];
	struct stream_memory small;
	size_t kept = 0;
	uint64_t at;
	assert_true(stream_memory_init(&small, 1024 * 1024));
	for (size_t i = 0; i < 8; i++) {
		bench_open(&b[i], 0);
		b[i].ss.mem = &small;
		handshake(&b[i]);
		say(&b[i], S2C, 500, 100, "abcd");
		say(&b[i], S2C, 500, 100, "abXd");
		assert_int_equal(b[i].ss.side[S2C].conflicts, 1);
		kept += stream_other(&b[i].ss, S2C, &at).n == 4;
	}
	assert_true(kept > 1 && kept < 8);
	assert_true(small.other.dry > 0);
	for (size_t i = 0; i < 8; i++)
		bench_close(&b[i]);
	assert_int_equal(small.other.used + small.conflict.used, 0);
	stream_memory_free(&small);
}

/* A version whose checksum is wrong is none, be it the first or the second. */
static void test_bad_checksums(void **state)
{
	(void)state;
	for (int bad = 0; bad < 2; bad++) {
		struct bench b;
		bench_open(&b, 0);
		handshake(&b);
		for (int i = 0; i < 2; i++) {
			struct segment seg = { .ts = b.ts += MS, .number = ++b.number, .proto = PROTO_TCP, .flags = TCP_ACK,
					       .seq = 500, .ack = 100, .payload = bytes_of(i ? "abXd" : "abcd"),
					       .payload_wire = 4, .checksum_bad = i == bad };
			stream_push(&b.ss, S2C, &seg);
			drain(&b);
		}
		assert_int_equal(b.ss.side[S2C].conflicts, 0);
		other_is(&b, S2C, 0, "");
		bench_close(&b);
	}
}

static void test_offsets(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, 0);
	assert_int_equal(stream_offset(&b.ss, C2S, 77), 0);
	handshake(&b);
	say(&b, C2S, 100, 500, "abcd");
	assert_int_equal(stream_offset(&b.ss, C2S, 104), 4);
	assert_int_equal(stream_offset(&b.ss, C2S, 99), -1);
	assert_int_equal(stream_offset(&b.ss, S2C, 500), 0);
	bench_close(&b);
}

static void test_modes(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, 0);
	handshake(&b);
	stream_mode(&b.ss, C2S, STREAM_PASS);
	say(&b, C2S, 100, 500, "secret body\r\n");
	say(&b, C2S, 100, 500, "secret bodY\r\n");
	assert_int_equal(b.ss.side[C2S].conflicts, 1); /* seen, and nothing of it is kept */
	assert_int_equal(stream_conflict_at(&b.ss, C2S, 0)->n[0], 0);
	assert_int_equal(stream_conflict_at(&b.ss, C2S, 0)->n[1], 0);
	say(&b, C2S, 115, 500, "xx");
	say(&b, C2S, 115, 500, "xy");
	assert_int_equal(b.ss.side[C2S].conflicts, 2);
	assert_int_equal(stream_conflict_at(&b.ss, C2S, 1)->n[1], 0);
	stream_mode(&b.ss, C2S, STREAM_COUNT);
	say(&b, C2S, 117, 500, "hidden");
	say(&b, C2S, 117, 500, "hidden");
	assert_int_equal(b.ss.side[C2S].octets, 23);
	expect(&b, C2S, "secret body\r\n");
	push(&b, C2S, TCP_FIN | TCP_ACK, 123, 500, NULL, 0, 0);
	assert_string_equal(b.log, "c13 end-c23 ");
	bench_close(&b);
}

/* A dialogue behind a message: neither a version nor the other reading reaches back into the message. */
static void test_kept_behind_body(void **state)
{
	(void)state;
	struct bench b;
	uint64_t at;
	bench_open(&b, 0);
	handshake(&b);
	say(&b, C2S, 100, 500, "DATA\r\n");
	stream_mode(&b.ss, C2S, STREAM_PASS);
	say(&b, C2S, 106, 500, "secret\r\n.\r\n");
	stream_mode(&b.ss, C2S, STREAM_KEEP);
	say(&b, C2S, 117, 500, "QUIT\r\n");
	say(&b, C2S, 106, 500, "secreT\r\n.\r\n");
	assert_int_equal(stream_conflict_at(&b.ss, C2S, 0)->offset, 11);
	assert_int_equal(stream_conflict_at(&b.ss, C2S, 0)->n[0], 0);
	assert_int_equal(stream_conflict_at(&b.ss, C2S, 0)->n[1], 0);
	assert_int_equal(stream_other(&b.ss, C2S, &at).n, 0);
	say(&b, C2S, 117, 500, "NOOP\r\n");
	const struct stream_conflict *c = stream_conflict_at(&b.ss, C2S, 1);
	assert_int_equal(c->lead, 0);
	assert_memory_equal(c->first, "QUIT\r\n", c->n[0]);
	assert_memory_equal(c->second, "NOOP\r\n", c->n[1]);
	struct bytes other = stream_other(&b.ss, C2S, &at);
	assert_int_equal(at, 17);
	assert_int_equal(other.n, 6);
	assert_memory_equal(other.p, "NOOP\r\n", 6);
	bench_close(&b);
}

static void test_skip(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, 4);
	handshake(&b);
	say(&b, C2S, 100, 500, "abc"); /* left: fewer than 4 */
	stream_skip(&b.ss, C2S, 10);   /* abc and 7 more */
	say(&b, C2S, 103, 500, "1234");
	say(&b, C2S, 107, 500, "567defg");
	expect(&b, C2S, "defg");
	stream_skip(&b.ss, C2S, 5);
	say(&b, C2S, 117, 500, "hijk"); /* 114..116 are lost, all inside the skip */
	stream_finish(&b.ss);
	struct stream_view v;
	assert_int_equal(stream_next(&b.ss, &v), STREAM_GAP);
	assert_int_equal(v.gap, 3);
	assert_int_equal(v.skipped, 3);
	assert_int_equal(stream_next(&b.ss, &v), STREAM_DATA);
	assert_int_equal(v.data.n, 2);
	assert_memory_equal(v.data.p, "jk", 2);
	assert_int_equal(v.offset, 19);
	bench_close(&b);
}

static void test_midstream_and_tfo(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b, SIZE_MAX); /* no SYN, and the first segments swapped */
	say(&b, C2S, 104, 500, "OOP\n");
	say(&b, C2S, 100, 500, "NOOP");
	push(&b, S2C, TCP_ACK, 500, 108, NULL, 0, 0);
	expect(&b, C2S, "");
	b.ts += 200 * MS;
	push(&b, S2C, TCP_ACK, 500, 108, NULL, 0, 0);
	expect(&b, C2S, "NOOPOOP\n");
	assert_true(b.ss.side[C2S].midstream);
	bench_close(&b);

	bench_open(&b, SIZE_MAX); /* the SYN was captured last */
	say(&b, C2S, 103, 500, "b\n");
	say(&b, C2S, 103, 500, "c\n");
	push(&b, C2S, TCP_SYN, 99, 0, NULL, 0, 0);
	say(&b, C2S, 100, 500, "aaa");
	push(&b, S2C, TCP_SYN | TCP_ACK, 499, 100, NULL, 0, 0);
	expect(&b, C2S, "aaab\n");
	assert_int_equal(stream_conflict_at(&b.ss, C2S, 0)->offset, 3);
	assert_false(b.ss.side[C2S].midstream);
	bench_close(&b);

	bench_open(&b, SIZE_MAX); /* payload in the SYN, RFC 7413, sent again when the server did not take it */
	push(&b, C2S, TCP_SYN, 99, 0, "EHLO a\r\n", 8, 8);
	push(&b, S2C, TCP_SYN | TCP_ACK, 499, 100, NULL, 0, 0);
	say(&b, C2S, 100, 500, "EHLO a\r\n");
	expect(&b, C2S, "EHLO a\r\n");
	assert_int_equal(b.ss.side[C2S].conflicts, 0);
	bench_close(&b);
}

/* How long is waited for a command does not depend on how the reply behind it was cut, as long as there is room. */
static void test_wait_by_octets(void **state)
{
	(void)state;
	static const uint8_t octet[1], line[1000];
	struct bench b;
	bench_open(&b, 0);
	handshake(&b);
	for (uint32_t i = 0; i < 180; i++)
		push(&b, S2C, TCP_ACK, 500 + i, 104, octet, 1, 1);
	assert_int_equal(b.n[S2C], 0);
	say(&b, C2S, 100, 500, "NOO\n");
	assert_true(strncmp(b.log, "c4 s1 ", 6) == 0);
	assert_int_equal(b.n[S2C], 180);
	assert_int_equal(b.gap[C2S], 0);
	bench_close(&b);

	bench_open(&b, 0); /* the bounds: pieces, then octets */
	handshake(&b);
	for (uint32_t i = 0; i < 200; i++)
		push(&b, S2C, TCP_ACK, 500 + i, 104, octet, 1, 1);
	assert_int_equal(b.gap[C2S], 4);
	assert_int_equal(b.n[S2C], 200);
	assert_false(b.ss.side[S2C].limit);
	bench_close(&b);
	bench_open(&b, 0);
	handshake(&b);
	for (uint32_t i = 0; i < 100; i++)
		push(&b, S2C, TCP_ACK, 500 + i * 1000, 104, line, 1000, 1000);
	assert_int_equal(b.gap[C2S], 4);
	assert_false(b.ss.side[S2C].limit);
	bench_close(&b);
}

/* A consumer that never drops, a pool that is empty, a window full of holes: a gap that says so, never a hang. */
static void test_bounds(void **state)
{
	(void)state;
	static uint8_t big[30000];
	struct bench b;
	bench_open(&b, 25000);
	handshake(&b);
	for (uint32_t i = 0; i < 30; i++)
		push(&b, C2S, TCP_ACK, 100 + i * 1000, 500, big, 1000, 1000);
	assert_true(b.ss.side[C2S].limit);
	assert_int_equal(b.gap[C2S], STREAM_HOLD_MAX);
	bench_close(&b);

	bench_open(&b, 0);
	handshake(&b);
	for (uint32_t i = 0; i < 1100; i++) /* each second octet is missing, and nobody acknowledges */
		push(&b, C2S, TCP_ACK, 101 + 2 * i, 500, "x", 1, 1);
	assert_true(b.ss.side[C2S].limit);
	assert_true(b.n[C2S] > 0);
	bench_close(&b);
	assert_true(mem.segment.peak <= 1030);

	bench_open(&b, 0);
	handshake(&b);
	for (uint32_t i = 0; i <= STREAM_REORDER_MAX / 1000; i++) {
		assert_false(b.ss.side[C2S].limit);
		push(&b, C2S, TCP_ACK, 101 + 1001 * i, 500, big, 1000, 1000);
	}
	push(&b, C2S, TCP_ACK, 101 + 2 * STREAM_REORDER_MAX, 500, big, 1000, 1000);
	assert_true(b.ss.side[C2S].limit);
	stream_mode(&b.ss, C2S, STREAM_COUNT);
	bench_close(&b);

	struct stream_memory own = mem, small;
	assert_true(stream_memory_init(&small, 1024 * 1024));
	mem = small;
	struct bench many[90];
	for (size_t i = 0; i < 90; i++) {
		bench_open(&many[i], 0);
		handshake(&many[i]);
		for (uint32_t k = 0; k < 10; k++)
			push(&many[i], C2S, TCP_ACK, 101 + 2000 * k, 500, big, 1999, 1999);
	}
	assert_true(mem.segment.dry > 0);
	assert_true(many[89].ss.side[C2S].limit);
	for (size_t i = 0; i < 90; i++) {
		stream_finish(&many[i].ss);
		drain(&many[i]);
		assert_int_equal(many[i].n[C2S] + many[i].gap[C2S], many[i].ss.side[C2S].octets);
		stream_release(&many[i].ss);
		free(many[i].out[0]);
		free(many[i].out[1]);
	}
	assert_int_equal(mem.work.used + mem.segment.used + mem.hold.used + mem.history.used + mem.conflict.used + mem.other.used, 0);
	stream_memory_free(&mem);
	mem = own;
}

/* ---- random ---- */

static uint64_t seed;

static uint32_t dice(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

struct shot {
	enum dir d;
	uint8_t flags;
	uint32_t seq, ack;
	size_t from, n, place;
};

enum { SHOTS = 6000, TURNS = 12 };

/* A dialogue: the sides take turns, each turn of random octets with line ends, cut into random segments. */
static size_t write_dialogue(uint8_t *text[2], size_t total[2], const uint32_t isn[2], uint32_t cut, struct shot *shot)
{
	size_t shots = 0;
	shot[shots++] = (struct shot){ C2S, TCP_SYN, isn[0], 0, 0, 0, 0 };
	shot[shots++] = (struct shot){ S2C, TCP_SYN | TCP_ACK, isn[1], isn[0] + 1, 0, 0, 0 };
	total[0] = total[1] = 0;
	for (int turn = 0; turn < TURNS; turn++) {
		enum dir d = turn % 2 ? C2S : S2C;
		size_t n = 1 + dice(cut < 10 ? 60 : 2500), end = total[d] + n;
		for (size_t i = total[d]; i < end; i++)
			text[d][i] = dice(40) ? (uint8_t)dice(256) : '\n';
		text[d][end - 1] = '\n';
		while (total[d] < end) {
			size_t k = 1 + dice(cut);
			k = k < end - total[d] ? k : end - total[d];
			shot[shots++] = (struct shot){ d, TCP_ACK, isn[d] + 1 + (uint32_t)total[d],
						       isn[!d] + 1 + (uint32_t)total[!d], total[d], k, 0 };
			total[d] += k;
		}
	}
	for (int d = 0; d < 2; d++)
		shot[shots++] = (struct shot){ d ? S2C : C2S, TCP_FIN | TCP_ACK, isn[d] + 1 + (uint32_t)total[d],
					       isn[!d] + 1 + (uint32_t)total[!d], total[d], 0, 0 };
	return shots;
}

/* Delays each segment by less than window places, and repeats segments, some of them with other boundaries. */
static size_t shuffle(struct shot *shot, size_t shots, uint32_t window, bool repeat, struct shot *out)
{
	size_t n = 0;
	for (size_t i = 0; i < shots; i++) {
		shot[i].place = i + dice(window);
		for (size_t k = i; k > 0 && shot[k].place < shot[k - 1].place; k--) {
			struct shot s = shot[k];
			shot[k] = shot[k - 1];
			shot[k - 1] = s;
		}
	}
	for (size_t i = 0; i < shots; i++) {
		out[n++] = shot[i];
		if (!repeat || dice(5) || !shot[i].n)
			continue;
		struct shot again = shot[i - dice(i < 8 ? 1 : 8)];
		uint32_t more = dice(20);
		if (again.n && again.from >= more) {
			again.from -= more;
			again.seq -= more;
			again.n += more;
		}
		out[n++] = again;
	}
	return n;
}

static void test_any_cut_any_order(void **state)
{
	(void)state;
	static const uint32_t cuts[] = { 1, 3, 40, 1460, 9000 };
	static const size_t greeds[] = { 0, SIZE_MAX, 3, 700 };
	uint8_t *text[2] = { malloc(TEXT_MAX), malloc(TEXT_MAX) };
	struct shot *shot = malloc(SHOTS * sizeof(*shot)), *out = malloc(2 * SHOTS * sizeof(*shot));
	for (uint32_t round = 0; round < 600; round++) {
		seed = round + 1;
		uint32_t isn[2] = { dice(2) ? 0u - dice(9000) : dice(1u << 30), dice(2) ? 0u - dice(9000) : 7 };
		size_t total[2];
		uint32_t cut = cuts[round % 5], window = 1 + dice(2) * dice(14);
		size_t shots = write_dialogue(text, total, isn, cut, shot);
		shots = shuffle(shot, shots, window, dice(2), out);
		struct bench b;
		bench_open(&b, greeds[dice(4)]);
		for (size_t i = 0; i < shots; i++) {
			push(&b, out[i].d, out[i].flags, out[i].seq, out[i].ack, text[out[i].d] + out[i].from,
			     out[i].n, out[i].n);
		}
		stream_finish(&b.ss);
		drain(&b);
		for (int d = 0; d < 2; d++) {
			const struct stream *st = &b.ss.side[d];
			if (st->gaps || st->conflicts || st->octets != total[d])
				print_message("round %u dir %d cut %u window %u: gaps %u conflicts %u octets %llu of %zu\n",
					      round, d, cut, window, st->gaps, st->conflicts,
					      (unsigned long long)st->octets, total[d]);
			assert_int_equal(st->gaps, 0);
			assert_int_equal(st->conflicts, 0);
			assert_int_equal(st->octets, total[d]);
			assert_false(st->midstream || st->limit);
			assert_true(b.greed == 3 || b.greed == 700 || b.n[d] == total[d]);
			assert_memory_equal(b.out[d], text[d], b.n[d]);
		}
		bench_close(&b);
	}
	free(text[0]);
	free(text[1]);
	free(shot);
	free(out);
}

/* With lines as items, the order between the sides must be that of the dialogue, however it was shuffled. */
static void test_order_between_sides(void **state)
{
	(void)state;
	char want[LOG_MAX] = "", got[LOG_MAX];
	for (uint32_t round = 0; round < 300; round++) {
		seed = round;
		struct shot shot[64], out[128];
		size_t shots = 0;
		uint32_t seq[2] = { 100, 500 };
		shot[shots++] = (struct shot){ C2S, TCP_SYN, 99, 0, 0, 0, 0 };
		shot[shots++] = (struct shot){ S2C, TCP_SYN | TCP_ACK, 499, 100, 0, 0, 0 };
		for (int turn = 0; turn < 10; turn++) {
			enum dir d = turn % 2 ? C2S : S2C;
			shot[shots++] = (struct shot){ d, TCP_ACK, seq[d], seq[!d], 0, (size_t)turn + 3, 0 };
			seq[d] += (uint32_t)turn + 3;
		}
		shots = shuffle(shot, shots, round ? 12 : 1, round, out);
		struct bench b;
		bench_open(&b, 0);
		for (size_t i = 0; i < shots; i++)
			push(&b, out[i].d, out[i].flags, out[i].seq, out[i].ack, "................", out[i].n < 16 ? out[i].n : 16,
			     out[i].n);
		memcpy(round ? got : want, b.log, LOG_MAX);
		if (round)
			assert_string_equal(got, want);
		bench_close(&b);
	}
	struct bench b;
	bench_open(&b, 0); /* sent again with a later acknowledgement, and that one captured first: no deadlock */
	handshake(&b);
	say(&b, C2S, 100, 504, "q\n");
	say(&b, S2C, 500, 102, "220\n");
	assert_string_equal(b.log, "");
	say(&b, C2S, 100, 500, "q\n");
	assert_string_equal(b.log, "c2 s4 ");
	bench_close(&b);
	assert_string_equal(want, "s3 c4 s5 c6 s7 c8 s9 c10 s11 c12 ");
}

static int setup(void **state)
{
	(void)state;
	return stream_memory_init(&mem, 64u << 20) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	stream_memory_free(&mem);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stories, setup, teardown),
		cmocka_unit_test_setup_teardown(test_conflict_keeps_both, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_reading, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_dry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_checksums, setup, teardown),
		cmocka_unit_test_setup_teardown(test_offsets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_modes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kept_behind_body, setup, teardown),
		cmocka_unit_test_setup_teardown(test_skip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_midstream_and_tfo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wait_by_octets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_any_cut_any_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_order_between_sides, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
