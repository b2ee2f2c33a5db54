/* json_read: the members of one JSON object, one by one, as names with dots and their values as they stand there. Reads what
 * json.c writes, and any other object within its bounds. */
#ifndef JSON_READ_H
#define JSON_READ_H
#include "bytes.h"

enum { JSON_PATH = 192, JSON_DEPTH = 12 };

/* path   names joined by dots; an element of an array is its name and [N]
 * value  a string with its quotes, a number, true, false, null; an empty object or array: "{}", "[]" */
struct json_leaf {
	char path[JSON_PATH];
	struct bytes value;
};

/* level  what stands open: its end of the path, in an array the element that comes next (-1: an object), and whether it has any
 * bad    this is no JSON object, or deeper or longer than can be read */
struct json_walk {
	struct cur c;
	char path[JSON_PATH];
	struct { size_t path_n; int32_t next; bool any; } level[JSON_DEPTH];
	size_t depth, path_n;
	bool bad, begun;
};

void json_walk(struct json_walk *w, struct bytes text);
/* false: no more, or w->bad: also when anything but blanks stands behind the object. leaf borrows from the text. */
bool json_next(struct json_walk *w, struct json_leaf *leaf);
/* The octets of a value that is a string, which are never more than its text, in out. false: it is none, or longer than cap. */
bool json_text(struct bytes v, uint8_t *out, size_t cap, struct bytes *text);
#endif
