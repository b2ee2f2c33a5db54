/* error: what a function tells the operator when the machine or the operator is wrong: what, where, what to do. */
#ifndef ERROR_H
#define ERROR_H
#include <stdbool.h>

struct error {
	char text[512];
};

/* Writes the text, printf-style, cut to fit. Returns false, so that a caller may `return error_set(e, ...)`. */
bool error_set(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
#endif
