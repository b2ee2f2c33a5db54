/* fact_list: see fact_list.h. Everything it says stands in src/facts.def and src/words.def. */
#include "fact_list.h"

#include "mdoc.h"
#include "rule_detect.h"

static const char *type_word(enum fact_type type)
{
	switch (type) {
	case T_TRI:
		return "yes/no";
	case T_NUM:
		return "number";
	case T_TIME:
		return "time";
	case T_DUR:
		return "duration";
	case T_ENUM:
		return "word";
	case T_STR:
		return "text";
	case T_HEX:
		return "hex";
	case T_IP:
		return "address";
	case T_LSTR:
		return "list of texts";
	case T_LNUM:
		return "list of numbers";
	case T_LENUM:
		return "list of words";
	case T_LHEX:
		return "list of hex";
	case T_LIP:
		return "list of addresses";
	}
	return "";
}

static const char *room_word(enum fact_room room)
{
	switch (room) {
	case ROOM_WIRE:
		return "wire";
	case ROOM_JUDGE:
		return "judge";
	case ROOM_EVENT:
		return "event";
	}
	return "";
}

/* Octets that a text may have; those of numbers and words say nothing to a reader. */
static unsigned text_max(const struct fact_info *f)
{
	return f->type == T_STR || f->type == T_LSTR || f->type == T_HEX || f->type == T_LHEX ? f->max : 0;
}

static void datasets(FILE *out, const struct fact_info *f, const char *between)
{
	static const struct {
		unsigned bit;
		const char *word;
	} sets[] = { { IN_SESSION, "session" }, { IN_ALERT, "alert" }, { IN_STATS, "stats" }, { IN_POSTURE, "posture" } };
	const char *sep = "";
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (!(f->sets & sets[i].bit))
			continue;
		fprintf(out, "%s%s", sep, sets[i].word);
		sep = between;
	}
}

static void words(FILE *out, const struct fact_info *f, const char *between)
{
	for (size_t i = 0; f->words && f->words[i]; i++)
		fprintf(out, "%s%s", i ? between : "", f->words[i]);
}

/* Type, bound and unit, as "text, at most 64 octets" and "duration in ns". */
static void type(FILE *out, const struct fact_info *f)
{
	fputs(type_word(f->type), out);
	if (f->unit[0])
		fprintf(out, " in %s", f->unit);
	if (text_max(f))
		fprintf(out, ", at most %u octets", text_max(f));
}

static bool for_rules(unsigned f)
{
	return detection_knows_any((enum fact)f);
}

static bool wanted(const struct fact_info *f, char *const *parts, int n)
{
	bool any = n == 0;
	for (int i = 0; i < n; i++)
		any = any || strstr(f->name, parts[i]);
	return any;
}

unsigned fact_list(FILE *out, char *const *parts, int n)
{
	unsigned count = 0;
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		const struct fact_info *f = &fact_table[i];
		if (!wanted(f, parts, n))
			continue;
		count++;
		fprintf(out, "%s\n    ", f->name);
		type(out, f);
		fprintf(out, "; %s%s", for_rules(i) ? "" : "not for rules; ", f->invariant ? "invariant; " : "");
		datasets(out, f, ", ");
		if (f->words) {
			fputs("\n    one of: ", out);
			words(out, f, " ");
		}
		fprintf(out, "\n    %s\n", f->meaning);
	}
	return count;
}

void fact_list_tsv(FILE *out)
{
	fputs("name\ttype\tmax\tunit\twords\troom\tdatasets\trules\tinvariant\tmeaning\n", out);
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		const struct fact_info *f = &fact_table[i];
		fprintf(out, "%s\t%s\t%u\t%s\t", f->name, type_word(f->type), text_max(f), f->unit);
		words(out, f, " ");
		fprintf(out, "\t%s\t", room_word(f->room));
		datasets(out, f, " ");
		fprintf(out, "\t%s\t%s\t%s\n", for_rules(i) ? "yes" : "no", f->invariant ? "yes" : "no",
			f->meaning);
	}
}

/* The object that a section of the page is about: "event", or two names under mxwitness: "mxwitness.smtp"; empty for
 * a field in no object. */
static struct bytes section(unsigned fact)
{
	const char *name = fact_table[fact].name;
	size_t n = strcspn(name, ".");
	if (!name[n])
		n = 0;
	if (n == 9 && strncmp(name, "mxwitness", 9) == 0 && strchr(name + n + 1, '.'))
		n += 1 + strcspn(name + n + 1, ".");
	return (struct bytes){ (const uint8_t *)name, n };
}

static bool told(unsigned fact)
{
	for (unsigned i = 0; i < fact; i++)
		if (bytes_eq(section(i), section(fact)))
			return true;
	return false;
}

static void mdoc_one(FILE *out, unsigned i)
{
	const struct fact_info *f = &fact_table[i];
	fprintf(out, ".It Cm %s Pq ", f->name);
	type(out, f);
	fputs("; ", out);
	datasets(out, f, ", ");
	if (!for_rules(i))
		fputs("; not for rules", out);
	fputs(f->invariant ? "; invariant\n" : "\n", out);
	mdoc_text(out, f->meaning);
	if (!f->words)
		return;
	fputs(".br\nOne of\n", out);
	for (size_t w = 0; f->words[w]; w++)
		fprintf(out, ".Cm %s%s\n", f->words[w], f->words[w + 1] ? " ," : "");
}

void fact_list_mdoc(FILE *out)
{
	mdoc_head(out, "mxwitness rules fields --format mdoc", "mxwitness-fields", 7, "fields of the events of mxwitness");
	fputs(".Sh DESCRIPTION\n", out);
	mdoc_text(out, "Every field of an event, in the order of output, under the name that events, rules and their tests "
		  "use. Names that the Elastic Common Schema has are used as it means them; all others stand under "
		  "mxwitness. A field that is absent was not seen, which is not the same as false.");
	fputs(".Pp\n", out);
	mdoc_text(out, "Behind each name stands its type, its unit if it has one, and the events that hold it: session, "
		  "alert, stats or posture. Rules can test the fields of a session, or of a stats or posture event, that are known before rules are "
		  "evaluated; the others are marked as not for rules. A field marked invariant is the same for the same dialogue, "
		  "however it was cut into packets. In a name, [] marks a list of objects; rules leave it out.");
	fputs(".Sh EVENT FIELDS\n", out);
	for (unsigned first = 0; first < FACT_COUNT; first++) {
		struct bytes of = section(first);
		if (told(first))
			continue;
		size_t shown = of.n > 2 && of.p[of.n - 1] == ']' ? of.n - 2 : of.n;
		fprintf(out, ".Ss %.*s\n.Bl -tag -width Ds\n", of.n ? (int)shown : 6, of.n ? (const char *)of.p : "Events");
		for (unsigned i = first; i < FACT_COUNT; i++)
			if (bytes_eq(section(i), of))
				mdoc_one(out, i);
		fputs(".El\n", out);
	}
	fputs(".Sh SEE ALSO\n.Xr mxwitness 1 ,\n.Xr mxwitness-rules 5 ,\n.Xr mxwitness-findings 7\n", out);
}
