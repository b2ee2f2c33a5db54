/* record: one event's facts as one flat value: what the capture process hands to the judge (struct session of
 * the design), what the judge adds, and what the output writes. No pointers: a fact is a number in its slot, or a
 * reference into the record's own text. A record from another process is hostile until record_check said so.
 *
 * facts.def is the only list of facts. A fact that was not set is unseen, which is not the same as "no".
 * The slot of a fact holds
 *   T_TRI   0 no, 1 yes              T_NUM T_TIME (ns since 1970) T_DUR (ns)   the number
 *   T_ENUM  index into the words     T_STR T_HEX T_IP    octets in text (IP: 4 or 16)
 *   T_L...  a list: items in text, each with a 16-bit big-endian length in front; numbers and words are 8 octets,
 *           big-endian. Facts whose name holds "[]" are columns: equal index = one object of the array. */
#ifndef RECORD_H
#define RECORD_H
#include "bytes.h"
#include "packet.h"

enum fact_type { T_TRI, T_NUM, T_TIME, T_DUR, T_ENUM, T_STR, T_HEX, T_IP, T_LSTR, T_LNUM, T_LENUM, T_LHEX, T_LIP };
enum fact_room { ROOM_WIRE, ROOM_JUDGE, ROOM_EVENT };
enum { IN_SESSION = 1, IN_ALERT = 2, IN_STATS = 4, IN_POSTURE = 8 };

enum fact {
#define FACT(id, name, type, words, max, unit, room, sets, inv, meaning) F_##id,
#include "facts.def"
	FACT_COUNT
};

enum tri { TRI_UNSEEN, TRI_NO, TRI_YES };

/* Word lists of enumerations: verdict_words[] and so on, from words.def; enum verdict { VERDICT_unknown, ... }. */
#define WORDS(set) enum set {
#define WORD(set, c, text) set##_##c,
#define WORDS_END(set) set##_COUNT };
#include "words.def"
#undef WORDS
#undef WORD
#undef WORDS_END

struct fact_info {
	const char *name;          /* dotted, "[]" where objects repeat */
	uint16_t length;           /* of the name */
	enum fact_type type;
	const char *const *words;  /* NULL-terminated, of T_ENUM and T_LENUM */
	uint16_t max;              /* octets of a string or item; items of a list are at most RECORD_ITEMS */
	const char *unit;
	enum fact_room room;
	uint8_t sets;              /* IN_SESSION | IN_ALERT | IN_STATS | IN_POSTURE */
	bool invariant;            /* must not change when the same dialogue comes in other packets */
	const char *meaning;
};
extern const struct fact_info fact_table[FACT_COUNT];

enum { RECORD_TEXT = 14336, RECORD_ITEMS = 64 };

struct record {
	uint64_t seen[(FACT_COUNT + 63) / 64];
	union slot {
		int64_t num;
		struct ref { uint32_t off, n; } ref;
	} slot[FACT_COUNT];
	uint32_t used;             /* octets of text in use */
	uint32_t truncated;        /* 1: something was cut to fit */
	uint8_t text[RECORD_TEXT];
};

/* Octets of r that matter: copy this many to move a record. */
size_t record_size(const struct record *r);
/* Empty r: every fact unseen. */
void record_init(struct record *r);
/* Is this n-octet value from another process a possible record? References inside text, words inside their list,
 * lists well-formed, lengths within the table's bounds. */
bool record_check(const struct record *r, size_t n);

bool record_has(const struct record *r, enum fact f);
void record_unset(struct record *r, enum fact f);
/* Setters replace. Text that does not fit (max of the fact, or the record full) is cut and r->truncated set. */
void record_tri(struct record *r, enum fact f, enum tri v);    /* TRI_UNSEEN unsets */
void record_yes(struct record *r, enum fact f);
void record_num(struct record *r, enum fact f, int64_t v);     /* also T_TIME, T_DUR, T_ENUM */
void record_str(struct record *r, enum fact f, struct bytes b);/* T_STR, T_HEX, T_IP */
void record_cstr(struct record *r, enum fact f, const char *s);
void record_addr(struct record *r, enum fact f, const struct addr *a);
/* Append an item to a list (T_LSTR T_LHEX T_LIP; T_LNUM T_LENUM). A full list sets truncated. A list must be
 * appended to in one go when it is long: an append after other text moves the list to the end first. */
void record_add(struct record *r, enum fact f, struct bytes item);
void record_add_cstr(struct record *r, enum fact f, const char *s);
void record_add_num(struct record *r, enum fact f, int64_t v);

enum tri record_get_tri(const struct record *r, enum fact f);
/* The number, or fallback when unseen. */
int64_t record_get_num(const struct record *r, enum fact f, int64_t fallback);
/* A span into r; empty when unseen. */
struct bytes record_get_str(const struct record *r, enum fact f);
bool record_get_addr(const struct record *r, enum fact f, struct addr *out);
/* The item at *pos of a list (start with 0), moving *pos; false at its end. */
bool record_next(const struct record *r, enum fact f, size_t *pos, struct bytes *item);
/* The number in an item of T_LNUM or T_LENUM. */
int64_t record_item_num(struct bytes item);
/* Items in a list. */
size_t record_count(const struct record *r, enum fact f);
bool record_list_has(const struct record *r, enum fact f, struct bytes item); /* ASCII case folded */

/* The fact of that dotted name ("[]" left out as in rules), or FACT_COUNT. */
enum fact fact_by_name(struct bytes name);
/* The name nearest to a mistyped one, for error messages; NULL when none is near. */
const char *fact_suggest(struct bytes name);
/* Index of a word in a NULL-terminated list, or -1. */
int word_index(const char *const *words, struct bytes w);
#endif
