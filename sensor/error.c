/* error: see error.h. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>

bool error_set(struct error *e, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vsnprintf(e->text, sizeof(e->text), format, ap);
	va_end(ap);
	return false;
}
