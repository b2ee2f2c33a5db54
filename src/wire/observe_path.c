/* observe_path: see observe_path.h. Compares what flow.c and stream.c have noted. Of two versions of octets it shows
 * text only where the server greets, answers EHLO or answers STARTTLS, and of the client's side a known verb at most:
 * anywhere else they may be somebody's credential, address or mail. RFC 9293, 7323, 5961, 6864. */
#include "wire/observe_path.h"

#include "text.h"
#include "wire/smtp_command.h"
#include "wire/smtp_reply.h"

/* TTLs of one host may differ by a hop or two when routes change.
 * HABIT_PACKETS  packets that make a habit         TRIES  retransmissions that make a stall
 * TICK_SLACK     a SYN cookie may be up to 64 ticks late in its clock; a microsecond clock queues more */
enum { TTL_APART = 3, HABIT_PACKETS = 3, ID_STEPS = 4, TRIES = 3, TICK_SLACK = 1000, VERSION_TEXT = 128 };

#define SECOND INT64_C(1000000000)
#define DUAL INT64_C(10000000) /* RSTs to both ends that one injector sent */

static enum tri tri(bool yes)
{
	return yes ? TRI_YES : TRI_NO;
}

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* Both directions from their SYN on, nothing missing: what was not seen did not happen. */
static bool whole(const struct flow *fl)
{
	for (int d = C2S; d <= S2C; d++) {
		const struct stream *st = &fl->streams.side[d];
		if (!fl->side[d].syn || st->gaps || st->limit || st->midstream)
			return false;
	}
	return fl->end != FLOW_END_EVICTED;
}

/* ---- habits ---- */

/* The facts of one direction. */
struct column {
	enum fact ttl_min, ttl_max, ipid, timestamps, clock, window, options, shift, again;
};

static const struct column columns[2] = {
	{ F_tcp_ttl_min_c2s, F_tcp_ttl_max_c2s, F_tcp_ipid_c2s, F_tcp_ts_c2s, F_tcp_ts_hz_c2s, F_tcp_window_c2s,
	  F_tcp_syn_c2s, F_tcp_shift_c2s, F_tcp_again_c2s },
	{ F_tcp_ttl_min_s2c, F_tcp_ttl_max_s2c, F_tcp_ipid_s2c, F_tcp_ts_s2c, F_tcp_ts_hz_s2c, F_tcp_window_s2c,
	  F_tcp_syn_s2c, F_tcp_shift_s2c, F_tcp_again_s2c },
};

/* How a side's IP IDs go on (RFC 6864 lets them be anything where nothing is fragmented). */
static enum ipid id_pattern(const struct flow_habit *h)
{
	if (h->ids < ID_STEPS)
		return ipid_unknown;
	if (h->ids_zero == h->ids)
		return ipid_zero;
	if (h->ids_same == h->ids)
		return ipid_constant;
	if ((uint64_t)h->ids_near * 4 >= (uint64_t)h->ids * 3)
		return ipid_counter;
	uint64_t wild = (uint64_t)h->ids - h->ids_same - h->ids_near;
	return wild * 2 >= h->ids ? ipid_random : ipid_unknown;
}

/* Ticks per second; 0: not seen for long enough. */
static int64_t clock_rate(const struct flow_habit *h)
{
	int64_t span = h->to - h->from, ticks = (int32_t)(h->tick_to - h->tick_from);
	return span >= SECOND && ticks > 0 ? (ticks * SECOND + span / 2) / span : 0;
}

/* Does the clock of the payload go on where that of the SYN was? Where its rate is not known, anything up to a tick per
 * microsecond is possible (RFC 7323 5.4). */
static bool clock_jumps(const struct flow_syn *syn, const struct flow_habit *h)
{
	int64_t ticks = (int32_t)(h->tick_from - syn->tick), elapsed = h->from - syn->at, rate = clock_rate(h);
	if (elapsed < 0)
		return false;
	if (rate == 0)
		return ticks < -TICK_SLACK || ticks > elapsed / 800 + SECOND / 1000;
	int64_t due = (int64_t)((double)elapsed * (double)rate / (double)SECOND);
	int64_t slack = due / 8 + 2 * rate + TICK_SLACK;
	return ticks < due - slack || ticks > due + slack;
}

static enum tri shift(const struct flow_side *side)
{
	const struct flow_syn *syn = &side->opening;
	const struct flow_habit *h = &side->habit;
	if (!side->syn || h->packets == 0)
		return TRI_UNSEEN;
	if (syn->ttl >= h->ttl_min + TTL_APART || h->ttl_max >= syn->ttl + TTL_APART)
		return TRI_YES;
	return tri(syn->ticks && h->ticks && clock_jumps(syn, h));
}

static void put_option(struct text *t, uint8_t kind, struct cur value)
{
	static const struct { uint8_t kind; const char *name; } names[] = {
		{ 2, "mss=" }, { 3, "wscale=" }, { 4, "sackok" }, { 5, "sack" }, { 8, "ts" }, { 19, "md5" }, { 29, "ao" },
		{ 30, "mptcp" }, { 34, "tfo" }
	};
	if (t->n)
		text_char(t, ',');
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].kind != kind)
			continue;
		text_put(t, names[i].name);
		if (kind == 2)
			text_num(t, cur_u16(&value));
		else if (kind == 3)
			text_num(t, cur_u8(&value));
		return;
	}
	text_num(t, kind);
}

/* The options of a SYN, in order: part of a stack's fingerprint (RFC 9293 3.1). */
static void syn_options(struct record *r, enum fact f, const struct flow_syn *syn)
{
	char buf[64];
	struct text t = { buf, 0, sizeof(buf), false };
	struct cur c = cur_of((struct bytes){ syn->options, syn->noptions });
	while (cur_left(&c)) {
		uint8_t kind = cur_u8(&c);
		if (kind <= 1) {
			text_put(&t, t.n ? "," : "");
			text_put(&t, kind ? "nop" : "eol");
			if (kind == 0)
				break;
			continue;
		}
		uint8_t length = cur_u8(&c);
		struct bytes value = cur_take(&c, length < 2 ? 0 : length - 2u);
		if (c.bad || length < 2)
			break;
		put_option(&t, kind, cur_of(value));
	}
	record_str(r, f, (struct bytes){ (uint8_t *)buf, t.n });
}

static void habits(struct record *r, const struct flow *fl, enum dir dir)
{
	const struct column *f = &columns[dir];
	const struct flow_side *side = &fl->side[dir];
	if (side->ttl_max) {
		record_num(r, f->ttl_min, side->ttl_min);
		record_num(r, f->ttl_max, side->ttl_max);
	}
	enum ipid ids = side->addr.v == 4 ? id_pattern(&side->habit) : ipid_unknown;
	if (ids != ipid_unknown)
		record_num(r, f->ipid, ids);
	if (side->timestamps || side->syn)
		record_tri(r, f->timestamps, tri(side->timestamps));
	int64_t rate = clock_rate(&side->habit);
	if (rate)
		record_num(r, f->clock, rate);
	if (side->syn) {
		record_num(r, f->window, side->opening.window);
		syn_options(r, f->options, &side->opening);
	}
	record_tri(r, f->shift, shift(side));
	if (side->habit.packets && fl->side[!dir].packets)
		record_num(r, f->again, side->again.most);
}

static void handshake_time(struct record *r, const struct flow *fl)
{
	const struct flow_side *c = &fl->side[C2S], *s = &fl->side[S2C];
	if (c->syn && s->syn && s->opening.at >= c->opening.at)
		record_num(r, F_tcp_rtt, s->opening.at - c->opening.at);
}

/* ---- conflicts ---- */

static bool in_clear(enum place at)
{
	switch (at) {
	case place_greeting: case place_ehlo: case place_starttls: case place_dialogue: case place_handshake:
		return true;
	case place_unknown: case place_content: case place_encrypted: case place_COUNT:
		break;
	}
	return false;
}

/* The first (0) or second (1) version of a conflict, from the start of its line if that is known. at_start: it is. */
static struct bytes version(const struct stream_conflict *c, int which, bool *at_start)
{
	const uint8_t *octets = which ? c->second : c->first;
	size_t from = 0;
	for (size_t i = 0; i < c->lead && i < c->n[which]; i++)
		if (octets[i] == '\n')
			from = i + 1;
	*at_start = from || c->offset == c->lead;
	return (struct bytes){ octets + from, c->n[which] - from };
}

/* Length of the rest of one reply in v: its last line has a space behind the code, or nothing (RFC 5321 4.2). Where the
 * line has no end more of its last word may follow: that word is left out. */
static size_t reply_length(struct bytes v, bool at_start)
{
	size_t line = 0, word = 0;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == ' ')
			word = i;
		if (v.p[i] != '\n')
			continue;
		bool more = i - line > 3 && v.p[line + 3] == '-';
		if (!at_start || !more)
			return i + 1;
		line = word = i + 1;
	}
	return word > line ? word : line;
}

/* A server's reply as text: redacted as all of its text is, lines end in "|", what is not printable is ".". */
static void reply_text(struct text *t, struct bytes v, bool at_start)
{
	uint8_t line[VERSION_TEXT];
	v = bytes_head(v, reply_length(v, at_start));
	while (v.n) {
		const uint8_t *end = memchr(v.p, '\n', v.n);
		size_t n = end ? (size_t)(end - v.p) : v.n, shown = smtp_redacted(bytes_head(v, n), line, sizeof(line));
		for (size_t i = 0; i < shown; i++)
			if (line[i] != '\r')
				text_char(t, line[i] < 0x20 || line[i] > 0x7e ? '.' : (char)line[i]);
		if (end)
			text_char(t, '|');
		v = bytes_skip(v, end ? n + 1 : n);
	}
}

/* Of a client's octets only a verb is shown: an unknown word may be part of a credential. */
static void verb_text(struct text *t, struct bytes v, bool at_start)
{
	size_t n = 0;
	while (n < v.n && v.p[n] != ' ' && v.p[n] != '\r' && v.p[n] != '\n')
		n++;
	enum smtp_verb verb = at_start && n < v.n ? smtp_verb_of(bytes_head(v, n)) : VERB_OTHER;
	if (verb != VERB_OTHER)
		text_bytes(t, bytes_head(v, n));
}

/* One conflict of either direction, and where it lies. */
struct found {
	const struct stream_conflict *c;
	enum dir dir;
	enum place at;
};

static void add_version(struct record *r, enum fact f, const struct found *x, int which)
{
	char buf[VERSION_TEXT];
	struct text t = { buf, 0, sizeof(buf), false };
	bool at_start, server = x->dir == S2C;
	bool known = x->at == place_starttls || (server && (x->at == place_greeting || x->at == place_ehlo));
	struct bytes v = version(x->c, which, &at_start);
	if (known && v.n && server)
		reply_text(&t, v, at_start);
	else if (known && v.n)
		verb_text(&t, v, at_start);
	record_add(r, f, (struct bytes){ (uint8_t *)buf, t.n });
}

/* Column by column: a list is appended to in one go. */
static void list_conflicts(struct record *r, const struct flow *fl, const struct found *x, size_t n)
{
	bool ids = fl->side[C2S].addr.v == 4;
	for (size_t i = 0; i < n; i++)
		record_add_num(r, F_tcp_conf_dir, x[i].dir == C2S ? way_c2s : way_s2c);
	for (size_t i = 0; i < n; i++)
		record_add_num(r, F_tcp_conf_place, x[i].at);
	for (size_t i = 0; i < n; i++)
		record_add_num(r, F_tcp_conf_offset, (int64_t)x[i].c->offset);
	for (size_t i = 0; i < n; i++)
		add_version(r, F_tcp_conf_first, &x[i], 0);
	for (size_t i = 0; i < n; i++)
		add_version(r, F_tcp_conf_second, &x[i], 1);
	for (size_t i = 0; i < n; i++)
		record_add_num(r, F_tcp_conf_ttl1, x[i].c->from[0].ttl);
	for (size_t i = 0; i < n; i++)
		record_add_num(r, F_tcp_conf_ttl2, x[i].c->from[1].ttl);
	for (size_t i = 0; ids && i < n; i++)
		record_add_num(r, F_tcp_conf_ipid1, x[i].c->from[0].ipid);
	for (size_t i = 0; ids && i < n; i++)
		record_add_num(r, F_tcp_conf_ipid2, x[i].c->from[1].ipid);
}

/* What is known of where conflicts lie. */
struct spread {
	bool clear, elsewhere, unknown;
};

static void spread_to(struct spread *s, enum place at)
{
	s->clear |= in_clear(at);
	s->elsewhere |= at == place_content || at == place_encrypted;
	s->unknown |= at == place_unknown;
}

/* Without the server's replies the client's content may look like commands. */
static enum place conflict_place(const struct flow *fl, enum dir dir, uint8_t place)
{
	enum place at = (enum place)place;
	return dir == C2S && in_clear(at) && fl->side[S2C].packets == 0 ? place_unknown : at;
}

/* "No" is said of what was compared to its end. */
static void conflicts(struct record *r, const struct flow *fl, const struct tcp_hints *hints)
{
	struct found x[2 * STREAM_CONFLICTS];
	struct spread where = { 0 };
	bool sure = whole(fl) && !hints->dialogue_gap;
	size_t n = 0;
	for (int d = C2S; d <= S2C; d++) {
		const struct stream *st = &fl->streams.side[d];
		size_t kept = stream_conflict_count(&fl->streams, (enum dir)d);
		for (size_t i = 0; i < kept; i++) {
			enum place at = place_unknown;
			if (i < hints->where->conflicts[d])
				at = conflict_place(fl, (enum dir)d, hints->where->conflict[d][i]);
			x[n++] = (struct found){ stream_conflict_at(&fl->streams, (enum dir)d, i), (enum dir)d, at };
			spread_to(&where, at);
		}
		for (int i = 0; i < 2 && st->conflicts > kept; i++)
			spread_to(&where, conflict_place(fl, (enum dir)d, hints->where->rest[d][i]));
		sure &= !st->forgot;
	}
	list_conflicts(r, fl, x, n);
	sure &= !where.unknown;
	if (where.clear || sure)
		record_tri(r, F_tcp_conf_clear, tri(where.clear));
	if (where.elsewhere || (sure && !hints->passed))
		record_tri(r, F_tcp_conf_data, tri(where.elsewhere));
}

/* ---- resets ---- */

/* Are octets missing in front of a RST, so that the session may have been farther than what was read of it? Of the other
 * direction it says itself how far that was. */
static bool gap_before(const struct flow *fl, const struct flow_rst *rst)
{
	for (int d = C2S; d <= S2C; d++) {
		const struct stream *st = &fl->streams.side[d];
		if (!fl->side[d].syn || st->midstream || st->limit)
			return true;
		int64_t to = INT64_MAX;
		if (d == (int)rst->dir || rst->has_ack)
			to = stream_offset(&fl->streams, (enum dir)d, d == (int)rst->dir ? rst->seq : rst->ack);
		if (st->gaps && (int64_t)st->gap_first < to)
			return true;
	}
	return false;
}

static enum place reset_place(const struct flow *fl, const struct tcp_places *where, uint8_t i)
{
	enum place at = i < where->resets ? (enum place)where->reset[i] : place_unknown;
	return in_clear(at) && gap_before(fl, &fl->rst[i]) ? place_unknown : at;
}

static void list_resets(struct record *r, const struct flow *fl, const struct tcp_places *where)
{
	for (uint8_t i = 0; i < fl->rsts; i++) {
		const struct flow_rst *rst = &fl->rst[i];
		enum place at = reset_place(fl, where, i);
		record_add_num(r, F_tcp_rst_dir, rst->dir == C2S ? way_c2s : way_s2c);
		record_add_num(r, F_tcp_rst_place, at);
		record_add_num(r, F_tcp_rst_seq, stream_offset(&fl->streams, rst->dir, rst->seq));
		record_add_num(r, F_tcp_rst_ttl, rst->ttl);
		record_add_num(r, F_tcp_rst_after, rst->ts - fl->first);
		if (fl->side[rst->dir].addr.v == 4)
			record_add_num(r, F_tcp_rst_ipid, rst->ipid);
		if (i == 0)
			record_num(r, F_tcp_rst_at, at);
	}
}

/* Beyond all that its side has sent, now and, unless others wrote it, at the end. */
static bool ahead(const struct flow *fl, const struct flow_rst *rst)
{
	const struct flow_side *side = &fl->side[rst->dir];
	bool still = side->alive_after_rst || before(side->seq_to, rst->seq);
	return rst->ahead && still && !fl->streams.side[rst->dir].gaps;
}

/* Two RSTs that one host does not send: to both ends at once, or with sequence numbers tried one after the other. */
static bool dual(const struct flow *fl, const struct flow_rst *a, const struct flow_rst *b)
{
	if (a->dir != b->dir)
		return b->ts - a->ts <= DUAL && a->ts - b->ts <= DUAL;
	return a->seq != b->seq && (ahead(fl, a) || ahead(fl, b));
}

static bool any_dual(const struct flow *fl)
{
	for (uint8_t i = 0; i < fl->rsts; i++)
		for (uint8_t k = 0; k < i; k++)
			if (dual(fl, &fl->rst[k], &fl->rst[i]))
				return true;
	return false;
}

static enum tri origin_shift(const struct flow *fl)
{
	bool known = true;
	for (uint8_t i = 0; i < fl->rsts; i++) {
		const struct flow_rst *rst = &fl->rst[i];
		const struct flow_side *side = &fl->side[rst->dir];
		if (side->packets - side->rst_count < HABIT_PACKETS)
			known = false;
		else if (rst->ttl + TTL_APART <= side->ttl_min || side->ttl_max + TTL_APART <= rst->ttl)
			return TRI_YES;
	}
	return known ? TRI_NO : TRI_UNSEEN;
}

static void resets(struct record *r, const struct flow *fl, const struct tcp_hints *hints)
{
	const struct flow_side *c = &fl->side[C2S], *s = &fl->side[S2C];
	bool all = whole(fl), kept = c->rst_count + s->rst_count == fl->rsts;
	bool alive = c->alive_after_rst || s->alive_after_rst;
	list_resets(r, fl, hints->where);
	if (alive || (all && flow_round_trip(fl) >= 0))
		record_tri(r, F_tcp_rst_data, tri(alive));
	bool two = any_dual(fl);
	if (two || (all && kept))
		record_tri(r, F_tcp_rst_dual, tri(two));
	enum tri shifted = origin_shift(fl);
	if (shifted == TRI_YES || (all && kept))
		record_tri(r, F_tcp_rst_shift, shifted);
}

/* ---- a handshake without an answer ---- */

/* A segment of the handshake was sent again and again, and nobody acknowledged it, while octets before it were. */
static bool stalled(const struct flow *fl, enum dir dir, const struct tcp_hints *hints)
{
	const struct flow_again *a = &fl->side[dir].again;
	if (!hints->tls_on[dir] || a->n < TRIES || !a->acks || fl->streams.side[dir].gaps)
		return false;
	int64_t again = stream_offset(&fl->streams, dir, a->seq), acked = stream_offset(&fl->streams, dir, a->acked);
	return again >= 0 && (uint64_t)again >= hints->tls_from[dir] && acked > 0 && acked <= again;
}

static void stall(struct record *r, const struct flow *fl, const struct tcp_hints *hints)
{
	const struct flow_side *c = &fl->side[C2S], *s = &fl->side[S2C];
	if (!hints->tls_on[C2S] && !hints->tls_on[S2C])
		return;
	if (hints->handshake == TRI_YES)
		record_tri(r, F_tls_stalled, TRI_NO);
	else if (c->syn && s->syn && (stalled(fl, C2S, hints) || stalled(fl, S2C, hints)))
		record_yes(r, F_tls_stalled);
	else if (whole(fl) && c->again.n < TRIES && s->again.n < TRIES)
		record_tri(r, F_tls_stalled, TRI_NO);
}

void observe_path(struct record *r, const struct flow *fl, const struct tcp_hints *hints)
{
	habits(r, fl, C2S);
	habits(r, fl, S2C);
	handshake_time(r, fl);
	conflicts(r, fl, hints);
	resets(r, fl, hints);
	stall(r, fl, hints);
}
