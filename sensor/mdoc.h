/* mdoc: text from rules and tables as lines of a manual page, so that no octet of it is taken for a macro. */
#ifndef MDOC_H
#define MDOC_H
#include <stdio.h>

/* What stands above every generated page: by is the command that made it, name and section those of the page. */
void mdoc_head(FILE *out, const char *by, const char *name, int section, const char *what);
/* Text lines: wrapped, one sentence never begins in the line where another ended. */
void mdoc_text(FILE *out, const char *text);
#endif
