/* Flows whose packets are left out once nothing is read of them any more: what is said about the session stays the same,
 * and its counts are right. The captures are read twice, whole, and through a shunt made of a few lines here. */
#include "wire/pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "source.h"
#include "wire/frame.h"

enum { FLOWS = 512, SESSIONS = 1024 };

struct entry {
	struct quiet_flow flow;
	struct quiet_count count;
	bool off;
};

/* forgets  nobody can say any more what was counted */
struct shunt {
	struct entry entry[FLOWS];
	size_t n, dropped, asked;
	bool forgets;
};

static bool from(const struct quiet_flow *f, const struct segment *s, enum dir dir)
{
	return f->port[dir] == s->sport && f->port[!dir] == s->dport && memcmp(&f->addr[dir], &s->src, sizeof(s->src)) == 0 &&
	       memcmp(&f->addr[!dir], &s->dst, sizeof(s->dst)) == 0;
}

static struct entry *find(struct shunt *sh, const struct segment *s, enum dir *dir)
{
	for (size_t i = 0; i < sh->n; i++)
		for (*dir = C2S; *dir <= S2C; (*dir)++)
			if (from(&sh->entry[i].flow, s, *dir))
				return &sh->entry[i];
	return NULL;
}

/* As the program in the kernel decides. */
static bool drops(struct shunt *sh, const struct packet *packet)
{
	struct frame_counters count = { 0 };
	struct segment s;
	enum dir dir;
	if (frame_read(packet, NULL, &count, &s) != FRAME_OK || s.proto != PROTO_TCP ||
	    s.encap & ~(ENCAP_VLAN | ENCAP_QINQ))
		return false;
	struct entry *e = find(sh, &s, &dir);
	if (!e)
		return false;
	e->off |= (s.flags & (TCP_SYN | TCP_FIN | TCP_RST)) != 0;
	if (e->off || !e->flow.seen[dir])
		return false;
	e->count.packets[dir]++;
	e->count.octets[dir] += s.payload_wire;
	if ((int32_t)(s.seq + s.payload_wire - e->count.seq_to[dir]) > 0)
		e->count.seq_to[dir] = s.seq + s.payload_wire;
	sh->dropped++;
	return true;
}

static struct entry *entry_of(struct shunt *sh, const struct quiet_flow *f)
{
	for (size_t i = 0; i < sh->n; i++)
		if (memcmp(sh->entry[i].flow.addr, f->addr, sizeof(f->addr)) == 0 &&
		    memcmp(sh->entry[i].flow.port, f->port, sizeof(f->port)) == 0)
			return &sh->entry[i];
	return NULL;
}

static void begin(struct shunt *sh, const struct quiet_flow *f)
{
	assert_null(entry_of(sh, f));
	assert_true(sh->n < FLOWS);
	struct entry *e = &sh->entry[sh->n++];
	*e = (struct entry){ .flow = *f, .count = { .known = { f->seen[C2S], f->seen[S2C] } } };
	memcpy(e->count.seq_to, f->seq_to, sizeof(f->seq_to));
}

struct list {
	struct record *v;
	size_t n;
};

static void take_items(struct pipeline *p, struct shunt *sh, struct list *out)
{
	struct pipeline_out o;
	enum pipeline_item item;
	while ((item = pipeline_next(p, &o)) != PIPELINE_NONE) {
		struct quiet_count nothing = { 0 };
		struct entry *e;
		switch (item) {
		case PIPELINE_SESSION:
			assert_true(out->n < SESSIONS);
			out->v[out->n++] = *o.session;
			break;
		case PIPELINE_QUIET:
			assert_non_null(sh);
			begin(sh, &o.quiet);
			break;
		case PIPELINE_COUNT:
			e = entry_of(sh, &o.quiet);
			assert_non_null(e);
			sh->asked++;
			pipeline_counted(p, sh->forgets ? &nothing : &e->count);
			if (o.quiet_ends)
				*e = sh->entry[--sh->n];
			break;
		case PIPELINE_DNS:
		case PIPELINE_NONE:
			break;
		}
	}
}

static struct list read_all(char *path, struct shunt *sh)
{
	struct pipeline_config c = { .ports = { { 25, false }, { 465, true }, { 587, false } }, .nports = 3, .flows = 4096,
				     .dialogues = 1024, .budget = 32 << 20, .quiet = sh ? 1 : 0 };
	struct list out = { .v = calloc(SESSIONS, sizeof(struct record)) };
	struct error e;
	struct source *s = source_open(&path, 1, &e);
	struct pipeline *p = pipeline_new(&c);
	assert_true(s && p && out.v);
	struct packet packet;
	enum source_result r;
	while ((r = source_next(s, &packet)) != SOURCE_END) {
		if (r != SOURCE_PACKET || (sh && drops(sh, &packet)))
			continue;
		pipeline_push(p, &packet);
		take_items(p, sh, &out);
	}
	pipeline_finish(p);
	take_items(p, sh, &out);
	source_close(s);
	pipeline_free(p);
	return out;
}

/* Times and habits of packets that nobody saw, and retransmissions that were left out with them. */
static bool may_differ(enum fact f)
{
	static const char *const names[] = { "event.end", "event.duration" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(fact_table[f].name, names[i]) == 0)
			return true;
	return false;
}

static bool is_text(enum fact_type t)
{
	return t >= T_STR;
}

static bool equal(const struct record *a, const struct record *b, enum fact f)
{
	if (record_has(a, f) != record_has(b, f))
		return false;
	if (!record_has(a, f))
		return true;
	struct bytes x = record_get_str(a, f), y = record_get_str(b, f);
	if (is_text(fact_table[f].type))
		return x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
	return record_get_num(a, f, 0) == record_get_num(b, f, 0);
}

static int compare(const char *path, const struct list *whole, const struct list *shunted, bool counts)
{
	int bad = 0;
	if (whole->n != shunted->n) {
		print_message("%s: %zu sessions, %zu with the shunt\n", path, whole->n, shunted->n);
		return 1;
	}
	for (size_t i = 0; i < whole->n; i++)
		for (enum fact f = 0; f < FACT_COUNT; f++) {
			const char *name = fact_table[f].name;
			bool number = strstr(name, ".bytes") || strstr(name, ".packets");
			if (equal(&whole->v[i], &shunted->v[i], f) || may_differ(f) || (number && !counts))
				continue;
			print_message("%s: %s: %lld, %lld with the shunt\n", path, name,
				      (long long)record_get_num(&whole->v[i], f, -1),
				      (long long)record_get_num(&shunted->v[i], f, -1));
			bad++;
		}
	return bad;
}

static void captures(bool forgets)
{
	if (access("tests/pcaps", R_OK) != 0)
		skip();
	FILE *names = popen("ls tests/pcaps/*.pcapng", "r");
	char path[512];
	size_t dropped = 0, asked = 0;
	int bad = 0;
	while (fgets(path, sizeof(path), names)) {
		struct shunt *sh = calloc(1, sizeof(*sh));
		sh->forgets = forgets;
		path[strcspn(path, "\n")] = '\0';
		struct list whole = read_all(path, NULL), shunted = read_all(path, sh);
		bad += compare(path, &whole, &shunted, !forgets);
		dropped += sh->dropped;
		asked += sh->asked;
		assert_int_equal(sh->n, 0);
		free(whole.v);
		free(shunted.v);
		free(sh);
	}
	pclose(names);
	print_message("%zu packets left out, asked %zu times\n", dropped, asked);
	assert_true(dropped > 500);
	assert_int_equal(bad, 0);
}

static void test_captures(void **state)
{
	(void)state;
	captures(false);
}

static void test_forgotten(void **state)
{
	(void)state;
	captures(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_captures), cmocka_unit_test(test_forgotten) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
