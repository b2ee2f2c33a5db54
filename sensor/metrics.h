/* metrics: a stats record as text for Prometheus, format 0.0.4. The names stand in metrics.def, and the manual page
 * mxwitness-metrics(7) is made of it. */
#ifndef METRICS_H
#define METRICS_H
#include <stdio.h>

#include "record.h"
#include "text.h"

/* METRICS_TEXT  octets that are enough for every record */
enum { METRICS_TEXT = 128 * 1024 };

/* Of the answer to a scrape. */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* metrics_render: all that stats knows; a metric that it does not know has no line. out->full: it did not fit.
 * stats  a stats event as vitals_update left it */
void metrics_render(const struct record *stats, struct text *out);

/* metrics_mdoc: the manual page. */
void metrics_mdoc(FILE *out);
#endif
