/* scalar: what a value of a YAML file is: a string, a number, true, null. */
#ifndef SCALAR_H
#define SCALAR_H
#include "yaml_tree.h"

/* By YAML's core schema; SCALAR_REFUSED where YAML 1.1 and 1.2 read it differently. */
enum scalar_type { SCALAR_STRING, SCALAR_NULL, SCALAR_TRUE, SCALAR_FALSE, SCALAR_INT, SCALAR_DECIMAL, SCALAR_REFUSED };

enum scalar_type scalar_type(const struct node *n);
/* The number of a SCALAR_INT: at most 18 digits and a sign. */
int64_t scalar_integer(struct bytes text);
/* RFC 3339 5.6 in UTC, as ns since 1970: 2026-11-25T07:24:01Z, with or without a fraction; 1677 to 2262.
 * false: it is none. */
bool scalar_moment(struct bytes t, int64_t *out);
#endif
