/* fact_schema: the table of facts as a JSON Schema of events, and as an index template for Elasticsearch. */
#ifndef FACT_SCHEMA_H
#define FACT_SCHEMA_H
#include <stdio.h>

/* JSON Schema 2020-12 of one event: types, words and bounds of every field, what every event of a dataset has, and
 * nothing else under mxwitness. Outside it, fields that a pipeline adds are let be. */
void fact_schema(FILE *out);
/* An index template (composable, Elasticsearch 7.8 and later) for indices mxwitness-*. */
void fact_template(FILE *out);
#endif
