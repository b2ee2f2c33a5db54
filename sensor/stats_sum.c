/* stats_sum: see stats_sum.h. Goes by the table of facts: a number of a stats event is a counter unless it is named here.
 * It does not know who the processes are, nor what any number means. */
#include "stats_sum.h"

#include <sys/mman.h>

/* COLUMNS  facts of one kind of object      CARRIED  objects of which something stays, over all kinds */
enum { COLUMNS = 8, CARRIED = 256, CELL = 64 };

enum merge { MERGE_NOT, MERGE_COUNTER, MERGE_GAUGE, MERGE_LAST, MERGE_KEY };

struct cell {
	int64_t num;
	uint8_t n, text[CELL];
};

/* One object: as many cells as its kind has columns. first: the first fact of its kind. */
struct object {
	enum fact first;
	struct cell cell[COLUMNS];
};

struct stats_sum {
	struct record part[STATS_PARTS];
	bool have[STATS_PARTS];
	int64_t carry[FACT_COUNT];           /* of counters that stand alone */
	struct object carried[CARRIED];
	size_t ncarried;
	struct object row[RECORD_ITEMS];     /* of the kind that is being filled in */
};

struct stats_sum *stats_sum_new(void)
{
	void *shared = mmap(NULL, sizeof(struct stats_sum), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return NULL;
	stats_sum_clear(shared);
	return shared;
}

void stats_sum_clear(struct stats_sum *s)
{
	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < STATS_PARTS; i++)
		record_init(&s->part[i]);
}

void stats_sum_free(struct stats_sum *s)
{
	if (s)
		munmap(s, sizeof(*s));
}

static bool of_stats(enum fact f)
{
	return fact_table[f].sets & IN_STATS && !(fact_table[f].sets & IN_SESSION);
}

/* Octets of the name up to and with "[]", or 0. */
static size_t object_name(enum fact f)
{
	const char *end = strstr(fact_table[f].name, "[]");
	return end ? (size_t)(end - fact_table[f].name) + 2 : 0;
}

static bool same_object(enum fact a, enum fact b)
{
	size_t n = object_name(a);
	return n && object_name(b) == n && memcmp(fact_table[a].name, fact_table[b].name, n) == 0;
}

static bool is_gauge(enum fact f)
{
	static const enum fact gauges[] = { F_st_active, F_st_dialogues, F_st_outstanding, F_st_corr_groups, F_st_corr_waiting, F_st_queue_used, F_st_queue_size,
					    F_st_output_wait, F_st_output_queued, F_st_process_memory, F_st_process_cpu };
	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		if (gauges[i] == f)
			return true;
	return false;
}

/* What is neither counted nor added: bounds that tell buckets apart, and what only the last one to look knows. */
static enum merge special(enum fact f)
{
	static const struct {
		enum fact fact;
		enum merge merge;
	} specials[] = { { F_st_dns_below, MERGE_KEY }, { F_st_delay_below, MERGE_KEY }, { F_st_if_link, MERGE_LAST },
			 { F_st_disk_free, MERGE_LAST }, { F_st_disk_size, MERGE_LAST }, { F_st_rules, MERGE_LAST },
			 { F_st_dns_time, MERGE_COUNTER }, { F_st_delay_sum, MERGE_COUNTER },
			 { F_st_drop_ppm, MERGE_NOT } };
	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
		if (specials[i].fact == f)
			return specials[i].merge;
	return is_gauge(f) ? MERGE_GAUGE : MERGE_COUNTER;
}

static enum merge merge_of(enum fact f)
{
	if (f == F_resolver_fault)
		return MERGE_LAST;
	if (!of_stats(f))
		return MERGE_NOT;
	switch (fact_table[f].type) {
	case T_NUM:
	case T_LNUM:
		return special(f);
	case T_DUR:
		return special(f) == MERGE_COUNTER && f != F_st_dns_time && f != F_st_delay_sum ? MERGE_LAST : special(f);
	case T_LSTR:
		return object_name(f) ? MERGE_KEY : MERGE_NOT;
	case T_LENUM:
		return f == F_st_if_link ? MERGE_LAST : object_name(f) ? MERGE_KEY : MERGE_NOT;
	case T_TRI:
	case T_TIME:
	case T_ENUM:
	case T_STR:
	case T_HEX:
	case T_IP:
		return MERGE_LAST;
	case T_LHEX:
	case T_LIP:
		break;
	}
	return MERGE_NOT;
}

void stats_sum_take(struct stats_sum *s, unsigned part, const struct record *stats)
{
	if (part >= STATS_PARTS)
		return;
	memcpy(&s->part[part], stats, record_size(stats));
	s->have[part] = true;
}

void stats_sum_check(struct stats_sum *s)
{
	for (unsigned i = 0; i < STATS_PARTS; i++) {
		if (record_check(&s->part[i], record_size(&s->part[i])))
			continue;
		s->have[i] = false;
		record_init(&s->part[i]);
	}
}

/* The cells of one row of a part. row: where each column is. false: no more rows. */
static bool row_next(const struct record *r, enum fact first, unsigned columns, size_t pos[COLUMNS], struct object *o)
{
	bool any = false;
	*o = (struct object){ .first = first };
	for (unsigned c = 0; c < columns; c++) {
		struct bytes item;
		enum fact f = (enum fact)(first + c);
		if (!record_next(r, f, &pos[c], &item))
			continue;
		any = true;
		if (fact_table[f].type != T_LSTR) {
			o->cell[c].num = record_item_num(item);
			continue;
		}
		item = bytes_head(item, CELL);
		o->cell[c].n = (uint8_t)item.n;
		if (item.n)
			memcpy(o->cell[c].text, item.p, item.n);
	}
	return any;
}

static unsigned columns_of(enum fact first)
{
	unsigned n = 1;
	while (n < COLUMNS && first + n < FACT_COUNT && same_object(first, (enum fact)(first + n)))
		n++;
	return n;
}

static bool is_first(enum fact f)
{
	return of_stats(f) && object_name(f) && (f == 0 || !same_object((enum fact)(f - 1), f));
}

static bool same_keys(const struct object *a, const struct object *b, unsigned columns)
{
	if (a->first != b->first)
		return false;
	for (unsigned c = 0; c < columns; c++) {
		const struct cell *x = &a->cell[c], *y = &b->cell[c];
		bool same = x->num == y->num && x->n == y->n && memcmp(x->text, y->text, x->n) == 0;
		if (merge_of((enum fact)(a->first + c)) == MERGE_KEY && !same)
			return false;
	}
	return true;
}

/* The object with the keys of o among n, a new one when there is none; NULL: no room. */
static struct object *find_or_add(struct object *all, size_t *n, size_t max, const struct object *o, unsigned columns)
{
	for (size_t i = 0; i < *n; i++)
		if (same_keys(&all[i], o, columns))
			return &all[i];
	if (*n == max)
		return NULL;
	struct object *new = &all[(*n)++];
	*new = *o;
	for (unsigned c = 0; c < columns; c++)
		if (merge_of((enum fact)(o->first + c)) != MERGE_KEY)
			new->cell[c] = (struct cell){ 0 };
	return new;
}

static void add_cells(struct object *to, const struct object *o, unsigned columns, bool counters_only)
{
	for (unsigned c = 0; c < columns; c++) {
		enum merge merge = merge_of((enum fact)(o->first + c));
		if (merge == MERGE_COUNTER || (merge == MERGE_GAUGE && !counters_only))
			to->cell[c].num = stats_add(to->cell[c].num, o->cell[c].num);
		else if (merge == MERGE_LAST && !counters_only && o->cell[c].num)
			to->cell[c].num = o->cell[c].num;
	}
}

static void carry_objects(struct stats_sum *s, const struct record *r, enum fact first)
{
	size_t pos[COLUMNS] = { 0 };
	unsigned columns = columns_of(first);
	struct object o;
	while (row_next(r, first, columns, pos, &o)) {
		struct object *to = find_or_add(s->carried, &s->ncarried, CARRIED, &o, columns);
		if (to)
			add_cells(to, &o, columns, true);
	}
}

void stats_sum_restarted(struct stats_sum *s, unsigned part)
{
	if (part >= STATS_PARTS || !s->have[part])
		return;
	const struct record *r = &s->part[part];
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		enum fact f = (enum fact)i;
		if (is_first(f))
			carry_objects(s, r, f);
		else if (!object_name(f) && merge_of(f) == MERGE_COUNTER)
			s->carry[f] = stats_add(s->carry[f], record_get_num(r, f, 0));
	}
	s->have[part] = false;
	record_init(&s->part[part]);
}

static void fill_counter(const struct stats_sum *s, enum fact f, struct record *out)
{
	bool seen = s->carry[f] != 0, carries = merge_of(f) == MERGE_COUNTER;
	int64_t sum = carries ? s->carry[f] : 0;
	for (unsigned p = 0; p < STATS_PARTS; p++) {
		seen = seen || record_has(&s->part[p], f);
		sum = stats_add(sum, record_get_num(&s->part[p], f, 0));
	}
	if (seen)
		record_num(out, f, sum);
}

static void fill_last(const struct stats_sum *s, enum fact f, struct record *out)
{
	for (unsigned p = STATS_PARTS; p-- > 0;) {
		const struct record *r = &s->part[p];
		if (!record_has(r, f))
			continue;
		if (fact_table[f].type == T_STR)
			record_str(out, f, record_get_str(r, f));
		else if (fact_table[f].type == T_TRI)
			record_tri(out, f, record_get_tri(r, f));
		else if (fact_table[f].type != T_HEX && fact_table[f].type != T_IP)
			record_num(out, f, record_get_num(r, f, 0));
		return;
	}
}

static void write_objects(const struct object *row, size_t n, enum fact first, unsigned columns, struct record *out)
{
	for (unsigned c = 0; c < columns; c++) {
		enum fact f = (enum fact)(first + c);
		for (size_t i = 0; i < n; i++) {
			const struct cell *cell = &row[i].cell[c];
			if (fact_table[f].type == T_LSTR)
				record_add(out, f, (struct bytes){ cell->text, cell->n });
			else
				record_add_num(out, f, cell->num);
		}
	}
}

static void fill_objects(struct stats_sum *s, enum fact first, struct record *out)
{
	unsigned columns = columns_of(first);
	struct object o;
	size_t n = 0;
	for (unsigned p = 0; p < STATS_PARTS; p++) {
		size_t pos[COLUMNS] = { 0 };
		while (row_next(&s->part[p], first, columns, pos, &o)) {
			struct object *to = find_or_add(s->row, &n, RECORD_ITEMS, &o, columns);
			if (to)
				add_cells(to, &o, columns, false);
			else
				out->truncated = 1;
		}
	}
	for (size_t i = 0; i < s->ncarried; i++) {
		struct object *to = s->carried[i].first == first ?
				    find_or_add(s->row, &n, RECORD_ITEMS, &s->carried[i], columns) : NULL;
		if (to)
			add_cells(to, &s->carried[i], columns, true);
	}
	write_objects(s->row, n, first, columns, out);
}

void stats_sum_fill(struct stats_sum *s, struct record *out)
{
	record_init(out);
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		enum fact f = (enum fact)i;
		if (is_first(f))
			fill_objects(s, f, out);
		if (object_name(f))
			continue;
		switch (merge_of(f)) {
		case MERGE_COUNTER:
		case MERGE_GAUGE:
			fill_counter(s, f, out);
			break;
		case MERGE_LAST:
			fill_last(s, f, out);
			break;
		case MERGE_NOT:
		case MERGE_KEY:
			break;
		}
	}
}

bool stats_rows_next(struct stats_rows *rows)
{
	rows->row += rows->pos != 0;
	return record_next(rows->r, rows->name, &rows->pos, &rows->key);
}

int64_t stats_rows_num(const struct stats_rows *rows, enum fact fact)
{
	struct bytes item;
	size_t pos = 0;
	for (size_t i = 0; i <= rows->row; i++)
		if (!record_next(rows->r, fact, &pos, &item))
			return 0;
	return record_item_num(item);
}
