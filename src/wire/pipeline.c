/* pipeline: see pipeline.h. The one place that loops: frame, flow, stream, and then smtp or tls, whichever the
 * direction speaks. It owns every table and pool, and it knows no protocol but their order. */
#include "wire/pipeline.h"

#include <stdlib.h>

#include "wire/dns_wire.h"
#include "wire/flow.h"
#include "wire/flow_end.h"
#include "wire/fragment.h"
#include "wire/frame.h"
#include "wire/ident.h"
#include "wire/keep_smtp.h"
#include "wire/milestone.h"
#include "wire/observe_smtp.h"
#include "wire/observe_tcp.h"
#include "wire/observe_tls.h"
#include "wire/odd.h"
#include "wire/reading.h"
#include "wire/smtp.h"
#include "wire/tap.h"
#include "wire/tls.h"
#include "wire/trail.h"

enum { DNS_PORT = 53, FRAGMENTS = 256, TLS_SHARE = 4 };
enum { ODD_FLOWS = 4096, ODD_DIALOGUES = 256, ODD_BUDGET = 8 << 20, ODD_EXHIBITS = 8 << 20 };

/* What one mail connection said, from its first payload octet to its end.
 * tls_on      this direction speaks TLS now                 tls_from  offset of its first TLS octet
 * deaf        of this direction nothing more can be read
 * opaque      neither SMTP nor TLS                          gap  octets missing while SMTP or a handshake was in clear
 * passed      a direction has come to where nothing is compared any more
 * met         something of this direction was seen           where  places of conflicts and resets, placed so many
 * at_once     TLS from the first octet, on a port where SMTP begins in clear
 * first       the first octets of both directions, of them first_n, as long as it is not known that this is SMTP; opener
 *             said the first of them. known: that is over, they are gone       looked  they were shown
 * by_name     it is SMTP because who looked at them says so    milestones  for interim sessions
 * flow        whose it is; older, newer: in the order in which something was last heard of them */
struct dialogue {
	struct smtp smtp;
	struct tls tls;
	struct record record;
	struct trail trail[2];
	struct tcp_places where;
	struct milestones milestones;
	struct tap tap;
	uint64_t tls_from[2];
	bool tls_on[2], tls_gap[2], deaf[2], met[2];
	bool opaque, gap, cut, tls_due, passed, at_once;
	bool known, looked, by_name;
	enum dir opener;
	size_t first_n[2];
	uint8_t first[2][PIPELINE_LOOK_MAX];
	struct flow *flow;
	struct dialogue *older, *newer;
};

/* What connections on mail ports speak that is not SMTP. The last place is for names beyond the others. */
struct label {
	uint8_t name[PIPELINE_NAME_MAX];
	size_t n;
	uint64_t flows;
};

/* A flow and its dialogue as if they ended now: a copy, which lends all that it points to from the original. */
struct interim {
	struct flow flow;
	struct dialogue dialogue;
};

struct pipeline {
	struct pipeline_config config;
	struct frame_counters frames;
	struct fragment_table *fragments;
	struct stream_memory streams;
	struct tls_memory tls;
	struct pool dialogues;
	struct dialogue *oldest, *newest;
	struct keep_memory keeps;
	uint8_t *exhibit;                  /* EXHIBIT_OCTETS, if exhibits are kept */
	struct flow_table *flows;
	struct ident *ident;
	struct tls_observer *observer;
	struct interim *interim;           /* NULL: only what has ended is given */

	struct packet packet;              /* on loan, as is segment */
	struct segment segment;
	bool have, ending, passes;         /* passes: no packet, and time is what came */
	int64_t time;
	struct reading reading;
	struct flow *finished;             /* its session is on loan to the caller */
	struct flow *asked;                /* PIPELINE_COUNT was said of it */
	struct flow *last;                 /* likewise, and it is over */
	size_t quiet;                      /* flows with quiet.on */
	uint64_t quiet_from;               /* octets; 0: never */
	bool sheds;                        /* pipeline_shed was called */
	struct flow *dns_flow;             /* a TCP flow whose DNS messages are being given out */
	struct stream_view dns_view;
	size_t dns_used;

	struct pipeline *odd;              /* the same once more, small, for connections on other ports; NULL: not looked at */
	bool hunting;                      /* this is the odd one of another pipeline */
	struct flow *looked_at;            /* its first octets are on loan to the caller, who may say what they are */
	struct label answer, labels[PIPELINE_NAMES];
	size_t nlabels;

	struct record attempt;             /* on loan, likewise */
	int64_t attempt_from;              /* the second to which attempts_said belong */
	uint32_t attempts_said;

	uint64_t sessions, empty, other, at_once, segments, sums_bad, dns_messages, no_room;
};

static const struct mail_port *mail_port(const struct pipeline *p, uint16_t port)
{
	for (size_t i = 0; i < p->config.nports; i++)
		if (p->config.ports[i].port == port)
			return &p->config.ports[i];
	return NULL;
}

static bool dns_port(const struct pipeline *p, uint16_t port)
{
	for (size_t i = 0; i < p->config.ndns; i++)
		if (p->config.dns_port[i] == port)
			return true;
	return port == DNS_PORT;
}

static bool is_dns(const struct pipeline *p, const struct flow *fl)
{
	if (mail_port(p, fl->side[S2C].port)) /* a client's port may be any */
		return false;
	return dns_port(p, fl->side[S2C].port) || dns_port(p, fl->side[C2S].port);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static struct pipeline *odd_new(const struct pipeline_config *config)
{
	struct pipeline_config odd = *config;
	odd.flows = least(config->flows, ODD_FLOWS);
	odd.dialogues = least(config->dialogues, ODD_DIALOGUES);
	odd.budget = least(config->budget, ODD_BUDGET);
	odd.exhibits = least(config->exhibits, ODD_EXHIBITS);
	odd.quiet = 0; /* sessions there are few */
	odd.dns = false;
	odd.odd = 0;
	struct pipeline *p = pipeline_new(&odd);
	if (p)
		p->hunting = true;
	return p;
}

struct pipeline *pipeline_new(const struct pipeline_config *config)
{
	uint16_t ports[PIPELINE_PORTS + PIPELINE_DNS_PORTS + 1];
	size_t n = 0;
	struct pipeline *p = calloc(1, sizeof(*p));
	if (!p || (config->nports == 0 && !config->dns)) {
		free(p);
		return NULL;
	}
	p->config = *config;
	p->quiet_from = config->quiet;
	for (size_t i = 0; i < config->nports; i++)
		ports[n++] = config->ports[i].port;
	if (config->dns)
		ports[n++] = DNS_PORT;
	if (config->exhibits) {
		p->exhibit = malloc(EXHIBIT_OCTETS);
		if (!p->exhibit || !keep_memory_init(&p->keeps, config->flows, config->exhibits)) {
			pipeline_free(p);
			return NULL;
		}
	}
	for (size_t i = 0; config->dns && i < config->ndns; i++)
		ports[n++] = config->dns_port[i];
	p->fragments = fragment_table_new(FRAGMENTS);
	p->ident = ident_new();
	p->observer = tls_observer_new();
	p->interim = config->interim ? malloc(sizeof(*p->interim)) : NULL;
	if (!p->fragments || !p->ident || !p->observer || (config->interim && !p->interim) ||
	    !stream_memory_init(&p->streams, config->budget - config->budget / TLS_SHARE) ||
	    !tls_memory_init(&p->tls, config->budget / TLS_SHARE) ||
	    !pool_init(&p->dialogues, sizeof(struct dialogue), config->dialogues) ||
	    !(p->flows = flow_table_new(config->flows, config->key, ports, n, &p->streams))) {
		pipeline_free(p);
		return NULL;
	}
	if (config->odd && config->nports && !(p->odd = odd_new(config))) {
		pipeline_free(p);
		return NULL;
	}
	return p;
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	pipeline_free(p->odd);
	if (p->flows)
		flow_table_free(p->flows);
	pool_free(&p->dialogues);
	keep_memory_free(&p->keeps);
	free(p->exhibit);
	free(p->interim);
	tls_memory_free(&p->tls);
	stream_memory_free(&p->streams);
	tls_observer_free(p->observer);
	ident_free(p->ident);
	if (p->fragments)
		fragment_table_free(p->fragments);
	free(p);
}

static void dialogue_remove(struct pipeline *p, struct dialogue *d)
{
	*(d->older ? &d->older->newer : &p->oldest) = d->newer;
	*(d->newer ? &d->newer->older : &p->newest) = d->older;
}

static void dialogue_add(struct pipeline *p, struct dialogue *d)
{
	d->older = p->newest;
	d->newer = NULL;
	*(p->newest ? &p->newest->newer : &p->oldest) = d;
	p->newest = d;
}

static struct dialogue *dialogue_of(struct pipeline *p, struct flow *fl)
{
	struct dialogue *d = fl->user;
	if (d)
		return d;
	d = pool_take(&p->dialogues);
	if (!d) {
		p->no_room++;
		return NULL;
	}
	const struct mail_port *port = mail_port(p, fl->side[S2C].port);
	smtp_init(&d->smtp, port && port->tls);
	tls_init(&d->tls, &p->tls);
	record_init(&d->record);
	d->tls_due = port && port->tls;
	d->tls_on[C2S] = d->tls_on[S2C] = d->tls_gap[C2S] = d->tls_gap[S2C] = false;
	d->deaf[C2S] = d->deaf[S2C] = d->met[C2S] = d->met[S2C] = false;
	d->tls_from[C2S] = d->tls_from[S2C] = 0;
	d->opaque = d->gap = d->cut = d->passed = d->at_once = false;
	d->known = d->looked = d->by_name = false;
	d->first_n[C2S] = d->first_n[S2C] = 0;
	d->where = (struct tcp_places){ 0 };
	d->milestones = (struct milestones){ 0 };
	d->tap = (struct tap){ 0 };
	trail_init(&d->trail[C2S]);
	trail_init(&d->trail[S2C]);
	d->flow = fl;
	dialogue_add(p, d);
	fl->user = d;
	return d;
}

/* SMTP in in, which begins at offset at; true: go on with what is left, which may be TLS now. */
static bool take_smtp(struct pipeline *p, struct dialogue *d, struct keep *k, enum dir dir, uint64_t at, struct bytes in,
		      size_t *used)
{
	struct smtp_event ev;
	enum parse got = smtp_next(&d->smtp, dir, in, &ev, used);
	if (k && got != PARSE_BAD)
		keep_smtp(k, dir, at, bytes_head(in, *used), got == PARSE_OK ? &ev : NULL);
	switch (got) {
	case PARSE_OK:
		trail_note(&d->trail[dir], at, trail_event(&ev, d->smtp.lost[C2S] || d->smtp.lost[S2C]));
		observe_smtp(&d->record, &d->smtp, &ev);
		milestone_smtp(&d->milestones, &d->record, &d->smtp, &ev);
		tap_smtp(&d->tap, p->ident, &d->smtp, &ev);
		if (ev.kind == SMTP_TLS_BEGIN)
			d->tls_on[dir] = true;
		return true;
	case PARSE_LONG:
		return true;
	case PARSE_MORE:
		return false;
	case PARSE_BAD:
		d->opaque = true;
		return false;
	}
	return false;
}

static uint32_t what_tls(const struct tls_event *ev)
{
	switch (ev->type) {
	case TLS_EV_CLIENT_HELLO: case TLS_EV_SSL2_HELLO:
		return WHAT_CLIENT_HELLO;
	case TLS_EV_SERVER_HELLO: case TLS_EV_HELLO_RETRY:
		return WHAT_SERVER_HELLO;
	case TLS_EV_CERTIFICATE:
		return WHAT_CERTIFICATE;
	case TLS_EV_KEY_EXCHANGE:
		return WHAT_KEY_EXCHANGE;
	case TLS_EV_ALERT:
		return WHAT_TLS_ALERT;
	}
	return WHAT_TLS;
}

static bool take_tls(struct pipeline *p, struct flow *fl, struct dialogue *d, enum dir dir, uint64_t at, struct bytes in,
		     size_t *used, uint64_t *skip)
{
	struct tls_event ev;
	enum parse got = tls_next(&d->tls, dir, in, &ev, used, skip);
	if (fl->kept)
		keep_tls(fl->kept, dir, at, bytes_head(in, *used), *skip, got == PARSE_OK ? what_tls(&ev) : WHAT_TLS);
	milestone_tls(&d->milestones, &d->tls);
	switch (got) {
	case PARSE_OK:
		observe_tls(&d->record, p->observer, &d->tls, &ev);
		tap_tls(&d->tap, p->ident, &d->tls, &ev);
		return *skip == 0;
	case PARSE_BAD: /* tls has noted it; nothing more can be read in this direction */
		d->deaf[dir] = true;
		return false;
	case PARSE_MORE:
	case PARSE_LONG:
		return false;
	}
	return false;
}

/* A handshake record of TLS in front of everything (RFC 8446 5.1), where the client should wait for a greeting. */
static bool tls_at_once(const struct dialogue *d, const struct stream_view *v)
{
	return v->dir == C2S && v->offset == 0 && !d->tls_due && v->data.n > 2 && v->data.p[0] == 22 && v->data.p[1] == 3;
}

/* Nobody needs the first octets any more. They may hold what another protocol keeps secret. */
static void forget_first(struct dialogue *d)
{
	for (int dir = C2S; dir <= S2C; dir++)
		memset(d->first[dir], 0, d->first_n[dir]);
	d->first_n[C2S] = d->first_n[S2C] = 0;
	d->known = true;
}

/* Keeps what v brings of the first octets of its direction, until it is known what this is. */
static void keep_first(struct dialogue *d, const struct stream_view *v)
{
	size_t *n = &d->first_n[v->dir];
	if (v->offset > *n || *n == PIPELINE_LOOK_MAX)
		return;
	struct bytes more = bytes_head(bytes_skip(v->data, *n - (size_t)v->offset), PIPELINE_LOOK_MAX - *n);
	if (more.n == 0)
		return;
	if (*n == 0 && d->first_n[!v->dir] == 0)
		d->opener = v->dir;
	memcpy(d->first[v->dir] + *n, more.p, more.n);
	*n += more.n;
}

/* All that can be read of the octets v gives. */
static void take_data(struct pipeline *p, struct flow *fl, struct dialogue *d, const struct stream_view *v)
{
	struct bytes in = v->data;
	uint64_t skip = 0;
	size_t total = 0, used;
	bool more = true;
	d->at_once |= tls_at_once(d, v);
	if (!d->tls_on[v->dir])
		smtp_place(&d->smtp, v->dir, v->offset, v->heard);
	while (more && in.n && !d->opaque && !d->deaf[v->dir]) {
		bool was_tls = d->tls_on[v->dir];
		used = 0;
		uint64_t at = v->offset + total;
		if (was_tls)
			trail_tls(&d->trail[v->dir], at, in);
		more = was_tls ? take_tls(p, fl, d, v->dir, at, in, &used, &skip) :
				 take_smtp(p, d, fl->kept, v->dir, at, in, &used);
		total += used;
		in = bytes_skip(in, used);
		if (d->tls_on[v->dir] && !was_tls)
			d->tls_from[v->dir] = v->offset + total;
	}
	d->trail[v->dir].read = v->offset + total;
	if (!d->known && !p->hunting && (smtp_spoken(&d->smtp) || d->tls_on[v->dir]))
		forget_first(d);
	else if (!d->known && !d->looked)
		keep_first(d, v);
	if (fl->kept)
		keep_done(fl->kept, v->dir, d->opaque || d->deaf[v->dir] ? UINT64_MAX : v->offset + total + skip);
	stream_drop(&fl->streams, v->dir, d->opaque || d->deaf[v->dir] ? v->data.n : total);
	if (skip)
		stream_skip(&fl->streams, v->dir, skip);
}

/* Says what the rest of the flow must be kept for. */
static void set_modes(struct flow *fl, struct dialogue *d)
{
	for (int dir = C2S; dir <= S2C; dir++) {
		const struct stream *st = &fl->streams.side[dir];
		enum stream_mode mode = STREAM_KEEP;
		if (d->opaque || d->deaf[dir] || (d->tls_on[dir] && tls_side_done(&d->tls, (enum dir)dir)))
			mode = STREAM_COUNT;
		else if (dir == C2S && !d->tls_on[dir] && smtp_in_body(&d->smtp))
			mode = STREAM_PASS;
		d->passed |= mode == STREAM_COUNT;
		if (st->mode != mode && st->mode != STREAM_COUNT)
			stream_mode(&fl->streams, (enum dir)dir, mode);
		if (fl->kept && mode == STREAM_COUNT)
			keep_done(fl->kept, (enum dir)dir, UINT64_MAX);
	}
}

static void take_gap(struct flow *fl, struct dialogue *d, const struct stream_view *v)
{
	if (fl->kept)
		keep_gap(fl->kept, v->dir, v->offset + v->gap, d->tls_on[v->dir] && v->gap > v->skipped);
	trail_gap(&d->trail[v->dir], v->offset, v->gap);
	tap_gap(&d->tap);
	if (d->tls_on[v->dir]) {
		d->gap |= d->tls.side[v->dir].phase == TLS_CLEAR;
		d->tls_gap[v->dir] = true;
		tls_gap(&d->tls, v->dir, v->gap - v->skipped);
	} else {
		d->gap = true;
		smtp_gap(&d->smtp, v->dir, v->gap);
	}
	d->cut |= v->why == STREAM_CUT;
}

/* Before the first item of a direction: was its beginning missed? The other direction may have begun long ago. */
static void meet(const struct flow *fl, struct dialogue *d, enum dir dir)
{
	if (!d->met[dir] && fl->streams.side[dir].midstream) {
		smtp_gap(&d->smtp, dir, 0);
		tap_gap(&d->tap);
	}
	d->met[dir] = true;
}

/* What the first octets of a connection on another port are. true: go on, there is something to read in them. */
static bool odd_begins(struct flow *fl, enum stream_item item, const struct stream_view *v)
{
	if (fl->mark == ODD_NEW && item == STREAM_DATA)
		fl->mark = (uint8_t)odd_first(v->dir, v->data);
	return fl->mark == ODD_MAYBE || fl->mark == ODD_FOUND || item == STREAM_GAP;
}

/* Everything that both streams of fl can give now. */
static void drain(struct pipeline *p, struct flow *fl)
{
	struct stream_view v;
	enum stream_item item;
	while ((item = stream_next(&fl->streams, &v)) != STREAM_NONE) {
		if (p->hunting && !odd_begins(fl, item, &v)) {
			if (fl->mark == ODD_NOT)
				return;
			continue;
		}
		struct dialogue *d = dialogue_of(p, fl);
		if (!d) {
			if (item == STREAM_DATA)
				stream_drop(&fl->streams, v.dir, v.data.n);
			continue;
		}
		meet(fl, d, v.dir);
		if (item == STREAM_DATA)
			take_data(p, fl, d, &v);
		else if (item == STREAM_GAP)
			take_gap(fl, d, &v);
		else if (!d->tls_on[v.dir])
			smtp_end(&d->smtp, v.dir);
		set_modes(fl, d);
	}
}

static enum place place_now(const struct dialogue *d)
{
	return trail_now(&d->smtp, &d->tls, d->tls_due || d->tls_on[C2S] || d->tls_on[S2C]);
}

/* Finds the places of conflicts whose octets have been read by now; all: there will be no more octets. */
static void place_conflicts(const struct flow *fl, struct dialogue *d, enum dir dir, bool all)
{
	const struct stream_conflict *c;
	while ((c = stream_conflict_at(&fl->streams, dir, d->where.conflicts[dir]))) {
		if (c->offset >= d->trail[dir].read && !all)
			return;
		d->where.conflict[dir][d->where.conflicts[dir]++] = (uint8_t)trail_at(&d->trail[dir], c->offset);
	}
}

/* An RST stands behind the octets that its side sent before it: where it was captured in front of them, the part of
 * the session that it ended is known when they have been read. */
static void place_resets(const struct flow *fl, struct dialogue *d)
{
	for (uint8_t i = 0; i < fl->rsts; i++) {
		const struct flow_rst *rst = &fl->rst[i];
		int64_t off = stream_offset(&fl->streams, rst->dir, rst->seq);
		bool read = off <= 0 || (uint64_t)off <= d->trail[rst->dir].read;
		if (i < d->where.resets && (!read || d->where.settled >> i & 1))
			continue;
		d->where.reset[i] = (uint8_t)place_now(d);
		d->where.settled |= (uint8_t)(read << i);
	}
	d->where.resets = fl->rsts;
}

static void place_all(const struct flow *fl, struct dialogue *d, bool all)
{
	for (int dir = C2S; dir <= S2C; dir++)
		if (fl->streams.side[dir].conflicts)
			place_conflicts(fl, d, (enum dir)dir, all);
	place_resets(fl, d);
}

/* Of conflicts that were not kept only the ends are known. */
static void place_rest(const struct flow *fl, struct dialogue *d)
{
	uint64_t low, high;
	for (int dir = C2S; dir <= S2C; dir++) {
		if (!stream_conflict_rest(&fl->streams, (enum dir)dir, &low, &high))
			continue;
		d->where.rest[dir][0] = (uint8_t)trail_at(&d->trail[dir], low);
		d->where.rest[dir][1] = (uint8_t)trail_at(&d->trail[dir], high - 1);
	}
}

static bool in_dialogue(uint8_t place)
{
	return place == place_greeting || place == place_ehlo || place == place_starttls || place == place_dialogue;
}

static bool clear_conflict(const struct tcp_places *where)
{
	bool clear = false;
	for (int dir = C2S; dir <= S2C; dir++) {
		for (size_t i = 0; i < where->conflicts[dir]; i++)
			clear |= in_dialogue(where->conflict[dir][i]);
		clear |= in_dialogue(where->rest[dir][0]) || in_dialogue(where->rest[dir][1]);
	}
	return clear;
}

/* So far; more may follow. */
static void see_places(const struct flow *fl, struct dialogue *d)
{
	place_all(fl, d, false);
	if (!milestone_passed(&d->milestones, MILESTONE_CONFLICT) && clear_conflict(&d->where))
		milestone_reach(&d->milestones, MILESTONE_CONFLICT);
}

/* The dialogue as its later versions read, if there are two. */
static void read_again(struct pipeline *p, const struct flow *fl, struct dialogue *d)
{
	struct bytes text[2];
	bool late[2];
	if (!clear_conflict(&d->where))
		return;
	for (int dir = C2S; dir <= S2C; dir++) {
		uint64_t offset;
		text[dir] = stream_other(&fl->streams, (enum dir)dir, &offset);
		late[dir] = offset || fl->streams.side[dir].midstream;
	}
	if (text[C2S].n || text[S2C].n)
		reading_alternative(&p->reading, text, late, &d->record);
}

static enum service service_of(const struct pipeline *p, uint16_t port)
{
	const struct mail_port *mp = mail_port(p, port);
	if (port == 25)
		return service_mx;
	if (port == 587)
		return service_submission;
	return mp && mp->tls ? service_submissions : service_other;
}

static void finish_tls(struct pipeline *p, const struct flow *fl, struct dialogue *d)
{
	struct tls_coverage c = { .due = d->tls_due || record_get_num(&d->record, F_smtp_stls_code, 0) == 220 };
	for (int dir = C2S; dir <= S2C; dir++) {
		const struct stream *st = &fl->streams.side[dir];
		c.seen[dir] = st->octets > st->gap_octets;
		c.midstream |= c.seen[dir] && st->midstream;
		c.gap[dir] = (st->gaps != 0 && (d->gap || d->tls_gap[dir])) || flow_end_ahead(fl, (enum dir)dir);
		c.octets[dir] = d->tls_on[dir] && st->octets > d->tls_from[dir] ? st->octets - d->tls_from[dir] : 0;
	}
	c.ended = fl->end != FLOW_END_INPUT && fl->end != FLOW_END_EVICTED;
	for (enum dir dir = C2S; dir <= S2C; dir++)
		c.ended |= fl->side[dir].fin || flow_end_reset(fl, dir);
	c.how = flow_end_how(fl, &c.by);
	observe_tls_finish(&d->record, p->observer, &d->tls, &c);
	bool lost = d->gap || c.gap[C2S] || c.gap[S2C] || c.midstream;
	if (!d->tls.side[C2S].seen && !d->tls.side[S2C].seen && !lost) {
		record_tri(&d->record, F_tls_seen, TRI_NO);
		record_tri(&d->record, F_tls_established, TRI_NO);
	}
}

static enum tri handshake_of(const struct dialogue *d)
{
	return d->tls_on[C2S] || d->tls_on[S2C] ? tls_complete(&d->tls) : TRI_UNSEEN;
}

/* What the flow of a hunting pipeline is by now. */
static void odd_settle(struct flow *fl)
{
	struct dialogue *d = fl->user;
	if (fl->mark != ODD_MAYBE || !d)
		return;
	fl->mark = (uint8_t)odd_spoken(&d->smtp, d->opaque, d->looked,
				       fl->streams.side[C2S].octets + fl->streams.side[S2C].octets);
	if (fl->mark == ODD_FOUND)
		forget_first(d);
}

/* Is this the time to have the first octets of fl named? over: it has ended. */
static bool look_due(const struct pipeline *p, const struct flow *fl, bool over)
{
	const struct dialogue *d = fl->user;
	if (!d || d->known || d->looked || (d->first_n[C2S] == 0 && d->first_n[S2C] == 0))
		return false;
	if (!p->hunting)
		return d->opaque || over;
	const struct bytes first[2] = { { d->first[C2S], d->first_n[C2S] }, { d->first[S2C], d->first_n[S2C] } };
	return !over && odd_heard(first);
}

static enum pipeline_item look(struct pipeline *p, struct flow *fl, struct pipeline_out *out)
{
	struct dialogue *d = fl->user;
	d->looked = true;
	p->looked_at = fl;
	p->answer = (struct label){ 0 };
	out->look.first = d->opener;
	for (int dir = C2S; dir <= S2C; dir++)
		out->look.said[dir] = (struct bytes){ d->first[dir], d->first_n[dir] };
	return PIPELINE_LOOK;
}

static void count_label(struct pipeline *p, struct bytes name)
{
	struct label *l = p->labels;
	while (l < p->labels + p->nlabels && !bytes_eq((struct bytes){ l->name, l->n }, name))
		l++;
	if (l == p->labels + PIPELINE_NAMES)
		l--;
	else if (l == p->labels + p->nlabels) {
		if (++p->nlabels == PIPELINE_NAMES)
			name = bytes_of("other");
		memcpy(l->name, name.p, name.n);
		l->n = name.n;
	}
	l->flows++;
}

static void release(struct pipeline *p, struct flow *fl)
{
	struct dialogue *d = fl->user;
	if (d) {
		tls_release(&d->tls);
		forget_first(d);
		dialogue_remove(p, d);
	}
	pool_give(&p->dialogues, d);
	keep_release(fl->kept);
	fl->user = fl->kept = NULL;
	flow_release(p->flows, fl);
}

/* Forgets a flow on another port that is not SMTP; true: it did. */
static bool odd_drop(struct pipeline *p, struct flow *fl)
{
	if (fl->mark != ODD_NOT && (fl->mark != ODD_MAYBE || fl->user))
		return false;
	flow_forget(p->flows, fl);
	release(p, fl);
	return true;
}

/* What was said about the octets that were on loan, if anything. The flow on another port that it was said of, if that
 * goes on; or NULL. */
static struct flow *take_answer(struct pipeline *p)
{
	struct flow *fl = p->looked_at;
	if (!fl)
		return NULL;
	struct dialogue *d = fl->user;
	struct bytes name = { p->answer.name, p->answer.n };
	p->looked_at = NULL;
	forget_first(d);
	if (!p->hunting) {
		count_label(p, name.n ? name : bytes_of("unknown"));
		return NULL;
	}
	d->by_name = !d->opaque && bytes_eq(name, bytes_of("smtp"));
	if (d->by_name)
		fl->mark = ODD_FOUND;
	odd_settle(fl);
	return odd_drop(p, fl) ? NULL : fl;
}

void pipeline_classified(struct pipeline *p, struct bytes name)
{
	if (p->odd && p->odd->looked_at)
		p = p->odd;
	name = bytes_head(name, PIPELINE_NAME_MAX);
	p->answer.n = name.n;
	if (name.n)
		memcpy(p->answer.name, name.p, name.n);
}

static bool is_session(const struct pipeline *p, const struct flow *fl)
{
	const struct dialogue *d = fl->user;
	return d && !d->opaque && (!p->hunting || fl->mark == ODD_FOUND) &&
	       (smtp_spoken(&d->smtp) || d->tls_on[C2S] || d->tls_on[S2C]);
}

/* Where two versions came, another sensor may have read the other one. */
static void finish_tap(const struct flow *fl, struct dialogue *d)
{
	bool doubt[2];
	for (int dir = C2S; dir <= S2C; dir++) {
		const struct stream *st = &fl->streams.side[dir];
		doubt[dir] = st->conflicts || st->limit || !fl->side[!dir].packets;
	}
	tap_finish(&d->record, &d->tap, doubt);
}

/* The session of a flow whose streams have ended. The exhibit is left to the caller. */
static void say(struct pipeline *p, const struct flow *fl, struct dialogue *d, struct pipeline_out *out)
{
	place_all(fl, d, true);
	place_rest(fl, d);
	read_again(p, fl, d);
	struct tcp_hints hints = { .service = service_of(p, fl->side[S2C].port), .dialogue_gap = d->gap, .cut = d->cut,
				   .passed = d->passed, .where = &d->where, .handshake = handshake_of(d),
				   .tls_from = { d->tls_from[C2S], d->tls_from[S2C] },
				   .tls_on = { d->tls_on[C2S], d->tls_on[S2C] } };
	observe_smtp_finish(&d->record, &d->smtp);
	finish_tls(p, fl, d);
	observe_tcp(&d->record, p->ident, fl, &hints);
	finish_tap(fl, d);
	if (d->at_once && record_get_tri(&d->record, F_cap_midstream) != TRI_YES) /* else there may have been a dialogue */
		record_yes(&d->record, F_tls_at_once);
	if (d->tls.limit)
		record_yes(&d->record, F_cap_limit);
	record_num(&d->record, F_found_by,
		   !p->hunting ? foundby_port : d->by_name ? foundby_classifier : foundby_dialogue);
	*out = (struct pipeline_out){ .session = &d->record, .chain = tls_chain(&d->tls), .proof = tls_proof(&d->tls) };
}

/* Did a client try in vain? It sent nothing but SYN, and those again or answered by RST: one that was answered where the
 * sensor does not look goes on, and does not send it again. */
static bool in_vain(const struct flow *fl)
{
	const struct flow_side *c = &fl->side[C2S], *s = &fl->side[S2C];
	bool refused = s->rst && s->packets == s->rst_count;
	return c->syn && c->packets == c->syns && !s->syn && (refused || (s->packets == 0 && c->syns > 1 && (fl->end == FLOW_END_TIMEOUT || c->syns > 3)));
}

/* An attempt is a session without a dialogue. They are cheap for who makes them, so there are few a second: what is more is
 * counted with the flows without payload, like all. */
static enum pipeline_item attempt(struct pipeline *p, const struct flow *fl, struct pipeline_out *out)
{
	static const struct tcp_places nowhere;
	const struct tcp_hints hints = { .service = service_of(p, fl->side[S2C].port), .where = &nowhere, .handshake = TRI_NO };
	const int64_t second = fl->last / FLOW_SECOND;
	if (!p->config.attempts || p->hunting || !in_vain(fl))
		return PIPELINE_NONE;
	if (second != p->attempt_from)
		p->attempts_said = 0;
	p->attempt_from = second;
	if (p->attempts_said >= PIPELINE_ATTEMPTS)
		return PIPELINE_NONE;
	p->attempts_said++;
	record_init(&p->attempt);
	observe_tcp(&p->attempt, p->ident, fl, &hints);
	record_num(&p->attempt, F_found_by, foundby_port);
	record_num(&p->attempt, F_tcp_attempt, fl->side[S2C].rst ? attempt_refused : attempt_unanswered);
	*out = (struct pipeline_out){ .session = &p->attempt };
	return PIPELINE_SESSION;
}

/* Ends a flow; PIPELINE_NONE: there is nothing to say of it. */
static enum pipeline_item finish(struct pipeline *p, struct flow *fl, struct pipeline_out *out)
{
	stream_finish(&fl->streams);
	if (is_dns(p, fl))
		return PIPELINE_NONE;
	drain(p, fl);
	odd_settle(fl);
	const struct dialogue *d = fl->user;
	uint64_t octets = fl->streams.side[C2S].octets + fl->streams.side[S2C].octets;
	p->at_once += d && d->at_once;
	if (!is_session(p, fl) || octets == 0) {
		p->empty += octets == 0;
		p->other += octets != 0;
		return octets == 0 ? attempt(p, fl, out) : look_due(p, fl, true) ? look(p, fl, out) : PIPELINE_NONE;
	}
	say(p, fl, fl->user, out);
	p->sessions++;
	if (fl->kept) {
		int64_t now = p->have || p->hunting ? p->segment.ts : p->passes ? p->time : INT64_MIN;
		int64_t silent = fl->end == FLOW_END_TIMEOUT ? now : INT64_MIN;
		out->exhibit = (struct bytes){ p->exhibit, keep_pack(fl->kept, &fl->streams, silent, p->exhibit, EXHIBIT_OCTETS) };
	}
	return PIPELINE_SESSION;
}

/* Is it time for the session of fl as it stands? While octets wait for others it is not yet known how that is. */
static bool is_due(const struct pipeline *p, const struct flow *fl)
{
	const struct dialogue *d = fl->user;
	return p->interim && d && milestone_due(&d->milestones, &d->smtp) && is_session(p, fl) && stream_settled(&fl->streams);
}

/* The session of fl as if the capture ended here. Streams that are settled have nothing more to give but their ends, so
 * that all that changes is in the copy. */
static void finish_copy(struct pipeline *p, struct flow *fl, struct pipeline_out *out)
{
	struct flow *copy = &p->interim->flow;
	struct dialogue *own = fl->user, *d = &p->interim->dialogue;
	own->milestones.due = false;
	own->milestones.given++;
	*copy = *fl;
	*d = *own;
	copy->end = fl->state == FLOW_CLOSED ? FLOW_END_CLOSED : FLOW_END_INPUT;
	for (enum dir dir = C2S; dir <= S2C; dir++)
		if (!copy->streams.side[dir].ended && !d->tls_on[dir])
			smtp_end(&d->smtp, dir);
	say(p, copy, d, out);
	record_num(&d->record, F_cap_phase, phase_interim);
	if (fl->kept)
		out->exhibit = (struct bytes){ p->exhibit, keep_pack_now(fl->kept, &fl->streams, p->exhibit, EXHIBIT_OCTETS) };
}

/* The next message in the view of the DNS flow, or false when it is used up. */
static bool dns_tcp_message(struct pipeline *p, struct pipeline_out *out)
{
	struct bytes msg, in = bytes_skip(p->dns_view.data, p->dns_used);
	size_t used = 0;
	enum parse got = dns_wire_tcp_next(in, &msg, &used);
	if (got == PARSE_OK) {
		p->dns_used += used;
		out->dns = (struct dns_message){ .ts = p->dns_view.ts, .frame = p->dns_view.number, .tcp = true, .octets = msg };
		return true;
	}
	if (got == PARSE_BAD)
		stream_mode(&p->dns_flow->streams, p->dns_view.dir, STREAM_COUNT);
	else
		stream_drop(&p->dns_flow->streams, p->dns_view.dir, p->dns_used);
	p->dns_used = 0;
	p->dns_view.data.n = 0;
	return false;
}

/* Goes on with a TCP flow of DNS; true: out has a message. */
static bool dns_tcp(struct pipeline *p, struct pipeline_out *out)
{
	enum stream_item item;
	for (;;) {
		if (p->dns_view.data.n && dns_tcp_message(p, out))
			return true;
		item = stream_next(&p->dns_flow->streams, &p->dns_view);
		if (item == STREAM_NONE) {
			p->dns_flow = NULL;
			return false;
		}
		if (item != STREAM_DATA)
			p->dns_view.data.n = 0;
		if (item == STREAM_GAP)
			stream_mode(&p->dns_flow->streams, p->dns_view.dir, STREAM_COUNT);
	}
}

static bool dns_udp(struct pipeline *p, struct pipeline_out *out)
{
	const struct segment *s = &p->segment;
	if (!p->config.dns || s->proto != PROTO_UDP || s->payload.n < DNS_HEADER || s->payload.n < s->payload_wire)
		return false;
	bool answer = s->payload.p[2] & DNS_QR >> 8;
	if (!dns_port(p, answer ? s->sport : s->dport))
		return false;
	out->dns = (struct dns_message){ .ts = s->ts, .frame = s->number, .octets = s->payload };
	out->dns.client = answer ? s->dst : s->src;
	out->dns.server = answer ? s->src : s->dst;
	out->dns.client_port = answer ? s->dport : s->sport;
	out->dns.server_port = answer ? s->sport : s->dport;
	return true;
}

/* Copies the waiting packet in case that it is needed as evidence. */
static void take_copy(struct pipeline *p, struct flow *fl, enum dir dir)
{
	if (!fl->kept)
		fl->kept = keep_new(&p->keeps);
	if (fl->kept)
		keep_packet(fl->kept, dir, &p->packet, &p->segment);
}

/* Questions prove nothing, and are not counted. */
static bool is_answer(const struct dns_message *m)
{
	return m->octets.n > 2 && m->octets.p[2] & DNS_QR >> 8;
}

/* Octets whose checksum is wrong were thrown away by their receiver, and are no version of anything; unless that is so
 * for all of a side, which then is how they were captured. Only asked while two versions would matter. */
static void check_sum(struct pipeline *p, struct flow *fl, enum dir dir)
{
	struct segment *seg = &p->segment;
	if (seg->payload.n == 0 || fl->streams.side[dir].mode == STREAM_COUNT)
		return;
	bool bad = frame_checksum_bad(&p->packet);
	p->segments++;
	p->sums_bad += bad;
	fl->side[dir].sum_good |= !bad;
	seg->checksum_bad = bad && fl->side[dir].sum_good;
}

/* Does dir speak TLS at that number? */
static bool in_tls(const struct flow *fl, enum dir dir, uint32_t seq)
{
	const struct dialogue *d = fl->user;
	int64_t at = stream_offset(&fl->streams, dir, seq);
	return d && d->tls_on[dir] && at >= 0 && (uint64_t)at >= d->tls_from[dir];
}

/* Takes the waiting segment into its flow, or answers NULL. */
static struct flow *take_segment(struct pipeline *p)
{
	enum dir dir;
	struct flow *fl = flow_find_or_add(p->flows, &p->segment, &dir);
	if (!fl)
		return NULL;
	bool dns = is_dns(p, fl);
	if (!dns)
		check_sum(p, fl, dir);
	const uint32_t differing = fl->streams.side[dir].differing;
	if (p->exhibit && !dns && (fl->kept || fl->first_number == p->segment.number))
		take_copy(p, fl, dir);
	stream_push(&fl->streams, dir, &p->segment);
	if (dns) {
		p->dns_flow = fl;
		p->dns_view.data.n = 0;
		p->dns_used = 0;
		return fl;
	}
	drain(p, fl);
	if (fl->user && (fl->rsts || fl->streams.side[C2S].conflicts || fl->streams.side[S2C].conflicts))
		see_places(fl, fl->user);
	if (fl->user) {
		dialogue_remove(p, fl->user);
		dialogue_add(p, fl->user);
	}
	if (!fl->kept)
		return fl;
	if (fl->streams.side[dir].differing > differing)
		keep_differs(fl->kept, keep_harmless(dir, p->segment.payload, in_tls(fl, dir, p->segment.seq)));
	keep_settle(fl->kept, &fl->streams);
	return fl;
}

/* What a segment has brought of its flow, which may be over by that if it is one on another port. */
static enum pipeline_item odd_look(struct pipeline *p, struct flow **fl, struct pipeline_out *out)
{
	if (p->hunting)
		odd_settle(*fl);
	if (look_due(p, *fl, false))
		return look(p, *fl, out);
	if (p->hunting && odd_drop(p, *fl))
		*fl = NULL;
	return PIPELINE_NONE;
}

/* ---- flows whose packets are left out ---- */

static bool quiet(const struct flow *fl)
{
	return fl->quiet.on[C2S] || fl->quiet.on[S2C];
}

/* Nothing more is read of dir, and no end is in sight. */
static bool nothing_more(const struct flow *fl, enum dir dir)
{
	return !fl->quiet.on[dir] && fl->streams.side[dir].mode == STREAM_COUNT && fl->streams.side[dir].started &&
	       !fl->side[dir].fin;
}

static void name_quiet(const struct flow *fl, struct quiet_flow *out)
{
	for (int dir = C2S; dir <= S2C; dir++) {
		out->addr[dir] = fl->side[dir].addr;
		out->port[dir] = fl->side[dir].port;
		out->seq_to[dir] = fl->side[dir].seq_to;
		out->seen[dir] = fl->quiet.on[dir];
	}
}

static bool turns_quiet(struct pipeline *p, struct flow *fl, struct pipeline_out *out)
{
	bool can = p->quiet_from && fl->user && fl->state == FLOW_OPEN && !fl->rsts &&
		   !(fl->encap & ~(ENCAP_VLAN | ENCAP_QINQ)) &&
		   fl->side[C2S].octets + fl->side[S2C].octets >= p->quiet_from;
	bool now[2] = { can && nothing_more(fl, C2S), can && nothing_more(fl, S2C) };
	if (!now[C2S] && !now[S2C])
		return false;
	p->quiet += !quiet(fl);
	name_quiet(fl, &out->quiet);
	for (int dir = C2S; dir <= S2C; dir++) {
		out->quiet.seen[dir] = now[dir];
		fl->quiet.on[dir] |= now[dir];
	}
	return true;
}

static enum pipeline_item ask_count(struct pipeline *p, struct flow *fl, bool ends, struct pipeline_out *out)
{
	p->asked = fl;
	p->last = ends ? fl : NULL;
	name_quiet(fl, &out->quiet);
	if (ends)
		p->quiet--;
	out->quiet_ends = ends;
	return PIPELINE_COUNT;
}

static bool ahead(uint32_t a, uint32_t b)
{
	return a != b && a - b <= INT32_MAX;
}

/* The flow of the waiting segment, if packets of it were left out in front of it. */
static struct flow *left_out(const struct pipeline *p)
{
	const struct segment *seg = &p->segment;
	enum dir dir;
	struct flow *fl = p->quiet ? flow_peek(p->flows, seg, &dir) : NULL;
	if (!fl || !quiet(fl) || fl == p->asked)
		return NULL;
	bool more = (fl->quiet.on[dir] && seg->seq != fl->side[dir].seq_to) ||
		    (fl->quiet.on[!dir] && seg->flags & TCP_ACK && ahead(seg->ack, fl->side[!dir].seq_to));
	return more || seg->flags & (TCP_FIN | TCP_RST) ? fl : NULL;
}

/* Where a side has come to: in front of the segment that waits, and not farther than what was counted. What was counted
 * may be newer than that segment. */
static uint32_t come_to(const struct quiet_count *count, enum dir dir, uint32_t next)
{
	return ahead(next, count->seq_to[dir]) ? count->seq_to[dir] : next;
}

void pipeline_counted(struct pipeline *p, const struct quiet_count *count)
{
	const struct segment *seg = &p->segment;
	struct flow *fl = p->asked;
	enum dir from = C2S;
	bool last = p->last == fl;
	if (!fl || (!last && flow_peek(p->flows, seg, &from) != fl))
		return;
	for (enum dir dir = C2S; dir <= S2C; dir++) {
		if (!fl->quiet.on[dir])
			continue;
		uint32_t next = dir == from ? seg->seq : seg->flags & TCP_ACK ? seg->ack : fl->side[dir].seq_to;
		uint32_t to = last ? fl->side[dir].seq_to : next;
		if (count->known[dir])
			to = last ? count->seq_to[dir] : come_to(count, dir, next);
		flow_left_out(fl, dir, count->packets[dir], count->octets[dir], to, !count->known[dir]);
	}
}

/* ---- connections on other ports ---- */

/* Of a connection on another port that is looked at, or that may be one. */
static bool odd_wanted(const struct pipeline *p, const struct segment *seg)
{
	if (seg->proto != PROTO_TCP || dns_port(p, seg->sport) || dns_port(p, seg->dport))
		return false;
	bool opens = seg->flags & TCP_SYN || odd_opens(seg->payload);
	return (opens && odd_sampled(seg, p->config.odd)) || flow_known(p->odd->flows, seg);
}

/* Segments of mail ports stay here, those of other ports go to the odd pipeline, and the time to both. */
static void share(struct pipeline *p)
{
	p->odd->segment.ts = p->segment.ts;
	if (flow_wanted(p->flows, &p->segment) || !odd_wanted(p, &p->segment))
		return;
	p->odd->segment = p->segment;
	p->odd->packet = p->packet;
	p->odd->have = true;
}

/* No packet: time passed (packet.h). */
static bool is_time(const struct packet *packet)
{
	return packet->data.n == 0 && packet->wire_len == 0;
}

void pipeline_push(struct pipeline *p, const struct packet *packet)
{
	p->packet = *packet;
	p->passes = is_time(packet);
	p->time = packet->ts;
	p->have = !p->passes && frame_read(packet, p->fragments, &p->frames, &p->segment) == FRAME_OK;
	if (p->odd && p->passes)
		p->odd->segment.ts = packet->ts;
	if (p->odd && p->have)
		share(p);
}

void pipeline_other_ports(struct pipeline *p, uint32_t every)
{
	p->config.odd = every;
}

void pipeline_finish(struct pipeline *p)
{
	p->ending = true;
	if (p->odd)
		p->odd->ending = true;
}

/* The dialogue that was silent longest, when the waiting segment begins one and there is room for none: else whoever opens
 * connections and leaves them would make us blind. What begins in its middle must do without. */
static struct flow *makes_room(struct pipeline *p)
{
	enum dir dir;
	if (p->dialogues.used < p->dialogues.count || !p->segment.payload_wire || !p->oldest)
		return NULL;
	struct flow *fl = flow_peek(p->flows, &p->segment, &dir);
	return fl && !fl->user && !is_dns(p, fl) ? flow_evict(p->flows, p->oldest->flow) : NULL;
}

/* The next flow that is over now, if any. */
static struct flow *due(struct pipeline *p)
{
	if (p->ending)
		return flow_last(p->flows);
	if (p->passes)
		return flow_idle(p->flows, p->time);
	if (p->hunting)
		return p->have ? flow_due(p->flows, &p->segment) : flow_idle(p->flows, p->segment.ts);
	if (!p->have || !flow_wanted(p->flows, &p->segment))
		return NULL;
	struct flow *fl = flow_due(p->flows, &p->segment);
	return fl ? fl : makes_room(p);
}

enum pipeline_item pipeline_next(struct pipeline *p, struct pipeline_out *out)
{
	struct flow *fl;
	enum pipeline_item item;
	if (p->odd && (item = pipeline_next(p->odd, out)) != PIPELINE_NONE)
		return item;
	if ((fl = take_answer(p)) && is_due(p, fl)) {
		finish_copy(p, fl, out);
		return PIPELINE_SESSION;
	}
	if (p->finished) {
		release(p, p->finished);
		p->finished = NULL;
	}
	if (p->dns_flow && dns_tcp(p, out)) {
		p->dns_messages += is_answer(&out->dns);
		return PIPELINE_DNS;
	}
	while ((fl = p->last ? p->last : due(p))) {
		if (fl != p->last && quiet(fl))
			return ask_count(p, fl, true, out);
		p->last = p->asked = NULL;
		item = finish(p, fl, out);
		if (item != PIPELINE_NONE) {
			p->finished = fl;
			return item;
		}
		release(p, fl);
	}
	if (!p->have) {
		p->passes = false;
		return PIPELINE_NONE;
	}
	if (flow_wanted(p->flows, &p->segment) && (fl = left_out(p)))
		return ask_count(p, fl, false, out);
	p->asked = NULL;
	p->have = false;
	if (dns_udp(p, out)) {
		p->dns_messages += is_answer(&out->dns);
		return PIPELINE_DNS;
	}
	if (!p->hunting && !flow_wanted(p->flows, &p->segment))
		return PIPELINE_NONE;
	fl = take_segment(p);
	if (p->dns_flow && dns_tcp(p, out)) {
		p->dns_messages += is_answer(&out->dns);
		return PIPELINE_DNS;
	}
	if (fl && (item = odd_look(p, &fl, out)) != PIPELINE_NONE)
		return item;
	if (fl && is_due(p, fl)) {
		finish_copy(p, fl, out);
		return PIPELINE_SESSION;
	}
	if (fl && turns_quiet(p, fl, out))
		return PIPELINE_QUIET;
	return PIPELINE_NONE;
}

static void odd_stats(const struct pipeline *odd, struct record *stats)
{
	const struct flow_counters *fc = flow_table_counters(odd->flows);
	record_num(stats, F_st_odd, (int64_t)fc->added);
	record_num(stats, F_st_odd_smtp, (int64_t)odd->sessions);
	record_num(stats, F_st_odd_lost, (int64_t)(fc->evicted + odd->no_room));
}

void pipeline_shed(struct pipeline *p, const struct pipeline_shed *shed)
{
	p->sheds = true;
	p->quiet_from = shed->quiet && shed->quiet < p->config.quiet ? shed->quiet : p->config.quiet;
	flow_shed(p->flows, shed->half, shed->thin);
}

void pipeline_stats(const struct pipeline *p, struct record *stats)
{
	const struct flow_counters *fc = flow_table_counters(p->flows);
	record_num(stats, F_st_not_parsed, (int64_t)(p->frames.result[FRAME_OTHER] + p->frames.result[FRAME_BAD]));
	record_num(stats, F_st_flows, (int64_t)fc->added);
	record_num(stats, F_st_flows_empty, (int64_t)p->empty);
	record_num(stats, F_st_flows_other, (int64_t)p->other);
	record_num(stats, F_st_flows_evicted, (int64_t)(fc->evicted - fc->shed_half + p->no_room));
	record_num(stats, F_st_tls_at_once, (int64_t)p->at_once);
	record_num(stats, F_st_segments, (int64_t)p->segments);
	record_num(stats, F_st_sums_bad, (int64_t)p->sums_bad);
	record_num(stats, F_st_active, (int64_t)fc->now_open);
	record_num(stats, F_st_dialogues, (int64_t)p->dialogues.used);
	record_num(stats, F_st_dns, (int64_t)p->dns_messages);
	for (size_t i = 0; i < p->nlabels; i++)
		record_add(stats, F_st_label, (struct bytes){ p->labels[i].name, p->labels[i].n });
	for (size_t i = 0; i < p->nlabels; i++)
		record_add_num(stats, F_st_label_flows, (int64_t)p->labels[i].flows);
	if (p->odd)
		odd_stats(p->odd, stats);
	if (!p->sheds)
		return;
	record_num(stats, F_st_flows_shed, (int64_t)(fc->shed_flows + fc->shed_half));
	record_num(stats, F_st_lost_packets, (int64_t)fc->shed_packets);
}
