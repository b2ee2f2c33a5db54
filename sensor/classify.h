/* classify: the name of a protocol that our own parsers do not know, by nDPI. It is advice: it may start the SMTP parser
 * on a port that nobody named, and it labels what a mail port carries instead of SMTP. It says nothing about encryption.
 *
 * One connection at a time, from its first octets alone, so that there is no state between two of them. */
#ifndef CLASSIFY_H
#define CLASSIFY_H
#include "wire/pipeline.h"

/* "nDPI 4.2", or NULL where the program was built without it. */
const char *classify_library(void);

struct classify;

/* Costs nothing yet: the library is started by the first question. NULL: built without it, or no memory. */
struct classify *classify_new(void);
void classify_free(struct classify *c);

/* The protocol's name in lower case, into name; how many octets, at most PIPELINE_NAME_MAX, 0: not known.
 * What the library allocates for the connection is bounded, wiped and freed before this returns. */
size_t classify_name(struct classify *c, const struct pipeline_look *look, uint8_t name[PIPELINE_NAME_MAX]);

/* Octets that the library holds now. */
size_t classify_memory(void);
#endif
