/* sts_line: what a visit came to, as a line for people or for programs. */
#ifndef STS_LINE_H
#define STS_LINE_H
#include "sts_visit.h"
#include "text.h"

enum { STS_LINE = 8192 };

/* sts_line: with its line end, to out, which wants STS_LINE octets. json: one object. */
void sts_line(const struct visit *v, bool json, struct text *out);
#endif
